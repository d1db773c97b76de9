//! Streams whose headers are damaged, or lie under right checksums.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use ringfence::stream::{Options, Ring, open_with};
use ringfence::{OpenError, Payload};

use crate::common::{Image, UniqueName, body, preamble, words};
use crate::{Planted, Tick};

fn open<P: Payload + ?Sized>(planted: &Planted) -> Result<Ring<P>, OpenError> {
    open_with(Planted::NAME, planted.directory.attach())
}

/// The file of a stream of four ticks, of which three are there.
fn ticks() -> Image {
    let name = UniqueName::new();
    let ring = Options::<Tick>::new(4).create(&name).expect("a ring");
    let values = [Tick::new(0), Tick::new(1), Tick::new(2)];
    assert_eq!(ring.writer().expect("the role").try_push_slice(&values), Ok(3));
    Image::of(&name.path())
}

/// The file of a stream of records in 64 bytes, of which two are there.
fn records() -> Image {
    let name = UniqueName::new();
    let ring = Options::<[u8]>::new(64).create(&name).expect("a ring");
    let mut tx = ring.writer().expect("the role");
    tx.try_push(b"first").expect("room");
    tx.try_push(b"second").expect("room");
    drop(tx);
    Image::of(&name.path())
}

/// Every way to open `image` says that its header is invalid, and why; whoever looks learns the same.
fn assert_invalid(image: Image, why: &str) {
    let planted = Planted::new(&image.sealed());
    let error = open::<Tick>(&planted).expect_err(why);
    let OpenError::Invalid { what, .. } = &error else { panic!("{why}: {error}") };
    assert!(what.contains(why), "{why}: {what}");
    assert_eq!(open::<[u8]>(&planted).map(drop), Err(error.clone()));
    assert_eq!(planted.inspect().map(drop), Err(error));
}

#[test]
fn a_flipped_byte_anywhere_in_the_header_of_a_stream_is_found() {
    for image in [ticks(), records()] {
        let planted = Planted::new(&image);
        let file = OpenOptions::new().write(true).open(planted.path()).expect("the file");
        for at in 0..image.u32(preamble::HEADER_LENGTH) as usize {
            let byte = image.bytes()[at];
            file.write_all_at(&[byte ^ (1 << (at % 8))], at as u64).expect("a byte of the header");
            let errors = [open::<Tick>(&planted).map(drop), open::<[u8]>(&planted).map(drop)];
            for error in errors {
                match (at, &error) {
                    (0..8, Err(OpenError::NotARing { .. })) => {}
                    (8..128, Err(OpenError::Damaged { part: "preamble", .. })) => {}
                    (128.., Err(OpenError::Damaged { part: "header", .. })) => {}
                    _ => panic!("byte {at}: {error:?}"),
                }
            }
            file.write_all_at(&[byte], at as u64).expect("a byte of the header");
        }
        assert_eq!(Image::of(&planted.path()), image);
    }
}

#[test]
fn nonsense_behind_the_header_of_a_stream_keeps_nobody_from_opening() {
    for image in [ticks(), records()] {
        let planted = Planted::new(&image);
        let file = OpenOptions::new().write(true).open(planted.path()).expect("the file");
        let (elements, bytes) = (open::<Tick>(&planted).ok(), open::<[u8]>(&planted).ok());
        assert!(elements.is_some() != bytes.is_some());
        for at in (words::SHARED..words::SHARED + 896).chain(words::DATA..words::DATA + 64).step_by(8) {
            for value in [0, 1, 4, 12, 2 << 32, u64::MAX, 1 << 63] {
                file.write_all_at(&value.to_le_bytes(), at as u64).expect("a word");
                assert!(open::<Tick>(&planted).is_ok() != open::<[u8]>(&planted).is_ok());
                // Whatever they return, they return.
                if let Some(ring) = &elements {
                    let tx = ring.writer().map(|mut tx| tx.try_push(Tick::new(9)));
                    let rx = ring.reader().map(|mut rx| rx.try_pop_slice(&mut [Tick::new(0); 9]));
                    drop((tx, rx, ring.len()));
                }
                if let Some(ring) = &bytes {
                    let tx = ring.writer().map(|mut tx| tx.try_push(&[9; 24]));
                    let rx = ring.reader().map(|mut rx| rx.try_read_batch(9).map(|it| it.len()));
                    drop((tx, rx, ring.len()));
                }
            }
            image.write(&planted.path());
        }
    }
}

