//! What goes in comes out: once, whole, in order per producer.

use std::sync::Mutex;
use std::thread;

use ringfence::{PopError, PushError, mpmc};

#[test]
fn smoke() {
    let ring = mpmc::Options::<u64>::new(4).in_process().unwrap();
    let mut tx = ring.producer().unwrap();
    let mut rx = ring.consumer().unwrap();
    for round in 0..100 {
        for i in 0..4 {
            assert!(tx.try_push(round * 4 + i).is_ok());
        }
        assert_eq!(tx.try_push(9), Err(PushError::Full));
        for i in 0..4 {
            assert_eq!(rx.try_pop(), Ok(round * 4 + i));
        }
        assert_eq!(rx.try_pop(), Err(PopError::Empty));
    }
    ring.close();
    assert_eq!(tx.push(1), Err(PushError::Closed));
    assert_eq!(rx.pop(), Err(PopError::Closed));
}

#[test]
fn threads() {
    let ring = mpmc::Options::<[u64; 2]>::new(64).in_process().unwrap();
    const N: u64 = 200_000;
    let got = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let producers: Vec<_> = (0..2)
            .map(|me| {
                let mut tx = ring.producer().unwrap();
                scope.spawn(move || {
                    for i in 0..N {
                        tx.push([me, i]).unwrap();
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            let mut rx = ring.consumer().unwrap();
            let got = &got;
            scope.spawn(move || {
                let mut mine = Vec::new();
                loop {
                    match rx.pop() {
                        Ok(item) => mine.push(item),
                        Err(PopError::Closed) => break,
                        Err(e) => panic!("{e:?}"),
                    }
                }
                got.lock().unwrap().push(mine);
            });
        }
        for p in producers {
            p.join().unwrap();
        }
        ring.close();
    });
    let got = got.into_inner().unwrap();
    let mut all: Vec<_> = got.iter().flatten().copied().collect();
    for mine in &got {
        for me in 0..2 {
            let seq: Vec<_> = mine.iter().filter(|it| it[0] == me).map(|it| it[1]).collect();
            assert!(seq.windows(2).all(|w| w[0] < w[1]));
        }
    }
    all.sort_unstable();
    assert_eq!(all.len() as u64, 2 * N);
    all.dedup();
    assert_eq!(all.len() as u64, 2 * N);
}
