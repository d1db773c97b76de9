//! A process that stands still after exactly so many instructions of one operation.
//!
//! The victim is traced (ptrace(2)). It marks where its operation begins and ends with calls of two functions that are
//! nothing but a breakpoint. Stepping through the whole of it once gives the [`Trace`]: the address of every
//! instruction. As all victims are forked from one process, the next one does the same at the same addresses. So it need
//! not be stepped to its k-th instruction: a breakpoint takes it near, and single steps take it from there. One that has
//! taken another path is not believed; its place takes one that is stepped all the way.

use std::arch::naked_asm;
use std::collections::HashMap;

use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::WaitStatus;

use crate::journal::{Entry, Journal};
use crate::process::Process;

/// Instructions after which an operation is taken to have no end.
const ENDLESS: usize = 4_000_000;

/// The breakpoint instruction, which is one byte long.
const BREAKPOINT: u8 = 0xcc;

#[unsafe(naked)]
extern "C" fn mark_begin() {
    naked_asm!("int3", "ret")
}

#[unsafe(naked)]
extern "C" fn mark_end() {
    naked_asm!("int3", "ret")
}

#[unsafe(naked)]
extern "C" fn mark_rest() {
    naked_asm!("int3", "ret")
}

/// Where a mark is.
fn address(mark: extern "C" fn()) -> u64 {
    mark as usize as u64
}

/// What a victim tells of itself. Its operation stands between `begin` and `end`; what came of it is noted then, and
/// `rest` says that it was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage(pub(crate) Journal);

impl Stage {
    pub(crate) fn begin(&self) {
        mark_begin();
    }

    pub(crate) fn end(&self) {
        mark_end();
    }

    pub(crate) fn rest(&self) {
        mark_rest();
    }

    #[inline]
    pub(crate) fn note(&self, entry: Entry) {
        self.0.note(entry);
    }
}

/// The addresses of an operation's instructions, in their order.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    addresses: Vec<u64>,
    /// For each instruction how often its address was met before.
    met: Vec<usize>,
    /// For each instruction the last one, itself or before it, whose address was not met before.
    anchors: Vec<usize>,
}

impl Trace {
    /// How many instructions the operation has.
    pub(crate) fn len(&self) -> usize {
        self.addresses.len()
    }

    fn of(addresses: Vec<u64>) -> Self {
        let (mut times, mut met, mut anchors) = (HashMap::new(), Vec::new(), Vec::new());
        for (index, address) in addresses.iter().enumerate() {
            let times = times.entry(*address).or_insert(0);
            anchors.push(if *times == 0 { index } else { anchors.last().copied().unwrap_or(0) });
            met.push(*times);
            *times += 1;
        }
        met.push(0);
        anchors.push(addresses.len());
        Self { addresses, met, anchors }
    }

    /// Where a process stands that has run `steps` instructions.
    pub(crate) fn after(&self, steps: usize) -> u64 {
        self.addresses.get(steps).copied().unwrap_or_else(|| address(mark_end))
    }

    /// The instruction to which a breakpoint takes a process that is to run `steps`, so that least is left to do.
    fn approach(&self, steps: usize) -> usize {
        /// What it costs to pass a breakpoint, in steps.
        const PASS: usize = 3;
        /// Instructions among which to look.
        const NEAR: usize = 128;
        let near = steps.saturating_sub(NEAR)..=steps;
        let candidates = near.chain([self.anchors[steps]]);
        let best = candidates.min_by_key(|it| self.met[*it] * PASS + (steps - it));
        best.unwrap_or(0)
    }
}

/// A traced process, standing still.
#[derive(Debug)]
pub(crate) struct Victim(Process);

impl Victim {
    /// Whether processes cannot be traced here.
    pub(crate) fn is_refused() -> bool {
        let mut probe = Process::start(|| {
            if ptrace::traceme().is_err() {
                raise(Signal::SIGKILL).expect("an end");
            }
        });
        !matches!(probe.wait(), WaitStatus::Exited(_, 0))
    }

