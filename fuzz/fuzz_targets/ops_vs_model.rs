//! Sequences of operations on a ring and on a `VecDeque`: both always agree.

#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ringfence::{Position, spsc};

#[derive(Arbitrary, Debug)]
enum Operation {
    Push,
    PushSlice(u8),
    Abort,
    Pop,
    PopSlice(u8),
    Keep,
    Release,
    ReadAhead,
    ReleaseThrough(u8),
    Rewind,
    AttachAgain,
}

fuzz_target!(|input: (u64, Vec<Operation>)| {
    let (start, operations) = input;
    let ring = spsc::Options::<u64>::new(8).start_at(Position::from_bits(start)).in_process().expect("memory");
    let mut tx = ring.producer().expect("a free role");
    let mut rx = ring.consumer().expect("a free role");
    let mut model = VecDeque::new();
    let (mut next, mut seen, mut ahead) = (0, 0, 0);
    for operation in operations {
        let room = 8 - model.len();
        match operation {
            Operation::Push => {
                assert_eq!(tx.try_push(next).is_ok(), room > 0);
                model.extend((room > 0).then_some(next));
            }
            Operation::PushSlice(len) => {
                let values: Vec<u64> = (next..).take(usize::from(len % 16)).collect();
                let pushed = tx.try_push_slice(&values).unwrap_or(0);
                assert_eq!(pushed, room.min(values.len()));
                model.extend(&values[..pushed]);
            }
            Operation::Abort => drop(tx.try_claim().map(|claim| claim.write(99))),
            Operation::Pop => assert_eq!(rx.try_pop().ok(), model.pop_front()),
            Operation::PopSlice(len) => {
                let mut values = vec![0; usize::from(len % 16)];
                let popped = rx.try_pop_slice(&mut values).unwrap_or(0);
                assert!(popped > 0 || model.is_empty() || values.is_empty());
                assert!(model.drain(..popped).eq(values[..popped].iter().copied()));
            }
            Operation::Keep => {
                let item = rx.try_read().ok();
                assert_eq!(item.as_ref().map(|it| it.get()), model.front().copied());
                if let Some(item) = item {
                    assert_eq!(item.redelivered(), item.get() < seen);
                    seen = seen.max(item.get() + 1);
                }
            }
            Operation::Release => {
                if let Ok(item) = rx.try_read() {
                    seen = seen.max(item.get() + 1);
                    item.release();
                    model.pop_front();
                }
            }
            Operation::ReadAhead => {
                ahead = ahead.max(model.front().copied().unwrap_or(ahead));
                match rx.try_read_ahead() {
                    Ok(item) => {
                        assert_eq!((item.value, item.redelivered), (ahead, ahead < seen));
                        ahead += 1;
                        seen = seen.max(ahead);
                    }
                    Err(_) => assert!(model.back().is_none_or(|last| *last < ahead)),
                }
            }
            Operation::ReleaseThrough(offset) => {
                let position = Position::from_bits(rx.position().to_bits().wrapping_add(u64::from(offset % 10)));
                let front = model.front().copied().unwrap_or(next);
                let readable = ahead.saturating_sub(front);
                let wanted = u64::from(offset % 10) + 1;
                match rx.release_through(position) {
                    Ok(count) => {
                        assert_eq!(count, wanted);
                        model.drain(..wanted as usize);
                    }
                    Err(_) => assert!(wanted > readable),
                }
            }
            Operation::Rewind => {
                rx.rewind();
                ahead = model.front().copied().unwrap_or(next);
            }
            Operation::AttachAgain => {
                drop((tx, rx));
                tx = ring.producer().expect("a free role");
                rx = ring.consumer().expect("a free role");
                ahead = model.front().copied().unwrap_or(next);
            }
        }
        next = model.back().map_or(next, |last| next.max(last + 1));
        assert_eq!(ring.len(), model.len());
    }
});
