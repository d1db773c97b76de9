//! Handles that are awaited, on tokio's runtimes.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_core::Stream;
use ringfence::spsc::{Consumer, Options, Producer, Ring};
use ringfence::{Async, Bridge, Fault, Payload, PopError, PushError, WaitError};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::PATIENCE;
use crate::common::{Backing, Running, for_each_backing};

impl Running {
    fn ends<P: Payload + ?Sized>(&self, ring: &Ring<P>) -> (Async<Producer<P>>, Async<Consumer<P>>) {
        let producer = Async::new(ring.producer().expect("the role"), &self.bridge).expect("room");
        (producer, Async::new(ring.consumer().expect("the role"), &self.bridge).expect("room"))
    }
}

/// Runs `body` on a runtime of one thread, and on one of two.
fn on_each_runtime(body: impl Fn(&Runtime)) {
    body(&Builder::new_current_thread().enable_time().build().expect("a runtime"));
    body(&Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime"));
}

async fn in_time<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("nobody hangs")
}

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

/// Polls once, with a waker that does nothing.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn items_pass_between_two_tasks_in_order() {
    const ITEMS: u64 = 10_000;
    for_each_backing(|backing| {
        on_each_runtime(|runtime| {
            let running = Running::new();
            let ring = backing.elements::<u64>(8);
            let (mut tx, mut rx) = running.ends(&ring);
            runtime.block_on(async {
                let pushing = tokio::spawn(async move {
                    for value in 0..ITEMS {
                        in_time(tx.push(value)).await.expect("an open ring");
                    }
                    tx.get_mut().close();
                });
                let popping = tokio::spawn(async move {
                    for value in 0..ITEMS {
                        assert_eq!(in_time(rx.pop()).await, Ok(value));
                    }
                    assert_eq!(in_time(rx.pop()).await, Err(PopError::Closed));
                });
                pushing.await.expect("no panic");
                popping.await.expect("no panic");
            });
        });
    });
}

#[test]
fn a_task_and_a_thread_share_a_ring() {
    on_each_runtime(|runtime| {
        let running = Running::new();
        let ring = Backing::Shm.elements::<u64>(4);
        let mut tx = ring.producer().expect("the role");
        let mut rx =
            Async::new(ring.opened_again().consumer().expect("the role"), &running.bridge).expect("room");
        let pushing = thread::spawn(move || {
            for value in 0..1_000 {
                tx.push(value).expect("an open ring");
            }
        });
        runtime.block_on(async {
            for value in 0..1_000 {
                assert_eq!(in_time(rx.pop()).await, Ok(value));
            }
        });
        pushing.join().expect("no panic");
    });
}

