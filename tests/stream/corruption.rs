//! Words that no correct peer writes: calls say so, return, and never look outside the ring.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;

use proptest::prelude::*;
use ringfence::stream::{Options, Reader, Ring, Writer};
use ringfence::{AttachError, Fault, PopError, PushError, ReleaseError, Word};

use crate::common::{UniqueName, words};
use crate::drain_records;

/// A ring in shared memory, and its file as a hostile peer sees it.
struct Target<P: ringfence::Payload + ?Sized> {
    ring: Ring<P>,
    file: File,
    _name: UniqueName,
}

impl<P: ringfence::Payload + ?Sized> Target<P> {
    fn new(options: Options<P>) -> Self {
        let name = UniqueName::new();
        let ring = options.create(&name).expect("a ring");
        let file = OpenOptions::new().read(true).write(true).open(name.path()).expect("its file");
        Self { ring, file, _name: name }
    }

    fn ends(&self) -> (Writer<P>, Reader<P>) {
        (self.ring.writer().expect("the role"), self.ring.reader().expect("the role"))
    }

    fn poke(&self, at: usize, value: u64) {
        self.file.write_all_at(&value.to_le_bytes(), at as u64).expect("a word of the region");
    }

    fn peek(&self, at: usize) -> u64 {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, at as u64).expect("a word of the region");
        u64::from_le_bytes(bytes)
    }
}

fn numbers() -> Target<u64> {
    Target::new(Options::<u64>::new(4))
}

/// A ring of records in 64 bytes.
fn records() -> Target<[u8]> {
    Target::new(Options::<[u8]>::new(64))
}

/// The header of a frame.
fn header(kind: u64, length: u64) -> u64 {
    kind << 32 | length
}

const RECORD: u64 = 1;
const PADDING: u64 = 2;

#[test]
fn a_tail_that_no_writer_can_have_ends_the_reader_and_names_what_was_found() {
    for found in [5, 1 << 20, 1 << 61, (1 << 62) - 1, u64::MAX] {
        let target = numbers();
        let (mut tx, mut rx) = target.ends();
        tx.try_push(1).expect("room");
        target.poke(words::TAIL, found);
        let fault = Fault::Corrupted { what: Word::Tail, found };
        assert!(fault.to_string().contains(&format!("{found:#x}")), "{fault}");
        let corrupted = PopError::Broken(fault);
        assert_eq!(rx.try_pop(), Err(corrupted));
        target.poke(words::TAIL, 1);
        assert_eq!(rx.try_pop(), Err(corrupted), "a handle that found one does not go on");
        assert_eq!(rx.pop(), Err(corrupted));
        assert_eq!(rx.try_pop_slice(&mut [0; 4]), Err(corrupted));
        assert_eq!(rx.try_read_slice(4).err(), Some(corrupted));
        assert_eq!(rx.try_read_ahead(), Err(corrupted));
        assert_eq!(rx.release_through(rx.position()), Err(ReleaseError::Broken(fault)));
        drop(rx);
        assert_eq!(target.ring.reader().expect("the role").try_pop(), Ok(1), "its successor starts afresh");
    }
}

#[test]
fn a_head_that_no_reader_can_have_ends_the_writer() {
    for found in [5, 1 << 20, 1 << 61, (1 << 62) - 1, u64::MAX] {
        let target = numbers();
        let mut tx = target.ring.writer().expect("the role");
        tx.try_push_slice(&[1, 2, 3, 4]).expect("room");
        target.poke(words::HEAD, found);
        let corrupted = PushError::Broken(Fault::Corrupted { what: Word::Head, found });
        assert_eq!(tx.try_push(5), Err(corrupted));
        assert_eq!(tx.push(5), Err(corrupted));
        assert_eq!(tx.try_push_slice(&[5]), Err(corrupted));
        assert_eq!(tx.try_claim_slice(1).err(), Some(corrupted));
    }
}

