//! Arbitrary bytes as the file of a ring: opening says what is wrong with them, and never panics.

#![no_main]

use std::fs;
use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use ringfence::spsc;

fuzz_target!(|bytes: &[u8]| {
    let name = format!("ringfence-fuzz.{}", std::process::id());
    let path = PathBuf::from("/dev/shm").join(&name);
    if fs::write(&path, bytes).is_ok() {
        // What opens is used: a header that is accepted must describe memory that is there.
        if let Ok(ring) = spsc::open::<u64>(&name) {
            use_ring(&ring);
        }
        if let Ok(ring) = ringfence::inspect(&name) {
            let _ = (ring.participants(), ring.check::<u64>());
        }
        let _ = fs::remove_file(&path);
    }
});

fn use_ring(ring: &spsc::Ring<u64>) {
    if let Ok(mut tx) = ring.producer() {
        let _ = tx.try_push_slice(&[1, 2, 3]);
    }
    if let Ok(mut rx) = ring.consumer() {
        let _ = (rx.try_read_ahead(), rx.try_pop());
    }
}
