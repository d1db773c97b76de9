//! Ours, for one publisher and many subscribers: named rings, always across two processes, through the public API. The
//! subscriber takes the ring's only gate, so the publisher overwrites nothing that it has not received.

use anyhow::{Context as _, Result, bail, ensure};
use ringfence::broadcast::{self, Gate, GatedSubscriber, Publisher, Ring, Start};
use ringfence::{Element, PushError, RecvError};

use crate::cases::{Case, Item, Single};
use crate::cleanup::{Cleanup, unused_name};
use crate::contestants::{AcrossProcesses, HandOver};
use crate::ours::{attach, barrier, cannot_push};

pub(crate) struct BroadcastEnd<T: Element, const FENCED: bool> {
    tx: Publisher<T>,
    rx: GatedSubscriber<T>,
    /// The creator removes the names, after its handles are gone.
    _names: Vec<Cleanup>,
}

impl<T: Item + Element, const FENCED: bool> BroadcastEnd<T, FENCED> {
    fn between(outgoing: &Ring<T>, incoming: &Ring<T>, names: Vec<Cleanup>) -> Result<Self> {
        let (tx, rx) = (outgoing.publisher()?, incoming.subscribe_gated(Gate::Any, Start::Oldest)?);
        let wanted = barrier(FENCED);
        ensure!(
            (tx.barrier(), rx.barrier()) == (wanted, wanted),
            "the kernel refuses an {wanted} barrier: try `--barrier fenced`"
        );
        Ok(Self { tx, rx, _names: names })
    }
}

impl<T: Item + Element, const FENCED: bool> AcrossProcesses for BroadcastEnd<T, FENCED> {
    fn create(case: &Case) -> Result<(Self, HandOver)> {
        let (to_far_name, to_near_name) = (unused_name("to-far"), unused_name("to-near"));
        let (to_far, removes_to_far) = create::<T, FENCED>(case, &to_far_name)?;
        let (to_near, removes_to_near) = create::<T, FENCED>(case, &to_near_name)?;
        let end = Self::between(&to_far, &to_near, vec![removes_to_far, removes_to_near])?;
        Ok((end, vec![to_far_name, to_near_name].into()))
    }

    fn attach(case: &Case, handed_over: &[String]) -> Result<Self> {
        let [to_far, to_near] = handed_over else { bail!("two names expected") };
        let open = |name: &String| broadcast::open_with::<T>(name, attach::<FENCED>(case));
        Self::between(&open(to_near)?, &open(to_far)?, Vec::new())
    }
}

fn create<T: Item + Element, const FENCED: bool>(case: &Case, name: &str) -> Result<(Ring<T>, Cleanup)> {
    let options = broadcast::Options::<T>::new(case.capacity).gated(1).attach(attach::<FENCED>(case));
    let make = || options.create(name).with_context(|| format!("creating {name}"));
    let (ring, cleanup) = Cleanup::of(make, |ring| {
        if let Err(error) = ring.force_unlink() {
            eprintln!("warning: a ring was not removed: {error}");
        }
    })?;
    ensure!(ring.capacity() == case.capacity, "ringfence made {} items of room", ring.capacity());
    Ok((ring, cleanup))
}

impl<T: Item + Element, const FENCED: bool> Single<T> for BroadcastEnd<T, FENCED> {
    #[inline]
    fn try_push(&mut self, item: T) -> bool {
        match self.tx.try_publish(item) {
            Ok(_) => true,
            Err(PushError::Full) => false,
            Err(error) => cannot_push(error),
        }
    }

    #[inline]
    fn try_pop(&mut self) -> Option<T> {
        match self.rx.try_recv() {
            Ok(item) => Some(item),
            Err(RecvError::Empty) => None,
            Err(error) => cannot_receive(error),
        }
    }
}

#[cold]
fn cannot_receive(error: RecvError) -> ! {
    panic!("ringfence cannot receive: {error}")
}
