use super::Tree;
use crate::claims::Polynomial;
use crate::field::Fr;
use crate::integers::Integers;
use crate::kernel::Values;
use crate::lookup::{Fingerprint, Leaves, TAIL, TOP_LAYERS, TreeProver};
use crate::program::{
    Column, Interval, Lookup, Program, RowLookup, Scale, Shape, Source, Table, TableId, Tensor, TensorId, Visibility,
};
use crate::sumcheck::{Degree, Span};
use ark_ff::{AdditiveGroup, Field};
use std::collections::BTreeMap;

/// A program of lookups, and what is looked up.
#[derive(Default)]
struct Looked {
    program: Program,
    values: BTreeMap<Polynomial, Integers>,
    state: u64,
}

impl Values for Looked {
    fn integers(&self, polynomial: Polynomial) -> Integers {
        self.values[&polynomial].clone()
    }
}

impl Looked {
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.state >> 20 ^ self.state >> 40
    }

    fn tensor(&mut self, dims: &[usize], largest: i64) -> TensorId {
        let shape = Shape(dims.to_vec());
        let values = (0..shape.len()).map(|_| (self.random() as i64).rem_euclid(2 * largest) - largest).collect();
        let id = TensorId(self.program.tensors.len());
        self.program.tensors.push(Tensor {
            name: String::new(),
            shape,
            source: Source::Input(id.0),
            visibility: Visibility::Private,
            interval: Interval::new(-largest, largest),
            scale: Scale::default(),
        });
        self.values.insert(Polynomial::Tensor(id), values);
        id
    }

    /// Adds a table of so many columns. Nothing here depends on whether multiplicities, or what is looked up, are right.
    fn table(&mut self, rows: usize, columns: usize, largest: i64) -> TableId {
        let id = TableId(self.program.tables.len());
        let column = |j: usize| match j % 3 {
            0 => Column::Count { start: -5 },
            1 => Column::Relu { start: -7 },
            _ => Column::Data((0..rows as i64).map(|i| i * i % 97 - 11).collect()),
        };
        self.program.tables.push(Table { name: String::new(), rows, columns: (0..columns).map(column).collect() });
        let multiplicities = (0..rows.next_power_of_two()).map(|_| (self.random() as i64).rem_euclid(largest)).collect();
        self.values.insert(Polynomial::Multiplicity(id), multiplicities);
        id
    }

    fn lookup(&mut self, dims: &[usize], table: TableId, largest: i64) {
        let columns = (0..self.program.tables[table].columns.len()).map(|_| self.tensor(dims, largest)).collect();
        self.program.lookups.push(Lookup { columns, table });
    }

    fn row_lookup(&mut self, indices: &[usize], source: &[usize]) {
        let source_id = self.tensor(source, 100);
        let indices_id = self.tensor(indices, 2);
        let rows = self.tensor(&[indices, &source[1..]].concat(), 100);
        self.program.row_lookups.push(RowLookup { indices: indices_id, rows, source: source_id });
        let multiplicities = (0..source[0].next_power_of_two()).map(|_| (self.random() % 9) as i64).collect();
        self.values.insert(Polynomial::RowMultiplicity(source_id), multiplicities);
    }
}

/// Everything that a tree says, at these challenges.
fn said(tree: &mut Tree, bits: usize, challenges: &[Fr]) -> Vec<Vec<Fr>> {
    let mut said = Vec::new();
    let top = TOP_LAYERS.min(bits);
    for k in 0..=top {
        let (p, q) = tree.layer(k);
        said.extend([p, q]);
    }
    for k in top..bits {
        tree.start(k, &challenges[k..2 * k], challenges[0]);
        let mut at = 0;
        for b in Degree::Two.groups(Span { fixed: k - TAIL.min(k), behind: TAIL.min(k) }) {
            said.push(tree.rounds().message(b));
            tree.rounds().bind(&challenges[at + 1..at + 1 + b]);
            at += b;
        }
        let (p, q) = tree.children();
        said.extend([p, q]);
    }
    said
}

fn scalars(seed: u64, n: usize) -> Vec<Fr> {
    let first = Fr::from(seed + 2).inverse().unwrap();
    std::iter::successors(Some(first), |x| Some(x.square() + Fr::from(7u64))).take(n).collect()
}

