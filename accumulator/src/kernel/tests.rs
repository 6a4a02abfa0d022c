use super::RowFold;
use crate::fold::FoldProver;
use crate::form::LinearForm;
use crate::merge::Leaf;
use crate::rows::Row;
use ark_ff::Field;
use zktorch_blocks::field::Fr;
use zktorch_blocks::integers::Integers;
use zktorch_blocks::sumcheck::{Degree, Rounds, Span};

/// Numbers that look random.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 20 ^ self.0 >> 40
    }

    fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n
    }

    fn scalar(&mut self) -> Fr {
        match self.below(20) {
            0 => -Fr::ONE,
            1 => Fr::from(0u64),
            _ => (Fr::from(self.next()) + Fr::ONE).inverse().unwrap(),
        }
    }

    /// Rows of several widths, of which some end early.
    fn rows(&mut self, count: usize, columns: usize) -> Vec<Row> {
        let of = |draws: &mut Self, width: u32| -> Vec<i64> {
            (0..columns - draws.below(2) * draws.below(columns))
                .map(|_| match draws.below(8) {
                    0 => i64::MIN >> (64 - width),
                    1 => i64::MAX >> (64 - width),
                    _ => ((draws.next() << 40 ^ draws.next()) as i64) >> (64 - width),
                })
                .collect()
        };
        let mut row = |_| {
            let width = [1, 8, 16, 32, 33, 63][self.below(6)];
            Row::from(Integers::from(of(self, width).as_slice()))
        };
        (0..count).map(&mut row).collect()
    }

    /// A point of which some leading coordinates are bits.
    fn point(&mut self, bits: usize) -> Vec<Fr> {
        let named = if self.below(2) == 0 { 0 } else { self.below(bits + 1) };
        (0..bits).map(|i| if i < named { Fr::from(self.next() & 1) } else { self.scalar() }).collect()
    }

    fn leaf(&mut self, rows: usize, bits: usize) -> Leaf {
        let count = match self.below(6) {
            0 => 0,
            1 => 40 + self.below(20),
            2 => 1100,
            _ => 1 + self.below(6),
        };
        let weighted = (0..count).map(|_| (self.below(rows), self.scalar())).collect();
        let eqs = (0..self.below(8)).map(|_| (self.scalar(), self.point(bits))).collect();
        let dense = if self.below(6) == 0 { (0..1 << bits).map(|_| self.scalar()).collect() } else { Vec::new() };
        Leaf { rows: weighted, form: LinearForm { eqs, dense } }
    }
}

fn run(mut fold: RowFold<'_>, leaves: Vec<Leaf>, groups: &[usize], challenges: &[Fr]) -> Vec<Vec<Fr>> {
    fold.start(leaves);
    let mut seen = Vec::new();
    let mut at = 0;
    for &b in groups {
        seen.push(fold.message(b));
        fold.bind(&challenges[at..at + b]);
        at += b;
    }
    seen.extend([fold.vector(), fold.form()]);
    seen
}

/// Where the processor has no lanes this compares a thing with itself.
#[test]
fn lanes_and_none_have_the_same_messages() {
    let mut draws = Draws(3);
    for bits in [0, 2, 3, 4, 5, 6, 8, 9, 10, 11] {
        let rows = draws.rows(24, 1 << bits);
        for (variables, count) in [(0, 1), (1, 2), (2, 3), (3, 5), (3, 8), (4, 9), (4, 16), (6, 33)] {
            if bits > 8 && variables > 4 {
                continue;
            }
            let leaves: Vec<Leaf> = (0..count).map(|_| draws.leaf(rows.len(), bits)).collect();
            let challenges: Vec<Fr> = (0..variables).map(|_| draws.scalar()).collect();
            let groups = [
                Degree::Two.groups(Span { fixed: variables, behind: bits }),
                Degree::Two.groups(Span { fixed: variables, behind: 20 }),
            ];
            for groups in groups {
                let all = [RowFold::new, RowFold::one_by_one];
                let [lanes, plain] = all.map(|new| run(new(1 << bits, &rows), leaves.clone(), &groups, &challenges));
                assert!(lanes == plain, "2^{bits} columns, {count} leaves, {groups:?}");
            }
        }
    }
}

#[test]
fn nothing_is_folded_to_zero() {
    for bits in [2, 4] {
        let all = [RowFold::new, RowFold::one_by_one];
        let [lanes, plain] = all.map(|new| run(new(1 << bits, &[]), Vec::new(), &[], &[]));
        assert_eq!(lanes, plain);
        assert_eq!(lanes[0], vec![Fr::from(0u64); 1 << bits]);
    }
}
