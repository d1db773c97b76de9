#!/usr/bin/env bash
# Everything that a change must pass: format, lints, docs, tests, models, examples. Needs the Rust toolchain and a C
# compiler; installs clippy and rustfmt where rustup can.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
cargo clippy --version >/dev/null 2>&1 || rustup component add clippy

names_before=$(ls -A /dev/shm)

step format
cargo fmt --all --check

step lints
cargo clippy --workspace --all-targets --locked -- -D warnings

step docs
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --document-private-items

step tests
cargo test --workspace --all-targets --locked
cargo test --workspace --doc --locked

step "models (loom)"
RUSTFLAGS="--cfg loom" cargo test --release -p ringfence-models --target-dir target/loom --locked

step "fuzz targets build"
cargo check --manifest-path fuzz/Cargo.toml --target-dir target/fuzz --locked

step examples
cargo run --release --locked --example pipeline

step "nothing left in /dev/shm"
names_after=$(ls -A /dev/shm)
if [ "$names_before" != "$names_after" ]; then
    printf 'before:\n%s\nafter:\n%s\n' "$names_before" "$names_after"
    exit 1
fi

step "dependencies of the crate"
cargo tree -e normal -p ringfence --locked

printf '\nall good\n'
