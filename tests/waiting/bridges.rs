//! Doorbells in an event loop.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use ringfence::spsc::{Consumer, Options};
use ringfence::{Bridge, BridgeFd, PopError, PushError, WaitError};

use crate::common::{Backing, Running, for_each_backing};
use crate::{PATIENCE, processor_time};

/// An event loop.
struct Loop(Epoll);

impl Loop {
    fn over<'a>(fds: impl IntoIterator<Item = &'a BridgeFd>) -> Self {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("an event loop");
        for (token, fd) in fds.into_iter().enumerate() {
            epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, token as u64)).expect("a descriptor");
        }
        Self(epoll)
    }

    fn events_within(&self, limit: Duration) -> Vec<usize> {
        let mut events = [EpollEvent::empty(); 128];
        let limit = EpollTimeout::try_from(limit).expect("a limit");
        let count = self.0.wait(&mut events, limit).expect("events");
        let mut tokens: Vec<_> = events[..count].iter().map(|it| it.data() as usize).collect();
        tokens.sort_unstable();
        tokens
    }

    /// Waits until something is readable, and says what.
    fn events(&self) -> Vec<usize> {
        let events = self.events_within(PATIENCE);
        assert!(!events.is_empty(), "somebody hangs");
        events
    }

    fn is_quiet(&self) -> bool {
        self.events_within(Duration::from_millis(50)).is_empty()
    }
}

fn drain(rx: &mut Consumer<u64>) -> Vec<u64> {
    std::iter::from_fn(|| rx.try_pop().ok()).collect()
}

#[test]
fn a_descriptor_is_readable_once_its_doorbell_was_ready_until_it_is_rearmed() {
    for_each_backing(|backing| {
        let running = Running::new();
        let rings = [4, 4].map(|capacity| backing.elements::<u64>(capacity));
        let (mut tx, mut rx): (Vec<_>, Vec<_>) = rings.iter().map(|it| it.ends()).unzip();
        let fds: Vec<_> = rx.iter().map(|it| running.bridge.add(it.doorbell()).expect("room")).collect();
        let events = Loop::over(&fds);
        assert!(events.is_quiet());

        tx[1].try_push(1).expect("room");
        assert_eq!(events.events(), [1]);
        tx[1].try_push(2).expect("room");
        assert_eq!(events.events(), [1], "readable as long as it is not rearmed");
        assert_eq!(drain(&mut rx[1]), [1, 2]);
        fds[1].rearm().expect("a running bridge");
        assert!(events.is_quiet());

        tx[1].try_push(3).expect("room");
        assert_eq!(events.events(), [1]);
        fds[1].rearm().expect("a running bridge");
        assert_eq!(events.events(), [1], "what was left is found again");

        tx[0].try_push(4).expect("room");
        while events.events() != [0, 1] {}
        assert_eq!((drain(&mut rx[0]), drain(&mut rx[1])), (vec![4], vec![3]));
    });
}

#[test]
fn an_item_that_comes_between_the_last_look_and_the_rearming_is_found() {
    for_each_backing(|backing| {
        let running = Running::new();
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        let fd = running.bridge.add(rx.doorbell()).expect("room");
        let events = Loop::over([&fd]);
        for value in 0..200 {
            tx.try_push(value).expect("room");
            assert_eq!(events.events(), [0]);
            assert_eq!(rx.try_pop(), Ok(value));
            assert_eq!(rx.try_pop(), Err(PopError::Empty));
            tx.try_push(value).expect("room");
            fd.rearm().expect("a running bridge");
            assert_eq!(events.events(), [0]);
            assert_eq!(rx.try_pop(), Ok(value));
            fd.rearm().expect("a running bridge");
        }
    });
}

#[test]
fn no_item_is_missed_in_an_event_loop_over_both_sides_of_a_ring() {
    const ITEMS: u64 = 20_000;
    for_each_backing(|backing| {
        let running = Running::new();
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        let fds = [tx.doorbell(), rx.doorbell()].map(|it| running.bridge.add(it).expect("room"));
        thread::scope(|scope| {
            let room = &fds[0];
            scope.spawn(move || {
                let events = Loop::over([room]);
                for value in 0..ITEMS {
                    while let Err(error) = tx.try_push(value) {
                        assert_eq!(error, PushError::Full);
                        room.rearm().expect("a running bridge");
                        events.events();
                    }
                }
                tx.close();
            });
            let events = Loop::over([&fds[1]]);
            let mut next = 0;
            loop {
                match rx.try_pop() {
                    Ok(value) => {
                        assert_eq!(value, next);
                        next += 1;
                    }
                    Err(PopError::Empty) => {
                        fds[1].rearm().expect("a running bridge");
                        events.events();
                    }
                    Err(error) => break assert_eq!(error, PopError::Closed),
                }
            }
            assert_eq!(next, ITEMS);
        });
    });
}

