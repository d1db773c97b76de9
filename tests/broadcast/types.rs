//! What the types say of themselves.

use std::fmt::Debug;

use ringfence::broadcast::{
    Claim, Delivery, Filled, Gate, GateReport, GateStatus, GatedSubscriber, Item, Options, Publisher,
    ReadGuard, Resume, Ring, Start, Subscriber,
};
use ringfence::{AttachError, PushError, RecvError};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::common::for_each_backing;
use crate::{Backing, at, join, lagged, numbers, publish, subscribe};

assert_impl_all!(Ring<u64>: Send, Sync, Unpin, Clone, Debug);
assert_impl_all!(Ring<[u8]>: Send, Sync, Unpin, Clone, Debug);
assert_impl_all!(Options<u64>: Send, Sync, Unpin, Clone, Debug);
assert_impl_all!(Options<[u8]>: Send, Sync, Unpin, Clone, Debug);

assert_impl_all!(Publisher<u64>: Send, Unpin, Debug);
assert_impl_all!(Publisher<[u8]>: Send, Unpin, Debug);
assert_not_impl_any!(Publisher<u64>: Sync, Clone);
assert_not_impl_any!(Publisher<[u8]>: Sync, Clone);
assert_impl_all!(Subscriber<u64>: Send, Unpin, Debug);
assert_impl_all!(Subscriber<[u8]>: Send, Unpin, Debug);
assert_not_impl_any!(Subscriber<u64>: Sync, Clone);
assert_not_impl_any!(Subscriber<[u8]>: Sync, Clone);
assert_impl_all!(GatedSubscriber<u64>: Send, Unpin, Debug);
assert_impl_all!(GatedSubscriber<[u8]>: Send, Unpin, Debug);
assert_not_impl_any!(GatedSubscriber<u64>: Sync, Clone);
assert_not_impl_any!(GatedSubscriber<[u8]>: Sync, Clone);

assert_impl_all!(Claim<'static, u64>: Send, Debug);
assert_impl_all!(Claim<'static, [u8]>: Send, Debug, std::io::Write);
assert_impl_all!(Filled<'static, u64>: Send, Debug);
assert_impl_all!(ReadGuard<'static, u64>: Send, Debug, std::ops::Deref<Target = u64>);
assert_impl_all!(ReadGuard<'static, [u8]>: Send, Debug, std::ops::Deref<Target = [u8]>);
assert_not_impl_any!(Claim<'static, u64>: Sync, Clone);
assert_not_impl_any!(Filled<'static, u64>: Sync, Clone);
assert_not_impl_any!(ReadGuard<'static, u64>: Sync, Clone);

assert_impl_all!(Start: Copy, Eq, Default, Send, Sync, Debug);
assert_impl_all!(Resume: Copy, Eq, Default, std::hash::Hash, Send, Sync, Debug);
assert_impl_all!(Gate<'static>: Copy, Eq, Default, From<&'static str>, Send, Sync, Debug);
assert_impl_all!(GateStatus: Copy, Eq, std::hash::Hash, Send, Sync, Debug);
assert_impl_all!(GateReport: Clone, Eq, Send, Sync, Debug);
assert_impl_all!(Delivery: Copy, Eq, Send, Sync, Debug);
assert_impl_all!(Item<u64>: Copy, Eq, Send, Sync, Debug);
assert_impl_all!(RecvError: std::error::Error, Copy, Eq, Send, Sync);

#[test]
fn the_errors_of_the_hot_path_stay_small() {
    assert!(size_of::<PushError>() <= 16 && size_of::<RecvError>() <= 24);
}

#[test]
fn what_is_printed_for_a_handle_names_its_ring() {
    for_each_backing(|backing| {
        let ring = numbers(backing, 4, 1);
        let place = match backing {
            Backing::Heap => "heap",
            Backing::Shm => "/dev/shm/rf-test-",
        };
        let mut tx = ring.publisher().expect("the role");
        let (lossy, gated) = (subscribe(&ring, Start::Newest), join(&ring, Start::Newest));
        publish(&mut tx, 0..1);
        for text in [
            format!("{:?}", *ring),
            format!("{tx:?}"),
            format!("{lossy:?}"),
            format!("{gated:?}"),
            format!("{:#?}", *ring),
            format!("{tx:#?}"),
            format!("{lossy:#?}"),
            format!("{gated:#?}"),
        ] {
            assert!(text.contains(place), "{text}");
        }
        if backing == Backing::Shm {
            ring.force_unlink().expect("it is there");
            for text in [format!("{tx:?}"), format!("{lossy:?}"), format!("{gated:?}")] {
                assert!(text.contains(place), "{text}");
            }
        }
    });
}

#[test]
fn guards_claims_and_reports_can_be_printed() {
    for_each_backing(|backing| {
        let ring = backing.create(Options::<u64>::new(4).gate("recorder"));
        let mut tx = ring.publisher().expect("the role");
        let mut rx = ring.subscribe_gated("recorder", Start::Newest).expect("the gate");
        assert!(format!("{:?}", tx.try_claim()).contains("Claim"));
        assert!(format!("{:?}", tx.try_claim().expect("room").write(1)).contains("Filled"));
        publish(&mut tx, 1..2);
        assert!(format!("{:?}", rx.try_read()).contains("ReadGuard"));
        assert!(format!("{:?}", rx.try_read_ahead()).contains("value: 1"));
        assert!(format!("{:?}", rx.last()).contains("Position(0)"));
        assert!(format!("{:?}", ring.gates()).contains("recorder"));
        assert!(format!("{:?}", ring.participants()).contains("Publisher"));
        assert!(format!("{:?}", Options::<u64>::new(4).gate("one")).contains("one"));
    });
}

#[test]
fn every_error_says_what_a_person_needs_to_know() {
    for (error, part) in [
        (RecvError::Empty, "nothing new"),
        (lagged(7, 9), "7 items"),
        (lagged(7, 9), &at(9).to_string()),
        (RecvError::Contended, "overwritten"),
        (RecvError::Timeout, "limit"),
        (RecvError::Closed, "closed"),
        (RecvError::from(ringfence::Fault::Unlinked), "unlinked"),
    ] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(AttachError::ReadOnly.to_string().contains("reading only"));
}
