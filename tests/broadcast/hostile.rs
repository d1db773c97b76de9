//! A peer that writes whatever it likes into the mutable part of a ring in use, whatever the others do: no call of theirs
//! panics or hangs, whether it waits or not. That none of them reads outside the region is for the sanitizers
//! to say.
//!
//! Short form: 60 rounds, of a seed each; with `RINGFENCE_LONG` set 20,000.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use ringfence::broadcast::{Gate, GatedSubscriber, Options, Publisher, Resume, Ring, Start, Subscriber};
use ringfence::{Attach, Payload, WaitSet};

use crate::common::{Directory, Numbers, words};
use crate::{PATIENCE, at};

/// Calls and writes of a round.
const STEPS: usize = 300;
/// The gates of a ring of two: behind three entries.
const GATES: usize = words::ENTRIES + 3 * 256;
const GATE: usize = 128;

#[test]
fn whatever_a_peer_writes_no_call_panics_or_hangs() {
    let rounds = if std::env::var_os("RINGFENCE_LONG").is_some() { 20_000 } else { 60 };
    // This thread's, so that nothing stays behind where the other one hangs.
    let directory = Directory::new();
    let path = directory.path().to_owned();
    let (begins, begun) = channel();
    let worker = thread::spawn(move || {
        for seed in 0..rounds {
            begins.send(seed).expect("a test that listens");
            let meet = if seed % 2 == 0 { Victims::<u64>::meet } else { Victims::<[u8]>::meet };
            meet(seed, &path);
        }
    });
    let mut last = None;
    loop {
        match begun.recv_timeout(PATIENCE) {
            Ok(seed) => last = Some(seed),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("the round of seed {last:?} hangs"),
        }
    }
    if let Err(panic) = worker.join() {
        println!("the round of seed {last:?} failed");
        resume_unwind(panic);
    }
}

/// The verbs that elements and bytes have each of their own.
trait Carried: Payload {
    fn options() -> Options<Self>;
    fn publish(tx: &mut Publisher<Self>);
    fn publish_more(tx: &mut Publisher<Self>);
    fn claim(tx: &mut Publisher<Self>);
    fn receive(rx: &mut Subscriber<Self>);
    fn latest(rx: &mut Subscriber<Self>);
    fn receive_gated(rx: &mut GatedSubscriber<Self>);
    fn read(rx: &mut GatedSubscriber<Self>, releases: bool);
    fn read_ahead(rx: &mut GatedSubscriber<Self>);
}

impl Carried for u64 {
    fn options() -> Options<Self> {
        Options::<Self>::new(4)
    }

    fn publish(tx: &mut Publisher<Self>) {
        let _ = tx.try_publish(7);
    }

    fn publish_more(tx: &mut Publisher<Self>) {
        let _ = (tx.try_publish_slice(&[1, 2, 3, 4, 5]), tx.publish_or_drop(6));
    }

    fn claim(tx: &mut Publisher<Self>) {
        let _ = tx.try_claim().map(drop);
        let _ = tx.try_claim().map(|it| it.write(8).commit());
    }

    fn receive(rx: &mut Subscriber<Self>) {
        let _ = (rx.try_recv(), rx.try_recv_slice(&mut [0; 9]));
    }

    fn latest(rx: &mut Subscriber<Self>) {
        let _ = rx.latest();
    }

    fn receive_gated(rx: &mut GatedSubscriber<Self>) {
        let _ = (rx.try_recv(), rx.try_recv_slice(&mut [0; 9]));
    }

    fn read(rx: &mut GatedSubscriber<Self>, releases: bool) {
        let _ = rx.try_read().map(|it| {
            if releases {
                it.release()
            }
        });
    }

    fn read_ahead(rx: &mut GatedSubscriber<Self>) {
        let _ = rx.try_read_ahead();
    }
}

impl Carried for [u8] {
    fn options() -> Options<Self> {
        Options::<Self>::new(4, 40)
    }

    fn publish(tx: &mut Publisher<Self>) {
        let _ = tx.try_publish(b"hello world, hello world");
    }

