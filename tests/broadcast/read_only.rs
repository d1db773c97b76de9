//! Rings that are opened for reading only, because that was asked for or because nothing more is permitted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use ringfence::broadcast::{self, Gate, Options, Ring, Start};
use ringfence::{
    Attach, AttachError, Bridge, Fault, Kind, OpenError, Presence, RecvError, Strategy, UnlinkError,
    WaitError, WaitSet,
};

use crate::common::{Directory, Image, as_nobody};
use crate::{PATIENCE, drain, lagged, publish, subscribe};

const STRATEGIES: [Strategy; 3] = [Strategy::Adaptive, Strategy::Spin, Strategy::Sleep];

/// A ring of four numbers, in a directory of its own.
struct Target {
    directory: Directory,
    ring: Ring<u64>,
}

impl Target {
    fn new() -> Self {
        let directory = Directory::new();
        let options = Options::<u64>::new(4).gated(1).gate("recorder").mode(0o644);
        let ring = options.attach(directory.attach()).create("ring").expect("a ring");
        Self { directory, ring }
    }

    /// How a process opens the ring that wants to read only.
    fn attach(&self) -> Attach {
        self.directory.attach().read_only(true)
    }

    fn open_with(&self, attach: Attach) -> Ring<u64> {
        broadcast::open_with("ring", attach).expect("the ring")
    }

    fn image(&self) -> Image {
        Image::of(&self.directory.join("ring"))
    }

    /// Runs `body` with the ring opened for reading, because that was asked for, and because nothing else was permitted.
    fn for_each_way(body: impl Fn(&Self, &Ring<u64>)) {
        let this = Self::new();
        let asked = this.open_with(this.attach());
        this.assert_reads_only(&body, &asked);
        let this = Self::new();
        if let Some(permitted) = as_nobody(|| this.open_with(this.directory.attach())) {
            this.assert_reads_only(&body, &permitted);
        }
    }

    fn assert_reads_only(&self, body: impl Fn(&Self, &Ring<u64>), ring: &Ring<u64>) {
        assert_eq!(mapped(&self.directory.join("ring")), ["r--s"]);
        body(self, ring);
    }
}

/// The access of each mapping that this process has of the file `path`, as `/proc/self/maps` says it; those of whoever
/// created the file have another name there.
fn mapped(path: &Path) -> Vec<String> {
    let maps = fs::read_to_string("/proc/self/maps").expect("our own mappings");
    let path = path.to_str().expect("text");
    let of_path = maps.lines().filter(|line| line.ends_with(path));
    of_path.map(|line| line.split_ascii_whitespace().nth(1).expect("access").to_owned()).collect()
}

#[test]
fn a_reader_receives_what_everybody_does_and_changes_no_byte() {
    Target::for_each_way(|target, ring| {
        let mut tx = target.ring.publisher().expect("the role");
        publish(&mut tx, 0..3);
        let mut rx = subscribe(ring, Start::Oldest);
        let before = target.image();
        assert_eq!((rx.lag(), rx.latest()), (3, Ok(2)));
        rx.skip_to(crate::at(0));
        assert_eq!((drain(&mut rx), rx.try_recv()), (vec![0, 1, 2], Err(RecvError::Empty)));
        for strategy in STRATEGIES {
            let sleeping = target.open_with(target.attach().strategy(strategy));
            let timed_out = subscribe(&sleeping, Start::Newest).recv_timeout(Duration::from_millis(5));
            assert_eq!(timed_out, Err(RecvError::Timeout), "{strategy:?}");
        }
        assert_eq!(rx.recv_timeout(Duration::from_millis(5)), Err(RecvError::Timeout));
        assert!(format!("{rx:?} {ring:?}").contains("ring"));
        assert!(target.image() == before);
        publish(&mut tx, 3..10);
        assert_eq!(rx.recv(), Err(lagged(3, 6)));
        assert_eq!(rx.recv_slice(&mut [0; 9]), Ok(4));
        drop(rx);
        assert_eq!(target.ring.participants().iter().filter(|it| it.state == Presence::Present).count(), 1);
    });
}

#[test]
fn a_reader_says_what_can_be_seen() {
    Target::for_each_way(|target, ring| {
        let mut tx = target.ring.publisher().expect("the role");
        let rx = target.ring.subscribe_gated("recorder", Start::Newest).expect("the gate");
        publish(&mut tx, 0..4);
        assert_eq!((ring.len(), ring.capacity(), ring.is_closed()), (4, 4, false));
        assert_eq!((ring.gates(), ring.participants()), (target.ring.gates(), target.ring.participants()));
        assert_eq!(ring.publisher_state().state, Presence::Present);
        assert_eq!(ring.blocked_on().map(|it| it.index), Some(2));
        assert_eq!(subscribe(ring, Start::Newest).peer().state, Presence::Present);
        drop(rx);
    });
}

