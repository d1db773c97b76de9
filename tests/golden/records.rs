//! A recorded region of a stream of records: how it came about, what it holds, and how it goes on.

use std::fs;
use std::path::{Path, PathBuf};

use ringfence::stream::{Options, Ring, open};
use ringfence::{Attach, Barrier, Kind, PopError, Position, Presence, inspect};

use crate::common::{Image, UniqueName, body, preamble, words};
use crate::document;

/// Where positions begin: three frames of eight bytes before the wrap.
const START: u64 = (1 << 62) - 24;

/// As a crash leaves it: three records pushed, the second one behind padding at the wrap; one popped, one looked at; both
/// handles alive.
fn lines() -> Image {
    let name = UniqueName::new();
    let attach = Attach::new().barrier(Barrier::Fenced).label("lines");
    let options = Options::<[u8]>::new(64).start_at(Position::from_bits(START)).attach(attach);
    let ring = options.create(&name).expect("a ring");
    let (mut tx, mut rx) = (ring.writer().expect("the role"), ring.reader().expect("the role"));
    tx.try_push(b"first").expect("room");
    assert_eq!(rx.try_pop_to(&mut Vec::new()), Ok(5));
    tx.try_push(b"padded text!").expect("room");
    tx.try_push(b"").expect("room");
    assert_eq!(rx.try_read().expect("a record").to_vec(), b"padded text!");
    Image::of(&name.path())
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/lines.region")
}

/// The recording of [`lines`].
fn recorded() -> Image {
    Image::of(&path())
}

/// The recorded region under a name of its own.
fn open_copy() -> (Ring<[u8]>, UniqueName) {
    let name = UniqueName::new();
    recorded().write(&name.path());
    (open(&name).expect("the recorded region"), name)
}

/// Writes only if the environment variable asks for it; else shows that recording still works.
#[test]
fn the_recordings_can_be_written_anew() {
    let image = lines();
    if std::env::var_os("RINGFENCE_WRITE_GOLDEN").is_some() {
        fs::write(path(), image.bytes()).expect("the recording");
    }
    assert_eq!(recorded().bytes().len(), image.bytes().len());
}

/// A frame as the specification describes it.
fn frame(kind: u32, bytes: &[u8]) -> Vec<u8> {
    let header = document::table("Frame");
    let fields: Vec<_> = header.iter().map(|it| (it.offset, it.bytes, it.name.as_str())).collect();
    assert_eq!(fields, [(0, 4, "frame_length"), (4, 4, "frame_kind")]);
    let mut frame = (bytes.len() as u32).to_le_bytes().to_vec();
    frame.extend(kind.to_le_bytes());
    frame.extend(bytes);
    frame.resize(frame.len().next_multiple_of(8), 0);
    frame
}

#[test]
fn the_code_writes_records_as_specified_and_as_recorded() {
    const LONGEST: u32 = 64 / 2 - 8;
    for image in [recorded(), lines()] {
        assert_eq!(image.u32(preamble::KIND), 4);
        let shape = [body::CONTENT, body::ELEMENT_SIZE, body::ELEMENT_ALIGN].map(|it| image.u32(it));
        assert_eq!(shape, [2, LONGEST, 1]);
        let slots = [body::PAYLOAD_OFFSET, body::SLOT_STRIDE, body::STAMP_OFFSET].map(|it| image.u32(it));
        assert_eq!(slots, [0, 1, 0]);
        assert_eq!((image.u64(body::CAPACITY), image.u64(body::START)), (64, START));
        assert_eq!((image.u64(body::DATA), image.u64(body::DATA + 8)), (words::DATA as u64, 64));
        assert_eq!(image.u32(body::ENTRY_COUNT), 2);
        assert_eq!(image.clone().sealed(), image, "checksums");

        let cursors = [words::TAIL, words::HEAD, words::READ_MARK].map(|it| image.u64(it));
        assert_eq!(cursors, [START + 56, START + 16, START + 48]);
        assert_eq!((image.u64(words::FLAGS), image.u64(words::SHARED + 512)), (0, START));

        // Position 2^62 - 24 is at byte 40: the wrap is where the memory ends.
        let (record, padding) = (1, 2);
        let mut data = frame(record, b"padded text!");
        data.extend(frame(record, b""));
        data.resize(40, 0);
        data.extend(frame(record, b"first"));
        data.extend(frame(padding, b""));
        data.resize(4096, 0);
        assert_eq!(image.bytes()[words::DATA..], data);
    }
}

#[test]
fn a_recorded_ring_of_records_goes_on_where_its_owners_died() {
    let (ring, name) = open_copy();
    assert_eq!((ring.capacity(), ring.max_len(), ring.len(), ring.bytes()), (64, 24, 40, 16384));
    for state in [ring.writer_state(), ring.reader_state()] {
        assert_eq!((state.state, state.epoch), (Presence::Died, 1));
    }
    let seen = inspect(&name).expect("the ring");
    assert_eq!((seen.kind(), seen.element_size(), seen.len()), (Some(Kind::Stream), Some(24), Some(40)));

    let (mut tx, mut rx) = (ring.writer().expect("the role"), ring.reader().expect("the role"));
    assert_eq!((tx.position().to_bits(), rx.position().to_bits()), (32, START + 16));
    assert_eq!(tx.try_push(b"next").map(Position::to_bits), Ok(32));
    for (text, redelivered, position) in
        [(&b"padded text!"[..], true, 0), (&b""[..], false, 24), (&b"next"[..], false, 32)]
    {
        let read = rx.try_read().expect("a record");
        assert_eq!((read.to_vec().as_slice(), read.redelivered()), (text, redelivered));
        assert_eq!(read.position().to_bits(), position);
        read.release();
    }
    assert_eq!(rx.try_read().err(), Some(PopError::Empty));
}

#[test]
fn a_recorded_ring_of_records_can_be_repaired_by_a_third_party() {
    let (ring, _name) = open_copy();
    let report = ring.repair().expect("nobody is in the way");
    assert_eq!(report.repaired.iter().map(|it| it.index).collect::<Vec<_>>(), [0, 1]);
    let mut rx = ring.reader().expect("the role");
    assert!(rx.try_read().expect("a record").redelivered());
}
