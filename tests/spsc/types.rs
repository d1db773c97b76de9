//! What the types say of themselves.

use std::fmt::Debug;

use ringfence::spsc::{
    Claim, Consumer, Delivery, Filled, Item, Options, Producer, ReadGuard, ReadSlice, Ring,
};
use ringfence::{Attach, AttachError, Limit, OpenError, Peer, PopError, Position, PushError};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::common::{Backing, for_each_backing};

assert_impl_all!(Ring<u64>: Send, Sync, Clone, Debug);
assert_impl_all!(Ring<[u8]>: Send, Sync, Clone, Debug);
assert_impl_all!(Options<u64>: Send, Sync, Clone, Debug);
assert_impl_all!(Options<[u8]>: Send, Sync, Clone, Debug);
assert_impl_all!(Attach: Send, Sync, Clone, Debug, Default);

assert_impl_all!(Producer<u64>: Send, Debug);
assert_impl_all!(Producer<[u8]>: Send, Debug);
assert_not_impl_any!(Producer<u64>: Sync, Clone);
assert_not_impl_any!(Producer<[u8]>: Sync, Clone);
assert_impl_all!(Consumer<u64>: Send, Debug);
assert_impl_all!(Consumer<[u8]>: Send, Debug);
assert_not_impl_any!(Consumer<u64>: Sync, Clone);
assert_not_impl_any!(Consumer<[u8]>: Sync, Clone);

assert_impl_all!(Claim<'static, u64>: Send, Debug);
assert_impl_all!(Claim<'static, [u8]>: Send, Debug, std::io::Write);
assert_impl_all!(Filled<'static, u64>: Send, Debug);
assert_impl_all!(ReadGuard<'static, u64>: Send, Debug);
assert_impl_all!(ReadSlice<'static, u64>: Send, Debug);
assert_not_impl_any!(Claim<'static, u64>: Sync, Clone);
assert_not_impl_any!(Filled<'static, u64>: Sync, Clone);
assert_not_impl_any!(ReadGuard<'static, u64>: Sync, Clone);
assert_not_impl_any!(ReadSlice<'static, u64>: Sync, Clone);

assert_impl_all!(Position: Copy, Eq, std::hash::Hash, Send, Sync, Debug);
assert_not_impl_any!(Position: Ord, PartialOrd);
assert_impl_all!(Delivery: Copy, Eq, Send, Sync, Debug);
assert_impl_all!(Item<u64>: Copy, Eq, Send, Sync, Debug);
assert_impl_all!(Limit: Copy, Eq, Send, Sync, Debug);
assert_impl_all!(Peer: Copy, Eq, Send, Sync, Debug);
assert_impl_all!(PushError: std::error::Error, Copy, Eq, Send, Sync);
assert_impl_all!(PopError: std::error::Error, Copy, Eq, Send, Sync);
assert_impl_all!(AttachError: std::error::Error, Clone, Eq, Send, Sync);
assert_impl_all!(OpenError: std::error::Error, Clone, Eq, Send, Sync);

#[test]
fn the_errors_of_the_hot_path_stay_small() {
    assert!(size_of::<PushError>() <= 16 && size_of::<PopError>() <= 16);
}

#[test]
fn what_is_printed_for_a_handle_names_its_ring() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let place = match backing {
            Backing::Heap => "heap",
            Backing::Shm => "/dev/shm/rf-test-",
        };
        let (mut tx, rx) = ring.ends();
        tx.try_push(1).expect("room");
        for text in [
            format!("{:?}", *ring),
            format!("{tx:?}"),
            format!("{rx:?}"),
            format!("{:#?}", *ring),
            format!("{tx:#?}"),
            format!("{rx:#?}"),
        ] {
            assert!(text.contains(place), "{text}");
        }
    });
}

#[test]
fn guards_and_claims_can_be_printed() {
    for_each_backing(|backing| {
        let ring = backing.elements::<u64>(4);
        let (mut tx, mut rx) = ring.ends();
        assert!(format!("{:?}", tx.try_claim()).contains("Claim"));
        assert!(format!("{:?}", tx.try_claim().expect("room").write(1)).contains("Filled"));
        tx.try_push(1).expect("room");
        assert!(format!("{:?}", rx.try_read()).contains("ReadGuard"));
        assert!(format!("{:?}", rx.try_read_slice(1)).contains("ReadSlice"));
        assert!(format!("{:?}", rx.try_read_ahead()).contains("value: 1"));
        assert!(format!("{:?}", rx.last()).contains("Position(0)"));
        assert!(format!("{:?}", ring.participants()).contains("Producer"));
        assert!(format!("{:?}", Options::<u64>::new(4)).contains('4'));
    });
}

#[test]
fn what_is_printed_for_a_closed_or_removed_ring_is_still_there() {
    let ring = Backing::Shm.elements::<u64>(4);
    let (mut tx, rx) = ring.ends();
    ring.force_unlink().expect("it is there");
    tx.try_push(1).expect_err("the name was removed");
    for text in [format!("{:?}", *ring), format!("{tx:?}"), format!("{rx:?}")] {
        assert!(text.contains("/dev/shm/rf-test-"), "{text}");
    }
}
