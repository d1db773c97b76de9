//! The protocol of `doorbell`: nobody who may sleep sleeps for ever while there is something to take.

use loom::thread;
use ringfence::model::doorbell::{Arming, At, At::A, At::B, Stock};
use ringfence::model::futex::Death;

use crate::{check, check_crowd};

/// Publishes one item and rings for one sleeper.
fn deliver(stock: &Stock, at: At) {
    stock.put(at);
    stock.ring(at, 1);
}

/// Calls `act` in a thread of its own.
fn spawn(stock: &Stock, act: impl FnOnce(Stock) + 'static) -> thread::JoinHandle<()> {
    let stock = stock.clone();
    thread::spawn(move || act(stock))
}

/// Waits until something happens at `A` or the timer fires, and takes nothing.
fn pass(stock: &Stock) {
    let arming = stock.arm(A);
    stock.announce();
    if !stock.has(A) {
        stock.sleep_timed(A, arming);
    }
}

#[test]
fn a_sleeper_is_woken_for_every_item() {
    check(|| {
        let stock = Stock::fenced();
        let sleeper = spawn(&stock, |stock| (0..2).for_each(|_| stock.get(A)));
        (0..2).for_each(|_| deliver(&stock, A));
        sleeper.join().expect("no panic");
    });
}

#[test]
fn a_sleeper_that_starts_from_a_new_event_sees_its_item() {
    check(|| {
        let stock = Stock::asymmetric();
        stock.arm(A); // by an earlier sleeper: whoever rings sees the bell armed, without a fence
        let ringer = spawn(&stock, |stock| deliver(&stock, A));
        stock.get(A);
        ringer.join().expect("no panic");
    });
}

#[test]
fn a_sleep_that_ends_by_itself_costs_nothing() {
    check(|| {
        let stock = Stock::fenced();
        let sleeper = spawn(&stock, |stock| {
            let arming = stock.arm(A);
            stock.announce();
            if !stock.take(A) {
                stock.sleep_timed(A, arming);
                stock.get(A);
            }
        });
        let ringer = spawn(&stock, |stock| deliver(&stock, A));
        stock.fire_timer(A);
        sleeper.join().expect("no panic");
        ringer.join().expect("no panic");
    });
}

#[test]
fn one_ring_for_each_item_wakes_one_sleeper_for_each() {
    check_crowd(|| {
        let stock = Stock::fenced();
        let sleeper = spawn(&stock, |stock| stock.get(A));
        let ringer = spawn(&stock, |stock| (0..2).for_each(|_| deliver(&stock, A)));
        stock.get(A);
        sleeper.join().expect("no panic");
        ringer.join().expect("no panic");
    });
}

#[test]
fn whoever_takes_one_of_many_rings_for_the_next() {
    let get = |stock: &Stock| {
        stock.get(A);
        stock.ring_on(A);
    };
    check_crowd(move || {
        let stock = Stock::fenced();
        let sleeper = spawn(&stock, move |stock| get(&stock));
        let ringer = spawn(&stock, |stock| {
            stock.put(A);
            deliver(&stock, A);
        });
        get(&stock);
        sleeper.join().expect("no panic");
        ringer.join().expect("no panic");
    });
}

/// One sleeper leaves, and does `last`; another one is there for the item.
fn check_leaver(last: fn(&Stock)) {
    check_crowd(move || {
        let stock = Stock::fenced();
        let leaver = spawn(&stock, move |stock| {
            pass(&stock);
            last(&stock);
        });
        let sleeper = spawn(&stock, |stock| stock.get(A));
        let ringer = spawn(&stock, |stock| deliver(&stock, A));
        stock.fire_timer(A);
        for thread in [leaver, sleeper, ringer] {
            thread.join().expect("no panic");
        }
    });
}

#[test]
fn whoever_leaves_without_its_item_rings_for_the_next() {
    check_leaver(|stock| stock.ring_on(A));
}

/// A wait over both bells, which arms again only where something happened.
#[derive(Default)]
struct Set {
    armed: [Option<Arming>; 2],
}

impl Set {
    /// Returns when there is an item at either.
    fn wait(&mut self, stock: &Stock) {
        while !stock.has(A) && !stock.has(B) {
            let mut anew = false;
            for (at, armed) in [A, B].into_iter().zip(&mut self.armed) {
                if !armed.is_some_and(|it| stock.is_still(at, it)) {
                    *armed = Some(stock.arm(at));
                    anew = true;
                }
            }
            if anew {
                stock.announce();
            } else if let [Some(a), Some(b)] = self.armed {
                stock.sleep_on_both(a, b);
            }
        }
    }
}