#[test]
fn a_head_that_no_reader_of_records_can_have_ends_the_writer() {
    for found in [72, 1 << 20, 1 << 61, (1 << 62) - 8, u64::MAX - 7] {
        let target = records();
        let mut tx = target.ring.writer().expect("the role");
        tx.try_push(&[0; 24]).expect("room");
        tx.try_push(&[0; 24]).expect("room");
        target.poke(words::HEAD, found);
        let corrupted = PushError::Broken(Fault::Corrupted { what: Word::Head, found });
        assert_eq!(tx.try_push(b""), Err(corrupted));
        assert_eq!(tx.push(b""), Err(corrupted));
        assert_eq!(tx.try_push_vectored(&[]), Err(corrupted));
        assert_eq!(tx.try_claim(0).err(), Some(corrupted));
        assert!(!tx.push_or_drop(b""));
    }
}

/// Checks that the frame at the start of `target`'s memory, whose header is `found`, ends a reader in every form.
fn assert_frame_is_corrupt(target: &Target<[u8]>, found: u64) {
    target.poke(words::DATA, found);
    let fault = Fault::Corrupted { what: Word::Frame, found };
    let corrupted = PopError::Broken(fault);
    let mut buffer = b"kept".to_vec();
    type Take = fn(&mut Reader<[u8]>, &mut Vec<u8>) -> Result<(), PopError>;
    let forms: [Take; 4] = [
        |rx, buffer| rx.try_pop_to(buffer).map(drop),
        |rx, _| rx.try_read().map(drop),
        |rx, _| rx.try_read_batch(4).map(drop),
        |rx, buffer| rx.try_read_ahead_to(buffer).map(drop),
    ];
    let len = target.ring.len();
    for form in forms {
        let mut rx = target.ring.reader().expect("the role");
        assert_eq!(form(&mut rx, &mut buffer), Err(corrupted), "{found:#x}");
        assert_eq!(form(&mut rx, &mut buffer), Err(corrupted), "it does not go on");
        assert_eq!(rx.release_through(rx.position()), Err(ReleaseError::Broken(fault)));
        assert_eq!(buffer, b"kept");
    }
    assert_eq!(target.ring.len(), len, "nothing was released");
}

#[test]
fn a_frame_of_an_unknown_kind_ends_the_reader() {
    for kind in [0, 3, 4, 0x100, 0x8000_0001, 0xffff_ffff] {
        let target = records();
        target.ring.writer().expect("the role").try_push(b"12345678").expect("room");
        assert_frame_is_corrupt(&target, header(kind, 8));
    }
}

#[test]
fn a_record_longer_than_what_is_committed_or_than_any_record_ends_the_reader_before_a_byte_is_read() {
    for length in [9, 16, 24, 25, 32, 56, 64, 65, 1 << 20, 0x7fff_ffff, 0xffff_fff8, 0xffff_ffff] {
        let target = records();
        target.ring.writer().expect("the role").try_push(b"12345678").expect("room");
        assert_frame_is_corrupt(&target, header(RECORD, length));
    }
    // All of the memory is committed: what is too long is what no writer could have written.
    for length in [25, 32, 48, 56, 57, 64] {
        let target = records();
        let mut tx = target.ring.writer().expect("the role");
        tx.try_push(&[0; 24]).expect("room");
        tx.try_push(&[0; 24]).expect("room");
        drop(tx);
        assert_frame_is_corrupt(&target, header(RECORD, length));
    }
}

#[test]
fn padding_that_does_not_end_with_the_memory_ends_the_reader() {
    for length in [0, 7, 8, 24, 48, 55, 56, 57, 64, 0xffff_ffff, 0xffff_fff8] {
        let target = records();
        let mut tx = target.ring.writer().expect("the role");
        tx.try_push(&[0; 24]).expect("room");
        tx.try_push(&[0; 24]).expect("room");
        drop(tx);
        assert_frame_is_corrupt(&target, header(PADDING, length));
    }
}

/// A ring whose oldest frame is 16 bytes of padding at the end of the memory, with a record of 24 bytes behind it.
fn padded() -> Target<[u8]> {
    let target = records();
    let (mut tx, mut rx) = target.ends();
    tx.try_push(&[0; 8]).expect("room");
    tx.try_push(&[0; 24]).expect("room");
    assert_eq!(drain_records(&mut rx).len(), 2);
    tx.try_push(&[7; 24]).expect("room");
    assert_eq!(target.peek(words::DATA + 48), header(PADDING, 8));
    assert_eq!(target.peek(words::DATA), header(RECORD, 24));
    target
}

