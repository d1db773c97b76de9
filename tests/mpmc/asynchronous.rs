//! Handles that are awaited.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;
use ringfence::mpmc::{Consumer, Options, Producer, Ring};
use ringfence::{Async, Fault, Payload, PopError, PushError};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::common::{Backing, Running, for_each_backing};
use crate::{PATIENCE, numbers};

fn producer<P: Payload + ?Sized>(ring: &Ring<P>, running: &Running) -> Async<Producer<P>> {
    Async::new(ring.producer().expect("an entry"), &running.bridge).expect("room")
}

fn consumer<P: Payload + ?Sized>(ring: &Ring<P>, running: &Running) -> Async<Consumer<P>> {
    Async::new(ring.consumer().expect("an entry"), &running.bridge).expect("room")
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
fn items_of_two_tasks_reach_two_tasks_once() {
    const EACH: u64 = 2000;
    for_each_backing(|backing| {
        let (running, ring) = (Running::new(), numbers(backing, 8));
        runtime().block_on(async {
            let popping = [(); 2].map(|()| {
                let mut rx = consumer(&ring, &running);
                tokio::spawn(async move {
                    let mut items = Vec::new();
                    while let Some(item) = in_time(next(&mut rx)).await {
                        items.push(item.expect("an item"));
                    }
                    items
                })
            });
            let pushing = [0, 1].map(|me| {
                let mut tx = producer(&ring, &running);
                tokio::spawn(async move {
                    for number in 0..EACH {
                        in_time(tx.push(number << 1 | me)).await.expect("an open ring");
                    }
                })
            });
            for task in pushing {
                task.await.expect("no panic");
            }
            ring.close();
            let mut all = Vec::new();
            for task in popping {
                let items = task.await.expect("no panic");
                for me in [0, 1] {
                    assert!(items.iter().filter(|it| *it & 1 == me).is_sorted());
                }
                all.extend(items);
            }
            all.sort_unstable();
            assert!(all.into_iter().eq(0..2 * EACH));
        });
    });
}

#[test]
fn batches_bytes_and_looks_are_awaited_as_single_elements_are() {
    let running = Running::new();
    let elements = numbers(Backing::Heap, 4);
    let bytes = Backing::Heap.create(Options::<[u8]>::new(2, 8));
    let (mut tx, mut rx) = (producer(&elements, &running), consumer(&elements, &running));
    let (mut bytes_tx, mut bytes_rx) = (producer(&bytes, &running), consumer(&bytes, &running));
    runtime().block_on(in_time(async {
        let pushing = async {
            tokio::task::yield_now().await;
            tx.ready().await.expect("an open ring");
            assert_eq!(tx.push_slice(&[1, 2, 3, 4, 5]).await, Ok(4));
            bytes_tx.push(b"bytes").await.expect("an open ring");
            assert_eq!(bytes_tx.push(b"far too long").await, Err(PushError::TooLong { len: 12, max: 8 }));
        };
        let popping = async {
            rx.ready().await.expect("an item");
            drop(rx.read().await.expect("an item"));
            let item = rx.read().await.expect("the item");
            assert_eq!((item.get(), item.redelivered()), (1, true));
            item.release();
            let mut out = [0; 8];
            assert_eq!((rx.pop_slice(&mut out).await, &out[..3]), (Ok(3), &[2, 3, 4][..]));
            let mut buffer = Vec::new();
            assert_eq!((bytes_rx.pop_to(&mut buffer).await, &buffer[..]), (Ok(5), &b"bytes"[..]));
        };
        tokio::join!(pushing, popping);
    }));
}

#[test]
fn a_look_that_is_cancelled_takes_nothing() {
    for_each_backing(|backing| {
        let (running, ring) = (Running::new(), numbers(backing, 4));
        let (mut tx, mut rx) = (producer(&ring, &running), consumer(&ring, &running));
        runtime().block_on(in_time(async {
            for value in 0..20 {
                assert!(timeout(Duration::from_millis(1), rx.read()).await.is_err());
                assert!(timeout(Duration::from_millis(1), rx.pop()).await.is_err());
                tx.push(value).await.expect("room");
                assert_eq!(rx.pop().await, Ok(value));
                assert!(!rx.get_ref().last().expect("a delivery").redelivered);
            }
        }));
    });
}

#[test]
fn a_stream_says_an_error_and_ends() {
    let (running, ring) = (Running::new(), numbers(Backing::Shm, 4));
    let (mut tx, mut rx) = (producer(&ring, &running), consumer(&ring, &running));
    runtime().block_on(in_time(async {
        tx.push(1).await.expect("room");
        ring.force_unlink().expect("a name");
        assert_eq!(next(&mut rx).await, Some(Ok(1)));
        assert_eq!(next(&mut rx).await, Some(Err(PopError::Broken(Fault::Unlinked))));
        assert_eq!(next(&mut rx).await, None);
    }));
}
