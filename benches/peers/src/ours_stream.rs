//! Ours, as a stream of elements or of bytes: named rings, always across two processes, through the public API.

use anyhow::{Context as _, Result, bail, ensure};
use ringfence::stream::{self, Reader, Ring, Writer};
use ringfence::{Element, PopError, PushError};

use crate::cases::{Bulk, Case};
use crate::cleanup::{Cleanup, unused_name};
use crate::contestants::{AcrossProcesses, HandOver};
use crate::ours::{attach, barrier, cannot_pop, cannot_push};

pub(crate) struct StreamEnd<T: Element, const FENCED: bool> {
    tx: Writer<T>,
    rx: Reader<T>,
    /// The creator removes the names, after its handles are gone.
    _names: Vec<Cleanup>,
}

impl<T: Element, const FENCED: bool> StreamEnd<T, FENCED> {
    fn between(outgoing: &Ring<T>, incoming: &Ring<T>, names: Vec<Cleanup>) -> Result<Self> {
        let (tx, rx) = (outgoing.writer()?, incoming.reader()?);
        let wanted = barrier(FENCED);
        ensure!(
            (tx.barrier(), rx.barrier()) == (wanted, wanted),
            "the kernel refuses an {wanted} barrier: try `--barrier fenced`"
        );
        Ok(Self { tx, rx, _names: names })
    }
}

impl<T: Element, const FENCED: bool> AcrossProcesses for StreamEnd<T, FENCED> {
    fn create(case: &Case) -> Result<(Self, HandOver)> {
        let (to_far_name, to_near_name) = (unused_name("to-far"), unused_name("to-near"));
        let (to_far, removes_to_far) = create::<T, FENCED>(case, &to_far_name)?;
        let (to_near, removes_to_near) = create::<T, FENCED>(case, &to_near_name)?;
        let end = Self::between(&to_far, &to_near, vec![removes_to_far, removes_to_near])?;
        Ok((end, vec![to_far_name, to_near_name].into()))
    }

    fn attach(case: &Case, handed_over: &[String]) -> Result<Self> {
        let [to_far, to_near] = handed_over else { bail!("two names expected") };
        let open = |name: &String| stream::open_with::<T>(name, attach::<FENCED>(case));
        Self::between(&open(to_near)?, &open(to_far)?, Vec::new())
    }
}

fn create<T: Element, const FENCED: bool>(case: &Case, name: &str) -> Result<(Ring<T>, Cleanup)> {
    let options = stream::Options::<T>::new(case.capacity).attach(attach::<FENCED>(case));
    let make = || options.create(name).with_context(|| format!("creating {name}"));
    let (ring, cleanup) = Cleanup::of(make, |ring| {
        if let Err(error) = ring.force_unlink() {
            eprintln!("warning: a ring was not removed: {error}");
        }
    })?;
    ensure!(ring.capacity() == case.capacity, "ringfence made {} elements of room", ring.capacity());
    Ok((ring, cleanup))
}

impl<T: Element, const FENCED: bool> Bulk<T> for StreamEnd<T, FENCED> {
    #[inline]
    fn try_push_slice(&mut self, items: &[T]) -> usize {
        match self.tx.try_push_slice(items) {
            Ok(count) => count,
            Err(PushError::Full) => 0,
            Err(error) => cannot_push(error),
        }
    }

    #[inline]
    fn try_pop_slice(&mut self, items: &mut [T]) -> usize {
        match self.rx.try_pop_slice(items) {
            Ok(count) => count,
            Err(PopError::Empty) => 0,
            Err(error) => cannot_pop(error),
        }
    }
}
