//! What people want to know of a process: shown by tools, never used for a decision.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Names a process to a person: by pid, and by what makes the pid unambiguous.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    /// Start time in clock ticks since boot, from `/proc/self/stat`; 0 where unknown.
    pub(crate) start: u64,
    /// Inode of the PID namespace; 0 where unknown.
    pub(crate) pid_namespace: u64,
    /// The first 64 bits of the kernel's boot id; 0 where unknown.
    pub(crate) host: u64,
}

impl Identity {
    /// The calling process. Reads three files of `/proc`.
    pub(crate) fn here() -> Self {
        Self {
            pid: std::process::id(),
            start: start_time().unwrap_or(0),
            pid_namespace: fs::metadata("/proc/self/ns/pid").map_or(0, |it| it.ino()),
            host: host().unwrap_or(0),
        }
    }
}

/// The boot id is a UUID: groups of hexadecimal digits.
fn host() -> Option<u64> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    u64::from_str_radix(&digits, 16).ok()
}

/// Field 22 of `/proc/self/stat`; counted after the last `)`, because the command name may hold spaces.
fn start_time() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let after_name = &stat[stat.rfind(')')? + 1..];
    after_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// Nanoseconds since 1970 by the system's clock.
pub(crate) fn unix_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_nanos() as u64)
}
