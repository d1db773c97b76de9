//! What the hot path does not do.

use crate::common::{allocated, for_each_backing};

#[test]
fn pushes_and_pops_of_elements_allocate_nothing() {
    for_each_backing(|backing| {
        let ring = backing.elements::<[u64; 8]>(8);
        let (mut tx, mut rx) = ring.ends();
        let mut out = [[0; 8]; 4];
        let before = allocated();
        for _ in 0..100 {
            tx.try_push([1; 8]).expect("room");
            tx.try_claim().expect("room").write([2; 8]).commit().expect("a commit");
            tx.try_push_slice(&[[3; 8]; 4]).expect("room");
            assert!(tx.try_push_slice(&[[3; 8]; 3]).is_ok_and(|count| count == 2));
            assert!(tx.try_push([4; 8]).is_err() && !tx.push_or_drop([4; 8]));
            rx.try_read().expect("an item").release();
            rx.try_read_slice(2).expect("items").release_first(1);
            let item = rx.try_read_ahead().expect("an item");
            rx.release_through(item.position).expect("it was read");
            assert!(rx.try_pop().is_ok());
            while rx.try_pop_slice(&mut out).is_ok() {}
        }
        assert_eq!(allocated(), before);
    });
}

#[test]
fn pushes_and_pops_of_bytes_allocate_nothing_beyond_the_buffer() {
    for_each_backing(|backing| {
        let ring = backing.bytes(8, 100);
        let (mut tx, mut rx) = ring.ends();
        let mut buffer = Vec::with_capacity(100);
        let item = [7; 100];
        let before = allocated();
        for length in 0..=100 {
            tx.try_push(&item[..length]).expect("room");
            let claim = tx.try_claim().expect("room");
            claim.copy_from(&item[length..]).expect("it fits").commit().expect("a commit");
            assert!(tx.try_push(&[0; 101]).is_err());
            let read = rx.try_read().expect("an item");
            assert_eq!(read.copy_to(&mut [0; 100]), length);
            rx.try_read_ahead_to(&mut buffer).expect("an item");
            rx.try_pop_to(&mut buffer).expect("an item");
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
