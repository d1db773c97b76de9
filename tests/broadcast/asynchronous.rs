//! Handles that are awaited.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;
use ringfence::broadcast::{GatedSubscriber, Options, Publisher, Ring, Start, Subscriber};
use ringfence::{Async, Fault, Payload, PushError, RecvError};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::common::{Backing, Running, for_each_backing};
use crate::{PATIENCE, join, lagged, numbers, publish, subscribe};

fn publisher<P: Payload + ?Sized>(ring: &Ring<P>, running: &Running) -> Async<Publisher<P>> {
    Async::new(ring.publisher().expect("the role"), &running.bridge).expect("room")
}

fn lossy<P: Payload + ?Sized>(ring: &Ring<P>, running: &Running) -> Async<Subscriber<P>> {
    Async::new(subscribe(ring, Start::Newest), &running.bridge).expect("room")
}

fn gated<P: Payload + ?Sized>(ring: &Ring<P>, running: &Running) -> Async<GatedSubscriber<P>> {
    Async::new(join(ring, Start::Newest), &running.bridge).expect("room")
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime")
}

async fn in_time<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("nobody hangs")
}

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

#[test]
fn items_reach_every_task() {
    const ITEMS: u64 = 3000;
    for_each_backing(|backing| {
        let (running, ring) = (Running::new(), numbers(backing, 8, 2));
        runtime().block_on(async {
            let gated = [(); 2].map(|()| {
                let mut rx = gated(&ring, &running);
                tokio::spawn(async move {
                    for number in 0..ITEMS {
                        assert_eq!(in_time(rx.recv()).await, Ok(number));
                    }
                    assert_eq!(in_time(rx.recv()).await, Err(RecvError::Closed));
                })
            });
            let mut rx = lossy(&ring, &running);
            let lossy = tokio::spawn(async move {
                let mut next = 0;
                loop {
                    match in_time(rx.recv()).await {
                        Ok(number) => {
                            assert_eq!(number, next);
                            next += 1;
                        }
                        Err(RecvError::Lagged { missed, .. }) => next += missed,
                        Err(error) => return (next, error),
                    }
                }
            });
            let mut tx = publisher(&ring, &running);
            for number in 0..ITEMS {
                in_time(tx.publish(number)).await.expect("an open ring");
            }
            tx.get_mut().close();
            for task in gated {
                task.await.expect("no panic");
            }
            assert_eq!(lossy.await.expect("no panic"), (ITEMS, RecvError::Closed));
        });
    });
}

#[test]
fn a_stream_tells_of_a_gap_and_goes_on_behind_it() {
    for_each_backing(|backing| {
        let (running, ring) = (Running::new(), numbers(backing, 2, 0));
        let mut rx = lossy(&ring, &running);
        let mut tx = ring.publisher().expect("the role");
        runtime().block_on(in_time(async {
            for round in 0..3 {
                publish(&mut tx, 5 * round..5 * round + 5);
                assert_eq!(next(&mut rx).await, Some(Err(lagged(3, 5 * round + 3))));
                assert_eq!(next(&mut rx).await, Some(Ok(5 * round + 3)));
                assert_eq!(next(&mut rx).await, Some(Ok(5 * round + 4)));
            }
            publish(&mut tx, 15..20);
            tx.close();
            assert_eq!(next(&mut rx).await, Some(Err(lagged(3, 18))));
            assert_eq!((next(&mut rx).await, next(&mut rx).await), (Some(Ok(18)), Some(Ok(19))));
            assert_eq!((next(&mut rx).await, next(&mut rx).await), (None, None));
        }));
    });
}

