//! The leaves of the fraction tree, and the check of a claim on them.

use super::LeafClaim;
use crate::field::{Fr, eq_index, eq_table, from_i64, index_below, less_than, powers};
use crate::program::{Column, Program, Shape, Table, TableId, TensorId, index_bits};
use crate::transcript::{Equation, HiddenAffine, Transcript};
use ark_ff::{AdditiveGroup, Field};

/// What a run of leaves stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// Lookup number `i`: fractions `1 / (alpha + T_1 + beta T_2 + .. + beta^W tag valid)`.
    Lookup(usize),
    /// A table: fractions `-multiplicity / (alpha + row + beta^W tag)`.
    Table(TableId),
    /// Lookup number `i` of rows: fractions `1 / (alpha + index + beta row~(b) + beta^W tag valid)`.
    RowLookup(usize),
    /// Number `i` of the tensors whose rows are looked up: fractions `-multiplicity / (alpha + index + beta row~(b) + beta^W tag)`, and `alpha` alone for
    /// denominator in padding.
    RowTable(usize),
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// From it a denominator is shifted.
    pub alpha: Fr,
    /// Its powers tell columns apart, and tables.
    pub beta: Fr,
    /// `b`, the point at which a row of a tensor is evaluated: the last coordinates, as many as the row has bits.
    pub row: Vec<Fr>,
}

impl Fingerprint {
    /// The coordinates for rows of so many bits.
    pub fn row_point(&self, bits: usize) -> &[Fr] {
        self.row.get(self.row.len().saturating_sub(bits)..).unwrap_or_default()
    }
}

/// Evaluations at suffixes of `rho` that the leaf check is about.
#[derive(Clone, Debug, Default)]
pub struct LeafValues<E> {
    /// Of the columns of each lookup.
    pub columns: Vec<Vec<E>>,
    /// Of the multiplicities of each table.
    pub multiplicities: Vec<E>,
    /// Of indices and rows of each lookup of rows, the rows at `b`.
    pub rows: Vec<[E; 2]>,
    /// Of each tensor whose rows are looked up, at `b`, and of its multiplicities.
    pub row_tables: Vec<[E; 2]>,
}

impl<E> LeafValues<E> {
    /// The same in another form.
    pub fn map<F>(&self, form: impl Fn(&E) -> F) -> LeafValues<F> {
        let pair = |[a, b]: &[E; 2]| [form(a), form(b)];
        LeafValues {
            columns: self.columns.iter().map(|columns| columns.iter().map(&form).collect()).collect(),
            multiplicities: self.multiplicities.iter().map(&form).collect(),
            rows: self.rows.iter().map(pair).collect(),
            row_tables: self.row_tables.iter().map(pair).collect(),
        }
    }
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
    /// The tensors whose rows are looked up.
    pub row_tables: Vec<TensorId>,
}

impl Leaves {
    /// The layout for a program, or `None` if it looks nothing up.
    pub fn new(program: &Program) -> Option<Self> {
        if !program.looks_up() {
            return None;
        }
        let shape_of = |id: TensorId| program.tensors.get(id).map(|tensor| &tensor.shape);
        let lookups = program.lookups.iter().map(|lookup| lookup.columns.first().copied().and_then(shape_of));
        let row_lookups = program.row_lookups.iter().map(|lookup| shape_of(lookup.indices));
        let shapes: Vec<&Shape> = lookups.clone().chain(row_lookups.clone()).flatten().collect();
        let bits = |shape: Option<&Shape>| shape.map_or(0, Shape::bits);
        let lookups = lookups.enumerate().map(|(i, shape)| (BlockKind::Lookup(i), bits(shape)));
        let tables = program.tables.enumerate().map(|(id, t)| (BlockKind::Table(id), t.bits()));
        let row_lookups = row_lookups.enumerate().map(|(i, shape)| (BlockKind::RowLookup(i), bits(shape)));
        let row_tables = program.row_tables();
        let rows = row_tables.iter().map(|&id| index_bits(program.first_extent(id)));
        let rows = rows.enumerate().map(|(i, bits)| (BlockKind::RowTable(i), bits));
        let own = lookups.chain(tables).chain(row_lookups).chain(rows);
        let mut kinds: Vec<_> = own.chain([(BlockKind::Padding, 0)]).collect();
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
        let padded = shapes.iter().map(|s| s.padded_len() - s.len()).sum();
        let row_width = if program.row_lookups.is_empty() { 0 } else { 2 };
        let width = program.tables.iter().map(|t| t.columns.len()).max().unwrap_or(0).max(row_width);
        Some(Self { blocks, bits: index_bits(active), active, width, padded, row_tables })
    }

