//! Headers that lie, under right checksums: each lie is found before anything is done with it.

use ringfence::spsc::Options;
use ringfence::{OpenError, Payload};

use crate::common::{Image, allocated, body, preamble};
use crate::{Planted, Tick, image, image_of};

/// Every way to open `image` says that its header is invalid, and why; whoever looks learns the same.
fn assert_invalid(image: Image, why: &str) {
    let image = image.sealed();
    let planted = Planted::new(&image);
    let error = planted.open::<Tick>().expect_err(why);
    let OpenError::Invalid { path, what } = &error else { panic!("{why}: {error}") };
    assert_eq!(*path, planted.path());
    assert!(what.contains(why), "{why}: {what}");
    assert!(error.to_string().contains(what));
    assert_eq!(planted.open::<[u8]>().map(drop), Err(error.clone()));
    assert_eq!(planted.inspect().map(drop), Err(error));
}

#[test]
fn a_capacity_that_no_ring_has() {
    for capacity in [0, 1, 3, 5, 6, (1 << 40) - 1, (1 << 63) - 1, (1 << 63) + 1, u64::MAX] {
        assert_invalid(image().put_u64(body::CAPACITY, capacity), "capacity");
    }
    for capacity in [256, 1 << 20, 1 << 40, 1 << 59, 1 << 60, 1 << 62, 1 << 63] {
        assert_invalid(image().put_u64(body::CAPACITY, capacity), "data section is cut short");
    }
}

#[test]
fn a_start_position_beyond_the_wrap() {
    for start in [1 << 62, 1 << 63, u64::MAX] {
        assert_invalid(image().put_u64(body::START, start), "start position");
    }
}

#[test]
fn a_content_that_this_build_does_not_know() {
    for content in [0, 3, u32::MAX] {
        assert_invalid(image().put_u32(body::CONTENT, content), "content");
    }
}

#[test]
fn an_element_of_an_impossible_shape() {
    for size in [0, 25, 40, 1 << 31, u32::MAX] {
        assert_invalid(image().put_u32(body::ELEMENT_SIZE, size), "slot shape");
    }
    for align in [0, 3, 6, 64, 4096, 8192, 1 << 31, u32::MAX] {
        assert_invalid(image().put_u32(body::ELEMENT_ALIGN, align), "slot shape");
    }
    for offset in [1, 8, 16, 24, 32, 4096, u32::MAX] {
        assert_invalid(image().put_u32(body::PAYLOAD_OFFSET, offset), "slot shape");
    }
    for offset in [0, 8, 16, 23, 25, 32, 4096, u32::MAX] {
        assert_invalid(image().put_u32(body::STAMP_OFFSET, offset), "slot shape");
    }
    for stride in [0, 1, 24, 31, 33, 40, 1 << 31, u32::MAX] {
        assert_invalid(image().put_u32(body::SLOT_STRIDE, stride), "slot shape");
    }
    assert_invalid(image().put_u32(body::CONTENT, 2), "slot shape");
}

#[test]
fn sections_that_lie_where_none_may_be() {
    let total = image().bytes().len() as u64;
    let sections = [body::SHARED, body::ENTRIES, body::GATES, body::CLAIMS, body::DATA];
    for section in sections {
        let offset = image().u64(section);
        for nowhere in [0, 128, 4095, offset - 128, offset + 1, offset + 8, offset + 64, total + 128]
            .into_iter()
            .chain([1 << 32, 1 << 62, 1 << 63, u64::MAX - 127, u64::MAX])
        {
            assert_invalid(image().put_u64(section, nowhere), "section");
        }
    }
    for section in sections {
        for length in [total + 1, 1 << 32, 1 << 62, 1 << 63, u64::MAX] {
            assert_invalid(image().put_u64(section + 8, length), "section");
        }
    }
}

#[test]
fn sections_that_are_too_short_for_what_is_in_them() {
    for length in [0, 1, 895] {
        assert_invalid(image().put_u64(body::SHARED + 8, length), "shared words are cut short");
    }
    for length in [0, 256, 511] {
        assert_invalid(image().put_u64(body::ENTRIES + 8, length), "participant table is cut short");
    }
    for length in [0, 1, 4 * 32 - 1] {
        assert_invalid(image().put_u64(body::DATA + 8, length), "data section is cut short");
    }
}

#[test]
fn data_that_end_one_byte_outside_the_region() {
    let room = image().bytes().len() as u64 - image().u64(body::DATA);
    assert_invalid(image().put_u64(body::DATA + 8, room + 1), "outside the region");
    Planted::new(&image().put_u64(body::DATA + 8, room).sealed())
        .open::<Tick>()
        .expect("the last byte is inside");
}

