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