#[test]
fn padding_of_another_length_ends_the_reader() {
    for length in [0, 7, 9, 16, 24, 0xffff_fff8, 0xffff_ffff] {
        let target = padded();
        let found = header(PADDING, length);
        target.poke(words::DATA + 48, found);
        let corrupted = PopError::Broken(Fault::Corrupted { what: Word::Frame, found });
        let mut rx = target.ring.reader().expect("the role");
        assert_eq!(rx.try_read().err(), Some(corrupted));
    }
}

#[test]
fn padding_with_nothing_behind_it_ends_the_reader() {
    let target = padded();
    for committed in [8, 16] {
        target.poke(words::TAIL, 48 + committed);
        let corrupted = PopError::Broken(Fault::Corrupted { what: Word::Frame, found: header(PADDING, 8) });
        assert_eq!(target.ring.reader().expect("the role").try_read().err(), Some(corrupted));
    }
    target.poke(words::TAIL, 48 + 16 + 24);
    let corrupted = PopError::Broken(Fault::Corrupted { what: Word::Frame, found: header(RECORD, 24) });
    assert_eq!(target.ring.reader().expect("the role").try_read().err(), Some(corrupted));
    target.poke(words::TAIL, 48 + 16 + 32);
    assert_eq!(target.ring.reader().expect("the role").try_read().map(|it| it.to_vec()), Ok(vec![7; 24]));
}

#[test]
fn a_second_frame_of_padding_in_a_row_ends_the_reader() {
    for length in [0, 8, 24, 56] {
        let target = padded();
        let found = header(PADDING, length);
        target.poke(words::DATA, found);
        let corrupted = PopError::Broken(Fault::Corrupted { what: Word::Frame, found });
        let mut rx = target.ring.reader().expect("the role");
        assert_eq!(rx.try_read_batch(9).err(), Some(corrupted));
    }
}

#[test]
fn a_frame_that_breaks_after_it_was_read_ahead_is_not_released() {
    for found in [0, header(RECORD, 25), header(RECORD, 16), header(PADDING, 56), u64::MAX] {
        let target = records();
        let (mut tx, mut rx) = target.ends();
        let position = tx.try_push(b"12345678").expect("room");
        rx.try_read_ahead_to(&mut Vec::new()).expect("a record");
        target.poke(words::DATA, found);
        let fault = Fault::Corrupted { what: Word::Frame, found };
        assert_eq!(rx.release_through(position), Err(ReleaseError::Broken(fault)));
        assert_eq!(rx.try_read().err(), Some(PopError::Broken(fault)));
        assert_eq!(target.ring.len(), 16);
    }
}

#[test]
fn the_second_frame_of_a_batch_is_checked_as_the_first_one_is() {
    for found in [0, header(RECORD, 9), header(PADDING, 40), header(PADDING, 0), u64::MAX] {
        let target = records();
        let (mut tx, mut rx) = target.ends();
        tx.try_push(b"12345678").expect("room");
        tx.try_push(b"12345678").expect("room");
        target.poke(words::DATA + 16, found);
        let corrupted = PopError::Broken(Fault::Corrupted { what: Word::Frame, found });
        assert_eq!(rx.try_read_batch(1).map(|it| it.len()), Ok(1), "nobody looks at what nobody asked for");
        drop(rx);
        let mut rx = target.ring.reader().expect("the role");
        rx.try_pop_to(&mut Vec::new()).expect("a record");
        assert_eq!(rx.try_read_batch(4).err(), Some(corrupted));
    }
}

#[test]
fn a_read_mark_that_no_reader_can_have_keeps_the_next_one_out() {
    let target = numbers();
    target.poke(words::READ_MARK, 5);
    assert!(matches!(target.ring.reader(), Err(AttachError::Corrupted { .. })));
    assert!(matches!(target.ring.reader(), Err(AttachError::Corrupted { .. })), "nor the one after it");
    for mark in [4, 0, u64::MAX, 1 << 61] {
        target.poke(words::READ_MARK, mark);
        target.ring.reader().expect("a whole capacity may have been looked at, or nothing");
    }
}

