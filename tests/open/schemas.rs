//! Rings that carry something else: refused, with each difference by name.

use ringfence::spsc::{Options, Ring, open};
use ringfence::{Difference, Element, OpenError};

use crate::common::UniqueName;

/// The first version of an element, with room for what may come.
mod v1 {
    #[derive(ringfence::Element, Clone, Copy, Debug, PartialEq)]
    #[element(name = "schemas.Order", version = 1)]
    #[repr(C)]
    pub(super) struct Order {
        pub(super) id: u64,
        pub(super) price: i64,
        pub(super) _reserved: [u8; 16],
    }
}

/// The second one uses some of the room.
mod v2 {
    #[derive(ringfence::Element, Clone, Copy, Debug, PartialEq)]
    #[element(name = "schemas.Order", version = 2, compatible = [1])]
    #[repr(C)]
    pub(super) struct Order {
        pub(super) id: u64,
        pub(super) price: i64,
        pub(super) quantity: u32,
        pub(super) _reserved: [u8; 12],
    }
}

/// Another second one, which does not care for the first.
mod v2_apart {
    #[derive(ringfence::Element, Clone, Copy)]
    #[element(name = "schemas.Order", version = 2)]
    #[repr(C)]
    pub(super) struct Order {
        id: u64,
        price: i64,
        quantity: u32,
        _reserved: [u8; 12],
    }
}

/// A third one, which says that it is compatible but has another size.
mod v3_larger {
    #[derive(ringfence::Element, Clone, Copy)]
    #[element(name = "schemas.Order", version = 3, compatible = [1, 2])]
    #[repr(C)]
    pub(super) struct Order {
        id: u64,
        price: i64,
        _reserved: [u8; 24],
    }
}

/// An element of another name that claims to be compatible.
mod other_name {
    #[derive(ringfence::Element, Clone, Copy)]
    #[element(name = "schemas.Quote", version = 2, compatible = [1])]
    #[repr(C)]
    pub(super) struct Quote {
        id: u64,
        price: i64,
        _reserved: [u8; 16],
    }
}

fn triples(differences: Vec<Difference>) -> Vec<(String, String, String)> {
    differences.into_iter().map(|it| (it.what, it.expected, it.found)).collect()
}

/// In what a program that carries `U` says that a ring of `T` differs, however it asks.
fn between<T: Element, U: Element>() -> Vec<(String, String, String)> {
    let name = UniqueName::new();
    let _ring = Options::<T>::new(4).create(&name).expect("a ring");
    let asked = triples(ringfence::inspect(&name).expect("the ring").check::<U>());
    for result in [open::<U>(&name), Options::<U>::new(4).open_or_create(&name)] {
        match result {
            Ok(_) => assert_eq!(asked, []),
            Err(error @ OpenError::Mismatch { .. }) => {
                let text = error.to_string();
                let OpenError::Mismatch { path, differences } = error else { unreachable!("matched above") };
                assert_eq!(path, name.path());
                for it in &differences {
                    assert!(
                        text.contains(&format!("{}: expected {}, found {}", it.what, it.expected, it.found))
                    );
                }
                assert_eq!(triples(differences), asked);
            }
            Err(error) => panic!("{error}"),
        }
    }
    asked
}

/// As [`between`], without the fingerprints, which mean nothing to people.
fn named_between<T: Element, U: Element>() -> Vec<(String, String, String)> {
    let mut list = between::<T, U>();
    let (what, expected, found) = list.pop().expect("they differ");
    assert_eq!(what, "fingerprint");
    assert_eq!(expected, U::SCHEMA.fingerprint().to_string());
    assert_eq!(found, T::SCHEMA.fingerprint().to_string());
    list
}

fn is(list: &[(String, String, String)], expected: &[(&str, &str, &str)]) {
    let list: Vec<_> = list.iter().map(|it| (it.0.as_str(), it.1.as_str(), it.2.as_str())).collect();
    assert_eq!(list, expected);
}

