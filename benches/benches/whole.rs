//! Whole programs: the integer executor on a convolution, and proof and verification of a toy network.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use zktorch_blocks::execute::execute;
use zktorch_tests::fixture::Fixture;
use zktorch_tests::toy::Toy;

/// Unit costs are core-time.
fn one_thread() {
    // A second call finds the pool made.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
}

fn convolution(c: &mut Criterion) {
    one_thread();
    let toy = Toy { input: [16, 32, 32], channels: 16, outputs: 10, shifts: [6, 6], public_input: true, ..Toy::default() };
    let program = toy.program();
    let (weights, input) = toy.sample(3);
    let inputs = [input];
    let mut group = c.benchmark_group("execute");
    // Time per element is time per multiply-accumulate of the convolution.
    group.throughput(Throughput::Elements(16 * 16 * 9 * 32 * 32)).sample_size(20);
    group.bench_function("convolution 16x16x3x3 on 32x32", |b| {
        b.iter(|| execute(black_box(&program), &weights, &inputs).expect("values in range"));
    });
    group.finish();
}

fn toy(c: &mut Criterion) {
    one_thread();
    let (fixture, input) = Fixture::toy(&Toy::default(), 8);
    let inputs = [input];
    let proved = fixture.honest(&inputs);
    let mut group = c.benchmark_group("toy network");
    group.sample_size(10);
    group.bench_function("prove", |b| b.iter(|| fixture.honest(black_box(&inputs))));
    group.bench_function("verify", |b| b.iter(|| fixture.verdict(black_box(&proved.proof))));
    group.finish();
}

criterion_group!(benches, convolution, toy);
criterion_main!(benches);
