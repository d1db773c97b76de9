//! Our own curves: one thread that pushes and pops, so nothing but instructions is compared from one version to the
//! next. Against the neighbours and across processes: `benches/peers`.

#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ringfence::{Element, spsc};

const CAPACITY: usize = 1024;

fn singles(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("push and pop");
    single(&mut group, "u64", 0u64);
    single(&mut group, "[u64; 8]", [0u64; 8]);
    single(&mut group, "[u64; 512]", [0u64; 512]);
    group.bench_function("claim, write, commit; read, get, release", |bencher| {
        let ring = spsc::Options::<u64>::new(CAPACITY).in_process().expect("a ring");
        let (mut tx, mut rx) = (ring.producer().expect("a role"), ring.consumer().expect("a role"));
        bencher.iter(|| {
            tx.try_claim().expect("room").write(black_box(7)).commit().expect("an open ring");
            let item = rx.try_read().expect("an item");
            let value = item.get();
            item.release();
            value
        });
    });
    for len in [64, 1024, 8192] {
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_with_input(BenchmarkId::new("bytes", len), &len, |bencher, &len| {
            let ring = spsc::Options::<[u8]>::new(16, len).in_process().expect("a ring");
            let (mut tx, mut rx) = (ring.producer().expect("a role"), ring.consumer().expect("a role"));
            let (item, mut buffer) = (vec![7; len], Vec::with_capacity(len));
            bencher.iter(|| {
                tx.try_push(black_box(&item)).expect("room");
                rx.try_pop_to(&mut buffer).expect("an item")
            });
        });
    }
    group.finish();
}

fn single<T: Element>(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    name: &str,
    value: T,
) {
    group.throughput(Throughput::Elements(1));
    group.bench_function(name, |bencher| {
        let ring = spsc::Options::<T>::new(CAPACITY).in_process().expect("a ring");
        let (mut tx, mut rx) = (ring.producer().expect("a role"), ring.consumer().expect("a role"));
        bencher.iter(|| {
            tx.try_push(black_box(value)).expect("room");
            rx.try_pop().expect("an item")
        });
    });
}

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("push_slice and pop_slice of u64");
    for len in [8, 64, 512] {
        group.throughput(Throughput::Elements(len as u64));
        group.bench_with_input(BenchmarkId::from_parameter(len), &len, |bencher, &len| {
            let ring = spsc::Options::<u64>::new(CAPACITY).in_process().expect("a ring");
            let (mut tx, mut rx) = (ring.producer().expect("a role"), ring.consumer().expect("a role"));
            let (items, mut popped) = (vec![7; len], vec![0; len]);
            bencher.iter(|| {
                tx.try_push_slice(black_box(&items)).expect("room");
                rx.try_pop_slice(&mut popped).expect("items")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, singles, batches);
criterion_main!(benches);
