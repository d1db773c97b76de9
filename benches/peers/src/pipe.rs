//! `pipe`: two pipes, the oldest way to hand bytes to another process.

use std::io;

use anyhow::{Context as _, Result};

use crate::cases::{WAKE_RTT, WakeRoundTrip};
use crate::contestants::{Bout, Contestant};
use crate::descriptors::{Channel, Descriptors, Side};

pub(crate) static PIPE: Contestant = Contestant {
    name: "pipe",
    about: "two pipes, across processes: blocking write(2) and read(2) of 8 bytes",
    ours: false,
    bouts: &[Bout::across_processes::<WakeRoundTrip<u64>, Descriptors<Pipes>>(&WAKE_RTT)],
};

#[derive(Debug)]
struct Pipes;

impl Channel for Pipes {
    fn connected() -> Result<[Side; 2]> {
        let (far_incoming, near_outgoing) = io::pipe().context("pipe(2)")?;
        let (near_incoming, far_outgoing) = io::pipe().context("pipe(2)")?;
        Ok([
            Side { outgoing: near_outgoing.into(), incoming: near_incoming.into() },
            Side { outgoing: far_outgoing.into(), incoming: far_incoming.into() },
        ])
    }
}
