//! `pipe`: two pipes, the oldest way to hand bytes to another process.

use std::io;
use std::os::fd::BorrowedFd;

use anyhow::{Context as _, Result};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

use crate::byte_channels::{ByteChannel, Roomy};
use crate::cases::{Chunks, STREAM_1KIB, STREAM_64B, STREAM_64KIB, WAKE_RTT, WakeRoundTrip};
use crate::contestants::{Bout, Contestant};
use crate::descriptors::{Channel, Descriptors, Side};

pub(crate) static PIPE: Contestant = Contestant {
    name: "pipe",
    about: "two pipes, across processes: write(2) and read(2), blocking in wake-rtt and not in stream-*",
    ours: false,
    bouts: &[
        Bout::across_processes::<Chunks<64>, ByteChannel<Pipes>>(&STREAM_64B),
        Bout::across_processes::<Chunks<1024>, ByteChannel<Pipes>>(&STREAM_1KIB),
        Bout::across_processes::<Chunks<65536>, ByteChannel<Pipes>>(&STREAM_64KIB),
        Bout::across_processes::<WakeRoundTrip<u64>, Descriptors<Pipes>>(&WAKE_RTT),
    ],
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

impl Roomy for Pipes {
    fn make_room(outgoing: BorrowedFd<'_>, bytes: usize) -> Result<usize> {
        let wanted = FcntlArg::F_SETPIPE_SZ(bytes.try_into()?);
        let size = match fcntl(outgoing, wanted) {
            // More than `/proc/sys/fs/pipe-max-size`, or more than is left of what a user may have.
            Err(Errno::EPERM) => fcntl(outgoing, FcntlArg::F_GETPIPE_SZ),
            size => size,
        };
        Ok(size.context("fcntl(2), F_SETPIPE_SZ")?.try_into()?)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn a_pipe_has_the_room_that_was_asked_for() {
        let [near, _far] = Pipes::connected().unwrap();
        assert_eq!(Pipes::make_room(near.outgoing.as_fd(), 1 << 17).unwrap(), 1 << 17);
    }
}
