//! The leaves of the fraction tree, and the check of a claim on them.

use super::LeafClaim;
use crate::field::{Fr, eq_index, eq_table, from_i64, index_below, less_than, powers};
use crate::program::{Column, IdVec, Program, Table, TableId, index_bits};
use crate::transcript::{Equation, HiddenAffine, Transcript};
use ark_ff::{AdditiveGroup, Field};

/// What a run of leaves stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// Lookup number `i`: fractions `1 / (alpha + T_1 + beta T_2 + .. + beta^W tag valid)`.
    Lookup(usize),
    /// A table: fractions `-multiplicity / (alpha + row + beta^W tag)`.
    Table(TableId),
    /// The table `{0}` with tag 0 of the padded positions: one fraction with a public multiplicity.
    Padding,
}

/// An aligned run of `2^bits` leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it stands for.
    pub kind: BlockKind,
    /// Binary logarithm of its length.
    pub bits: usize,
    /// First leaf, a multiple of the length.
    pub offset: usize,
}

/// The challenges that turn a row of a table, and a tuple that is looked up, into a denominator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// From it a denominator is shifted.
    pub alpha: Fr,
    /// Its powers tell columns apart, and tables.
    pub beta: Fr,
}

/// How the leaves are laid out: blocks by size, largest first, ties in program order; then neutral leaves `0 / 1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaves {
    /// The blocks.
    pub blocks: Vec<Block>,
    /// Binary logarithm of the number of leaves.
    pub bits: usize,
    /// Leaves in blocks.
    pub active: usize,
    /// Largest number of columns of a table: the exponent of the tag's power of beta.
    pub width: usize,
    /// Number of padded positions over all lookups.
    pub padded: usize,
}

impl Leaves {
    /// The layout for a program, or `None` if it looks nothing up.
    pub fn new(program: &Program) -> Option<Self> {
        if program.lookups.is_empty() {
            return None;
        }
        let shape_of = |i: usize| {
            let column = program.lookups.get(i)?.columns.first()?;
            Some(&program.tensors.get(*column)?.shape)
        };
        let lookups = (0..program.lookups.len()).map(|i| (BlockKind::Lookup(i), shape_of(i).map_or(0, |s| s.bits())));
        let tables = program.tables.enumerate().map(|(i, t)| (BlockKind::Table(i), t.bits()));
        let mut kinds: Vec<_> = lookups.chain(tables).chain([(BlockKind::Padding, 0)]).collect();
        kinds.sort_by_key(|&(_, bits)| std::cmp::Reverse(bits));
        let mut active = 0;
        let blocks = kinds
            .into_iter()
            .map(|(kind, bits)| {
                let offset = active;
                active += 1 << bits;
                Block { kind, bits, offset }
            })
            .collect();
        let padded = (0..program.lookups.len()).filter_map(shape_of).map(|s| s.padded_len() - s.len()).sum();
        let width = program.tables.iter().map(|t| t.columns.len()).max().unwrap_or(0);
        Some(Self { blocks, bits: index_bits(active), active, width, padded })
    }

