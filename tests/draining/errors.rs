//! Descriptors that take nothing, fail or are of the wrong kind, and calls that signals interrupt: nothing is lost.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use ringfence::stream::{Aliasing, Copying, Drain, Mode, Notified, Options};
use ringfence::{Element, PopError, TransferError};
use xxhash_rust::xxh3::xxh3_128;

use crate::common::{Backing, Numbers};
use crate::links::{At, Kind, Receiver, rest, set_nonblocking, take};
use crate::sends::{Sends, Stream, Way, for_each_backing, shared};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("errors::a_descriptor_that_takes_nothing_is_would_block_and_loses_nothing", would_block),
        trial("errors::a_signal_storm_loses_nothing", storm),
        trial("errors::a_far_side_that_is_gone_leaves_what_is_in_the_ring", gone),
        trial("errors::a_heap_ring_has_no_file_to_send_from", heap_to_socket),
        trial("errors::completions_are_for_sockets_that_have_them", no_completions),
        trial("errors::a_call_that_failed_leaves_nothing_in_flight", nothing_in_flight),
        trial("errors::a_file_that_was_cut_short_is_an_error_and_not_an_empty_record", cut_short),
        trial("errors::what_is_not_there_is_said", absent),
        trial("errors::what_was_in_flight_holds_its_successor_up", held_up),
        trial("errors::what_may_have_been_sent_is_flagged", flagged),
    ]
}

fn noise(count: usize) -> Vec<u8> {
    let mut numbers = Numbers::from_seed(3);
    (0..count).map(|_| (numbers.next() >> 24) as u8).collect()
}

fn would_block() {
    fn of<W: Way>()
    where
        Drain<u8, OwnedFd, W>: Sends,
    {
        for kind in Kind::LIVE.into_iter().filter(|it| W::works(*it, Backing::Shm)) {
            let _at = At(format!("{:?} to {kind:?}", W::MODE));
            let stream = shared::<u8>(2 << 20);
            let (mut tx, rx) = stream.ends();
            let bytes = noise(2 << 20);
            tx.push_slice(&bytes).expect("room");
            tx.close();
            let (near, far) = kind.narrow();
            set_nonblocking(&near);
            let mut drain = rx.drain(near, W::MODE).expect("a mode that works");
            let mut sent = 0;
            let error = loop {
                match Sends::try_send(&mut drain, usize::MAX) {
                    Ok(count) => sent += count,
                    Err(error) => break error,
                }
            };
            assert_eq!(error, TransferError::WouldBlock);
            assert!(sent > 0 && sent < bytes.len(), "{sent} bytes fit into small buffers");
            let before = (drain.position(), drain.in_flight());
            assert_eq!(Sends::try_send(&mut drain, 1 << 20), Err(TransferError::WouldBlock));
            assert_eq!((drain.position(), drain.in_flight()), before);

            let receiver = Receiver::start(kind, far);
            loop {
                match Sends::try_send(&mut drain, usize::MAX) {
                    Ok(count) => sent += count,
                    Err(TransferError::WouldBlock) => thread::sleep(Duration::from_micros(50)),
                    Err(TransferError::Closed) => break,
                    Err(error) => panic!("{error}"),
                }
            }
            receiver.await_bytes(bytes.len());
            drain.settle();
            drop(drain);
            let received = receiver.finish(kind, bytes.len());
            assert_eq!((sent, xxh3_128(&received)), (bytes.len(), xxh3_128(&bytes)));
        }
    }

    of::<Copying>();
    of::<Notified>();
    of::<Aliasing>();
}

/// Interrupts the thread that runs `work`, over and over, in the middle of its calls.
fn interrupted(work: impl FnOnce()) {
    extern "C" fn nothing(_: libc::c_int) {}
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing.
    #[allow(unsafe_code)]
    unsafe { sigaction(Signal::SIGUSR1, &action) }.expect("a handler");
    // SAFETY: has no conditions.
    #[allow(unsafe_code)]
    let me = unsafe { libc::pthread_self() };
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // SAFETY: that thread waits for this one before it ends.
                #[allow(unsafe_code)]
                unsafe {
                    libc::pthread_kill(me, libc::SIGUSR1)
                };
                thread::sleep(Duration::from_micros(100));
            }
        });
        work();
        done.store(true, Ordering::Relaxed);
    });
}

