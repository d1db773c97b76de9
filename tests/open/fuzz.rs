//! Files of any content under the name of a ring: an error or a ring, nothing else.

use proptest::prelude::*;
use ringfence::OpenError;
use ringfence::spsc::Options;

use crate::common::{Image, body, preamble};
use crate::{Planted, Tick, image, image_of};

/// Everything that can be done with a file under a ring's name without waiting.
fn exercise(image: &Image) -> [Option<OpenError>; 3] {
    let planted = Planted::new(image);
    if let Ok(seen) = planted.inspect() {
        let _ = (seen.check::<Tick>(), seen.check::<u64>(), seen.check::<[u8]>(), seen.participants());
        let _ = (seen.len(), seen.element().map(|it| it.0.len()), seen.created_at(), format!("{seen:?}"));
    }
    let ticks = planted.open::<Tick>().map(|ring| {
        let _ = ring.producer().map(|mut it| it.try_push_slice(&[Tick::new(1); 9]));
        let _ = ring.consumer().map(|mut it| it.try_pop_slice(&mut [Tick::new(0); 9]));
        let _ = (ring.participants(), ring.len(), ring.repair());
    });
    let numbers = planted.open::<u64>().map(|ring| {
        let _ = ring.producer().map(|mut it| it.try_push_slice(&[1; 9]));
        let _ = ring.consumer().map(|mut it| it.try_pop_slice(&mut [0; 9]));
    });
    let bytes = planted.open::<[u8]>().map(|ring| {
        let longest = vec![1; ring.max_len().min(1 << 20)];
        let _ = ring.producer().map(|mut it| while it.try_push(&longest).is_ok() {});
        let _ = ring.consumer().map(|mut it| it.try_read().map(|item| item.to_vec()));
    });
    [ticks.err(), numbers.err(), bytes.err()]
}

/// A number that a check could forget.
fn any_number(original: u64, size: u64) -> impl Strategy<Value = u64> {
    prop_oneof![
        (0_u64..10).prop_map(move |it| original.wrapping_add(it).wrapping_sub(5)),
        (0_u32..64, 0_u64..3).prop_map(|(bit, more)| (1_u64 << bit).wrapping_add(more).wrapping_sub(1)),
        (0_u64..300).prop_map(move |it| size.wrapping_add(it * 64).wrapping_sub(100 * 64)),
        (0_u64..9).prop_map(u64::wrapping_neg),
        any::<u64>(),
    ]
}

/// Where a number of the header begins, and how many bytes it has.
const FIELDS: [(usize, usize); 38] = [
    (preamble::MAJOR, 2),
    (preamble::MINOR, 2),
    (preamble::HEADER_LENGTH, 4),
    (preamble::KIND, 4),
    (preamble::LOCK_HOME, 4),
    (preamble::TOTAL_SIZE, 8),
    (preamble::LOCK_NAME, 8),
    (preamble::LOCK_ENTRIES, 8),
    (preamble::LOCK_COUNT, 8),
    (body::INCOMPATIBLE_FEATURES, 8),
    (body::CONTENT, 4),
    (body::ELEMENT_SIZE, 4),
    (body::ELEMENT_ALIGN, 4),
    (body::PAYLOAD_OFFSET, 4),
    (body::SLOT_STRIDE, 4),
    (body::STAMP_OFFSET, 4),
    (body::CAPACITY, 8),
    (body::START, 8),
    (body::CREATED_AT, 8),
    (body::SHARED, 8),
    (body::SHARED + 8, 8),
    (body::ENTRIES, 8),
    (body::ENTRIES + 8, 8),
    (body::GATES, 8),
    (body::CLAIMS, 8),
    (body::CLAIMS + 8, 8),
    (body::DATA, 8),
    (body::DATA + 8, 8),
    (body::ENTRY_COUNT, 4),
    (body::ENTRY_STRIDE, 4),
    (body::SCHEMA_NAME, 4),
    (body::SCHEMA_NAME + 4, 4),
    (body::SCHEMA_FIELDS, 4),
    (body::SCHEMA_FIELDS + 4, 4),
    (body::SCHEMA_COMPATIBLE, 4),
    (body::SCHEMA_COMPATIBLE + 4, 4),
    (body::SCHEMA_VERSION, 4),
    (body::SCHEMA_FIELD_COUNT, 4),
];

