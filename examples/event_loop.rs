//! One epoll loop over a ring, a timer and a socket. Nothing spins: the loop sleeps until one of them has something.
//!
//! ```sh
//! cargo run --example event_loop
//! ```
//!
//! A thread feeds the ring in bursts, and at last sends a datagram that ends the loop.
#![forbid(unsafe_code)]

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use ringfence::{Bridge, PopError, spsc};

const RING: u64 = 0;
const TIMER: u64 = 1;
const SOCKET: u64 = 2;

const BURSTS: u64 = 50;
const BURST: u64 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let ring = spsc::Options::<u64>::new(64).in_process()?; // `.open_or_create("name")` for processes
    let mut rx = ring.consumer()?;

    // The bridge turns doorbells into descriptors, on a thread of its own: one for up to 127 rings.
    let bridge = Bridge::new();
    let running = thread::spawn({
        let bridge = bridge.clone();
        move || bridge.run()
    });
    let items = bridge.add(rx.doorbell())?;
    let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC)?;
    timer.set(
        Expiration::Interval(TimeSpec::from_duration(Duration::from_millis(100))),
        TimerSetTimeFlags::empty(),
    )?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;

    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&items, EpollEvent::new(EpollFlags::EPOLLIN, RING))?;
    epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, TIMER))?;
    epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, SOCKET))?;

    let (producer, address) = (ring.producer()?, socket.local_addr()?);
    let feeding = thread::spawn(move || feed(producer, address).expect("an open ring, and a socket"));

    let (mut count, mut sum, mut wakes) = (0, 0, 0);
    let mut told = None;
    let mut events = [EpollEvent::empty(); 3];
    while told.is_none() || count < BURSTS * BURST {
        let ready = epoll.wait(&mut events, EpollTimeout::NONE)?;
        wakes += 1;
        for event in &events[..ready] {
            match event.data() {
                RING => {
                    loop {
                        match rx.try_pop() {
                            Ok(number) => (count, sum) = (count + 1, sum + number),
                            Err(PopError::Empty) => break,
                            Err(error) => return Err(error.into()),
                        }
                    }
                    items.rearm()?; // Empty was seen; what came since makes it readable at once
                }
                TIMER => {
                    timer.wait()?;
                    println!("{count} items so far, in {wakes} wake-ups");
                }
                _ => {
                    let mut message = [0; 16];
                    let length = socket.recv(&mut message)?;
                    told = Some(String::from_utf8_lossy(&message[..length]).into_owned());
                }
            }
        }
    }
    println!("{count} items, their sum {sum}, in {wakes} wake-ups; told {told:?}");

    bridge.stop();
    running.join().expect("a bridge does not panic")?;
    feeding.join().expect("a feed does not panic");
    Ok(())
}

fn feed(mut tx: spsc::Producer<u64>, address: SocketAddr) -> Result<(), Box<dyn Error>> {
    for burst in 0..BURSTS {
        for number in 0..BURST {
            tx.push(burst * BURST + number)?;
        }
        thread::sleep(Duration::from_millis(20));
    }
    UdpSocket::bind("127.0.0.1:0")?.send_to(b"good night", address)?;
    Ok(())
}
