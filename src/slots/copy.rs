//! Copies into and out of memory that other processes may write at the same time.
//!
//! Such bytes are not ordinary memory to the compiler (unsafe-code-guidelines, issue 152): a plain copy of them would
//! be a data race, and the compiler may read a plain location twice. So they are touched by Relaxed atomics, word by word,
//! and by inline assembly only, each byte once: a copy that races is one of which some words are old and some are new. The
//! blocks are in ascending order; nothing is promised about the order in which other processors see the words of one
//! payload, that is what stamps are for.
//!
//! Invariant **I1**: every caller passes two ranges of `length` bytes that do not overlap, the one it reads readable
//! and the one it writes writable, each of them mapped or allocated for as long as the call lasts.

#![allow(unsafe_code)]

use core::arch::asm;

use crate::sync::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// An integer that is loaded and stored at one go.
pub(crate) trait Whole: Copy {
    /// Loads it from where others may store at the same time.
    ///
    /// # Safety
    ///
    /// `from` must be valid for reading it, aligned to its size, and nobody may access it otherwise than as an atomic of its
    /// size or by inline assembly.
    unsafe fn load(from: *const Self) -> Self;

    /// Stores it where others may load at the same time.
    ///
    /// # Safety
    ///
    /// As [`load`](Whole::load), for writing.
    unsafe fn store(self, to: *mut Self);
}

macro_rules! whole {
    ($($value:ty: $atomic:ident),*) => {$(
        impl Whole for $value {
            #[inline(always)]
            unsafe fn load(from: *const Self) -> Self {
                // SAFETY: the caller's promise.
                let word = unsafe { &*from.cast::<$atomic>() };
                word.load(Ordering::Relaxed) // Relaxed: what it means is the stamp's to say.
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut Self) {
                // SAFETY: the caller's promise.
                let word = unsafe { &*to.cast::<$atomic>() };
                word.store(self, Ordering::Relaxed); // Relaxed: as above.
            }
        }
    )*};
}

whole!(u8: AtomicU8, u16: AtomicU16, u32: AtomicU32, u64: AtomicU64);

/// Elements longer than this are moved by a call, shorter ones by moves in the caller.
const INLINED: usize = 512;
/// Runs of so many bytes, and shorter ones, are moved in the caller.
const SHORT: usize = 128;
/// Runs of this many bytes, and longer ones, are moved by the processor's own string move.
const STRING: usize = 2048;

/// Copies an element; `length` is known when the code is compiled.
///
/// # Safety
///
/// I1.
#[inline(always)]
pub(crate) unsafe fn transfer_element(from: *const u8, to: *mut u8, length: usize) {
    if length <= INLINED {
        // SAFETY: the caller's promise.
        unsafe { transfer(from, to, length) }
    } else {
        // SAFETY: the caller's promise.
        unsafe { transfer_long(from, to, length) }
    }
}

/// Copies `length` bytes, out of line.
///
/// # Safety
///
/// I1.
#[inline(never)]
unsafe fn transfer_long(from: *const u8, to: *mut u8, length: usize) {
    // SAFETY: the caller's promise.
    unsafe { transfer(from, to, length) }
}

/// Copies `length` bytes. Inlined with a constant length it becomes that many moves.
///
/// # Safety
///
/// I1.
#[inline(always)]
pub(super) unsafe fn transfer(mut from: *const u8, mut to: *mut u8, mut length: usize) {
    macro_rules! step {
        ($bytes:literal, $copy:ident) => {{
            // SAFETY: I1, and at least as many bytes are left.
            unsafe { $copy(from, to) };
            // SAFETY: I1: at most one past the end of the range.
            from = unsafe { from.add($bytes) };
            // SAFETY: I1: at most one past the end of the range.
            to = unsafe { to.add($bytes) };
            length -= $bytes;
        }};
    }
    while length >= 64 {
        step!(64, copy_64);
    }
    while length >= 16 {
        step!(16, copy_16);
    }
    while length >= 8 {
        step!(8, copy_8);
    }
    while length > 0 {
        step!(1, copy_1);
    }
}

/// Copies `length` bytes, of which there may be many: long runs by the processor's own string move.
///
/// # Safety
///
/// I1.
#[inline]
pub(crate) unsafe fn transfer_bulk(from: *const u8, to: *mut u8, length: usize) {
    if length <= SHORT {
        // SAFETY: the caller's promise.
        unsafe { transfer(from, to, length) }
    } else if length < STRING {
        // SAFETY: the caller's promise.
        unsafe { transfer_long(from, to, length) }
    } else {
        // SAFETY: the caller's promise.
        unsafe { transfer_string(from, to, length) }
    }
}

/// Copies `length` bytes in one instruction.
///
/// # Safety
///
/// I1.
#[cfg(target_arch = "x86_64")]
#[inline]
unsafe fn transfer_string(from: *const u8, to: *mut u8, length: usize) {
    // SAFETY: the caller's promise; the direction flag is clear at every call.
    unsafe {
        asm!(
            "rep movsb",
            inout("rsi") from => _, inout("rdi") to => _, inout("rcx") length => _,
            options(nostack, preserves_flags),
        );
    }
}

