//! `unix-stream`: a pair of connected Unix sockets, each way a stream of bytes.

use std::os::fd::BorrowedFd;

use anyhow::Result;
use rustix::net::SocketType;
use rustix::net::sockopt::{set_socket_send_buffer_size, socket_send_buffer_size};

use crate::byte_channels::{ByteChannel, Roomy};
use crate::cases::{Chunks, STREAM_1KIB, STREAM_64B, STREAM_64KIB};
use crate::contestants::{Bout, Contestant};
use crate::descriptors::{Channel, Side, sockets};

pub(crate) static UNIX_STREAM: Contestant = Contestant {
    name: "unix-stream",
    about: "a Unix socketpair of SOCK_STREAM, across processes: write(2) and read(2) that do not block",
    ours: false,
    bouts: &[
        Bout::across_processes::<Chunks<64>, ByteChannel<Sockets>>(&STREAM_64B),
        Bout::across_processes::<Chunks<1024>, ByteChannel<Sockets>>(&STREAM_1KIB),
        Bout::across_processes::<Chunks<65536>, ByteChannel<Sockets>>(&STREAM_64KIB),
    ],
};

#[derive(Debug)]
struct Sockets;

impl Channel for Sockets {
    fn connected() -> Result<[Side; 2]> {
        sockets(SocketType::STREAM)
    }
}

impl Roomy for Sockets {
    /// The kernel allows itself twice as much, for what it keeps with the bytes.
    fn make_room(outgoing: BorrowedFd<'_>, bytes: usize) -> Result<usize> {
        set_socket_send_buffer_size(outgoing, bytes)?;
        Ok(socket_send_buffer_size(outgoing)? / 2)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn a_socket_has_the_room_that_was_asked_for() {
        let [near, _far] = Sockets::connected().unwrap();
        assert_eq!(Sockets::make_room(near.outgoing.as_fd(), 1 << 16).unwrap(), 1 << 16);
    }
}
