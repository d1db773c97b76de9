//! The kinds of structs that can be derived.

use ringfence::{Element, Schema};

fn rows<T: Element>() -> Vec<(&'static str, usize, Schema)> {
    T::SCHEMA.fields().iter().map(|field| (field.name(), field.offset(), *field.schema())).collect()
}

#[test]
fn a_tuple_struct_names_its_fields_by_number() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "geo.Point")]
    #[repr(C)]
    struct Point(f64, f32, [u8; 4]);

    assert_eq!(rows::<Point>(), [("0", 0, f64::SCHEMA), ("1", 8, f32::SCHEMA), ("2", 12, <[u8; 4]>::SCHEMA)]);
}

#[test]
fn a_transparent_struct_is_a_struct_of_one_field() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "md.Price")]
    #[repr(transparent)]
    struct Price(i64);

    assert_eq!(rows::<Price>(), [("0", 0, i64::SCHEMA)]);
    assert_ne!(Price::SCHEMA.fingerprint(), i64::SCHEMA.fingerprint());
}

#[test]
fn a_packed_struct_needs_no_reserved_bytes() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "wire.Header")]
    #[repr(C, packed)]
    struct Header {
        kind: u8,
        length: u32,
        sequence: u64,
    }

    #[derive(Element, Clone, Copy)]
    #[element(name = "wire.Header2")]
    #[repr(packed(2), C)]
    struct HeaderOfPairs {
        kind: u16,
        length: u32,
        sequence: u64,
    }

    assert_eq!(
        rows::<Header>(),
        [("kind", 0, u8::SCHEMA), ("length", 1, u32::SCHEMA), ("sequence", 5, u64::SCHEMA)]
    );
    assert_eq!((Header::SCHEMA.size(), Header::SCHEMA.align()), (13, 1));
    assert_eq!((HeaderOfPairs::SCHEMA.size(), HeaderOfPairs::SCHEMA.align()), (14, 2));
}

#[test]
fn an_aligned_struct_spells_out_its_last_bytes() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "test.Line")]
    #[repr(C, align(64))]
    struct Line {
        value: u64,
        _reserved: [u8; 56],
    }

    assert_eq!((Line::SCHEMA.size(), Line::SCHEMA.align()), (64, 64));
}

#[test]
fn elements_nest() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "md.Level")]
    #[repr(C)]
    struct Level {
        price: i64,
        quantity: u64,
    }

    #[derive(Element, Clone, Copy)]
    #[element(name = "md.Book")]
    #[repr(C)]
    struct Book {
        best: Level,
        bids: [Level; 5],
        asks: [Level; 5],
    }

    assert_eq!(
        rows::<Book>(),
        [("best", 0, Level::SCHEMA), ("bids", 16, <[Level; 5]>::SCHEMA), ("asks", 96, <[Level; 5]>::SCHEMA)]
    );
}

#[test]
fn a_generic_struct_is_an_element_for_elements() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "test.Pair")]
    #[repr(C)]
    struct Pair<A, B = A>
    where
        A: Send,
    {
        first: A,
        second: [B; 2],
    }

    assert_eq!(rows::<Pair<u32, u16>>(), [("first", 0, u32::SCHEMA), ("second", 4, <[u16; 2]>::SCHEMA)]);
    assert_eq!(rows::<Pair<Pair<u8>, u8>>()[0].2, Pair::<u8>::SCHEMA);
    assert_ne!(Pair::<u32, u16>::SCHEMA.fingerprint(), Pair::<u32, i16>::SCHEMA.fingerprint());
}

#[test]
fn a_generic_function_needs_no_more_than_elements_to_use_a_generic_struct() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "test.Stamped")]
    #[repr(C)]
    struct Stamped<T> {
        value: T,
        stamps: [T; 3],
    }

    fn size<T: Element>() -> usize {
        Stamped::<T>::SCHEMA.size()
    }

    assert_eq!(size::<u16>(), 8);
    assert_eq!(size::<Stamped<u16>>(), 32);
}

