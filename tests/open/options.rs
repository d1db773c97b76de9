//! Capacities and lengths that no ring can have.

use ringfence::OpenError;
use ringfence::spsc::{Options, Ring, open_with};

use crate::common::Directory;

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
    for capacity in [0, 1, (1 << 40) + 1, 1 << 60, usize::MAX / 2, usize::MAX] {
        let error = refused(Options::<u64>::new(capacity));
        let OpenError::InvalidOption { option: "capacity", found, .. } = error else { panic!("{error}") };
        assert_eq!(found, capacity as u64);
        let text = error.to_string();
        assert!(text.contains(&capacity.to_string()) && text.contains("2 to 2^40"), "{text}");
        assert_eq!(refused(Options::<[u8]>::new(capacity, 8)), error);
    }
}

#[test]
fn a_maximum_length_out_of_range_is_refused_with_the_range() {
    for max_len in [0, (1 << 31) + 1, 1 << 32, usize::MAX] {
        let error = refused(Options::<[u8]>::new(4, max_len));
        let OpenError::InvalidOption { option: "max_len", found, .. } = error else { panic!("{error}") };
        assert_eq!(found, max_len as u64);
        let text = error.to_string();
        assert!(text.contains(&max_len.to_string()) && text.contains("1 to 2^31"), "{text}");
    }
}

#[test]
fn a_ring_beyond_the_address_space_is_refused_with_its_numbers() {
    let error = refused(Options::<[u8]>::new(1 << 40, 1 << 31));
    let OpenError::TooLarge { capacity, slot } = error else { panic!("{error}") };
    assert_eq!((capacity, slot), (1 << 40, (1 << 31) + 16));
    let error = refused(Options::<[u64; 1 << 20]>::new(1 << 40));
    let OpenError::TooLarge { capacity, slot } = error else { panic!("{error}") };
    assert_eq!((capacity, slot), (1 << 40, (8 << 20) + 8));
}

#[test]
fn a_ring_beyond_the_memory_of_its_mount_is_refused_with_its_numbers() {
    let directory = Directory::new();
    for open in [Options::<u64>::create, Options::<u64>::open_or_create] {
        let error =
            open(Options::<u64>::new(1 << 40).attach(directory.attach()), "ring").expect_err("16 TiB");
        let OpenError::NoSpace { path, needed, available } = &error else { panic!("{error}") };
        assert_eq!(*path, directory.join("ring"));
        assert!(*needed >= 16 << 40 && available < needed, "{error}");
        assert!(error.to_string().contains(&needed.to_string()));
    }
    assert_eq!(directory.listing(), [""; 0]);
}

#[test]
fn a_schema_of_very_many_fields_is_recorded_in_part_and_compared_as_a_whole() {
    #[derive(ringfence::Element, Clone, Copy)]
    #[element(name = "open.Wide")]
    #[repr(transparent)]
    struct Wide<T: ringfence::Element>([T; 1]);

    #[derive(ringfence::Element, Clone, Copy)]
    #[element(name = "open.Four")]
    #[repr(C)]
    struct Four<T: ringfence::Element> {
        one: T,
        two: T,
        three: T,
        four: T,
    }
    type To16<T> = Four<Four<T>>;
    type To256<T> = To16<To16<T>>;
    type To64Ki<T> = To256<To256<T>>;
    let directory = Directory::new();
    Options::<To64Ki<Wide<u8>>>::new(2).attach(directory.attach()).create("ring").expect("a ring");
    open_with::<To64Ki<Wide<u8>>>("ring", directory.attach()).expect("the same schema");
    let other = open_with::<To64Ki<Wide<i8>>>("ring", directory.attach());
    assert!(matches!(other, Err(OpenError::Mismatch { .. })), "{other:?}");
}
