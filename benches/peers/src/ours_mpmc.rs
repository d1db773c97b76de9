//! Ours, for many producers and consumers: named rings, always across two processes, through the public API.

use anyhow::{Context as _, Result, bail, ensure};
use ringfence::mpmc::{self, Consumer, Producer, Ring};
use ringfence::{Element, PopError, PushError};

use crate::cases::{Case, Item, Single};
use crate::cleanup::{Cleanup, unused_name};
use crate::contestants::{AcrossProcesses, HandOver};
use crate::ours::{attach, barrier, cannot_pop, cannot_push};

pub(crate) struct MpmcEnd<T: Element, const FENCED: bool> {
    tx: Producer<T>,
    rx: Consumer<T>,
    /// The creator removes the names, after its handles are gone.
    _names: Vec<Cleanup>,
}

impl<T: Item + Element, const FENCED: bool> MpmcEnd<T, FENCED> {
    fn between(outgoing: &Ring<T>, incoming: &Ring<T>, names: Vec<Cleanup>) -> Result<Self> {
        let (tx, rx) = (outgoing.producer()?, incoming.consumer()?);
        let wanted = barrier(FENCED);
        ensure!(
            (tx.barrier(), rx.barrier()) == (wanted, wanted),
            "the kernel refuses an {wanted} barrier: try `--barrier fenced`"
        );
        Ok(Self { tx, rx, _names: names })
    }
}

impl<T: Item + Element, const FENCED: bool> AcrossProcesses for MpmcEnd<T, FENCED> {
    fn create(case: &Case) -> Result<(Self, HandOver)> {
        let to_far_name = unused_name("to-far");
        let (to_far, removes_to_far) = create::<T, FENCED>(case, &to_far_name)?;
        if case.one_queue {
            let end = Self::between(&to_far, &to_far, vec![removes_to_far])?;
            return Ok((end, vec![to_far_name].into()));
        }
        let to_near_name = unused_name("to-near");
        let (to_near, removes_to_near) = create::<T, FENCED>(case, &to_near_name)?;
        let end = Self::between(&to_far, &to_near, vec![removes_to_far, removes_to_near])?;
        Ok((end, vec![to_far_name, to_near_name].into()))
    }

    fn attach(case: &Case, handed_over: &[String]) -> Result<Self> {
        let open = |name: &String| mpmc::open_with::<T>(name, attach::<FENCED>(case));
        let (to_far, to_near) = match handed_over {
            [shared] => {
                let shared = open(shared)?;
                (shared.clone(), shared)
            }
            [to_far, to_near] => (open(to_far)?, open(to_near)?),
            _ => bail!("one name or two expected"),
        };
        Self::between(&to_near, &to_far, Vec::new())
    }
}

fn create<T: Item + Element, const FENCED: bool>(case: &Case, name: &str) -> Result<(Ring<T>, Cleanup)> {
    let options = mpmc::Options::<T>::new(case.capacity).attach(attach::<FENCED>(case));
    let make = || options.create(name).with_context(|| format!("creating {name}"));
    let (ring, cleanup) = Cleanup::of(make, |ring| {
        if let Err(error) = ring.force_unlink() {
            eprintln!("warning: a ring was not removed: {error}");
        }
    })?;
    ensure!(ring.capacity() == case.capacity, "ringfence made {} items of room", ring.capacity());
    Ok((ring, cleanup))
}

impl<T: Item + Element, const FENCED: bool> Single<T> for MpmcEnd<T, FENCED> {
    #[inline]
    fn try_push(&mut self, item: T) -> bool {
        match self.tx.try_push(item) {
            Ok(_) => true,
            Err(PushError::Full | PushError::Held { .. }) => false,
            Err(error) => cannot_push(error),
        }
    }

    #[inline]
    fn try_pop(&mut self) -> Option<T> {
        match self.rx.try_pop() {
            Ok(item) => Some(item),
            Err(PopError::Empty | PopError::Held { .. }) => None,
            Err(error) => cannot_pop(error),
        }
    }
}
