//! Several threads on each side.

use std::thread;

use ringfence::mpmc::{Consumer, Options, Producer};
use ringfence::{Attach, Barrier, PopError, Strategy};

use crate::common::{Backing, for_each_backing};
use crate::{PATIENCE, TestRing};

/// An item: who pushed it, and which of its pushes that was.
type Stamped = [u64; 2];

/// What a consumer was given, with its flags, in its order.
type Seen = Vec<(Stamped, bool)>;

/// Runs `producers` and `consumers` of `ring`, until the producers are done; what each consumer saw.
fn run(
    ring: &TestRing<Stamped>,
    producers: u64,
    push: impl Fn(u64, &mut Producer<Stamped>) + Sync,
    consumers: u64,
    pop: impl Fn(&mut Consumer<Stamped>, &mut Seen) -> Result<(), PopError> + Sync,
) -> Vec<Seen> {
    thread::scope(|scope| {
        let pushing: Vec<_> = (0..producers)
            .map(|me| {
                let mut tx = ring.opened_again().producer().expect("an entry");
                let push = &push;
                scope.spawn(move || push(me, &mut tx))
            })
            .collect();
        let popping: Vec<_> = (0..consumers)
            .map(|_| {
                let mut rx = ring.opened_again().consumer().expect("an entry");
                let pop = &pop;
                scope.spawn(move || {
                    let mut seen = Vec::new();
                    loop {
                        if let Err(error) = pop(&mut rx, &mut seen) {
                            assert_eq!(error, PopError::Closed);
                            return seen;
                        }
                    }
                })
            })
            .collect();
        for thread in pushing {
            thread.join().expect("no panic");
        }
        ring.close();
        popping.into_iter().map(|it| it.join().expect("no panic")).collect()
    })
}

/// Everything `producers` pushed, `each` items, was seen once unflagged at most, and at least once; in order per producer
/// where it is not flagged.
fn assert_exactly_once(seen: &[Seen], producers: u64, each: u64) {
    let mut all: Vec<Stamped> = seen.iter().flatten().map(|it| it.0).collect();
    all.sort_unstable();
    let expected = (0..producers).flat_map(|me| (0..each).map(move |number| [me, number]));
    assert!(all.into_iter().eq(expected), "an item was lost, or came twice");
    for seen in seen {
        let mut next = vec![0; producers as usize];
        for ([me, number], _) in seen.iter().filter(|it| !it.1) {
            let next = &mut next[*me as usize];
            assert!(number >= next, "item {number} of producer {me} came behind item {next}");
            *next = number + 1;
        }
    }
}

fn pop_one(rx: &mut Consumer<Stamped>, seen: &mut Seen) -> Result<(), PopError> {
    let item = rx.pop_timeout(PATIENCE)?;
    seen.push((item, rx.last().expect("a delivery").redelivered));
    Ok(())
}

fn push_each(each: u64) -> impl Fn(u64, &mut Producer<Stamped>) + Sync {
    move |me, tx| (0..each).for_each(|number| assert!(tx.push_timeout([me, number], PATIENCE).is_ok()))
}

#[test]
fn two_producers_and_two_consumers_pass_every_item_once_and_in_order_per_producer() {
    const EACH: u64 = 30_000;
    for_each_backing(|backing| {
        for capacity in [2, 64] {
            let ring = backing.create(Options::<Stamped>::new(capacity));
            let seen = run(&ring, 2, push_each(EACH), 2, pop_one);
            assert_exactly_once(&seen, 2, EACH);
            assert!(seen.iter().flatten().all(|it| !it.1), "nobody gave anything back");
        }
    });
}

