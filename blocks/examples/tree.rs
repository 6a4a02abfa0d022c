//! The prover's work on a fraction tree, with lanes and without, in turn: nanoseconds of a processor a leaf, the least of some rounds (on Linux).
//!
//! `cargo run --release -p zktorch-blocks --features prover --example tree -- 16 18 20`
#![expect(clippy::disallowed_methods, clippy::disallowed_macros, clippy::unwrap_used, reason = "it measures and prints")]

use ark_ff::Field;
use std::hint::black_box;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::Fr;
use zktorch_blocks::integers::Integers;
use zktorch_blocks::kernel::Values;
use zktorch_blocks::lookup::kernel::Tree;
use zktorch_blocks::lookup::{Fingerprint, Leaves, TAIL, TOP_LAYERS, TreeProver};
use zktorch_blocks::program::{
    Column, IdVec, Interval, Lookup, Program, Scale, Shape, Source, Table, TableId, Tensor, TensorId, Visibility,
};
use zktorch_blocks::sumcheck::{Degree, Span};

/// Rounds, of which the fastest counts.
const ROUNDS: usize = 5;

struct Looked {
    columns: IdVec<TensorId, Integers>,
    multiplicities: Integers,
}

impl Values for Looked {
    fn integers(&self, polynomial: Polynomial) -> Integers {
        match polynomial {
            Polynomial::Tensor(id) => self.columns[id].clone(),
            Polynomial::Multiplicity(_) | Polynomial::RowMultiplicity(_) => self.multiplicities.clone(),
        }
    }
}

/// Tensors of half of the leaves, a quarter, and so on, alternately looked up in a range and with another one in an activation, of which `valid` of
/// 128 entries in a row are no padding.
fn program(bits: usize, valid: usize) -> (Program, Looked) {
    let mut program = Program::default();
    let (rows, start) = (1 << 9, -256);
    for columns in [vec![Column::Count { start }], vec![Column::Count { start }, Column::Relu { start }]] {
        program.tables.push(Table { name: String::new(), rows, columns });
    }
    let mut columns = IdVec::default();
    let mut state = 1u64;
    for k in (11..bits).rev() {
        let shape = if valid == 128 { Shape(vec![1 << k]) } else { Shape(vec![1 << (k - 7), valid]) };
        let values: Vec<i64> = (0..shape.len())
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 40) as i64 % 512 - 256
            })
            .collect();
        let relu = values.iter().map(|&v| v.max(0)).collect();
        let count = 1 + (bits - k) % 2;
        let ids = (0..count).map(|i| TensorId(columns.len() + i)).collect();
        program.lookups.push(Lookup { columns: ids, table: TableId(count - 1) });
        for values in [values.into(), relu].into_iter().take(count) {
            columns.push(values);
            program.tensors.push(Tensor {
                name: String::new(),
                shape: shape.clone(),
                source: Source::Input(0),
                visibility: Visibility::Private,
                interval: Interval::new(-256, 255),
                scale: Scale::default(),
            });
        }
    }
    (program, Looked { columns, multiplicities: vec![7; rows].into() })
}

/// Seconds that all threads of this process have been on a processor.
fn seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let own = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
    own.filter_map(|text| text.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() * 1e-9
}

/// All layers, without the transcript; seconds to build it and in all.
fn prove(mut build: impl FnMut() -> Tree, bits: usize, challenges: &[Fr], said: &mut Vec<Fr>) -> [f64; 2] {
    let start = seconds();
    let mut tree = build();
    let built = seconds() - start;
    let top = TOP_LAYERS.min(bits);
    (0..=top).for_each(|k| drop(black_box(tree.layer(k))));
    for k in top..bits {
        tree.start(k, &challenges[..k], challenges[41]);
        let mut at = 0;
        for b in Degree::Two.groups(Span { fixed: k - TAIL.min(k), behind: TAIL.min(k) }) {
            said.extend(tree.rounds().message(b));
            tree.rounds().bind(&challenges[at + 1..at + 1 + b]);
            at += b;
        }
        said.extend(tree.children().1);
    }
    drop(tree);
    [built, seconds() - start]
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    let challenges: Vec<Fr> =
        std::iter::successors(Fr::from(3u64).inverse(), |x| Some(x.square() + Fr::from(7u64))).take(48).collect();
    let fingerprint = Fingerprint { alpha: challenges[42], beta: challenges[43], row: Vec::new() };
    for bits in std::env::args().filter_map(|a| a.parse::<usize>().ok()) {
        for valid in [128, 112, 96] {
            let (program, values) = program(bits, valid);
            let leaves = Leaves::new(&program).unwrap();
            let mut best = [[f64::MAX; 2]; 2];
            for _ in 0..ROUNDS {
                let (mut plain, mut lanes) = (Vec::new(), Vec::new());
                let one_by_one = || Tree::one_by_one(&leaves, &program, &values, &fingerprint);
                let on_lanes = || Tree::new(&leaves, &program, &values, &fingerprint);
                if std::env::args().any(|a| a == "lanes") {
                    println!("{:.1}", prove(on_lanes, leaves.bits, &challenges, &mut lanes)[1] * 1e9 / leaves.active as f64);
                    continue;
                }
                let own = [
                    prove(on_lanes, leaves.bits, &challenges, &mut lanes),
                    prove(one_by_one, leaves.bits, &challenges, &mut plain),
                ];
                assert_eq!(plain, lanes);
                best.iter_mut().flatten().zip(own.iter().flatten()).for_each(|(best, own)| *best = best.min(*own));
            }
            let [[lanes_built, lanes], [plain_built, plain]] = best.map(|b| b.map(|s| s * 1e9 / leaves.active as f64));
            println!(
                "2^{bits} leaves, {valid} of 128 valid: one by one {plain:.0} ns a leaf (to build {plain_built:.0}), on lanes {lanes:.1} ({lanes_built:.1}): {:.1} times",
                plain / lanes
            );
        }
    }
}