#[test]
fn a_struct_can_be_generic_over_a_length() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "test.Text")]
    #[repr(C)]
    struct Text<const N: usize> {
        len: u16,
        bytes: [u8; N],
    }

    assert_eq!(rows::<Text<30>>(), [("len", 0, u16::SCHEMA), ("bytes", 2, <[u8; 30]>::SCHEMA)]);
    assert_eq!(Text::<0>::SCHEMA.size(), 2);
    assert_ne!(Text::<30>::SCHEMA.fingerprint(), Text::<62>::SCHEMA.fingerprint());
}

#[test]
fn a_length_may_be_a_constant_of_the_struct() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "test.Symbol")]
    #[repr(C)]
    struct Symbol {
        bytes: [u8; Self::LEN],
    }

    impl Symbol {
        const LEN: usize = 12;
    }

    assert_eq!(rows::<Symbol>(), [("bytes", 0, <[u8; 12]>::SCHEMA)]);
}

#[test]
fn fields_that_are_configured_away_do_not_count() {
    #[derive(Element, Clone, Copy)]
    #[cfg_attr(all(), element(name = "test.Configured"))]
    #[cfg_attr(all(), repr(C))]
    struct Configured {
        #[cfg(not(any()))]
        present: u32,
        #[cfg(any())]
        absent: bool,
        #[cfg_attr(any(), element(name = "ignored"))]
        last: u32,
    }

    assert_eq!(rows::<Configured>(), [("present", 0, u32::SCHEMA), ("last", 4, u32::SCHEMA)]);
}

#[test]
fn raw_names_lose_their_prefix() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "test.Raw")]
    #[repr(C)]
    struct r#Struct {
        r#type: u64,
    }

    assert_eq!(rows::<r#Struct>(), [("type", 0, u64::SCHEMA)]);
}

#[test]
fn a_struct_can_come_from_a_macro() {
    macro_rules! message {
        ($name:ident, $schema:literal, $version:literal, { $($field:ident: $type:ty),* }) => {
            #[derive(Element, Clone, Copy)]
            #[element(name = $schema, version = $version)]
            #[repr(C)]
            struct $name { magic: u32, $($field: $type),* }
        };
    }

    message!(Heartbeat, "test.Heartbeat", 9, { count: [u32; 2], load: f32 });

    assert_eq!(Heartbeat::SCHEMA.to_string(), "test.Heartbeat v9");
    assert_eq!(
        rows::<Heartbeat>(),
        [("magic", 0, u32::SCHEMA), ("count", 4, <[u32; 2]>::SCHEMA), ("load", 12, f32::SCHEMA)]
    );
}

#[test]
fn the_crate_may_have_another_name() {
    #[derive(rings::Element, Clone, Copy)]
    #[element(name = "test.Renamed", crate = "rings")]
    #[repr(C)]
    struct Renamed<T> {
        value: T,
    }

    #[derive(rings::Element, Clone, Copy)]
    #[element(name = "test.Renamed", crate = "::rings")]
    #[repr(C)]
    struct RenamedFromTheRoot {
        value: u8,
    }

    assert_eq!(Renamed::<u8>::SCHEMA, RenamedFromTheRoot::SCHEMA);
}

#[test]
fn the_crate_may_be_reached_through_a_module_of_another() {
    mod framework {
        pub(crate) mod reexported {
            pub(crate) use ringfence::*;
        }
    }

    #[derive(framework::reexported::Element, Clone, Copy)]
    #[element(name = "test.Reached", crate = "framework::reexported")]
    #[repr(C)]
    struct Reached {
        value: u8,
    }

    assert_eq!(rows::<Reached>(), [("value", 0, u8::SCHEMA)]);
}

#[test]
fn names_in_scope_do_not_disturb_the_derive() {
    mod core {}
    mod ringfence {}
    struct Schema;
    const fn size_of() {}
    const fn field() {}

    #[derive(Element, Clone, Copy)]
    #[element(name = "test.Surrounded")]
    #[repr(C)]
    struct Surrounded {
        first: u8,
        second: u8,
    }

    assert_eq!(Surrounded::SCHEMA.fields().len(), 2);
}

#[test]
fn deprecated_structs_and_fields_cause_no_warning_in_the_derive() {
    #![deny(deprecated)]

    #[derive(Element, Clone, Copy)]
    #[element(name = "test.Deprecated")]
    #[repr(C)]
    #[deprecated]
    struct Deprecated {
        #[deprecated]
        value: u8,
    }
}
