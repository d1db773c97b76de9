//! Byte strings up to a maximum length.

use std::io::{IoSlice, Read, pipe};

use ringfence::mpmc::Options;
use ringfence::{PopError, PushError};

use crate::common::{Backing, Numbers, for_each_backing};
use crate::{PATIENCE, TestRing};

fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + seed) as u8).collect()
}

fn ring(backing: Backing, capacity: usize, max_len: usize) -> TestRing<[u8]> {
    backing.create(Options::<[u8]>::new(capacity, max_len))
}

#[test]
fn every_length_from_nothing_to_the_maximum_arrives_as_it_was_sent() {
    for_each_backing(|backing| {
        const MAX: usize = 300;
        let ring = ring(backing, 4, MAX);
        let (mut tx, mut rx) = ring.ends();
        let mut buffer = Vec::new();
        for length in (0..=MAX).chain((0..=MAX).rev()) {
            let item = pattern(length, length);
            tx.try_push(&item).expect("room");
            assert_eq!(rx.try_pop_to(&mut buffer), Ok(length));
            assert_eq!(buffer, item);
        }
    });
}

#[test]
fn one_byte_more_than_the_maximum_is_too_long_even_where_the_ring_is_full() {
    for_each_backing(|backing| {
        for max in [1, 7, 8, 9, 4096] {
            let ring = ring(backing, 2, max);
            let (mut tx, rx) = ring.ends();
            let too_long = Err(PushError::TooLong { len: max as u32 + 1, max: max as u32 });
            let item = pattern(max + 1, 0);
            assert_eq!(tx.try_push(&item), too_long);
            assert_eq!(tx.push(&item), too_long, "no wait can help");
            assert_eq!(tx.push_timeout(&item, PATIENCE), too_long);
            assert_eq!(tx.try_push_vectored(&[IoSlice::new(&item[1..]), IoSlice::new(b"!")]), too_long);
            assert!(!tx.push_or_drop(&item));
            assert!(tx.try_push(&item[1..]).is_ok() && tx.try_push(&item[1..]).is_ok());
            assert_eq!(tx.try_push(&item), too_long);
            assert_eq!(tx.try_push(&item[1..]), Err(PushError::Full));
            assert_eq!((ring.max_len(), tx.max_len(), rx.max_len(), ring.len()), (max, max, max, 2));
            assert_eq!(ring.participants().iter().map(|it| it.dropped).sum::<u64>(), 1);
        }
    });
}

#[test]
fn neighbouring_items_of_full_length_do_not_overlap() {
    for_each_backing(|backing| {
        for max in [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65] {
            let ring = ring(backing, 8, max);
            let (mut tx, mut rx) = ring.ends();
            let mut other = tx.try_clone().expect("an entry");
            for lap in 0..3 {
                for seed in 0..8 {
                    let tx = if seed % 2 == 0 { &mut tx } else { &mut other };
                    tx.try_push(&pattern(max, lap + seed)).expect("room");
                }
                for seed in 0..8 {
                    let item = rx.try_read().expect("an item");
                    assert_eq!(item.to_vec(), pattern(max, lap + seed));
                    item.release();
                }
            }
        }
    });
}

#[test]
fn an_item_pushed_in_parts_is_their_concatenation() {
    for_each_backing(|backing| {
        const MAX: usize = 100;
        let ring = ring(backing, 4, MAX);
        let (mut tx, mut rx) = ring.ends();
        let (mut numbers, mut buffer) = (Numbers::from_seed(9), Vec::new());
        for round in 0..300 {
            let item = pattern(numbers.below(MAX + 1), round);
            let mut parts = Vec::new();
            let mut rest = &item[..];
            for _ in 0..numbers.below(6) {
                let (part, after) = rest.split_at(numbers.below(rest.len() + 1));
                parts.push(IoSlice::new(part));
                rest = after;
            }
            parts.push(IoSlice::new(rest));
            let position = match round % 3 {
                0 => tx.try_push_vectored(&parts),
                1 => tx.push_vectored(&parts),
                _ => tx.push_vectored_timeout(&parts, PATIENCE),
            };
            assert_eq!(position.expect("room").to_bits(), round as u64);
            assert_eq!(rx.pop_to(&mut buffer), Ok(item.len()));
            assert_eq!(buffer, item);
        }
        tx.try_push_vectored(&[]).expect("room");
        assert_eq!((rx.try_pop_to(&mut buffer), buffer.len()), (Ok(0), 0));
    });
}

#[test]
fn a_look_at_bytes_copies_as_much_as_is_wanted() {
    for_each_backing(|backing| {
        let ring = ring(backing, 4, 64);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(b"market data").expect("room");
        tx.try_push(b"").expect("room");
        let item = rx.try_read().expect("an item");
        assert_eq!((item.len(), item.is_empty()), (11, false));
        let mut short = [0; 6];
        assert_eq!((item.copy_to(&mut short), &short), (6, b"market"));
        let mut long = [b'.'; 14];
        assert_eq!((item.copy_to(&mut long), &long), (11, b"market data..."));
        let mut text = b"the ".to_vec();
        item.append_to(&mut text);
        assert_eq!(text, b"the market data");
        // SAFETY: every peer is this test.
        #[allow(unsafe_code)]
        let trusted = unsafe { item.trusted() };
        assert_eq!(trusted, b"market data");
        let (mut out, into) = pipe().expect("a pipe");
        assert_eq!(item.write_to(&into).expect("a pipe with room"), 11);
        drop(into);
        text.clear();
        out.read_to_end(&mut text).expect("a pipe");
        assert_eq!(text, b"market data");
        item.release();
        let item = rx.try_read().expect("an item");
        assert_eq!((item.len(), item.is_empty(), item.to_vec()), (0, true, Vec::new()));
        item.release();
    });
}

#[test]
fn a_fruitless_pop_leaves_the_buffer_as_it_was() {
    for_each_backing(|backing| {
        let ring = ring(backing, 4, 64);
        let (mut tx, mut rx) = ring.ends();
        let mut buffer = b"kept".to_vec();
        assert_eq!(rx.try_pop_to(&mut buffer), Err(PopError::Empty));
        assert_eq!(rx.try_read_ahead_to(&mut buffer), Err(PopError::Empty));
        tx.close();
        assert_eq!(rx.pop_to(&mut buffer), Err(PopError::Closed));
        assert_eq!(rx.read_ahead_to(&mut buffer), Err(PopError::Closed));
        assert_eq!(buffer, b"kept");
    });
}
