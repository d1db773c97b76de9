//! Which schemas are the same to other processes.

use ringfence::{Element, Fingerprint};

macro_rules! fingerprint_of {
    ($(#[$attribute:meta])* struct $($definition:tt)*) => {{
        #[derive(Element, Clone, Copy)]
        $(#[$attribute])*
        struct Subject $($definition)*
        Subject::SCHEMA.fingerprint()
    }};
}

fn reference() -> Fingerprint {
    fingerprint_of! {
        #[element(name = "test.Subject", version = 3)]
        #[repr(C)]
        struct { first: u32, second: [u16; 2] }
    }
}

#[test]
fn equal_definitions_in_different_modules_have_equal_fingerprints() {
    mod one {
        #[derive(ringfence::Element, Clone, Copy)]
        #[element(name = "test.Subject", version = 3)]
        #[repr(C)]
        pub(crate) struct Here {
            first: u32,
            second: [u16; 2],
        }
    }
    mod other {
        /// Neither documentation nor visibility nor the name in the source matters.
        #[derive(ringfence::Element, Clone, Copy, Debug, Default)]
        #[repr(C)]
        #[element(version = 3, name = "test.Subject")]
        pub(crate) struct There {
            pub(crate) first: u32,
            pub(crate) second: [u16; 2],
        }
    }

    assert_eq!(one::Here::SCHEMA, other::There::SCHEMA);
    assert_eq!(one::Here::SCHEMA.fingerprint(), reference());
}

#[test]
fn the_list_of_compatible_versions_does_not_change_the_fingerprint() {
    let with_list = fingerprint_of! {
        #[element(name = "test.Subject", version = 3, compatible = [2])]
        #[repr(C)]
        struct { first: u32, second: [u16; 2] }
    };
    assert_eq!(with_list, reference());
}

#[test]
fn whatever_changes_in_a_struct_changes_its_fingerprint() {
    let variations = [
        ("nothing", reference()),
        (
            "name of the schema",
            fingerprint_of! {
                #[element(name = "test.Object", version = 3)]
                #[repr(C)]
                struct { first: u32, second: [u16; 2] }
            },
        ),
        (
            "version",
            fingerprint_of! {
                #[element(name = "test.Subject", version = 4)]
                #[repr(C)]
                struct { first: u32, second: [u16; 2] }
            },
        ),
        (
            "name of a field",
            fingerprint_of! {
                #[element(name = "test.Subject", version = 3)]
                #[repr(C)]
                struct { primary: u32, second: [u16; 2] }
            },
        ),
        (
            "type of a field",
            fingerprint_of! {
                #[element(name = "test.Subject", version = 3)]
                #[repr(C)]
                struct { first: i32, second: [u16; 2] }
            },
        ),
        (
            "type within an array",
            fingerprint_of! {
                #[element(name = "test.Subject", version = 3)]
                #[repr(C)]
                struct { first: u32, second: [i16; 2] }
            },
        ),
        (
            "length of an array",
            fingerprint_of! {
                #[element(name = "test.Subject", version = 3)]
                #[repr(C)]
                struct { first: u32, second: [u16; 4] }
            },
        ),
        (
            "order, and so the offsets",
            fingerprint_of! {
                #[element(name = "test.Subject", version = 3)]
                #[repr(C)]
                struct { second: [u16; 2], first: u32 }
            },
        ),
        (
            "alignment",
            fingerprint_of! {
                #[element(name = "test.Subject", version = 3)]
                #[repr(C, align(8))]
                struct { first: u32, second: [u16; 2] }
            },
        ),
        (
            "packing",
            fingerprint_of! {
                #[element(name = "test.Subject", version = 3)]
                #[repr(C, packed)]
                struct { first: u32, second: [u16; 2] }
            },
        ),
        (
            "one more field without bytes",
            fingerprint_of! {
                #[element(name = "test.Subject", version = 3)]
                #[repr(C)]
                struct { first: u32, second: [u16; 2], third: [u8; 0] }
            },
        ),
        (
            "names of fields joined differently",
            fingerprint_of! {
                #[element(name = "test.Subjectf", version = 3)]
                #[repr(C)]
                struct { irst: u32, second: [u16; 2] }
            },
        ),
    ];

    for (i, (change, fingerprint)) in variations.iter().enumerate() {
        for (other_change, other) in &variations[..i] {
            assert_ne!(fingerprint, other, "changed: {change}; changed: {other_change}");
        }
    }
}

#[test]
fn a_change_inside_a_nested_struct_changes_the_outer_fingerprint() {
    mod before {
        #[derive(ringfence::Element, Clone, Copy)]
        #[element(name = "test.Inner")]
        #[repr(C)]
        pub(crate) struct Inner {
            value: u32,
        }
    }
    mod after {
        #[derive(ringfence::Element, Clone, Copy)]
        #[element(name = "test.Inner")]
        #[repr(C)]
        pub(crate) struct Inner {
            value: i32,
        }
    }
    let with = |fingerprint: [Fingerprint; 2]| assert_ne!(fingerprint[0], fingerprint[1]);

    with([
        fingerprint_of! { #[element(name = "test.Outer")] #[repr(C)] struct { inner: before::Inner } },
        fingerprint_of! { #[element(name = "test.Outer")] #[repr(C)] struct { inner: after::Inner } },
    ]);
    with([<[before::Inner; 2]>::SCHEMA.fingerprint(), <[after::Inner; 2]>::SCHEMA.fingerprint()]);
}

#[test]
fn a_scalar_an_array_of_one_and_a_struct_around_it_all_differ() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "u64")]
    #[repr(transparent)]
    struct Disguised(u64);

    #[derive(Element, Clone, Copy)]
    #[element(name = "array")]
    #[repr(transparent)]
    struct DisguisedArray([u64; 1]);

    let all = [
        u64::SCHEMA.fingerprint(),
        <[u64; 1]>::SCHEMA.fingerprint(),
        Disguised::SCHEMA.fingerprint(),
        DisguisedArray::SCHEMA.fingerprint(),
    ];
    for (i, one) in all.iter().enumerate() {
        assert!(!all[..i].contains(one));
    }
}

/// Rings store fingerprints: whoever has to change these numbers has broken every ring that exists. They were
/// computed from the encoding at the head of `src/element.rs` by a program of another language.
#[test]
#[cfg(target_pointer_width = "64")]
fn fingerprints_stay_the_same_for_ever() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "md.Tick", version = 2)]
    #[repr(C)]
    struct Tick {
        ts_ns: u64,
        price: i64,
        quantity: u32,
        venue: [u8; 4],
    }

    let golden = [
        (u64::SCHEMA, 0xae91_e170_a89d_91c9_c494_1295_584c_26e8),
        (<[u8; 16]>::SCHEMA, 0xe935_7d6e_0505_18b9_799b_2f27_21f7_af8c),
        (Tick::SCHEMA, 0xe57c_1314_867e_8712_bb12_6659_956a_4417),
    ];
    for (schema, bits) in golden {
        assert_eq!(schema.fingerprint(), Fingerprint::from_bits(bits), "{schema}");
    }
}

#[test]
fn a_fingerprint_is_written_as_32_hexadecimal_digits() {
    let fingerprint = Fingerprint::from_bits(0xab_cdef);
    assert_eq!(fingerprint.to_string(), "00000000000000000000000000abcdef");
    assert_eq!(format!("{fingerprint:x}"), "00000000000000000000000000abcdef");
    assert_eq!(format!("{fingerprint:?}"), "Fingerprint(00000000000000000000000000abcdef)");
    assert_eq!(Fingerprint::from_bits(u128::MAX).to_string(), "f".repeat(32));
}
