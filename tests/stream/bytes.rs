//! A ring of `u8` is a pipe: `io::Write` at one end, `io::Read` and `BufRead` at the other.

use std::io::{self, BufRead, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::thread;

use ringfence::{Fault, PopError, PushError};

use crate::common::{Backing, Numbers, for_each_backing};
use crate::{TestRing, elements, record};

fn pipe(backing: Backing, capacity: usize) -> TestRing<u8> {
    elements(backing, capacity)
}

#[test]
fn a_write_takes_what_there_is_room_for_and_a_read_what_there_is() {
    for_each_backing(|backing| {
        let ring = pipe(backing, 16);
        let (mut tx, mut rx) = ring.ends();
        for lap in 0..20 {
            let bytes = record(lap, 25);
            assert_eq!(tx.write(&bytes[..7]).expect("room"), 7);
            assert_eq!(tx.write(&bytes[7..]).expect("room"), 9);
            tx.flush().expect("nothing to do");
            assert_eq!(ring.len(), 16, "what is written is there");
            let mut buffer = [0; 11];
            assert_eq!(rx.read(&mut buffer).expect("bytes"), 11);
            assert_eq!(buffer, bytes[..11]);
            assert_eq!(rx.read(&mut buffer).expect("bytes"), 5);
            assert_eq!(buffer[..5], bytes[11..16]);
        }
    });
}

#[test]
fn nothing_is_written_and_read_at_once_whatever_there_is() {
    for_each_backing(|backing| {
        let ring = pipe(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        assert_eq!((tx.write(&[]).expect("nothing"), rx.read(&mut []).expect("nothing")), (0, 0));
        tx.write_all(&[1; 4]).expect("room");
        assert_eq!((tx.write(&[]).expect("nothing"), rx.read(&mut []).expect("nothing")), (0, 0));
        assert_eq!(ring.len(), 4);
    });
}

#[test]
fn a_closed_pipe_is_read_to_its_end() {
    for_each_backing(|backing| {
        let ring = pipe(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        tx.write_all(b"all of ").expect("room");
        write!(tx, "it").expect("room");
        tx.close();
        let mut text = String::new();
        assert_eq!(rx.read_to_string(&mut text).expect("the end"), 9);
        assert_eq!(text, "all of it");
        for _ in 0..3 {
            assert_eq!(rx.read(&mut [0; 4]).expect("the end"), 0);
            assert_eq!(rx.read_to_end(&mut Vec::new()).expect("the end"), 0);
        }
        assert_eq!(rx.read_exact(&mut [0]).map_err(|it| it.kind()), Err(ErrorKind::UnexpectedEof));
    });
}

#[test]
fn a_closed_pipe_takes_nothing_more() {
    for_each_backing(|backing| {
        for by_writer in [true, false] {
            let ring = pipe(backing, 4);
            let (mut tx, _rx) = ring.ends();
            tx.write_all(&[1, 2]).expect("room");
            if by_writer {
                tx.close();
            } else {
                ring.close();
            }
            let error = tx.write(&[3]).expect_err("a closed pipe");
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
            let cause = error.get_ref().and_then(|it| it.downcast_ref::<PushError>());
            assert_eq!(cause, Some(&PushError::Closed));
            assert_eq!(tx.write_all(&[3; 9]).map_err(|it| it.kind()), Err(ErrorKind::BrokenPipe));
            assert_eq!(ring.len(), 2);
        }
    });
}

#[test]
fn a_pipe_whose_name_was_removed_says_so() {
    let ring = pipe(Backing::Shm, 4);
    let (mut tx, mut rx) = ring.ends();
    tx.write_all(&[1, 2]).expect("room");
    ring.force_unlink().expect("a name");
    let error = tx.write(&[3]).expect_err("a removed ring");
    let cause = error.get_ref().and_then(|it| it.downcast_ref::<PushError>());
    assert_eq!((error.kind(), cause), (ErrorKind::Other, Some(&PushError::Broken(Fault::Unlinked))));
    let mut buffer = [0; 4];
    assert_eq!(rx.read(&mut buffer).expect("what is there"), 2);
    let error = rx.read(&mut buffer).expect_err("a removed ring");
    let cause = error.get_ref().and_then(|it| it.downcast_ref::<PopError>());
    assert_eq!((error.kind(), cause), (ErrorKind::Other, Some(&PopError::Broken(Fault::Unlinked))));
}

#[test]
fn random_bytes_are_copied_from_thread_to_thread() {
    const LENGTH: usize = 200_000;
    for_each_backing(|backing| {
        for capacity in [2, 64, 1 << 10, 1 << 16] {
            let length = if capacity == 2 { LENGTH / 30 } else { LENGTH };
            let bytes = record(capacity as u64, length);
            let ring = pipe(backing, capacity);
            let (mut tx, mut rx) = ring.ends();
            thread::scope(|scope| {
                scope.spawn(|| {
                    assert_eq!(io::copy(&mut &bytes[..], &mut tx).expect("an open pipe"), length as u64);
                    tx.close();
                });
                let mut copy = Vec::new();
                assert_eq!(io::copy(&mut rx, &mut copy).expect("an open pipe"), length as u64);
                assert!(copy == bytes);
            });
        }
    });
}

#[test]
fn writes_and_reads_of_random_lengths_lose_nothing() {
    const LENGTH: usize = 100_000;
    for_each_backing(|backing| {
        let bytes = record(1, LENGTH);
        let ring = pipe(backing, 256);
        let (mut tx, mut rx) = ring.ends();
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut numbers, mut rest) = (Numbers::from_seed(3), &bytes[..]);
                while !rest.is_empty() {
                    let (part, behind) = rest.split_at(rest.len().min(1 + numbers.below(400)));
                    match numbers.below(3) {
                        0 => tx.write_all(part).expect("an open pipe"),
                        1 => {
                            let (a, b) = part.split_at(part.len() / 2);
                            let count =
                                tx.write_vectored(&[IoSlice::new(a), IoSlice::new(b)]).expect("an open pipe");
                            tx.write_all(&part[count..]).expect("an open pipe");
                        }
                        _ => {
                            assert_eq!(tx.push_slice(part), Ok(part.len()));
                        }
                    }
                    rest = behind;
                }
                tx.close();
            });
            let (mut numbers, mut copy) = (Numbers::from_seed(4), Vec::<u8>::new());
            loop {
                let mut buffer = vec![0; 1 + numbers.below(400)];
                let count = match numbers.below(3) {
                    0 => rx.read(&mut buffer).expect("an open pipe"),
                    1 => {
                        let (a, b) = buffer.split_at_mut(numbers.below(2));
                        rx.read_vectored(&mut [IoSliceMut::new(a), IoSliceMut::new(b)]).expect("an open pipe")
                    }
                    _ => rx.by_ref().take(buffer.len() as u64).read(&mut buffer).expect("an open pipe"),
                };
                if count == 0 {
                    break;
                }
                copy.extend(&buffer[..count]);
            }
            assert!(copy == bytes);
        });
    });
}