#[test]
fn batches_and_bytes_are_awaited_as_single_elements_are() {
    on_each_runtime(|runtime| {
        let running = Running::new();
        let (elements, bytes) = (Backing::Heap.elements::<u64>(4), Backing::Heap.bytes(2, 8));
        let (mut tx, mut rx) = running.ends(&elements);
        let (mut bytes_tx, mut bytes_rx) = running.ends(&bytes);
        runtime.block_on(in_time(async move {
            let pushing = async {
                let mut values: &[u64] = &[1, 2, 3, 4, 5, 6, 7, 8, 9];
                while !values.is_empty() {
                    tx.ready().await.expect("an open ring");
                    let count = tx.push_slice(values).await.expect("an open ring");
                    assert!((1..=4).contains(&count));
                    values = &values[count..];
                    bytes_tx.push(format!("{}", values.len()).as_bytes()).await.expect("an open ring");
                }
                let long = bytes_tx.push(b"far too long").await;
                assert_eq!(long, Err(PushError::TooLong { len: 12, max: 8 }));
                tx.into_inner().close();
                bytes_tx.into_inner().close();
            };
            let popping = async {
                let (mut popped, mut buffer) = (Vec::new(), [0; 3]);
                while let Ok(count) = rx.pop_slice(&mut buffer).await {
                    popped.extend_from_slice(&buffer[..count]);
                }
                assert_eq!(popped, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
            };
            let popping_bytes = async {
                let (mut last, mut buffer) = (9, Vec::new());
                while bytes_rx.pop_to(&mut buffer).await.is_ok() {
                    let left: usize = String::from_utf8_lossy(&buffer).parse().expect("a number");
                    assert!(left < last);
                    last = left;
                }
                assert_eq!(last, 0);
            };
            tokio::join!(pushing, popping, popping_bytes);
        }));
    });
}

#[test]
fn a_look_is_awaited_and_acknowledges_only_by_release() {
    on_each_runtime(|runtime| {
        let running = Running::new();
        let ring = Backing::Heap.elements::<u64>(4);
        let (mut tx, mut rx) = running.ends(&ring);
        runtime.block_on(in_time(async {
            let pushing = async {
                tokio::task::yield_now().await;
                tx.push_slice(&[1, 2, 3]).await.expect("room");
            };
            let reading = async {
                let item = rx.read().await.expect("an item");
                assert_eq!((item.get(), item.redelivered()), (1, false));
                drop(item);
                let item = rx.read().await.expect("the item");
                assert_eq!((item.get(), item.redelivered()), (1, true));
                item.release();
                rx.ready().await.expect("an item");
                let items = rx.read_slice(9).await.expect("items");
                assert_eq!((items.iter().collect::<Vec<_>>(), items.redelivered()), (vec![2, 3], false));
                items.release();
            };
            tokio::join!(pushing, reading);
        }));
        assert!(ring.is_empty());
    });
}

#[test]
fn a_future_that_is_dropped_before_it_is_ready_has_done_nothing() {
    for_each_backing(|backing| {
        let running = Running::new();
        let ring = backing.elements::<u64>(2);
        let (mut tx, mut rx) = running.ends(&ring);
        assert!(poll_once(rx.pop()).is_pending());
        assert!(poll_once(rx.read()).is_pending());
        assert!(poll_once(rx.pop_slice(&mut [0; 2])).is_pending());
        drop(rx.pop());
        assert_eq!(tx.get_mut().try_push_slice(&[1, 2]), Ok(2));
        assert!(poll_once(tx.push(3)).is_pending());
        assert!(poll_once(tx.push_slice(&[3, 4])).is_pending());
        drop(tx.push(3));
        assert_eq!(poll_once(rx.pop()), Poll::Ready(Ok(1)));
        assert_eq!(poll_once(rx.pop()), Poll::Ready(Ok(2)));
        assert!(poll_once(rx.pop()).is_pending());
    });
}

#[test]
fn nothing_is_lost_or_doubled_where_select_cancels_time_and_again() {
    const ITEMS: u64 = 5_000;
    on_each_runtime(|runtime| {
        let running = Running::new();
        let ring = Backing::Heap.elements::<u64>(64);
        let (mut tx, mut rx) = running.ends(&ring);
        runtime.block_on(in_time(async {
            let pushing = tokio::spawn(async move {
                let mut value = 0;
                while value < ITEMS {
                    tokio::select! {
                        biased;
                        () = tokio::task::yield_now() => {}
                        pushed = tx.push(value) => {
                            pushed.expect("an open ring");
                            value += 1;
                        }
                    }
                }
                tx.into_inner().close();
            });
            let mut next = 0;
            loop {
                tokio::select! {
                    biased;
                    () = tokio::task::yield_now() => {}
                    popped = rx.pop() => match popped {
                        Ok(value) => {
                            assert_eq!(value, next);
                            next += 1;
                        }
                        Err(error) => break assert_eq!(error, PopError::Closed),
                    }
                }
            }
            assert_eq!(next, ITEMS);
            pushing.await.expect("no panic");
        }));
    });
}

#[test]
fn a_timer_goes_on_while_a_task_waits_for_a_ring() {
    on_each_runtime(|runtime| {
        let running = Running::new();
        let ring = Backing::Shm.elements::<u64>(2);
        let (_tx, mut rx) = running.ends(&ring);
        runtime.block_on(async {
            assert!(timeout(Duration::from_millis(20), rx.pop()).await.is_err());
        });
    });
}

#[test]
fn a_stream_yields_every_item_and_ends_with_the_ring() {
    for_each_backing(|backing| {
        on_each_runtime(|runtime| {
            let running = Running::new();
            let ring = backing.elements::<u64>(4);
            let (mut tx, mut rx) = running.ends(&ring);
            runtime.block_on(in_time(async {
                let pushing = tokio::spawn(async move {
                    for value in 0..1_000 {
                        tx.push(value).await.expect("an open ring");
                    }
                    tx.into_inner().close();
                });
                for value in 0..1_000 {
                    assert_eq!(next(&mut rx).await, Some(Ok(value)));
                }
                assert_eq!((next(&mut rx).await, next(&mut rx).await), (None, None));
                pushing.await.expect("no panic");
            }));
        });
    });
}

#[test]
fn a_stream_says_an_error_and_ends() {
    on_each_runtime(|runtime| {
        let running = Running::new();
        let ring = Backing::Shm.elements::<u64>(4);
        let (mut tx, mut rx) = running.ends(&ring);
        runtime.block_on(in_time(async {
            tx.push(1).await.expect("room");
            ring.force_unlink().expect("a name");
            assert_eq!(next(&mut rx).await, Some(Ok(1)));
            assert_eq!(next(&mut rx).await, Some(Err(PopError::Broken(Fault::Unlinked))));
            assert_eq!(next(&mut rx).await, None);
        }));
    });
}

#[test]
fn tasks_that_wait_learn_that_their_bridge_was_stopped() {
    on_each_runtime(|runtime| {
        let running = Running::new();
        let ring = Backing::Heap.elements::<u64>(2);
        let (mut tx, mut rx) = running.ends(&ring);
        runtime.block_on(in_time(async {
            let stopping = async {
                tokio::task::yield_now().await;
                running.bridge.stop();
            };
            let (popped, ()) = tokio::join!(rx.pop(), stopping);
            assert_eq!(popped, Err(PopError::Broken(Fault::Stopped)));
            // What needs no bridge goes on.
            for value in [1, 2] {
                tx.push(value).await.expect("room");
            }
            assert_eq!(tx.push(3).await, Err(PushError::Broken(Fault::Stopped)));
            assert_eq!((rx.pop().await, rx.into_inner().try_pop()), (Ok(1), Ok(2)));
        }));
    });
}

#[test]
fn a_ring_that_no_bridge_can_watch_is_refused() {
    let bridge = Bridge::new();
    let ring = Backing::Heap.create(Options::<u64>::new(2).busy_poll(true));
    let refused = Async::new(ring.consumer().expect("the role"), &bridge);
    assert_eq!(refused.err(), Some(WaitError::NoDoorbell));
    drop(ring.consumer().expect("the role is free"));
}

#[test]
fn what_is_unwrapped_gives_its_place_up() {
    let bridge = Bridge::new();
    let ring = Backing::Heap.elements::<u64>(2);
    let mut rx = ring.consumer().expect("the role");
    for _ in 0..200 {
        let wrapped = Async::new(rx, &bridge).expect("room");
        assert!(format!("{wrapped:?}").contains("Consumer"));
        assert_eq!(wrapped.get_ref().capacity(), 2);
        rx = wrapped.into_inner();
    }
}
