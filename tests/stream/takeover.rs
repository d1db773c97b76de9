//! What is left when participants die, and how their successors go on. The dead are copies here: the bytes of a ring in
//! use, under a name whose locks nobody holds, are what a crash at that moment leaves.

use std::mem::forget;

use ringfence::stream::{Options, Reader};
use ringfence::{Position, Presence, PushError};

use crate::common::{Backing, words};
use crate::{TestRing, drain, drain_records, elements, records};

fn crashed<P: ringfence::Payload + ?Sized>(ring: &TestRing<P>) -> TestRing<P> {
    ring.as_after_a_crash().expect("a ring in shared memory")
}

#[test]
fn participants_that_died_are_known_to_have_died() {
    let ring = elements::<u64>(Backing::Shm, 4);
    let (_tx, _rx) = ring.ends();
    let crashed = crashed(&ring);
    for state in [crashed.writer_state(), crashed.reader_state()] {
        assert_eq!((state.state, state.epoch), (Presence::Died, 1));
    }
    let (tx, rx) = crashed.ends();
    for state in [tx.peer(), rx.peer()] {
        assert_eq!((state.state, state.epoch), (Presence::Present, 2));
    }
    assert!(crashed.participants().iter().all(|it| it.repairs == 1 && it.repairer.is_none()));
}

#[test]
fn elements_that_were_committed_survive_and_those_that_were_not_are_gone() {
    let ring = elements::<u64>(Backing::Shm, 4);
    let (mut tx, mut rx) = ring.ends();
    for round in 0..10 {
        let first = 3 * round;
        assert_eq!(tx.try_push_slice(&[first, first + 1]), Ok(2));
        let mut claim = tx.try_claim_slice(2).expect("room");
        claim.extend([u64::MAX; 2]);
        forget(claim);
        let crashed = crashed(&ring);
        let mut next = crashed.writer().expect("the role");
        assert_eq!(next.position(), tx.position());
        assert_eq!((next.try_push_slice(&[first + 2, 0, 0]), crashed.len()), (Ok(2), 4));
        let flags = drain(&mut crashed.reader().expect("the role"));
        assert_eq!(flags, [first, first + 1, first + 2, 0].map(|it| (it, false)));
        tx.try_push(first + 2).expect("room");
        rx.try_pop_slice(&mut [0; 4]).expect("elements");
    }
}

#[test]
fn records_that_were_committed_survive_and_those_that_were_not_are_gone() {
    let ring = records(Backing::Shm, 64);
    let (mut tx, mut rx) = ring.ends();
    for round in 0..20_u8 {
        tx.try_push(&[round; 5]).expect("room");
        let mut claim = tx.try_claim(20).expect("room");
        claim.append(&[0xff; 20]).expect("it fits");
        forget(claim);
        let crashed = crashed(&ring);
        let mut next = crashed.writer().expect("the role");
        assert_eq!(next.position(), tx.position());
        next.try_push(&[round; 7]).expect("room");
        let flags = drain_records(&mut crashed.reader().expect("the role"));
        assert_eq!(flags, [(vec![round; 5], false), (vec![round; 7], false)]);
        drain_records(&mut rx);
    }
}

#[test]
fn everything_that_a_dead_reader_had_in_hand_is_flagged_and_nothing_else() {
    type Look = fn(&mut Reader<u64>, usize);
    let looks: [Look; 2] = [
        |rx, count| drop(rx.try_read_slice(count).expect("elements")),
        |rx, count| {
            for _ in 0..count {
                rx.try_read_ahead().expect("an element");
            }
            rx.rewind();
        },
    ];
    for looked_at in 0..=4 {
        for look in looks {
            let ring = elements::<u64>(Backing::Shm, 4);
            let (mut tx, mut rx) = ring.ends();
            tx.try_push_slice(&[0, 1, 2, 3]).expect("room");
            if looked_at > 0 {
                look(&mut rx, looked_at);
            }
            let expected: Vec<_> = (0..4).map(|value| (value, (value as usize) < looked_at)).collect();
            assert_eq!(drain(&mut crashed(&ring).reader().expect("the role")), expected);
        }
    }
}