#[test]
fn a_stream_of_a_gated_subscriber_has_every_item() {
    for_each_backing(|backing| {
        let (running, ring) = (Running::new(), numbers(backing, 2, 1));
        let (mut tx, mut rx) = (publisher(&ring, &running), gated(&ring, &running));
        runtime().block_on(in_time(async {
            let publishing = async {
                assert_eq!(tx.publish_slice(&[0, 1, 2]).await, Ok(2));
                for number in 2..100 {
                    tx.publish(number).await.expect("an open ring");
                }
                tx.get_mut().close();
            };
            let receiving = async {
                for number in 0..100 {
                    assert_eq!(next(&mut rx).await, Some(Ok(number)));
                }
                assert_eq!(next(&mut rx).await, None);
            };
            tokio::join!(publishing, receiving);
        }));
    });
}

#[test]
fn batches_bytes_and_looks_are_awaited_as_single_elements_are() {
    let running = Running::new();
    let elements = numbers(Backing::Heap, 4, 1);
    let bytes = Backing::Heap.create(Options::<[u8]>::new(2, 8).gated(1));
    let (mut tx, mut rx) = (publisher(&elements, &running), gated(&elements, &running));
    let mut other = lossy(&elements, &running);
    let (mut bytes_tx, mut bytes_rx) = (publisher(&bytes, &running), gated(&bytes, &running));
    runtime().block_on(in_time(async {
        let publishing = async {
            tokio::task::yield_now().await;
            tx.ready().await.expect("an open ring");
            assert_eq!(tx.publish_slice(&[1, 2, 3, 4, 5]).await, Ok(4));
            bytes_tx.publish(b"bytes").await.expect("an open ring");
            let refused = bytes_tx.publish(b"far too long").await;
            assert_eq!(refused, Err(PushError::TooLong { len: 12, max: 8 }));
        };
        let receiving = async {
            rx.ready().await.expect("an item");
            drop(rx.get_mut().try_read().expect("an item"));
            let mut out = [0; 8];
            assert_eq!((rx.recv_slice(&mut out).await, out[0]), (Ok(1), 1), "the flagged one alone");
            assert_eq!((rx.recv_slice(&mut out).await, &out[..3]), (Ok(3), &[2, 3, 4][..]));
            other.ready().await.expect("an item");
            assert_eq!((other.recv_slice(&mut out).await, &out[..4]), (Ok(4), &[1, 2, 3, 4][..]));
            let mut buffer = Vec::new();
            assert_eq!((bytes_rx.recv_to(&mut buffer).await, &buffer[..]), (Ok(5), &b"bytes"[..]));
        };
        tokio::join!(publishing, receiving);
    }));
}

#[test]
fn a_call_that_is_cancelled_takes_nothing() {
    for_each_backing(|backing| {
        let (running, ring) = (Running::new(), numbers(backing, 2, 1));
        let (mut tx, mut rx) = (publisher(&ring, &running), gated(&ring, &running));
        let mut other = lossy(&ring, &running);
        let moment = Duration::from_millis(1);
        runtime().block_on(in_time(async {
            for value in 0..10 {
                assert!(timeout(moment, rx.recv()).await.is_err());
                assert!(timeout(moment, other.recv()).await.is_err());
                tx.publish(2 * value).await.expect("room");
                tx.publish(2 * value + 1).await.expect("room");
                assert!(timeout(moment, tx.publish(u64::MAX)).await.is_err());
                for value in [2 * value, 2 * value + 1] {
                    assert_eq!((rx.recv().await, other.recv().await), (Ok(value), Ok(value)));
                }
            }
        }));
    });
}

#[test]
fn a_stream_says_an_error_and_ends() {
    let (running, ring) = (Running::new(), numbers(Backing::Shm, 4, 0));
    let (mut tx, mut rx) = (publisher(&ring, &running), lossy(&ring, &running));
    runtime().block_on(in_time(async {
        tx.publish(1).await.expect("no gate");
        ring.force_unlink().expect("a name");
        assert_eq!(next(&mut rx).await, Some(Ok(1)));
        assert_eq!(next(&mut rx).await, Some(Err(RecvError::Broken(Fault::Unlinked))));
        assert_eq!(next(&mut rx).await, None);
    }));
}
