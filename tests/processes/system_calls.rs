//! While nobody sleeps, hand-offs make no system call: counted by a filter that lets none through.

use libtest_mimic::Trial;
use ringfence::{Attach, Strategy, spsc};

use crate::child::{Name, Role};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("system_calls::a_million_pushes_and_pops_make_none", both),
        trial("system_calls::the_filter_counts_each", canary),
        trial("system_calls::a_million_pushes_beside_a_consumer_that_polls_make_none", producer),
        trial("system_calls::a_million_pops_make_none", consumer),
    ]
}

const ITEMS: u64 = 1 << 20;

/// Ends `role`; its exit code is the number of its system calls.
fn calls(role: Role) -> i32 {
    role.end().code().expect("a process that ended by itself")
}

fn both() {
    for how in ["asymmetric", "fenced"] {
        let name = Name::new();
        let _ring = spsc::Options::<u64>::new(64).create(&name).expect("a ring");
        let role = Role::start("count calls of both sides", &[&name, how, &(ITEMS / 2).to_string()]);
        assert_eq!(calls(role), 0, "{how}");
    }
}

fn canary() {
    let name = Name::new();
    let _ring = spsc::Options::<u64>::new(64).create(&name).expect("a ring");
    let role = Role::start("count calls of both sides and three more", &[&name, "", "100"]);
    assert_eq!(calls(role), 3);
}

fn producer() {
    for how in ["asymmetric", "fenced"] {
        let name = Name::new();
        let attach = Attach::new().strategy(Strategy::Spin);
        let ring = spsc::Options::<u64>::new(ITEMS as usize).attach(attach).create(&name).expect("a ring");
        let mut rx = ring.consumer().expect("a free role");
        let mut role = Role::ready("count calls of the producer", &[&name, how, &ITEMS.to_string()]);
        role.go_on();
        for number in 0..ITEMS {
            assert_eq!(rx.pop(), Ok(number));
        }
        assert_eq!(calls(role), 0, "{how}");
    }
}

fn consumer() {
    for how in ["asymmetric", "fenced"] {
        let name = Name::new();
        let ring = spsc::Options::<u64>::new(ITEMS as usize).create(&name).expect("a ring");
        let mut tx = ring.producer().expect("a free role");
        (0..ITEMS).for_each(|number| assert!(tx.try_push(number).is_ok()));
        let role = Role::start("count calls of the consumer", &[&name, how, &ITEMS.to_string()]);
        assert_eq!(calls(role), 0, "{how}");
    }
}
