//! Many elements in one call: as many as there is room for, across the end of the memory.

use ringfence::{PopError, PushError};

use crate::common::for_each_backing;
use crate::elements;

#[test]
fn a_slice_that_fits_goes_in_and_comes_out_whole_wherever_it_begins() {
    for_each_backing(|backing| {
        for capacity in [2, 4, 8, 16] {
            let ring = elements::<u32>(backing, capacity);
            let (mut tx, mut rx) = ring.ends();
            let mut next = 0;
            for offset in 0..capacity {
                for length in 1..=capacity {
                    let values: Vec<u32> = (next..).take(length).collect();
                    next += length as u32;
                    assert_eq!(tx.try_push_slice(&values), Ok(length));
                    let mut out = vec![u32::MAX; capacity + 1];
                    assert_eq!(rx.try_pop_slice(&mut out), Ok(length));
                    assert_eq!(out[..length], values);
                    assert!(out[length..].iter().all(|it| *it == u32::MAX), "nothing else is written");
                    let last = rx.last().expect("a delivery");
                    assert_eq!((last.len, tx.position().since(last.first)), (length, length as i64));
                }
                // The next round begins one place further on.
                while tx.position().to_bits() as usize % capacity != (offset + 1) % capacity {
                    tx.try_push(0).expect("room");
                    rx.try_pop().expect("an element");
                }
            }
        }
    });
}

#[test]
fn of_a_slice_that_does_not_fit_the_first_elements_go_in() {
    for_each_backing(|backing| {
        let ring = elements::<u32>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..9 {
            let values: Vec<u32> = (lap..).take(11).collect();
            assert_eq!(tx.try_push_slice(&values[..5]), Ok(5));
            assert_eq!(tx.try_push_slice(&values[5..]), Ok(3));
            assert_eq!(tx.try_push_slice(&values[8..]), Err(PushError::Full));
            let mut out = [0; 8];
            assert_eq!(rx.try_pop_slice(&mut out[..3]), Ok(3));
            assert_eq!(tx.try_push_slice(&values[8..]), Ok(3));
            assert_eq!(rx.try_pop_slice(&mut out[3..]), Ok(5));
            assert_eq!(out, values[..8]);
            assert_eq!(rx.try_pop_slice(&mut out), Ok(3));
            assert_eq!(out[..3], values[8..]);
            // The next lap begins one place further on.
            tx.try_push(0).expect("room");
            rx.try_pop().expect("an element");
            tx.try_push_slice(&[0; 6]).expect("room");
            rx.try_pop_slice(&mut [0; 6]).expect("elements");
        }
    });
}

#[test]
fn a_slice_much_longer_than_the_ring_fills_it() {
    for_each_backing(|backing| {
        let ring = elements::<u16>(backing, 1024);
        let (mut tx, mut rx) = ring.ends();
        let values: Vec<u16> = (0..=u16::MAX).collect();
        assert_eq!(tx.try_push_slice(&values), Ok(1024));
        let mut out = vec![0; 5000];
        assert_eq!(rx.try_pop_slice(&mut out), Ok(1024));
        assert_eq!(out[..1024], values[..1024]);
    });
}

#[test]
fn a_slice_of_nothing_is_pushed_and_popped_at_once_whatever_there_is() {
    for_each_backing(|backing| {
        let ring = elements::<u32>(backing, 2);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!((tx.try_push_slice(&[]), tx.push_slice(&[])), (Ok(0), Ok(0)));
        assert_eq!((rx.try_pop_slice(&mut []), rx.pop_slice(&mut [])), (Ok(0), Ok(0)));
        tx.try_push_slice(&[1, 2]).expect("room");
        assert_eq!((tx.try_push_slice(&[]), tx.push_slice(&[])), (Ok(0), Ok(0)));
        assert_eq!((rx.try_pop_slice(&mut []), rx.pop_slice(&mut [])), (Ok(0), Ok(0)));
        assert_eq!((ring.len(), rx.last()), (2, None));
    });
}

#[test]
fn a_whole_slice_is_pushed_by_a_call_that_waits() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        std::thread::scope(|scope| {
            let pushing = scope.spawn(|| {
                let values: Vec<u64> = (0..1000).collect();
                assert_eq!(tx.push_slice(&values), Ok(1000));
            });
            let (mut next, mut out) = (0, [0; 3]);
            while next < 1000 {
                let count = rx.pop_slice(&mut out).expect("elements come");
                assert!(out[..count].iter().copied().eq(next..next + count as u64));
                next += count as u64;
            }
            pushing.join().expect("no panic");
        });
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
    });
}

#[test]
fn a_call_whose_time_is_over_says_how_many_it_pushed() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        let limit = std::time::Duration::from_millis(1);
        assert_eq!(tx.push_slice_timeout(&[0, 1, 2, 3, 4, 5], limit), Ok(4));
        assert_eq!(tx.push_slice_timeout(&[4, 5], limit), Err(PushError::Timeout));
        assert_eq!([(); 4].map(|()| rx.try_pop()), [Ok(0), Ok(1), Ok(2), Ok(3)]);
    });
}
