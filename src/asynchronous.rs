//! Handles that are awaited: the core that every kind of ring shares; the verbs are beside the handles of each kind.
//!
//! A future tries first, on each poll, and registers its waker only where nothing was there. An item is taken, or
//! pushed, in the very poll that says so, and no future keeps anything: one that is dropped has done nothing.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::task::{Context, Poll};

use crate::bridge::{Bridge, BridgeWaker};
use crate::error::{Fault, Passing, WaitError};
use crate::source::Doorbell;

/// A handle whose calls can be awaited, on any runtime: `Async<spsc::Producer<T>>`, `Async<spsc::Consumer<T>>`.
///
/// A [`Bridge`], run by a thread of the user's choice, wakes the task when it is worth another try. Awaiting a call that
/// succeeds at once makes no system call and does not yield. All futures are safe to cancel: one that is dropped before
/// it is ready has neither taken nor pushed anything.
///
/// Where the bridge was stopped, a call that would have to wait fails with [`Fault::Stopped`]; where nobody runs it, such
/// a call waits until somebody does.
///
/// ```
/// use std::thread;
/// use ringfence::{spsc, Async, Bridge, PopError};
///
/// let ring = spsc::Options::<u64>::new(2).in_process()?;
/// let bridge = Bridge::new();
/// let running = thread::spawn({
///     let bridge = bridge.clone();
///     move || bridge.run()
/// });
/// let mut tx = Async::new(ring.producer()?, &bridge)?;
/// let mut rx = Async::new(ring.consumer()?, &bridge)?;
///
/// let pushing = async {
///     for number in 0..100 {
///         tx.push(number).await?;
///     }
///     tx.get_mut().close();
///     Ok::<(), ringfence::PushError>(())
/// };
/// let popping = async {
///     let mut sum = 0;
///     loop {
///         match rx.pop().await {
///             Ok(number) => sum += number,
///             Err(PopError::Closed) => return Ok(sum),
///             Err(error) => return Err(error),
///         }
///     }
/// };
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let (pushed, sum) = runtime.block_on(async { tokio::join!(pushing, popping) });
/// pushed?;
/// assert_eq!(sum?, 99 * 100 / 2);
///
/// bridge.stop();
/// running.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Async<H> {
    handle: H,
    waker: BridgeWaker,
    /// Whether a stream has said an error, and is to end.
    ending: bool,
}

/// A handle of a ring that [`Async`] can wrap. Only this crate implements it.
pub trait Handle: sealed::Sealed {}

pub(crate) mod sealed {
    use super::Doorbell;

    pub trait Sealed {
        /// What rings when it is worth another try.
        #[doc(hidden)]
        fn bell(&self) -> Doorbell;
    }
}

impl<H: Handle> Async<H> {
    /// Wraps `handle`, whose tasks `bridge` is to wake. Allocates; makes no system call.
    ///
    /// # Errors
    ///
    /// [`WaitError::NoDoorbell`] for a ring of [`busy_poll`](crate::spsc::Options::busy_poll), or one that was
    /// opened for reading only; [`WaitError::TooMany`] for the bridge's 128th doorbell; [`WaitError::Stopped`]. The handle
    /// is dropped, which gives its role up.
    pub fn new(handle: H, bridge: &Bridge) -> Result<Self, WaitError> {
        let waker = bridge.add_waker(handle.bell())?;
        Ok(Self { handle, waker, ending: false })
    }
}

impl<H> Async<H> {
    /// The handle.
    #[must_use]
    pub fn get_ref(&self) -> &H {
        &self.handle
    }

    /// The handle, for calls that need not wait: its blocking calls block the task's thread.
    #[must_use]
    pub fn get_mut(&mut self) -> &mut H {
        &mut self.handle
    }

    /// The handle, which the bridge watches no longer.
    #[must_use]
    pub fn into_inner(self) -> H {
        self.handle
    }

    /// Tries once; where nothing is there, has the task woken when there is.
    pub(crate) fn poll<R, E: Passing>(
        &mut self,
        context: &Context<'_>,
        attempt: impl FnOnce(&mut H) -> Result<R, E>,
    ) -> Poll<Result<R, E>> {
        match attempt(&mut self.handle) {
            Err(error) if error.passes() => {}
            result => return Poll::Ready(result),
        }
        match self.waker.register(context.waker()) {
            Ok(()) => Poll::Pending,
            Err(WaitError::Forked) => Poll::Ready(Err(Fault::Forked.into())),
            Err(_stopped) => Poll::Ready(Err(Fault::Stopped.into())),
        }
    }

    /// The next item of a stream of what `attempt` takes, which ends where the ring does, as `is_end` tells, and after an
    /// error that tells of no gap.
    pub(crate) fn poll_item<R, E: Passing>(
        &mut self,
        context: &Context<'_>,
        attempt: impl FnOnce(&mut H) -> Result<R, E>,
        is_end: impl FnOnce(&E) -> bool,
    ) -> Poll<Option<Result<R, E>>> {
        if mem::take(&mut self.ending) {
            return Poll::Ready(None);
        }
        self.poll(context, attempt).map(|result| match result {
            Err(error) if is_end(&error) => None,
            result => {
                self.ending = result.as_ref().is_err_and(|error| !error.is_gap());
                Some(result)
            }
        })
    }

    /// Repeats `attempt` until it no longer fails for want of an item, or of room.
    pub(crate) async fn retry<R, E: Passing>(
        &mut self,
        mut attempt: impl FnMut(&mut H) -> Result<R, E>,
    ) -> Result<R, E> {
        poll_fn(|context| self.poll(context, &mut attempt)).await
    }
}

impl<H: fmt::Debug> fmt::Debug for Async<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Async").field("handle", &self.handle).field("waker", &self.waker).finish()
    }
}
