//! Two threads at full speed: everything arrives once, whole and in order.

use std::thread;

use ringfence::spsc::{Consumer, Producer};
use ringfence::{PopError, Position, PushError};

use crate::common::{Numbers, for_each_backing};

/// Pushes `0..count` in a random mixture of forms.
fn feed(tx: &mut Producer<u64>, count: u64, seed: u64) {
    let mut numbers = Numbers::from_seed(seed);
    let mut next = 0;
    while next < count {
        match numbers.below(4) {
            0 => {
                assert_eq!(tx.push(next).map(Position::to_bits), Ok(next));
                next += 1;
            }
            1 => {
                let filled = tx.claim().expect("room comes").write(next);
                if numbers.below(3) > 0 {
                    filled.commit().expect("a commit");
                    next += 1;
                }
            }
            2 => match tx.try_push(next) {
                Ok(_) => next += 1,
                Err(PushError::Full) => thread::yield_now(),
                Err(error) => panic!("{error}"),
            },
            _ => {
                let end = count.min(next + numbers.below(100) as u64);
                let batch: Vec<u64> = (next..end).collect();
                assert_eq!(tx.push_slice(&batch), Ok(batch.len()));
                next = end;
            }
        }
    }
    tx.close();
}

/// Takes everything in a random mixture of forms until the ring's end, and says how much it was.
fn drain(rx: &mut Consumer<u64>, seed: u64) -> u64 {
    let mut numbers = Numbers::from_seed(seed);
    let mut next = 0;
    loop {
        let form = numbers.below(6);
        let taken = match form {
            0 => rx.pop().map(|value| {
                assert_eq!(value, next);
                1
            }),
            1 => {
                let mut out = vec![0; 1 + numbers.below(100)];
                rx.pop_slice(&mut out).map(|count| {
                    assert!(out[..count].iter().copied().eq(next..next + count as u64));
                    count as u64
                })
            }
            2 => rx.read().map(|item| {
                assert_eq!((item.get(), item.position().to_bits()), (next, next));
                if numbers.below(2) == 0 {
                    item.release();
                    1
                } else {
                    0
                }
            }),
            3 => rx.read_slice(1 + numbers.below(100)).map(|items| {
                assert!(items.iter().eq(next..next + items.len() as u64));
                let count = numbers.below(items.len() + 1);
                items.release_first(count);
                count as u64
            }),
            4 => read_ahead(rx, next, numbers.below(10)),
            _ => match rx.try_pop() {
                Err(PopError::Empty) => {
                    thread::yield_now();
                    Ok(0)
                }
                result => result.map(|value| {
                    assert_eq!(value, next);
                    1
                }),
            },
        };
        match taken {
            Ok(count) => next += count,
            Err(PopError::Closed) => return next,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Reads up to `count` items ahead and releases the first half of them.
fn read_ahead(rx: &mut Consumer<u64>, next: u64, count: usize) -> Result<u64, PopError> {
    let mut read = 0;
    while read < count as u64 {
        match rx.try_read_ahead() {
            Ok(item) => assert_eq!((item.value, item.position.to_bits()), (next + read, next + read)),
            Err(_) => break,
        }
        read += 1;
    }
    rx.rewind();
    let released = read.div_ceil(2);
    for step in 0..released {
        assert_eq!(rx.try_read_ahead().map(|it| it.value), Ok(next + step), "it was there before");
    }
    if released > 0 {
        assert_eq!(rx.release_through(Position::from_bits(next + released - 1)), Ok(released));
    }
    rx.rewind();
    Ok(released)
}

#[test]
fn numbers_arrive_once_and_in_order_whatever_forms_both_sides_use() {
    const COUNT: u64 = 200_000;
    for_each_backing(|backing| {
        for capacity in [2, 8, 64, 1024] {
            let ring = backing.elements::<u64>(capacity);
            let (mut tx, mut rx) = ring.ends();
            let count = if capacity == 2 { COUNT / 10 } else { COUNT };
            thread::scope(|scope| {
                scope.spawn(|| feed(&mut tx, count, capacity as u64));
                assert_eq!(drain(&mut rx, capacity as u64 + 1), count);
            });
        }
    });
}

/// A payload too large for one move, each word of which tells whether it belongs to item `number`.
fn block(number: u64) -> [u64; 9] {
    std::array::from_fn(|word| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(word as u32))
}

#[test]
fn large_elements_are_never_torn() {
    const COUNT: u64 = 50_000;
    for_each_backing(|backing| {
        let ring = backing.elements::<[u64; 9]>(4);
        let (mut tx, mut rx) = ring.ends();
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..COUNT {
                    tx.push(block(number)).expect("room comes");
                }
            });
            for number in 0..COUNT {
                assert_eq!(rx.pop(), Ok(block(number)));
            }
        });
    });
}