    fn publish_more(tx: &mut Publisher<Self>) {
        let _ = (tx.publish_timeout(b"abc", Duration::from_micros(50)), tx.publish_or_drop(b""));
    }

    fn claim(tx: &mut Publisher<Self>) {
        let _ = tx.try_claim().map(drop);
        let _ = tx.try_claim().map(|it| it.copy_from(&[1; 40]).map(|it| it.commit()));
    }

    fn receive(rx: &mut Subscriber<Self>) {
        let _ = rx.try_recv_to(&mut Vec::new());
    }

    fn latest(rx: &mut Subscriber<Self>) {
        let _ = rx.latest_to(&mut Vec::new());
    }

    fn receive_gated(rx: &mut GatedSubscriber<Self>) {
        let _ = rx.try_recv_to(&mut Vec::new());
    }

    fn read(rx: &mut GatedSubscriber<Self>, releases: bool) {
        let _ = rx.try_read().map(|it| {
            if releases {
                it.release()
            }
        });
    }

    fn read_ahead(rx: &mut GatedSubscriber<Self>) {
        let _ = rx.try_read_ahead_to(&mut Vec::new());
    }
}

/// Everybody who takes part in a ring whose file somebody else writes to.
struct Victims<P: Payload + ?Sized> {
    numbers: Numbers,
    start: u64,
    file: File,
    size: usize,
    ring: Ring<P>,
    set: WaitSet<u8>,
    tx: Option<Publisher<P>>,
    lossy: Option<Subscriber<P>>,
    named: Option<GatedSubscriber<P>>,
    any: Option<GatedSubscriber<P>>,
}

