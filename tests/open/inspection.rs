//! Looking at a ring from outside.

use std::process;
use std::time::{Duration, UNIX_EPOCH};

use ringfence::spsc::Options;
use ringfence::{Attach, Element, Kind, OpenError, Presence, Role, inspect};

use crate::common::{Image, UniqueName, body, preamble};
use crate::{Planted, Tick, image};

#[test]
fn a_ring_of_elements_is_described() {
    let name = UniqueName::new();
    let ring = Options::<Tick>::new(10).create(&name).expect("a ring");
    ring.producer().expect("the role").try_push(Tick::new(1)).expect("room");
    let seen = inspect(&name).expect("the ring");
    assert_eq!(seen.path(), name.path());
    assert_eq!((seen.layout_version(), seen.kind()), ((1, 0), Some(Kind::Spsc)));
    let version = env!("CARGO_PKG_VERSION").split('.').map(|it| it.parse::<u16>().expect("a number"));
    assert!(seen.creator_version().into_iter().eq(version));
    assert_eq!((seen.bytes(), seen.capacity()), (ring.bytes(), Some(16)));
    assert_eq!((seen.len(), seen.is_empty()), (Some(1), Some(false)));
    assert_eq!((seen.element(), seen.element_size()), (Some(("open.Tick", 3)), Some(24)));
    assert_eq!(seen.fingerprint(), Some(Tick::SCHEMA.fingerprint()));
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    assert!(seen.created_at().is_some_and(|it| it > UNIX_EPOCH + 50 * year));
    assert!(format!("{seen:?}").contains(&*name));
}

#[test]
fn a_ring_of_bytes_is_described() {
    let name = UniqueName::new();
    let _ring = Options::<[u8]>::new(4, 100).create(&name).expect("a ring");
    let seen = inspect(&name).expect("the ring");
    assert_eq!((seen.element(), seen.element_size()), (Some(("[u8]", 1)), Some(100)));
    assert_eq!((seen.len(), seen.is_empty()), (Some(0), Some(true)));
}

#[test]
fn every_ring_has_an_instance_of_its_own() {
    let name = UniqueName::new();
    let instances = [(); 8].map(|()| {
        let ring = Options::<u64>::new(4).create(&name).expect("a ring");
        let instance = inspect(&name).expect("the ring").instance();
        assert_eq!(inspect(&name).expect("the ring").instance(), instance);
        ring.unlink().expect("nobody is attached");
        instance
    });
    for (index, instance) in instances.iter().enumerate() {
        assert!(*instance != 0 && !instances[..index].contains(instance));
    }
}

#[test]
fn an_inspection_follows_the_ring_and_changes_nothing() {
    let name = UniqueName::new();
    let ring = Options::<u64>::new(4).attach(Attach::new().label("feed")).create(&name).expect("a ring");
    let mut tx = ring.producer().expect("the role");
    let before = Image::of(&name.path());
    let seen = inspect(&name).expect("the ring");
    assert_eq!(seen.len(), Some(0));
    let [producer, consumer] = &seen.participants()[..] else { panic!("two entries") };
    assert_eq!((producer.state, producer.epoch, producer.pid), (Presence::Present, 1, process::id()));
    assert_eq!((producer.role, producer.label.as_str()), (Some(Role::Producer), "feed"));
    assert_eq!((consumer.state, consumer.epoch), (Presence::Absent, 0));
    assert!(seen.check::<u64>().is_empty());
    assert_eq!(Image::of(&name.path()), before);
    tx.try_push(1).expect("room");
    assert_eq!((seen.len(), seen.is_closed()), (Some(1), Some(false)));
    let (head, tail) = seen.positions().expect("this build can read them");
    assert_eq!((head.to_bits(), tail.to_bits()), (0, 1));
    tx.close();
    assert_eq!(seen.is_closed(), Some(true));
    drop(tx);
    assert_eq!(seen.participants()[0].state, Presence::Left);
    ring.unlink().expect("an inspection holds nothing");
}

