//! What a header says of gates: damaged, and forged under right checksums.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use ringfence::OpenError;
use ringfence::broadcast::{Ring, open_with};

use crate::common::{Image, body, preamble, words};
use crate::{Planted, Tick, broadcast_image};

impl Planted {
    fn open_broadcast(&self) -> Result<Ring<Tick>, OpenError> {
        open_with(Self::NAME, self.directory.attach())
    }
}

/// Every way to open `image` says that its header is invalid, and why; whoever looks learns the same.
fn assert_invalid(image: Image, why: &str) {
    let planted = Planted::new(&image.sealed());
    let error = planted.open_broadcast().expect_err(why);
    let OpenError::Invalid { path, what } = &error else { panic!("{why}: {error}") };
    assert_eq!(*path, planted.path());
    assert!(what.contains(why), "{why}: {what}");
    assert_eq!(planted.inspect().map(drop), Err(error.clone()));
    let reading = open_with::<Tick>(Planted::NAME, planted.directory.attach().read_only(true));
    assert_eq!(reading.map(drop), Err(error));
}

#[test]
fn the_ring_of_these_tests_has_gates_that_work() {
    let planted = Planted::new(&broadcast_image());
    let ring = planted.open_broadcast().expect("the ring");
    let names: Vec<_> = ring.gates().into_iter().map(|it| it.name).collect();
    assert_eq!(names, [None, Some("recorder".to_owned())]);
    let mut rx = ring.subscribe_gated("recorder", ringfence::broadcast::Start::Oldest).expect("the gate");
    assert_eq!(rx.try_recv(), Ok(Tick::new(0)));
}

#[test]
fn a_flipped_byte_anywhere_in_the_header_of_a_broadcast_ring_is_found() {
    let image = broadcast_image();
    let planted = Planted::new(&image);
    let file = OpenOptions::new().write(true).open(planted.path()).expect("the file");
    for at in 0..4096 {
        let byte = image.bytes()[at];
        file.write_all_at(&[byte ^ 1 << (at % 8)], at as u64).expect("a byte of the header");
        let error = planted.open_broadcast().expect_err("the header is damaged");
        match (at, &error) {
            (0..8, OpenError::NotARing { .. })
            | (8..128, OpenError::Damaged { part: "preamble", .. })
            | (128.., OpenError::Damaged { part: "header", .. }) => {}
            _ => panic!("byte {at}: {error}"),
        }
        file.write_all_at(&[byte], at as u64).expect("a byte of the header");
    }
    planted.open_broadcast().expect("the header is whole again");
}

#[test]
fn a_number_of_gates_that_is_not_that_of_the_entries() {
    for count in [0, 1, 3, 4093, u32::MAX] {
        assert_invalid(broadcast_image().put_u32(body::GATE_COUNT, count), "gates");
    }
    for stride in [0, 127, 129, 256, u32::MAX] {
        assert_invalid(broadcast_image().put_u32(body::GATE_STRIDE, stride), "gates");
    }
    for count in [0, 1, 2, 4, 4094] {
        let image = broadcast_image().put_u32(body::ENTRY_COUNT, count);
        let why = if count == 0 { "participant table" } else { "gates" };
        assert_invalid(image.put_u64(preamble::LOCK_COUNT, u64::from(count)), why);
    }
    let many = broadcast_image().put_u32(body::ENTRY_COUNT, 4095).put_u32(body::GATE_COUNT, 4094);
    assert_invalid(many.put_u64(preamble::LOCK_COUNT, 4095), "participant table");
}

#[test]
fn a_section_of_gates_that_does_not_hold_them() {
    for length in [0, 128, 255] {
        assert_invalid(broadcast_image().put_u64(body::GATES + 8, length), "the gates are cut short");
    }
    let gates = broadcast_image().u64(body::GATES);
    assert_invalid(broadcast_image().put_u64(body::GATES, gates + 1), "aligned");
    assert_invalid(broadcast_image().put_u64(body::GATES, gates - 128), "overlap");
    assert_invalid(broadcast_image().put_u64(body::GATES, gates + 128), "overlap");
    assert_invalid(broadcast_image().put_u64(body::GATES, 1 << 63), "overlap");
    assert_invalid(broadcast_image().put_u64(body::GATES + 8, u64::MAX), "beyond 2^64");
}

