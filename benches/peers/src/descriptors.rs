//! Channels of the kernel: a descriptor to write 8 bytes to and one to read 8 bytes from, both blocking.
//!
//! I1 The far process inherits its two descriptors under the numbers on its command line, and nothing else there knows
//!    of them.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::marker::PhantomData;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use anyhow::{Context as _, Result, bail, ensure};

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

/// An end over a channel of kind `C`.
#[derive(Debug)]
pub(crate) struct Descriptors<C> {
    outgoing: File,
    incoming: File,
    _kind: PhantomData<C>,
}

impl<C> Descriptors<C> {
    fn new(side: Side) -> Self {
        Self { outgoing: side.outgoing.into(), incoming: side.incoming.into(), _kind: PhantomData }
    }
}

impl<C: Channel> AcrossProcesses for Descriptors<C> {
    fn create(_: &Case) -> Result<(Self, HandOver)> {
        let [near, far] = C::connected()?;
        let inherited = vec![far.outgoing, far.incoming];
        let arguments = inherited.iter().map(|descriptor| descriptor.as_raw_fd().to_string()).collect();
        Ok((Self::new(near), HandOver { arguments, inherited }))
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
