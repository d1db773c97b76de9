//! When memory may be written again: a writer that overwrites it as early as the ring lets it never changes what the
//! receiver gets, and one that is let earlier does.

use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use ringfence::stream::{Aliasing, Copying, Drain, Notified, Options};
use ringfence::{PushError, TransferError};

use crate::common::Backing;
use crate::links::{Kind, take};
use crate::sends::{Sends, Stream, Way, shared};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("reuse::a_receiver_gets_the_old_bytes_when_copying_is_overwritten_at_once", early::<Copying>),
        trial("reuse::a_receiver_gets_the_old_bytes_when_notified_is_overwritten_at_once", early::<Notified>),
        trial("reuse::a_receiver_gets_the_old_bytes_when_aliasing_is_overwritten_at_once", early::<Aliasing>),
        trial("reuse::aliased_memory_is_not_writable_before_it_is_released", not_writable),
        trial("reuse::a_release_when_the_call_has_returned_changes_what_the_receiver_gets", naive),
        trial("reuse::what_was_lent_stays_what_it_was_when_the_ring_is_gone", freed),
    ]
}

/// Bytes of the ring: sixteen pages, as many as a pipe refers to.
const RING: usize = 1 << 16;

/// A writer on a thread overwrites whatever is released, at once; the receiver takes its time.
fn early<W: Way>()
where
    Drain<u8, OwnedFd, W>: Sends,
{
    const ROUNDS: usize = 24;
    for kind in Kind::LIVE.into_iter().filter(|it| W::works(*it, Backing::Shm)) {
        let stream = shared::<u8>(RING);
        let (mut tx, rx) = stream.ends();
        let writing = thread::spawn(move || {
            for round in 0..ROUNDS {
                assert_eq!(tx.push_slice(&[round as u8; RING / 2]), Ok(RING / 2));
            }
            tx.close();
        });
        let (near, mut far) = kind.link();
        let mut drain = rx.drain(near, W::MODE).expect("a mode that works");
        let (mut sent, mut received) = (0, 0);
        for round in 0..ROUNDS {
            while sent < (round + 1) * RING / 2 {
                match Sends::try_send(&mut drain, (round + 1) * RING / 2 - sent) {
                    Ok(count) => sent += count,
                    Err(TransferError::Empty) => thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
            }
            if W::works(Kind::File, Backing::Shm) && !W::works(Kind::File, Backing::Heap) {
                assert!(drain.in_flight() > 0, "lent until somebody says otherwise");
            } else {
                drain.settle(); // as early as the kernel allows
            }
            thread::sleep(Duration::from_millis(3)); // the writer is long done with what it was given
            let bytes = take(&mut far, RING / 2);
            received += bytes.len();
            assert!(bytes.iter().all(|it| *it == round as u8), "round {round} to {kind:?}");
            drain.settle(); // the far side has consumed it
        }
        writing.join().expect("no panic");
        assert_eq!((received, drain.in_flight()), (ROUNDS * RING / 2, 0));
    }
}

fn not_writable() {
    for kind in Kind::LIVE {
        let stream = shared::<u8>(RING);
        let (mut tx, rx) = stream.ends();
        tx.push_slice(&[b'o'; RING]).expect("room");
        let (near, mut far) = kind.link();
        let mut drain = rx.drain(near, Aliasing).expect("a reader");
        let mut sent = 0;
        while sent < RING {
            sent += drain.try_send(usize::MAX).expect("room for a ring");
        }
        assert_eq!(drain.in_flight(), RING as u64);
        assert_eq!(tx.try_push(b'n'), Err(PushError::Full));
        assert!(take(&mut far, RING).iter().all(|it| *it == b'o'));
        assert_eq!(tx.try_push(b'n'), Err(PushError::Full), "consumed, but nobody has said so");
        assert_eq!(drain.release_to(drain.position()), Ok(RING as u64));
        assert_eq!(tx.push_slice(&[b'n'; RING]), Ok(RING));
    }
}

/// What `Aliasing` is there to prevent: the receiver finds bytes that were pushed after what it was sent.
fn naive() {
    for kind in Kind::LIVE {
        let stream = shared::<u8>(RING);
        let (mut tx, rx) = stream.ends();
        tx.push_slice(&[b'o'; RING]).expect("room");
        let (near, mut far) = kind.link();
        let mut drain = rx.drain(near, Aliasing).expect("a reader");
        let mut sent = 0;
        while sent < RING {
            sent += drain.try_send(usize::MAX).expect("room for a ring");
            drain.release_to(drain.position()).expect("a position that was sent"); // it is not consumed
        }
        tx.push_slice(&[b'n'; RING]).expect("room");
        let received = take(&mut far, RING);
        assert!(received.contains(&b'n'), "{kind:?} has copied: this kernel does not alias");
    }
}

/// What is freed while a pipe refers to it is given to nobody else.
fn freed() {
    const BYTES: usize = 4096;
    let stream = Stream::of(Backing::Heap, Options::<u8>::new(BYTES));
    let (mut tx, rx) = stream.ends();
    tx.push_slice(&[b'o'; BYTES]).expect("room");
    let (near, mut far) = Kind::Pipe.link();
    let mut drain = rx.drain(near, Aliasing).expect("a reader");
    assert_eq!(drain.send(usize::MAX), Ok(BYTES));
    drop((drain, tx, stream));
    let others: Vec<_> = (0..1000).map(|number| vec![b'x'; 64 * (1 + number % 256)]).collect();
    assert!(take(&mut far, BYTES).iter().all(|it| *it == b'o'), "a receiver gets memory of others");
    drop(others);
}
