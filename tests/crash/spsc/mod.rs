//! Rings of one producer and one consumer, in the laboratory.

#[cfg(target_arch = "x86_64")]
pub(crate) mod operations;

crate::rings::rings!(Spsc, spsc, is_exclusive: true, options: {});