fn storm() {
    fn of<W: Way>(kind: Kind)
    where
        Drain<u8, OwnedFd, W>: Sends,
    {
        let stream = shared::<u8>(1 << 20);
        let (mut tx, rx) = stream.ends();
        let bytes = noise(1 << 20);
        tx.push_slice(&bytes).expect("room");
        tx.close();
        let (near, mut far) = kind.narrow();
        let reading = thread::spawn(move || {
            let mut received = Vec::new();
            for _ in 0..16 {
                received.extend(take(&mut far, 1 << 16));
                thread::sleep(Duration::from_millis(2)); // the sender has to wait
            }
            received
        });
        let mut drain = rx.drain(near, W::MODE).expect("a mode that works");
        interrupted(|| {
            let mut sent = 0;
            while sent < bytes.len() {
                sent += Sends::try_send(&mut drain, usize::MAX).expect("a signal is no error");
            }
        });
        let received = reading.join().expect("no panic");
        assert_eq!(xxh3_128(&received), xxh3_128(&bytes), "{:?} to {kind:?}", W::MODE);
    }

    for kind in Kind::LIVE {
        of::<Copying>(kind);
        of::<Aliasing>(kind);
    }
    of::<Notified>(Kind::Tcp);

    // Filling, too.
    let stream = shared::<u8>(1 << 20);
    let (mut tx, mut rx) = stream.ends();
    let bytes = noise(1 << 17);
    let (near, far) = Kind::Pipe.narrow();
    let writing = thread::spawn({
        let bytes = bytes.clone();
        move || {
            for piece in bytes.chunks(4096) {
                std::io::Write::write_all(&mut File::from(near.try_clone().expect("the pipe")), piece)
                    .expect("a pipe");
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
    interrupted(|| while tx.fill_from(&far, usize::MAX).expect("a signal is no error") > 0 {});
    writing.join().expect("no panic");
    let mut received = vec![0; bytes.len()];
    assert_eq!(rx.pop_slice(&mut received), Ok(bytes.len()));
    assert_eq!(received, bytes);
}

fn gone() {
    fn of<W: Way>(kind: Kind, call: &'static str)
    where
        Drain<u8, OwnedFd, W>: Sends,
    {
        let _at = At(format!("{:?} to {kind:?}", W::MODE));
        let stream = shared::<u8>(4096);
        let (mut tx, rx) = stream.ends();
        let bytes = noise(4096);
        tx.push_slice(&bytes).expect("room");
        let (near, far) = kind.link();
        drop(far);
        let mut drain = rx.drain(near, W::MODE).expect("a mode that works");
        // The kernel of a TCP connection learns from its first segment that nobody is there.
        let mut taken = 0;
        let error = loop {
            match Sends::try_send(&mut drain, 1) {
                Ok(count) => taken += count,
                Err(error) => break error,
            }
            thread::sleep(Duration::from_millis(1));
        };
        let expected = if kind == Kind::Tcp { [libc::EPIPE, libc::ECONNRESET] } else { [libc::EPIPE; 2] };
        let TransferError::Os { call: failed, errno } = error else { panic!("{error}") };
        assert!(failed == call && expected.contains(&errno), "{failed}: {errno}");
        assert!(taken == 0 || kind == Kind::Tcp);
        drain.settle();
        assert_eq!(stream.ring.len(), 4096 - taken, "what was not sent is there");

        // Somebody else gets the rest.
        let (rx, _) = drain.into_parts().expect("everything that was sent is released");
        let (near, mut far) = Kind::Pipe.link();
        let mut drain = rx.drain(near, Copying).expect("a reader");
        assert_eq!(drain.send(usize::MAX), Ok(4096 - taken));
        assert_eq!(take(&mut far, 4096 - taken), bytes[taken..]);
    }

    of::<Copying>(Kind::Pipe, "writev");
    of::<Copying>(Kind::Unix, "writev");
    of::<Copying>(Kind::Tcp, "writev");
    of::<Aliasing>(Kind::Pipe, "vmsplice");
    of::<Aliasing>(Kind::Unix, "sendfile");
    of::<Aliasing>(Kind::Tcp, "sendfile");
}

fn heap_to_socket() {
    let stream = Stream::of(Backing::Heap, Options::<u8>::new(4096));
    let (mut tx, rx) = stream.ends();
    tx.push_slice(b"still there").expect("room");
    let (near, _far) = Kind::Unix.link();
    let mut drain = rx.drain(near, Aliasing).expect("a reader");
    for _ in 0..2 {
        let unsupported = TransferError::Os { call: "sendfile", errno: libc::EOPNOTSUPP };
        assert_eq!(drain.try_send(usize::MAX), Err(unsupported));
    }
    let (mut rx, _) = drain.into_parts().expect("nothing was sent");
    let mut bytes = [0; 11];
    assert_eq!(rx.pop_slice(&mut bytes), Ok(11));
    assert_eq!(&bytes, b"still there");
}

fn no_completions() {
    for (kind, errno) in
        [(Kind::Pipe, libc::ENOTSOCK), (Kind::File, libc::ENOTSOCK), (Kind::Unix, libc::EOPNOTSUPP)]
    {
        let stream = shared::<u8>(64);
        let (mut tx, rx) = stream.ends();
        tx.push(1).expect("room");
        let error = rx.drain(kind.link().0, Notified).expect_err("a descriptor without completions");
        assert_eq!(error, TransferError::Os { call: "setsockopt(SO_ZEROCOPY)", errno });
        assert_eq!(stream.ring.reader().expect("a free role").try_pop(), Ok(1));
    }
}

fn nothing_in_flight() {
    fn of<M: Mode>(mode: M, near: OwnedFd)
    where
        Drain<[u8], OwnedFd, M>: Sends,
    {
        set_nonblocking(&near);
        let bytes = vec![0; 1 << 16];
        for count in [bytes.len(), 1] {
            let mut refusals = 0;
            while refusals < 20 {
                // A connection makes room for more, a little later.
                if nix::unistd::write(&near, &bytes[..count]).is_err() {
                    refusals += 1;
                    thread::sleep(Duration::from_millis(1));
                }
            }
        }
        let stream = Stream::of(Backing::Shm, Options::<[u8]>::new(1 << 16));
        let (mut tx, rx) = stream.ends();
        let mut drain = rx.drain(near, mode).expect("a mode that works");
        let error = loop {
            tx.push(b"").expect("room");
            tx.push(b"bytes").expect("room");
            if let Err(error) = Sends::try_send(&mut drain, usize::MAX) {
                break error;
            }
        };
        assert_eq!(error, TransferError::WouldBlock);
        let lent = drain.in_flight();
        drop(drain);
        assert_eq!(
            stream.ring.reader().expect("a free role").in_flight(),
            lent,
            "the last call lent nothing"
        );
    }

    let ((near, _far), (other, _end)) = (Kind::Tcp.narrow(), Kind::Tcp.narrow());
    of(Notified, near);
    of(Aliasing, other);
}

fn cut_short() {
    for kind in [Kind::Unix, Kind::Pipe] {
        let stream = shared::<u8>(4096);
        let (mut tx, rx) = stream.ends();
        tx.push_slice(&[7; 100]).expect("room");
        let path = format!("/dev/shm/{}", &**stream.name.as_ref().expect("a name"));
        let file = File::options().write(true).open(path).expect("the ring's file");
        let length = file.metadata().expect("its length").len();
        file.set_len(length - 4096).expect("a shorter file");
        let (near, _far) = kind.link();
        let mut drain = rx.drain(near, Aliasing).expect("a reader");
        let result = drain.try_send(usize::MAX);
        assert!(matches!(result, Err(TransferError::Os { .. } | TransferError::Broken(_))), "{result:?}");
        assert_eq!(drain.in_flight(), 0);
    }
}

fn absent() {
    for_each_backing(|backing| {
        let stream = Stream::of(backing, Options::<u64>::new(8));
        let (mut tx, rx) = stream.ends();
        let (near, far) = Kind::Pipe.link();
        let mut drain = rx.drain(near, Aliasing).expect("a reader");
        let moment = Duration::from_millis(5);
        assert_eq!(drain.try_send(1), Err(TransferError::Empty));
        assert_eq!(drain.send_timeout(1, moment), Err(TransferError::Timeout));
        tx.push(1).expect("room");
        assert_eq!(drain.send_timeout(usize::MAX, moment), Ok(8));
        // Everything is in flight: there is nothing to send, and nothing ends for that.
        assert_eq!(drain.try_send(1), Err(TransferError::Empty));
        assert_eq!(drain.send_timeout(1, moment), Err(TransferError::Timeout));
        let pushing = thread::spawn(move || {
            thread::sleep(Duration::from_millis(10));
            tx.push(2).expect("room");
            tx
        });
        assert_eq!(drain.send(usize::MAX), Ok(8), "it wakes for what comes behind what is in flight");
        pushing.join().expect("no panic").close();
        assert_eq!(drain.try_send(1), Err(TransferError::Closed));
        assert_eq!(drain.send(1), Err(TransferError::Closed));
        assert_eq!(drain.in_flight(), 2, "an end releases nothing");
        assert_eq!(drain.release_to(drain.position()), Ok(2));
        assert_eq!(drain.send(1), Err(TransferError::Closed));
        drop(drain);
        assert_eq!(rest(far).len(), 16);
    });
}

fn held_up() {
    for_each_backing(|backing| {
        let stream = Stream::of(backing, Options::<u64>::new(8));
        let (mut tx, rx) = stream.ends();
        tx.push_slice(&[1, 2, 3, 4]).expect("room");
        let (near, far) = Kind::Pipe.link();
        let mut drain = rx.drain(near, Aliasing).expect("a reader");
        assert_eq!(drain.try_send(24), Ok(24));
        assert_eq!(drain.release_to(drain.position()), Ok(3));
        assert_eq!(drain.try_send(8), Ok(8));
        drop(drain);

        let mut rx = stream.ring.reader().expect("a free role");
        assert_eq!(rx.in_flight(), 1);
        assert_eq!(rx.try_pop(), Err(PopError::InFlight));
        assert_eq!(rx.pop(), Err(PopError::InFlight), "a wait does not help");
        assert_eq!(rx.try_pop_slice(&mut [0; 2]), Err(PopError::InFlight));
        assert_eq!(rx.try_read_slice(2).map(|_| ()), Err(PopError::InFlight));
        assert_eq!(rx.wait(Duration::ZERO), Err(PopError::InFlight));
        assert_eq!(rx.drain(far, Copying).map(|_| ()).expect_err("held up"), TransferError::InFlight);

        let mut rx = stream.ring.reader().expect("a free role");
        assert_eq!((rx.abandon_in_flight(), rx.in_flight()), (1, 0));
        assert_eq!(rx.try_pop(), Ok(4), "it comes once more");
        assert_eq!(rx.abandon_in_flight(), 0);
        drop(rx);
        assert_eq!(stream.ring.reader().expect("a free role").in_flight(), 0);
    });
}

fn flagged() {
    fn next<T: Element>(rx: &mut ringfence::stream::Reader<T>) -> bool {
        rx.try_pop().expect("an element");
        rx.last().expect("a delivery").redelivered
    }

    for_each_backing(|backing| {
        let stream = Stream::of(backing, Options::<u64>::new(8));
        let (mut tx, rx) = stream.ends();
        tx.push_slice(&[1, 2, 3]).expect("room");
        let (near, _far) = Kind::Pipe.link();
        let mut drain = rx.drain(near, Copying).expect("a reader");
        assert_eq!(drain.try_send(10), Ok(10));
        drop(drain);
        let mut rx = stream.ring.reader().expect("a free role");
        assert_eq!([next(&mut rx), next(&mut rx)], [true, false], "an element of which a part was sent");

        let stream = Stream::of(backing, Options::<u64>::new(8));
        let (mut tx, rx) = stream.ends();
        tx.push_slice(&[1, 2, 3]).expect("room");
        let (near, _far) = Kind::Pipe.link();
        let mut drain = rx.drain(near, Aliasing).expect("a reader");
        assert_eq!(drain.try_send(16), Ok(16));
        drop(drain);
        let mut rx = stream.ring.reader().expect("a free role");
        assert_eq!(rx.abandon_in_flight(), 2);
        assert_eq!([next(&mut rx), next(&mut rx), next(&mut rx)], [true, true, false]);
    });
}
