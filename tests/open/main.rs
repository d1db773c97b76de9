//! What creating and opening refuse, and what every refusal says: bad names and options, things under the name that are
//! no rings, damaged and forged headers, full mounts, missing rights; and looking at rings, and removing them.
//!
//! Tests that watch what is left behind use a directory of their own, so that their neighbours do not disturb them.

#![cfg(not(loom))]

#[path = "../common/mod.rs"]
mod common;

mod damage;
mod directories;
mod files;
mod forgery;
mod fuzz;
mod gates;
mod inspection;
mod modes;
mod names;
mod options;
mod read_only;
mod removal;
mod rights;
mod schemas;
mod space;
mod streams;
mod versions;

use ringfence::Element;

#[global_allocator]
static ALLOCATOR: common::Counting = common::Counting;

/// What most rings of these tests carry.
#[derive(Element, Clone, Copy, Debug, PartialEq)]
#[element(name = "open.Tick", version = 3)]
#[repr(C)]
struct Tick {
    ts_ns: u64,
    price: i64,
    quantity: u32,
    instrument: u32,
}

impl Tick {
    fn new(number: u32) -> Self {
        Self { ts_ns: 1, price: -2, quantity: number, instrument: 4 }
    }
}

/// A file under the name of a ring, in a directory of its own.
struct Planted {
    directory: common::Directory,
}

impl Planted {
    const NAME: &str = "ring";

    /// A file that holds `image`.
    fn new(image: &common::Image) -> Self {
        let directory = common::Directory::new();
        image.write(&directory.join(Self::NAME));
        Self { directory }
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.join(Self::NAME)
    }

    fn open<P: ringfence::Payload + ?Sized>(&self) -> Result<ringfence::spsc::Ring<P>, ringfence::OpenError> {
        ringfence::spsc::open_with(Self::NAME, self.directory.attach())
    }

    fn inspect(&self) -> Result<ringfence::Inspection, ringfence::OpenError> {
        ringfence::inspect_with(Self::NAME, self.directory.attach())
    }
}

/// The file of a ring that carries `P`, was used, and was left by everybody.
fn image_of<P: ringfence::Payload + ?Sized>(
    options: ringfence::spsc::Options<P>,
    fill: impl FnOnce(&mut ringfence::spsc::Producer<P>),
) -> common::Image {
    let name = common::UniqueName::new();
    let ring = options.create(&name).expect("a ring");
    fill(&mut ring.producer().expect("the role"));
    common::Image::of(&name.path())
}

/// The file of a ring of four ticks, of which three slots are taken.
fn image() -> common::Image {
    image_of(ringfence::spsc::Options::<Tick>::new(4), |tx| {
        tx.try_push_slice(&[Tick::new(0), Tick::new(1), Tick::new(2)]).expect("room");
    })
}

/// The file of a broadcast ring of four ticks with a gate that is anyone's and one that is not, of which three slots are
/// taken, and which was left by everybody.
fn broadcast_image() -> common::Image {
    use ringfence::broadcast::{Gate, Options, Start};
    let name = common::UniqueName::new();
    let options = Options::<Tick>::new(4).gated(1).gate("recorder");
    let options = options.hold_gates(std::time::Duration::from_secs(2));
    let ring = options.demote_after(std::time::Duration::from_secs(3)).create(&name).expect("a ring");
    let mut tx = ring.publisher().expect("the role");
    drop(ring.subscribe_gated(Gate::Any, Start::Newest).expect("a gate"));
    tx.try_publish_slice(&[Tick::new(0), Tick::new(1)]).expect("room");
    tx.try_publish(Tick::new(2)).expect("room");
    drop(tx);
    common::Image::of(&name.path())
}
