//! Channels of the kernel: a descriptor to write to and one to read from, of 8 bytes each time, both blocking. Those that
//! carry streams are ends of their own, see `byte_channels`.
//!
//! I1 The far process inherits its two descriptors under the numbers on its command line, and nothing else there knows
//!    of them.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::marker::PhantomData;
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use crate::cases::{Blocking, Case};
use crate::contestants::{AcrossProcesses, HandOver};

/// A kind of channel.
pub(crate) trait Channel {
    /// Two connected sides: the near and the far one.
    fn connected() -> Result<[Side; 2]>;
}

/// Descriptors of one side.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) outgoing: OwnedFd,
    pub(crate) incoming: OwnedFd,
}

/// A pair of connected Unix sockets; both descriptors of a side are its socket.
pub(crate) fn sockets(kind: SocketType) -> Result<[Side; 2]> {
    let side = |socket: OwnedFd| -> Result<Side> {
        Ok(Side { outgoing: socket.as_fd().try_clone_to_owned()?, incoming: socket })
    };
    let pair = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None);
    let (near, far) = pair.context("socketpair(2)")?;
    Ok([side(near)?, side(far)?])
}

/// An end over a channel of kind `C`.
#[derive(Debug)]
pub(crate) struct Descriptors<C> {
    pub(crate) outgoing: File,
    pub(crate) incoming: File,
    _kind: PhantomData<C>,
}

impl<C> Descriptors<C> {
    fn new(side: Side) -> Self {
        Self { outgoing: side.outgoing.into(), incoming: side.incoming.into(), _kind: PhantomData }
    }

    /// The near end, and what the far process makes its own of.
    pub(crate) fn of([near, far]: [Side; 2]) -> (Self, HandOver) {
        let inherited = vec![far.outgoing, far.incoming];
        let arguments = inherited.iter().map(|descriptor| descriptor.as_raw_fd().to_string()).collect();
        (Self::new(near), HandOver { arguments, inherited })
    }
}

impl<C: Channel> AcrossProcesses for Descriptors<C> {
    fn create(_: &Case) -> Result<(Self, HandOver)> {
        Ok(Self::of(C::connected()?))
    }

    fn attach(_: &Case, handed_over: &[String]) -> Result<Self> {
        let [outgoing, incoming] = handed_over else { bail!("two descriptors expected") };
        Ok(Self::new(Side { outgoing: inherited(outgoing)?, incoming: inherited(incoming)? }))
    }
}

fn inherited(number: &str) -> Result<OwnedFd> {
    let number = number.parse().with_context(|| format!("`{number}` is not a descriptor"))?;
    // SAFETY: I1.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

impl<C> Blocking<u64> for Descriptors<C> {
    #[inline]
    fn send(&mut self, item: u64) -> Result<()> {
        let count = self.outgoing.write(&item.to_ne_bytes()).context("write(2)")?;
        ensure!(count == size_of::<u64>(), "write(2) took {count} bytes");
        Ok(())
    }

    #[inline]
    fn receive(&mut self) -> Result<u64> {
        let mut bytes = [0; size_of::<u64>()];
        let count = self.incoming.read(&mut bytes).context("read(2)")?;
        ensure!(count == bytes.len(), "read(2) gave {count} bytes: the other side has gone");
        Ok(u64::from_ne_bytes(bytes))
    }
}
