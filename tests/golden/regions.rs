//! The recorded regions, opened and used.

use ringfence::spsc::{Ring, open};
use ringfence::{
    Element, Fate, Kind, Payload, PopError, Position, Presence, PushError, RecvError, broadcast, inspect,
    mpmc,
};

use crate::common::{Image, UniqueName, body, preamble};
use crate::recordings::{
    JOBS_START, START, Trade, recorded_bytes, recorded_jobs, recorded_quotes, recorded_trades,
};

/// `image` under a name of its own.
fn open_copy<P: Payload + ?Sized>(image: &Image) -> (Ring<P>, UniqueName) {
    let name = UniqueName::new();
    image.write(&name.path());
    (open(&name).expect("the recorded region"), name)
}

#[test]
fn a_recorded_ring_of_elements_goes_on_where_its_owners_died() {
    let (ring, _name) = open_copy::<Trade>(&recorded_trades());
    assert_eq!((ring.capacity(), ring.max_len(), ring.len(), ring.bytes()), (4, 40, 2, 16384));
    for state in [ring.producer_state(), ring.consumer_state()] {
        assert_eq!((state.state, state.epoch), (Presence::Died, 1));
    }
    assert!(ring.participants().iter().all(|it| it.label == "Rekorder ü" && it.repairs == 0));

    let mut rx = ring.consumer().expect("the role");
    assert_eq!(rx.position(), Position::from_bits(START + 1));
    let item = rx.try_read().expect("the item that was looked at");
    assert_eq!((item.get(), item.redelivered()), (Trade::new(2), true));
    item.release();

    let mut tx = ring.producer().expect("the role");
    assert_eq!(tx.position(), Position::from_bits(START + 3));
    tx.try_push(Trade::new(4)).expect("room");
    for (number, position) in [(3, 0), (4, 1)] {
        let item = rx.try_read().expect("an item");
        assert_eq!((item.get(), item.redelivered()), (Trade::new(number), false));
        assert_eq!(item.position(), Position::from_bits(position));
        item.release();
    }
    assert_eq!(rx.try_pop(), Err(PopError::Empty));
    let repairs: Vec<_> = ring.participants().into_iter().map(|it| (it.epoch, it.repairs)).collect();
    assert_eq!(repairs, [(2, 1), (2, 1)]);
}

