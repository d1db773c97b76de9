//! Layouts of other versions, other kinds and other features.

use ringfence::spsc::Options;
use ringfence::{OpenError, mpmc, spsc, stream};

use crate::common::{Image, UniqueName, body, preamble};
use crate::{Planted, Tick, broadcast_image, image};

fn error(image: &Image) -> OpenError {
    let planted = Planted::new(image);
    let error = planted.open::<Tick>().expect_err("it is another layout");
    assert_eq!(planted.open::<[u8]>().expect_err("it is another layout"), error);
    let again = Options::<Tick>::new(4).attach(planted.directory.attach()).open_or_create(Planted::NAME);
    assert_eq!(again.expect_err("nothing is silently replaced"), error);
    assert_eq!(Image::of(&planted.path()), *image);
    assert_eq!(planted.directory.listing(), [Planted::NAME]);
    error
}

/// The ring of [`image`] opens and works in spite of `change`.
fn assert_works(change: impl FnOnce(Image) -> Image) {
    let name = UniqueName::new();
    change(image()).sealed().write(&name.path());
    let ring = spsc::open::<Tick>(&name).expect("the ring");
    let (mut tx, mut rx) = (ring.producer().expect("the role"), ring.consumer().expect("the role"));
    tx.try_push(Tick::new(3)).expect("room");
    for number in 0..4 {
        assert_eq!(rx.try_pop(), Ok(Tick::new(number)));
    }
}

#[test]
fn another_major_version_is_refused_with_both() {
    for major in [0, 2, 256, u16::MAX] {
        let error = error(&image().put_u16(preamble::MAJOR, major).sealed());
        let OpenError::UnsupportedVersion { supported, found, .. } = error else { panic!("{error}") };
        assert_eq!((supported, found), (1, major));
        let text = error.to_string();
        assert!(text.contains(&format!("version {major}")) && text.contains("knows 1"), "{text}");
    }
}

#[test]
fn a_newer_minor_version_is_accepted() {
    for minor in [1, 2, u16::MAX] {
        assert_works(|it| it.put_u16(preamble::MINOR, minor));
    }
}

#[test]
fn a_feature_that_must_be_known_is_refused_with_its_bit() {
    for bit in [1, 2, 31, 32, 63] {
        let error = error(&image().put_u64(body::INCOMPATIBLE_FEATURES, 1 << bit).sealed());
        let OpenError::UnsupportedFeatures { found, .. } = error else { panic!("{error}") };
        assert_eq!(found, 1 << bit);
        assert!(error.to_string().contains(&format!("{:#x}", 1_u64 << bit)), "{error}");
    }
    let error = error(&image().put_u64(body::INCOMPATIBLE_FEATURES, u64::MAX).sealed());
    assert!(matches!(error, OpenError::UnsupportedFeatures { found: 0xffff_ffff_ffff_fffe, .. }), "{error}");
}

#[test]
fn the_feature_that_is_known_is_accepted_and_not_named_among_those_that_are_not() {
    const BUSY_POLL: u64 = 1;
    assert_works(|it| it.put_u64(body::INCOMPATIBLE_FEATURES, BUSY_POLL));
    let error = error(&image().put_u64(body::INCOMPATIBLE_FEATURES, BUSY_POLL | 2).sealed());
    assert!(matches!(error, OpenError::UnsupportedFeatures { found: 2, .. }), "{error}");
}

#[test]
fn a_feature_that_may_be_unknown_is_ignored() {
    for bits in [1, 1 << 63, u64::MAX] {
        assert_works(|it| it.put_u64(body::COMPATIBLE_FEATURES, bits));
    }
}

#[test]
fn locks_in_another_place_are_refused() {
    for place in [1, u32::MAX] {
        let error = error(&image().put_u32(preamble::LOCK_HOME, place).sealed());
        assert!(
            matches!(error, OpenError::UnsupportedFeatures { found, .. } if found == u64::from(place)),
            "{error}"
        );
    }
}

#[test]
fn reserved_bytes_are_ignored() {
    assert_works(|it| it.put(preamble::RESERVED, [0xff; 36]));
    assert_works(|it| it.put(body::HOLD_GATES, [0xff; 104]));
    assert_works(|it| it.put(body::RESERVED, [0xff; 60]));
    assert_works(|it| it.put_u64(body::POLICIES, u64::MAX));
    assert_works(|it| it.put_u64(preamble::COMPANION_INODE, 1));
    assert_works(|it| it.put(preamble::CREATOR, [0xff; 8]));
    assert_works(|it| it.put_u64(body::CREATED_AT, u64::MAX));
    assert_works(|it| it.put(preamble::INSTANCE, [0; 16]));
}

#[test]
fn a_ring_of_another_kind_is_refused_with_both() {
    let name = UniqueName::new();
    stream::Options::<Tick>::new(4).create(&name).expect("a ring");
    let stream = Image::of(&name.path());
    for (image, kind) in [(broadcast_image(), "broadcast"), (stream, "stream")] {
        let planted = Planted::new(&image);
        let error = planted.open::<Tick>().expect_err("another kind");
        let OpenError::Mismatch { differences, .. } = &error else { panic!("{error}") };
        let [difference] = &differences[..] else { panic!("{differences:?}") };
        assert_eq!(
            (difference.what.as_str(), difference.expected.as_str(), difference.found.as_str()),
            ("kind", "spsc", kind)
        );
        let seen = planted.inspect().expect("it can be looked at");
        assert_eq!(seen.kind().map(|it| it.to_string()).as_deref(), Some(kind));
    }
}

#[test]
fn a_ring_of_many_is_no_ring_of_one_and_has_claim_records() {
    let name = UniqueName::new();
    mpmc::Options::<Tick>::new(4).create(&name).expect("a ring");
    let mismatch = spsc::open::<Tick>(&name).expect_err("another kind");
    let OpenError::Mismatch { differences, .. } = &mismatch else { panic!("{mismatch}") };
    let differences: Vec<_> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(differences, ["kind: expected spsc, found mpmc"]);

    let error = error(&image().put_u32(preamble::KIND, 2).sealed());
    assert!(matches!(error, OpenError::Invalid { what: "the claim records are cut short", .. }), "{error}");
}

#[test]
fn a_kind_that_this_build_does_not_know_is_invalid() {
    for code in [0, 5, u32::MAX] {
        let error = error(&image().put_u32(preamble::KIND, code).sealed());
        assert!(matches!(error, OpenError::Invalid { what: "kind", .. }), "{error}");
    }
}
