//! Records: byte strings of any length up to half the ring, each in one piece.

use std::io::{IoSlice, Read};
use std::mem::forget;

use ringfence::{PopError, PushError};

use crate::common::for_each_backing;
use crate::{drain_records, frame, record, records};

#[test]
fn records_of_every_length_arrive_whole() {
    for_each_backing(|backing| {
        for capacity in [16, 32, 64, 128, 1024] {
            let ring = records(backing, capacity);
            let (mut tx, mut rx) = ring.ends();
            let longest = capacity / 2 - 8;
            assert_eq!((ring.max_len(), tx.max_len(), rx.max_len()), (longest, longest, longest));
            let mut buffer = b"whatever was there".to_vec();
            for length in 0..=longest {
                let bytes = record(length as u64, length);
                assert_eq!(tx.try_push(&bytes).map(|_| ()), Ok(()), "{length} of {longest}");
                assert_eq!(rx.try_pop_to(&mut buffer), Ok(length));
                assert_eq!(buffer, bytes);
            }
        }
    });
}

#[test]
fn a_record_that_is_too_long_is_refused_with_both_lengths() {
    for_each_backing(|backing| {
        for capacity in [16, 32, 64, 4096] {
            let ring = records(backing, capacity);
            let (mut tx, mut rx) = ring.ends();
            let max = capacity / 2 - 8;
            for len in [max + 1, max + 8, max + 9, capacity, capacity + 1, 10 * capacity] {
                let refusal = PushError::TooLong { len: len as u32, max: max as u32 };
                let bytes = vec![0; len];
                assert_eq!(tx.try_push(&bytes), Err(refusal));
                assert_eq!(tx.push(&bytes), Err(refusal));
                assert_eq!(tx.push_timeout(&bytes, std::time::Duration::ZERO), Err(refusal));
                assert_eq!(tx.try_push_vectored(&[IoSlice::new(&bytes)]), Err(refusal));
                assert!(refusal.to_string().contains(&len.to_string()), "{refusal}");
            }
            assert_eq!(rx.try_read().err(), Some(PopError::Empty));
        }
    });
}

#[test]
fn a_record_takes_eight_bytes_and_its_length_rounded_up_to_eight() {
    for_each_backing(|backing| {
        let ring = records(backing, 1024);
        let (mut tx, mut rx) = ring.ends();
        let mut at = 0;
        for length in [0, 1, 7, 8, 9, 15, 16, 17, 100] {
            assert_eq!(tx.try_push(&vec![1; length]).map(|it| it.to_bits()), Ok(at));
            at += frame(length);
            assert_eq!((ring.len() as u64, tx.position().to_bits()), (at, at));
        }
        let mut buffer = Vec::new();
        at = 0;
        for length in [0, 1, 7, 8, 9, 15, 16, 17, 100] {
            assert_eq!(rx.position().to_bits(), at);
            assert_eq!(rx.try_pop_to(&mut buffer), Ok(length));
            let last = rx.last().expect("a delivery");
            assert_eq!((last.first.to_bits(), last.len, last.redelivered), (at, 1, false));
            at += frame(length);
        }
        assert!(ring.is_empty());
    });
}

#[test]
fn a_record_that_does_not_fit_before_the_end_of_the_memory_goes_to_its_start() {
    for_each_backing(|backing| {
        for left in [8, 16, 24] {
            let ring = records(backing, 64);
            let (mut tx, mut rx) = ring.ends();
            tx.try_push(&[1; 16]).expect("room");
            tx.try_push(&vec![2; 64 - left - 24 - 8]).expect("room");
            assert_eq!(tx.position().to_bits(), 64 - left as u64);
            assert_eq!(drain_records(&mut rx).len(), 2);

            assert_eq!(tx.try_push(&[3; 24]).map(|it| it.to_bits()), Ok(64));
            assert_eq!(ring.len(), left + 32);
            let read = rx.try_read().expect("a record");
            assert_eq!((read.position().to_bits(), read.to_vec()), (64, vec![3; 24]));
            assert_eq!(rx.position().to_bits(), 64 - left as u64, "the padding is released with the record");
            rx.try_read().expect("a record").release();
            assert_eq!((ring.len(), rx.position().to_bits()), (0, 96));
        }
    });
}

#[test]
fn a_record_that_ends_with_the_memory_needs_no_padding() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..5 {
            assert_eq!(tx.try_push(&[1; 24]).map(|it| it.to_bits()), Ok(64 * lap));
            assert_eq!(tx.try_push(&[2; 23]).map(|it| it.to_bits()), Ok(64 * lap + 32));
            assert_eq!((tx.try_push(b""), ring.len()), (Err(PushError::Full), 64));
            assert_eq!(drain_records(&mut rx), [(vec![1; 24], false), (vec![2; 23], false)]);
        }
    });
}

