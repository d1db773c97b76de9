//! The two cores: which ones, and pinning to them.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The near side (this process) runs on the first, the far side on the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cores {
    pub(crate) near: usize,
    pub(crate) far: usize,
}

impl Cores {
    /// The two lowest-numbered cores this process may run on.
    pub(crate) fn first_two() -> Result<Self> {
        let allowed = sched_getaffinity(Pid::from_raw(0)).context("asking for the allowed cores")?;
        let mut numbers = (0..CpuSet::count()).filter(|&core| allowed.is_set(core).unwrap_or(false));
        match (numbers.next(), numbers.next()) {
            (Some(near), Some(far)) => Ok(Self { near, far }),
            _ => bail!("two sides need two cores, and this process may run on one only"),
        }
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.near, self.far)
    }
}

impl FromStr for Cores {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (near, far) = text.split_once(',').ok_or("expected two core numbers: A,B")?;
        let number = |part: &str| part.trim().parse().map_err(|_| format!("`{part}` is not a core number"));
        let cores = Self { near: number(near)?, far: number(far)? };
        if cores.near == cores.far {
            return Err(format!("two different cores are needed, both are {near}"));
        }
        Ok(cores)
    }
}

/// Pins the calling thread, and threads that it starts later.
pub(crate) fn pin_to(core: usize) -> Result<()> {
    let mut only = CpuSet::new();
    only.set(core).with_context(|| format!("core {core} is beyond what the kernel can name"))?;
    sched_setaffinity(Pid::from_raw(0), &only).with_context(|| format!("pinning to core {core}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cores_are_read_in_the_order_near_far() {
        assert_eq!("3,1".parse(), Ok(Cores { near: 3, far: 1 }));
    }

    #[test]
    fn one_core_twice_is_refused() {
        assert!("1,1".parse::<Cores>().unwrap_err().contains("two different cores"));
    }

    #[test]
    fn a_word_instead_of_a_core_number_is_quoted_in_the_error() {
        assert!("0,x".parse::<Cores>().unwrap_err().contains("`x`"));
        assert!("0".parse::<Cores>().unwrap_err().contains("A,B"));
    }
}