#[test]
fn every_record_that_a_dead_reader_had_in_hand_is_flagged_and_no_other_one() {
    type Look = fn(&mut Reader<[u8]>, usize);
    let looks: [Look; 2] = [
        |rx, count| drop(rx.try_read_batch(count).expect("records")),
        |rx, count| {
            for _ in 0..count {
                rx.try_read_ahead_to(&mut Vec::new()).expect("a record");
            }
        },
    ];
    for looked_at in 0..=3 {
        for look in looks {
            let ring = records(Backing::Shm, 64);
            let (mut tx, mut rx) = ring.ends();
            for lap in 0..8_u8 {
                for number in 0..3 {
                    tx.try_push(&[lap, number]).expect("room");
                }
                if looked_at > 0 {
                    look(&mut rx, looked_at);
                }
                let expected: Vec<_> =
                    (0..3).map(|it| (vec![lap, it], usize::from(it) < looked_at)).collect();
                assert_eq!(drain_records(&mut crashed(&ring).reader().expect("the role")), expected);
                drain_records(&mut rx);
                tx.try_push(b"").expect("room");
                drain_records(&mut rx);
            }
        }
    }
}

#[test]
fn what_a_dead_reader_released_does_not_come_again() {
    let ring = elements::<u64>(Backing::Shm, 8);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push_slice(&[0, 1, 2, 3, 4, 5, 6, 7]).expect("room");
    rx.try_pop().expect("an element");
    rx.try_read_slice(4).expect("elements").release_first(2);
    let items = [(); 3].map(|()| rx.try_read_ahead().expect("an element"));
    rx.release_through(items[1].position).expect("it was read");
    let flags = drain(&mut crashed(&ring).reader().expect("the role"));
    assert_eq!(flags, [(5, true), (6, false), (7, false)]);
}

#[test]
fn the_flags_survive_a_second_death_and_a_repair_by_a_third_party() {
    let ring = elements::<u64>(Backing::Shm, 8);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push_slice(&[0, 1, 2, 3]).expect("room");
    drop(rx.try_read_slice(3).expect("elements"));
    let once = crashed(&ring);
    let _rx = once.reader().expect("the role");
    let twice = crashed(&once);
    let report = twice.repair().expect("nobody is in the way");
    assert_eq!(report.repaired.iter().map(|it| it.index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(twice.repair().expect("nobody is in the way").repaired.len(), 0, "once is enough");
    assert_eq!(twice.reader_state().state, Presence::Died, "until somebody takes its place");
    let flags = drain(&mut twice.reader().expect("the role"));
    assert_eq!(flags, [(0, true), (1, true), (2, true), (3, false)]);
}

#[test]
fn a_full_ring_is_full_for_a_dead_writers_successor() {
    let ring = records(Backing::Shm, 64);
    let (mut tx, _rx) = ring.ends();
    tx.try_push(&[1; 24]).expect("room");
    tx.try_push(&[2; 20]).expect("room");
    let crashed = crashed(&ring);
    let (mut tx, mut rx) = crashed.ends();
    assert_eq!(tx.try_push(b""), Err(PushError::Full));
    assert_eq!(drain_records(&mut rx), [(vec![1; 24], false), (vec![2; 20], false)]);
    tx.try_push(b"room").expect("room");
}

#[test]
fn a_writer_that_died_before_its_commit_has_pushed_neither_padding_nor_record() {
    let ring = records(Backing::Shm, 64);
    let (mut tx, mut rx) = ring.ends();
    tx.try_push(&[0; 8]).expect("room");
    tx.try_push(&[0; 24]).expect("room");
    drain_records(&mut rx);
    let before = tx.position().to_bits();
    tx.try_push(&[7; 24]).expect("room behind 16 bytes of padding");
    // Both frames are written, the cursor is not.
    let crashed = crashed(&ring);
    crashed.poke(words::TAIL, before);
    let (mut tx, mut rx) = crashed.ends();
    assert_eq!((tx.position().to_bits(), crashed.len()), (before, 0));
    tx.try_push(&[8; 8]).expect("room");
    assert_eq!(drain_records(&mut rx), [(vec![8; 8], false)]);
}

#[test]
fn a_dead_writer_of_a_ring_that_a_third_party_closed_is_its_end() {
    let ring = elements::<u64>(Backing::Shm, 4);
    let (mut tx, _rx) = ring.ends();
    tx.try_push(1).expect("room");
    ring.close();
    let crashed = crashed(&ring);
    let mut rx = crashed.reader().expect("the role");
    assert_eq!(rx.try_pop(), Ok(1));
    assert_eq!(rx.try_pop(), Err(ringfence::PopError::Closed));
}

#[test]
fn a_ring_of_records_survives_its_participants_across_the_wrap() {
    let start = Position::from_bits((1 << 62) - 64);
    let mut ring = Backing::Shm.create(Options::<[u8]>::new(64).start_at(start));
    for number in 0..20_u8 {
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(&[number; 13]).expect("room");
        assert_eq!(rx.try_read().expect("a record").to_vec(), [number; 13]);
        let crashed = crashed(&ring);
        assert_eq!(drain_records(&mut crashed.reader().expect("the role")), [(vec![number; 13], true)]);
        ring = crashed;
    }
}
