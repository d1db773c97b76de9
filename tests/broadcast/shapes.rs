//! Items of every shape that a ring can carry.

use std::fmt::Debug;

use ringfence::broadcast::{Options, Start};
use ringfence::{Element, Payload, PushError};

use crate::common::{Numbers, for_each_backing};
use crate::{join, subscribe};

/// Sends values through rings of several capacities in every form; they must arrive bit for bit.
fn assert_arrives<T: Element + PartialEq + Debug>(make: impl Fn(&mut Numbers) -> T) {
    for_each_backing(|backing| {
        for capacity in [2, 8] {
            let ring = backing.create(Options::<T>::new(capacity).gated(1));
            let mut tx = ring.publisher().expect("the role");
            let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
            assert_eq!(ring.max_len(), size_of::<T>());
            let mut numbers = Numbers::from_seed(capacity as u64);
            for _ in 0..12 {
                let values: Vec<T> = (0..capacity).map(|_| make(&mut numbers)).collect();
                tx.try_publish(values[0]).expect("room");
                assert_eq!(lossy.latest(), Ok(values[0]));
                tx.try_claim().expect("room").write(values[1]).commit().expect("a commit");
                assert_eq!(tx.try_publish_slice(&values[2..]), Ok(capacity - 2));

                let mut out = vec![make(&mut numbers); capacity];
                assert_eq!(lossy.try_recv_slice(&mut out), Ok(capacity - 1));
                assert_eq!(out[..capacity - 1], values[1..]);
                let item = gated.try_read().expect("an item");
                assert!(std::ptr::from_ref(&*item).is_aligned());
                assert_eq!((*item, item.get()), (values[0], values[0]));
                assert_eq!(gated.try_read_ahead().expect("an item").value, values[0]);
                assert_eq!(gated.try_recv(), Ok(values[0]));
                assert_eq!(gated.try_recv_slice(&mut out), Ok(capacity - 1));
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
    assert_arrives(|it| it.next() as i64);
}

#[test]
fn arrays_of_odd_sizes_up_to_a_page() {
    assert_arrives(bytes::<1>);
    assert_arrives(bytes::<3>);
    assert_arrives(bytes::<9>);
    assert_arrives(bytes::<63>);
    assert_arrives(bytes::<65>);
    assert_arrives(bytes::<1000>);
    assert_arrives(bytes::<4095>);
    assert_arrives(bytes::<4096>);
    assert_arrives(|it| [[it.next() as u32; 3]; 2]);
}

#[test]
fn floats_keep_every_bit() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<f64>::new(2));
        let (mut tx, mut rx) = ring.ends();
        for bits in [0, 1 << 63, 0x7ff0_0000_0000_0001, 0xfff8_dead_beef_0000, u64::MAX] {
            tx.try_publish(f64::from_bits(bits)).expect("no gate");
            assert_eq!(rx.latest().map(f64::to_bits), Ok(bits));
            assert_eq!(tx.capacity(), 2);
        }
    });
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
#[element(name = "shapes.Packed")]
#[repr(C, packed)]
struct Packed {
    kind: u8,
    length: u32,
    sequence: u64,
}

#[test]
fn aligned_and_packed_structs() {
    assert_arrives(|it| Line { value: it.next(), rest: bytes(it) });
    assert_arrives(|it| Page { bytes: bytes(it) });
    assert_arrives(|it| Packed { kind: it.next() as u8, length: it.next() as u32, sequence: it.next() });
}

#[test]
fn byte_strings_of_every_length() {
    for_each_backing(|backing| {
        for max in [1, 2, 7, 8, 9, 64, 1000] {
            let ring = backing.create(Options::<[u8]>::new(2, max).gated(1));
            let mut tx = ring.publisher().expect("the role");
            let (mut lossy, mut gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
            let mut numbers = Numbers::from_seed(max as u64);
            let mut buffer = vec![9; 3];
            for length in (0..=max).step_by(1 + max / 100) {
                let item: Vec<u8> = (0..length).map(|_| numbers.next() as u8).collect();
                tx.try_publish(&item).expect("room");
                assert_eq!((lossy.try_recv_to(&mut buffer), &buffer), (Ok(length), &item));
                assert_eq!((lossy.latest_to(&mut buffer), &buffer), (Ok(length), &item));
                assert_eq!(*gated.try_read().expect("an item"), *item);
                gated.try_read_ahead_to(&mut buffer).expect("an item");
                assert_eq!(buffer, item);
                assert_eq!((gated.try_recv_to(&mut buffer), &buffer), (Ok(length), &item));
            }
            let refused = PushError::TooLong { len: max as u32 + 1, max: max as u32 };
            assert_eq!(tx.try_publish(&vec![0; max + 1]), Err(refused));
        }
    });
}

#[test]
fn a_payload_of_either_kind_has_one_generic_type() {
    fn position<P: Payload + ?Sized>(options: Options<P>) -> u64 {
        let ring = options.in_process().expect("a ring");
        ring.subscribe(Start::Oldest).expect("a ring on the heap").position().to_bits()
    }
    assert_eq!((position(Options::<u64>::new(2)), position(Options::<[u8]>::new(2, 9))), (0, 0));
}