#[test]
fn sections_that_overlap() {
    let [entries, data] = [body::ENTRIES, body::DATA].map(|it| image().u64(it));
    assert_invalid(image().put_u64(body::SHARED, entries), "overlap");
    assert_invalid(image().put_u64(body::SHARED + 8, 4096 + 128), "overlap");
    assert_invalid(image().put_u64(body::ENTRIES + 8, 512 + 128), "overlap");
    assert_invalid(image().put_u64(body::GATES + 8, 128), "overlap");
    assert_invalid(image().put_u64(body::CLAIMS + 8, data), "overlap");
    assert_invalid(image().put_u64(body::DATA, entries), "overlap");
    assert_invalid(image().put_u64(body::DATA, 0), "overlap");
}

#[test]
fn a_participant_table_that_contradicts_itself() {
    for count in [0, 1, 3, 256, u32::MAX] {
        assert_invalid(image().put_u32(body::ENTRY_COUNT, count), "participant table");
    }
    for count in [0, 1] {
        let both = image().put_u32(body::ENTRY_COUNT, count).put_u64(preamble::LOCK_COUNT, u64::from(count));
        assert_invalid(both, "participant table");
    }
    for count in [3, 4094, u32::MAX] {
        let both = image().put_u32(body::ENTRY_COUNT, count).put_u64(preamble::LOCK_COUNT, u64::from(count));
        assert_invalid(both, "participant table");
    }
    for stride in [0, 128, 255, 512, u32::MAX] {
        assert_invalid(image().put_u32(body::ENTRY_STRIDE, stride), "participant table");
    }
}

#[test]
fn more_participants_than_a_ring_can_have() {
    // The table is there, all the same.
    let count = 4095_u32;
    let table = u64::from(count) * 256;
    let data = (8192 + table).next_multiple_of(4096);
    let total = data + 4096;
    let image = image()
        .resize(total as usize)
        .put_u64(preamble::TOTAL_SIZE, total)
        .put_u64(preamble::LOCK_COUNT, u64::from(count))
        .put_u32(body::ENTRY_COUNT, count)
        .put_u64(body::ENTRIES + 8, table)
        .put_u64(body::GATES, 8192 + table)
        .put_u64(body::CLAIMS, 8192 + table)
        .put_u64(body::DATA, data);
    assert_invalid(image, "participant table");
}

#[test]
fn lock_bytes_beyond_the_range_of_a_file() {
    let what = "lock bytes";
    for entries in [0, 1, 1 << 62, (1 << 63) - 1, 1 << 63, u64::MAX] {
        assert_invalid(image().put_u64(preamble::LOCK_ENTRIES, entries), what);
    }
    for name in [(1 << 62) + 16, (1 << 62) + 17, 1 << 63, u64::MAX] {
        assert_invalid(image().put_u64(preamble::LOCK_NAME, name), what);
    }
    for count in [1 << 62, 1 << 63, u64::MAX] {
        assert_invalid(image().put_u64(preamble::LOCK_COUNT, count), what);
    }
}

#[test]
fn a_header_of_an_impossible_length() {
    for length in [0, 1, 127, 128, 511, (1 << 20) + 1, 1 << 31, u32::MAX] {
        assert_invalid(image().put_u32(preamble::HEADER_LENGTH, length), "header length");
    }
    assert_invalid(image().put_u32(preamble::HEADER_LENGTH, 4097), "overlap");
    assert_invalid(image().put_u32(preamble::HEADER_LENGTH, 8192), "overlap");
    assert_invalid(image().put_u32(preamble::HEADER_LENGTH, 512), "outside the header");
    let error = Planted::new(&image().put_u32(preamble::HEADER_LENGTH, 1 << 20).sealed()).open::<Tick>();
    assert!(matches!(error, Err(OpenError::Truncated { .. })), "{error:?}");
}

#[test]
fn a_size_that_the_file_does_not_have() {
    let size = image().bytes().len() as u64;
    for (total, grown) in
        [(0, true), (1, true), (size - 1, true), (size + 1, false), (1 << 63, false), (u64::MAX, false)]
    {
        let image = image().put_u64(preamble::TOTAL_SIZE, total).sealed();
        let error = Planted::new(&image).open::<Tick>().expect_err("a wrong size");
        match error {
            OpenError::Grown { expected, found, .. } if grown => assert_eq!((expected, found), (total, size)),
            OpenError::Truncated { expected, found, .. } if !grown => {
                assert_eq!((expected, found), (total, size))
            }
            error => panic!("{error}"),
        }
    }
}

#[test]
fn a_schema_outside_the_header() {
    for (section, what) in [
        (body::SCHEMA_NAME, "schema name"),
        (body::SCHEMA_FIELDS, "field table"),
        (body::SCHEMA_COMPATIBLE, "compatible versions"),
    ] {
        for offset in [4097, 1 << 20, 1 << 31, u32::MAX] {
            assert_invalid(image().put_u32(section, offset).put_u32(section + 4, 1), what);
        }
        for length in [4096, 1 << 20, 1 << 31, u32::MAX] {
            assert_invalid(image().put_u32(section + 4, length), what);
        }
    }
}