#[test]
fn equal_elements_meet() {
    is(&between::<u64, u64>(), &[]);
    is(&between::<v1::Order, v1::Order>(), &[]);
    is(&between::<[[u16; 3]; 2], [[u16; 3]; 2]>(), &[]);
}

#[test]
fn another_number_is_another_element_even_of_the_same_size() {
    is(&named_between::<i64, u64>(), &[("element", "u64", "i64"), ("type", "u64 at 0", "i64 at 0")]);
    is(&named_between::<f64, u64>(), &[("element", "u64", "f64"), ("type", "u64 at 0", "f64 at 0")]);
    is(
        &named_between::<[u8; 8], u64>(),
        &[
            ("element", "u64", "[u8; 8]"),
            ("element alignment", "8", "1"),
            ("type", "u64 at 0", "[u8; 8] at 0"),
        ],
    );
    is(
        &named_between::<u32, u64>(),
        &[
            ("element", "u64", "u32"),
            ("element size", "8", "4"),
            ("element alignment", "8", "4"),
            ("type", "u64 at 0", "u32 at 0"),
        ],
    );
}

#[test]
fn arrays_of_other_shapes_differ() {
    is(
        &named_between::<[u16; 6], [u16; 4]>(),
        &[
            ("element", "[u16; 4]", "[u16; 6]"),
            ("element size", "8", "12"),
            ("type", "[u16; 4] at 0", "[u16; 6] at 0"),
        ],
    );
    let list = named_between::<[[u16; 3]; 2], [[u16; 2]; 3]>();
    is(&list, &[("element", "[[u16; 2]; 3]", "[[u16; 3]; 2]")]);
}

#[test]
fn fields_that_differ_are_named_with_both_their_types() {
    mod before {
        #[derive(ringfence::Element, Clone, Copy)]
        #[element(name = "schemas.Trade")]
        #[repr(C)]
        pub(super) struct Trade {
            id: u64,
            price: i64,
            quantity: u32,
            venue: [u8; 4],
        }
    }
    mod after {
        #[derive(ringfence::Element, Clone, Copy)]
        #[element(name = "schemas.Trade")]
        #[repr(C)]
        pub(super) struct Trade {
            id: u64,
            price: f64,
            size: u32,
            venue: [u8; 2],
            flags: [u8; 2],
        }
    }
    is(
        &named_between::<before::Trade, after::Trade>(),
        &[
            ("field price", "f64 at 8", "i64 at 8"),
            ("field size", "u32 at 16", "absent"),
            ("field venue", "[u8; 2] at 20", "[u8; 4] at 20"),
            ("field flags", "[u8; 2] at 22", "absent"),
            ("field quantity", "absent", "u32 at 16"),
        ],
    );
}

#[test]
fn fields_that_changed_places_are_named() {
    mod before {
        #[derive(ringfence::Element, Clone, Copy)]
        #[element(name = "schemas.Pair")]
        #[repr(C)]
        pub(super) struct Pair {
            bid: u32,
            ask: u32,
        }
    }
    mod after {
        #[derive(ringfence::Element, Clone, Copy)]
        #[element(name = "schemas.Pair")]
        #[repr(C)]
        pub(super) struct Pair {
            ask: u32,
            bid: u32,
        }
    }
    is(
        &named_between::<before::Pair, after::Pair>(),
        &[("field ask", "u32 at 0", "u32 at 4"), ("field bid", "u32 at 4", "u32 at 0")],
    );
}

