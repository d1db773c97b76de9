//! One byte stream kept busy, a chunk per call: bytes out of a buffer of the producer's, into one of the consumer's.
//!
//! A stream keeps no chunks apart. What a call leaves of a chunk, the next one goes on with; so a byte that is lost or
//! repeated moves all that follow. The number of a chunk is its first word and its last one, the same for all
//! contestants: comparing two words costs next to nothing, whatever the length.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;

use super::{Bulk, Case, Run, Workload, settle};
use crate::waiting::Watch;

/// What every stream holds, in bytes.
pub(crate) const STREAM_BYTES: usize = 1 << 20;

pub(crate) static STREAM_64B: Case = Case {
    name: "stream-64B",
    about: "throughput of a byte stream of 1 MiB, in chunks of 64 bytes",
    operation: "chunk",
    bytes: Some(64),
    capacity: STREAM_BYTES,
    step: 1,
    one_queue: false,
    asleep: false,
};

pub(crate) static STREAM_1KIB: Case = Case {
    name: "stream-1KiB",
    about: "as stream-64B, in chunks of 1024 bytes",
    bytes: Some(1024),
    ..STREAM_64B
};

pub(crate) static STREAM_64KIB: Case = Case {
    name: "stream-64KiB",
    about: "as stream-64B, in chunks of 65536 bytes",
    bytes: Some(65536),
    ..STREAM_64B
};

/// The far side offers the rest of a chunk until all of it is taken, the near side fills one with what is there.
#[derive(Debug)]
pub(crate) struct Chunks<const SIZE: usize>;

impl<const SIZE: usize, E: Bulk<u8>> Workload<E> for Chunks<SIZE> {
    fn near(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        let mut chunk = Chunk::<SIZE>::empty();
        let mut difference = 0;
        for number in run.numbers() {
            pop(end, &mut chunk, watch)?;
            difference |= chunk.difference(number);
        }
        settle(difference, run)?;
        Ok(Duration::ZERO)
    }

    fn far(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        let mut chunk = Chunk::<SIZE>::empty();
        for number in run.numbers() {
            chunk.set(number);
            push(end, &chunk, watch)?;
        }
        Ok(Duration::ZERO)
    }
}

/// The near side pushes each chunk and pops it; the far side has nothing to do.
#[derive(Debug)]
pub(crate) struct ChunksAlone<const SIZE: usize>;

impl<const SIZE: usize, E: Bulk<u8>> Workload<E> for ChunksAlone<SIZE> {
    fn near(end: &mut E, run: Run, watch: Watch<'_>) -> Result<Duration> {
        let (mut pushed, mut popped) = (Chunk::<SIZE>::empty(), Chunk::<SIZE>::empty());
        let mut difference = 0;
        for number in run.numbers() {
            pushed.set(number);
            push(end, &pushed, watch)?;
            pop(end, &mut popped, watch)?;
            difference |= popped.difference(number);
        }
        settle(difference, run)?;
        Ok(Duration::ZERO)
    }

    fn far(_: &mut E, _: Run, _: Watch<'_>) -> Result<Duration> {
        Ok(Duration::ZERO)
    }
}

#[inline(always)]
fn push<const SIZE: usize, E: Bulk<u8>>(end: &mut E, chunk: &Chunk<SIZE>, watch: Watch<'_>) -> Result<()> {
    let mut rest = &black_box(chunk).0[..];
    while !rest.is_empty() {
        let count = watch.wait(|| Some(end.try_push_slice(rest)).filter(|&count| count != 0))?;
        rest = &rest[count..];
    }
    Ok(())
}

#[inline(always)]
fn pop<const SIZE: usize, E: Bulk<u8>>(end: &mut E, chunk: &mut Chunk<SIZE>, watch: Watch<'_>) -> Result<()> {
    let mut rest = &mut chunk.0[..];
    while !rest.is_empty() {
        let count = watch.wait(|| Some(end.try_pop_slice(rest)).filter(|&count| count != 0))?;
        rest = &mut rest[count..];
    }
    black_box(chunk);
    Ok(())
}

/// A private buffer. Where it begins is the same for all contestants: on a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Chunk<const SIZE: usize>([u8; SIZE]);

impl<const SIZE: usize> Chunk<SIZE> {
    /// All ones: as little the chunk of a number as zeros are.
    fn empty() -> Self {
        const { assert!(SIZE >= WORD) };
        Self([u8::MAX; SIZE])
    }

    #[inline]
    fn set(&mut self, number: u64) {
        self.0[..WORD].copy_from_slice(&number.to_ne_bytes());
        self.0[SIZE - WORD..].copy_from_slice(&number.to_ne_bytes());
    }

    /// 0 exactly if the first word and the last one are those of the chunk of `number`.
    #[inline]
    fn difference(&self, number: u64) -> u64 {
        let word = |at: usize| u64::from_ne_bytes(std::array::from_fn(|byte| self.0[at + byte]));
        (word(0) ^ number) | (word(SIZE - WORD) ^ number)
    }
}

const WORD: usize = size_of::<u64>();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_of_another_number_is_found() {
        let mut chunk = Chunk::<64>::empty();
        assert_ne!(chunk.difference(7), 0);
        chunk.set(7);
        assert_eq!(chunk.difference(7), 0);
        assert_ne!(chunk.difference(8), 0);
    }

    #[test]
    fn a_byte_that_is_lost_or_repeated_is_found_wherever_it_was() {
        const FIRST: u64 = 0x0102_0304_0506_0708;
        let sent: Vec<u8> = (FIRST..FIRST + 3).flat_map(chunk).collect();
        for at in 0..64 {
            let (mut lost, mut repeated) = (sent.clone(), sent.clone());
            lost.remove(at);
            repeated.insert(at, sent[at]);
            assert_eq!(difference(&sent, FIRST), 0);
            assert_ne!(difference(&lost, FIRST), 0, "byte {at}");
            assert_ne!(difference(&repeated, FIRST), 0, "byte {at}");
        }
    }

    fn chunk(number: u64) -> [u8; 64] {
        let mut chunk = Chunk::<64>::empty();
        chunk.set(number);
        chunk.0
    }

    /// Of the first two chunks.
    fn difference(received: &[u8], first: u64) -> u64 {
        let chunks = received.chunks_exact(64).map(|bytes| Chunk::<64>(bytes.try_into().unwrap()));
        (first..).zip(chunks.take(2)).fold(0, |all, (number, chunk)| all | chunk.difference(number))
    }
}
