//! Damaged files: flipped bytes, cut off ends.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use ringfence::OpenError;
use ringfence::spsc::Options;

use crate::common::{Image, crc32c, preamble, words};
use crate::{Planted, Tick, image, image_of};

#[test]
fn a_flipped_byte_anywhere_in_the_header_is_found() {
    let image = image();
    let planted = Planted::new(&image);
    let file = OpenOptions::new().write(true).open(planted.path()).expect("the file");
    let length = image.u32(preamble::HEADER_LENGTH) as usize;
    assert_eq!(length, 4096);
    for at in 0..length {
        let byte = image.bytes()[at];
        for flip in [1 << (at % 8), 0xff] {
            file.write_all_at(&[byte ^ flip], at as u64).expect("a byte of the header");
            let error = planted.open::<Tick>().expect_err("the header is damaged");
            match (at, &error) {
                (0..8, OpenError::NotARing { found, .. }) => assert_eq!(found[at], byte ^ flip),
                (8..128, OpenError::Damaged { part: "preamble", expected, found, .. }) => {
                    assert_ne!(expected, found, "byte {at}");
                }
                (128.., OpenError::Damaged { part: "header", expected, found, .. }) => {
                    assert_ne!(expected, found, "byte {at}");
                }
                _ => panic!("byte {at}: {error}"),
            }
            assert_eq!(planted.inspect().map(drop), Err(error));
        }
        file.write_all_at(&[byte], at as u64).expect("a byte of the header");
    }
    assert_eq!(Image::of(&planted.path()), image);
    planted.open::<Tick>().expect("the header is whole again");
}

#[test]
fn a_damaged_header_says_both_checksums() {
    let right = image().u32(preamble::CRC);
    let damaged = image().put(preamble::INSTANCE, [0; 16]).put_u32(preamble::CRC, right);
    let error = Planted::new(&damaged).open::<Tick>().expect_err("the preamble is damaged");
    let OpenError::Damaged { part: "preamble", expected, found, .. } = error else { panic!("{error}") };
    assert_eq!((expected, found), (right, crc32c(&damaged.bytes()[..preamble::CRC])));
    let text = error.to_string();
    assert!(
        text.contains(&format!("{expected:#010x}")) && text.contains(&format!("{found:#010x}")),
        "{text}"
    );
}

#[test]
fn the_checksum_is_crc_32c() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    let image = image();
    assert_eq!(image.clone().sealed(), image, "sealing anew changes nothing");
}

#[test]
fn nonsense_behind_the_header_keeps_nobody_from_opening() {
    let image = image();
    let planted = Planted::new(&image);
    let file = OpenOptions::new().write(true).open(planted.path()).expect("the file");
    let ring = planted.open::<Tick>().expect("the ring");
    for at in (words::SHARED..words::SHARED + 896).chain(words::ENTRIES..image.bytes().len()).step_by(8) {
        for value in [0, 1, u64::MAX, 1 << 63] {
            file.write_all_at(&value.to_le_bytes(), at as u64).expect("a word");
            planted.open::<Tick>().expect("hints are not looked at");
            // Whatever they return, they return.
            let tx = ring.producer().map(|mut tx| tx.try_push(Tick::new(9)));
            let rx = ring.consumer().map(|mut rx| rx.try_pop());
            drop((tx, rx, ring.len(), planted.inspect().map(|it| it.participants())));
        }
        image.write(&planted.path());
    }
}

#[test]
fn a_file_that_was_cut_short_is_refused_with_both_sizes() {
    let image = image();
    let total = image.bytes().len();
    let lengths =
        [0, 1, 7, 8, 12, 16, 40, 48, 124, 127, 128, 129, 508, 511, 512, 513, 4095, 4096, 4097, 8191]
            .into_iter()
            .chain([8192, 8704, 12_287, 12_288, 12_289, total - 4096, total - 1]);
    for length in lengths {
        let planted = Planted::new(&image.clone().resize(length));
        let error = planted.open::<Tick>().expect_err("the file is cut short");
        let OpenError::Truncated { path, expected, found } = &error else { panic!("{length}: {error}") };
        let needed = if length < 128 { 128 } else { total };
        assert_eq!((path, *expected, *found), (&planted.path(), needed as u64, length as u64));
        let text = error.to_string();
        assert!(text.contains(&needed.to_string()) && text.contains(&length.to_string()), "{text}");
        assert_eq!(planted.inspect().map(drop), Err(error.clone()));
        let again = Options::<Tick>::new(4).attach(planted.directory.attach()).open_or_create(Planted::NAME);
        assert_eq!(again.map(drop), Err(error));
        assert_eq!(Image::of(&planted.path()).bytes().len(), length, "it is left alone");
    }
}

#[test]
fn a_file_that_has_grown_is_refused_with_both_sizes() {
    let image = image();
    let total = image.bytes().len();
    for length in [total + 1, total + 4095, total + 4096, 2 * total, 16 << 20] {
        let planted = Planted::new(&image.clone().resize(length));
        let error = planted.open::<Tick>().expect_err("the file has grown");
        let OpenError::Grown { path, expected, found } = &error else { panic!("{length}: {error}") };
        assert_eq!((path, *expected, *found), (&planted.path(), total as u64, length as u64));
        let text = error.to_string();
        assert!(text.contains(&total.to_string()) && text.contains(&length.to_string()), "{text}");
        assert_eq!(planted.inspect().map(drop), Err(error));
    }
}

#[test]
fn a_header_of_several_pages_that_was_cut_short_is_refused() {
    #[derive(ringfence::Element, Clone, Copy)]
    #[element(name = "open.Sixteen")]
    #[repr(C)]
    struct Sixteen<T: ringfence::Element> {
        a_name_of_some_length_so_that_the_table_of_fields_takes_more_than_one_page: [T; 8],
        another_name_of_some_length_so_that_the_table_of_fields_takes_more_pages: [T; 8],
    }
    type Deep = Sixteen<Sixteen<Sixteen<Sixteen<Sixteen<u8>>>>>;
    let image = image_of(Options::<Deep>::new(2), |_| ());
    let (length, total) = (image.u32(preamble::HEADER_LENGTH) as usize, image.bytes().len());
    assert!(length > 4096);
    Planted::new(&image).open::<Deep>().expect("the ring");
    for cut in [4096, 4097, length - 1, length] {
        let error =
            Planted::new(&image.clone().resize(cut)).open::<Deep>().expect_err("the header is cut short");
        let OpenError::Truncated { expected, found, .. } = error else { panic!("{error}") };
        assert_eq!((expected, found), (total as u64, cut as u64));
    }
    for at in [4096, length - 1] {
        let byte = image.bytes()[at];
        let error = Planted::new(&image.clone().put(at, [!byte])).open::<Deep>().expect_err("it is damaged");
        assert!(matches!(error, OpenError::Damaged { part: "header", .. }), "{error}");
    }
}
