//! One item in, one item out at each subscriber: order, positions, and what the ring says of itself.

use ringfence::broadcast::{Options, Start};
use ringfence::{AttachError, Position, Presence, RecvError, Role};

use crate::common::for_each_backing;
use crate::{at, drain, drain_gated, join, numbers, publish, subscribe};

#[test]
fn every_subscriber_receives_every_item_in_order() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8, 2);
        let mut tx = ring.publisher().expect("the role");
        let mut lossy = [(); 3].map(|()| subscribe(&ring.opened_again(), Start::Newest));
        let mut gated = [(); 2].map(|()| join(&ring.opened_again(), Start::Newest));
        let mut published = 0;
        for round in 0..300 {
            let end = published + round % 8 + 1;
            publish(&mut tx, published..end);
            for rx in &mut lossy {
                assert!(drain(rx).into_iter().eq(published..end));
                assert_eq!(rx.try_recv(), Err(RecvError::Empty));
            }
            for rx in &mut gated {
                assert!(drain_gated(rx).into_iter().eq((published..end).map(|it| (it, false))));
                assert_eq!(rx.try_recv(), Err(RecvError::Empty));
            }
            published = end;
        }
    });
}

#[test]
fn a_ring_without_gates_is_never_full() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 0);
        let mut tx = ring.publisher().expect("the role");
        let _rx = subscribe(&ring, Start::Newest);
        for number in 0..1000 {
            assert_eq!(tx.try_publish(number), Ok(at(number)));
        }
        assert_eq!(tx.try_publish_slice(&[0; 1000]), Ok(1000));
        assert!(tx.publish_or_drop(0));
        assert_eq!(tx.position(), at(2001));
        assert_eq!(ring.blocked_on(), None);
        assert!(ring.gates().is_empty());
    });
}

#[test]
fn positions_number_the_items_from_the_start_of_the_ring() {
    for_each_backing(|backing| {
        let start = at(1000);
        let ring = backing.create(Options::<u64>::new(4).gated(1).start_at(start));
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        assert_eq!((tx.position(), lossy.position(), gated.position()), (start, start, start));
        assert_eq!((lossy.last(), gated.last()), (None, None));
        for step in 0..20 {
            let position = tx.try_publish(step).expect("room");
            assert_eq!(position.since(start), step as i64);
            assert_eq!(tx.position(), position.next());
            assert_eq!((lossy.position(), gated.position()), (position, position));
            assert_eq!((lossy.try_recv(), gated.try_recv()), (Ok(step), Ok(step)));
            for last in [lossy.last(), gated.last()] {
                let last = last.expect("a delivery");
                assert_eq!((last.first, last.len, last.redelivered), (position, 1, false));
            }
        }
    });
}

#[test]
fn a_fruitless_call_leaves_the_last_delivery_as_it_was() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        publish(&mut tx, 0..1);
        lossy.try_recv().expect("an item");
        gated.try_recv().expect("an item");
        let last = (lossy.last(), gated.last());
        assert_eq!((lossy.try_recv(), gated.try_recv()), (Err(RecvError::Empty), Err(RecvError::Empty)));
        assert_eq!((lossy.last(), gated.last()), last);
    });
}

#[test]
fn batches_arrive_whole_and_in_order_whatever_their_sizes() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8, 1);
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        let mut next = 0;
        for (published, taken) in (1..=8).flat_map(|published| (1..=9).map(move |taken| (published, taken))) {
            let values: Vec<u64> = (next..next + published).collect();
            assert_eq!(tx.try_publish_slice(&values), Ok(values.len()));
            let (mut from_lossy, mut from_gated) = (Vec::new(), Vec::new());
            let mut out = vec![u64::MAX; taken];
            while let Ok(count) = lossy.try_recv_slice(&mut out) {
                let last = lossy.last().expect("a delivery");
                assert_eq!((last.first, last.len), (at(next + from_lossy.len() as u64), count));
                from_lossy.extend_from_slice(&out[..count]);
            }
            while let Ok(count) = gated.try_recv_slice(&mut out) {
                let last = gated.last().expect("a delivery");
                assert_eq!((last.first, last.len), (at(next + from_gated.len() as u64), count));
                from_gated.extend_from_slice(&out[..count]);
            }
            assert_eq!((from_lossy, from_gated), (values.clone(), values));
            next += published;
        }
    });
}

#[test]
fn an_empty_batch_is_received_and_published_at_once() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        assert_eq!((tx.try_publish_slice(&[]), tx.publish_slice(&[])), (Ok(0), Ok(0)));
        assert_eq!((lossy.try_recv_slice(&mut []), gated.try_recv_slice(&mut [])), (Ok(0), Ok(0)));
        assert_eq!((lossy.recv_slice(&mut []), gated.recv_slice(&mut [])), (Ok(0), Ok(0)));
        assert_eq!((lossy.last(), gated.last()), (None, None));
    });
}

