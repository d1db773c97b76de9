//! A writer that waits for room gets it: a record of any length that a ring takes fits into the empty ring, wherever it
//! begins, and what a writer lacks is known to whoever waits for it.

use std::thread;
use std::time::Duration;

use ringfence::stream::{Options, Reader, Writer};
use ringfence::{Position, PushError};

use crate::common::{Backing, for_each_backing};
use crate::{TestRing, drain_records, elements, frame, record, records};

type Ends = (Writer<[u8]>, Reader<[u8]>);

/// An empty ring of `capacity` bytes whose next record begins at `offset`.
fn empty_at(backing: Backing, capacity: usize, offset: u64) -> (TestRing<[u8]>, Ends) {
    let ring = records(backing, capacity);
    let (mut tx, mut rx) = ring.ends();
    for _ in 0..offset / 8 {
        tx.try_push(b"").expect("room");
        drain_records(&mut rx);
    }
    assert_eq!((tx.position().to_bits(), ring.len()), (offset, 0));
    (ring, (tx, rx))
}

#[test]
fn a_record_of_any_length_fits_into_an_empty_ring_wherever_it_begins() {
    for capacity in [16, 32, 64, 128] {
        for offset in (0..capacity as u64).step_by(8) {
            for length in 0..=capacity / 2 - 8 {
                let (ring, (mut tx, mut rx)) = empty_at(Backing::Heap, capacity, offset);
                let bytes = record(offset, length);
                let position = tx.try_push(&bytes).expect("room in an empty ring");
                let in_one_piece = position.to_bits() % capacity as u64 + frame(length) <= capacity as u64;
                assert!(in_one_piece, "{length} bytes at {position} of {capacity}");
                assert_eq!(drain_records(&mut rx), [(bytes, false)]);
                assert!(ring.is_empty());
            }
        }
    }
}

#[test]
fn the_longest_record_fits_into_an_empty_ring_wherever_it_begins() {
    for_each_backing(|backing| {
        for capacity in [16, 64, 256, 4096] {
            let longest = capacity / 2 - 8;
            for offset in (0..capacity as u64).step_by(8) {
                let start = Position::from_bits(offset);
                let ring = backing.create(Options::<[u8]>::new(capacity).prefault(false).start_at(start));
                let (mut tx, mut rx) = ring.ends();
                for lap in 0..3 {
                    let bytes = record(lap, longest);
                    let claim = tx.try_claim(longest).expect("room in an empty ring");
                    drop(claim);
                    tx.try_push(&bytes).expect("room in an empty ring");
                    assert_eq!(drain_records(&mut rx), [(bytes, false)]);
                    // Longest records alone visit two places; this one moves them on.
                    tx.try_push(b"").expect("room in an empty ring");
                    assert_eq!(drain_records(&mut rx).len(), 1);
                }
            }
        }
    });
}