    /// Forks a victim that stands before the first instruction of its operation.
    pub(crate) fn start(perform: impl FnOnce()) -> Self {
        let mut this = Self(Process::start(|| {
            ptrace::traceme().expect("permission to be traced");
            perform();
        }));
        assert_eq!(this.stop(), address(mark_begin) + 1, "the victim begins");
        ptrace::setoptions(this.0.pid(), ptrace::Options::PTRACE_O_EXITKILL).expect("a stopped process");
        this
    }

    /// Waits until the victim stands, and says where.
    fn stop(&mut self) -> u64 {
        match self.0.wait() {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => self.place(),
            status => panic!("the victim does not stand at a mark: {status:?}"),
        }
    }

    fn place(&self) -> u64 {
        ptrace::getregs(self.0.pid()).expect("a stopped process").rip
    }

    fn step(&mut self) -> u64 {
        ptrace::step(self.0.pid(), None).expect("a stopped process");
        self.stop()
    }

    fn go_on(&mut self) -> u64 {
        ptrace::cont(self.0.pid(), None).expect("a stopped process");
        self.stop()
    }

    /// Steps through the whole operation.
    pub(crate) fn trace(mut self) -> Trace {
        let mut addresses = Vec::new();
        let mut place = self.place();
        while place != address(mark_end) {
            addresses.push(place);
            assert!(addresses.len() < ENDLESS, "the operation ends");
            place = self.step();
        }
        Trace::of(addresses)
    }

    /// Runs `steps` instructions of an operation that has just begun, on the path of `trace`; says whether it did.
    pub(crate) fn follow(&mut self, trace: &Trace, steps: usize) -> bool {
        let near = trace.approach(steps);
        self.run_to(trace.after(near), trace.met[near])
            && (near..steps).all(|step| self.step() == trace.after(step + 1))
    }

    /// Runs `steps` instructions of an operation that has just begun, whatever its path, or all that it has.
    pub(crate) fn walk(&mut self, steps: usize) {
        for _ in 0..steps {
            if self.place() == address(mark_end) || self.step() == address(mark_end) {
                return;
            }
        }
    }

    /// Goes on until the victim stands at `address` and was there `before` as often; `false` where it never is.
    fn run_to(&mut self, address: u64, before: usize) -> bool {
        let mut left = before;
        loop {
            if self.place() != address && !self.run_to_next(address) {
                return false;
            }
            if left == 0 {
                return true;
            }
            left -= 1;
            self.step();
        }
    }

    /// Goes on until the victim stands at `address`; `false` where another mark comes first.
    fn run_to_next(&mut self, address: u64) -> bool {
        let pid = self.0.pid();
        let at = address as usize as ptrace::AddressType;
        let Ok(word) = ptrace::read(pid, at) else { return false };
        let mut bytes = word.to_le_bytes();
        bytes[0] = BREAKPOINT;
        if ptrace::write(pid, at, i64::from_le_bytes(bytes)).is_err() {
            return false;
        }
        let there = self.go_on() == address + 1;
        ptrace::write(pid, at, word).expect("a stopped process");
        if there {
            self.set_place(address);
        }
        there
    }

    fn set_place(&self, place: u64) {
        let mut registers = ptrace::getregs(self.0.pid()).expect("a stopped process");
        registers.rip = place;
        ptrace::setregs(self.0.pid(), registers).expect("a stopped process");
    }

    /// Lets the victim finish its operation and note what came of it.
    pub(crate) fn finish(&mut self) {
        assert_eq!(self.go_on(), address(mark_end) + 1, "the operation ends");
        assert_eq!(self.go_on(), address(mark_rest) + 1, "the victim rests");
    }

    /// Lets the victim, which rests, go home.
    pub(crate) fn leave(mut self) {
        ptrace::cont(self.0.pid(), None).expect("a stopped process");
        match self.0.wait() {
            WaitStatus::Exited(_, 0) => {}
            status => panic!("the victim failed: {status:?}"),
        }
    }

    /// Kills the victim where it stands; returns when it is gone.
    pub(crate) fn kill(self) {
        self.0.kill();
    }
}
