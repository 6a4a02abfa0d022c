//! The prover's work on a wave: contractions of weights, and products of tables; one by one and on lanes, in turn: nanoseconds of a processor an
//! entry, the least of some turns (on Linux).
//!
//! `cargo run --release -p zktorch-blocks --features prover --example waves`
#![expect(clippy::disallowed_methods, clippy::disallowed_macros, clippy::unwrap_used, reason = "it measures and prints")]

use zktorch_blocks::field::{Fr, eq_table};
use zktorch_blocks::integers::Integers;
use zktorch_blocks::kernel::{Axis, contract, contract_one_by_one};
use zktorch_blocks::sumcheck::kernel::{Batch, ProductTables};
use zktorch_blocks::sumcheck::{Degree, Rounds, Span};

/// Turns, of which the fastest counts.
const TURNS: usize = 3;
/// Times that something is done in a turn: a processor's time is counted in milliseconds.
const TIMES: usize = 4;

/// Seconds that all threads of this process have been on a processor.
fn seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let own = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
    own.filter_map(|text| text.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() * 1e-9
}

/// Nanoseconds an entry, the least of some turns.
fn compare<R: PartialEq>(name: &str, entries: usize, ways: [&dyn Fn() -> R; 2]) {
    let mut least = [f64::INFINITY; 2];
    for _ in 0..TURNS {
        let results = [0, 1].map(|way| {
            let start = seconds();
            let results: Vec<R> = (0..TIMES).map(|_| ways[way]()).collect();
            least[way] = least[way].min((seconds() - start) * 1e9 / (entries * TIMES) as f64);
            results
        });
        assert!(results[0] == results[1], "{name}: lanes differ");
    }
    println!("{name:44} {:8.2} {:8.2} {:6.1}", least[0], least[1], least[0] / least[1]);
}

fn scalars(n: usize) -> Vec<Fr> {
    let mut x = Fr::from(3u64);
    (0..n)
        .map(|_| {
            x = x * x + Fr::from(5u64);
            x
        })
        .collect()
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    println!("{:44} {:>8} {:>8} {:>6}", "ns an entry", "plain", "lanes", "ratio");
    for (bits, width) in [(8, "8 bits"), (16, "16 bits"), (32, "32 bits")] {
        let dims = [3072, 768];
        let mut state = 1u64;
        let mut integer = |_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state as i64 >> (64 - bits)
        };
        let values = Integers::from((0..dims[0] * dims[1]).map(&mut integer).collect::<Vec<i64>>());
        let bound = |axis: usize| Axis::Bound(eq_table(&scalars(12))[..dims[axis]].to_vec());
        for (name, axes) in
            [("rows", [Axis::Kept, bound(1)]), ("columns", [bound(0), Axis::Kept]), ("both axes", [bound(0), bound(1)])]
        {
            let (lanes, plain) =
                (|| contract(values.slice(), &dims, &axes), || contract_one_by_one(values.slice(), &dims, &axes));
            compare(&format!("contraction, {width}, {name}"), values.len(), [&plain, &lanes]);
        }
    }
    for (degree, factors) in [(Degree::Two, 2), (Degree::Three, 2), (Degree::Three, 3)] {
        let bits = 16;
        let tables: Vec<Vec<Fr>> = scalars(factors << bits).chunks(1 << bits).map(<[Fr]>::to_vec).collect();
        let challenges = scalars(bits);
        let product = || vec![ProductTables { weight: challenges[0], factors: tables.clone() }];
        let rounds = |mut batch: Batch| {
            let mut messages = Vec::new();
            let mut at = 0;
            for b in degree.groups(Span::all(bits)) {
                messages.push(batch.message(b));
                batch.bind(&challenges[at..at + b]);
                at += b;
            }
            messages
        };
        let lanes = || rounds(Batch::new(product(), bits, degree));
        let plain = || rounds(Batch::one_by_one(product(), bits, degree));
        compare(&format!("sumcheck of {factors} factors, degree {degree:?}, 2^{bits}"), 1 << bits, [&plain, &lanes]);
    }
}