#[test]
fn every_pair_of_lengths_alternates_for_ever_without_getting_stuck() {
    for capacity in [32, 64] {
        for a in 0..=capacity / 2 - 8 {
            for b in 0..=capacity / 2 - 8 {
                let ring = records(Backing::Heap, capacity);
                let (mut tx, mut rx) = ring.ends();
                for lap in 0..2 * capacity as u64 / 8 {
                    for length in [a, b] {
                        let bytes = record(lap, length);
                        if tx.try_push(&bytes) == Err(PushError::Full) {
                            drain_records(&mut rx);
                            tx.try_push(&bytes).expect("room in an empty ring");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_small_record_goes_where_a_large_one_does_not() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        for text in ["1", "2", "3"] {
            tx.try_push(text.as_bytes()).expect("room");
        }
        assert_eq!(tx.try_push(&[0; 24]), Err(PushError::Full));
        assert_eq!(tx.try_push(&[0; 9]), Err(PushError::Full));
        tx.try_push(b"4").expect("room");
        assert_eq!(tx.try_push(b""), Err(PushError::Full));
        assert_eq!(drain_records(&mut rx).len(), 4);
    });
}

#[test]
fn a_doorbell_rings_when_there_is_as_much_room_as_the_last_call_lacked() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        let doorbell = tx.doorbell();
        assert!(doorbell.is_ready());
        for text in ["1", "2", "3", "4"] {
            tx.try_push(text.as_bytes()).expect("room");
        }
        assert_eq!(tx.try_push(&[0; 16]), Err(PushError::Full));
        let mut buffer = Vec::new();
        assert!(!doorbell.is_ready());
        rx.try_pop_to(&mut buffer).expect("a record");
        assert!(!doorbell.is_ready(), "16 bytes are free, 24 are needed");
        rx.try_pop_to(&mut buffer).expect("a record");
        assert!(doorbell.is_ready());
        tx.try_push(&[0; 16]).expect("the room that it rang for");

        // The rest of the memory counts where the record does not fit before its end.
        assert_eq!(tx.position().to_bits() % 64, 24);
        tx.try_push(b"").expect("room");
        drain_records(&mut rx);
        tx.try_push(&[0; 8]).expect("room");
        assert_eq!(tx.try_push(&[0; 24]).map(|it| it.to_bits() % 64), Ok(0));
        drain_records(&mut rx);
        assert!(doorbell.is_ready());
    });
}

#[test]
fn a_doorbell_counts_the_padding_that_the_last_call_lacked() {
    for_each_backing(|backing| {
        let (_ring, (mut tx, mut rx)) = empty_at(backing, 64, 40);
        tx.try_push(b"").expect("room");
        assert_eq!(tx.try_push(&[0; 24]).map(|it| it.to_bits()), Ok(64), "16 bytes of padding, and 32");
        let doorbell = tx.doorbell();
        assert_eq!(tx.try_push(&[0; 24]), Err(PushError::Full));
        assert!(!doorbell.is_ready());
        rx.try_pop_to(&mut Vec::new()).expect("a record");
        assert!(!doorbell.is_ready(), "16 bytes are free, 32 are needed");
        rx.try_pop_to(&mut Vec::new()).expect("a record");
        assert!(doorbell.is_ready());
        tx.try_push(&[0; 24]).expect("the room that it rang for");
    });
}

#[test]
fn the_doorbell_of_a_writer_that_lacked_nothing_yet_rings_when_there_is_room_wherever_the_ring_begins() {
    for_each_backing(|backing| {
        for start in [0, 1, 8, 1000, 1 << 40, (1 << 62) - 3] {
            let start = Position::from_bits(start);
            let ring = backing.create(Options::<u64>::new(8).start_at(start));
            let (mut tx, mut rx) = ring.ends();
            tx.try_push_slice(&[1, 2, 3, 4, 5, 6, 7]).expect("room");
            assert!(tx.doorbell().is_ready(), "{start}");
            tx.try_push(8).expect("room");
            assert!(!tx.doorbell().is_ready(), "{start}");
            rx.try_pop().expect("an element");
            assert!(tx.doorbell().is_ready(), "{start}");
            drop(tx);
            let tx = ring.writer().expect("the role");
            assert!(tx.doorbell().is_ready(), "{start}");
        }
        for start in [0, 8, 1000, (1 << 62) - 8] {
            let ring = backing.create(Options::<[u8]>::new(64).start_at(Position::from_bits(start)));
            let (mut tx, _rx) = ring.ends();
            for _ in 0..7 {
                tx.try_push(b"").expect("room");
            }
            assert!(tx.doorbell().is_ready(), "{start}");
            tx.try_push(b"").expect("room");
            assert!(!tx.doorbell().is_ready(), "{start}");
        }
    });
}

#[test]
fn a_writer_that_lacks_room_for_a_large_record_waits_through_small_releases() {
    for_each_backing(|backing| {
        let ring = records(backing, 1024);
        let (mut tx, mut rx) = ring.ends();
        for _ in 0..64 {
            tx.try_push(b"12345678").expect("room");
        }
        assert_eq!(tx.push_timeout(&[9; 400], Duration::from_millis(1)), Err(PushError::Timeout));
        thread::scope(|scope| {
            let pushing = scope.spawn(|| {
                for form in 0..3 {
                    let bytes = [form; 400];
                    match form {
                        0 => tx.push(&bytes).expect("room comes"),
                        1 => tx.push_vectored(&[std::io::IoSlice::new(&bytes)]).expect("room comes"),
                        _ => {
                            let mut claim = tx.claim(400).expect("room comes");
                            claim.append(&bytes).expect("it fits");
                            claim.commit().expect("a commit")
                        }
                    };
                }
            });
            let mut buffer = Vec::new();
            for number in 0..64 {
                rx.pop_to(&mut buffer).expect("a record comes");
                assert_eq!(buffer, b"12345678");
                if number % 8 == 0 {
                    thread::sleep(Duration::from_millis(2));
                }
            }
            for form in 0..3 {
                rx.pop_to(&mut buffer).expect("a record comes");
                assert_eq!(buffer, [form; 400]);
            }
            pushing.join().expect("no panic");
        });
    });
}

#[test]
fn a_writer_of_elements_lacks_one_place_at_most() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push_slice(&[0; 8]).expect("room");
        assert_eq!(tx.try_push_slice(&[1; 5]), Err(PushError::Full));
        assert_eq!(tx.try_claim_slice(5).err(), Some(PushError::Full));
        assert!(!tx.doorbell().is_ready());
        rx.try_pop().expect("an element");
        assert!(tx.doorbell().is_ready());
        assert_eq!(tx.try_push_slice(&[1; 5]), Ok(1));
    });
}
