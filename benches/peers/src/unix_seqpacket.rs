//! `unix-seqpacket`: a pair of connected Unix sockets that keep messages apart.

use anyhow::Result;
use rustix::net::SocketType;

use crate::cases::{WAKE_RTT, WakeRoundTrip};
use crate::contestants::{Bout, Contestant};
use crate::descriptors::{Channel, Descriptors, Side, sockets};

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
        sockets(SocketType::SEQPACKET)
    }
}