#[test]
fn cursors_between_frames_keep_the_next_owners_of_records_out() {
    for odd in [1, 4, 7, 12, 60] {
        let target = records();
        target.poke(words::TAIL, odd);
        let tail = AttachError::Corrupted { what: Word::Tail, found: odd };
        assert_eq!(target.ring.writer().err(), Some(tail));
        target.poke(words::TAIL, 0);
        target.ring.writer().expect("a sound ring").try_push(&[0; 24]).expect("room");

        target.poke(words::HEAD, odd);
        let head = AttachError::Corrupted { what: Word::Head, found: odd };
        assert_eq!(target.ring.reader().err(), Some(head));
        target.poke(words::HEAD, 0);
        assert_eq!(drain_records(&mut target.ring.reader().expect("a sound ring")).len(), 1);
    }
}

#[test]
fn a_tail_between_frames_ends_the_reader_where_the_frames_end() {
    let target = records();
    let (mut tx, mut rx) = target.ends();
    tx.try_push(b"12345678").expect("room");
    for odd in [17, 20, 23] {
        target.poke(words::TAIL, odd);
        assert_eq!(rx.try_read_batch(1).map(|it| it.len()), Ok(1));
    }
    rx.try_pop_to(&mut Vec::new()).expect("a record");
    let error = rx.try_read().expect_err("half a frame");
    assert!(matches!(error, PopError::Broken(Fault::Corrupted { what: Word::Frame, .. })), "{error}");
}

#[test]
fn one_broken_ring_does_not_disturb_another() {
    let (broken, sound) = (records(), records());
    let (mut tx, mut rx) = broken.ends();
    tx.try_push(b"12345678").expect("room");
    broken.poke(words::DATA, u64::MAX);
    rx.try_read().expect_err("the frame is broken");
    let (mut tx, mut rx) = sound.ends();
    tx.try_push(b"sound").expect("room");
    assert_eq!(drain_records(&mut rx), [(b"sound".to_vec(), false)]);
}

#[test]
fn unknown_flags_stop_pushes_and_lose_nothing() {
    let target = numbers();
    let (mut tx, mut rx) = target.ends();
    tx.try_push(1).expect("room");
    target.poke(words::FLAGS, 1 << 40);
    assert!(tx.try_push(2).is_err());
    assert_eq!(rx.try_pop(), Ok(1));
    assert_eq!(rx.try_pop(), Err(PopError::Empty));
}

#[test]
fn a_length_of_nonsense_words_stays_between_nothing_and_the_capacity() {
    let target = numbers();
    for (tail, head, len) in
        [(0, 1, 0), (5, 0, 4), (u64::MAX, 0, 0), (0, u64::MAX, 1), (1 << 61, 0, 0), ((1 << 61) - 1, 0, 4)]
    {
        target.poke(words::TAIL, tail);
        target.poke(words::HEAD, head);
        assert_eq!((target.ring.len(), target.ring.is_empty()), (len, len == 0), "{tail:#x} - {head:#x}");
    }
}

/// A word of the mutable part of a ring, chosen so that those which mean something come often.
fn any_word() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => prop::sample::select(vec![words::FLAGS, words::TAIL, words::HEAD, words::READ_MARK]),
        4 => (0_usize..8).prop_map(|it| words::DATA + it * 8),
        1 => (0_usize..64).prop_map(|it| words::ENTRIES + it * 8),
        1 => (0_usize..112).prop_map(|it| words::SHARED + it * 8),
    ]
}

fn any_value() -> impl Strategy<Value = u64> {
    prop_oneof![
        0_u64..80,
        (0_u64..10).prop_map(|it| it * 8),
        (0_u64..40).prop_map(u64::wrapping_neg),
        any::<u64>(),
        (0_u64..4, 0_u64..70).prop_map(|(kind, length)| header(kind, length)),
        (0_u32..64, 0_u64..8).prop_map(|(bit, more)| (1_u64 << bit).wrapping_add(more)),
    ]
}