#[test]
fn what_was_ready_before_the_bridge_runs_is_told_when_it_does() {
    let bridge = Bridge::new();
    let ring = Backing::Heap.elements::<u64>(4);
    let (mut tx, rx) = ring.ends();
    let fd = bridge.add(rx.doorbell()).expect("room");
    tx.try_push(1).expect("room");
    let events = Loop::over([&fd]);
    assert!(events.is_quiet());
    thread::scope(|scope| {
        scope.spawn(|| bridge.run());
        assert_eq!(events.events(), [0]);
        bridge.stop();
    });
}

#[test]
fn a_dropped_descriptor_takes_its_doorbell_out_of_the_bridge() {
    let running = Running::new();
    let rings: Vec<_> = (0..128).map(|_| Backing::Heap.elements::<u64>(2)).collect();
    let (mut tx, mut rx): (Vec<_>, Vec<_>) = rings.iter().map(|it| it.ends()).unzip();
    let mut fds: Vec<_> =
        rx[..127].iter().map(|it| running.bridge.add(it.doorbell()).expect("room")).collect();
    let too_many = WaitError::TooMany { found: 128, max: 127 };
    assert_eq!(running.bridge.add(rx[127].doorbell()).err(), Some(too_many));
    drop(fds.remove(5));
    drop((tx.remove(5), rx.remove(5)));
    fds.push(running.bridge.add(rx[126].doorbell()).expect("room"));
    let events = Loop::over(&fds);
    tx[126].try_push(1).expect("room");
    assert_eq!(events.events(), [126]);
    tx[0].try_push(1).expect("room");
    while events.events() != [0, 126] {}
}

#[test]
fn a_bridge_that_waits_uses_next_to_no_processor_time_whatever_is_left_unread() {
    const WATCHED: Duration = Duration::from_millis(400);
    let bridge = Bridge::new();
    let rings = [2, 2].map(|capacity| Backing::Shm.elements::<u64>(capacity));
    let (mut tx, rx): (Vec<_>, Vec<_>) = rings.iter().map(|it| it.ends()).unzip();
    let fds: Vec<_> = rx.iter().map(|it| bridge.add(it.doorbell()).expect("room")).collect();
    tx[0].try_push(1).expect("room");
    let used = thread::scope(|scope| {
        let running = scope.spawn(|| {
            let before = processor_time();
            bridge.run().expect("a good end");
            processor_time() - before
        });
        assert_eq!(Loop::over(&fds).events(), [0]);
        thread::sleep(WATCHED);
        bridge.stop();
        running.join().expect("no panic")
    });
    assert!(used < WATCHED / 4, "{used:?}");
}

#[test]
fn a_stopped_bridge_makes_every_descriptor_readable_and_refuses_requests() {
    let running = Running::new();
    let ring = Backing::Heap.elements::<u64>(2);
    let (_tx, rx) = ring.ends();
    let fd = running.bridge.add(rx.doorbell()).expect("room");
    let events = Loop::over([&fd]);
    assert!(events.is_quiet());
    running.bridge.stop();
    running.bridge.stop();
    assert_eq!(events.events(), [0]);
    assert_eq!(fd.rearm(), Err(WaitError::Stopped));
    assert_eq!(running.bridge.add(rx.doorbell()).err(), Some(WaitError::Stopped));
    assert_eq!(running.bridge.add_waker(rx.doorbell()).err(), Some(WaitError::Stopped));
    assert_eq!(running.bridge.run(), Ok(()), "there is nothing to run any more");
}

#[test]
fn one_thread_at_a_time_runs_a_bridge() {
    let bridge = Bridge::default();
    let ring = Backing::Heap.elements::<u64>(2);
    let (mut tx, rx) = ring.ends();
    let fd = bridge.add(rx.doorbell()).expect("room");
    tx.try_push(1).expect("room");
    thread::scope(|scope| {
        scope.spawn(|| bridge.run());
        Loop::over([&fd]).events();
        assert_eq!(bridge.run(), Err(WaitError::Running));
        bridge.stop();
    });
}