/// Copies `length` bytes.
///
/// # Safety
///
/// I1.
#[cfg(target_arch = "aarch64")]
#[inline]
unsafe fn transfer_string(from: *const u8, to: *mut u8, length: usize) {
    // SAFETY: the caller's promise.
    unsafe { transfer_long(from, to, length) }
}

/// Has the processor fetch the line of `address` for writing. Any address will do; where the processor has no such
/// instruction, it does nothing.
#[inline(always)]
pub(super) fn prefetch_for_writing(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch neither faults nor changes anything.
    unsafe {
        asm!("prefetchw [{address}]", address = in(reg) address, options(nostack, preserves_flags, readonly));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a prefetch neither faults nor changes anything.
    unsafe {
        asm!("prfm pstl1keep, [{address}]", address = in(reg) address, options(nostack, preserves_flags, readonly));
    }
}

/// # Safety
///
/// `from` and `to` must be valid for one byte.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn copy_1(from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise; the assembly touches nothing else.
    unsafe {
        asm!(
            "mov {byte}, byte ptr [{from}]",
            "mov byte ptr [{to}], {byte}",
            byte = out(reg_byte) _, from = in(reg) from, to = in(reg) to,
            options(nostack, preserves_flags),
        );
    }
}

/// # Safety
///
/// `from` and `to` must be valid for 8 bytes; no alignment is needed.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn copy_8(from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise; the assembly touches nothing else.
    unsafe {
        asm!(
            "mov {word}, qword ptr [{from}]",
            "mov qword ptr [{to}], {word}",
            word = out(reg) _, from = in(reg) from, to = in(reg) to,
            options(nostack, preserves_flags),
        );
    }
}

/// # Safety
///
/// `from` and `to` must be valid for 16 bytes; no alignment is needed.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn copy_16(from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise; the assembly touches nothing else.
    unsafe {
        asm!(
            "movdqu {block}, xmmword ptr [{from}]",
            "movdqu xmmword ptr [{to}], {block}",
            block = out(xmm_reg) _, from = in(reg) from, to = in(reg) to,
            options(nostack, preserves_flags),
        );
    }
}

/// # Safety
///
/// `from` and `to` must be valid for 64 bytes; no alignment is needed.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn copy_64(from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise; the assembly touches nothing else.
    unsafe {
        asm!(
            "movdqu {a}, xmmword ptr [{from}]",
            "movdqu {b}, xmmword ptr [{from} + 16]",
            "movdqu {c}, xmmword ptr [{from} + 32]",
            "movdqu {d}, xmmword ptr [{from} + 48]",
            "movdqu xmmword ptr [{to}], {a}",
            "movdqu xmmword ptr [{to} + 16], {b}",
            "movdqu xmmword ptr [{to} + 32], {c}",
            "movdqu xmmword ptr [{to} + 48], {d}",
            a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
            from = in(reg) from, to = in(reg) to,
            options(nostack, preserves_flags),
        );
    }
}

/// # Safety
///
/// `from` and `to` must be valid for one byte.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn copy_1(from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise; the assembly touches nothing else.
    unsafe {
        asm!(
            "ldrb {byte:w}, [{from}]",
            "strb {byte:w}, [{to}]",
            byte = out(reg) _, from = in(reg) from, to = in(reg) to,
            options(nostack, preserves_flags),
        );
    }
}

/// # Safety
///
/// `from` and `to` must be valid for 8 bytes; no alignment is needed.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn copy_8(from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise; the assembly touches nothing else.
    unsafe {
        asm!(
            "ldr {word}, [{from}]",
            "str {word}, [{to}]",
            word = out(reg) _, from = in(reg) from, to = in(reg) to,
            options(nostack, preserves_flags),
        );
    }
}

/// # Safety
///
/// `from` and `to` must be valid for 16 bytes; no alignment is needed.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn copy_16(from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise; the assembly touches nothing else.
    unsafe {
        asm!(
            "ldr {block:q}, [{from}]",
            "str {block:q}, [{to}]",
            block = out(vreg) _, from = in(reg) from, to = in(reg) to,
            options(nostack, preserves_flags),
        );
    }
}

/// # Safety
///
/// `from` and `to` must be valid for 64 bytes; no alignment is needed.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn copy_64(from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise; the assembly touches nothing else.
    unsafe {
        asm!(
            "ldp {a:q}, {b:q}, [{from}]",
            "ldp {c:q}, {d:q}, [{from}, #32]",
            "stp {a:q}, {b:q}, [{to}]",
            "stp {c:q}, {d:q}, [{to}, #32]",
            a = out(vreg) _, b = out(vreg) _, c = out(vreg) _, d = out(vreg) _,
            from = in(reg) from, to = in(reg) to,
            options(nostack, preserves_flags),
        );
    }
}
