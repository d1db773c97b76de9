//! `unix-seqpacket`: a pair of connected Unix sockets that keep messages apart.

use std::os::fd::{AsFd as _, OwnedFd};

use anyhow::{Context as _, Result};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use crate::cases::{WAKE_RTT, WakeRoundTrip};
use crate::contestants::{Bout, Contestant};
use crate::descriptors::{Channel, Descriptors, Side};

pub(crate) static UNIX_SEQPACKET: Contestant = Contestant {
    name: "unix-seqpacket",
    about: "a Unix socketpair of SOCK_SEQPACKET, across processes: blocking write(2) and read(2) of 8 bytes",
    ours: false,
    bouts: &[Bout::across_processes::<WakeRoundTrip<u64>, Descriptors<Sockets>>(&WAKE_RTT)],
};

#[derive(Debug)]
struct Sockets;

impl Channel for Sockets {
    fn connected() -> Result<[Side; 2]> {
        let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
        let (near, far) = pair.context("socketpair(2)")?;
        Ok([side(near)?, side(far)?])
    }
}

fn side(socket: OwnedFd) -> Result<Side> {
    Ok(Side { outgoing: socket.as_fd().try_clone_to_owned()?, incoming: socket })
}
