//! What a ring can be created and opened with, and what is refused.

use ringfence::stream::{Options, Ring, open};
use ringfence::{Attach, Difference, Kind, OpenError, Position, inspect, mpmc, spsc};

use crate::common::{Directory, UniqueName, for_each_backing};
use crate::records;

/// The error of every constructor, which must be the same, with nothing left behind.
fn refused<P: ringfence::Payload + ?Sized>(options: Options<P>) -> OpenError {
    let directory = Directory::new();
    let options = options.attach(directory.attach());
    let error = |result: Result<Ring<P>, OpenError>| result.map(drop).expect_err("a refusal");
    let errors = [
        error(options.clone().create("ring")),
        error(options.clone().open_or_create("ring")),
        error(options.in_process()),
    ];
    assert_eq!(directory.listing(), [""; 0]);
    let [first, rest @ ..] = errors;
    assert!(rest.iter().all(|it| *it == first), "{first}, {rest:?}");
    first
}

#[test]
fn a_capacity_out_of_range_is_refused_with_the_range() {
    for capacity in [0, 1, (1 << 40) + 1, usize::MAX] {
        let error = refused(Options::<u64>::new(capacity));
        let OpenError::InvalidOption { option: "capacity", found, .. } = error else { panic!("{error}") };
        assert_eq!(found, capacity as u64);
        assert!(error.to_string().contains("2 to 2^40"), "{error}");
    }
    for capacity in [0, 1, 2, 8, 15, (1 << 32) + 1, usize::MAX] {
        let error = refused(Options::<[u8]>::new(capacity));
        let OpenError::InvalidOption { option: "capacity", found, .. } = error else { panic!("{error}") };
        assert_eq!(found, capacity as u64);
        assert!(error.to_string().contains("16 to 2^32"), "{error}");
    }
}

#[test]
fn a_ring_larger_than_an_address_space_is_refused() {
    let error = refused(Options::<[u64; 1 << 20]>::new(1 << 40));
    assert!(matches!(error, OpenError::TooLarge { .. }), "{error}");
}

#[test]
fn records_that_would_begin_between_frames_are_refused() {
    for start in [1, 4, 7, 9, (1 << 62) - 1] {
        let error = refused(Options::<[u8]>::new(64).start_at(Position::from_bits(start)));
        let OpenError::InvalidOption { option: "start_at", found, .. } = error else { panic!("{error}") };
        assert_eq!(found, start);
        assert!(error.to_string().contains("a multiple of 8"), "{error}");
    }
    for_each_backing(|backing| {
        for start in [0, 8, 16, (1 << 62) - 8].map(Position::from_bits) {
            assert_eq!(backing.create(Options::<[u8]>::new(64).start_at(start)).positions(), (start, start));
        }
        for start in [1, 7, (1 << 62) - 1].map(Position::from_bits) {
            assert_eq!(backing.create(Options::<u8>::new(64).start_at(start)).positions(), (start, start));
        }
    });
}

#[test]
fn the_capacity_is_rounded_up_to_a_power_of_two_and_all_of_it_can_be_used() {
    for_each_backing(|backing| {
        for (asked, real) in [(2, 2), (3, 4), (4, 4), (5, 8), (1000, 1024), (1024, 1024)] {
            let ring = backing.create(Options::<u16>::new(asked));
            let (mut tx, rx) = ring.ends();
            assert_eq!((ring.capacity(), tx.capacity(), rx.capacity()), (real, real, real));
            assert_eq!(tx.try_push_slice(&vec![0; 2 * real]), Ok(real));
        }
        for (asked, real) in [(16, 16), (17, 32), (100, 128), (4095, 4096), (4096, 4096)] {
            let ring = records(backing, asked);
            let (mut tx, rx) = ring.ends();
            assert_eq!((ring.capacity(), tx.capacity(), rx.capacity()), (real, real, real));
            assert_eq!((ring.max_len(), tx.max_len()), (real / 2 - 8, real / 2 - 8));
            tx.try_push(&vec![0; real / 2 - 8]).expect("room");
            tx.try_push(&vec![0; real / 2 - 8]).expect("room");
            assert_eq!(ring.len(), real);
        }
    });
}

#[test]
fn a_ring_that_is_there_is_opened_and_keeps_what_its_creator_chose() {
    let name = UniqueName::new();
    let start = Position::from_bits(72);
    let ring = Options::<[u8]>::new(64).start_at(start).open_or_create(&name).expect("a ring");
    ring.writer().expect("the role").try_push(b"7").expect("room");
    let again = Options::<[u8]>::new(33).open_or_create(&name).expect("the same ring");
    assert_eq!((again.len(), again.positions().0, again.bytes()), (16, start, ring.bytes()));
    assert!(matches!(Options::<[u8]>::new(64).create(&name), Err(OpenError::NameTaken { .. })));
}

