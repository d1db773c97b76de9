//! Elements of every shape that a ring can carry.

use std::fmt::Debug;

use ringfence::Element;

use crate::common::{Numbers, for_each_backing};

/// Sends `values` through rings of several capacities in every form; they must arrive bit for bit.
fn assert_arrives<T: Element + PartialEq + Debug>(make: impl Fn(&mut Numbers) -> T) {
    for_each_backing(|backing| {
        for capacity in [2, 8] {
            let ring = backing.elements::<T>(capacity);
            let (mut tx, mut rx) = ring.ends();
            assert_eq!(ring.max_len(), size_of::<T>());
            let mut numbers = Numbers::from_seed(capacity as u64);
            for _ in 0..20 {
                let values: Vec<T> = (0..capacity).map(|_| make(&mut numbers)).collect();
                tx.try_push(values[0]).expect("room");
                tx.try_claim().expect("room").write(values[1]).commit().expect("a commit");
                assert_eq!(tx.try_push_slice(&values[2..]), Ok(capacity - 2));

                let item = rx.try_read().expect("an item");
                assert_eq!(item.get(), values[0]);
                // SAFETY: the producer of this test writes nothing while the borrow lives.
                let borrowed = unsafe { item.trusted() };
                assert!(std::ptr::from_ref(borrowed).is_aligned());
                assert_eq!(*borrowed, values[0]);
                assert!(rx.try_read_slice(capacity).is_ok());
                assert_eq!(rx.try_read_ahead().expect("an item").value, values[0]);
                assert_eq!(rx.try_pop(), Ok(values[0]));
                let mut out = vec![make(&mut numbers); capacity];
                assert_eq!(rx.try_pop_slice(&mut out), Ok(capacity - 1));
                assert_eq!(out[..capacity - 1], values[1..]);
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
    assert_arrives(|it| it.next() as u16);
    assert_arrives(|it| it.next() as u32);
    assert_arrives(|it| it.next());
    assert_arrives(|it| u128::from(it.next()) << 64 | u128::from(it.next()));
    assert_arrives(|it| it.next() as i8);
    assert_arrives(|it| it.next() as i16);
    assert_arrives(|it| it.next() as i32);
    assert_arrives(|it| it.next() as i64);
    assert_arrives(|it| i128::from(it.next()) << 64 | i128::from(it.next()));
}

#[test]
fn floats_keep_every_bit() {
    for_each_backing(|backing| {
        let ring = backing.elements::<f64>(4);
        let (mut tx, mut rx) = ring.ends();
        for bits in
            [0, 1 << 63, 0x7ff0_0000_0000_0001, 0x7ff8_0000_0000_0000, 0xfff8_dead_beef_0000, u64::MAX]
        {
            tx.try_push(f64::from_bits(bits)).expect("room");
            assert_eq!(rx.try_pop().map(f64::to_bits), Ok(bits));
        }
        let ring = backing.elements::<[f32; 3]>(4);
        let (mut tx, mut rx) = ring.ends();
        let bits = [0x7f80_0001, 0xffc0_1234, 0x8000_0000];
        tx.try_push(bits.map(f32::from_bits)).expect("room");
        assert_eq!(rx.try_pop().map(|it| it.map(f32::to_bits)), Ok(bits));
    });
}

#[test]
fn arrays_of_odd_sizes() {
    assert_arrives(bytes::<1>);
    assert_arrives(bytes::<3>);
    assert_arrives(bytes::<7>);
    assert_arrives(bytes::<9>);
    assert_arrives(bytes::<15>);
    assert_arrives(bytes::<17>);
    assert_arrives(bytes::<63>);
    assert_arrives(bytes::<65>);
    assert_arrives(bytes::<127>);
    assert_arrives(|it| [it.next() as u16, it.next() as u16, it.next() as u16]);
    assert_arrives(|it| [[it.next() as u32; 3]; 2]);
}

#[test]
fn a_cache_line_and_a_page() {
    assert_arrives(|it| std::array::from_fn::<u64, 8, _>(|_| it.next()));
    assert_arrives(|it| std::array::from_fn::<u64, 512, _>(|_| it.next()));
    assert_arrives(bytes::<4096>);
    assert_arrives(bytes::<4095>);
    assert_arrives(bytes::<10_000>);
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

#[test]
fn aligned_structs_are_aligned_in_the_ring() {
    assert_arrives(|it| Line { value: it.next(), rest: bytes(it) });
    assert_arrives(|it| Page { bytes: bytes(it) });
}

#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "shapes.Packed")]
#[repr(C, packed)]
struct Packed {
    kind: u8,
    length: u32,
    sequence: u64,
}

#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "shapes.Pairs")]
#[repr(C, packed(2))]
struct Pairs {
    kind: u16,
    sequence: u64,
}

#[test]
fn packed_structs_arrive_whole() {
    assert_arrives(|it| Packed { kind: it.next() as u8, length: it.next() as u32, sequence: it.next() });
    assert_arrives(|it| Pairs { kind: it.next() as u16, sequence: it.next() });
}

#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "shapes.Price")]
#[repr(transparent)]
struct Price(i64);

#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "shapes.Level")]
#[repr(C)]
struct Level {
    price: Price,
    quantity: u32,
    orders: u16,
    flags: [u8; 2],
}

#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "shapes.Book")]
#[repr(C)]
struct Book<T: Element, const DEPTH: usize> {
    instrument: u64,
    bids: [Level; DEPTH],
    asks: [Level; DEPTH],
    extra: T,
}

#[test]
fn nested_and_generic_structs_arrive_whole() {
    fn level(numbers: &mut Numbers) -> Level {
        Level {
            price: Price(numbers.next() as i64),
            quantity: numbers.next() as u32,
            orders: numbers.next() as u16,
            flags: bytes(numbers),
        }
    }
    assert_arrives(level);
    assert_arrives(|it| Book::<u64, 5> {
        instrument: it.next(),
        bids: std::array::from_fn(|_| level(it)),
        asks: std::array::from_fn(|_| level(it)),
        extra: it.next(),
    });
    assert_arrives(|it| Book::<[Price; 2], 1> {
        instrument: it.next(),
        bids: [level(it)],
        asks: [level(it)],
        extra: [Price(1), Price(it.next() as i64)],
    });
}