impl<P: Carried + ?Sized> Victims<P> {
    /// A round: the ring and its use follow from `seed`.
    fn meet(seed: u64, directory: &Path) {
        let mut numbers = Numbers::from_seed((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let start = [0, 5, (1 << 62) - 3][numbers.below(3)];
        let patience = [Duration::ZERO, Duration::from_micros(100)][numbers.below(2)];
        let mut options = P::options().gate("one").gated(1).start_at(at(start));
        if numbers.below(2) == 0 {
            options = options.demote_after(Duration::from_nanos(1));
        }
        if numbers.below(2) == 0 {
            options = options.hold_gates(Duration::from_millis(1));
        }
        let name = format!("ring-{seed}");
        let attach = Attach::new().in_dir(directory).patience(patience);
        let ring = options.attach(attach).create(&name).expect("a ring");
        let path = directory.join(name);
        let file = File::options().read(true).write(true).open(&path).expect("its file");
        let size = file.metadata().expect("its size").len() as usize;
        let (tx, lossy) = (ring.publisher().ok(), ring.subscribe(Start::Oldest).ok());
        let set = WaitSet::new();
        let mut this = Self { numbers, start, file, size, ring, set, tx, lossy, named: None, any: None };
        for _ in 0..STEPS {
            match this.numbers.below(3) {
                0 => this.write(),
                _ => this.call(),
            }
        }
        drop(this);
        std::fs::remove_file(path).expect("the ring's file");
    }

    /// What the hostile peer does: writes a word that matters to a place that does.
    fn write(&mut self) {
        let numbers = &mut self.numbers;
        let at = match numbers.below(6) {
            0 => words::TAIL,
            1 | 2 => words::DATA + numbers.below((self.size - words::DATA).min(512) / 8) * 8,
            3 => words::ENTRIES + numbers.below(3 * 256 / 8) * 8,
            4 => GATES + numbers.below(2) * GATE + numbers.below(3) * 8,
            _ => words::SHARED + numbers.below(112) * 8,
        };
        if at == words::FLAGS && numbers.below(8) != 0 {
            return; // Most of what can be written there ends the round.
        }
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, at as u64).expect("a word of the region");
        let old = u64::from_le_bytes(bytes);
        let some = numbers.next();
        let value = match numbers.below(9) {
            0 => 0,
            1 => u64::MAX,
            2 => some,
            3 => 1 << (some % 64),
            4 => old ^ (1 << (some % 64)),
            5 => (1_u64 << 63).wrapping_sub(1).wrapping_add(some % 3),
            6 => old.wrapping_add(some % 64).wrapping_sub(32),
            7 => (self.start.wrapping_add(some % 20) << 2) | ((some >> 32) % 4),
            _ => (1_u64 << 61).wrapping_add(some % 5).wrapping_sub(2),
        };
        self.file.write_all_at(&value.to_le_bytes(), at as u64).expect("a word of the region");
    }

    fn any_start(&mut self) -> Start {
        match self.numbers.below(3) {
            0 => Start::Oldest,
            1 => Start::Newest,
            _ => Start::At(at(self.numbers.next())),
        }
    }

    /// What one of the others does.
    fn call(&mut self) {
        match self.numbers.below(24) {
            0..=12 => self.use_a_handle(),
            13 => {
                self.tx = None;
                self.tx = self.ring.publisher().ok();
                let _ = self.tx.as_ref().map(|it| self.set.add(it.doorbell(), 0));
            }
            14 => {
                let start = self.any_start();
                self.lossy = self.ring.subscribe(start).ok();
                let _ = self.lossy.as_ref().map(|it| self.set.add(it.doorbell(), 1));
            }
            15 => {
                // While there is one it is refused.
                let start = self.any_start();
                self.named = self.ring.subscribe_gated("one", start).ok();
                let _ = self.named.as_ref().map(|it| self.set.add(it.doorbell(), 2));
            }
            16 => self.named = None,
            17 => self.any = self.ring.subscribe_gated(Gate::Any, Start::Oldest).ok(),
            18 => drop(self.any.take().map(GatedSubscriber::leave)),
            19 => drop((self.ring.gates(), self.ring.blocked_on(), self.ring.participants())),
            20 => drop((self.ring.positions(), self.ring.len(), self.ring.publisher_state())),
            21 => drop(self.ring.repair()),
            22 => {
                let mut ready = Vec::new();
                self.set.poll(&mut ready);
                let _ = self.set.wait_timeout(&mut ready, Duration::from_micros(10));
            }
            _ => {
                let Self { ring, tx, lossy, named, any, .. } = self;
                drop(format!("{ring:?} {tx:?} {lossy:?} {named:?} {any:?}"));
            }
        }
    }

    fn use_a_handle(&mut self) {
        const SHORT: Duration = Duration::from_micros(1);
        let Self { numbers, tx, lossy, named, any, .. } = self;
        let some = numbers.next();
        match (numbers.below(13), tx, lossy, named, any) {
            (0..=2, Some(tx), ..) => P::publish(tx),
            (3, Some(tx), ..) => P::publish_more(tx),
            (4, Some(tx), ..) => {
                P::claim(tx);
                let _ = tx.wait(SHORT * 200);
            }
            (5 | 6, _, Some(rx), ..) => P::receive(rx),
            (7, _, Some(rx), ..) => {
                P::latest(rx);
                let _ = (rx.lag(), rx.last(), rx.peer());
            }
            (8, _, Some(rx), ..) => {
                rx.set_resume(if some.is_multiple_of(2) { Resume::Newest } else { Resume::Oldest });
                if some % 8 < 2 {
                    rx.skip_to(at(some));
                }
                let _ = rx.wait(SHORT);
            }
            (9, _, _, Some(rx), _) => {
                P::read(rx, some.is_multiple_of(2));
                P::read_ahead(rx);
                let _ = (rx.lag(), rx.is_demoted(), rx.joined_at(), rx.last());
            }
            (10, _, _, Some(rx), _) => {
                let _ = (rx.release_through(rx.position()), rx.release_through(at(some)));
                rx.rewind();
                let _ = rx.wait(SHORT);
            }
            (11, _, _, Some(rx), _) => P::receive_gated(rx),
            (.., Some(rx)) => P::read(rx, true),
            _ => {}
        }
    }
}
