//! Sequences of operations on a stream of records and on a `VecDeque`: both always agree, whatever the capacity, the lengths
//! and the place at which the memory ends.

#![no_main]

use std::collections::VecDeque;
use std::io::IoSlice;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ringfence::{Position, PushError, stream};

#[derive(Arbitrary, Debug)]
enum Operation {
    Push(u16),
    PushVectored(u16, u16),
    Claim { max: u16, used: u16 },
    Abort(u16),
    Pop,
    Keep,
    Batch { max: u8, released: u8 },
    AttachAgain,
}

/// The bytes of record `number`.
fn record(number: u64, len: usize) -> Vec<u8> {
    (0..len).map(|index| (number as u8).wrapping_mul(31).wrapping_add(index as u8)).collect()
}

fuzz_target!(|input: (u16, u32, Vec<Operation>)| {
    let (capacity, start, operations) = input;
    let start = Position::from_bits((u64::MAX >> 2) - 7 - 8 * u64::from(start % 1024));
    let options = stream::Options::<[u8]>::new(usize::from(capacity).clamp(16, 4096)).start_at(start);
    let ring = options.in_process().expect("memory");
    let longest = ring.capacity() / 2 - 8;
    let mut tx = ring.writer().expect("a free role");
    let mut rx = ring.reader().expect("a free role");
    let mut model = VecDeque::new();
    let mut next = 0;
    // What a push of `len` bytes may come to; an empty ring has room for any record.
    let check = |result: Result<Position, PushError>, len: usize, is_empty: bool| match result {
        Ok(_) => true,
        Err(PushError::TooLong { .. }) => {
            assert!(len > longest);
            false
        }
        Err(error) => {
            assert_eq!(error, PushError::Full);
            assert!(!is_empty && len <= longest);
            false
        }
    };
    for operation in operations {
        let bytes = |len: u16| record(next, usize::from(len) % (longest + 16));
        match operation {
            Operation::Push(len) => {
                let bytes = bytes(len);
                if check(tx.try_push(&bytes), bytes.len(), model.is_empty()) {
                    model.push_back(bytes);
                    next += 1;
                }
            }
            Operation::PushVectored(len, split) => {
                let bytes = bytes(len);
                let (first, second) = bytes.split_at(usize::from(split) % (bytes.len() + 1));
                let result = tx.try_push_vectored(&[IoSlice::new(first), IoSlice::new(second)]);
                if check(result, bytes.len(), model.is_empty()) {
                    model.push_back(bytes);
                    next += 1;
                }
            }
            Operation::Claim { max, used } => {
                let bytes = bytes(max);
                match tx.try_claim(bytes.len()) {
                    Ok(mut claim) => {
                        let used = usize::from(used) % (bytes.len() + 1);
                        claim.append(&bytes[..used]).expect("it was claimed");
                        claim.commit().expect("the same process");
                        model.push_back(bytes[..used].to_vec());
                        next += 1;
                    }
                    Err(error) => {
                        check(Err(error), bytes.len(), model.is_empty());
                    }
                }
            }
            Operation::Abort(max) => drop(tx.try_claim(usize::from(max))),
            Operation::Pop => {
                let mut buffer = Vec::new();
                let popped = rx.try_pop_to(&mut buffer).ok().map(|_| buffer);
                assert_eq!(popped, model.pop_front());
            }
            Operation::Keep => {
                let kept = rx.try_read().ok().map(|it| it.to_vec());
                assert_eq!(kept.as_ref(), model.front());
            }
            Operation::Batch { max, released } => match rx.try_read_batch(usize::from(max)) {
                Ok(batch) => {
                    assert!(batch.iter().zip(&model).all(|(found, expected)| found.to_vec() == *expected));
                    let released = usize::from(released).min(batch.len());
                    batch.release_first(released);
                    model.drain(..released);
                }
                Err(_) => assert!(model.is_empty()),
            },
            Operation::AttachAgain => {
                drop((tx, rx));
                tx = ring.writer().expect("a free role");
                rx = ring.reader().expect("a free role");
            }
        }
        assert_eq!(ring.is_empty(), model.is_empty());
    }
});
