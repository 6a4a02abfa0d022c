//! What commitments cost: nanoseconds of a processor a value, the least of some rounds (on Linux).
//!
//! `cargo run --release -p zktorch-accumulator --features prover --example commit`
#![expect(clippy::disallowed_methods, clippy::disallowed_macros, clippy::unwrap_used, reason = "it measures and prints")]

use ark_bls12_381::Fr;
use ark_ff::Field;
use std::hint::black_box;
use zktorch_accumulator::msm::{self, fixed, row};
use zktorch_accumulator::rows::Row;
use zktorch_accumulator::setup::{Generators, Setup, hash};
use zktorch_blocks::integers::Integers;

/// Rounds, of which the fastest counts.
const ROUNDS: usize = 3;
/// Binary logarithm of the most columns.
const LOG: u32 = 16;

/// Seconds that all threads of this process have been on a processor.
fn seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let own = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
    own.filter_map(|text| text.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() * 1e-9
}

/// Prints nanoseconds an item.
fn measure<T>(name: &str, items: usize, mut work: impl FnMut() -> T) {
    if std::env::args().len() > 1 && !std::env::args().skip(1).any(|wanted| name.contains(&wanted)) {
        return;
    }
    // Often enough for the clock, which ticks slowly.
    let start = seconds();
    let mut often = 0;
    while seconds() - start < 0.05 {
        black_box(work());
        often += 1;
    }
    let best = (0..ROUNDS).map(|_| {
        let start = seconds();
        (0..often).for_each(|_| drop(black_box(work())));
        (seconds() - start) / f64::from(often)
    });
    println!("{name:44} {:10.1} ns", best.fold(f64::MAX, f64::min) * 1e9 / items as f64);
}

/// Integers of so many bits with their sign.
fn integers(count: usize, bits: u32) -> Vec<i64> {
    let next = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(1u64), next).take(count).map(|x| (x as i64) >> (64 - bits)).collect()
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    let generators: Generators = Setup::insecure(LOG).unwrap().generators;
    let scalars: Vec<Fr> =
        std::iter::successors(Fr::from(3u64).inverse(), |x| Some(x.square() + Fr::from(7u64))).take(1 << LOG).collect();
    for (log, rows) in [(12, 16), (13, 8), (16, 8), (12, 1)] {
        for bits in [2, 4, 8, 12, 16] {
            let values = integers(rows << log, bits);
            let integers: Vec<Row> = values.chunks(1 << log).map(|row| Row::from(Integers::from(row))).collect();
            let views: Vec<&Row> = integers.iter().collect();
            let name = format!("row: {bits} bits, {rows} rows of 2^{log}");
            measure(&name, rows << log, || row::commit_rows(&views, &scalars[..rows], &generators));
        }
    }
    for log in [8, 10, 12, 13, LOG] {
        let n = 1 << log;
        measure(&format!("full-size scalar in a sum of 2^{log}"), n, || msm::sum(&generators.g[..n], &scalars[..n]));
    }
    let tables = fixed::Tables::new(&generators.g[..512]);
    for n in [1, 3, 9, 27, 81, 256] {
        let commit = |_| fixed::commit(&tables, &generators, 3, &scalars[..n], scalars[99]);
        measure(&format!("message: {n} scalars, all"), 20, || (0..20).map(commit).collect::<Vec<_>>());
    }
    measure("tables of a generator", 512, || fixed::Tables::new(&generators.g[..512]));
    measure("fold: a generator, eight into one", 1 << 14, || msm::fold(&generators.g[..1 << 14], &scalars[..8]));
    measure("hash of a generator to the curve", 1024, || Generators::transparent(1024).unwrap());
    measure("hash of a generator, by arkworks", 64, || (0..64).map(hash::transparent_generator).collect::<Vec<_>>());
}