#[test]
fn a_wait_over_two_bells_loses_nothing_by_staying_armed() {
    for deliveries in [[A, A], [A, B], [B, A]] {
        check(move || {
            let stock = Stock::fenced();
            let ringer = spawn(&stock, move |stock| deliveries.iter().for_each(|at| deliver(&stock, *at)));
            let mut set = Set::default();
            let mut received = 0;
            while received < 2 {
                set.wait(&stock);
                received += [A, B].into_iter().filter(|at| stock.take(*at)).count();
            }
            ringer.join().expect("no panic");
        });
    }
}

#[test]
fn a_wait_over_two_bells_rings_where_it_takes_nothing() {
    check_crowd(|| {
        let stock = Stock::fenced();
        let waiter = spawn(&stock, |stock| {
            Set::default().wait(&stock);
            stock.take(B);
            stock.ring_on(A);
        });
        let ringer = spawn(&stock, |stock| [A, B].into_iter().for_each(|at| deliver(&stock, at)));
        stock.get(A);
        waiter.join().expect("no panic");
        ringer.join().expect("no panic");
    });
}

#[test]
fn a_ringer_that_is_stopped_for_long_disarms_nobody_who_armed_since() {
    check(|| {
        let stock = Stock::fenced();
        let sleeper = spawn(&stock, |stock| (0..2).for_each(|_| stock.get(A)));
        let other = spawn(&stock, |stock| deliver(&stock, A));
        deliver(&stock, A);
        sleeper.join().expect("no panic");
        other.join().expect("no panic");
    });
}

#[test]
fn a_sleeper_that_died_before_it_slept_costs_nobody_a_wake() {
    for announced in [false, true] {
        check(move || {
            let stock = Stock::fenced();
            let dead = spawn(&stock, move |stock| {
                stock.arm(A);
                if announced {
                    stock.announce();
                }
            });
            let sleeper = spawn(&stock, |stock| stock.get(A));
            deliver(&stock, A);
            dead.join().expect("no panic");
            sleeper.join().expect("no panic");
        });
    }
}

#[test]
fn a_sleeper_that_died_asleep_costs_nobody_a_wake() {
    check_crowd(|| {
        let stock = Stock::fenced();
        let dead = spawn(&stock, |stock| pass(&stock));
        let sleeper = spawn(&stock, |stock| stock.get(A));
        let ringer = spawn(&stock, |stock| deliver(&stock, A));
        stock.fire_timer(A);
        dead.join().expect("no panic");
        stock.ring_out(A); // by whoever repairs
        sleeper.join().expect("no panic");
        ringer.join().expect("no panic");
    });
}

#[test]
fn a_successor_rings_for_a_ringer_that_died() {
    for death in [None, Some(Death::BeforeWake), Some(Death::AfterWake)] {
        check(move || {
            let stock = Stock::fenced();
            let ringers = spawn(&stock, move |stock| {
                stock.put(A);
                if let Some(death) = death {
                    stock.ring_and_die(A, 1, death);
                }
                // The lock is free: the successor attaches.
                stock.ring_out(A);
                deliver(&stock, A);
            });
            (0..2).for_each(|_| stock.get(A));
            ringers.join().expect("no panic");
        });
    }
}

/// A canary: if this passes, the models lose no wake-up.
#[test]
#[should_panic(expected = "deadlock")]
fn a_sleeper_that_does_not_look_again_is_caught() {
    check(|| {
        let stock = Stock::fenced();
        let ringer = spawn(&stock, |stock| deliver(&stock, A));
        while !stock.take(A) {
            let arming = stock.arm(A);
            stock.announce();
            stock.sleep(A, arming);
        }
        ringer.join().expect("no panic");
    });
}

/// A canary: if this passes, the models do not see what D2 keeps in order. Loom keeps the loads of a thread in order,
/// as AArch64 does not: to it, an event that is not acquired may be one of after the arming.
#[test]
#[should_panic(expected = "deadlock")]
fn a_sleeper_that_arms_before_it_reads_the_event_is_caught() {
    check(|| {
        let stock = Stock::fenced();
        let sleeper = spawn(&stock, |stock| (0..2).for_each(|_| stock.get_with_late_event(A)));
        (0..2).for_each(|_| deliver(&stock, A));
        sleeper.join().expect("no panic");
    });
}

/// A canary: if this passes, the models wake more sleepers than a wake counts.
#[test]
#[should_panic(expected = "deadlock")]
fn a_leaver_that_does_not_ring_is_caught() {
    check_leaver(|_| {});
}

/// A canary: if this passes, a wake orders something in the models, which futex(2) does not promise.
#[test]
#[should_panic(expected = "deadlock")]
fn a_leaver_that_looks_without_a_barrier_is_caught() {
    check_leaver(|stock| {
        if stock.has(A) {
            stock.ring(A, 1);
        }
    });
}
