//! Subscribers that are slower than the publisher are told what they missed, exactly.

use std::thread;
use std::time::Duration;

use ringfence::RecvError;
use ringfence::broadcast::{Options, Resume, Start, Subscriber};

use crate::common::{Numbers, for_each_backing};
use crate::{PATIENCE, at, drain, join, lagged, numbers, publish, subscribe};

#[test]
fn a_subscriber_that_was_lapped_is_told_once_what_it_missed_and_goes_on_with_the_oldest_item() {
    for_each_backing(|backing| {
        for published in 5..30 {
            let ring = numbers(backing, 4, 0);
            let (mut tx, mut rx) = ring.ends();
            publish(&mut tx, 0..published);
            let missed = published - 4;
            assert_eq!(rx.try_recv(), Err(lagged(missed, missed)));
            assert_eq!((rx.position(), rx.last()), (at(missed), None));
            assert!(drain(&mut rx).into_iter().eq(missed..published));
            assert_eq!(rx.try_recv(), Err(RecvError::Empty));
        }
    });
}

#[test]
fn a_subscriber_that_resumes_with_the_newest_item_has_a_whole_lap_of_time() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 0);
        let (mut tx, mut rx) = ring.ends();
        rx.set_resume(Resume::Newest);
        publish(&mut tx, 0..10);
        assert_eq!(rx.try_recv(), Err(lagged(9, 9)));
        publish(&mut tx, 10..13);
        assert_eq!(drain(&mut rx), [9, 10, 11, 12]);
        rx.set_resume(Resume::Oldest);
        publish(&mut tx, 13..20);
        assert_eq!(rx.try_recv(), Err(lagged(3, 16)));
        assert_eq!(drain(&mut rx), [16, 17, 18, 19]);
    });
}

#[test]
fn a_subscriber_can_be_lapped_again_before_it_goes_on() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 0);
        let (mut tx, mut rx) = ring.ends();
        let mut missed = 0;
        for round in 0..50 {
            publish(&mut tx, 3 * round..3 * round + 3);
            match rx.try_recv() {
                Err(RecvError::Lagged { missed: more, resumed_at }) => {
                    missed += more;
                    assert_eq!(resumed_at, at(3 * round + 1));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(missed, 148);
        assert_eq!(drain(&mut rx), [148, 149]);
    });
}

/// Calls one of the verbs that receive; says how many items that were and how many were missed.
fn receive(rx: &mut Subscriber<u64>, numbers: &mut Numbers, next: &mut u64) -> Result<(u64, u64), RecvError> {
    let expected = *next;
    let received = match numbers.below(3) {
        0 => rx.try_recv().map(|value| vec![value]),
        1 => rx.recv().map(|value| vec![value]),
        _ => {
            let mut out = vec![0; 1 + numbers.below(6)];
            rx.try_recv_slice(&mut out).map(|count| out[..count].to_vec())
        }
    };
    match received {
        Ok(values) => {
            let count = values.len() as u64;
            assert!(values.into_iter().eq(expected..expected + count));
            *next += count;
            Ok((count, 0))
        }
        Err(RecvError::Lagged { missed, resumed_at }) => {
            *next += missed;
            assert_eq!((resumed_at, rx.position()), (at(*next), at(*next)));
            assert!(missed > 0);
            Ok((0, missed))
        }
        Err(error) => Err(error),
    }
}

#[test]
fn received_and_missed_items_add_up_to_those_published_whatever_the_calls() {
    for_each_backing(|backing| {
        for seed in 0..20 {
            let mut random = Numbers::from_seed(seed * 77 + 1);
            let ring = numbers(backing, 1 << (1 + random.below(4)), 0);
            let (mut tx, mut rx) = ring.ends();
            if random.below(2) == 0 {
                rx.set_resume(Resume::Newest);
            }
            let (mut published, mut received, mut missed, mut next) = (0, 0, 0, 0);
            for _ in 0..100 {
                let count = random.below(12) as u64;
                if random.below(2) == 0 {
                    publish(&mut tx, published..published + count);
                } else {
                    let values: Vec<u64> = (published..published + count).collect();
                    assert_eq!(tx.try_publish_slice(&values), Ok(values.len()));
                }
                published += count;
                for _ in 0..random.below(4) {
                    if next < published {
                        let (more, less) = receive(&mut rx, &mut random, &mut next).expect("an item");
                        received += more;
                        missed += less;
                    }
                }
            }
            while let Ok((more, less)) = {
                if next < published {
                    receive(&mut rx, &mut random, &mut next)
                } else {
                    Err(RecvError::Empty)
                }
            } {
                received += more;
                missed += less;
            }
            assert_eq!((received + missed, rx.try_recv()), (published, Err(RecvError::Empty)));
        }
    });
}

