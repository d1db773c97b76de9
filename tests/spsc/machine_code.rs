//! What the compiler makes of the hot paths: no fence, and no instruction that locks a line and so drains the store
//! buffer.
//!
//! Each probe is a call of the public surface in a function of its own. It is looked up among this binary's symbols and
//! decoded, together with every function that it calls, except for those that only rare cases call.

#![cfg_attr(debug_assertions, allow(dead_code, reason = "only optimised code is looked at"))]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the canaries are what is forbidden")]

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind};
use object::{Object, ObjectSection, ObjectSymbol, ObjectSymbolTable, RelocationTarget, SymbolKind};
use ringfence::spsc::{Consumer, Producer};
use ringfence::{PopError, Position, PushError};

/// Parts of the names of functions that a push or a pop which succeeds at once does not call. The first one looks after
/// sleepers.
const RARE: [&str; 8] =
    ["ring_slowly", "absent", "blocked", "panicking", "pop_rarely", "push_rest", "retry", "check_closely"];

#[inline(never)]
fn probe_try_push(tx: &mut Producer<u64>, value: u64) -> Result<Position, PushError> {
    tx.try_push(value)
}

#[inline(never)]
fn probe_push(tx: &mut Producer<[u64; 8]>, value: &[u64; 8]) -> Result<Position, PushError> {
    tx.push(*value)
}

#[inline(never)]
fn probe_push_slice(tx: &mut Producer<u64>, values: &[u64]) -> Result<usize, PushError> {
    tx.push_slice(values)
}

#[inline(never)]
fn probe_claim(tx: &mut Producer<u64>, value: u64) -> Result<Position, PushError> {
    tx.try_claim()?.write(value).commit()
}

#[inline(never)]
fn probe_try_push_bytes(tx: &mut Producer<[u8]>, bytes: &[u8]) -> Result<Position, PushError> {
    tx.try_push(bytes)
}

#[inline(never)]
fn probe_try_pop(rx: &mut Consumer<u64>) -> Result<u64, PopError> {
    rx.try_pop()
}

#[inline(never)]
fn probe_pop_slice(rx: &mut Consumer<u64>, values: &mut [u64]) -> Result<usize, PopError> {
    rx.pop_slice(values)
}

#[inline(never)]
fn probe_read(rx: &mut Consumer<u64>) -> Result<u64, PopError> {
    let item = rx.try_read()?;
    let value = item.get();
    item.release();
    Ok(value)
}

#[inline(never)]
fn canary_fence(tx: &mut Producer<u64>, value: u64) -> Result<Position, PushError> {
    let position = tx.try_push(value);
    fence(Ordering::SeqCst);
    position
}

#[inline(never)]
fn canary_exchange(tx: &mut Producer<u64>, word: &AtomicU64) -> Result<Position, PushError> {
    tx.try_push(word.swap(1, Ordering::Relaxed))
}

#[inline(never)]
fn canary_callee(tx: &mut Producer<u64>, word: &AtomicU64) -> Result<Position, PushError> {
    callee_that_locks(word);
    tx.try_push(1)
}

#[inline(never)]
fn callee_that_locks(word: &AtomicU64) {
    word.fetch_add(1, Ordering::Relaxed);
}

/// Keeps the probes in the binary.
fn keep_probes() {
    black_box((
        probe_try_push as fn(&mut _, _) -> _,
        probe_push as fn(&mut _, &_) -> _,
        probe_push_slice as fn(&mut _, &_) -> _,
        probe_claim as fn(&mut _, _) -> _,
        probe_try_push_bytes as fn(&mut _, &_) -> _,
        probe_try_pop as fn(&mut _) -> _,
        probe_pop_slice as fn(&mut _, &mut _) -> _,
        probe_read as fn(&mut _) -> _,
    ));
    black_box((
        canary_fence as fn(&mut _, _) -> _,
        canary_exchange as fn(&mut _, &_) -> _,
        canary_callee as fn(&mut _, &_) -> _,
    ));
}

/// The functions of this binary.
struct Functions<'a> {
    /// By address: name and code.
    own: BTreeMap<u64, (&'a str, &'a [u8])>,
    /// What the loader puts where calls find it.
    slots: BTreeMap<u64, Slot<'a>>,
}

/// A function of this binary, or of another object.
#[derive(Clone, Copy)]
enum Slot<'a> {
    Own(u64),
    Other(&'a str),
}

/// What was found behind a probe.
#[derive(Debug, Default)]
struct Found {
    /// Instructions that drain the store buffer, and where.
    forbidden: Vec<String>,
    /// Functions that were not looked into.
    rare: BTreeSet<String>,
}

