//! What a ring can be created and opened with, and what is refused.

use std::mem::forget;

use ringfence::mpmc::{OnConsumerDeath, Options, Ring};
use ringfence::{Attach, Difference, OpenError, Position, mpmc, spsc};

use crate::common::{Backing, Directory, UniqueName, for_each_backing};
use crate::drain;

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
fn a_number_of_participants_out_of_range_is_refused_with_the_range() {
    for count in [0, 1, 4095, 4096, u32::MAX] {
        let error = refused(Options::<u64>::new(4).participants(count));
        let OpenError::InvalidOption { option: "participants", found, .. } = error else { panic!("{error}") };
        assert_eq!(found, u64::from(count));
        let text = error.to_string();
        assert!(text.contains(&count.to_string()) && text.contains("2 to 4094"), "{text}");
        assert_eq!(refused(Options::<[u8]>::new(4, 8).participants(count)), error);
    }
    for_each_backing(|backing| {
        for count in [2, 4094] {
            drop(backing.create(Options::<u64>::new(4).participants(count)).ends());
        }
    });
}

#[test]
fn a_start_beyond_what_positions_count_to_is_refused_with_the_range() {
    for start in [1 << 52, (1 << 52) + 1, 1 << 61, (1 << 62) - 1] {
        let error = refused(Options::<u64>::new(4).start_at(Position::from_bits(start)));
        let OpenError::InvalidOption { option: "start_at", found, .. } = error else { panic!("{error}") };
        assert_eq!(found, start);
        let text = error.to_string();
        assert!(text.contains(&start.to_string()) && text.contains("0 to 2^52 - 1"), "{text}");
    }
    for_each_backing(|backing| {
        let last = Position::from_bits((1 << 52) - 1);
        let ring = backing.create(Options::<u64>::new(4).start_at(last));
        assert_eq!(ring.positions(), (last, last));
    });
}

#[test]
fn capacities_and_lengths_out_of_range_are_refused() {
    for capacity in [0, 1, (1 << 40) + 1, usize::MAX] {
        let error = refused(Options::<u64>::new(capacity));
        assert!(matches!(error, OpenError::InvalidOption { option: "capacity", .. }), "{error}");
    }
    for max_len in [0, (1 << 31) + 1, usize::MAX] {
        let error = refused(Options::<[u8]>::new(4, max_len));
        assert!(matches!(error, OpenError::InvalidOption { option: "max_len", .. }), "{error}");
    }
    let error = refused(Options::<[u8]>::new(1 << 40, 1 << 31));
    assert!(matches!(error, OpenError::TooLarge { .. }), "{error}");
}

#[test]
fn the_capacity_is_rounded_up_to_a_power_of_two_and_all_of_it_can_be_used() {
    for_each_backing(|backing| {
        for (asked, real) in [(2, 2), (3, 4), (4, 4), (5, 8), (1000, 1024), (1024, 1024)] {
            let ring = backing.create(Options::<u16>::new(asked));
            let (mut tx, rx) = ring.ends();
            assert_eq!((ring.capacity(), tx.capacity(), rx.capacity()), (real, real, real));
            for value in 0..real {
                tx.try_push(value as u16).expect("room for a whole capacity");
            }
            assert!(tx.try_push(0).is_err());
            assert!(ring.bytes() > 16 * real as u64);
        }
    });
}

#[test]
fn a_ring_that_is_there_is_opened_and_keeps_what_its_creator_chose() {
    let name = UniqueName::new();
    let first = Options::<u64>::new(4).participants(2).start_at(Position::from_bits(9));
    let ring = first.open_or_create(&name).expect("a ring");
    ring.producer().expect("an entry").try_push(7).expect("room");
    let again = Options::<u64>::new(3).participants(100).open_or_create(&name).expect("the same ring");
    let _producers = [(); 2].map(|()| again.producer().expect("an entry"));
    assert!(again.consumer().is_err(), "there are two entries");
    assert_eq!((again.len(), again.positions().0, again.bytes()), (1, Position::from_bits(9), ring.bytes()));
}

