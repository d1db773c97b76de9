//! Byte strings up to a maximum length.

use std::io::{Read, pipe};

use ringfence::spsc::Options;
use ringfence::{PopError, Position, PushError};

use crate::common::{Numbers, for_each_backing};

fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + seed) as u8).collect()
}

#[test]
fn every_length_from_nothing_to_the_maximum_arrives_as_it_was_sent() {
    for_each_backing(|backing| {
        const MAX: usize = 300;
        let ring = backing.bytes(4, MAX);
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
            let ring = backing.bytes(2, max);
            let (mut tx, _rx) = ring.ends();
            let too_long = Err(PushError::TooLong { len: max as u32 + 1, max: max as u32 });
            let item = pattern(max + 1, 0);
            assert_eq!(tx.try_push(&item), too_long);
            assert_eq!(tx.push(&item), too_long, "no wait can help");
            assert!(tx.try_push(&item[1..]).is_ok());
            assert!(tx.try_push(&item[1..]).is_ok());
            assert_eq!(tx.try_push(&item), too_long);
            assert_eq!(tx.try_push(&item[1..]), Err(PushError::Full));
            assert_eq!((ring.max_len(), tx.max_len(), ring.len()), (max, max, 2));
        }
    });
}

#[test]
fn neighbouring_items_of_full_length_do_not_overlap() {
    for_each_backing(|backing| {
        for max in [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65] {
            let ring = backing.bytes(8, max);
            let (mut tx, mut rx) = ring.ends();
            for lap in 0..3 {
                for seed in 0..8 {
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
fn a_pop_replaces_what_the_buffer_held() {
    for_each_backing(|backing| {
        let ring = backing.bytes(4, 16);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(b"short").expect("room");
        let mut buffer = b"something much longer than a slot".to_vec();
        assert_eq!(rx.try_pop_to(&mut buffer), Ok(5));
        assert_eq!(buffer, b"short");
    });
}

#[test]
fn a_pop_that_finds_nothing_leaves_the_buffer_as_it_was() {
    for_each_backing(|backing| {
        let ring = backing.bytes(4, 16);
        let (_tx, mut rx) = ring.ends();
        let mut buffer = b"kept".to_vec();
        let limit = std::time::Duration::ZERO;
        assert_eq!(rx.try_pop_to(&mut buffer), Err(PopError::Empty));
        assert_eq!(rx.pop_to_timeout(&mut buffer, limit), Err(PopError::Timeout));
        assert_eq!(rx.try_read_ahead_to(&mut buffer), Err(PopError::Empty));
        assert_eq!(rx.read_ahead_to_timeout(&mut buffer, limit), Err(PopError::Timeout));
        assert_eq!(buffer, b"kept");
    });
}

#[test]
fn a_guard_of_bytes_hands_them_out_in_every_form() {
    for_each_backing(|backing| {
        let ring = backing.bytes(4, 16);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(b"0123456789").expect("room");
        let item = rx.try_read().expect("an item");
        assert_eq!((item.len(), item.is_empty(), item.position()), (10, false, Position::from_bits(0)));

        let mut short = [b'x'; 4];
        assert_eq!((item.copy_to(&mut short), &short), (4, b"0123"));
        let mut long = [b'x'; 12];
        assert_eq!((item.copy_to(&mut long), &long), (10, b"0123456789xx"));
        let mut appended = b"> ".to_vec();
        item.append_to(&mut appended);
        assert_eq!(appended, b"> 0123456789");
        // SAFETY: the producer of this test writes nothing while the borrow lives.
        assert_eq!(unsafe { item.trusted() }, b"0123456789");

        let (mut reader, writer) = pipe().expect("a pipe");
        assert_eq!(item.write_to(&writer).expect("room in the pipe"), 10);
        drop(writer);
        let mut written = Vec::new();
        reader.read_to_end(&mut written).expect("the pipe's bytes");
        assert_eq!(written, b"0123456789");

        item.release();
        assert_eq!(rx.try_read().err(), Some(PopError::Empty));
    });
}

#[test]
fn writing_an_item_to_a_closed_descriptor_keeps_it() {
    for_each_backing(|backing| {
        let ring = backing.bytes(4, 16);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(b"kept").expect("room");
        let item = rx.try_read().expect("an item");
        let (reader, _writer) = pipe().expect("a pipe");
        assert!(item.write_to(&reader).is_err(), "the reading end cannot be written");
        assert_eq!(rx.try_read().expect("the item").to_vec(), b"kept");
    });
}

#[test]
fn an_empty_item_is_an_item() {
    for_each_backing(|backing| {
        let ring = backing.bytes(2, 1);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(b"").expect("room");
        tx.try_push(b"").expect("room");
        assert_eq!((tx.try_push(b""), ring.len()), (Err(PushError::Full), 2));
        assert!(rx.try_read().expect("an item").is_empty());
        let mut buffer = Vec::new();
        assert_eq!((rx.try_pop_to(&mut buffer), rx.try_pop_to(&mut buffer)), (Ok(0), Ok(0)));
        assert_eq!(rx.try_pop_to(&mut buffer), Err(PopError::Empty));
    });
}

#[test]
fn bytes_can_be_read_ahead_and_released_later() {
    for_each_backing(|backing| {
        let ring = backing.bytes(4, 16);
        let (mut tx, mut rx) = ring.ends();
        for item in [&b"a"[..], b"bb", b"", b"dddd"] {
            tx.try_push(item).expect("room");
        }
        let mut buffer = Vec::new();
        for (position, item) in [&b"a"[..], b"bb", b""].into_iter().enumerate() {
            let delivery = rx.read_ahead_to(&mut buffer).expect("an item");
            assert_eq!(buffer, item);
            assert_eq!(delivery.first.to_bits(), position as u64);
            assert_eq!((delivery.len, delivery.redelivered), (1, false));
            assert_eq!(rx.last(), Some(delivery));
        }
        assert_eq!(rx.release_through(Position::from_bits(1)), Ok(2));
        rx.rewind();
        assert!(rx.read_ahead_to(&mut buffer).expect("an item").redelivered);
        assert_eq!(buffer, b"");
        assert!(!rx.read_ahead_to(&mut buffer).expect("an item").redelivered);
        assert_eq!(buffer, b"dddd");
    });
}

#[test]
fn a_large_maximum_length_works_beyond_a_page() {
    for_each_backing(|backing| {
        const MAX: usize = 3 << 20;
        let ring = backing.create(Options::<[u8]>::new(2, MAX));
        let (mut tx, mut rx) = ring.ends();
        let mut numbers = Numbers::from_seed(7);
        for _ in 0..6 {
            let item = pattern(MAX - numbers.below(5), numbers.below(256));
            tx.try_push(&item).expect("room");
            let mut buffer = Vec::new();
            rx.try_pop_to(&mut buffer).expect("an item");
            assert!(buffer == item);
        }
    });
}