#[test]
fn names_of_gates_outside_the_header() {
    for offset in [4097, 1 << 20, u32::MAX] {
        assert_invalid(broadcast_image().put_u32(body::GATE_NAMES, offset), "gate names outside the header");
    }
    for length in [4096, 1 << 20, u32::MAX] {
        let image = broadcast_image().put_u32(body::GATE_NAMES + 4, length);
        assert_invalid(image, "gate names outside the header");
    }
}

#[test]
fn names_of_gates_that_are_none() {
    let names = broadcast_image().u32(body::GATE_NAMES) as usize;
    assert_eq!(broadcast_image().bytes()[names..names + 10], *b"\0\x08recorder");
    for length in [0, 1, 2, 9] {
        assert_invalid(broadcast_image().put_u32(body::GATE_NAMES + 4, length), "gate names cut short");
    }
    assert_invalid(broadcast_image().put(names + 1, [9]), "gate names cut short");
    for length in [49, 0xff] {
        assert_invalid(broadcast_image().put(names + 1, [length]), "name of a gate");
    }
    assert_invalid(broadcast_image().put(names + 2, [0xff]), "UTF-8");
}

#[test]
fn every_duration_that_a_header_can_say_is_one() {
    for value in [0, 1, 1 << 32, u64::MAX] {
        let image = broadcast_image().put_u64(body::HOLD_GATES, value).put_u64(body::DEMOTE_AFTER, value);
        let planted = Planted::new(&image.sealed());
        let ring = planted.open_broadcast().expect("the ring");
        let mut tx = ring.publisher().expect("the role");
        let _rx = ring.subscribe_gated("recorder", ringfence::broadcast::Start::Newest).expect("the gate");
        for number in 0..6 {
            let _ = tx.publish_timeout(Tick::new(number), std::time::Duration::from_millis(1));
        }
        assert!(tx.position().to_bits() >= 7);
    }
}

#[test]
fn nonsense_in_the_gates_keeps_nobody_from_opening_and_ends_no_call() {
    let image = broadcast_image();
    let planted = Planted::new(&image);
    let file = OpenOptions::new().write(true).open(planted.path()).expect("the file");
    let ring = planted.open_broadcast().expect("the ring");
    let gates = image.u64(body::GATES) as usize;
    for at in (words::SHARED..words::SHARED + 896).chain(words::ENTRIES..gates + 256).step_by(8) {
        for value in [1, 2, u64::MAX] {
            file.write_all_at(&value.to_le_bytes(), at as u64).expect("a word");
            planted.open_broadcast().expect("words are not looked at");
            // Whatever they return, they return.
            let tx = ring.publisher().map(|mut tx| tx.try_publish(Tick::new(9)));
            let rx = ring.subscribe_gated("recorder", ringfence::broadcast::Start::Oldest);
            let lossy = ring
                .subscribe(ringfence::broadcast::Start::Oldest)
                .map(|mut rx| (rx.try_recv(), rx.latest()));
            drop((
                tx,
                rx.map(|mut rx| rx.try_recv()),
                lossy,
                ring.gates(),
                ring.blocked_on(),
                ring.positions(),
            ));
        }
        image.write(&planted.path());
    }
}

#[test]
fn many_gates_take_a_header_of_several_pages() {
    let name = crate::common::UniqueName::new();
    let options = ringfence::broadcast::Options::<Tick>::new(2);
    let options = (0..200).fold(options, |options, number| options.gate(format!("{number:048}")));
    let _ring = options.create(&name).expect("a ring");
    let image = Image::of(&name.path());
    let length = image.u32(preamble::HEADER_LENGTH) as usize;
    assert!(length > 8192);
    let planted = Planted::new(&image);
    assert_eq!(planted.open_broadcast().expect("the ring").gates().len(), 200);
    assert!(planted.inspect().expect("the ring").check::<Tick>().is_empty());
    for at in [4096, 8192, length - 1] {
        let byte = image.bytes()[at];
        let error =
            Planted::new(&image.clone().put(at, [!byte])).open_broadcast().expect_err("it is damaged");
        assert!(matches!(error, OpenError::Damaged { part: "header", .. }), "{error}");
    }
}
