//! What the hot path does not do.

use std::io::{BufRead, IoSlice, Read, Write};

use crate::common::{allocated, for_each_backing};
use crate::{elements, records};

#[test]
fn pushes_and_pops_of_elements_allocate_nothing() {
    for_each_backing(|backing| {
        let ring = elements::<[u64; 8]>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        let mut out = [[0; 8]; 4];
        let before = allocated();
        for _ in 0..100 {
            tx.try_push([1; 8]).expect("room");
            let mut claim = tx.try_claim_slice(2).expect("room");
            claim.extend([[2; 8]; 2]);
            claim.commit().expect("a commit");
            assert!(tx.try_push_slice(&[[3; 8]; 8]).is_ok());
            assert!(tx.try_push([4; 8]).is_err() && !tx.push_or_drop([4; 8]));
            rx.try_read_slice(2).expect("elements").release_first(1);
            let item = rx.try_read_ahead().expect("an element");
            rx.release_through(item.position).expect("it was read");
            assert!(rx.try_pop().is_ok());
            while rx.try_pop_slice(&mut out).is_ok() {}
        }
        assert_eq!(allocated(), before);
    });
}

#[test]
fn pushes_and_pops_of_records_allocate_nothing_beyond_the_buffer() {
    for_each_backing(|backing| {
        let ring = records(backing, 1024);
        let (mut tx, mut rx) = ring.ends();
        for _ in 0..4 {
            tx.try_push(b"1").expect("room");
        }
        rx.try_read_batch(4).expect("records").release();
        let mut buffer = Vec::with_capacity(100);
        let bytes = [7; 100];
        let before = allocated();
        for length in 0..=100 {
            tx.try_push(&bytes[..length]).expect("room");
            let (a, b) = bytes[length..].split_at((100 - length) / 2);
            tx.try_push_vectored(&[IoSlice::new(a), IoSlice::new(b)]).expect("room");
            let mut claim = tx.try_claim(100).expect("room");
            claim.append(&bytes[..length]).expect("it fits");
            claim.commit().expect("a commit");
            assert!(tx.try_push(&[0; 505]).is_err());
            let read = rx.try_read().expect("a record");
            assert_eq!(read.copy_to(&mut [0; 100]), length);
            rx.try_read_ahead_to(&mut buffer).expect("a record");
            rx.try_pop_to(&mut buffer).expect("a record");
            assert_eq!(rx.try_pop_to(&mut buffer), Ok(100 - length));
            let batch = rx.try_read_batch(4).expect("a record");
            assert_eq!(batch.iter().map(|it| it.copy_to(&mut [0; 100])).sum::<usize>(), length);
            batch.release();
        }
        assert_eq!(allocated(), before);
        let mut small = Vec::new();
        tx.try_push(&bytes).expect("room");
        rx.try_pop_to(&mut small).expect("a record");
        assert!(allocated().calls > before.calls, "a buffer without room grows, and that is seen here");
    });
}

#[test]
fn a_byte_stream_allocates_nothing() {
    for_each_backing(|backing| {
        let ring = elements::<u8>(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        let mut buffer = [0; 40];
        let before = allocated();
        for length in 1..40 {
            tx.write_all(&[1; 40][..length]).expect("room");
            rx.read_exact(&mut buffer[..length]).expect("bytes");
            tx.write_all(&buffer[..length]).expect("room");
            // SAFETY: the writer of this test follows the protocol.
            let mut lending = unsafe { rx.trusted() };
            let mut left = length;
            while left > 0 {
                let count = lending.fill_buf().expect("bytes").len();
                lending.consume(count);
                left -= count;
            }
        }
        assert_eq!(allocated(), before);
    });
}