#[test]
fn a_record_of_nothing_is_a_record() {
    for_each_backing(|backing| {
        let ring = records(backing, 16);
        let (mut tx, mut rx) = ring.ends();
        for _ in 0..5 {
            tx.try_push(b"").expect("room");
            tx.try_push_vectored(&[]).expect("room");
            assert_eq!(tx.try_push(b""), Err(PushError::Full));
            let read = rx.try_read().expect("a record");
            assert_eq!((read.len(), read.is_empty(), read.to_vec()), (0, true, vec![]));
            // SAFETY: the writer of this test writes nothing while the borrow lives.
            assert!(unsafe { read.trusted() }.is_empty());
            read.release();
            let mut buffer = b"kept?".to_vec();
            assert_eq!((rx.try_pop_to(&mut buffer), buffer), (Ok(0), vec![]));
            assert_eq!(rx.try_pop_to(&mut Vec::new()), Err(PopError::Empty));
        }
    });
}

#[test]
fn parts_become_one_record() {
    for_each_backing(|backing| {
        let ring = records(backing, 128);
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..40 {
            let bytes = record(lap, lap as usize);
            let (a, rest) = bytes.split_at(bytes.len() / 3);
            let (b, c) = rest.split_at(rest.len() / 2);
            let parts = [a, b, &[], c].map(IoSlice::new);
            match lap % 3 {
                0 => tx.try_push_vectored(&parts),
                1 => tx.push_vectored(&parts),
                _ => tx.push_vectored_timeout(&parts, std::time::Duration::ZERO),
            }
            .expect("room");
            assert_eq!(drain_records(&mut rx), [(bytes, false)]);
        }
        let half = [0; 30];
        let refusal = PushError::TooLong { len: 60, max: 56 };
        assert_eq!(tx.push_vectored(&[IoSlice::new(&half), IoSlice::new(&half)]), Err(refusal));
    });
}

#[test]
fn a_buffer_that_nothing_was_popped_into_is_left_as_it_was() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        let mut buffer = b"kept".to_vec();
        assert_eq!(rx.try_pop_to(&mut buffer), Err(PopError::Empty));
        assert_eq!(rx.try_read_ahead_to(&mut buffer), Err(PopError::Empty));
        tx.close();
        assert_eq!(rx.pop_to(&mut buffer), Err(PopError::Closed));
        assert_eq!((rx.last(), buffer), (None, b"kept".to_vec()));
    });
}

#[test]
fn a_record_is_looked_at_in_every_form() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..10 {
            let bytes = record(lap, 20);
            tx.try_push(&bytes).expect("room");
            let read = rx.try_read().expect("a record");
            assert_eq!((read.len(), read.is_empty(), read.redelivered()), (20, false, false));
            let mut out = [0; 30];
            assert_eq!((read.copy_to(&mut out), &out[..20], &out[20..]), (20, &bytes[..], &[0; 10][..]));
            assert_eq!(read.copy_to(&mut out[..7]), 7);
            let mut buffer = b"in front ".to_vec();
            read.append_to(&mut buffer);
            assert_eq!((&buffer[..9], &buffer[9..]), (&b"in front "[..], &bytes[..]));
            // SAFETY: the writer of this test writes nothing while the borrow lives.
            assert_eq!(unsafe { read.trusted() }, bytes);
            let (mut pipe, end) = std::io::pipe().expect("a pipe");
            assert_eq!(read.write_to(&end).expect("a write"), 20);
            let mut written = [0; 20];
            pipe.read_exact(&mut written).expect("what was written");
            assert_eq!(written[..], bytes);
            read.release();
            assert_eq!(rx.try_read().err(), Some(PopError::Empty));
        }
    });
}

#[test]
fn a_record_that_was_not_released_is_read_again_flagged() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..20_u8 {
            tx.try_push(&[lap; 5]).expect("room");
            tx.try_push(&[lap; 6]).expect("room");
            assert!(!rx.try_read().expect("a record").redelivered());
            forget(rx.try_read().expect("a record"));
            let read = rx.try_read().expect("a record");
            assert_eq!((read.to_vec(), read.redelivered()), (vec![lap; 5], true));
            assert_eq!(drain_records(&mut rx), [(vec![lap; 5], true), (vec![lap; 6], false)]);
        }
    });
}

