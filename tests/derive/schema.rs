//! The contents of schemas.

use ringfence::{Element, Field, Payload, Scalar, Schema, Shape};

#[derive(Element, Clone, Copy)]
#[element(name = "md.Tick", version = 7, compatible = [6, 3])]
#[repr(C)]
struct Tick {
    ts_ns: u64,
    price: i64,
    quantity: u32,
    venue: [u8; 4],
}

fn row(field: &Field) -> (&'static str, usize, &'static Schema) {
    (field.name(), field.offset(), field.schema())
}

#[test]
fn a_struct_has_the_name_version_and_compatible_versions_of_its_attribute() {
    let schema = Tick::SCHEMA;
    assert_eq!(schema.name(), "md.Tick");
    assert_eq!(schema.version(), 7);
    assert_eq!(schema.compatible(), [6, 3]);
    assert_eq!(schema.shape(), Shape::Struct);
}

#[test]
fn a_struct_has_the_size_and_alignment_of_the_type() {
    assert_eq!(Tick::SCHEMA.size(), size_of::<Tick>());
    assert_eq!(Tick::SCHEMA.align(), align_of::<Tick>());
}

#[test]
fn a_struct_lists_its_fields_in_order_with_offsets_and_layouts() {
    let rows: Vec<_> = Tick::SCHEMA.fields().iter().map(row).collect();
    assert_eq!(
        rows,
        [
            ("ts_ns", 0, &u64::SCHEMA),
            ("price", 8, &i64::SCHEMA),
            ("quantity", 16, &u32::SCHEMA),
            ("venue", 20, &<[u8; 4]>::SCHEMA),
        ]
    );
}

#[test]
fn a_version_that_is_not_given_is_one_and_compatible_with_none() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "test.Unversioned")]
    #[repr(C)]
    struct Unversioned {
        value: u8,
    }

    assert_eq!(Unversioned::SCHEMA.version(), 1);
    assert!(Unversioned::SCHEMA.compatible().is_empty());
}

#[test]
fn keys_may_stand_in_any_order_and_in_several_attributes() {
    #[derive(Element, Clone, Copy)]
    #[element(compatible = [1,], version = 2)]
    #[element(name = "test.Split")]
    #[repr(C)]
    struct Split {
        value: u8,
    }

    assert_eq!(Split::SCHEMA.to_string(), "test.Split v2");
    assert_eq!(Split::SCHEMA.compatible(), [1]);
}

#[test]
fn names_of_every_allowed_character_and_length_are_taken() {
    #[derive(Element, Clone, Copy)]
    #[element(name = "a")]
    #[repr(C)]
    struct Short {
        value: u8,
    }

    #[derive(Element, Clone, Copy)]
    #[element(
        name = "ABCDEFGHIJKLMNOPQRSTUVWXYZ.abcdefghijklmnopqrstuvwxyz_0123456789-100-characters-are-the-most-allowed"
    )]
    #[repr(C)]
    struct Long {
        value: u8,
    }

    assert_eq!(Short::SCHEMA.name().len(), 1);
    assert_eq!(Long::SCHEMA.name().len(), 100);
}

#[test]
fn every_number_of_fixed_width_is_a_scalar_of_its_own_name_size_and_code() {
    fn check<T: Element>(scalar: Scalar, code: u8) {
        let schema = T::SCHEMA;
        assert_eq!(schema.shape(), Shape::Scalar(scalar));
        assert_eq!(schema.name(), std::any::type_name::<T>());
        assert_eq!(schema.name(), scalar.name());
        assert_eq!(schema.to_string(), scalar.name());
        assert_eq!(schema.version(), 0);
        assert_eq!((schema.size(), schema.align()), (size_of::<T>(), align_of::<T>()));
        assert!(schema.fields().is_empty());
        assert!(schema.compatible().is_empty());
        assert_eq!(scalar.code(), code);
    }

    check::<u8>(Scalar::U8, 1);
    check::<u16>(Scalar::U16, 2);
    check::<u32>(Scalar::U32, 3);
    check::<u64>(Scalar::U64, 4);
    check::<u128>(Scalar::U128, 5);
    check::<i8>(Scalar::I8, 17);
    check::<i16>(Scalar::I16, 18);
    check::<i32>(Scalar::I32, 19);
    check::<i64>(Scalar::I64, 20);
    check::<i128>(Scalar::I128, 21);
    check::<f32>(Scalar::F32, 33);
    check::<f64>(Scalar::F64, 34);
}

#[test]
fn a_code_that_stands_for_no_scalar_is_none_and_the_others_lead_back_to_themselves() {
    let known: Vec<u8> = (0..=u8::MAX).filter(|&code| Scalar::from_code(code).is_some()).collect();
    assert_eq!(known, [1, 2, 3, 4, 5, 17, 18, 19, 20, 21, 33, 34]);
    for code in known {
        assert_eq!(Scalar::from_code(code).map(Scalar::code), Some(code));
    }
}

#[test]
fn an_array_names_its_element_and_length() {
    let schema = <[[u16; 4]; 2]>::SCHEMA;
    assert_eq!(schema.name(), "array");
    assert_eq!(schema.version(), 0);
    assert_eq!((schema.size(), schema.align()), (16, 2));
    assert!(schema.fields().is_empty());
    assert_eq!(schema.shape(), Shape::Array { element: &<[u16; 4]>::SCHEMA, len: 2 });
}

#[test]
fn schemas_are_displayed_as_their_types_are_written() {
    assert_eq!(u64::SCHEMA.to_string(), "u64");
    assert_eq!(<[u8; 16]>::SCHEMA.to_string(), "[u8; 16]");
    assert_eq!(<[[u16; 4]; 2]>::SCHEMA.to_string(), "[[u16; 4]; 2]");
    assert_eq!(Tick::SCHEMA.to_string(), "md.Tick v7");
    assert_eq!(<[Tick; 3]>::SCHEMA.to_string(), "[md.Tick v7; 3]");
}

#[test]
fn elements_and_byte_strings_are_payloads() {
    fn is_payload<P: Payload + ?Sized>() {}
    is_payload::<Tick>();
    is_payload::<[Tick; 2]>();
    is_payload::<f64>();
    is_payload::<[u8]>();
}