#[test]
fn a_check_is_empty_for_what_could_open_the_ring_and_lists_the_rest() {
    let name = UniqueName::new();
    let _ring = Options::<Tick>::new(4).create(&name).expect("a ring");
    let seen = inspect(&name).expect("the ring");
    assert!(seen.check::<Tick>().is_empty());
    for differences in [seen.check::<u64>(), seen.check::<[u8]>(), seen.check::<[Tick; 1]>()] {
        assert!(differences.iter().any(|it| it.what == "element"), "{differences:?}");
    }
    let Err(OpenError::Mismatch { differences, .. }) = ringfence::spsc::open::<u64>(&name) else {
        panic!("a ring of ticks");
    };
    assert_eq!(differences, seen.check::<u64>(), "it is asked beforehand what opening would say");
}

#[test]
fn a_check_does_not_ask_for_the_length_of_bytes() {
    let name = UniqueName::new();
    let _ring = Options::<[u8]>::new(4, 100).create(&name).expect("a ring");
    let seen = inspect(&name).expect("the ring");
    assert!(seen.check::<[u8]>().is_empty());
    assert!(!seen.check::<u8>().is_empty());
}

/// A ring that this build can list and not read.
fn assert_listed(image: &Image, version: (u16, u16), kind: Option<Kind>) {
    let planted = Planted::new(image);
    let error = planted.open::<Tick>().expect_err("this build cannot read it");
    let seen = planted.inspect().expect("it can be listed");
    assert_eq!((seen.path(), seen.layout_version(), seen.kind()), (&*planted.path(), version, kind));
    assert_eq!(seen.bytes(), image.bytes().len() as u64);
    assert_eq!(seen.instance().to_le_bytes(), image.bytes()[preamble::INSTANCE..][..16]);
    assert_ne!(seen.creator_version(), [0, 0, 0]);
    assert_eq!((seen.capacity(), seen.len(), seen.is_empty()), (None, None, None));
    assert_eq!((seen.positions(), seen.is_closed()), (None, None));
    assert_eq!((seen.element(), seen.element_size(), seen.fingerprint()), (None, None, None));
    assert_eq!((seen.created_at(), seen.participants()), (None, vec![]));
    let differences = seen.check::<Tick>();
    assert!(differences.len() == 1 && differences[0].found == error.to_string(), "{differences:?}");
    assert_eq!(Image::of(&planted.path()), *image, "and is left as it is");
}

#[test]
fn a_ring_of_another_major_version_is_listed_by_its_preamble() {
    assert_listed(&image().put_u16(preamble::MAJOR, 2).sealed(), (2, 0), Some(Kind::Spsc));
    assert_listed(&image().put_u16(preamble::MAJOR, 0).sealed(), (0, 0), Some(Kind::Spsc));
    let later = image().put_u16(preamble::MAJOR, u16::MAX).put_u16(preamble::MINOR, 7);
    assert_listed(&later.put_u32(preamble::KIND, 9).sealed(), (u16::MAX, 7), None);
}

#[test]
fn a_ring_of_another_major_version_needs_no_header_that_this_build_understands() {
    let mut later = image().put_u16(preamble::MAJOR, 2).put_u32(preamble::HEADER_LENGTH, u32::MAX);
    let length = later.bytes().len();
    later.bytes_mut()[128..length].fill(0xee);
    let crc = crate::common::crc32c(&later.bytes()[..preamble::CRC]);
    assert_listed(&later.put_u32(preamble::CRC, crc), (2, 0), Some(Kind::Spsc));
}

#[test]
fn a_ring_with_unknown_features_is_listed_by_its_preamble() {
    assert_listed(&image().put_u64(body::INCOMPATIBLE_FEATURES, 1 << 5).sealed(), (1, 0), Some(Kind::Spsc));
}