/// What differs, of the names of `error`'s list.
fn differences<R>(result: Result<R, OpenError>) -> Vec<Difference> {
    match result.err().expect("a refusal") {
        OpenError::Mismatch { differences, .. } => differences,
        error => panic!("{error}"),
    }
}

fn names(differences: &[Difference]) -> Vec<&str> {
    differences.iter().map(|it| it.what.as_str()).collect()
}

#[test]
fn a_ring_of_another_capacity_is_refused_with_both() {
    let name = UniqueName::new();
    let _ring = Options::<u64>::new(4).create(&name).expect("a ring");
    let found = differences(Options::<u64>::new(5).open_or_create(&name));
    assert_eq!(names(&found), ["capacity"]);
    assert_eq!((found[0].expected.as_str(), found[0].found.as_str()), ("8", "4"));
    let name = UniqueName::new();
    let _ring = Options::<[u8]>::new(64).create(&name).expect("a ring");
    let found = differences(Options::<[u8]>::new(65).open_or_create(&name));
    assert!(names(&found).contains(&"capacity"), "{found:?}");
    assert!(open::<[u8]>(&name).is_ok(), "whoever asks for no capacity takes any");
}

#[test]
fn records_bytes_and_elements_are_three_things() {
    let (lines, pipe, numbers) = (UniqueName::new(), UniqueName::new(), UniqueName::new());
    let _lines = Options::<[u8]>::new(64).create(&lines).expect("a ring");
    let _pipe = Options::<u8>::new(64).create(&pipe).expect("a ring");
    let _numbers = Options::<u64>::new(64).create(&numbers).expect("a ring");
    for (found, what) in [
        (differences(open::<u8>(&lines)), "content"),
        (differences(open::<u64>(&lines)), "content"),
        (differences(open::<[u8]>(&pipe)), "content"),
        (differences(open::<[u8]>(&numbers)), "content"),
        (differences(open::<u64>(&pipe)), "element"),
        (differences(open::<i8>(&pipe)), "element"),
        (differences(open::<u8>(&numbers)), "element size"),
        (differences(Options::<u8>::new(64).open_or_create(&lines)), "content"),
        (differences(Options::<[u8]>::new(64).open_or_create(&pipe)), "content"),
    ] {
        assert!(names(&found).contains(&what), "{what}: {found:?}");
        assert!(found.iter().all(|it| it.expected != it.found));
    }
    assert!(open::<[u8]>(&lines).is_ok() && open::<u8>(&pipe).is_ok() && open::<u64>(&numbers).is_ok());
}

#[test]
fn a_ring_of_another_kind_is_refused_in_both_directions() {
    let (one, many, packed, lines) =
        (UniqueName::new(), UniqueName::new(), UniqueName::new(), UniqueName::new());
    let _spsc = spsc::Options::<u64>::new(4).create(&one).expect("a ring");
    let _mpmc = mpmc::Options::<[u8]>::new(4, 24).create(&many).expect("a ring");
    let _packed = Options::<u64>::new(4).create(&packed).expect("a ring");
    let _lines = Options::<[u8]>::new(64).create(&lines).expect("a ring");
    for (list, [expected, found]) in [
        (differences(open::<u64>(&one)), ["stream", "spsc"]),
        (differences(open::<[u8]>(&many)), ["stream", "mpmc"]),
        (differences(Options::<u64>::new(4).open_or_create(&one)), ["stream", "spsc"]),
        (differences(spsc::open::<u64>(&packed)), ["spsc", "stream"]),
        (differences(spsc::Options::<u64>::new(4).open_or_create(&packed)), ["spsc", "stream"]),
        (differences(mpmc::open::<[u8]>(&lines)), ["mpmc", "stream"]),
    ] {
        assert_eq!(list[0].what, "kind", "{list:?}");
        assert_eq!((list[0].expected.as_str(), list[0].found.as_str()), (expected, found));
    }
}

#[test]
fn an_inspection_says_what_a_stream_is() {
    let name = UniqueName::new();
    let ring = Options::<[u8]>::new(64).create(&name).expect("a ring");
    ring.writer().expect("the role").try_push(b"1").expect("room");
    let seen = inspect(&name).expect("the ring");
    assert_eq!((seen.kind(), seen.capacity(), seen.len()), (Some(Kind::Stream), Some(64), Some(16)));
    assert_eq!((seen.element(), seen.element_size()), (Some(("[u8]", 1)), Some(24)));
    assert!(seen.check::<[u8]>().is_empty());
    assert!(!seen.check::<u8>().is_empty());
}

#[test]
fn options_of_a_process_reach_the_handles() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(4).attach(Attach::new().label("feed")));
        let _tx = ring.writer().expect("the role");
        assert_eq!(ring.participants()[0].label, "feed");
    });
}