#[test]
fn a_recorded_ring_of_elements_can_be_repaired_by_a_third_party() {
    let (ring, _name) = open_copy::<Trade>(&recorded_trades());
    let report = ring.repair().expect("nobody is in the way");
    assert_eq!(report.repaired.iter().map(|it| it.index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((ring.producer_state().state, ring.consumer_state().state), (Presence::Died, Presence::Died));
    assert!(ring.repair().expect("nobody is in the way").repaired.is_empty());
    let mut rx = ring.consumer().expect("the role");
    assert_eq!((rx.try_pop(), rx.last().map(|it| it.redelivered)), (Ok(Trade::new(2)), Some(true)));
    assert_eq!((rx.try_pop(), rx.last().map(|it| it.redelivered)), (Ok(Trade::new(3)), Some(false)));
}

#[test]
fn a_recorded_ring_of_bytes_goes_on_where_its_owners_left() {
    let (ring, _name) = open_copy::<[u8]>(&recorded_bytes());
    assert_eq!((ring.capacity(), ring.max_len(), ring.len(), ring.bytes()), (2, 13, 2, 16384));
    for state in [ring.producer_state(), ring.consumer_state()] {
        assert_eq!((state.state, state.epoch), (Presence::Left, 1));
    }
    assert_eq!(ring.participants()[0].dropped, 1);

    let mut tx = ring.producer().expect("the role");
    assert_eq!(tx.position(), Position::from_bits(3));
    let mut rx = ring.consumer().expect("the role");
    let item = rx.try_read().expect("the item that was looked at");
    assert_eq!((item.to_vec(), item.redelivered(), item.position().to_bits()), (vec![], true, 1));
    item.release();
    let item = rx.try_read().expect("an item");
    assert_eq!((item.to_vec(), item.redelivered(), item.position().to_bits()), (b"abc".to_vec(), false, 2));
    item.release();
    tx.try_push(&[7; 13]).expect("room");
    assert_eq!(rx.try_read().expect("an item").to_vec(), [7; 13]);
}

#[test]
fn a_recorded_ring_of_many_goes_on_where_its_participants_died() {
    let (image, name) = (recorded_jobs(), UniqueName::new());
    image.write(&name.path());
    let ring = mpmc::open::<u64>(&name).expect("the recorded region");
    assert_eq!((ring.capacity(), ring.len(), ring.bytes()), (4, 1, 16384));
    assert!(ring.participants().iter().all(|it| (it.state, it.epoch) == (Presence::Died, 1)));
    let position = |steps: u64| Position::from_bits((JOBS_START + steps) % (1 << 52));

    let report = ring.repair().expect("nobody is in the way");
    assert_eq!(report.repaired.len(), 2);
    let items: Vec<_> = report.items.iter().map(|it| (it.position, it.fate)).collect();
    assert_eq!(items, [(position(1), Fate::Redelivered { before: 0 })]);

    let (mut tx, mut rx) = (ring.producer().expect("an entry"), ring.consumer().expect("an entry"));
    assert_eq!(tx.try_push(4), Ok(position(3)));
    for (number, redelivered) in [(2, true), (3, false), (4, false)] {
        let item = rx.try_read().expect("an item");
        assert_eq!(
            (item.get(), item.redelivered(), item.position()),
            (number, redelivered, position(number - 1))
        );
        item.release();
    }
    assert_eq!(rx.try_pop(), Err(PopError::Empty));
}

#[test]
fn a_recorded_broadcast_ring_goes_on_where_its_participants_died() {
    let (image, name) = (recorded_quotes(), UniqueName::new());
    image.write(&name.path());
    let ring = broadcast::open::<u64>(&name).expect("the recorded region");
    let position = |steps: u64| Position::from_bits(START + steps);
    assert_eq!((ring.capacity(), ring.len(), ring.bytes()), (4, 4, 16384));
    assert_eq!(ring.positions(), (position(1), position(5)));
    let states: Vec<_> = ring.participants().iter().map(|it| (it.state, it.epoch)).collect();
    assert_eq!(states, [(Presence::Died, 1), (Presence::Left, 1), (Presence::Died, 1)]);
    let [unnamed, recorder] = &ring.gates()[..] else { panic!("two gates") };
    assert_eq!((unnamed.name.as_deref(), unnamed.status), (None, broadcast::GateStatus::Free));
    assert_eq!(
        (recorder.name.as_deref(), recorder.status),
        (Some("Rekorder ü"), broadcast::GateStatus::Active)
    );
    assert_eq!((recorder.entry, recorder.position, recorder.lag), (2, position(2), 3));

    let mut lossy = ring.subscribe(broadcast::Start::Oldest).expect("the ring has its name");
    let mut tx = ring.publisher().expect("the role");
    assert_eq!(tx.try_publish(105), Ok(position(5)));
    assert_eq!(tx.try_publish(106), Err(PushError::Full), "the recorder's gate is held");
    let mut rx = ring.subscribe_gated("Rekorder ü", broadcast::Start::Newest).expect("the gate");
    for (number, redelivered) in [(102, true), (103, true), (104, false), (105, false)] {
        let item = rx.try_read().expect("an item");
        assert_eq!(
            (item.get(), item.redelivered(), item.position()),
            (number, redelivered, position(number - 100))
        );
        item.release();
    }
    assert_eq!(rx.try_recv(), Err(RecvError::Empty));
    assert_eq!(lossy.try_recv(), Err(RecvError::Lagged { missed: 1, resumed_at: position(2) }));
    assert_eq!((lossy.try_recv(), lossy.latest()), (Ok(102), Ok(105)));
}

#[test]
fn an_inspection_of_a_recorded_ring_says_what_was_recorded() {
    let image = recorded_trades();
    let (_ring, name) = open_copy::<Trade>(&image);
    let seen = inspect(&name).expect("the ring");
    assert_eq!((seen.layout_version(), seen.creator_version()), ((1, 0), [0, 1, 0]));
    assert_eq!(seen.kind(), Some(Kind::Spsc));
    assert_eq!(seen.instance().to_le_bytes(), image.bytes()[preamble::INSTANCE..][..16]);
    assert_eq!((seen.capacity(), seen.len(), seen.bytes()), (Some(4), Some(2), 16384));
    assert_eq!((seen.element(), seen.element_size()), (Some(("golden.Trade", 3)), Some(40)));
    assert_eq!(seen.fingerprint(), Some(Trade::SCHEMA.fingerprint()));
    let created_at = seen.created_at().expect("a moment").duration_since(std::time::UNIX_EPOCH);
    assert_eq!(created_at.expect("after 1970").as_nanos(), u128::from(image.u64(body::CREATED_AT)));
    assert!(seen.check::<Trade>().is_empty());
}

/// A program of another version, as the recorded schema sees it.
mod v2 {
    #[derive(ringfence::Element, Clone, Copy, Debug, PartialEq)]
    #[element(name = "golden.Trade", version = 2)]
    #[repr(C)]
    pub(super) struct Trade {
        pub(super) ts_ns: u64,
        pub(super) price: f64,
        pub(super) _reserved: [u8; 24],
    }
}

mod v4 {
    #[derive(ringfence::Element, Clone, Copy)]
    #[element(name = "golden.Trade", version = 4)]
    #[repr(C)]
    pub(super) struct Trade {
        ts_ns: u64,
        price: f64,
        legs: [u64; 2],
        flags: u64,
    }
}

#[test]
fn the_recorded_schema_says_who_may_open_the_ring_and_what_differs() {
    let (_ring, name) = open_copy::<Trade>(&recorded_trades());
    let mut rx = open::<v2::Trade>(&name).expect("a declared version").consumer().expect("the role");
    let trade = rx.try_pop().expect("an item");
    assert_eq!((trade.ts_ns, trade.price), (2, 1.0));

    let differences = inspect(&name).expect("the ring").check::<v4::Trade>();
    let differences: Vec<_> =
        differences.iter().map(|it| (it.what.as_str(), it.expected.as_str(), it.found.as_str())).collect();
    assert_eq!(
        differences[..differences.len() - 1],
        [
            ("element version", "4", "3"),
            ("field legs", "[u64; 2] at 16", "[struct; 2] at 16"),
            ("field flags", "u64 at 32", "u32 at 36"),
            ("field legs.quantity", "absent", "i32 at 0"),
            ("field legs.side", "absent", "u8 at 4"),
            ("field legs._reserved", "absent", "[u8; 3] at 5"),
            ("field venue", "absent", "[u8; 4] at 32"),
        ]
    );
    assert_eq!(differences[differences.len() - 1].0, "fingerprint");
}
