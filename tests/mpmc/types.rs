//! What the types say of themselves.

use std::fmt::Debug;

use ringfence::mpmc::{
    Consumer, Delivery, Item, OnConsumerDeath, Options, Producer, ReadGuard, ReadSlice, Ring,
};
use ringfence::{AttachError, Fate, PopError, PushError, ReleaseError, RepairReport, RepairedItem};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::common::{Backing, for_each_backing};
use crate::numbers;

assert_impl_all!(Ring<u64>: Send, Sync, Clone, Debug);
assert_impl_all!(Ring<[u8]>: Send, Sync, Clone, Debug);
assert_impl_all!(Options<u64>: Send, Sync, Clone, Debug);
assert_impl_all!(Options<[u8]>: Send, Sync, Clone, Debug);
assert_impl_all!(OnConsumerDeath: Send, Sync, Copy, Eq, std::hash::Hash, Debug, Default);

assert_impl_all!(Producer<u64>: Send, Debug);
assert_impl_all!(Producer<[u8]>: Send, Debug);
assert_not_impl_any!(Producer<u64>: Sync, Clone);
assert_not_impl_any!(Producer<[u8]>: Sync, Clone);
assert_impl_all!(Consumer<u64>: Send, Debug);
assert_impl_all!(Consumer<[u8]>: Send, Debug);
assert_not_impl_any!(Consumer<u64>: Sync, Clone);
assert_not_impl_any!(Consumer<[u8]>: Sync, Clone);

assert_impl_all!(ReadGuard<'static, u64>: Send, Debug);
assert_impl_all!(ReadGuard<'static, [u8]>: Send, Debug);
assert_impl_all!(ReadSlice<'static, u64>: Send, Debug);
assert_not_impl_any!(ReadGuard<'static, u64>: Sync, Clone);
assert_not_impl_any!(ReadSlice<'static, u64>: Sync, Clone);

assert_impl_all!(Delivery: Copy, Eq, Send, Sync, Debug);
assert_impl_all!(Item<u64>: Copy, Eq, Send, Sync, Debug);
assert_impl_all!(RepairReport: Clone, Eq, Send, Sync, Debug, Default);
assert_impl_all!(RepairedItem: Copy, Eq, Send, Sync, Debug);
assert_impl_all!(Fate: Copy, Eq, std::hash::Hash, Send, Sync, Debug);
assert_impl_all!(PushError: std::error::Error, Copy, Eq, Send, Sync);
assert_impl_all!(PopError: std::error::Error, Copy, Eq, Send, Sync);
assert_impl_all!(ReleaseError: std::error::Error, Copy, Eq, Send, Sync);
assert_impl_all!(AttachError: std::error::Error, Clone, Eq, Send, Sync);

#[test]
fn the_errors_of_the_hot_path_stay_small() {
    assert!(size_of::<PushError>() <= 16 && size_of::<PopError>() <= 16);
    assert!(size_of::<Result<(), PushError>>() <= 16 && size_of::<Result<(), PopError>>() <= 16);
}

#[test]
fn what_is_printed_for_a_handle_names_its_ring_and_its_entry() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let place = match backing {
            Backing::Heap => "heap",
            Backing::Shm => "/dev/shm/rf-test-",
        };
        let (mut tx, rx) = ring.ends();
        tx.try_push(1).expect("room");
        let handles = [(format!("{tx:?}"), tx.index()), (format!("{rx:?}"), rx.index())];
        for (text, index) in handles {
            assert!(text.contains(place) && text.contains(&format!("index: {index}")), "{text}");
        }
        let text = format!("{:?}", *ring);
        assert!(text.contains(place) && text.contains("capacity: 4"), "{text}");
        assert!(format!("{tx:#?}{rx:#?}{:#?}", *ring).contains(place));
    });
}

#[test]
fn guards_reports_and_options_can_be_printed() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4);
        let (mut tx, mut rx) = ring.ends();
        tx.try_push(1).expect("room");
        assert!(format!("{:?}", rx.try_read()).contains("ReadGuard"));
        assert!(format!("{:?}", rx.try_read_slice(1)).contains("redelivered: true"));
        assert!(format!("{:?}", rx.try_read_ahead()).contains("value: 1"));
        assert!(format!("{:?}", rx.last()).contains("Position(0)"));
        assert!(format!("{:?}", ring.participants()).contains("Producer"));
        assert!(format!("{:?}", ring.repair()).contains("RepairReport"));
        assert!(format!("{:?}", Options::<u64>::new(4)).contains('4'));
    });
}
