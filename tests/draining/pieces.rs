//! Items that are sent in part: where one is, and what a successor sends.

use libtest_mimic::Trial;
use ringfence::stream::{Aliasing, Copying, Options};
use ringfence::{Position, ReleaseError};

use crate::common::Backing;
use crate::links::{Kind, rest, take};
use crate::sends::{Stream, for_each_backing, shared};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("pieces::an_element_sent_in_part_is_finished_before_the_next", element),
        trial("pieces::a_record_sent_in_part_is_finished_before_the_next", record),
        trial("pieces::a_successor_sends_what_was_sent_in_part_from_its_beginning", successor),
        trial("pieces::what_wraps_is_sent_in_one_call", wrap),
        trial("pieces::release_to_keeps_to_records_and_to_what_was_sent", release_to),
    ]
}

const VALUES: [[u64; 3]; 2] = [[1, 2, 3], [4, 5, 6]];

fn bytes_of(values: &[[u64; 3]]) -> Vec<u8> {
    values.iter().flatten().flat_map(|it| it.to_le_bytes()).collect()
}

fn element() {
    for_each_backing(|backing| {
        let stream = Stream::of(backing, Options::<[u64; 3]>::new(4));
        let (mut tx, rx) = stream.ends();
        tx.push_slice(&VALUES).expect("room");
        let (near, far) = Kind::Pipe.link();
        let start = rx.position();
        let mut drain = rx.drain(near, Copying).expect("a reader");
        assert_eq!(drain.try_send(10), Ok(10));
        assert_eq!((drain.position(), drain.in_flight(), stream.ring.len()), (start, 0, 2));
        let mut drain = drain.into_parts().expect_err("something was sent in part");
        assert_eq!(drain.try_send(10), Ok(10));
        assert_eq!(drain.try_send(10), Ok(10), "over the end of the element");
        assert_eq!((drain.position(), stream.ring.len()), (start.next(), 1));
        assert_eq!(drain.try_send(usize::MAX), Ok(18));
        let (mut rx, near) = drain.into_parts().expect("everything was sent");
        assert_eq!(rx.try_pop(), Err(ringfence::PopError::Empty));
        drop(near);
        assert_eq!(rest(far), bytes_of(&VALUES));
    });
}

fn record() {
    for_each_backing(|backing| {
        let stream = Stream::of(backing, Options::<[u8]>::new(128));
        let (mut tx, rx) = stream.ends();
        for record in ["", "one", "", "and two", ""] {
            tx.push(record.as_bytes()).expect("room");
        }
        let (near, far) = Kind::Pipe.link();
        let mut drain = rx.drain(near, Copying).expect("a reader");
        for (max, sent) in [(2, 2), (1, 1), (1, 1), (3, 3), (100, 3)] {
            assert_eq!(drain.try_send(max), Ok(sent));
        }
        while drain.try_send(1).is_ok() {}
        assert!(stream.ring.is_empty());
        drop(drain.into_parts().expect("everything was sent"));
        assert_eq!(rest(far), b"oneand two");
    });
}

fn successor() {
    for_each_backing(|backing| {
        let stream = Stream::of(backing, Options::<[u64; 3]>::new(4));
        let (mut tx, rx) = stream.ends();
        tx.push_slice(&VALUES).expect("room");
        let (near, mut far) = Kind::Pipe.link();
        let mut drain = rx.drain(near, Copying).expect("a reader");
        assert_eq!(drain.try_send(30), Ok(30));
        drop(drain);
        assert_eq!(take(&mut far, 30), bytes_of(&VALUES)[..30]);

        let (near, far) = Kind::Pipe.link();
        let mut drain = stream.ring.reader().expect("a free role").drain(near, Copying).expect("a reader");
        assert_eq!(drain.try_send(usize::MAX), Ok(24));
        drop(drain);
        assert_eq!(rest(far), bytes_of(&VALUES[1..]));
    });
}

fn wrap() {
    let stream = shared::<u64>(8);
    let (mut tx, mut rx) = stream.ends();
    tx.push_slice(&[0; 6]).expect("room");
    rx.pop_slice(&mut [0; 6]).expect("six elements");
    tx.push_slice(&[1, 2, 3, 4, 5, 6, 7, 8]).expect("room");
    let (near, far) = Kind::Pipe.link();
    let mut drain = rx.drain(near, Copying).expect("a reader");
    assert_eq!(drain.try_send(usize::MAX), Ok(64));
    drop(drain);
    assert_eq!(rest(far), (1..=8_u64).flat_map(u64::to_le_bytes).collect::<Vec<_>>());
}

fn release_to() {
    let stream = Stream::of(Backing::Shm, Options::<[u8]>::new(128));
    let (mut tx, rx) = stream.ends();
    for record in ["first", "second", "third"] {
        tx.push(record.as_bytes()).expect("room");
    }
    let start = rx.position().to_bits();
    let at = |bytes: u64| Position::from_bits(start + bytes);
    let (near, far) = Kind::Pipe.link();
    let mut drain = rx.drain(near, Aliasing).expect("a reader");
    assert_eq!(drain.release_to(at(1)), Err(ReleaseError::NotRead { beyond: 1 }));
    assert_eq!(drain.try_send(usize::MAX), Ok(16));
    assert_eq!((drain.position(), drain.in_flight()), (at(48), 48));
    assert_eq!(drain.release_to(at(15)), Ok(0), "a part of a record is no record");
    assert_eq!(drain.release_to(at(17)), Ok(16));
    assert_eq!(drain.release_to(at(16)), Ok(0), "it was released before");
    assert_eq!(drain.release_to(at(49)), Err(ReleaseError::NotRead { beyond: 1 }));
    assert_eq!((drain.in_flight(), stream.ring.len()), (32, 32));
    let mut drain = drain.into_parts().expect_err("something is in flight");
    assert_eq!(drain.release_to(at(48)), Ok(32));
    drop(drain.into_parts().expect("everything is released"));
    assert_eq!(rest(far), b"firstsecondthird");
}
