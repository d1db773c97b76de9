//! Subscribers for whom the publisher waits: who can have a gate, and what it holds.

use ringfence::broadcast::{Gate, GateStatus, Options, Start};
use ringfence::{AttachError, OpenError, Presence, PushError, RecvError, Role};

use crate::common::{Backing, for_each_backing};
use crate::{TestRing, at, drain, drain_gated, join, lagged, numbers, publish, subscribe};

/// A ring of four numbers with two gates that are anyone's, and two that have names.
fn mixed(backing: Backing) -> TestRing<u64> {
    backing.create(Options::<u64>::new(4).gated(1).gate("recorder").gated(1).gate("audit"))
}

#[test]
fn nothing_is_overwritten_that_a_gated_subscriber_has_not_released() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring.opened_again(), Start::Newest);
        publish(&mut tx, 0..4);
        for number in 4..100 {
            assert_eq!(tx.try_publish(number), Err(PushError::Full));
            assert_eq!(tx.try_publish_slice(&[number]), Err(PushError::Full));
            assert_eq!(tx.try_claim().err(), Some(PushError::Full));
            assert_eq!(tx.position(), at(number));
            assert_eq!(rx.try_recv(), Ok(number - 4));
            tx.try_publish(number).expect("the slot that was released");
        }
    });
}

#[test]
fn a_batch_fills_what_the_slowest_gate_leaves() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 8, 2);
        let mut tx = ring.publisher().expect("the role");
        let (mut fast, mut slow) = (join(&ring, Start::Newest), join(&ring, Start::Newest));
        assert_eq!(tx.try_publish_slice(&[0, 1, 2, 3, 4]), Ok(5));
        assert_eq!(drain_gated(&mut fast).len(), 5);
        assert_eq!(slow.try_recv(), Ok(0));
        assert_eq!(tx.try_publish_slice(&[5, 6, 7, 8, 9, 10]), Ok(4));
        assert_eq!(tx.try_publish_slice(&[9]), Err(PushError::Full));
        assert!(drain_gated(&mut slow).into_iter().eq((1..9).map(|it| (it, false))));
        assert_eq!(tx.try_publish_slice(&[9, 10, 11, 12, 13]), Ok(4), "the other one has not released yet");
    });
}

#[test]
fn what_is_dropped_at_a_gate_is_counted() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 2, 1);
        let mut tx = ring.publisher().expect("the role");
        let mut rx = join(&ring, Start::Newest);
        let published: Vec<_> = (0..5).filter(|it| tx.publish_or_drop(*it)).collect();
        assert_eq!((published, ring.participants()[0].dropped), (vec![0, 1], 3));
        assert_eq!(drain_gated(&mut rx), [(0, false), (1, false)]);
    });
}

#[test]
fn a_gate_that_is_left_or_dropped_frees_the_publisher_at_once() {
    for_each_backing(|backing| {
        for named in [false, true] {
            for leaves in [false, true] {
                let options = Options::<u64>::new(2);
                let ring = backing.create(if named { options.gate("one") } else { options.gated(1) });
                let gate = if named { Gate::Named("one") } else { Gate::Any };
                let mut tx = ring.publisher().expect("the role");
                for round in 0..5 {
                    let rx = ring.opened_again().subscribe_gated(gate, Start::Newest).expect("a gate");
                    publish(&mut tx, 2 * round..2 * round + 2);
                    assert_eq!(tx.try_publish(0), Err(PushError::Full));
                    if leaves {
                        rx.leave()
                    } else {
                        drop(rx)
                    }
                    assert_eq!(ring.gates()[0].status, GateStatus::Free);
                    assert_eq!(ring.blocked_on(), None);
                    assert!(tx.wait(std::time::Duration::ZERO).is_ok());
                }
            }
        }
    });
}

#[test]
fn the_successor_at_a_gate_that_was_given_up_joins_anew() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(4).gate("one"));
        let mut tx = ring.publisher().expect("the role");
        let mut rx = ring.subscribe_gated("one", Start::Newest).expect("the gate");
        publish(&mut tx, 0..4);
        assert_eq!(rx.try_recv(), Ok(0));
        rx.leave();
        let mut rx = ring.subscribe_gated("one", Start::Newest).expect("the gate");
        assert_eq!((rx.position(), rx.joined_at(), rx.try_recv()), (at(4), at(4), Err(RecvError::Empty)));
        publish(&mut tx, 4..8);
        assert_eq!(drain_gated(&mut rx)[0], (4, false));
    });
}