#[test]
fn fields_of_inner_structs_are_named_by_their_path() {
    mod before {
        #[derive(ringfence::Element, Clone, Copy)]
        #[element(name = "schemas.Level")]
        #[repr(C)]
        pub(super) struct Level {
            price: i64,
            quantity: u64,
        }
        #[derive(ringfence::Element, Clone, Copy)]
        #[element(name = "schemas.Book")]
        #[repr(C)]
        pub(super) struct Book {
            id: u64,
            bids: [Level; 4],
        }
    }
    mod after {
        #[derive(ringfence::Element, Clone, Copy)]
        #[element(name = "schemas.Level")]
        #[repr(C)]
        pub(super) struct Level {
            price: i64,
            quantity: f64,
        }
        #[derive(ringfence::Element, Clone, Copy)]
        #[element(name = "schemas.Book")]
        #[repr(C)]
        pub(super) struct Book {
            id: u64,
            bids: [Level; 4],
        }
    }
    is(&named_between::<before::Book, after::Book>(), &[("field bids.quantity", "f64 at 8", "u64 at 8")]);
}

#[test]
fn another_name_or_version_is_another_element() {
    is(
        &named_between::<v1::Order, other_name::Quote>()[..2],
        &[("element", "schemas.Quote", "schemas.Order"), ("element version", "2", "1")],
    );
    let list = named_between::<v1::Order, v2_apart::Order>();
    is(&list[..1], &[("element version", "2", "1")]);
}

#[test]
fn a_newer_element_that_declares_an_older_one_compatible_meets_it_whoever_created_the_ring() {
    is(&between::<v1::Order, v2::Order>(), &[]);
    is(&between::<v2::Order, v1::Order>(), &[]);

    let name = UniqueName::new();
    let ring: Ring<v1::Order> = Options::<v1::Order>::new(4).create(&name).expect("a ring");
    let order = v1::Order { id: 1, price: -5, _reserved: [0; 16] };
    ring.producer().expect("the role").try_push(order).expect("room");
    let mut rx = open::<v2::Order>(&name).expect("a compatible ring").consumer().expect("the role");
    let expected = v2::Order { id: 1, price: -5, quantity: 0, _reserved: [0; 12] };
    assert_eq!(rx.try_pop(), Ok(expected));
}

#[test]
fn a_compatible_version_needs_the_same_size() {
    is(
        &named_between::<v1::Order, v3_larger::Order>(),
        &[
            ("element version", "3", "1"),
            ("element size", "40", "32"),
            ("field _reserved", "[u8; 24] at 16", "[u8; 16] at 16"),
        ],
    );
}

#[test]
fn elements_are_no_bytes() {
    let name = UniqueName::new();
    let _ring = Options::<u64>::new(4).create(&name).expect("a ring");
    for error in [open::<[u8]>(&name).err(), Options::<[u8]>::new(4, 8).open_or_create(&name).err()] {
        let Some(OpenError::Mismatch { differences, .. }) = error else { panic!("{error:?}") };
        let differences = triples(differences);
        let element = ("element".to_owned(), "[u8]".to_owned(), "u64".to_owned());
        assert!(differences.contains(&element), "{differences:?}");
        assert!(differences.iter().all(|it| it.1 != "0"), "whoever opens expects no length: {differences:?}");
    }
}

#[test]
fn bytes_are_no_elements() {
    let name = UniqueName::new();
    let _ring = Options::<[u8]>::new(4, 8).create(&name).expect("a ring");
    for error in [open::<u64>(&name).err(), open::<u8>(&name).err(), open::<[u8; 8]>(&name).err()] {
        let Some(OpenError::Mismatch { differences, .. }) = error else { panic!("{error:?}") };
        assert!(differences.iter().any(|it| it.what == "element" && it.found == "[u8]"), "{differences:?}");
    }
}

#[test]
fn a_ring_of_another_capacity_is_refused_with_both() {
    let name = UniqueName::new();
    let _ring = Options::<u64>::new(8).create(&name).expect("a ring");
    for same in [5, 6, 7, 8] {
        Options::<u64>::new(same).open_or_create(&name).expect("it is rounded up to the same");
    }
    for (asked, real) in [(4, "4"), (9, "16")] {
        let error = Options::<u64>::new(asked).open_or_create(&name).err();
        let Some(OpenError::Mismatch { differences, .. }) = error else { panic!("{error:?}") };
        is(&triples(differences), &[("capacity", real, "8")]);
    }
    assert_eq!(open::<u64>(&name).expect("whoever opens takes what there is").capacity(), 8);
}

