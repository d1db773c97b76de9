//! Bridges that run while a test does.

use std::thread::{self, JoinHandle};

use ringfence::{Bridge, WaitError};

/// A bridge that a thread runs, until the value is dropped.
pub(crate) struct Running {
    pub(crate) bridge: Bridge,
    thread: Option<JoinHandle<Result<(), WaitError>>>,
}

impl Running {
    pub(crate) fn new() -> Self {
        let bridge = Bridge::new();
        let thread = thread::spawn({
            let bridge = bridge.clone();
            move || bridge.run()
        });
        Self { bridge, thread: Some(thread) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.bridge.stop();
        let result = self.thread.take().expect("a thread").join();
        if !thread::panicking() {
            assert_eq!(result.expect("no panic"), Ok(()));
        }
    }
}