#[test]
fn byte_strings_of_random_lengths_arrive_whole() {
    const COUNT: u64 = 100_000;
    const MAX: usize = 200;
    /// The bytes of item `number`: its length and content follow from the number.
    fn item(number: u64, buffer: &mut Vec<u8>) {
        let mut numbers = Numbers::from_seed(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let length = numbers.below(MAX + 1);
        buffer.clear();
        buffer.extend((0..length.div_ceil(8)).flat_map(|_| numbers.next().to_le_bytes()));
        buffer.truncate(length);
    }
    for_each_backing(|backing| {
        let ring = backing.bytes(16, MAX);
        let (mut tx, mut rx) = ring.ends();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut expected = Vec::new();
                for number in 0..COUNT {
                    item(number, &mut expected);
                    if number % 3 == 0 {
                        let (start, end) = expected.split_at(expected.len() / 2);
                        let mut claim = tx.claim().expect("room comes");
                        claim.append(start).expect("it fits");
                        claim.append(end).expect("it fits");
                        claim.finish().commit().expect("a commit");
                    } else {
                        tx.push(&expected).expect("room comes");
                    }
                }
                tx.close();
            });
            let (mut expected, mut found) = (Vec::new(), Vec::new());
            for number in 0..COUNT {
                item(number, &mut expected);
                match number % 4 {
                    0 => {
                        let read = rx.read().expect("an item comes");
                        found.clear();
                        read.append_to(&mut found);
                        read.release();
                    }
                    1 => {
                        let delivery = rx.read_ahead_to(&mut found).expect("an item comes");
                        assert_eq!(rx.release_through(delivery.first), Ok(1));
                    }
                    _ => {
                        rx.pop_to(&mut found).expect("an item comes");
                    }
                }
                assert!(found == expected, "item {number}");
            }
            assert_eq!(rx.pop_to(&mut found), Err(PopError::Closed));
        });
    });
}

#[test]
fn handles_go_on_in_another_thread_where_they_were() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        for first in (0..400).step_by(4) {
            tx = thread::spawn(move || {
                tx.push_slice(&[first, first + 1, first + 2, first + 3]).expect("room");
                tx
            })
            .join()
            .expect("no panic");
            rx = thread::spawn(move || {
                for value in first..first + 4 {
                    assert_eq!(rx.pop(), Ok(value));
                }
                rx
            })
            .join()
            .expect("no panic");
        }
    });
}

#[test]
fn roles_change_hands_between_threads_while_the_other_side_works() {
    const COUNT: u64 = 2_000;
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(8);
        thread::scope(|scope| {
            scope.spawn(|| {
                for value in 0..COUNT {
                    let mut tx = ring.producer().expect("the role");
                    assert_eq!(tx.position().to_bits(), value);
                    tx.push(value).expect("room comes");
                }
                ring.producer().expect("the role").close();
            });
            scope.spawn(|| {
                let ring = ring.opened_again();
                for value in 0..COUNT {
                    let mut rx = ring.consumer().expect("the role");
                    assert_eq!(rx.pop(), Ok(value));
                    assert!(!rx.last().expect("a delivery").redelivered);
                }
                let mut rx = ring.consumer().expect("the role");
                assert_eq!(rx.pop(), Err(PopError::Closed));
            });
        });
    });
}
