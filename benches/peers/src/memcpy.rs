//! `memcpy`: one thread copies each chunk into a buffer of the ring's size, behind the one before, and out again. Nobody
//! waits for anybody, and no line moves from core to core.

use std::hint::black_box;

use crate::cases::{Bulk, Case, ChunksAlone, STREAM_1KIB, STREAM_64B, STREAM_64KIB};
use crate::contestants::{AcrossThreads, Bout, Contestant};

pub(crate) static MEMCPY: Contestant = Contestant {
    name: "memcpy",
    about: "one thread, in and out of a buffer of the ring's size: what the two copies cost by themselves",
    ours: false,
    bouts: &[
        Bout::across_threads::<ChunksAlone<64>, Buffer>(&STREAM_64B),
        Bout::across_threads::<ChunksAlone<1024>, Buffer>(&STREAM_1KIB),
        Bout::across_threads::<ChunksAlone<65536>, Buffer>(&STREAM_64KIB),
    ],
};

/// What was pushed and is not popped lies from `head` to `tail`, in one piece.
#[derive(Debug)]
struct Buffer {
    bytes: Box<[u8]>,
    head: usize,
    tail: usize,
}

impl Buffer {
    fn of(capacity: usize) -> Self {
        Self { bytes: vec![0; capacity].into(), head: 0, tail: 0 }
    }
}

impl AcrossThreads for Buffer {
    /// The far side gets none.
    fn pair(case: &Case) -> (Self, Self) {
        (Self::of(case.capacity), Self::of(0))
    }
}

impl Bulk<u8> for Buffer {
    /// Up to the end of the buffer, and from there on once all is popped.
    #[inline]
    fn try_push_slice(&mut self, items: &[u8]) -> usize {
        if self.head == self.bytes.len() {
            (self.head, self.tail) = (0, 0);
        }
        let count = items.len().min(self.bytes.len() - self.tail);
        self.bytes[self.tail..self.tail + count].copy_from_slice(&items[..count]);
        black_box(&mut self.bytes);
        self.tail += count;
        count
    }

    #[inline]
    fn try_pop_slice(&mut self, items: &mut [u8]) -> usize {
        let count = items.len().min(self.tail - self.head);
        items[..count].copy_from_slice(&self.bytes[self.head..self.head + count]);
        self.head += count;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_popped_lap_after_lap() {
        let mut buffer = Buffer::of(8);
        for lap in 0..10 {
            let mut popped = [0; 4];
            assert_eq!(buffer.try_pop_slice(&mut popped), 0);
            assert_eq!(buffer.try_push_slice(&[lap; 4]), 4);
            assert_eq!(buffer.try_pop_slice(&mut popped), 4);
            assert_eq!(popped, [lap; 4]);
        }
    }

    #[test]
    fn no_more_is_pushed_than_there_is_room_for() {
        let mut buffer = Buffer::of(8);
        assert_eq!(buffer.try_push_slice(&[1; 6]), 6);
        assert_eq!(buffer.try_push_slice(&[2; 6]), 2);
        assert_eq!(buffer.try_push_slice(&[3; 6]), 0);
    }
}
