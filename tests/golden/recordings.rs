//! How the recorded regions came about.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringfence::broadcast::{self, Gate, Start};
use ringfence::spsc::Options;
use ringfence::{Attach, Barrier, Element, Position, mpmc};

use crate::common::{Image, UniqueName};

/// A struct with everything that a field table can hold: scalars, arrays, inner structs.
#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "golden.Trade", version = 3, compatible = [2, 1])]
#[repr(C)]
pub(crate) struct Trade {
    pub(crate) ts_ns: u64,
    pub(crate) price: f64,
    pub(crate) legs: [Leg; 2],
    pub(crate) venue: [u8; 4],
    pub(crate) flags: u32,
}

#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "golden.Leg")]
#[repr(C)]
pub(crate) struct Leg {
    pub(crate) quantity: i32,
    pub(crate) side: u8,
    pub(crate) _reserved: [u8; 3],
}

impl Trade {
    pub(crate) fn new(number: u8) -> Self {
        let leg = |side| Leg { quantity: -i32::from(number), side, _reserved: [0; 3] };
        let price = f64::from(number) / 2.0;
        Self { ts_ns: u64::from(number), price, legs: [leg(1), leg(2)], venue: *b"XLON", flags: 0x8000_0001 }
    }
}

/// What a recording is made with: alike on hosts with and without membarrier(2).
fn attach() -> Attach {
    Attach::new().barrier(Barrier::Fenced)
}

/// Where the positions of the ring of trades begin: two before the wrap.
pub(crate) const START: u64 = (1 << 62) - 2;

/// As a crash leaves it: three trades pushed, one popped, one looked at, both handles alive.
pub(crate) fn trades() -> Image {
    let name = UniqueName::new();
    let options = Options::<Trade>::new(3).start_at(Position::from_bits(START));
    let ring = options.attach(attach().label("Rekorder ü")).create(&name).expect("a ring");
    let (mut tx, mut rx) = (ring.producer().expect("the role"), ring.consumer().expect("the role"));
    for number in 1..=3 {
        tx.try_push(Trade::new(number)).expect("room");
    }
    assert_eq!(rx.try_pop(), Ok(Trade::new(1)));
    assert_eq!(rx.try_read().expect("an item").get(), Trade::new(2));
    Image::of(&name.path())
}

/// As handles leave it that go in peace: three strings pushed, one popped, one looked at, one dropped.
pub(crate) fn bytes() -> Image {
    let name = UniqueName::new();
    let ring = Options::<[u8]>::new(2, 13).attach(attach()).create(&name).expect("a ring");
    let (mut tx, mut rx) = (ring.producer().expect("the role"), ring.consumer().expect("the role"));
    tx.try_push(b"first").expect("room");
    tx.try_push(b"").expect("room");
    assert!(!tx.push_or_drop(b"x"));
    assert_eq!(rx.try_pop_to(&mut Vec::new()), Ok(5));
    tx.try_push(b"abc").expect("room");
    assert!(rx.try_read().expect("an item").is_empty());
    drop((tx, rx));
    Image::of(&name.path())
}

/// Where the positions of the ring of jobs begin: two before the wrap of mpmc.
pub(crate) const JOBS_START: u64 = (1 << 52) - 2;

/// As a crash leaves it: three jobs pushed, one popped, one taken and not released, both handles alive.
pub(crate) fn jobs() -> Image {
    let name = UniqueName::new();
    let options = mpmc::Options::<u64>::new(3).participants(2).start_at(Position::from_bits(JOBS_START));
    let ring = options.attach(attach()).create(&name).expect("a ring");
    let (mut tx, mut rx) = (ring.producer().expect("an entry"), ring.consumer().expect("an entry"));
    for number in 1..=3 {
        tx.try_push(number).expect("room");
    }
    assert_eq!(rx.try_pop(), Ok(1));
    let _taken = rx.try_read().expect("an item");
    Image::of(&name.path())
}

/// As a crash leaves it: five quotes published, of which the recorder has released two and looked at two more; a subscriber
/// without a name came and went.
pub(crate) fn quotes() -> Image {
    let name = UniqueName::new();
    let options = broadcast::Options::<u64>::new(3).gated(1).gate("Rekorder ü");
    let options = options.hold_gates(Duration::from_millis(1500)).demote_after(Duration::from_secs(60));
    let options = options.start_at(Position::from_bits(START)).attach(attach());
    let ring = options.create(&name).expect("a ring");
    let mut tx = ring.publisher().expect("the role");
    let mut recorder = ring.subscribe_gated("Rekorder ü", Start::Newest).expect("the gate");
    tx.try_publish(100).expect("room");
    drop(ring.subscribe_gated(Gate::Any, Start::Newest).expect("a gate"));
    tx.try_publish_slice(&[101, 102]).expect("room");
    assert_eq!((recorder.try_recv(), recorder.try_recv()), (Ok(100), Ok(101)));
    tx.try_publish_slice(&[103, 104]).expect("room");
    assert_eq!(
        (recorder.try_read_ahead().map(|it| it.value), recorder.try_read_ahead().map(|it| it.value)),
        (Ok(102), Ok(103))
    );
    Image::of(&name.path())
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// The recording of [`trades`].
pub(crate) fn recorded_trades() -> Image {
    Image::of(&path("trades.region"))
}

/// The recording of [`bytes`].
pub(crate) fn recorded_bytes() -> Image {
    Image::of(&path("bytes.region"))
}

/// The recording of [`jobs`].
pub(crate) fn recorded_jobs() -> Image {
    Image::of(&path("jobs.region"))
}

/// The recording of [`quotes`].
pub(crate) fn recorded_quotes() -> Image {
    Image::of(&path("quotes.region"))
}

/// Writes only if the environment variable asks for it; else shows that recording still works.
#[test]
fn the_recordings_can_be_written_anew() {
    for (name, image) in [
        ("trades.region", trades()),
        ("bytes.region", bytes()),
        ("jobs.region", jobs()),
        ("quotes.region", quotes()),
    ] {
        if std::env::var_os("RINGFENCE_WRITE_GOLDEN").is_some() {
            fs::write(path(name), image.bytes()).expect("the recording");
        }
        assert_eq!(Image::of(&path(name)).bytes().len(), image.bytes().len());
    }
}