#[test]
fn a_batch_shows_the_oldest_records_across_the_end_of_the_memory() {
    for_each_backing(|backing| {
        let ring = records(backing, 128);
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..30_u8 {
            let lengths = [3, 20, 0, 9];
            let positions = lengths.map(|length| tx.try_push(&vec![lap; length]).expect("room"));
            assert_eq!(rx.try_read_batch(0).expect("a record").len(), 1);
            let batch = rx.try_read_batch(1).expect("a record");
            assert_eq!((batch.len(), batch.redelivered()), (1, true));
            batch.release();
            let batch = rx.try_read_batch(100).expect("records");
            assert_eq!((batch.len(), batch.redelivered()), (3, false));
            assert!(batch.iter().map(|it| it.to_vec()).eq(lengths[1..].iter().map(|it| vec![lap; *it])));
            assert!(batch.iter().map(|it| it.position()).eq(positions[1..].iter().copied()));
            assert!(batch.iter().rev().map(|it| it.len()).eq([9, 0, 20]));
            assert_eq!((batch.iter().len(), batch.get(3).is_none()), (3, true));
            let one = batch.get(2).expect("a record");
            assert_eq!((one.len(), one.is_empty(), one.to_vec()), (9, false, vec![lap; 9]));
            assert_eq!(one.copy_to(&mut [0; 4]), 4);
            // SAFETY: the writer of this test writes nothing while the borrow lives.
            assert_eq!(unsafe { one.trusted() }, [lap; 9]);
            batch.release();
            assert!(ring.is_empty());
        }
    });
}

#[test]
fn releasing_the_first_records_of_a_batch_keeps_the_others() {
    for_each_backing(|backing| {
        let ring = records(backing, 128);
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..10_u8 {
            for number in 0..5 {
                tx.try_push(&[lap, number]).expect("room");
            }
            rx.try_read_batch(4).expect("records").release_first(0);
            let batch = rx.try_read_batch(9).expect("records");
            assert_eq!((batch.len(), batch.redelivered()), (4, true), "a batch ends where the flag changes");
            batch.release_first(3);
            let batch = rx.try_read_batch(9).expect("records");
            assert_eq!((batch.len(), batch.redelivered()), (1, true));
            assert_eq!(batch.get(0).map(|it| it.to_vec()), Some(vec![lap, 3]));
            batch.release_first(usize::MAX);
            assert_eq!(drain_records(&mut rx), [(vec![lap, 4], false)]);
        }
    });
}

#[test]
fn a_batch_counts_as_the_last_delivery() {
    for_each_backing(|backing| {
        let ring = records(backing, 128);
        let (mut tx, mut rx) = ring.ends();
        for _ in 0..3 {
            tx.try_push(b"12345678").expect("room");
        }
        drop(rx.try_read_batch(2).expect("records"));
        let last = rx.last().expect("a delivery");
        assert_eq!((last.first.to_bits(), last.len, last.redelivered), (0, 2, false));
        drop(rx.try_read_batch(9).expect("records"));
        let last = rx.last().expect("a delivery");
        assert_eq!((last.first.to_bits(), last.len, last.redelivered), (0, 2, true));
    });
}

#[test]
fn an_empty_ring_has_no_record() {
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        let (_tx, mut rx) = ring.ends();
        let limit = std::time::Duration::ZERO;
        assert_eq!(rx.try_read().err(), Some(PopError::Empty));
        assert_eq!(rx.read_timeout(limit).err(), Some(PopError::Timeout));
        assert_eq!(rx.try_read_batch(3).err(), Some(PopError::Empty));
        assert_eq!(rx.read_batch_timeout(3, limit).err(), Some(PopError::Timeout));
        assert_eq!(rx.pop_to_timeout(&mut Vec::new(), limit), Err(PopError::Timeout));
        assert_eq!(rx.read_ahead_to_timeout(&mut Vec::new(), limit), Err(PopError::Timeout));
        assert_eq!((rx.last(), ring.len()), (None, 0));
    });
}

#[test]
fn a_ring_of_a_megabyte_takes_records_of_half_of_it() {
    for_each_backing(|backing| {
        let ring = records(backing, 1 << 20);
        let (mut tx, mut rx) = ring.ends();
        let bytes = record(1, (1 << 19) - 8);
        for _ in 0..5 {
            tx.try_push(&bytes).expect("room");
            tx.try_push(&bytes[1..]).expect("room");
            assert_eq!(rx.try_read().expect("a record").len(), bytes.len());
            let mut buffer = Vec::new();
            rx.try_pop_to(&mut buffer).expect("a record");
            assert!(buffer == bytes);
            rx.try_pop_to(&mut buffer).expect("a record");
            assert!(buffer == bytes[1..]);
        }
    });
}
