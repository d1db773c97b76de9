//! `eventfd`: two counters in the kernel. Writing adds, reading takes all: with one message in flight the counter is
//! the message, as long as that is not 0.

use std::os::fd::{AsFd as _, OwnedFd};

use anyhow::{Context as _, Result};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::cases::{WAKE_RTT, WakeRoundTrip};
use crate::contestants::{Bout, Contestant};
use crate::descriptors::{Channel, Descriptors, Side};

pub(crate) static EVENTFD: Contestant = Contestant {
    name: "eventfd",
    about: "two eventfds, across processes: blocking write(2) and read(2) of the counter",
    ours: false,
    bouts: &[Bout::across_processes::<WakeRoundTrip<u64>, Descriptors<Counters>>(&WAKE_RTT)],
};

#[derive(Debug)]
struct Counters;

impl Channel for Counters {
    fn connected() -> Result<[Side; 2]> {
        let (to_far, to_near) = (counter()?, counter()?);
        let far = Side {
            outgoing: to_near.as_fd().try_clone_to_owned()?,
            incoming: to_far.as_fd().try_clone_to_owned()?,
        };
        Ok([Side { outgoing: to_far, incoming: to_near }, far])
    }
}

fn counter() -> Result<OwnedFd> {
    let counter = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC).context("eventfd(2)")?;
    Ok(counter.into())
}
