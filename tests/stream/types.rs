//! What the types say of themselves.

use std::fmt::Debug;
use std::io::{BufRead, Read, Write};

use ringfence::stream::{
    Claim, ClaimSlice, Options, ReadBatch, ReadGuard, ReadSlice, Reader, Record, Ring, Trusted, Writer,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::common::{Backing, for_each_backing};
use crate::{elements, records};

assert_impl_all!(Ring<u64>: Send, Sync, Clone, Debug);
assert_impl_all!(Ring<[u8]>: Send, Sync, Clone, Debug);
assert_impl_all!(Options<u64>: Send, Sync, Clone, Debug);
assert_impl_all!(Options<[u8]>: Send, Sync, Clone, Debug);

assert_impl_all!(Writer<u64>: Send, Debug);
assert_impl_all!(Writer<[u8]>: Send, Debug);
assert_not_impl_any!(Writer<u64>: Sync, Clone);
assert_not_impl_any!(Writer<[u8]>: Sync, Clone);
assert_impl_all!(Reader<u64>: Send, Debug);
assert_impl_all!(Reader<[u8]>: Send, Debug);
assert_not_impl_any!(Reader<u64>: Sync, Clone);
assert_not_impl_any!(Reader<[u8]>: Sync, Clone);

assert_impl_all!(Claim<'static>: Send, Debug, Write);
assert_impl_all!(ClaimSlice<'static, u64>: Send, Debug);
assert_impl_all!(ReadGuard<'static>: Send, Debug);
assert_impl_all!(ReadBatch<'static>: Send, Debug);
assert_impl_all!(ReadSlice<'static, u64>: Send, Debug);
assert_impl_all!(Record<'static>: Send, Copy, Debug);
assert_not_impl_any!(Claim<'static>: Sync, Clone);
assert_not_impl_any!(ClaimSlice<'static, u64>: Sync, Clone);
assert_not_impl_any!(ReadGuard<'static>: Sync, Clone);
assert_not_impl_any!(ReadBatch<'static>: Sync, Clone);
assert_not_impl_any!(ReadSlice<'static, u64>: Sync, Clone);

// A byte stream is one of `u8`: neither other elements nor records are.
assert_impl_all!(Writer<u8>: Write);
assert_impl_all!(Reader<u8>: Read);
assert_impl_all!(Trusted<'static>: Send, Debug, Read, BufRead);
assert_not_impl_any!(Writer<i8>: Write);
assert_not_impl_any!(Writer<[u8]>: Write);
assert_not_impl_any!(Reader<[u8]>: Read);
// Nothing is lent where nobody has answered for the peers.
assert_not_impl_any!(Reader<u8>: BufRead);
assert_not_impl_any!(Trusted<'static>: Sync, Clone);

#[test]
fn what_is_printed_for_a_handle_names_its_ring() {
    for_each_backing(|backing| {
        let place = match backing {
            Backing::Heap => "heap",
            Backing::Shm => "/dev/shm/rf-test-",
        };
        let (numbers, lines) = (elements::<u64>(backing, 4), records(backing, 64));
        let ((tx, rx), (lines_tx, lines_rx)) = (numbers.ends(), lines.ends());
        for text in [
            format!("{:?}", *numbers),
            format!("{tx:?}"),
            format!("{rx:#?}"),
            format!("{:#?}", *lines),
            format!("{lines_tx:?}"),
            format!("{lines_rx:?}"),
            format!("{:?}", rx.doorbell()),
        ] {
            assert!(text.contains(place), "{text}");
        }
    });
}

#[test]
fn guards_and_claims_can_be_printed() {
    for_each_backing(|backing| {
        let ring = elements::<u64>(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        assert!(format!("{:?}", tx.try_claim_slice(2)).contains("ClaimSlice"));
        tx.try_push(1).expect("room");
        assert!(format!("{:?}", rx.try_read_slice(1)).contains("ReadSlice"));
        assert!(format!("{:?}", rx.try_read_ahead()).contains("value: 1"));
        assert!(format!("{:?}", Options::<u64>::new(4)).contains('4'));

        let ring = records(backing, 64);
        let (mut tx, mut rx) = ring.ends();
        assert!(format!("{:?}", tx.try_claim(8)).contains("max: 8"));
        tx.try_push(b"123").expect("room");
        assert!(format!("{:?}", rx.try_read()).contains("len: 3"));
        let batch = rx.try_read_batch(1).expect("a record");
        assert!(format!("{batch:?}").contains("ReadBatch"));
        assert!(format!("{:?}", batch.get(0)).contains("len: 3"));

        let pipe = elements::<u8>(backing, 4);
        let (_tx, mut rx) = pipe.ends();
        // SAFETY: nobody writes.
        assert!(format!("{:?}", unsafe { rx.trusted() }).contains("Trusted"));
    });
}

#[test]
fn what_is_printed_for_a_closed_or_removed_ring_is_still_there() {
    let ring = records(Backing::Shm, 64);
    let (mut tx, rx) = ring.ends();
    ring.force_unlink().expect("it is there");
    tx.try_push(b"1").expect_err("the name was removed");
    for text in [format!("{:?}", *ring), format!("{tx:?}"), format!("{rx:?}")] {
        assert!(text.contains("/dev/shm/rf-test-"), "{text}");
    }
}