#[test]
fn a_schema_that_is_no_text_or_no_table() {
    let name = image().u32(body::SCHEMA_NAME) as usize;
    let fields = image().u32(body::SCHEMA_FIELDS) as usize;
    assert_invalid(image().put(name, [0xff]), "UTF-8");
    assert_invalid(image().put_u32(body::SCHEMA_FIELD_COUNT, 4), "behind the field table");
    assert_invalid(image().put_u32(body::SCHEMA_FIELD_COUNT, 0), "behind the field table");
    assert_invalid(image().put_u32(body::SCHEMA_FIELD_COUNT, 6), "ends inside a row");
    assert_invalid(image().put_u32(body::SCHEMA_FIELD_COUNT, 1025), "more than 1024 rows");
    assert_invalid(image().put_u32(body::SCHEMA_FIELD_COUNT, u32::MAX), "more than 1024 rows");
    assert_invalid(image().put(fields + 12, [6]), "unknown scalar");
    assert_invalid(image().put(fields + 12, [0xff]), "unknown scalar");
    assert_invalid(image().put(fields + 13, [1]), "nests wrongly");
    assert_invalid(image().put(fields + 16 + 13, [33]), "nests wrongly");
    assert_invalid(image().put_u16(fields + 14, u16::MAX), "ends inside a name");
    assert_invalid(image().put_u16(fields + 14, 100), "ends inside a name");
    assert_invalid(image().put(fields + 16 + 16, [0xff]), "field name is not UTF-8");
}

/// Opening `image` as a ring of `P` says that it is another one, and names `what` differs.
fn assert_mismatch<P: Payload + ?Sized>(image: Image, what: &str) {
    let planted = Planted::new(&image.sealed());
    match planted.open::<P>() {
        Err(OpenError::Mismatch { differences, .. }) => {
            assert!(differences.iter().any(|it| it.what == what), "{what}: {differences:?}");
            let seen = planted.inspect().expect("it can be looked at");
            assert_eq!(seen.check::<P>(), differences);
        }
        Err(error) => panic!("{what}: {error}"),
        Ok(_) => panic!("{what}: a ring of another element was opened"),
    }
}

fn numbers() -> Image {
    image_of(Options::<u64>::new(4), |_| ())
}

#[test]
fn another_fingerprint() {
    assert_mismatch::<u64>(numbers().put(body::SCHEMA_FINGERPRINT, [0; 16]), "fingerprint");
    assert_mismatch::<u64>(numbers().put(body::SCHEMA_FINGERPRINT + 15, [0xaa]), "fingerprint");
}

#[test]
fn another_size_under_the_right_fingerprint() {
    // A slot of 4 bytes aligned to 8 has the same shape as one of 8.
    assert_mismatch::<u64>(numbers().put_u32(body::ELEMENT_SIZE, 4), "element size");
    let larger = numbers().put_u64(body::CAPACITY, 2).put_u32(body::ELEMENT_SIZE, 16);
    let larger = larger.put_u32(body::STAMP_OFFSET, 16).put_u32(body::SLOT_STRIDE, 24);
    assert_mismatch::<u64>(larger, "element size");
}

#[test]
fn another_alignment_under_the_right_fingerprint() {
    assert_mismatch::<u64>(numbers().put_u32(body::ELEMENT_ALIGN, 4), "element alignment");
    let wider = numbers().put_u64(body::CAPACITY, 2).put_u32(body::ELEMENT_ALIGN, 16);
    // 8 bytes and a stamp fill 16 bytes, so that the shape is the same.
    assert_mismatch::<u64>(wider.clone(), "element alignment");
    assert_mismatch::<u64>(
        wider.put_u32(body::ELEMENT_ALIGN, 32).put_u32(body::SLOT_STRIDE, 32),
        "element alignment",
    );
}

/// The image of `numbers` as if its slots held bytes.
fn numbers_as_bytes() -> Image {
    let image =
        numbers().put_u32(body::CONTENT, 2).put_u32(body::ELEMENT_ALIGN, 1).put_u32(body::STAMP_OFFSET, 0);
    image.put_u32(body::PAYLOAD_OFFSET, 16).put_u32(body::SLOT_STRIDE, 24).put_u64(body::DATA + 8, 4 * 24)
}

#[test]
fn bytes_under_the_fingerprint_of_an_element() {
    assert_mismatch::<u64>(numbers_as_bytes(), "element alignment");
}

