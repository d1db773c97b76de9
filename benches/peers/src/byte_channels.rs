//! Channels of the kernel that carry streams of bytes. They are enlarged to what the case's rings hold, as far as the kernel
//! allows that, and do not block: both sides spin where the others do.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Once;

use anyhow::{Context as _, Result};
use rustix::io::ioctl_fionbio;

use crate::cases::{Bulk, Case};
use crate::contestants::{AcrossProcesses, HandOver};
use crate::descriptors::{Channel, Descriptors};

/// A kind of channel whose room can be chosen.
pub(crate) trait Roomy: Channel {
    /// Asks for room for `bytes` that are on their way from `outgoing`. How much there is then: less, where the kernel does
    /// not allow more.
    fn make_room(outgoing: BorrowedFd<'_>, bytes: usize) -> Result<usize>;
}

/// An end over a channel of kind `C`.
#[derive(Debug)]
pub(crate) struct ByteChannel<C>(Descriptors<C>);

impl<C: Roomy> AcrossProcesses for ByteChannel<C> {
    fn create(case: &Case) -> Result<(Self, HandOver)> {
        static WARNED: Once = Once::new();
        let sides = C::connected()?;
        for side in &sides {
            let room = C::make_room(side.outgoing.as_fd(), case.capacity).context("enlarging a channel")?;
            if room < case.capacity {
                let wanted = case.capacity;
                WARNED.call_once(|| {
                    eprintln!("warning: the kernel allows channels of {room} bytes, not of {wanted}")
                });
            }
            // In the far process as well: descriptors that are inherited share these with those they are copies of.
            for descriptor in [&side.outgoing, &side.incoming] {
                ioctl_fionbio(descriptor, true).context("ioctl(2), FIONBIO")?;
            }
        }
        let (near, hand_over) = Descriptors::of(sides);
        Ok((Self(near), hand_over))
    }

    fn attach(case: &Case, handed_over: &[String]) -> Result<Self> {
        Descriptors::attach(case, handed_over).map(Self)
    }
}

impl<C> Bulk<u8> for ByteChannel<C> {
    #[inline]
    fn try_push_slice(&mut self, items: &[u8]) -> usize {
        moved("write", self.0.outgoing.write(items))
    }

    #[inline]
    fn try_pop_slice(&mut self, items: &mut [u8]) -> usize {
        moved("read", self.0.incoming.read(items))
    }
}

/// A side that is gone moves nothing: whoever waits notices that it is.
#[inline]
fn moved(call: &str, result: io::Result<usize>) -> usize {
    match result {
        Ok(count) => count,
        Err(error) => nothing_moved(call, &error),
    }
}

#[cold]
fn nothing_moved(call: &str, error: &io::Error) -> usize {
    match error.kind() {
        ErrorKind::WouldBlock
        | ErrorKind::Interrupted
        | ErrorKind::BrokenPipe
        | ErrorKind::ConnectionReset => 0,
        _ => panic!("{call}(2): {error}"),
    }
}
