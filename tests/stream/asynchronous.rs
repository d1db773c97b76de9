//! Handles that are awaited.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;
use ringfence::stream::{Reader, Ring, Writer};
use ringfence::{Async, Payload, PopError, PushError};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::common::{Running, for_each_backing};
use crate::{PATIENCE, elements, record, records};

fn ends<P: Payload + ?Sized>(ring: &Ring<P>, running: &Running) -> (Async<Writer<P>>, Async<Reader<P>>) {
    let writer = Async::new(ring.writer().expect("the role"), &running.bridge).expect("room");
    (writer, Async::new(ring.reader().expect("the role"), &running.bridge).expect("room"))
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
fn elements_pass_between_two_tasks_in_order() {
    for_each_backing(|backing| {
        let (running, ring) = (Running::new(), elements::<u64>(backing, 8));
        let (mut tx, mut rx) = ends(&ring, &running);
        runtime().block_on(in_time(async {
            let pushing = tokio::spawn(async move {
                for value in 0..1000 {
                    tx.push(value).await.expect("an open ring");
                }
                tx.get_mut().close();
            });
            for value in 0..1000 {
                assert_eq!(next(&mut rx).await, Some(Ok(value)));
            }
            assert_eq!(next(&mut rx).await, None);
            pushing.await.expect("no panic");
        }));
    });
}

#[test]
fn records_of_any_length_pass_between_two_tasks_in_order() {
    for_each_backing(|backing| {
        let (running, ring) = (Running::new(), records(backing, 256));
        let (mut tx, mut rx) = ends(&ring, &running);
        let length = |number: u64| (number * 31 % 121) as usize;
        runtime().block_on(in_time(async {
            let pushing = tokio::spawn(async move {
                for number in 0..1000 {
                    tx.push(&record(number, length(number))).await.expect("an open ring");
                }
                tx.get_mut().close();
            });
            let mut buffer = Vec::new();
            for number in 0..1000 {
                match number % 3 {
                    0 => {
                        let read = rx.read().await.expect("a record comes");
                        buffer = read.to_vec();
                        read.release();
                    }
                    1 => {
                        let batch = rx.read_batch(1).await.expect("a record comes");
                        buffer = batch.get(0).expect("a record").to_vec();
                        batch.release();
                    }
                    _ => drop(rx.pop_to(&mut buffer).await.expect("a record comes")),
                }
                assert!(buffer == record(number, length(number)), "record {number}");
            }
            assert_eq!(rx.pop_to(&mut buffer).await, Err(PopError::Closed));
            pushing.await.expect("no panic");
        }));
    });
}

#[test]
fn slices_are_awaited_as_single_elements_are() {
    for_each_backing(|backing| {
        let (running, ring) = (Running::new(), elements::<u64>(backing, 4));
        let (mut tx, mut rx) = ends(&ring, &running);
        runtime().block_on(in_time(async {
            let pushing = async {
                tokio::task::yield_now().await;
                tx.ready().await.expect("an open ring");
                assert_eq!(tx.push_slice(&[1, 2, 3, 4, 5]).await, Ok(4));
                assert_eq!(tx.push_slice(&[5]).await, Ok(1));
            };
            let popping = async {
                rx.ready().await.expect("an element");
                drop(rx.read_slice(1).await.expect("an element"));
                let items = rx.read_slice(4).await.expect("the element");
                assert_eq!((items.get(0), items.len(), items.redelivered()), (Some(1), 1, true));
                items.release();
                let mut out = [0; 8];
                assert_eq!((rx.pop_slice(&mut out).await, &out[..3]), (Ok(3), &[2, 3, 4][..]));
                assert_eq!(rx.pop().await, Ok(5));
            };
            tokio::join!(pushing, popping);
        }));
    });
}

#[test]
fn a_task_that_lacks_room_for_a_large_record_is_woken_when_there_is_enough() {
    for_each_backing(|backing| {
        let (running, ring) = (Running::new(), records(backing, 64));
        let (mut tx, mut rx) = ends(&ring, &running);
        runtime().block_on(in_time(async {
            for _ in 0..4 {
                tx.push(b"1").await.expect("room");
            }
            assert!(timeout(Duration::from_millis(5), tx.push(&[9; 24])).await.is_err());
            let refusal = PushError::TooLong { len: 25, max: 24 };
            assert_eq!(tx.push(&[9; 25]).await, Err(refusal));
            let pushing = tokio::spawn(async move { tx.push(&[9; 24]).await });
            let mut buffer = Vec::new();
            rx.pop_to(&mut buffer).await.expect("a record");
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert!(!pushing.is_finished());
            rx.pop_to(&mut buffer).await.expect("a record");
            pushing.await.expect("no panic").expect("an open ring");
        }));
    });
}
