//! Commitments: rows of small integers, hidden messages, large multi-scalar multiplications; and the decoding of points.

mod common;

use ark_ec::AffineRepr;
use ark_serialize::CanonicalSerialize;
use common::{integers, one_thread, scalars};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use zktorch_accumulator::msm::fixed::{Tables, commit};
use zktorch_accumulator::msm::{full, row};
use zktorch_accumulator::rows::Row;
use zktorch_accumulator::setup::{Generators, Setup};
use zktorch_blocks::integers::Integers;
use zktorch_blocks::transcript::{POINT_BYTES, decode_point};

/// Binary logarithm of the columns.
const LOG: u32 = 13;

fn generators() -> Generators {
    one_thread();
    Setup::insecure(LOG).expect("a size in range").generators
}

fn rows(c: &mut Criterion) {
    let generators = generators();
    let columns = 1 << LOG;
    let mut group = c.benchmark_group("row");
    // Time per element is time per committed value.
    group.throughput(Throughput::Elements(columns as u64)).sample_size(20);
    for bits in [8, 12, 16] {
        let values = Row::from(Integers::from(integers(columns, bits)));
        let blinder = scalars(1);
        group.bench_function(BenchmarkId::from_parameter(format!("{bits} bits")), |b| {
            b.iter(|| row::commit_rows(&[black_box(&values)], &blinder, &generators));
        });
    }
    group.finish();
}

fn large(c: &mut Criterion) {
    let generators = generators();
    let mut group = c.benchmark_group("full-size scalars");
    group.sample_size(10);
    for bits in [10, LOG] {
        let n = 1usize << bits;
        let values = scalars(n);
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("2^{bits}")), |b| {
            b.iter(|| full::sum(&generators.g[..n], black_box(&values)));
        });
    }
    group.finish();
}

fn messages(c: &mut Criterion) {
    let generators = generators();
    let tables = Tables::new(&generators.g[..1 << 10]);
    let blinder = scalars(1)[0];
    let mut group = c.benchmark_group("hidden message");
    for t in [1, 4, 81, 256] {
        let values = scalars(t);
        group.throughput(Throughput::Elements(t as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{t} scalars")), |b| {
            b.iter(|| commit(&tables, &generators, 128, black_box(&values), blinder));
        });
    }
    group.finish();
}

fn decoding(c: &mut Criterion) {
    let point = generators().g[1];
    assert!(!point.is_zero());
    let mut bytes = [0; POINT_BYTES];
    point.serialize_compressed(bytes.as_mut_slice()).expect("a point fills its bytes");
    c.bench_function("point/decode and check", |b| b.iter(|| decode_point(black_box(&bytes))));
}

criterion_group!(benches, rows, large, messages, decoding);
criterion_main!(benches);
