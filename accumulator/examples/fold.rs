//! The prover's fold of claims, with lanes and without, in turn: nanoseconds of a processor a column of a leaf, the least of some rounds (on Linux).
//!
//! `cargo run --release -p zktorch-accumulator --features prover --example fold -- COLUMN_BITS LEAVES ROWS` for leaves of so many rows.
#![expect(clippy::disallowed_methods, clippy::disallowed_macros, clippy::unwrap_used, reason = "it measures and prints")]

use ark_ff::Field;
use zktorch_accumulator::fold::FoldProver;
use zktorch_accumulator::form::LinearForm;
use zktorch_accumulator::kernel::RowFold;
use zktorch_accumulator::merge::Leaf;
use zktorch_accumulator::rows::Row;
use zktorch_blocks::field::{Fr, powers};
use zktorch_blocks::integers::Integers;
use zktorch_blocks::program::index_bits;
use zktorch_blocks::sumcheck::{Degree, Rounds, Span};

/// Rounds, of which the fastest counts.
const ROUNDS: usize = 3;

/// Seconds that all threads of this process have been on a processor.
fn seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let own = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
    own.filter_map(|text| text.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() * 1e-9
}

/// Seconds of start, messages and bindings, and what was seen.
fn run(mut fold: RowFold<'_>, leaves: &[Leaf], bits: usize, challenges: &[Fr]) -> ([f64; 3], Vec<Fr>) {
    let mut times = [0.0; 3];
    let mut seen = Vec::new();
    let mut spend = |slot: usize, act: &mut dyn FnMut()| {
        let start = seconds();
        act();
        times[slot] += seconds() - start;
    };
    spend(0, &mut || fold.start(leaves.to_vec()));
    let mut at = 0;
    for b in Degree::Two.groups(Span { fixed: index_bits(leaves.len()), behind: bits }) {
        spend(1, &mut || seen.extend(fold.message(b)));
        spend(2, &mut || fold.bind(&challenges[at..at + b]));
        at += b;
    }
    spend(2, &mut || seen.extend(fold.vector().into_iter().chain(fold.form())));
    (times, seen)
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>().unwrap());
    let [bits, leaves, rows] = [12, 73, 10].map(|default| arguments.next().unwrap_or(default));
    let row = |r: usize| -> Integers {
        let value = |i: usize| ((r << bits | i) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) as i64 >> 56;
        (0..1 << bits).map(value).collect::<Vec<i64>>().as_slice().into()
    };
    let all: Vec<Row> = (0..leaves * rows).map(|r| row(r).into()).collect();
    let scalars = powers(Fr::from(3u64).inverse().unwrap(), 1000);
    let leaf = |l: usize| Leaf {
        rows: (0..rows).map(|r| (l * rows + r, scalars[(l * rows + r) % 999 + 1])).collect(),
        form: LinearForm::eq((0..bits).map(|i| scalars[(7 * l + i) % 999 + 1]).collect()),
    };
    let claims: Vec<Leaf> = (0..leaves).map(leaf).collect();
    let mut best = [[f64::MAX; 3]; 2];
    for _ in 0..ROUNDS {
        let mut seen = Vec::new();
        for (best, new) in best.iter_mut().zip([RowFold::one_by_one, RowFold::new]) {
            let (times, own) = run(new(1 << bits, &all), &claims, bits, &scalars[500..]);
            best.iter_mut().zip(times).for_each(|(best, own)| *best = best.min(own));
            seen.push(own);
        }
        assert!(seen[0] == seen[1], "with lanes messages are others");
    }
    let items = (leaves << bits) as f64;
    println!("{leaves} leaves of {rows} rows, 2^{bits} columns: ns a column of a leaf");
    for (name, times) in ["one by one", "on lanes"].iter().zip(best) {
        let [start, messages, bindings] = times.map(|t| t / items * 1e9);
        println!("{name:>12}: start {start:7.1}, messages {messages:7.1}, bindings {bindings:7.1}");
    }
}
