//! What the hot path does not do.

use ringfence::mpmc::Options;

use crate::common::{allocated, for_each_backing};

#[test]
fn pushes_and_pops_of_elements_allocate_nothing() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<[u64; 8]>::new(8));
        let (mut tx, mut rx) = ring.ends();
        let (mut tx2, mut rx2) = (tx.try_clone().expect("an entry"), rx.try_clone().expect("an entry"));
        let mut out = [[0; 8]; 4];
        // The list of what is read ahead grows once.
        tx.try_push([0; 8]).expect("room");
        let item = rx.try_read_ahead().expect("an item");
        rx.release_through(item.position).expect("it was read");
        let before = allocated();
        for _ in 0..100 {
            tx.try_push([1; 8]).expect("room");
            tx2.try_push([2; 8]).expect("room");
            tx.try_push_slice(&[[3; 8]; 4]).expect("room");
            assert!(tx2.try_push_slice(&[[3; 8]; 3]).is_ok_and(|count| count == 2));
            assert!(tx.try_push([4; 8]).is_err() && !tx2.push_or_drop([4; 8]));
            rx.try_read().expect("an item").release();
            drop(rx.try_read().expect("an item"));
            rx2.try_read_slice(2).expect("items").release_first(1);
            let item = rx.try_read_ahead().expect("an item");
            rx.release_through(item.position).expect("it was read");
            assert!(rx2.try_pop().is_ok());
            while rx.try_pop_slice(&mut out).is_ok() {}
            assert!(rx.try_pop().is_err() && rx2.try_pop().is_err());
        }
        assert_eq!(allocated(), before);
    });
}

#[test]
fn pushes_and_pops_of_bytes_allocate_nothing_beyond_the_buffer() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<[u8]>::new(8, 100));
        let (mut tx, mut rx) = ring.ends();
        let mut buffer = Vec::with_capacity(100);
        let item = [7; 100];
        let before = allocated();
        for length in 0..=100 {
            tx.try_push(&item[..length]).expect("room");
            tx.try_push(&item[length..]).expect("room");
            assert!(tx.try_push(&[0; 101]).is_err());
            let read = rx.try_read().expect("an item");
            assert_eq!(read.copy_to(&mut [0; 100]), length);
            read.release();
            assert_eq!(rx.try_pop_to(&mut buffer), Ok(100 - length));
        }
        assert_eq!(allocated(), before);
        drop(buffer);
        let mut small = Vec::new();
        tx.try_push(&item).expect("room");
        rx.try_pop_to(&mut small).expect("an item");
        assert!(allocated().calls > before.calls, "a buffer without room grows, and that is seen here");
    });
}