#[test]
fn bytes_that_look_like_an_element_in_everything_but_the_content() {
    let image =
        image_of(Options::<[u8; 8]>::new(4), |_| ()).put_u32(body::CONTENT, 2).put_u32(body::STAMP_OFFSET, 0);
    let image = image
        .put_u32(body::PAYLOAD_OFFSET, 16)
        .put_u32(body::SLOT_STRIDE, 24)
        .put_u64(body::DATA + 8, 4 * 24);
    let planted = Planted::new(&image.sealed());
    let error =
        planted.open::<[u8; 8]>().expect_err("slots of bytes, whose payloads are not where elements are");
    assert!(matches!(error, OpenError::Mismatch { .. }), "{error}");
    assert!(!planted.inspect().expect("it can be looked at").check::<[u8; 8]>().is_empty());
}

#[test]
fn elements_that_look_like_bytes_in_everything_but_the_content() {
    let image = image_of(Options::<[u8]>::new(4, 16), |_| ())
        .put_u32(body::CONTENT, 1)
        .put_u32(body::STAMP_OFFSET, 16);
    let image = image.put_u32(body::PAYLOAD_OFFSET, 0).put_u32(body::SLOT_STRIDE, 24);
    let planted = Planted::new(&image.sealed());
    let error =
        planted.open::<[u8]>().expect_err("slots of elements, whose payloads are not where bytes are");
    assert!(matches!(error, OpenError::Mismatch { .. }), "{error}");
    assert!(!planted.inspect().expect("it can be looked at").check::<[u8]>().is_empty());
}

#[test]
fn elements_under_the_fingerprint_of_bytes() {
    let image = numbers().put(body::SCHEMA_FINGERPRINT, [0; 16]);
    let planted = Planted::new(&image.sealed());
    let error = planted
        .open::<[u8]>()
        .expect_err("slots of elements, whose payloads are not where those of bytes are");
    assert!(matches!(error, OpenError::Mismatch { .. }), "{error}");
    assert!(!planted.inspect().expect("it can be looked at").check::<[u8]>().is_empty());
}

#[test]
fn a_compatible_version_with_another_alignment() {
    let image = numbers().put(body::SCHEMA_FINGERPRINT, [1; 16]);
    let versions = image.u32(body::SCHEMA_COMPATIBLE) as usize;
    let compatible = image.put_u32(versions, 0).put_u32(body::SCHEMA_COMPATIBLE + 4, 1);
    Planted::new(&compatible.clone().sealed()).open::<u64>().expect("it is declared compatible");
    assert_mismatch::<u64>(compatible.put_u32(body::ELEMENT_ALIGN, 4), "element alignment");
}

#[test]
fn a_field_table_made_to_cost_memory_costs_little() {
    // The longest names and the most rows that a reader accepts.
    const NAME: usize = 128;
    let row = |depth: u8, name: usize| {
        let mut row = [0; 16];
        row[8] = 1;
        row[12] = 1;
        row[13] = depth;
        row[14..].copy_from_slice(&(name as u16).to_le_bytes());
        row.into_iter().chain(std::iter::repeat_n(b'x', name))
    };
    // A few long names on the way down, and many short ones at the bottom: every path repeats the long ones.
    let mut table: Vec<u8> = row(0, 0).collect();
    let mut rows = 1;
    for depth in 1..=31 {
        table.extend(row(depth, NAME));
        rows += 1;
    }
    while rows < 1024 {
        table.extend(row(32, 0));
        rows += 1;
    }
    let image = numbers();
    let at = image.u32(body::SCHEMA_COMPATIBLE) as usize;
    let length = (at + table.len()).next_multiple_of(4096);
    let shift = (length - 4096) as u64;
    let mut image =
        image.put_u32(preamble::HEADER_LENGTH, length as u32).put(body::SCHEMA_FINGERPRINT, [1; 16]);
    for section in [body::SHARED, body::ENTRIES, body::GATES, body::CLAIMS, body::DATA] {
        let offset = image.u64(section);
        image = image.put_u64(section, offset + shift);
    }
    let total = image.u64(preamble::TOTAL_SIZE) + shift;
    let image = image
        .put_u64(preamble::TOTAL_SIZE, total)
        .put_u32(body::SCHEMA_FIELDS, at as u32)
        .put_u32(body::SCHEMA_FIELDS + 4, table.len() as u32)
        .put_u32(body::SCHEMA_FIELD_COUNT, rows)
        .resize(total as usize)
        .put(at, &table)
        .sealed();
    let planted = Planted::new(&image);
    let before = allocated();
    let error = planted.open::<u64>().expect_err("another element");
    assert!(matches!(error, OpenError::Mismatch { .. }), "{error:?}");
    let bytes = allocated().bytes - before.bytes;
    assert!(bytes < 64 << 20, "{bytes} bytes were asked for because of a header of {length}");
}
