//! Each end of each ordering edge is needed: weakened to Relaxed, a named model fails.

use std::process::Command;

/// Edge end, and the model that must notice its loss.
const EDGES: &[(&str, &str)] = &[
    ("spsc E1 publish/release", "spsc::items_arrive_whole_and_in_order"),
    ("spsc E1 publish/acquire", "spsc::items_arrive_whole_and_in_order"),
    ("spsc E1 publish/release", "spsc::batches_arrive_whole_and_in_order"),
    ("spsc E1 publish/acquire", "spsc::batches_arrive_whole_and_in_order"),
    ("spsc E2 release/release", "spsc::items_arrive_whole_and_in_order"),
    ("spsc E2 release/acquire", "spsc::items_arrive_whole_and_in_order"),
    ("spsc E3 close/release", "spsc::a_close_comes_after_every_item"),
    ("spsc E3 close/acquire", "spsc::a_close_comes_after_every_item"),
    ("mpmc E1 publish/release", "mpmc::each_item_of_two_producers_arrives_once_and_whole"),
    ("mpmc E1 publish/acquire", "mpmc::each_item_of_two_producers_arrives_once_and_whole"),
    ("mpmc E2 release/release", "mpmc::a_slot_is_written_again_only_when_its_reader_is_done"),
    ("mpmc E2 release/acquire", "mpmc::a_slot_is_written_again_only_when_its_reader_is_done"),
    ("mpmc E3 cursor/release", "mpmc::a_hold_names_whoever_claimed_the_position"),
    ("mpmc E3 cursor/acquire", "mpmc::a_hold_names_whoever_claimed_the_position"),
    ("mpmc E4 record/release", "mpmc::a_hold_names_whoever_claimed_the_batch"),
    ("mpmc E4 record/acquire", "mpmc::a_hold_names_whoever_claimed_the_batch"),
    ("mpmc E5 hand-over/release", "mpmc::whoever_takes_an_orphan_sees_all_that_was_done_with_it_before"),
    ("mpmc E5 hand-over/acquire", "mpmc::whoever_takes_an_orphan_sees_all_that_was_done_with_it_before"),
    ("mpmc E6 epoch/release", "mpmc::a_consumer_that_has_seen_the_epoch_has_what_was_given_back"),
    ("mpmc E6 epoch/acquire", "mpmc::a_consumer_that_has_seen_the_epoch_has_what_was_given_back"),
    ("broadcast E1 publish/release", "broadcast::an_item_is_received_whole_or_not_at_all"),
    ("broadcast E1 publish/acquire", "broadcast::an_item_is_received_whole_or_not_at_all"),
    ("broadcast E1 publish/release", "broadcast::items_of_a_batch_are_received_whole_and_in_their_places"),
    ("broadcast E1 publish/acquire", "broadcast::items_of_a_batch_are_received_whole_and_in_their_places"),
    ("broadcast E1 publish/release", "broadcast::items_behind_a_gate_arrive_whole_and_in_order"),
    ("broadcast E1 publish/acquire", "broadcast::items_behind_a_gate_arrive_whole_and_in_order"),
    ("broadcast E4 overwrite/release", "broadcast::an_item_is_received_whole_or_not_at_all"),
    ("broadcast E4 overwrite/acquire", "broadcast::an_item_is_received_whole_or_not_at_all"),
    ("broadcast E4 overwrite/release", "broadcast::items_of_a_batch_are_received_whole_and_in_their_places"),
    ("broadcast E4 overwrite/acquire", "broadcast::items_of_a_batch_are_received_whole_and_in_their_places"),
    ("broadcast E2 release/release", "broadcast::items_behind_a_gate_arrive_whole_and_in_order"),
    ("broadcast E2 release/acquire", "broadcast::items_behind_a_gate_arrive_whole_and_in_order"),
    ("broadcast E3 close/release", "broadcast::a_close_comes_after_every_item"),
    ("broadcast E3 close/acquire", "broadcast::a_close_comes_after_every_batch"),
    ("broadcast E5 join/publisher", "broadcast::nothing_is_missed_from_where_a_gate_joined"),
    ("broadcast E5 join/subscriber", "broadcast::nothing_is_missed_from_where_a_gate_joined"),
    ("broadcast E5 join/publisher", "broadcast::nothing_is_missed_from_where_a_gate_joined_between_batches"),
    (
        "broadcast E5 join/publisher",
        "broadcast::nothing_is_missed_from_where_a_gate_joined_between_two_publishers",
    ),
    (
        "broadcast E6 standing/release",
        "broadcast::a_gate_that_is_taken_anew_holds_nobody_up_with_its_old_cursor",
    ),
    (
        "broadcast E6 standing/acquire",
        "broadcast::a_gate_that_is_taken_anew_holds_nobody_up_with_its_old_cursor",
    ),
    (
        "broadcast E6 standing/release",
        "broadcast::a_slot_is_written_again_only_when_whoever_left_its_gate_is_done",
    ),
    (
        "broadcast E6 standing/acquire",
        "broadcast::a_slot_is_written_again_only_when_whoever_left_its_gate_is_done",
    ),
    ("broadcast E7 demotion/release", "broadcast::whoever_is_lapped_at_a_gate_finds_that_it_was_demoted"),
    (
        "broadcast E7 demotion/acquire",
        "broadcast::whoever_reads_and_is_lapped_at_a_gate_finds_that_it_was_demoted",
    ),
    ("doorbell D1 sleep/ringer", "doorbell::a_sleeper_is_woken_for_every_item"),
    ("doorbell D1 sleep/ringer", "doorbell::one_ring_for_each_item_wakes_one_sleeper_for_each"),
    ("doorbell D1 sleep/ringer", "spsc::both_sides_sleep_and_lose_nothing"),
    ("doorbell D1 sleep/sleeper", "doorbell::a_sleeper_is_woken_for_every_item"),
    ("doorbell D1 sleep/sleeper", "doorbell::one_ring_for_each_item_wakes_one_sleeper_for_each"),
    ("doorbell D1 sleep/sleeper", "spsc::both_sides_sleep_and_lose_nothing"),
    ("doorbell D1 sleep/ringer", "broadcast::a_subscriber_and_the_publisher_sleep_and_lose_nothing"),
    ("doorbell D1 sleep/sleeper", "broadcast::a_subscriber_and_the_publisher_sleep_and_lose_nothing"),
    ("doorbell D1 sleep/ring_out", "broadcast::whoever_leaves_its_gate_wakes_the_publisher"),
    ("doorbell D1 sleep/ring_out", "spsc::a_close_wakes_who_sleeps"),
    // Its other end keeps a load before a later write, which loom does by itself: see the canary
    // `a_sleeper_that_arms_before_it_reads_the_event_is_caught`.
    ("doorbell D2 event/release", "doorbell::a_sleeper_that_starts_from_a_new_event_sees_its_item"),
];

#[test]
fn every_weakened_edge_makes_a_model_fail() {
    let this = std::env::current_exe().expect("the path of this test");
    for (edge, model) in EDGES {
        let mut command = Command::new(&this);
        command.args(["--exact", model]).env("RINGFENCE_WEAKEN", edge);
        let output = command.output().expect("a run of one model");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("running 1 test"), "{model} is no model:\n{text}");
        assert!(text.contains("1 failed"), "{model} passes although {edge} is weakened:\n{text}");
        println!("{edge} weakened: {model} fails");
    }
}