#[test]
fn a_stream_that_was_cut_short_is_refused() {
    for image in [ticks(), records()] {
        let total = image.bytes().len();
        for length in [128, 512, 4096, 8192, words::DATA, words::DATA + 64, total - 1] {
            let planted = Planted::new(&image.clone().resize(length));
            for error in [open::<Tick>(&planted).map(drop), open::<[u8]>(&planted).map(drop)] {
                let Err(OpenError::Truncated { expected, found, .. }) = error else { panic!("{error:?}") };
                assert_eq!((expected, found), (total as u64, length as u64));
            }
        }
    }
}

#[test]
fn a_capacity_that_no_stream_has() {
    for capacity in [0, 1, 3, 5, (1 << 63) + 1, u64::MAX] {
        assert_invalid(ticks().put_u64(body::CAPACITY, capacity), "capacity");
        assert_invalid(records().put_u64(body::CAPACITY, capacity), "capacity");
    }
    for capacity in [256, 1 << 40, 1 << 60, 1 << 63] {
        assert_invalid(ticks().put_u64(body::CAPACITY, capacity), "data section is cut short");
    }
    // The longest record follows from the capacity: one that does not is no stream's.
    for capacity in [2, 8, 16, 32, 128, 1 << 40, 1 << 63] {
        assert_invalid(records().put_u64(body::CAPACITY, capacity), "slot shape");
    }
    for (capacity, longest) in [(2, 0), (4, 0), (8, 0), (8, u32::MAX - 3)] {
        let image = records().put_u64(body::CAPACITY, capacity).put_u32(body::ELEMENT_SIZE, longest);
        assert_invalid(image, "slot shape");
    }
    let long = records().put_u64(body::CAPACITY, 1 << 20).put_u32(body::ELEMENT_SIZE, (1 << 19) - 8);
    assert_invalid(long, "data section is cut short");
}

#[test]
fn units_of_an_impossible_shape() {
    for size in [0, 1, 12, 25, 1 << 31, u32::MAX] {
        assert_invalid(ticks().put_u32(body::ELEMENT_SIZE, size), "slot shape");
    }
    for align in [0, 3, 16, 4096, 8192, u32::MAX] {
        assert_invalid(ticks().put_u32(body::ELEMENT_ALIGN, align), "slot shape");
        assert_invalid(records().put_u32(body::ELEMENT_ALIGN, align), "slot shape");
    }
    for size in [0, 1, 16, 23, 25, 32, 64, u32::MAX] {
        assert_invalid(records().put_u32(body::ELEMENT_SIZE, size), "slot shape");
    }
    for image in [ticks, records] {
        for offset in [1, 8, 16, 4096, u32::MAX] {
            assert_invalid(image().put_u32(body::PAYLOAD_OFFSET, offset), "slot shape");
            assert_invalid(image().put_u32(body::STAMP_OFFSET, offset), "slot shape");
        }
        for stride in [0, 2, 8, 23, 25, 32, u32::MAX] {
            assert_invalid(image().put_u32(body::SLOT_STRIDE, stride), "slot shape");
        }
    }
    assert_invalid(ticks().put_u32(body::CONTENT, 2), "slot shape");
    assert_invalid(records().put_u32(body::CONTENT, 3), "content");
}

#[test]
fn records_that_begin_between_frames() {
    for start in [1, 4, 7, 9, (1 << 62) - 1] {
        assert_invalid(records().put_u64(body::START, start), "slot shape");
        open::<Tick>(&Planted::new(&ticks().put_u64(body::START, start).sealed()))
            .expect("elements begin anywhere");
    }
    for start in [1 << 62, 1 << 63, u64::MAX] {
        assert_invalid(records().put_u64(body::START, start), "start position");
        assert_invalid(ticks().put_u64(body::START, start), "start position");
    }
}

#[test]
fn a_stream_without_writer_or_reader() {
    for count in [0, 1] {
        let image = records().put_u32(body::ENTRY_COUNT, count);
        assert_invalid(image.put_u64(preamble::LOCK_COUNT, u64::from(count)), "participant table");
    }
}

#[test]
fn slots_under_the_name_of_a_stream_and_units_under_that_of_slots() {
    assert_invalid(crate::image().put_u32(preamble::KIND, 4), "slot shape");
    let planted = Planted::new(&ticks().put_u32(preamble::KIND, 1).sealed());
    let error = planted.open::<Tick>().expect_err("units have no stamps");
    assert!(matches!(error, OpenError::Invalid { what: "slot shape", .. }), "{error}");
}
