//! Rings of many producers and many consumers, in the laboratory.

#[cfg(target_arch = "x86_64")]
pub(crate) mod operations;

// Few participants: whoever attaches looks at every entry.
crate::rings::rings!(Mpmc, mpmc, is_exclusive: false, options: { .participants(16) });