#[test]
fn gates_without_names_are_anyones_until_all_are_taken() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 3);
        for _ in 0..4 {
            let mut gates = [(); 3].map(|()| join(&ring.opened_again(), Start::Newest));
            let mut entries = gates.each_ref().map(|it| it.index());
            entries.sort_unstable();
            assert_eq!(entries, [1, 2, 3]);
            let refused = ring.subscribe_gated(Gate::Any, Start::Newest).err();
            assert_eq!(refused, Some(AttachError::TooMany { max: 3 }));
            let [_, middle, _] = &mut gates;
            let entry = middle.index();
            drop(gates);
            assert!((1..=3).contains(&entry));
        }
    });
}

#[test]
fn a_gate_with_a_name_has_one_subscriber_at_a_time() {
    for_each_backing(|backing| {
        let ring = mixed(backing);
        let recorder = ring.subscribe_gated("recorder", Start::Newest).expect("the gate");
        assert_eq!((recorder.index(), ring.participants().len()), (2, 5));
        let refused = ring.opened_again().subscribe_gated(Gate::Named("recorder"), Start::Newest).err();
        let Some(AttachError::RoleTaken { holder }) = refused else { panic!("{refused:?}") };
        assert_eq!((holder.role, holder.pid), (Role::Subscriber, std::process::id()));
        let audit = ring.subscribe_gated("audit", Start::Newest).expect("the other gate");
        assert_eq!(audit.index(), 4);
        drop(recorder);
        ring.subscribe_gated("recorder", Start::Newest).expect("the gate");
    });
}

#[test]
fn whoever_takes_any_gate_takes_none_that_has_a_name() {
    for_each_backing(|backing| {
        let ring = mixed(backing);
        let (one, two) = (join(&ring, Start::Newest), join(&ring, Start::Newest));
        let mut entries = [one.index(), two.index()];
        entries.sort_unstable();
        assert_eq!(entries, [1, 3]);
        let refused = ring.subscribe_gated(Gate::Any, Start::Newest).err();
        assert_eq!(refused, Some(AttachError::TooMany { max: 2 }));
        ring.subscribe_gated("audit", Start::Newest).expect("a gate of its own");

        let ring = backing.create(Options::<u64>::new(4).gate("one"));
        let refused = ring.subscribe_gated(Gate::default(), Start::Newest).expect_err("it is not anyone's");
        assert_eq!(refused, AttachError::TooMany { max: 0 });
        assert!(refused.to_string().contains("no gates"), "{refused}");
    });
}

#[test]
fn a_gate_that_does_not_exist_is_refused_with_the_names_of_those_that_do() {
    for_each_backing(|backing| {
        let ring = mixed(backing);
        for name in ["", "Recorder", "recorder ", "x"] {
            let refused = ring.subscribe_gated(name, Start::Newest).expect_err("there is none");
            let gates = vec!["recorder".to_owned(), "audit".to_owned()];
            assert_eq!(refused, AttachError::NoGate { name: name.to_owned(), gates });
            assert!(refused.to_string().contains("recorder"), "{refused}");
        }
        let refused =
            numbers(backing, 4, 2).subscribe_gated("one", Start::Newest).expect_err("there is none");
        assert_eq!(refused, AttachError::NoGate { name: "one".to_owned(), gates: Vec::new() });
        assert!(refused.to_string().contains("none with a name"), "{refused}");
        let refused = numbers(backing, 4, 0).subscribe_gated(Gate::Any, Start::Newest).err();
        assert_eq!(refused, Some(AttachError::TooMany { max: 0 }));
    });
}

#[test]
fn names_that_no_gate_can_have_are_refused() {
    for_each_backing(|backing| {
        let create = |options: Options<u64>| match backing {
            Backing::Heap => options.in_process().map(drop),
            Backing::Shm => options.create(&crate::common::UniqueName::new()).map(drop),
        };
        let named = |name: &str| Options::<u64>::new(4).gate(name);
        for name in [String::new(), "x".repeat(49), "ä".repeat(25)] {
            let refused = create(named(&name)).expect_err("no gate can be called so");
            let OpenError::InvalidName { name: found, rule } = &refused else { panic!("{refused}") };
            assert_eq!((found, *rule), (&name, "a gate's name has 1 to 48 bytes"));
        }
        let refused = create(named("one").gated(1).gate("two").gate("one")).expect_err("one name twice");
        let OpenError::InvalidName { name, rule } = &refused else { panic!("{refused}") };
        assert_eq!((name.as_str(), *rule), ("one", "no two gates have the same name"));
        for name in ["x".repeat(48), "ä".repeat(24), " ".to_owned(), "with \"quotes\" and \0".to_owned()] {
            create(named(&name)).expect("a name");
        }
    });
}

