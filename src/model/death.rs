//! A participant that dies: between any two of its writes to shared memory, in whatever production code it runs.
//!
//! A death between two reads is one before the next write: nobody can tell.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use loom::thread::{self, ThreadId};

/// What unwinds the stack of a participant that died.
struct Dead;

thread_local! {
    /// Who is to die, and how many writes it has left: loom runs all threads of a model on one thread of the operating
    /// system.
    static DOOMED: RefCell<Vec<(ThreadId, u32)>> = const { RefCell::new(Vec::new()) };
}

/// Begins an execution: nobody is to die.
pub(super) fn boot() {
    DOOMED.take();
}

/// Calls `act`, which dies after that many `writes`, before its next one; what it gives, if it comes to its end first.
pub fn after<R>(writes: u32, act: impl FnOnce() -> R) -> Option<R> {
    let me = thread::current().id();
    DOOMED.with_borrow_mut(|doomed| doomed.push((me, writes)));
    let result = outlived(act);
    DOOMED.with_borrow_mut(|doomed| doomed.retain(|(it, _)| *it != me));
    result
}

/// What `act` gives, unless it dies.
pub(super) fn outlived<R>(act: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(result) => Some(result),
        Err(cause) if cause.is::<Dead>() => None,
        Err(cause) => resume_unwind(cause),
    }
}

/// Ends the participant whose turn it is.
pub(super) fn die() -> ! {
    resume_unwind(Box::new(Dead))
}

fn left<R>(act: impl FnOnce(&mut u32) -> R) -> Option<R> {
    DOOMED.with_borrow_mut(|doomed| {
        if doomed.is_empty() {
            return None;
        }
        let me = thread::current().id();
        doomed.iter_mut().find(|(it, _)| *it == me).map(|(_, left)| act(left))
    })
}

/// The participant whose turn it is comes to a write.
pub(crate) fn before_write() {
    if left(|it| *it) == Some(0) {
        die();
    }
}

/// It has written.
pub(crate) fn after_write() {
    left(|it| *it -= 1);
}
