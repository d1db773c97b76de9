//! Drainers that are killed, in processes of their own, and those who go on in their place.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use ringfence::stream::Copying;
use ringfence::{PopError, PushError, TransferError, stream};

use crate::child::{Name, Role};
use crate::links::{At, take};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("deaths::what_a_killed_drainer_had_lent_stays_until_it_is_abandoned", lent),
        trial("deaths::a_killed_drainer_is_continued_without_loss", continued),
    ]
}

const RING: usize = 1 << 16;

/// Starts a drainer in a process of its own, lets it send all that is in the ring `name`, and kills it; returns the far end.
fn killed_drainer(name: &str, mode: &str, kind: &str) -> File {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("far");
    let place = path.to_str().expect("a plain path");
    let count = RING.to_string();
    let start = |place: &str| Role::start("drain", &[name, mode, kind, place, &count]);
    let (role, far): (Role, OwnedFd) = match kind {
        "pipe" => {
            mkfifo(&path, Mode::S_IRWXU).expect("a pipe");
            let role = start(place);
            (role, File::open(&path).expect("the pipe").into())
        }
        "unix" => {
            let listener = UnixListener::bind(&path).expect("a socket");
            (start(place), listener.accept().expect("a connection").0.into())
        }
        _ => {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = listener.local_addr().expect("an address").to_string();
            (start(&address), listener.accept().expect("a connection").0.into())
        }
    };
    role.expect("sent");
    role.kill();
    far.into()
}

fn lent() {
    for (mode, kind) in [("aliasing", "pipe"), ("aliasing", "unix"), ("aliasing", "tcp"), ("notified", "tcp")]
    {
        let _at = At(format!("{mode} to {kind}"));
        let name = Name::new();
        let ring = stream::Options::<u8>::new(RING).create(&name).expect("a ring");
        let mut tx = ring.writer().expect("a free role");
        tx.push_slice(&[b'o'; RING]).expect("room");
        let mut far = killed_drainer(&name, mode, kind);

        let mut rx = ring.reader().expect("a free role");
        assert_eq!(rx.in_flight(), RING as u64);
        assert_eq!(rx.try_pop(), Err(PopError::InFlight));
        assert_eq!(rx.try_read_slice(1).map(|_| ()), Err(PopError::InFlight));
        assert_eq!(tx.try_push(b'n'), Err(PushError::Full), "nobody has released it");
        let (_far, near) = std::io::pipe().expect("a pipe");
        assert_eq!(rx.drain(near, Copying).map(|_| ()).expect_err("held up"), TransferError::InFlight);

        assert!(take(&mut far, RING).iter().all(|it| *it == b'o'), "what was sent is what is received");
        assert_eq!(far.read(&mut [0]).expect("an end"), 0, "the far side is finished");

        let mut rx = ring.reader().expect("a free role");
        assert_eq!((rx.abandon_in_flight(), rx.in_flight()), (RING as u64, 0));
        assert_eq!(rx.try_pop(), Ok(b'o'), "it comes once more");
        assert!(rx.last().expect("a delivery").redelivered);
        assert_eq!(rx.try_pop_slice(&mut [0; RING]), Ok(RING - 1));
        tx.push_slice(&[b'n'; RING]).expect("room");
        assert_eq!(rx.try_pop(), Ok(b'n'));
        assert!(!rx.last().expect("a delivery").redelivered);
    }
}

fn continued() {
    const COUNT: u64 = 150_000;
    const KILLS: u64 = 15;
    let name = Name::new();
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("a plain path").to_owned();
    let ring = stream::Options::<u64>::new(256).create(&name).expect("a ring");
    let mut tx = ring.writer().expect("a free role");
    let killer = thread::spawn({
        let name = name.to_string();
        move || {
            for round in 0..KILLS {
                let role = Role::ready("drain to a file", &[&name, &path]);
                thread::sleep(Duration::from_micros(round * 7919 % 4000));
                role.kill();
            }
            Role::ready("drain to a file", &[&name, &path]).finish();
        }
    });
    for value in 0..COUNT {
        tx.push(value).expect("an open ring");
    }
    tx.close();
    killer.join().expect("no panic");
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).expect("a file");
    file.read_to_end(&mut bytes).expect("a file");
    let (mut expected, mut again) = (0, 0);
    for value in bytes.chunks(8).map(|it| u64::from_le_bytes(it.try_into().expect("whole elements"))) {
        assert!(value <= expected, "{expected} to {value} are lost");
        if value < expected {
            assert!(expected - value <= 256, "only what was in the ring can come twice");
            again += 1;
        }
        expected = value + 1;
    }
    assert_eq!(expected, COUNT);
    assert!(again <= KILLS, "{again} repeats after {KILLS} kills");
}