#[test]
fn received_and_missed_items_add_up_while_the_publisher_runs_free() {
    const ITEMS: u64 = 60_000;
    for_each_backing(|backing| {
        for (capacity, resume) in [(2, Resume::Oldest), (8, Resume::Newest), (64, Resume::Oldest)] {
            let ring = numbers(backing, capacity, 0);
            let mut tx = ring.publisher().expect("the role");
            thread::scope(|scope| {
                for me in 0..2 {
                    let mut rx = subscribe(&ring.opened_again(), Start::Newest);
                    rx.set_resume(resume);
                    scope.spawn(move || {
                        let (mut next, mut received, mut missed) = (0, 0, 0);
                        let mut random = Numbers::from_seed(me);
                        loop {
                            match receive(&mut rx, &mut random, &mut next) {
                                Ok((more, less)) => {
                                    received += more;
                                    missed += less;
                                }
                                Err(RecvError::Empty) => {}
                                Err(RecvError::Closed) => break,
                                Err(error) => panic!("{error}"),
                            }
                        }
                        assert_eq!((received + missed, next), (ITEMS, ITEMS));
                    });
                }
                for number in 0..ITEMS {
                    assert_eq!(tx.publish(number), Ok(at(number)));
                }
                tx.close();
            });
        }
    });
}

#[test]
fn bytes_are_received_whole_or_counted_as_missed_while_the_publisher_runs_free() {
    const ITEMS: u64 = 20_000;
    let bytes = |number: u64| -> Vec<u8> {
        let length = number as usize % 120;
        number.to_le_bytes().into_iter().cycle().take(8 + length).collect()
    };
    for_each_backing(|backing| {
        let ring = backing.create(Options::<[u8]>::new(4, 128));
        let (mut tx, mut rx) = ring.ends();
        thread::scope(|scope| {
            scope.spawn(move || {
                let (mut next, mut received, mut buffer) = (0, 0, Vec::new());
                loop {
                    match rx.recv_to(&mut buffer) {
                        Ok(length) => {
                            assert_eq!((length, &buffer), (buffer.len(), &bytes(next)));
                            next += 1;
                            received += 1;
                        }
                        Err(RecvError::Lagged { missed, .. }) => {
                            next += missed;
                            assert!(buffer.is_empty(), "no half of an item stays");
                        }
                        Err(RecvError::Closed) => break,
                        Err(error) => panic!("{error}"),
                    }
                }
                assert_eq!(next, ITEMS);
                println!("{received} of {ITEMS} items received");
            });
            for number in 0..ITEMS {
                tx.publish(&bytes(number)).expect("an open ring");
            }
            tx.close();
        });
    });
}

#[test]
fn a_gap_is_said_by_every_verb_that_receives() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 0);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = [(); 5].map(|()| subscribe(&ring, Start::Newest));
        publish(&mut tx, 0..5);
        assert_eq!(rx[0].try_recv(), Err(lagged(3, 3)));
        assert_eq!(rx[1].recv(), Err(lagged(3, 3)));
        assert_eq!(rx[2].recv_timeout(Duration::ZERO), Err(lagged(3, 3)));
        assert_eq!(rx[3].try_recv_slice(&mut [0; 9]), Err(lagged(3, 3)));
        assert_eq!(rx[4].recv_slice(&mut [0; 9]), Err(lagged(3, 3)));
        for rx in &mut rx {
            assert_eq!(rx.wait(Duration::ZERO), Ok(()));
            assert_eq!(drain(rx), [3, 4]);
        }
    });
}

#[test]
fn a_wait_ends_where_there_is_a_gap_to_tell_of() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..5);
        assert_eq!(rx.wait(Duration::ZERO), Ok(()));
        assert_eq!(rx.position(), at(0), "it moves nothing");
        assert_eq!(rx.recv(), Err(lagged(3, 3)));
    });
}

#[test]
fn a_gap_is_told_before_the_end_of_a_closed_ring() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 0);
        let (mut tx, mut rx) = ring.ends();
        publish(&mut tx, 0..5);
        tx.close();
        assert_eq!(rx.recv(), Err(lagged(3, 3)));
        assert_eq!((rx.recv(), rx.recv(), rx.recv()), (Ok(3), Ok(4), Err(RecvError::Closed)));
    });
}

#[test]
fn after_a_gap_there_is_no_last_delivery_of_either_kind_of_subscriber() {
    for_each_backing(|backing| {
        let options = Options::<u64>::new(2).gated(2).demote_after(Duration::ZERO);
        let ring = backing.create(options);
        let mut tx = ring.publisher().expect("the role");
        let mut lossy = [(); 2].map(|()| subscribe(&ring, Start::Newest));
        let mut gated = [(); 2].map(|()| join(&ring, Start::Newest));
        publish(&mut tx, 0..1);
        assert!(lossy.iter_mut().all(|it| it.try_recv() == Ok(0) && it.last().is_some()));
        assert!(gated.iter_mut().all(|it| it.try_recv() == Ok(0) && it.last().is_some()));
        for number in 1..20 {
            tx.publish_timeout(number, PATIENCE).expect("the gates are demoted");
        }
        assert_eq!((lossy[0].try_recv(), lossy[0].last()), (Err(lagged(17, 18)), None));
        assert_eq!((lossy[1].try_recv_slice(&mut [0; 2]), lossy[1].last()), (Err(lagged(17, 18)), None));
        assert_eq!((gated[0].try_recv(), gated[0].last()), (Err(lagged(17, 18)), None));
        assert_eq!((gated[1].try_read_ahead().err(), gated[1].last()), (Some(lagged(17, 18)), None));
        assert_eq!((lossy[0].try_recv(), lossy[0].last().map(|it| it.first)), (Ok(18), Some(at(18))));
        assert_eq!((gated[0].try_recv(), gated[0].last().map(|it| it.first)), (Ok(18), Some(at(18))));
    });
}