#[test]
fn a_ring_of_another_maximum_length_is_refused_with_both() {
    let name = UniqueName::new();
    let _ring = Options::<[u8]>::new(8, 100).create(&name).expect("a ring");
    for max_len in [99, 101, 104] {
        let error = Options::<[u8]>::new(4, max_len).open_or_create(&name).err();
        let Some(OpenError::Mismatch { differences, .. }) = error else { panic!("{error:?}") };
        is(&triples(differences), &[("capacity", "4", "8"), ("maximum length", &max_len.to_string(), "100")]);
    }
    assert_eq!(open::<[u8]>(&name).expect("whoever opens takes what there is").max_len(), 100);
}

#[test]
fn everything_that_differs_is_told_at_once() {
    let name = UniqueName::new();
    let _ring = Options::<v1::Order>::new(8).create(&name).expect("a ring");
    let error = Options::<u32>::new(4).open_or_create(&name).err();
    let Some(OpenError::Mismatch { differences, .. }) = error else { panic!("{error:?}") };
    let what: Vec<_> = differences.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(
        what,
        [
            "capacity",
            "element",
            "element version",
            "element size",
            "element alignment",
            "type",
            "field id",
            "field price",
            "field _reserved",
            "fingerprint"
        ]
    );
}

#[test]
fn a_schema_that_fills_several_pages_is_recorded_whole() {
    #[derive(Element, Clone, Copy, Debug, PartialEq)]
    #[element(name = "schemas.Leaf")]
    #[repr(C)]
    struct Leaf {
        a_field_whose_name_is_so_long_that_it_takes_most_of_a_row_of_the_field_table: u8,
        another_field_whose_name_is_so_long_that_it_takes_most_of_a_row_of_the_table: i8,
    }
    #[derive(Element, Clone, Copy, Debug, PartialEq)]
    #[element(name = "schemas.Eight")]
    #[repr(C)]
    struct Eight<T: Element> {
        one: T,
        two: T,
        three: T,
        four: T,
        five: T,
        six: T,
        seven: T,
        eight: T,
    }
    type Large = Eight<Eight<Leaf>>;

    is(&between::<Large, Large>(), &[]);
    let name = UniqueName::new();
    let ring = Options::<Large>::new(4).create(&name).expect("a ring");
    let leaf = Leaf {
        a_field_whose_name_is_so_long_that_it_takes_most_of_a_row_of_the_field_table: 1,
        another_field_whose_name_is_so_long_that_it_takes_most_of_a_row_of_the_table: -1,
    };
    let eight = Eight {
        one: leaf,
        two: leaf,
        three: leaf,
        four: leaf,
        five: leaf,
        six: leaf,
        seven: leaf,
        eight: leaf,
    };
    let large = Eight {
        one: eight,
        two: eight,
        three: eight,
        four: eight,
        five: eight,
        six: eight,
        seven: eight,
        eight,
    };
    ring.producer().expect("the role").try_push(large).expect("room");
    let mut rx = open::<Large>(&name).expect("the ring").consumer().expect("the role");
    assert_eq!(rx.try_pop(), Ok(large));
    let header = crate::common::Image::of(&name.path()).u32(crate::common::preamble::HEADER_LENGTH);
    assert!(header > 8192, "{header}");
    let differences = ringfence::inspect(&name).expect("the ring").check::<Eight<Eight<u16>>>();
    let leaf =
        "field eight.eight.another_field_whose_name_is_so_long_that_it_takes_most_of_a_row_of_the_table";
    assert!(differences.iter().any(|it| it.what == leaf && it.found == "i8 at 1"), "{differences:?}");
}