#[test]
fn every_strategy_and_barrier_on_each_side_works_with_every_other() {
    const EACH: u64 = 500;
    for strategy in [Strategy::Adaptive, Strategy::Spin, Strategy::Sleep] {
        for barrier in [Barrier::Asymmetric, Barrier::Fenced] {
            let attach = Attach::new().strategy(strategy).barrier(barrier);
            let ring = Backing::Heap.create(Options::<Stamped>::new(4).attach(attach));
            assert_exactly_once(&run(&ring, 3, push_each(EACH), 3, pop_one), 3, EACH);
        }
    }
}

#[test]
fn one_consumer_serves_many_producers_and_one_producer_many_consumers() {
    const EACH: u64 = 4000;
    for_each_backing(|backing| {
        let ring = backing.create(Options::<Stamped>::new(16));
        assert_exactly_once(&run(&ring, 5, push_each(EACH), 1, pop_one), 5, EACH);
        let ring = backing.create(Options::<Stamped>::new(16));
        assert_exactly_once(&run(&ring, 1, push_each(EACH), 5, pop_one), 1, EACH);
    });
}

#[test]
fn batches_of_several_threads_pass_every_item_once_and_in_order_per_producer() {
    const EACH: u64 = 30_000;
    for_each_backing(|backing| {
        let ring = backing.create(Options::<Stamped>::new(32));
        let push = |me: u64, tx: &mut Producer<Stamped>| {
            let items: Vec<Stamped> = (0..EACH).map(|number| [me, number]).collect();
            for batch in items.chunks(7) {
                assert_eq!(tx.push_slice_timeout(batch, PATIENCE), Ok(batch.len()));
            }
        };
        let pop = |rx: &mut Consumer<Stamped>, seen: &mut Seen| {
            let mut batch = [[0; 2]; 11];
            let count = rx.pop_slice_timeout(&mut batch, PATIENCE)?;
            let redelivered = rx.last().expect("a delivery").redelivered;
            seen.extend(batch[..count].iter().map(|item| (*item, redelivered)));
            Ok(())
        };
        assert_exactly_once(&run(&ring, 2, push, 2, pop), 2, EACH);
    });
}

#[test]
fn what_is_given_back_again_and_again_still_comes_once_in_the_end() {
    const EACH: u64 = 5000;
    for_each_backing(|backing| {
        let ring = backing.create(Options::<Stamped>::new(8));
        // Whoever looks at an item for the first time gives every third one back.
        let pop = |rx: &mut Consumer<Stamped>, seen: &mut Seen| {
            let item = rx.read_timeout(PATIENCE)?;
            let value = item.get();
            if value[1] % 3 != 0 || item.redelivered() {
                seen.push((value, item.redelivered()));
                item.release();
            }
            Ok(())
        };
        let seen = run(&ring, 2, push_each(EACH), 2, pop);
        assert_exactly_once(&seen, 2, EACH);
        let flagged = seen.iter().flatten().filter(|it| it.1).count() as u64;
        assert_eq!(flagged, 2 * EACH.div_ceil(3));
    });
}

#[test]
fn handles_that_come_and_go_lose_nothing_and_double_nothing() {
    const EACH: u64 = 2000;
    for_each_backing(|backing| {
        let ring = backing.create(Options::<Stamped>::new(8).participants(8));
        let push = |me: u64, tx: &mut Producer<Stamped>| {
            for number in 0..EACH {
                let mut fresh = tx.try_clone().expect("an entry");
                fresh.push_timeout([me, number], PATIENCE).expect("room");
            }
        };
        let pop = |rx: &mut Consumer<Stamped>, seen: &mut Seen| {
            let mut fresh = rx.try_clone().expect("an entry");
            let item = fresh.read_ahead_timeout(PATIENCE)?;
            if item.value[1] % 5 == 0 && !item.redelivered {
                return Ok(()); // It goes back with the handle.
            }
            seen.push((item.value, item.redelivered));
            assert_eq!(fresh.release_through(item.position), Ok(1));
            Ok(())
        };
        assert_exactly_once(&run(&ring, 2, push, 2, pop), 2, EACH);
    });
}
