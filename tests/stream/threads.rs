//! Two threads at full speed: everything arrives once, whole and in order.

use std::thread;

use ringfence::stream::{Reader, Writer};
use ringfence::{PopError, Position, PushError};

use crate::common::{Numbers, for_each_backing};
use crate::{elements, record, records};

/// Pushes `0..count` in a random mixture of forms.
fn feed(tx: &mut Writer<u64>, count: u64, seed: u64) {
    let mut numbers = Numbers::from_seed(seed);
    let mut next = 0;
    while next < count {
        match numbers.below(4) {
            0 => {
                assert_eq!(tx.push(next).map(Position::to_bits), Ok(next));
                next += 1;
            }
            1 => {
                let mut claim = tx.claim_slice(1 + numbers.below(50)).expect("room comes");
                claim.extend(next..count);
                let filled = claim.filled() as u64;
                if numbers.below(3) > 0 {
                    claim.commit().expect("a commit");
                    next += filled;
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
fn take_all(rx: &mut Reader<u64>, seed: u64) -> u64 {
    let mut numbers = Numbers::from_seed(seed);
    let mut next = 0;
    loop {
        let taken = match numbers.below(4) {
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
            2 => rx.read_slice(1 + numbers.below(100)).map(|items| {
                assert!(items.iter().eq(next..next + items.len() as u64));
                let count = numbers.below(items.len() + 1);
                items.release_first(count);
                count as u64
            }),
            _ => read_ahead(rx, next, numbers.below(10)),
        };
        match taken {
            Ok(count) => next += count,
            Err(PopError::Closed) => return next,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Reads up to `count` elements ahead and releases the first half of them.
fn read_ahead(rx: &mut Reader<u64>, next: u64, count: usize) -> Result<u64, PopError> {
    let mut read = 0;
    while read < count as u64 {
        match rx.try_read_ahead() {
            Ok(item) => assert_eq!((item.value, item.position.to_bits()), (next + read, next + read)),
            Err(_) => break,
        }
        read += 1;
    }
    let released = read.div_ceil(2);
    if released > 0 {
        assert_eq!(rx.release_through(Position::from_bits(next + released - 1)), Ok(released));
    }
    rx.rewind();
    Ok(released)
}

#[test]
fn elements_arrive_once_and_in_order_whatever_forms_both_sides_use() {
    const COUNT: u64 = 40_000;
    for_each_backing(|backing| {
        for capacity in [2, 16, 1024] {
            let ring = elements::<u64>(backing, capacity);
            let (mut tx, mut rx) = ring.ends();
            let count = if capacity == 2 { COUNT / 20 } else { COUNT };
            thread::scope(|scope| {
                scope.spawn(|| feed(&mut tx, count, capacity as u64));
                assert_eq!(take_all(&mut rx, capacity as u64 + 1), count);
            });
        }
    });
}

#[test]
fn large_elements_are_never_torn() {
    const COUNT: u64 = 6_000;
    fn block(number: u64) -> [u64; 9] {
        std::array::from_fn(|word| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(word as u32))
    }
    for_each_backing(|backing| {
        let ring = elements::<[u64; 9]>(backing, 4);
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

/// Record `number` of a ring whose longest has `max` bytes: its length and content follow from the number.
fn any_record(number: u64, max: usize) -> Vec<u8> {
    record(number, Numbers::from_seed(number.wrapping_mul(0xbf58_476d_1ce4_e5b9)).below(max + 1))
}

#[test]
fn records_of_random_lengths_arrive_whole() {
    const COUNT: u64 = 6_000;
    for_each_backing(|backing| {
        for capacity in [16, 128, 1 << 14] {
            let ring = records(backing, capacity);
            let (mut tx, mut rx) = ring.ends();
            let (max, count) = (ring.max_len(), if capacity == 16 { COUNT / 10 } else { COUNT });
            thread::scope(|scope| {
                scope.spawn(|| {
                    for number in 0..count {
                        let bytes = any_record(number, max);
                        let (start, end) = bytes.split_at(bytes.len() / 2);
                        match number % 3 {
                            0 => {
                                let mut claim = tx.claim(max).expect("room comes");
                                claim.append(start).expect("it fits");
                                claim.append(end).expect("it fits");
                                claim.commit().expect("a commit");
                            }
                            1 => drop(
                                tx.push_vectored(&[start, end].map(std::io::IoSlice::new))
                                    .expect("room comes"),
                            ),
                            _ => drop(tx.push(&bytes).expect("room comes")),
                        }
                    }
                    tx.close();
                });
                let (mut number, mut found) = (0, Vec::new());
                while number < count {
                    match number % 4 {
                        0 => {
                            let read = rx.read().expect("a record comes");
                            found = read.to_vec();
                            read.release();
                        }
                        1 => {
                            let delivery = rx.read_ahead_to(&mut found).expect("a record comes");
                            assert_eq!(rx.release_through(delivery.first), Ok(1));
                        }
                        2 => drop(rx.pop_to(&mut found).expect("a record comes")),
                        _ => {
                            let batch = rx.read_batch(5).expect("records come");
                            for read in batch.iter().take(batch.len() - 1) {
                                assert!(read.to_vec() == any_record(number, max), "record {number}");
                                number += 1;
                            }
                            found = batch.get(batch.len() - 1).expect("the last one").to_vec();
                            batch.release();
                        }
                    }
                    assert!(found == any_record(number, max), "record {number}");
                    number += 1;
                }
                assert_eq!(rx.pop_to(&mut found), Err(PopError::Closed));
            });
        }
    });
}

#[test]
fn handles_go_on_in_another_thread_where_they_were() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        for first in (0..200).step_by(4) {
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
    const COUNT: u64 = 300;
    for_each_backing(|backing| {
        let ring = records(backing, 64);
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..COUNT {
                    let mut tx = ring.writer().expect("the role");
                    tx.push(&any_record(number, 24)).expect("room comes");
                }
                ring.writer().expect("the role").close();
            });
            scope.spawn(|| {
                let ring = ring.opened_again();
                let mut buffer = Vec::new();
                for number in 0..COUNT {
                    let mut rx = ring.reader().expect("the role");
                    rx.pop_to(&mut buffer).expect("a record comes");
                    assert!(buffer == any_record(number, 24), "record {number}");
                    assert!(!rx.last().expect("a delivery").redelivered);
                }
                let mut rx = ring.reader().expect("the role");
                assert_eq!(rx.pop_to(&mut buffer), Err(PopError::Closed));
            });
        });
    });
}
