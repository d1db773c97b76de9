//! The kernel of a model: compare-and-block as futex(2) promises it, and nothing stronger.
//!
//! A sleeper compares the newest value of the word and queues, in one step; a wake takes so many out of the word's queue
//! at most, in one step, and says how many. A sleeper of several words queues at one after the other, and leaves the
//! queues that it was not woken from one after the other, as futex_waitv(2) does; each of them may have counted it. A
//! sleeper that nobody wakes stays blocked, which loom reports as a deadlock: that is a wake-up lost.
//!
//! Where the kernel promises nothing:
//! - *Whom a wake takes*: models with several sleepers run with [`Whom::Oldest`] and with [`Whom::Newest`].
//! - *When a sleeper returns by itself* (its deadline, a signal, its death): once in a model, at any point, whoever
//!   sleeps with the model's timer ([`wait_timed`], [`fire_timer`]).
//! - *Memory*: a step reads the word like a failing compare-exchange, Relaxed, so it neither writes nor orders anything;
//!   the queues are no loom objects. `loom::thread::unpark` alone orders: who is unparked sees what the unparking thread
//!   saw. Whoever sleeps with the timer is unparked by the thread that fires it, which saw nothing, even if it was woken
//!   before: a wake-up without any order. For the others the stronger wake-up hides nothing, as long as whoever returns
//!   loads the event, arms, fences and looks before it does anything else: with the new event it does what a sleeper
//!   does that came late and was not let sleep, whom nothing but D2 orders behind the ringer, and with the old event the
//!   kernel does not let it sleep.
//!
//! There is no membarrier(2) here: both sides of D1 are fences, which is what a membarrier makes of the light side.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use loom::thread::{self, Thread, ThreadId};

use super::{death, looks};
use crate::sync::{AtomicU32, Ordering};

/// Whom a wake takes out of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whom {
    #[default]
    Oldest,
    Newest,
}

/// Where in a wake a ringer dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    BeforeWake,
    AfterWake,
}

struct Sleeper {
    thread: Thread,
    timed: bool,
    /// Whether it was taken out of a queue, or not let in: it runs again.
    roused: Cell<bool>,
    blocked: Cell<bool>,
}

impl Sleeper {
    fn run(&self) {
        if self.blocked.replace(false) {
            self.thread.unpark();
        }
    }
}

/// A word, by its address.
type Word = *const u32;

#[derive(Default)]
struct Kernel {
    whom: Whom,
    /// Who is queued at which word, oldest first.
    queue: Vec<(Word, Rc<Sleeper>)>,
    /// Who was woken while it slept with the timer, which has yet to fire.
    held: Option<Rc<Sleeper>>,
    fired: bool,
    doomed: Option<(ThreadId, Death)>,
}

thread_local! {
    /// Of the execution that goes on: loom runs all threads of a model on one thread of the operating system.
    static KERNEL: RefCell<Kernel> = RefCell::default();
}

impl Kernel {
    fn is_queued(&self, word: Word, sleeper: &Rc<Sleeper>) -> bool {
        self.queue.iter().any(|(at, it)| *at == word && Rc::ptr_eq(it, sleeper))
    }

    fn wake_one(&mut self, word: Word) -> bool {
        let here = |(at, _): &(Word, _)| *at == word;
        let index = match self.whom {
            Whom::Oldest => self.queue.iter().position(here),
            Whom::Newest => self.queue.iter().rposition(here),
        };
        let Some(index) = index else { return false };
        let (_, sleeper) = self.queue.remove(index);
        sleeper.roused.set(true);
        if sleeper.timed && !self.fired {
            self.held = Some(sleeper);
        } else {
            sleeper.run();
        }
        true
    }

    fn fire(&mut self) {
        self.fired = true;
        if let Some(woken) = self.held.take() {
            woken.run();
        } else if let Some(index) = self.queue.iter().position(|(_, it)| it.timed) {
            let (_, sleeper) = self.queue.remove(index);
            sleeper.roused.set(true);
            sleeper.run();
        }
    }
}

/// Begins an execution: nobody sleeps, and nobody is to die.
pub fn boot(whom: Whom) {
    death::boot();
    looks::boot();
    KERNEL.set(Kernel { whom, ..Kernel::default() });
}

/// One step at `word`, which loom orders with all others there: reads its newest value.
fn step(word: &AtomicU32) -> u32 {
    // A value that no model comes to: nothing is stored.
    const NEVER: u32 = u32::MAX;
    // Relaxed: the kernel promises no order.
    word.compare_exchange(NEVER, NEVER, Ordering::Relaxed, Ordering::Relaxed).expect_err("few rings")
}

/// Sleeps while `word` holds `expected`.
pub(crate) fn wait(word: &AtomicU32, expected: u32) {
    sleep(&[(word, expected)], false);
}

/// Sleeps while `word` holds `expected`, until the timer fires; one sleeper of a model may.
pub(crate) fn wait_timed(word: &AtomicU32, expected: u32) {
    sleep(&[(word, expected)], true);
}

/// Sleeps while each of `words` holds what stands beside it.
pub(crate) fn wait_any(words: &[(&AtomicU32, u32)]) {
    sleep(words, false);
}

fn sleep(words: &[(&AtomicU32, u32)], timed: bool) {
    let thread = thread::current();
    let sleeper = Rc::new(Sleeper { thread, timed, roused: Cell::new(false), blocked: Cell::new(false) });
    for (word, expected) in words {
        if step(word) != *expected || (timed && KERNEL.with_borrow(|kernel| kernel.fired)) {
            sleeper.roused.set(true);
        }
        if sleeper.roused.get() {
            break;
        }
        KERNEL.with_borrow_mut(|kernel| kernel.queue.push((word.address(), Rc::clone(&sleeper))));
    }
    if !sleeper.roused.get() {
        sleeper.blocked.set(true);
        thread::park();
    }
    for (word, _) in words {
        if KERNEL.with_borrow(|kernel| kernel.is_queued(word.address(), &sleeper)) {
            step(word);
            KERNEL.with_borrow_mut(|kernel| {
                kernel.queue.retain(|(at, it)| *at != word.address() || !Rc::ptr_eq(it, &sleeper));
            });
        }
    }
}

/// Wakes up to `count` of those who sleep on `word`, and says how many.
pub(crate) fn wake(word: &AtomicU32, count: u32) -> u32 {
    die_if_doomed(Death::BeforeWake);
    step(word);
    let woken = KERNEL
        .with_borrow_mut(|kernel| (0..count).take_while(|_| kernel.wake_one(word.address())).count() as u32);
    die_if_doomed(Death::AfterWake);
    woken
}

/// Lets the timer fire: whoever sleeps with it on `word`, or is going to, runs; if nobody woke it, by itself.
pub(crate) fn fire_timer(word: &AtomicU32) {
    step(word);
    KERNEL.with_borrow_mut(Kernel::fire);
}

/// There is no membarrier(2) in a model: its ringers fence.
pub(crate) fn fence_everywhere() -> bool {
    panic!("a ring in a model was marked as asymmetric")
}

/// Calls `ring`, and dies in its wake, if it comes to one.
pub(crate) fn dying(death: Death, ring: impl FnOnce()) {
    let doom = |doomed| KERNEL.with_borrow_mut(|kernel| kernel.doomed = doomed);
    doom(Some((thread::current().id(), death)));
    death::outlived(ring);
    doom(None);
}

fn die_if_doomed(death: Death) {
    if KERNEL.with_borrow(|kernel| kernel.doomed) == Some((thread::current().id(), death)) {
        death::die();
    }
}
