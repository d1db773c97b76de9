//! Elements of many sizes and alignments.

use std::fmt::Debug;

use ringfence::Element;
use ringfence::mpmc::Options;

use crate::common::{Backing, Numbers, for_each_backing};

#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "test.Tick", version = 1)]
#[repr(C)]
struct Tick {
    time: u64,
    price: f64,
    quantity: u32,
    instrument: [u16; 2],
}

#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "test.Line", version = 1)]
#[repr(C, align(64))]
struct Line {
    words: [u64; 8],
}

/// Three handles of each side pass elements through a ring of four for some laps.
fn assert_arrives<T: Element + Debug + PartialEq>(backing: Backing, make: impl Fn(u64) -> T) {
    let ring = backing.create(Options::<T>::new(4));
    assert_eq!(ring.max_len(), size_of::<T>());
    let mut tx = [(); 3].map(|()| ring.opened_again().producer().expect("an entry"));
    let mut rx = [(); 3].map(|()| ring.opened_again().consumer().expect("an entry"));
    let mut numbers = Numbers::from_seed(3);
    for lap in 0..10 {
        let items = [(); 4].map(|()| make(numbers.next()));
        for (index, item) in items.iter().enumerate() {
            tx[(index + lap) % 3].try_push(*item).expect("room");
        }
        for (index, item) in items.iter().enumerate() {
            let rx = &mut rx[(index + lap) % 3];
            match index % 2 {
                0 => assert_eq!(rx.try_pop().as_ref(), Ok(item)),
                _ => {
                    let guard = rx.try_read().expect("an item");
                    assert_eq!(guard.get(), *item);
                    // SAFETY: every peer is this test.
                    #[allow(unsafe_code)]
                    let trusted = unsafe { guard.trusted() };
                    assert_eq!(trusted, item);
                    guard.release();
                }
            }
        }
        assert_eq!(tx[0].try_push_slice(&items), Ok(4));
        let mut out = [make(0); 4];
        assert_eq!(rx[1].try_pop_slice(&mut out), Ok(4));
        assert_eq!(out, items);
    }
}

fn bytes<const N: usize>(seed: u64) -> [u8; N] {
    std::array::from_fn(|at| (seed >> (at % 8 * 8)) as u8 ^ at as u8)
}

#[test]
fn elements_of_every_size_arrive_as_they_were_sent() {
    for_each_backing(|backing| {
        assert_arrives(backing, |it| it as u8);
        assert_arrives(backing, |it| it as i16);
        assert_arrives(backing, |it| it as u32);
        assert_arrives(backing, |it| it);
        assert_arrives(backing, |it| u128::from(it) << 60);
        assert_arrives(backing, bytes::<3>);
        assert_arrives(backing, bytes::<7>);
        assert_arrives(backing, bytes::<9>);
        assert_arrives(backing, bytes::<63>);
        assert_arrives(backing, bytes::<64>);
        assert_arrives(backing, bytes::<65>);
        assert_arrives(backing, bytes::<4097>);
    });
}

#[test]
fn structures_and_aligned_elements_arrive_as_they_were_sent() {
    for_each_backing(|backing| {
        assert_arrives(backing, |it| Tick {
            time: it,
            price: it as f64 / 3.0,
            quantity: it as u32,
            instrument: [it as u16, (it >> 16) as u16],
        });
        assert_arrives(backing, |it| Line { words: [it; 8] });
    });
}