#[test]
fn more_gates_than_entries_are_refused() {
    for (options, found) in [
        (Options::<u64>::new(2).gated(4094), 4094),
        (Options::<u64>::new(2).gated(4093).gate("one"), 4094),
        (Options::<u64>::new(2).gated(u32::MAX), 1 << 16),
        (Options::<u64>::new(2).gated(u32::MAX).gated(u32::MAX).gate("one"), (1 << 16) + 1),
    ] {
        let refused = options.in_process().expect_err("there are 4,094 entries, and one is the publisher's");
        assert_eq!(refused, OpenError::InvalidOption { option: "gated", found, allowed: "0 to 4093" });
    }
    for_each_backing(|backing| {
        let names: Vec<_> = (0..93).map(|number| format!("{number:048}")).collect();
        let options = names.iter().fold(Options::<u64>::new(2).gated(4000), |options, it| options.gate(it));
        let ring = backing.create(options);
        assert_eq!(ring.gates().len(), 4093);
        let mut tx = ring.publisher().expect("the role");
        let mut first = join(&ring.opened_again(), Start::Newest);
        let mut last =
            ring.opened_again().subscribe_gated(names[92].as_str(), Start::Newest).expect("a gate");
        assert_eq!(last.index(), 4093);
        publish(&mut tx, 0..2);
        assert_eq!(first.try_recv(), Ok(0));
        assert_eq!(tx.try_publish(2), Err(PushError::Full));
        assert_eq!(last.try_recv(), Ok(0));
        publish(&mut tx, 2..3);
    });
}

#[test]
fn lossy_and_gated_subscribers_mix() {
    for_each_backing(|backing| {
        let ring = mixed(backing);
        let mut tx = ring.publisher().expect("the role");
        let mut lossy = subscribe(&ring, Start::Newest);
        let mut gated = ring.subscribe_gated("audit", Start::Newest).expect("the gate");
        publish(&mut tx, 0..4);
        for round in 0..10 {
            assert_eq!(gated.try_recv(), Ok(round));
            publish(&mut tx, 4 + round..5 + round);
            assert_eq!(tx.try_publish(0), Err(PushError::Full));
        }
        assert_eq!(lossy.try_recv(), Err(lagged(10, 10)));
        assert_eq!(drain(&mut lossy), [10, 11, 12, 13]);
        assert!(drain_gated(&mut gated).into_iter().eq((10..14).map(|it| (it, false))));
    });
}

#[test]
fn a_subscriber_that_joins_a_running_publisher_misses_nothing_from_where_it_joined() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let mut tx = ring.publisher().expect("the role");
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for number in 0..20_000 {
                    tx.publish(number).expect("an open ring");
                }
                tx.close();
            });
            let again = ring.opened_again();
            loop {
                let mut rx = join(&again, Start::Newest);
                let joined = rx.joined_at();
                for number in joined.to_bits()..joined.to_bits() + 50 {
                    match rx.recv() {
                        Ok(value) => assert_eq!(value, number),
                        Err(RecvError::Closed) => return,
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        });
    });
}

#[test]
fn the_gates_of_a_ring_say_who_is_where() {
    for_each_backing(|backing| {
        let ring = mixed(backing);
        let mut tx = ring.publisher().expect("the role");
        publish(&mut tx, 0..3);
        let free: Vec<_> = ring.gates().into_iter().map(|it| (it.entry, it.name, it.status)).collect();
        let name = |name: &str| Some(name.to_owned());
        assert_eq!(
            free,
            [
                (1, None, GateStatus::Free),
                (2, name("recorder"), GateStatus::Free),
                (3, None, GateStatus::Free),
                (4, name("audit"), GateStatus::Free),
            ]
        );
        let mut rx = ring.subscribe_gated("recorder", Start::Oldest).expect("the gate");
        rx.try_recv().expect("an item");
        let report = &ring.opened_again().gates()[1];
        assert_eq!((report.status, report.position, report.lag), (GateStatus::Active, at(1), 2));
        publish(&mut tx, 3..5);
        assert_eq!(ring.gates()[1].lag, 4);
        let blocked_on = ring.blocked_on().expect("it is a whole lap behind");
        assert_eq!((blocked_on.index, blocked_on.role), (2, Some(Role::Subscriber)));
        assert_eq!(blocked_on.state, Presence::Present);
        rx.try_recv().expect("an item");
        assert_eq!(ring.blocked_on(), None);
    });
}