    /// The tag of a tensor whose rows are looked up; they come after those of tables.
    pub fn row_tag(&self, program: &Program, source: TensorId) -> Fr {
        let before = self.row_tables.binary_search(&source).unwrap_or(0);
        tag(TableId(program.tables.len() + before))
    }

    /// Checks the tree's claim against the leaves: two constraints.
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
        fingerprint: &Fingerprint,
        claim: &LeafClaim,
        values: &LeafValues<HiddenAffine>,
    ) {
        let rho = &claim.rho;
        let (alpha, beta) = (fingerprint.alpha, powers(fingerprint.beta, self.width + 1));
        let tag_power = beta.last().copied().unwrap_or_default();
        let (mut numerator, mut denominator) = (HiddenAffine::ZERO, HiddenAffine::ZERO);
        let mut covered = Fr::ZERO;
        let valid = |id: Option<&TensorId>, low: &[Fr]| {
            id.and_then(|&id| program.tensors.get(id)).map_or(Fr::ZERO, |tensor| tensor.shape.valid(low))
        };
        for block in &self.blocks {
            let (high, low) = rho.split_at(rho.len().saturating_sub(block.bits));
            let weight = eq_index(high, block.offset >> block.bits);
            covered += weight;
            match block.kind {
                BlockKind::Lookup(i) => {
                    let Some(lookup) = program.lookups.get(i) else { continue };
                    let valid = valid(lookup.columns.first(), low);
                    numerator.constant += weight;
                    denominator.constant += weight * (alpha + tag_power * tag(lookup.table) * valid);
                    for (&power, column) in beta.iter().zip(values.columns.get(i).into_iter().flatten()) {
                        denominator.add_scaled(weight * power, column);
                    }
                }
                BlockKind::RowLookup(i) => {
                    let Some(lookup) = program.row_lookups.get(i) else { continue };
                    let valid = valid(Some(&lookup.indices), low);
                    numerator.constant += weight;
                    denominator.constant += weight * (alpha + tag_power * self.row_tag(program, lookup.source) * valid);
                    for (&power, column) in beta.iter().zip(values.rows.get(i).into_iter().flatten()) {
                        denominator.add_scaled(weight * power, column);
                    }
                }
                BlockKind::Table(id) => {
                    let Some((table, multiplicity)) = program.tables.get(id).zip(values.multiplicities.get(id.0)) else {
                        continue;
                    };
                    numerator.add_scaled(-weight, multiplicity);
                    let row: Fr = table.evaluate(low).iter().zip(&beta).map(|(c, b)| *c * b).sum();
                    denominator.constant += weight * (alpha + row + tag_power * tag(id));
                }
                BlockKind::RowTable(i) => {
                    let Some((&id, [row, multiplicity])) = self.row_tables.get(i).zip(values.row_tables.get(i)) else {
                        continue;
                    };
                    let rows = program.first_extent(id);
                    numerator.add_scaled(-weight, multiplicity);
                    let valid = tag_power * self.row_tag(program, id) * less_than(rows, low);
                    denominator.constant += weight * (alpha + index_below(rows, low) + valid);
                    denominator.add_scaled(weight * beta.get(1).copied().unwrap_or_default(), row);
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