/// The tree on lanes says what the one without says, on one thread and on two.
fn check(looked: &Looked, bits: usize, challenges: &[Fr]) {
    let leaves = Leaves::new(&looked.program).unwrap();
    assert_eq!(leaves.bits, bits);
    let fingerprint = Fingerprint { alpha: challenges[70], beta: challenges[71], row: challenges[72..90].to_vec() };
    let mut plain = Tree::one_by_one(&leaves, &looked.program, looked, &fingerprint);
    let expected = said(&mut plain, bits, challenges);
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut tree = pool.install(|| Tree::new(&leaves, &looked.program, looked, &fingerprint));
        let own = pool.install(|| said(&mut tree, bits, challenges));
        for (i, (own, expected)) in own.iter().zip(&expected).enumerate() {
            assert!(own == expected, "{bits} bits, {threads} threads: message {i} of {}", expected.len());
        }
        assert_eq!(own.len(), expected.len());
    }
}

/// One column and two, with and without padding of every kind, in tables of all sizes.
fn mixed(seed: u64) -> Looked {
    let mut looked = Looked { state: seed, ..Looked::default() };
    let range = looked.table(300, 1, 1 << 12);
    let relu = looked.table(1000, 2, 1 << 12);
    looked.lookup(&[1024], range, 1 << 8);
    looked.lookup(&[30, 7, 7], relu, 1 << 15);
    looked.lookup(&[5, 24, 4], range, 1 << 20);
    looked.lookup(&[3, 50], relu, 3);
    looked.lookup(&[2, 768], range, 1 << 12);
    looked.lookup(&[17], range, 1 << 12);
    looked.lookup(&[3, 1], relu, 1 << 12);
    looked.lookup(&[1], range, 1 << 12);
    looked
}

#[test]
fn lanes_say_what_is_said_one_by_one() {
    let mut looked = mixed(1);
    check(&looked, 13, &scalars(1, 128));
    looked.lookup(&[60, 56], TableId(1), 1 << 15);
    check(&looked, 14, &scalars(2, 128));
    looked.lookup(&[5000], TableId(0), 1 << 15);
    check(&looked, 15, &scalars(3, 128));
    // Half neutral; columns, entries and multiplicities that are too large for lanes; a third column, and more than fit.
    looked.lookup(&[16384], TableId(1), 1 << 10);
    let third = looked.table(64, 3, 1 << 10);
    looked.lookup(&[16, 33], third, 1 << 10);
    let counted = looked.table(64, 1, 1 << 40);
    looked.lookup(&[2048], counted, i64::MAX / 2);
    looked.lookup(&[100, 12], counted, (1 << 20) + 1);
    let wide = looked.table(512, 5, 1 << 10);
    looked.lookup(&[512], wide, 1 << 20);
    check(&looked, 16, &scalars(4, 128));
}

#[test]
fn lanes_look_up_rows() {
    let mut looked = mixed(2);
    looked.row_lookup(&[40], &[300, 6]);
    looked.row_lookup(&[2, 9], &[5, 3, 2]);
    looked.row_lookup(&[700], &[2000, 4]);
    check(&looked, 14, &scalars(5, 128));
}

#[test]
fn lanes_agree_where_there_is_no_dividing_by_the_equality_polynomial() {
    let looked = mixed(3);
    let mut challenges = scalars(6, 128);
    (challenges[20], challenges[23]) = (Fr::ZERO, Fr::ONE);
    check(&looked, 13, &challenges);
    check(&looked, 13, &[Fr::ONE; 128]);
    check(&looked, 13, &[Fr::ZERO; 128]);
}

#[test]
fn lanes_agree_on_random_programs() {
    for seed in 0..8u64 {
        let mut looked = Looked { state: seed, ..Looked::default() };
        let tables = [(256, 1), (300, 2), (1 << 10, 1)];
        let tables = tables.map(|(rows, columns)| looked.table(rows, columns, 1 << 16));
        while Leaves::new(&looked.program).map_or(0, |l| l.bits) < 13 + (seed as usize % 3) {
            let table = tables[looked.random() as usize % 3];
            let dims: Vec<usize> = (0..1 + looked.random() % 3).map(|_| 1 + looked.random() as usize % 30).collect();
            let largest = 1 << (3 + looked.random() % 17);
            looked.lookup(&dims, table, largest);
        }
        let bits = Leaves::new(&looked.program).unwrap().bits;
        check(&looked, bits, &scalars(10 + seed, 128));
    }
}

/// All values of columns at their largest.
#[test]
fn lanes_agree_at_the_edges() {
    for edge in [(1 << 20) - 1, -(1 << 20), 0] {
        let mut looked = mixed(4);
        looked.lookup(&[4096], TableId(1), 1 << 10);
        for (polynomial, values) in &mut looked.values {
            let both = matches!(polynomial, Polynomial::Tensor(_));
            *values = values.iter().map(|v| if both && v % 2 == 0 { -edge - i64::from(edge < 0) } else { edge }).collect();
        }
        check(&looked, 14, &vec![-Fr::ONE; 128]);
        check(&looked, 14, &scalars(7, 128));
    }
}
