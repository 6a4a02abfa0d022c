//! Field arithmetic and the passes over tables: multiplication, dot products of small integers, contraction, eq tables,
//! sumcheck rounds.

mod common;

use common::{integers, one_thread, scalars};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use zktorch_blocks::field::{Fr, eq_table};
use zktorch_blocks::integers::Slice;
use zktorch_blocks::kernel::wide::{Signed, dot};
use zktorch_blocks::kernel::{Axis, contract};
use zktorch_blocks::sumcheck::kernel::{Batch, ProductTables};
use zktorch_blocks::sumcheck::{Degree, Rounds, Span};

fn multiplication(c: &mut Criterion) {
    one_thread();
    let mut group = c.benchmark_group("field");
    let (a, b) = (scalars(1 << 10), scalars(1 << 11).split_off(1 << 10));
    group.throughput(Throughput::Elements(1 << 10));
    let mut products = a.clone();
    group.bench_function("multiplication", |bencher| {
        bencher.iter(|| products.iter_mut().zip(&a).zip(&b).for_each(|((p, a), b)| *p = *a * b));
    });
    group.finish();
    black_box(products);
}

fn small_products(c: &mut Criterion) {
    one_thread();
    let n = 1 << 12;
    let weights: Vec<Signed> = scalars(n).into_iter().map(Signed::from).collect();
    let mut group = c.benchmark_group("dot");
    group.throughput(Throughput::Elements(n as u64));
    for bits in [8, 16, 32] {
        let values = integers(n, bits);
        group.bench_with_input(BenchmarkId::from_parameter(format!("{bits} bits")), &values, |b, values| {
            b.iter(|| dot(black_box(values), &weights));
        });
    }
    group.finish();
}

fn contraction(c: &mut Criterion) {
    one_thread();
    let dims = [64, 32, 128];
    let values = integers(dims.iter().product(), 8);
    let bound = |axis: usize| Axis::Bound(scalars(dims[axis]));
    let mut group = c.benchmark_group("contract");
    group.throughput(Throughput::Elements(values.len() as u64));
    let cases = [
        ("all axes", [bound(0), bound(1), bound(2)]),
        ("inner axis", [Axis::Kept, Axis::Kept, bound(2)]),
        ("outer axis", [bound(0), Axis::Kept, Axis::Kept]),
        ("middle axis", [Axis::Kept, bound(1), Axis::Kept]),
    ];
    for (name, axes) in cases {
        group.bench_function(name, |b| b.iter(|| contract(black_box(Slice::I64(&values)), &dims, &axes)));
    }
    group.finish();
}

fn eq_tables(c: &mut Criterion) {
    one_thread();
    let mut group = c.benchmark_group("eq table");
    for bits in [10, 16] {
        let point = scalars(bits);
        group.throughput(Throughput::Elements(1 << bits));
        group.bench_function(BenchmarkId::from_parameter(format!("2^{bits}")), |b| b.iter(|| eq_table(black_box(&point))));
    }
    group.finish();
}

fn sumcheck(c: &mut Criterion) {
    one_thread();
    let bits = 14;
    let mut group = c.benchmark_group("sumcheck");
    group.throughput(Throughput::Elements(1 << bits));
    for (name, degree, factors) in [("two factors", Degree::Two, 2), ("three factors", Degree::Three, 3)] {
        let tables: Vec<Vec<Fr>> = scalars(factors << bits).chunks(1 << bits).map(<[Fr]>::to_vec).collect();
        let challenges = scalars(bits);
        let start = || Batch::new(vec![ProductTables { weight: challenges[0], factors: tables.clone() }], bits, degree);
        let all_rounds = |mut batch: Batch| {
            let mut at = 0;
            for b in degree.groups(Span::all(bits)) {
                black_box(batch.message(b));
                batch.bind(&challenges[at..at + b]);
                at += b;
            }
        };
        group.bench_function(name, |b| b.iter_batched(start, all_rounds, BatchSize::LargeInput));
    }
    group.finish();
}

criterion_group!(benches, multiplication, small_products, contraction, eq_tables, sumcheck);
criterion_main!(benches);
