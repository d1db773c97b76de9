//! Filters of system calls (seccomp(2)) that a process of a test puts on its own thread: nothing takes them off again.

#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

/// Calls whose argument of that index has that value; every one where there is none.
type Calls = (libc::c_long, Option<(u8, u64)>);

/// Every call that waits for, or wakes, others on a word.
pub(crate) const FUTEXES: [Calls; 3] =
    [(libc::SYS_futex, None), (libc::SYS_futex_waitv, None), (libc::SYS_membarrier, None)];
/// The call that wakes a sleeper of a ring; the standard library's own futexes are private ones.
pub(crate) const WAKE: [Calls; 1] = [(libc::SYS_futex, Some((1, libc::FUTEX_WAKE as u64)))];
/// Registering this process for the barriers of others.
pub(crate) const REGISTER: [Calls; 1] =
    [(libc::SYS_membarrier, Some((0, libc::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED as u64)))];

/// Lets `calls` fail with `errno`.
pub(crate) fn refuse(calls: &[Calls], errno: i32) {
    install(calls, SeccompAction::Errno(errno as u32), SeccompAction::Allow);
}

/// Ends the process, by SIGSYS, where it makes one of `calls`, which is not carried out.
pub(crate) fn die_at(calls: &[Calls]) {
    install(calls, SeccompAction::KillProcess, SeccompAction::Allow);
}

/// From now on every system call of this thread is counted and not carried out, except the process's end by [`leave`].
pub(crate) fn count_calls() {
    extern "C" fn counted(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // A caller that does not take no for an answer is not counted for ever.
        if COUNT.fetch_add(1, Ordering::Relaxed) + 1 == MANY {
            leave();
        }
    }
    let handler = SigAction::new(SigHandler::SigAction(counted), SaFlags::SA_SIGINFO, SigSet::empty());
    // SAFETY: the handler touches an atomic and makes a system call.
    unsafe { sigaction(Signal::SIGSYS, &handler) }.expect("a handler");
    let carried_out = [(libc::SYS_exit_group, None), (libc::SYS_rt_sigreturn, None)];
    install(&carried_out, SeccompAction::Allow, SeccompAction::Trap);
}

static COUNT: AtomicI32 = AtomicI32::new(0);
/// As many calls as an exit code can say, or more.
const MANY: i32 = 200;

/// Ends the process; its exit code is the number of system calls that were counted.
pub(crate) fn leave() -> ! {
    // SAFETY: ends the process at once.
    unsafe { libc::_exit(COUNT.load(Ordering::Relaxed)) }
}

fn install(calls: &[Calls], these: SeccompAction, others: SeccompAction) {
    let rule = |(index, value)| {
        let is = SeccompCondition::new(index, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
        SeccompRule::new(vec![is.expect("an argument")]).expect("a rule")
    };
    let rules: BTreeMap<i64, Vec<SeccompRule>> =
        calls.iter().map(|(number, argument)| (*number, argument.map(rule).into_iter().collect())).collect();
    let machine = std::env::consts::ARCH.try_into().expect("a machine that the filter knows");
    let filter = SeccompFilter::new(rules, others, these, machine).expect("a filter");
    let program: BpfProgram = filter.try_into().expect("a program");
    seccompiler::apply_filter(&program).expect("a kernel with filters");
}