    /// Checks the tree's claim against the leaves: two constraints.
    ///
    /// `columns(i, j)` is column `j` of lookup `i` at the suffix of `rho`; `multiplicities` likewise.
    ///
    /// # Transcript
    /// Adds constraints only.
    ///
    /// # Soundness
    /// Exact, given that the forms are those of the committed tensors.
    pub fn check(
        &self,
        t: &mut Transcript<'_>,
        program: &Program,
        Fingerprint { alpha, beta }: Fingerprint,
        claim: &LeafClaim,
        columns: &[Vec<HiddenAffine>],
        multiplicities: &IdVec<TableId, HiddenAffine>,
    ) {
        let rho = &claim.rho;
        let beta = powers(beta, self.width + 1);
        let tag_power = beta.last().copied().unwrap_or_default();
        let (mut numerator, mut denominator) = (HiddenAffine::ZERO, HiddenAffine::ZERO);
        let mut covered = Fr::ZERO;
        for block in &self.blocks {
            let (high, low) = rho.split_at(rho.len().saturating_sub(block.bits));
            let weight = eq_index(high, block.offset >> block.bits);
            covered += weight;
            match block.kind {
                BlockKind::Lookup(i) => {
                    let Some(lookup) = program.lookups.get(i) else { continue };
                    let shape = lookup.columns.first().and_then(|&c| program.tensors.get(c)).map(|t| &t.shape);
                    let valid = shape.map_or(Fr::ZERO, |s| s.valid(low));
                    numerator.constant += weight;
                    denominator.constant += weight * (alpha + tag_power * tag(lookup.table) * valid);
                    for (&power, column) in beta.iter().zip(columns.get(i).into_iter().flatten()) {
                        denominator.add_scaled(weight * power, column);
                    }
                }
                BlockKind::Table(id) => {
                    let Some((table, multiplicity)) = program.tables.get(id).zip(multiplicities.get(id)) else { continue };
                    numerator.add_scaled(-weight, multiplicity);
                    let row: Fr = table.evaluate(low).iter().zip(&beta).map(|(c, b)| *c * b).sum();
                    denominator.constant += weight * (alpha + row + tag_power * tag(id));
                }
                BlockKind::Padding => {
                    numerator.constant -= weight * Fr::from(self.padded as u64);
                    denominator.constant += weight * alpha;
                }
            }
        }
        denominator.constant += Fr::ONE - covered;
        t.zero(Equation::LeafNumerator, numerator - &claim.numerator);
        t.zero(Equation::LeafDenominator, denominator - &claim.denominator);
    }
}

/// The tag of a table; 0 is the table `{0}` of padded positions.
pub fn tag(table: TableId) -> Fr {
    Fr::from(table.0 as u64 + 1)
}

impl Table {
    /// Bits of a row's index.
    pub fn bits(&self) -> usize {
        index_bits(self.rows)
    }

    /// MLE of every column of the padded table at a point.
    pub fn evaluate(&self, point: &[Fr]) -> Vec<Fr> {
        let mut weights = None;
        // MLE of start + i on the rows from `first` on, 0 on others.
        let counted = |start: i64, first: usize| {
            let count = less_than(self.rows, point) - less_than(first, point);
            index_below(self.rows, point) - index_below(first, point) + from_i64(start) * count
        };
        let padding = Fr::ONE - less_than(self.rows, point);
        self.columns
            .iter()
            .enumerate()
            .map(|(j, column)| match column {
                Column::Count { start } => counted(*start, 0) + padding * from_i64(*start),
                Column::Relu { start } => {
                    let first = usize::try_from(start.saturating_neg()).unwrap_or(0).min(self.rows);
                    counted(*start, first) + padding * from_i64((*start).max(0))
                }
                Column::Data(_) => {
                    let weights = weights.get_or_insert_with(|| eq_table(point));
                    weights.iter().enumerate().map(|(i, w)| *w * from_i64(self.padded_entry(j, i))).sum()
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_are_those_of_the_entries() {
        for rows in [1usize, 2, 3, 7, 8, 13] {
            for start in [-20, -7, -3, 0, 5] {
                let columns = vec![Column::Count { start }, Column::Relu { start }, Column::Data(vec![start; rows])];
                let table = Table { name: String::new(), rows, columns };
                let point: Vec<Fr> = (0..table.bits() as i64).map(|j| from_i64(3 * j * j - 5)).collect();
                let weights = eq_table(&point);
                let entry =
                    |j: usize| weights.iter().enumerate().map(|(i, w)| *w * from_i64(table.padded_entry(j, i))).sum();
                let expected: Vec<Fr> = (0..3).map(entry).collect();
                assert_eq!(table.evaluate(&point), expected, "{rows} rows from {start}");
            }
        }
    }
}