/// Steps, each with a word and a value. Whatever calls return, they return; that none of them reads outside the region is
/// for the sanitizers to say.
fn any_steps() -> impl Strategy<Value = Vec<(usize, usize, u64)>> {
    prop::collection::vec((0_usize..16, any_word(), any_value()), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn whatever_a_peer_writes_no_try_call_on_elements_panics_or_hangs(steps in any_steps()) {
        let target = numbers();
        let mut tx = target.ring.writer().ok();
        let mut rx = target.ring.reader().ok();
        for (step, at, value) in steps {
            match step {
                0..5 => target.poke(at, value),
                5 => target.poke(at, target.peek(at).wrapping_add(value)),
                6 => drop(tx.as_mut().map(|it| it.try_push(value))),
                7 => drop(tx.as_mut().map(|it| it.try_push_slice(&[value; 5]))),
                8 => drop(tx.as_mut().map(|it| it.try_claim_slice(5).map(|mut claim| {
                    claim.extend([value; 5]);
                    claim.commit()
                }))),
                9 => drop(rx.as_mut().map(|it| it.try_pop())),
                10 => drop(rx.as_mut().map(|it| it.try_pop_slice(&mut [0; 5]))),
                11 => drop(rx.as_mut().map(|it| {
                    it.try_read_slice(9).map(|items| items.iter().fold(0, |sum: u64, it| sum ^ it))
                })),
                12 => drop(rx.as_mut().map(|it| it.try_read_ahead().map(|item| it.release_through(item.position)))),
                13 => {
                    drop((tx.take(), rx.take()));
                    (tx, rx) = (target.ring.writer().ok(), target.ring.reader().ok());
                }
                14 => drop((tx.as_ref().map(|it| it.doorbell().is_ready()), rx.as_ref().map(|it| it.doorbell().is_ready()))),
                _ => {
                    let _ = (target.ring.len(), target.ring.participants(), target.ring.blocked_on());
                    let _ = target.ring.repair();
                }
            }
        }
    }

    #[test]
    fn whatever_a_peer_writes_no_try_call_on_records_panics_or_hangs(steps in any_steps()) {
        let target = records();
        let mut tx = target.ring.writer().ok();
        let mut rx = target.ring.reader().ok();
        let mut buffer = Vec::new();
        for (step, at, value) in steps {
            let length = (value % 25) as usize;
            match step {
                0..5 => target.poke(at, value),
                5 => target.poke(at, target.peek(at).wrapping_add(value)),
                6 => drop(tx.as_mut().map(|it| it.try_push(&vec![1; length]))),
                7 => drop(tx.as_mut().map(|it| it.push_or_drop(&[1; 24]))),
                8 => drop(tx.as_mut().map(|it| it.try_claim(24).map(|mut claim| {
                    claim.append(&vec![2; length]).expect("it fits");
                    claim.commit()
                }))),
                9 => drop(rx.as_mut().map(|it| it.try_pop_to(&mut buffer))),
                10 => drop(rx.as_mut().map(|it| it.try_read().map(|read| read.to_vec()))),
                11 => drop(rx.as_mut().map(|it| it.try_read_batch(9).map(|batch| {
                    let all: usize = batch.iter().map(|read| read.to_vec().len()).sum();
                    assert!(all <= 64);
                    batch.release_first(length);
                }))),
                12 => drop(rx.as_mut().map(|it| {
                    it.try_read_ahead_to(&mut buffer).map(|delivery| it.release_through(delivery.first))
                })),
                13 => {
                    drop((tx.take(), rx.take()));
                    (tx, rx) = (target.ring.writer().ok(), target.ring.reader().ok());
                }
                14 => drop((tx.as_ref().map(|it| it.doorbell().is_ready()), rx.as_ref().map(|it| it.doorbell().is_ready()))),
                _ => {
                    let _ = (target.ring.len(), target.ring.participants(), target.ring.blocked_on());
                    let _ = target.ring.repair();
                }
            }
        }
    }
}