#[test]
fn the_capacity_is_rounded_up_to_a_power_of_two_and_all_of_it_can_be_used() {
    for_each_backing(|backing| {
        for (asked, real) in [(2, 2), (3, 4), (4, 4), (5, 8), (1000, 1024), (1024, 1024)] {
            let ring = numbers(backing, asked, 1);
            let mut tx = ring.publisher().expect("the role");
            let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
            assert_eq!([ring.capacity(), tx.capacity(), lossy.capacity(), gated.capacity()], [real; 4]);
            publish(&mut tx, 0..real as u64);
            tx.try_publish(0).expect_err("the gate is a whole capacity behind");
            assert!(drain(&mut lossy).into_iter().eq(0..real as u64));
            assert_eq!(drain_gated(&mut gated).len(), real);
        }
    });
}

#[test]
fn the_length_and_the_positions_are_of_what_is_not_overwritten() {
    for_each_backing(|backing| {
        for start in [at(0), at(1000), at((1 << 62) - 6)] {
            let ring = backing.create(Options::<u64>::new(4).start_at(start));
            let again = ring.opened_again();
            let mut tx = ring.publisher().expect("the role");
            assert_eq!((ring.len(), again.is_empty(), again.positions()), (0, true, (start, start)));
            for count in 1..=20 {
                let last = tx.try_publish(count).expect("room");
                let len = count.min(4);
                assert_eq!((ring.len(), again.len(), ring.is_empty()), (len as usize, len as usize, false));
                let oldest = Position::from_bits(last.next().to_bits().wrapping_sub(len));
                assert_eq!(again.positions(), (oldest, tx.position()));
                assert_eq!(subscribe(&again, Start::Oldest).position(), oldest);
            }
        }
    });
}

#[test]
fn the_bytes_of_a_ring_hold_all_its_slots_and_gates() {
    for_each_backing(|backing| {
        let bytes = |gates| backing.create(Options::<[u8]>::new(64, 4096).gated(gates)).bytes();
        assert!(bytes(0) >= 64 * 4096);
        assert!(bytes(1000) + 4096 >= bytes(0) + 1000 * 384);
        assert_eq!(backing.create(Options::<[u8; 4096]>::new(64)).max_len(), 4096);
    });
}

#[test]
fn any_number_of_subscribers_takes_no_entry_and_changes_no_byte_of_the_ring() {
    let ring = numbers(crate::Backing::Shm, 64, 0);
    let mut tx = ring.publisher().expect("the role");
    publish(&mut tx, 0..10);
    let before = ring.image();
    let mut subscribers: Vec<_> = (0..1000).map(|_| subscribe(&ring, Start::Oldest)).collect();
    for rx in &mut subscribers {
        assert!(drain(rx).into_iter().eq(0..10));
        assert_eq!(rx.try_recv(), Err(RecvError::Empty));
        assert_eq!(rx.latest(), Ok(9));
    }
    drop(subscribers);
    assert!(ring.image() == before);
    let roles: Vec<_> = ring.participants().iter().map(|it| it.role).collect();
    assert_eq!(roles, [Some(Role::Publisher)]);
}

#[test]
fn there_is_one_publisher_at_a_time_and_its_successor_goes_on_behind_it() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 0);
        let mut rx = subscribe(&ring, Start::Newest);
        assert_eq!(rx.peer().state, Presence::Absent);
        for round in 0..5 {
            let mut tx = ring.opened_again().publisher().expect("the role");
            assert!(matches!(ring.publisher(), Err(AttachError::RoleTaken { .. })));
            assert_eq!(tx.position(), at(3 * round));
            publish(&mut tx, 3 * round..3 * round + 3);
            assert_eq!((rx.peer().state, rx.peer().epoch), (Presence::Present, round + 1));
            drop(tx);
            assert_eq!((ring.publisher_state().state, rx.peer().state), (Presence::Left, Presence::Left));
            assert!(drain(&mut rx).into_iter().eq(3 * round..3 * round + 3));
        }
    });
}

#[test]
fn a_standby_takes_the_role_when_it_is_free() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 0);
        let mut tx = ring.publisher().expect("the role");
        publish(&mut tx, 0..3);
        std::thread::scope(|scope| {
            let standing_by = scope.spawn(|| ring.opened_again().publisher_standby().expect("the role"));
            drop(tx);
            assert_eq!(standing_by.join().expect("no panic").position(), at(3));
        });
    });
}

#[test]
fn two_rings_do_not_touch_each_other() {
    for_each_backing(|backing| {
        let rings = [numbers(backing, 4, 0), numbers(backing, 4, 0)];
        let mut ends = rings.each_ref().map(|ring| ring.ends());
        for step in 0..100 {
            for (number, (tx, _)) in (0..).zip(&mut ends) {
                publish(tx, step * 2 + number..step * 2 + number + 1);
            }
            for (number, (_, rx)) in (0..).zip(&mut ends) {
                assert_eq!(drain(rx), [step * 2 + number]);
            }
        }
    });
}

#[test]
fn handles_keep_a_ring_alive_that_nobody_else_has() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let (mut tx, mut lossy) = ring.ends();
        let mut gated = join(&ring.opened_again(), Start::Newest);
        drop(ring);
        publish(&mut tx, 0..1);
        assert_eq!((lossy.try_recv(), gated.try_recv()), (Ok(0), Ok(0)));
    });
}
