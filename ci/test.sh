#!/usr/bin/env bash
# Everything that a change must pass: format, lints, docs, tests, models, examples. Needs the Rust toolchain and a C
# compiler; installs clippy and rustfmt where rustup can.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
cargo clippy --version >/dev/null 2>&1 || rustup component add clippy

names_before=$(ls -A /dev/shm | sort)

step format
cargo fmt --all --check

step lints
cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
cargo clippy -p ringfence --locked -- -D warnings

step docs
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --locked --document-private-items

step tests
cargo test --workspace --all-targets --all-features --locked
cargo test --workspace --doc --all-features --locked
# What optimised code looks like.
cargo test --release --test spsc --test broadcast --test stream --locked machine_code

step "crashes: killed and stopped at every instruction"
cargo test --release --test crash --locked -- --nocapture

step "models (loom)"
RUSTFLAGS="--cfg loom" cargo test --release -p ringfence-models --target-dir target/loom --locked

step "fuzz targets build"
cargo check --manifest-path fuzz/Cargo.toml --target-dir target/fuzz --locked

step examples
cargo run --release --locked --example pipeline
cargo run --release --locked --example file_to_socket
cargo run --release --locked --example event_loop
cargo run --release --locked --example async_tokio --features async
cargo run --release --locked --example log_collector

step "nothing left in /dev/shm"
left_behind=$(comm -13 <(printf '%s\n' "$names_before") <(ls -A /dev/shm | sort))
if [ -n "$left_behind" ]; then
    printf 'left behind:\n%s\n' "$left_behind"
    exit 1
fi

step "dependencies of the crate"
cargo tree -e normal -p ringfence --locked

printf '\nall good\n'