#[test]
fn whatever_would_change_the_ring_is_refused() {
    Target::for_each_way(|target, ring| {
        let before = target.image();
        let path = target.directory.join("ring");
        assert_eq!(ring.publisher().err(), Some(AttachError::ReadOnly));
        assert_eq!(ring.publisher_standby().err(), Some(AttachError::ReadOnly));
        assert_eq!(ring.subscribe_gated(Gate::Any, Start::Newest).err(), Some(AttachError::ReadOnly));
        assert_eq!(ring.subscribe_gated("recorder", Start::Newest).err(), Some(AttachError::ReadOnly));
        assert_eq!(ring.close(), Err(AttachError::ReadOnly));
        assert_eq!(ring.unlink(), Err(UnlinkError::ReadOnly { path: path.clone() }));
        assert_eq!(ring.force_unlink(), Err(UnlinkError::ReadOnly { path }));
        assert!(target.image() == before && !target.ring.is_closed());
    });
}

#[test]
fn a_repair_is_refused() {
    let target = Target::new();
    let (_tx, _rx) = (target.ring.publisher(), target.ring.subscribe_gated(Gate::Any, Start::Newest));
    target.image().write(&target.directory.join("crashed"));
    let crashed = broadcast::open_with::<u64>("crashed", target.attach()).expect("the ring");
    assert_eq!(crashed.publisher_state().state, Presence::Died);
    assert_eq!(crashed.repair().err(), Some(AttachError::ReadOnly));
}

#[test]
fn a_reader_has_no_doorbell() {
    Target::for_each_way(|_, ring| {
        let rx = subscribe(ring, Start::Newest);
        assert_eq!(WaitSet::new().add(rx.doorbell(), ()).err(), Some(WaitError::NoDoorbell));
        assert_eq!(Bridge::new().add(rx.doorbell()).err(), Some(WaitError::NoDoorbell));
        #[cfg(feature = "async")]
        assert_eq!(ringfence::Async::new(rx, &Bridge::new()).err(), Some(WaitError::NoDoorbell));
    });
}

#[test]
fn a_sleeping_reader_finds_what_is_published_and_the_end() {
    for strategy in STRATEGIES {
        let target = Target::new();
        let mut tx = target.ring.publisher().expect("the role");
        let ring = target.open_with(target.attach().strategy(strategy));
        let mut rx = subscribe(&ring, Start::Newest);
        thread::scope(|scope| {
            scope.spawn(move || {
                for number in 0..5 {
                    assert_eq!(rx.recv_timeout(PATIENCE), Ok(number));
                }
                assert_eq!(rx.recv_timeout(PATIENCE), Err(RecvError::Closed));
            });
            for number in 0..5 {
                thread::sleep(Duration::from_millis(3));
                publish(&mut tx, number..number + 1);
            }
            tx.close();
        });
    }
}

#[test]
fn a_reader_learns_that_the_name_was_removed() {
    Target::for_each_way(|target, ring| {
        let mut rx = subscribe(ring, Start::Newest);
        target.ring.force_unlink().expect("a name");
        assert_eq!(rx.recv_timeout(PATIENCE), Err(RecvError::Broken(Fault::Unlinked)));
        assert_eq!(ring.subscribe(Start::Newest).err(), Some(AttachError::Unlinked));
    });
}

#[test]
fn a_reader_sees_a_closed_ring_end_when_its_publisher_is_gone() {
    Target::for_each_way(|target, ring| {
        let mut tx = target.ring.publisher().expect("the role");
        publish(&mut tx, 0..1);
        target.ring.close().expect("a ring that may be written");
        let mut rx = subscribe(ring, Start::Oldest);
        assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(0), Err(RecvError::Empty)));
        drop(tx);
        assert_eq!(rx.recv(), Err(RecvError::Closed));
    });
}

#[test]
fn a_ring_is_not_created_for_reading_only() {
    let directory = Directory::new();
    let options = || Options::<u64>::new(4).attach(directory.attach().read_only(true));
    let refused = |path| Some(OpenError::ReadOnly { path, kind: Kind::Broadcast });
    assert_eq!(options().create("ring").err(), refused(directory.join("ring")));
    assert_eq!(options().open_or_create("ring").err(), refused(directory.join("ring")));
    assert_eq!(options().in_process().err(), refused("heap".into()));
    assert_eq!(directory.listing(), [""; 0]);
    let _ring = Options::<u64>::new(4).attach(directory.attach()).create("ring").expect("a ring");
    let ring = options().open_or_create("ring").expect("the ring that is there");
    assert_eq!(ring.publisher().err(), Some(AttachError::ReadOnly));
}

#[test]
fn whoever_may_not_even_read_is_refused() {
    let target = Target::new();
    let path = target.directory.join("ring");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("our own file");
    as_nobody(|| {
        for attach in [target.attach(), target.directory.attach()] {
            let denied = OpenError::PermissionDenied { path: path.clone(), call: "open" };
            assert_eq!(broadcast::open_with::<u64>("ring", attach).err(), Some(denied));
        }
    });
}
