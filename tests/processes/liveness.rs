//! One owner a role, as section "Who is alive" of the design promises: refused while the owner lives, admitted when it
//! is gone, whatever forks, signals and descriptors do meanwhile.

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ringfence::{AttachError, Presence, spsc};

use crate::child::{Name, Role};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("liveness::a_second_producer_in_the_same_process_is_refused", same_process),
        trial(
            "liveness::a_second_producer_in_another_process_is_refused_until_the_first_leaves",
            other_process,
        ),
        trial("liveness::a_forked_child_can_neither_use_nor_lose_its_parents_handle", forked),
        trial("liveness::a_forked_child_cannot_fill_its_parents_claim", forked_claim),
        trial("liveness::a_forked_child_does_not_wait_for_a_role_with_its_parent", forked_standby),
        trial("liveness::closing_every_descriptor_loses_no_role", descriptors),
        trial("liveness::a_forked_child_does_not_keep_the_role_of_its_dead_parent", orphan),
        trial("liveness::a_stopped_process_is_not_dead", stopped),
        trial("liveness::five_thousand_attaches_beside_forks_leak_no_lock", leaks),
    ]
}

fn same_process() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(4).create(&name).expect("a ring");
    let tx = ring.producer().expect("a free role");
    let again = spsc::open::<u64>(&name).expect("a ring");
    for ring in [&ring, &again] {
        let Err(AttachError::RoleTaken { holder }) = ring.producer() else { panic!("two producers") };
        assert_eq!(holder.pid, std::process::id());
    }
    drop(tx);
    again.producer().expect("a free role");
}

fn other_process() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(4).create(&name).expect("a ring");
    let mut looker = Role::ready("look", &[&name]);
    let tx = ring.producer().expect("a free role");
    looker.go_on();
    looker.expect(&format!("taken by {}, Present", std::process::id()));
    drop(tx);
    looker.go_on();
    looker.expect("free, Left");
    looker.finish();
    let holder = Role::ready("hold producer", &[&name]);
    let Err(AttachError::RoleTaken { holder: found }) = ring.producer() else { panic!("two producers") };
    assert_eq!(found.pid, holder.pid());
    holder.kill();
    ring.producer().expect("a free role");
}

fn forked() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(4).create(&name).expect("a ring");
    let holder = Role::start("fork", &[&name]);
    let status = holder.line().expect("the fate of the child");
    assert!(status.ends_with(", 0)"), "the child's checks failed: {status}");
    holder.expect("ready");
    assert!(matches!(ring.producer(), Err(AttachError::RoleTaken { .. })));
    assert_eq!(ring.consumer().expect("a free role").pop(), Ok(3));
    holder.finish();
    ring.producer().expect("a free role");
}

fn forked_claim() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(4).create(&name).expect("a ring");
    let holder = Role::start("fork with a claim", &[&name]);
    let status = holder.line().expect("the fate of the child");
    assert!(status.ends_with(", 0)"), "the child could commit: {status}");
    assert_eq!(ring.consumer().expect("a free role").pop(), Ok(42), "the child overwrote the item");
    holder.finish();
}

fn forked_standby() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(4).create(&name).expect("a ring");
    let tx = ring.producer().expect("a free role");
    let standby = Role::start("fork beside a standby", &[&name]);
    let status = standby.line().expect("the fate of the child");
    assert!(status.ends_with(", 0)"), "the child shares the waiting description: {status}");
    drop(tx);
    standby.expect("took over");
    standby.finish();
}

fn descriptors() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(4).create(&name).expect("a ring");
    let mut holder = Role::ready("close descriptors", &[&name]);
    let refused = ring.producer();
    assert!(matches!(refused, Err(AttachError::RoleTaken { .. })), "{refused:?}");
    holder.go_on();
    holder.expect("left");
    ring.producer().expect("a free role");
    assert_eq!(ring.len(), 2);
    holder.finish();
}

fn orphan() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(4).create(&name).expect("a ring");
    let parent = Role::start("leave a child", &[&name]);
    let child = Pid::from_raw(parent.line().expect("the child's pid").parse().expect("a pid"));
    parent.expect("ready");
    assert!(matches!(ring.producer(), Err(AttachError::RoleTaken { .. })));
    // Only the parent: its input stays open for the child.
    parent.signal(Signal::SIGKILL);
    let tx = ring.producer_standby().expect("the role of a dead process");
    kill(child, None).expect("the child lives");
    assert_eq!(ring.producer_state().epoch, 2);
    drop(tx);
    kill(child, Signal::SIGKILL).expect("the child lives");
}

fn stopped() {
    let name = Name::new();
    let ring = spsc::Options::<u64>::new(4).create(&name).expect("a ring");
    let holder = Role::ready("hold producer", &[&name]);
    holder.signal(Signal::SIGSTOP);
    for _ in 0..20 {
        assert!(matches!(ring.producer(), Err(AttachError::RoleTaken { .. })));
        assert_eq!(ring.producer_state().state, Presence::Present);
        assert_eq!(ring.repair().expect("a sound ring").repaired, []);
    }
    holder.signal(Signal::SIGCONT);
    holder.finish();
    assert_eq!(ring.producer_state().state, Presence::Left);
}

fn leaks() {
    let name = Name::new();
    let _ring = spsc::Options::<u64>::new(4).create(&name).expect("a ring");
    let worker = Role::start("attach beside forks", &[&name, "5000"]);
    worker.expect("5000 attaches");
    worker.finish();
}
