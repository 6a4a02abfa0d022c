//! The fraction tree: all layers, per lookup.

mod common;

use common::{integers, one_thread, scalars};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::Fr;
use zktorch_blocks::integers::Integers;
use zktorch_blocks::kernel::Values;
use zktorch_blocks::lookup::kernel::Tree;
use zktorch_blocks::lookup::{Fingerprint, Leaves, TAIL, TOP_LAYERS, TreeProver};
use zktorch_blocks::program::{Column, IdVec, Program, Source, Table, TensorId};
use zktorch_blocks::sumcheck::{Degree, Span};
use zktorch_tests::toy::ProgramBuilder;

/// Values that are looked up, and their table's multiplicities.
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

/// `n` lookups in a table of 256 rows with one or two columns: remainders, or an activation.
fn program(n: usize, columns: usize) -> (Program, Looked) {
    let mut builder = ProgramBuilder::default();
    let ids: Vec<TensorId> = (0..columns).map(|i| builder.tensor(&format!("x{i}"), &[n], Source::Input(i), 8)).collect();
    let entries = [Column::Count { start: -128 }, Column::Relu { start: -128 }];
    let table =
        builder.table(Table { name: "table".into(), rows: 256, columns: entries.into_iter().take(columns).collect() });
    builder.lookup(&ids, table);
    let values = integers(n, 8);
    let mut multiplicities = vec![0; 256];
    values.iter().for_each(|v| multiplicities[(v + 128) as usize] += 1);
    let relu = values.iter().map(|v| *v.max(&0)).collect();
    (builder.program, Looked { columns: vec![values.into(), relu].into(), multiplicities: multiplicities.into() })
}

/// The prover's work on the whole tree, without the transcript.
fn prove(leaves: &Leaves, program: &Program, values: &Looked, challenges: &[Fr]) {
    let fingerprint = Fingerprint { alpha: challenges[0], beta: challenges[1], row: Vec::new() };
    let lambda = challenges[2];
    let mut tree = Tree::new(leaves, program, values, &fingerprint);
    let top = TOP_LAYERS.min(leaves.bits);
    (0..=top).for_each(|k| drop(black_box(tree.layer(k))));
    for k in top..leaves.bits {
        tree.start(k, &challenges[..k], lambda);
        let mut at = 0;
        for b in Degree::Two.groups(Span { fixed: k - TAIL.min(k), behind: TAIL.min(k) }) {
            black_box(tree.rounds().message(b));
            tree.rounds().bind(&challenges[at..at + b]);
            at += b;
        }
        black_box(tree.children());
    }
}

fn tree(c: &mut Criterion) {
    one_thread();
    let n = 1 << 15;
    let challenges = scalars(32);
    let mut group = c.benchmark_group("fraction tree");
    // Time per element is time per lookup.
    group.throughput(Throughput::Elements(n as u64)).sample_size(20);
    for (name, columns) in [("one column", 1), ("two columns", 2)] {
        let (program, values) = program(n, columns);
        let Some(leaves) = Leaves::new(&program) else { continue };
        group.bench_function(name, |b| b.iter(|| prove(&leaves, &program, &values, &challenges)));
    }
    group.finish();
}

criterion_group!(benches, tree);
criterion_main!(benches);