/// What differs, of the names of `error`'s list.
fn differences(error: OpenError) -> Vec<Difference> {
    match error {
        OpenError::Mismatch { differences, .. } => differences,
        error => panic!("{error}"),
    }
}

fn names(differences: &[Difference]) -> Vec<&str> {
    differences.iter().map(|it| it.what.as_str()).collect()
}

#[test]
fn a_ring_that_is_another_one_is_refused_with_each_difference() {
    let name = UniqueName::new();
    let _ring = Options::<u64>::new(4).create(&name).expect("a ring");
    let found = differences(Options::<u64>::new(5).open_or_create(&name).expect_err("a refusal"));
    assert_eq!(names(&found), ["capacity"]);
    assert_eq!((found[0].expected.as_str(), found[0].found.as_str()), ("8", "4"));
    let found = differences(Options::<i32>::new(16).open_or_create(&name).expect_err("a refusal"));
    for what in ["capacity", "element", "element size"] {
        assert!(names(&found).contains(&what), "{found:?}");
    }
    let found = differences(Options::<[u8]>::new(4, 8).open_or_create(&name).expect_err("a refusal"));
    assert!(names(&found).contains(&"content"), "{found:?}");
    assert!(mpmc::open::<u64>(&name).is_ok());
    assert!(names(&differences(mpmc::open::<i64>(&name).expect_err("a refusal"))).contains(&"element"));

    let name = UniqueName::new();
    let _ring = Options::<[u8]>::new(4, 8).create(&name).expect("a ring");
    let found = differences(Options::<[u8]>::new(4, 9).open_or_create(&name).expect_err("a refusal"));
    assert_eq!(names(&found), ["maximum length"]);
}

#[test]
fn a_ring_of_another_kind_is_refused_in_both_directions() {
    let (one, many) = (UniqueName::new(), UniqueName::new());
    let _spsc = spsc::Options::<u64>::new(4).create(&one).expect("a ring");
    let _mpmc = Options::<u64>::new(4).create(&many).expect("a ring");
    let refusals = [
        (mpmc::open::<u64>(&one).map(drop), ["mpmc", "spsc"]),
        (Options::<u64>::new(4).open_or_create(&one).map(drop), ["mpmc", "spsc"]),
        (spsc::open::<u64>(&many).map(drop), ["spsc", "mpmc"]),
        (spsc::Options::<u64>::new(4).open_or_create(&many).map(drop), ["spsc", "mpmc"]),
    ];
    for (refusal, [expected, found]) in refusals {
        let list = differences(refusal.expect_err("a refusal"));
        assert_eq!(names(&list), ["kind"]);
        assert_eq!((list[0].expected.as_str(), list[0].found.as_str()), (expected, found));
    }
    assert!(matches!(Options::<u64>::new(4).create(&one), Err(OpenError::NameTaken { .. })));
}

#[test]
fn what_becomes_of_a_dead_consumers_items_is_the_creators_choice() {
    let default = Options::<u64>::new(4);
    let redeliver = default.clone().on_consumer_death(OnConsumerDeath::Redeliver);
    let discard = default.clone().on_consumer_death(OnConsumerDeath::Discard);
    for (options, delivered) in [(default, vec![(7, true)]), (redeliver, vec![(7, true)]), (discard, vec![])]
    {
        let ring = Backing::Shm.create(options);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(7).expect("room");
        forget(rx.try_read().expect("an item"));
        let ring = ring.as_after_a_crash().expect("a file");
        ring.repair().expect("a sound ring");
        assert_eq!(drain(&mut ring.consumer().expect("an entry")), delivered);
    }
    assert_eq!(OnConsumerDeath::default(), OnConsumerDeath::Redeliver);
}

#[test]
fn options_of_a_process_reach_the_handles() {
    for_each_backing(|backing| {
        let attach = Attach::new().label("one of many");
        let ring = backing.create(Options::<u64>::new(4).attach(attach));
        let _tx = ring.producer().expect("an entry");
        assert_eq!(ring.participants()[0].label, "one of many");
    });
}
