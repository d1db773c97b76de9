//! What the compiler makes of a function of this binary: every function that it calls is decoded with it, except for those
//! that only rare cases call.

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind};
use object::{Object, ObjectSection, ObjectSymbol, ObjectSymbolTable, RelocationTarget, SymbolKind};

/// Shows `check` what is behind each function called `names`, except behind those with a part of `rare` in their name.
pub(crate) fn inspect(names: &[&str], rare: &[&str], check: impl Fn(&str, Found)) {
    let binary = std::fs::read("/proc/self/exe").expect("this binary");
    let file = object::File::parse(&*binary).expect("an ELF file");
    let functions = Functions::of(&file);
    for name in names {
        let found = functions.inspect(name, rare);
        println!("{name}: {found:#?}");
        check(name, found);
    }
}

/// What was found behind a function.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Fences, instructions that lock a line and so drain the store buffer, and system calls; and where.
    pub(crate) forbidden: Vec<String>,
    /// Functions that were not looked into.
    pub(crate) rare: BTreeSet<String>,
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

    /// Looks at the function called `name` and at everything that it calls, but for what is `rare`.
    fn inspect(&self, name: &str, rare: &[&str]) -> Found {
        let mut found = Found::default();
        let mut seen = BTreeSet::new();
        let mut next = vec![self.address(name)];
        while let Some(address) = next.pop() {
            if !seen.insert(address) {
                continue;
            }
            let (symbol, code) =
                self.own.get(&address).unwrap_or_else(|| panic!("no function at {address:#x}"));
            if rare.iter().any(|it| symbol.contains(it)) {
                found.rare.insert((*symbol).to_owned());
                continue;
            }
            // What the function keeps in registers, to call it more than once.
            let kept: Vec<_> = Decoder::with_ip(64, code, address, DecoderOptions::NONE)
                .iter()
                .filter(|it| it.mnemonic() == Mnemonic::Mov && it.op0_kind() == OpKind::Register)
                .filter(Instruction::is_ip_rel_memory_operand)
                .map(|it| (it.op0_register(), it.ip_rel_memory_address()))
                .collect();
            for instruction in Decoder::with_ip(64, code, address, DecoderOptions::NONE) {
                assert!(!instruction.is_invalid(), "{symbol}: undecodable at {:#x}", instruction.ip());
                if is_forbidden(&instruction) {
                    found.forbidden.push(format!("{:?} in {symbol}", instruction.mnemonic()));
                }
                if instruction.mnemonic() == Mnemonic::Call && instruction.op0_kind() == OpKind::Register {
                    let mut slots = kept.iter().filter(|it| it.0 == instruction.op0_register()).peekable();
                    assert!(slots.peek().is_some(), "{symbol} calls whatever a pointer says");
                    next.extend(slots.filter_map(|it| self.slot(symbol, it.1)));
                } else {
                    next.extend(self.leads_to(symbol, &instruction, address..address + code.len() as u64));
                }
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
            return self.slot(symbol, instruction.ip_rel_memory_address());
        }
        assert!(!is_call, "{symbol} calls whatever a pointer says");
        None
    }

    /// The function of this binary that `symbol` calls by what the loader put at `slot`.
    fn slot(&self, symbol: &str, slot: u64) -> Option<u64> {
        match self.slots.get(&slot) {
            Some(Slot::Own(target)) => Some(*target),
            Some(Slot::Other("memcpy" | "memmove")) => None,
            Some(Slot::Other(name)) => panic!("{symbol} calls {name}"),
            None => panic!("{symbol} calls an unknown function"),
        }
    }
}

fn is_forbidden(instruction: &Instruction) -> bool {
    let operands = [instruction.op0_kind(), instruction.op1_kind()];
    let exchanges = instruction.mnemonic() == Mnemonic::Xchg && operands.contains(&OpKind::Memory);
    let mnemonics = [Mnemonic::Mfence, Mnemonic::Lfence, Mnemonic::Sfence, Mnemonic::Syscall];
    mnemonics.contains(&instruction.mnemonic()) || instruction.has_lock_prefix() || exchanges
}
