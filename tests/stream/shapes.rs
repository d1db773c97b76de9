//! Elements of every size and alignment, packed without gaps.

use std::fmt::Debug;

use ringfence::Element;

use crate::common::{Numbers, for_each_backing};
use crate::elements;

/// Sends values through rings of several capacities in every form, from every place; they must arrive bit for bit.
fn assert_arrives<T: Element + PartialEq + Debug>(make: impl Fn(&mut Numbers) -> T) {
    for_each_backing(|backing| {
        for capacity in [2, 8] {
            let ring = elements::<T>(backing, capacity);
            let (mut tx, mut rx) = ring.ends();
            assert_eq!(ring.max_len(), size_of::<T>());
            assert!(ring.bytes() >= (capacity * size_of::<T>()) as u64);
            let mut numbers = Numbers::from_seed(capacity as u64);
            for _ in 0..9 {
                let values: Vec<T> = (0..capacity + 3).map(|_| make(&mut numbers)).collect();
                tx.try_push(values[0]).expect("room");
                assert_eq!(rx.try_pop(), Ok(values[0]), "the next slice begins one place further on");

                let mut claim = tx.try_claim_slice(1).expect("room");
                assert!(claim.append(values[0]));
                claim.commit().expect("a commit");
                assert_eq!(tx.try_push_slice(&values[1..]), Ok(capacity - 1));

                let items = rx.try_read_slice(capacity).expect("elements");
                // SAFETY: the writer of this test writes nothing while the borrow lives.
                let borrowed = unsafe { items.trusted() };
                assert!(borrowed.as_ptr().is_aligned());
                assert_eq!(borrowed, &values[..items.len()]);
                assert!(items.iter().eq(values[..items.len()].iter().copied()));
                assert_eq!(rx.try_read_ahead().expect("an element").value, values[0]);
                rx.rewind();
                assert_eq!(rx.try_pop(), Ok(values[0]));
                let mut taken = 1;
                while taken < capacity {
                    let mut out = vec![make(&mut numbers); capacity];
                    let count = rx.try_pop_slice(&mut out).expect("elements");
                    assert_eq!(out[..count], values[taken..taken + count]);
                    taken += count;
                }
            }
        }
    });
}

fn bytes<const N: usize>(numbers: &mut Numbers) -> [u8; N] {
    std::array::from_fn(|_| numbers.next() as u8)
}

#[test]
fn integers_of_every_width() {
    assert_arrives(|it| it.next() as u8);
    assert_arrives(|it| it.next() as i16);
    assert_arrives(|it| it.next() as u32);
    assert_arrives(|it| it.next() as i64);
    assert_arrives(|it| u128::from(it.next()) << 64 | u128::from(it.next()));
}

#[test]
fn floats_keep_every_bit() {
    for_each_backing(|backing| {
        let ring = elements::<f32>(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        let bits = [0x7f80_0001, 0xffc0_1234, 0x8000_0000, 0, u32::MAX];
        assert_eq!(tx.try_push_slice(&bits.map(f32::from_bits)), Ok(5));
        assert_eq!(bits.map(|_| rx.try_pop().map(f32::to_bits)), bits.map(Ok));
    });
}

macro_rules! sizes {
    ($($size:literal)*) => { $(assert_arrives(bytes::<$size>);)* };
}

#[test]
fn arrays_of_any_size_up_to_a_page() {
    sizes!(1 2 3 4 5 6 7 8 9 11 12 13 15 16 17 23 24 25 31 32 33 47 48 63 64 65 96 127 128 129 255 256 257);
    sizes!(511 512 513 1000 1023 1024 1025 2047 2048 2049 4094 4095 4096);
    assert_arrives(|it| [it.next() as u16; 3]);
    assert_arrives(|it| [[it.next() as u32; 3]; 2]);
    assert_arrives(|it| std::array::from_fn::<u64, 512, _>(|_| it.next()));
}

#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "shapes.Page")]
#[repr(C, align(4096))]
struct Page {
    bytes: [u8; 4096],
}

#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "shapes.Line")]
#[repr(C, align(64))]
struct Line {
    value: u64,
    rest: [u8; 56],
}

#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "shapes.Pair")]
#[repr(C, align(16))]
struct Pair {
    values: [u64; 4],
}

#[test]
fn aligned_structs_are_aligned_in_the_ring() {
    assert_arrives(|it| Pair { values: [it.next(); 4] });
    assert_arrives(|it| Line { value: it.next(), rest: bytes(it) });
    assert_arrives(|it| Page { bytes: bytes(it) });
}

#[test]
fn elements_take_no_more_memory_than_their_size() {
    for_each_backing(|backing| {
        let odd = elements::<[u8; 3]>(backing, 1 << 14);
        let none = elements::<u8>(backing, 1 << 14);
        assert_eq!(odd.bytes() - none.bytes(), 2 << 14);
    });
}