impl<'a> Functions<'a> {
    fn of(file: &object::File<'a>) -> Self {
        let code = |symbol: &object::Symbol<'a, '_>| {
            let section = file.section_by_index(symbol.section_index()?).ok()?;
            section.data_range(symbol.address(), symbol.size()).ok()?
        };
        let texts = file.symbols().filter(|it| it.kind() == SymbolKind::Text && it.size() > 0);
        let own = texts.filter_map(|it| Some((it.address(), (it.name().ok()?, code(&it)?)))).collect();
        let slot = |it: object::Relocation| match it.target() {
            RelocationTarget::Symbol(index) => {
                let symbol = file.dynamic_symbol_table()?.symbol_by_index(index).ok()?;
                Some(Slot::Other(symbol.name().ok()?))
            }
            _ => Some(Slot::Own(it.addend() as u64)),
        };
        let relocations = file.dynamic_relocations().into_iter().flatten();
        let slots = relocations.filter_map(|(at, it)| Some((at, slot(it)?))).collect();
        Self { own, slots }
    }

    /// The address of the function whose own name, without its module, is `name`.
    fn address(&self, name: &str) -> u64 {
        let component = format!("{}{name}", name.len());
        let mut found = self.own.iter().filter(|(_, (symbol, _))| symbol.contains(&component));
        let (address, _) = found.next().unwrap_or_else(|| panic!("{name} is not in the binary"));
        assert_eq!(found.count(), 0, "there are several of {name}");
        *address
    }

    /// Looks at the function called `name` and at everything that it calls.
    fn inspect(&self, name: &str) -> Found {
        let mut found = Found::default();
        let mut seen = BTreeSet::new();
        let mut next = vec![self.address(name)];
        while let Some(address) = next.pop() {
            if !seen.insert(address) {
                continue;
            }
            let (symbol, code) =
                self.own.get(&address).unwrap_or_else(|| panic!("no function at {address:#x}"));
            if RARE.iter().any(|it| symbol.contains(it)) {
                found.rare.insert((*symbol).to_owned());
                continue;
            }
            for instruction in Decoder::with_ip(64, code, address, DecoderOptions::NONE) {
                assert!(!instruction.is_invalid(), "{symbol}: undecodable at {:#x}", instruction.ip());
                if is_forbidden(&instruction) {
                    found.forbidden.push(format!("{:?} in {symbol}", instruction.mnemonic()));
                }
                next.extend(self.leads_to(symbol, &instruction, address..address + code.len() as u64));
            }
        }
        found
    }

    /// The function of this binary to which `instruction`, of the function at `here`, leads.
    fn leads_to(&self, symbol: &str, instruction: &Instruction, here: std::ops::Range<u64>) -> Option<u64> {
        let is_call = instruction.mnemonic() == Mnemonic::Call;
        if instruction.op0_kind() == OpKind::NearBranch64 {
            let target = instruction.near_branch_target();
            return (is_call || !here.contains(&target)).then_some(target);
        }
        if instruction.is_ip_rel_memory_operand() && (is_call || instruction.mnemonic() == Mnemonic::Jmp) {
            return match self.slots.get(&instruction.ip_rel_memory_address()) {
                Some(Slot::Own(target)) => Some(*target),
                Some(Slot::Other("memcpy" | "memmove")) => None,
                Some(Slot::Other(name)) => panic!("{symbol} calls {name}"),
                None => panic!("{symbol} calls an unknown function"),
            };
        }
        assert!(!is_call, "{symbol} calls whatever a pointer says");
        None
    }
}

fn is_forbidden(instruction: &Instruction) -> bool {
    let operands = [instruction.op0_kind(), instruction.op1_kind()];
    let exchanges = instruction.mnemonic() == Mnemonic::Xchg && operands.contains(&OpKind::Memory);
    instruction.mnemonic() == Mnemonic::Mfence || instruction.has_lock_prefix() || exchanges
}

fn inspect(names: &[&str], check: impl Fn(&str, Found)) {
    keep_probes();
    let binary = std::fs::read("/proc/self/exe").expect("this binary");
    let file = object::File::parse(&*binary).expect("an ELF file");
    let functions = Functions::of(&file);
    for name in names {
        let found = functions.inspect(name);
        println!("{name}: {found:#?}");
        check(name, found);
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "optimised code only: cargo test --release --test spsc machine_code")]
fn pushes_and_pops_run_no_fence_and_no_locked_instruction() {
    let probes = [
        "probe_try_push",
        "probe_push",
        "probe_push_slice",
        "probe_claim",
        "probe_try_push_bytes",
        "probe_try_pop",
        "probe_pop_slice",
        "probe_read",
    ];
    inspect(&probes, |name, found| {
        assert_eq!(found.forbidden, [""; 0], "{name}");
        assert!(found.rare.iter().any(|it| it.contains(RARE[0])), "{name} has no way to wake anybody");
    });
}

#[test]
#[cfg_attr(debug_assertions, ignore = "optimised code only: cargo test --release --test spsc machine_code")]
fn a_fence_and_a_locked_instruction_are_found_wherever_they_are() {
    inspect(&["canary_fence", "canary_exchange", "canary_callee"], |name, found| {
        assert_eq!(found.forbidden.len(), 1, "{name}");
    });
}