#[test]
fn a_ring_without_doorbells_is_refused() {
    let bridge = Bridge::new();
    let ring = Backing::Heap.create(Options::<u64>::new(2).busy_poll(true));
    let (tx, rx) = ring.ends();
    assert_eq!(bridge.add(rx.doorbell()).err(), Some(WaitError::NoDoorbell));
    assert_eq!(bridge.add_waker(tx.doorbell()).err(), Some(WaitError::NoDoorbell));
}

#[test]
fn a_ring_that_is_removed_makes_its_descriptor_readable() {
    let running = Running::new();
    let ring = Backing::Shm.elements::<u64>(2);
    let mut rx = ring.consumer().expect("the role");
    let fd = running.bridge.add(rx.doorbell()).expect("room");
    ring.force_unlink().expect("a name");
    assert_eq!(Loop::over([&fd]).events(), [0]);
    assert!(matches!(rx.try_pop(), Err(PopError::Broken(_))));
}

#[test]
fn a_descriptor_is_one_and_closed_with_its_value() {
    let bridge = Bridge::new();
    let ring = Backing::Heap.elements::<u64>(2);
    let rx = ring.consumer().expect("the role");
    let fd = bridge.add(rx.doorbell()).expect("room");
    assert_eq!(fd.as_fd().as_raw_fd(), fd.as_raw_fd());
    let flags = nix::fcntl::fcntl(&fd, nix::fcntl::FcntlArg::F_GETFD).expect("a descriptor");
    assert_eq!(flags, libc::FD_CLOEXEC);
    for text in [format!("{fd:?}"), format!("{bridge:?}")] {
        assert!(text.starts_with("Bridge"), "{text}");
    }
}

#[test]
fn a_waker_that_panics_stops_the_bridge_and_leaves_nobody_waiting() {
    use std::sync::Arc;
    use std::task::Wake;

    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker's");
        }
    }
    let bridge = Bridge::new();
    let rings = [2, 2].map(|capacity| Backing::Heap.elements::<u64>(capacity));
    let (mut tx, rx): (Vec<_>, Vec<_>) = rings.iter().map(|it| it.ends()).unzip();
    let waker = bridge.add_waker(rx[0].doorbell()).expect("room");
    let fd = bridge.add(rx[1].doorbell()).expect("room");
    waker.register(&Arc::new(Panics).into()).expect("a bridge");
    tx[0].try_push(1).expect("room");
    let (ended, end) = channel();
    let running = thread::spawn({
        let bridge = bridge.clone();
        move || {
            ended.send(()).expect("somebody listens");
            bridge.run()
        }
    });
    end.recv().expect("a thread");
    assert!(running.join().is_err());
    assert_eq!(Loop::over([&fd]).events(), [0]);
    assert_eq!(fd.rearm(), Err(WaitError::Stopped));
}

#[test]
fn a_forked_child_has_no_part_in_the_bridge() {
    let ring = Backing::Heap.elements::<u64>(4);
    let (mut tx, mut rx) = ring.ends();
    let running = Running::new();
    let fd = running.bridge.add(rx.doorbell()).expect("a descriptor");
    let events = Loop::over([&fd]);
    tx.push(7).expect("room");
    assert_eq!(events.events_within(PATIENCE), [0]);

    // SAFETY: the child calls nothing but this crate, which promises to lock and to change nothing there, and `_exit`.
    #[allow(unsafe_code)]
    match unsafe { fork() }.expect("a process") {
        ForkResult::Child => {
            let refused =
                fd.rearm() == Err(WaitError::Forked) && running.bridge.run() == Err(WaitError::Forked);
            running.bridge.stop();
            drop(fd);
            // SAFETY: it ends this process and nothing else.
            unsafe { libc::_exit(i32::from(!refused)) }
        }
        ForkResult::Parent { child } => {
            assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)));
        }
    }
    assert_eq!(events.events_within(PATIENCE), [0], "the child took nothing");
    assert_eq!(rx.try_pop(), Ok(7));
    fd.rearm().expect("a running bridge");
    tx.push(8).expect("room");
    assert_eq!(events.events_within(PATIENCE), [0]);
}