#[test]
fn a_trusting_reader_lends_what_lies_in_the_ring() {
    for_each_backing(|backing| {
        let ring = pipe(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.write_all(&[0; 6]).expect("room");
        rx.read_exact(&mut [0; 6]).expect("bytes");
        tx.write_all(b"12345").expect("room");
        // SAFETY: the writer of this test follows the protocol.
        let mut lending = unsafe { rx.trusted() };
        assert_eq!(lending.fill_buf().expect("bytes"), b"12", "up to the end of the memory");
        lending.consume(0);
        assert_eq!(lending.fill_buf().expect("bytes"), b"12", "nothing was consumed");
        lending.consume(1);
        assert_eq!(ring.len(), 4);
        assert_eq!(lending.fill_buf().expect("bytes"), b"2");
        lending.consume(1);
        assert_eq!(lending.fill_buf().expect("bytes"), b"345");
        lending.consume(2);
        let mut buffer = [0; 4];
        assert_eq!(
            lending.read(&mut buffer).expect("bytes"),
            1,
            "reading and lending go on where the other stopped"
        );
        assert_eq!(buffer[0], b'5');
        tx.write_all(b"67").expect("room");
        tx.close();
        assert_eq!(lending.fill_buf().expect("bytes"), b"67");
        lending.consume(100);
        assert_eq!((ring.len(), ring.positions().0), (0, ring.positions().1), "no more than was lent");
        assert!(lending.fill_buf().expect("the end").is_empty());
        lending.consume(1);
        assert!(lending.fill_buf().expect("the end").is_empty());
    });
}

#[test]
fn what_was_lent_and_not_consumed_is_read_again() {
    for_each_backing(|backing| {
        let ring = pipe(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.write_all(b"1234").expect("room");
        // SAFETY: the writer of this test follows the protocol.
        let mut lending = unsafe { rx.trusted() };
        assert_eq!(lending.fill_buf().expect("bytes"), b"1234");
        lending.consume(1);
        tx.write_all(b"56").expect("room");
        drop(rx);
        let mut rx = ring.reader().expect("the role");
        let mut buffer = [0; 8];
        assert_eq!(rx.try_pop_slice(&mut buffer), Ok(3));
        assert_eq!((&buffer[..3], rx.last().map(|it| it.redelivered)), (&b"234"[..], Some(true)));
        assert_eq!(rx.try_pop_slice(&mut buffer), Ok(2));
        assert_eq!((&buffer[..2], rx.last().map(|it| it.redelivered)), (&b"56"[..], Some(false)));
    });
}

#[test]
fn lines_are_read_across_the_end_of_the_memory() {
    for_each_backing(|backing| {
        for capacity in [2, 4, 16, 1024] {
            let ring = pipe(backing, capacity);
            let (mut tx, mut rx) = ring.ends();
            thread::scope(|scope| {
                scope.spawn(|| {
                    for number in 0..500 {
                        writeln!(tx, "line {number}").expect("an open pipe");
                    }
                    write!(tx, "the last one").expect("an open pipe");
                    tx.close();
                });
                // SAFETY: the writer of this test follows the protocol.
                let lines: Vec<_> = unsafe { rx.trusted() }.lines().map(|it| it.expect("a line")).collect();
                assert_eq!(lines.len(), 501);
                assert!(lines[..500].iter().enumerate().all(|(number, it)| *it == format!("line {number}")));
                assert_eq!(lines[500], "the last one");
            });
        }
    });
}

#[test]
fn a_pipe_is_also_a_ring_of_elements() {
    for_each_backing(|backing| {
        let ring = pipe(backing, 8);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(1).expect("room");
        tx.write_all(&[2, 3]).expect("room");
        let mut claim = tx.try_claim_slice(2).expect("room");
        claim.extend([4, 5]);
        claim.commit().expect("a commit");
        let mut buffer = [0; 2];
        rx.read_exact(&mut buffer).expect("bytes");
        assert_eq!((buffer, rx.try_pop()), ([1, 2], Ok(3)));
        let items = rx.try_read_slice(8).expect("bytes");
        assert_eq!(items.iter().collect::<Vec<_>>(), [4, 5]);
        items.release();
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
    });
}
