//! Names.

use ringfence::spsc::{self, Options};
use ringfence::{OpenError, UnlinkError, inspect};

use crate::common::{Directory, UniqueName};

/// Every way to name a ring refuses `name`; says with which rule.
fn refused(name: &str) -> &'static str {
    let directory = Directory::new();
    let in_directory = Options::<u64>::new(4).attach(directory.attach());
    let errors = [
        Options::<u64>::new(4).create(name).map(drop),
        Options::<u64>::new(4).open_or_create(name).map(drop),
        in_directory.clone().create(name).map(drop),
        in_directory.open_or_create(name).map(drop),
        spsc::open::<u64>(name).map(drop),
        spsc::open_with::<u64>(name, directory.attach()).map(drop),
        inspect(name).map(drop),
        match ringfence::unlink(name) {
            Err(UnlinkError::Open(error)) => Err(error),
            result => panic!("{result:?}"),
        },
        match ringfence::force_unlink(name) {
            Err(UnlinkError::Open(error)) => Err(error),
            result => panic!("{result:?}"),
        },
    ];
    assert_eq!(directory.listing(), [""; 0]);
    let rules = errors.map(|error| match error {
        Err(error @ OpenError::InvalidName { .. }) => {
            let text = error.to_string();
            let OpenError::InvalidName { name: refused, rule } = error else { unreachable!("matched above") };
            assert_eq!(refused, name);
            assert!(text.contains(&format!("{name:?}")) && text.contains(rule), "{text}");
            rule
        }
        result => panic!("{name:?}: {result:?}"),
    });
    assert!(rules.iter().all(|rule| *rule == rules[0]));
    rules[0]
}

#[test]
fn a_name_that_breaks_a_rule_is_refused_with_the_rule() {
    assert!(refused("").contains("empty"));
    assert!(refused(".").contains("dots"));
    assert!(refused("..").contains("dots"));
    assert!(refused(&"x".repeat(201)).contains("200"));
    assert!(refused(&"x".repeat(100_000)).contains("200"));
    for name in [
        "a/b", "/abs", "../up", "a/", "/", "a\\b", "a b", " a", "a\n", "a\0b", "\0", "a:b", "a*", "~", "ä",
        "名", "é",
    ] {
        assert!(refused(name).contains("letters"), "{name:?}");
    }
    assert!(refused(".ringfence-x").contains("reserved"));
    assert!(refused(".ringfence-").contains("reserved"));
}

#[test]
fn names_of_every_allowed_form_work() {
    let directory = Directory::new();
    for name in [
        "a",
        "md.ticks",
        "A-Z_0.9",
        "-rf",
        ".hidden",
        "a..b",
        "...",
        "ringfence",
        ".ringfence",
        &"x".repeat(200),
    ] {
        let ring = Options::<u64>::new(4).attach(directory.attach()).create(name).expect(name);
        spsc::open_with::<u64>(name, directory.attach()).expect(name);
        assert_eq!(directory.listing(), [name]);
        ring.unlink().expect(name);
    }
    assert_eq!(directory.listing(), [""; 0]);
}

#[test]
fn a_name_means_the_file_of_that_name_in_dev_shm() {
    let name = UniqueName::new();
    assert!(!name.exists());
    let ring = Options::<u64>::new(4).create(&name).expect("a ring");
    let metadata = name.path().metadata().expect("the file");
    assert!(metadata.is_file());
    assert_eq!(metadata.len(), ring.bytes());
}

#[test]
fn a_name_that_nothing_has_is_not_found() {
    let name = UniqueName::new();
    let not_found = Some(OpenError::NotFound { path: name.path() });
    assert_eq!(spsc::open::<u64>(&name).err(), not_found);
    assert_eq!(inspect(&name).err(), not_found);
    assert_eq!(ringfence::unlink(&name).err(), not_found.clone().map(UnlinkError::Open));
    assert_eq!(ringfence::force_unlink(&name).err(), not_found.map(UnlinkError::Open));
    assert!(!name.exists());
}

#[test]
fn a_name_that_is_taken_is_not_taken_away() {
    let directory = Directory::new();
    let path = directory.join("ring");
    let options = Options::<u64>::new(4).attach(directory.attach());
    let ring = options.clone().create("ring").expect("a ring");
    ring.producer().expect("the role").try_push(7).expect("room");
    assert_eq!(options.clone().create("ring").err(), Some(OpenError::NameTaken { path: path.clone() }));
    let other = Options::<[u8]>::new(64, 64).attach(directory.attach());
    assert_eq!(other.create("ring").err(), Some(OpenError::NameTaken { path }));
    assert_eq!(directory.listing(), ["ring"]);
    let ring = options.open_or_create("ring").expect("the same ring");
    assert_eq!(ring.consumer().expect("the role").try_pop(), Ok(7));
}

#[test]
fn one_of_many_that_create_at_once_succeeds_and_the_others_say_that_the_name_is_taken() {
    for _ in 0..50 {
        let directory = Directory::new();
        let create = || Options::<u64>::new(4).attach(directory.attach()).create("ring");
        let results = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(create));
            threads.map(|it| it.join().expect("no panic"))
        });
        assert_eq!(results.iter().filter(|it| it.is_ok()).count(), 1);
        for error in results.into_iter().filter_map(Result::err) {
            assert_eq!(error, OpenError::NameTaken { path: directory.join("ring") });
        }
        assert_eq!(directory.listing(), ["ring"]);
    }
}

#[test]
fn all_of_many_that_open_or_create_at_once_get_the_same_ring() {
    for _ in 0..50 {
        let directory = Directory::new();
        let open =
            || Options::<u64>::new(4).attach(directory.attach()).open_or_create("ring").expect("a ring");
        let rings = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(open));
            threads.map(|it| it.join().expect("no panic"))
        });
        rings[0].producer().expect("the role").try_push(7).expect("room");
        assert!(rings.iter().all(|ring| ring.len() == 1));
        assert_eq!(directory.listing(), ["ring"]);
    }
}
