//! Hosts that refuse what a set would like to use. A filter of system calls is a thread's own: each test's thread takes
//! its filter with it.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use libc::{EINVAL, ENOSYS, EPERM, SYS_futex_waitv, SYS_membarrier, c_long};
use ringfence::{PopError, WaitError, WaitSet};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use crate::common::{for_each_backing, on_a_thread};
use crate::{PATIENCE, ready};

/// Lets `call` of the calling thread fail with `errno`.
fn refuse(call: c_long, errno: i32) {
    let machine = std::env::consts::ARCH.try_into().expect("a machine that the filter knows");
    let rules = BTreeMap::from([(call, Vec::new())]);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno as u32), machine);
    let program: BpfProgram = filter.expect("a filter").try_into().expect("a program");
    seccompiler::apply_filter(&program).expect("a kernel with filters");
}

/// Everything that a set does, on a thread that has `call` refused with `errno`.
fn exercise(call: c_long, errno: i32) {
    for_each_backing(|backing| {
        let rings = [2, 2].map(|capacity| backing.elements::<u64>(capacity));
        let (mut tx, mut rx): (Vec<_>, Vec<_>) = rings.iter().map(|it| it.ends()).unzip();
        on_a_thread(|| {
            let mut set = WaitSet::new();
            set.add(rx[0].doorbell(), 0).expect("room");
            set.add(rx[1].doorbell(), 1).expect("room");
            refuse(call, errno);
            let canceller = set.canceller();
            let mut list = Vec::new();
            assert_eq!(set.wait_timeout(&mut list, Duration::from_millis(5)), Err(WaitError::Timeout));
            let text = format!("{set:?}");
            let native = if call == SYS_futex_waitv { "native: false" } else { "native: true" };
            assert!(text.contains(native), "{text}");

            thread::scope(|scope| {
                let tx = &mut tx;
                scope.spawn(move || {
                    for value in 0..2_000 {
                        tx[value as usize % 2].push(value).expect("an open ring");
                    }
                    tx[0].close();
                });
                let mut next = [0, 1];
                'open: loop {
                    for index in ready(&mut set) {
                        loop {
                            match rx[index].try_pop() {
                                Ok(value) => {
                                    assert_eq!(value, next[index]);
                                    next[index] += 2;
                                }
                                Err(PopError::Empty) => break,
                                Err(error) => {
                                    assert_eq!((error, index), (PopError::Closed, 0));
                                    break 'open;
                                }
                            }
                        }
                    }
                }
                assert_eq!(next[0], 2_000);
            });

            set.retain(|token| token == 1);
            while rx[1].try_pop().is_ok() {}
            thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(Duration::from_millis(20));
                    canceller.cancel();
                });
                assert_eq!(set.wait_timeout(&mut list, PATIENCE), Err(WaitError::Cancelled));
            });
        });
    });
}

#[test]
fn a_host_without_futex_waitv_is_told_the_same() {
    exercise(SYS_futex_waitv, ENOSYS);
}

#[test]
fn a_container_that_forbids_futex_waitv_is_told_the_same() {
    exercise(SYS_futex_waitv, EPERM);
}

#[test]
fn a_host_that_refuses_the_sleeper_its_barrier_is_told_the_same() {
    exercise(SYS_membarrier, EPERM);
}

#[test]
fn any_other_refusal_is_an_error() {
    on_a_thread(|| {
        let mut set = WaitSet::<()>::new();
        refuse(SYS_futex_waitv, EINVAL);
        let error = set.wait(&mut Vec::new()).expect_err("a refusal");
        assert_eq!(error, WaitError::Os { call: "futex_waitv", errno: EINVAL });
        assert_eq!(error.to_string(), "futex_waitv: Invalid argument (os error 22)");
    });
}