/// One lie: the field's number in [`FIELDS`], and a seed for its value.
fn lie(image: Image) -> impl Strategy<Value = (usize, u64)> {
    (0..FIELDS.len()).prop_flat_map(move |field| {
        let (at, width) = FIELDS[field];
        let mut bytes = [0; 8];
        bytes[..width].copy_from_slice(&image.bytes()[at..at + width]);
        (Just(field), any_number(u64::from_le_bytes(bytes), image.bytes().len() as u64))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_bytes_are_no_ring(bytes in prop::collection::vec(any::<u8>(), 0..9000)) {
        prop_assume!(!bytes.starts_with(b"\x89RNGFNC\n"));
        for error in exercise(&Image::of_bytes(bytes)) {
            prop_assert!(matches!(error, Some(OpenError::NotARing { .. } | OpenError::Truncated { .. })), "{error:?}");
        }
    }

    #[test]
    fn random_bytes_behind_the_magic_are_a_damaged_ring(bytes in prop::collection::vec(any::<u8>(), 120..9000)) {
        let bytes = b"\x89RNGFNC\n".iter().copied().chain(bytes).collect();
        for error in exercise(&Image::of_bytes(bytes)) {
            prop_assert!(matches!(error, Some(OpenError::Damaged { part: "preamble", .. })), "{error:?}");
        }
    }

    #[test]
    fn random_bytes_with_right_checksums_are_refused(bytes in prop::collection::vec(any::<u8>(), 512..9000)) {
        let length = bytes.len();
        let image = Image::of_bytes(bytes)
            .put(0, b"\x89RNGFNC\n")
            .put_u16(preamble::MAJOR, 1)
            .put_u32(preamble::HEADER_LENGTH, 512)
            .put_u32(preamble::LOCK_HOME, 0)
            .put_u64(preamble::TOTAL_SIZE, length as u64)
            .put_u64(preamble::LOCK_NAME, 1 << 62)
            .put_u64(preamble::LOCK_ENTRIES, (1 << 62) + 16)
            .put_u64(preamble::LOCK_COUNT, 2)
            .sealed();
        for error in exercise(&image) {
            prop_assert!(error.is_some());
        }
    }

    #[test]
    fn a_header_that_lies_is_refused_or_does_no_harm(
        lies in prop::collection::vec(lie(image()), 1..4),
        which in 0_usize..3,
        wipe_fingerprint in prop::bool::weighted(0.1),
    ) {
        let mut image = match which {
            0 => image(),
            1 => image_of(Options::<u64>::new(256), |tx| {
                tx.try_push_slice(&[1, 2, 3]).expect("room");
            }),
            _ => image_of(Options::<[u8]>::new(4, 1008), |tx| {
                tx.try_push(b"bytes").expect("room");
            }),
        };
        for (field, value) in lies {
            let (at, width) = FIELDS[field];
            image = image.put(at, &value.to_le_bytes()[..width]);
        }
        if wipe_fingerprint {
            image = image.put(body::SCHEMA_FINGERPRINT, [0; 16]);
        }
        exercise(&image.sealed());
    }

    #[test]
    fn a_field_table_of_random_bytes_is_refused_or_does_no_harm(
        table in prop::collection::vec(prop_oneof![0_u8..3, any::<u8>()], 0..600),
        rows in 0_u32..40,
    ) {
        let image = image();
        let at = image.u32(body::SCHEMA_FIELDS) as usize;
        let image = image
            .put(body::SCHEMA_FINGERPRINT, [1; 16])
            .put_u32(body::SCHEMA_FIELDS + 4, table.len() as u32)
            .put_u32(body::SCHEMA_FIELD_COUNT, rows)
            .put_u32(body::SCHEMA_COMPATIBLE + 4, 0)
            .put(at, &table);
        for error in exercise(&image.sealed()) {
            prop_assert!(error.is_some(), "another fingerprint is another element");
        }
    }
}
