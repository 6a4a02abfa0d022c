//! A program under construction: tensors with the intervals their operands imply, shared tables, lookups.

use std::collections::HashMap;

use zktorch_blocks::execute::Weights;
use zktorch_blocks::program::{
    Advice, AxisGroup, Column, Draws, Einsum, GroupMap, IdVec, Interval, LARGEST_WORD, Lookup, Marks, Program, Role,
    RowLookup, Scale, Shape, Source, Table, TableId, Tensor, TensorId, VIRTUAL_DEPTH, View, Visibility,
};

use super::error::Refusal;
use crate::ops::Label;

/// Values stay below this magnitude.
const MAGNITUDE: i128 = 1 << 61;

/// What makes two tables the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Range(i64, usize),
    Relu(i64, usize),
    Data(Vec<Vec<i64>>),
}

/// A program under construction.
pub(crate) struct Builder {
    program: Program,
    weights: Weights,
    tables: HashMap<Key, TableId>,
    /// Virtual depths of the tensors.
    depths: IdVec<TensorId, usize>,
    /// Committed copies of tensors that are as deep as tensors may be.
    grounded: HashMap<TensorId, TensorId>,
    /// Bits of the range table that loose ranges share.
    pub(super) shared_bits: u32,
}

impl Builder {
    /// An empty program whose loose range checks share a table of `2^shared_bits` rows.
    pub fn new(shared_bits: u32) -> Self {
        Self {
            program: Program::default(),
            weights: Weights::new(),
            tables: HashMap::new(),
            depths: IdVec::default(),
            grounded: HashMap::new(),
            shared_bits,
        }
    }

    /// The program and its weights.
    pub fn finish(self) -> (Program, Weights) {
        (self.program, self.weights)
    }

    /// What stands already.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// A tensor that stands already.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.program.tensors[id]
    }

    /// Extents of a tensor.
    pub fn dims(&self, id: TensorId) -> &[usize] {
        self.tensor(id).shape.dims()
    }

    /// How the protocol treats a tensor.
    pub fn role(&self, id: TensorId) -> Role {
        self.tensor(id).role()
    }

    /// The interval of a tensor.
    pub fn interval(&self, id: TensorId) -> Interval {
        self.tensor(id).interval
    }

    fn push(&mut self, name: &str, dims: &[usize], source: Source, interval: Interval, scale: Scale) -> TensorId {
        let (name, shape, visibility) = (name.to_owned(), Shape(dims.to_vec()), Visibility::Private);
        let tensor = Tensor { name, shape, source, visibility, interval, scale };
        self.depths.push(tensor.depth_over(&self.program.tensors, &self.depths));
        self.program.tensors.push(tensor)
    }

    /// A tensor on which another virtual one may stand: the tensor itself, or a committed copy where it is as deep as tensors may be.
    fn grounded(&mut self, id: TensorId) -> TensorId {
        if self.depths[id] < VIRTUAL_DEPTH {
            return id;
        }
        if let Some(&copy) = self.grounded.get(&id) {
            return copy;
        }
        let copy = self.copy(&format!("{}.grounded", self.tensor(id).name), id);
        self.grounded.insert(id, copy);
        copy
    }

    /// A model input.
    pub fn input(
        &mut self,
        name: &str,
        dims: &[usize],
        interval: Interval,
        scale: Scale,
        visibility: Visibility,
    ) -> TensorId {
        let id = self.push(name, dims, Source::Input(self.program.inputs.len()), interval, scale);
        self.program.tensors[id].visibility = visibility;
        self.program.inputs.push(id);
        id
    }

    /// A committed weight of `bits + 1` bits.
    pub fn weight(&mut self, name: &str, dims: &[usize], values: Vec<i64>, scale: Scale, bits: u32) -> TensorId {
        let half = 1i64 << bits;
        let id = self.push(name, dims, Source::Weight, Interval::new(-half, half - 1), scale);
        self.weights.insert(id, values.into());
        id
    }

    /// The same value everywhere.
    pub fn fill(&mut self, name: &str, dims: &[usize], value: i64) -> TensorId {
        self.push(name, dims, Source::Fill(value), Interval::new(value, value), Scale(0))
    }

    /// Public values.
    pub fn constant(&mut self, name: &str, dims: &[usize], values: Vec<i64>) -> TensorId {
        let lo = values.iter().copied().min().unwrap_or(0);
        let hi = values.iter().copied().max().unwrap_or(0);
        self.push(name, dims, Source::Constant(values), Interval::new(lo, hi), Scale(0))
    }

    /// Zeros and ones by indices that everybody knows, along a new last axis.
    pub fn marks(&mut self, name: &str, marks: Marks, extent: usize) -> TensorId {
        let dims = [self.dims(marks.indices), &[extent]].concat();
        self.push(name, &dims, Source::Marks(marks), Interval::new(0, 1), Scale(0))
    }

    /// Random numbers that everybody can compute.
    pub fn draws(&mut self, name: &str, draws: Draws) -> TensorId {
        let dims = self.dims(draws.places).to_vec();
        self.push(name, &dims, Source::Draws(draws), Interval::new(0, LARGEST_WORD), Scale(0))
    }

    /// Makes advice part of the statement.
    pub fn show(&mut self, id: TensorId) {
        self.program.tensors[id].visibility = Visibility::Public;
    }

    /// An advice tensor.
    pub fn advice(&mut self, name: &str, dims: &[usize], rule: Advice, interval: Interval, scale: Scale) -> TensorId {
        self.push(name, dims, Source::Advice(rule), interval, scale)
    }

    /// States another rule for advice, as one that names a later tensor.
    pub fn set_rule(&mut self, id: TensorId, rule: Advice) {
        self.program.tensors[id].source = Source::Advice(rule);
    }

    /// `sum_j c_j T_j + constant`; tensors of one shape, at least one.
    pub fn linear(
        &mut self,
        name: &str,
        terms: &[(i64, TensorId)],
        constant: i64,
        scale: Scale,
    ) -> Result<TensorId, Refusal> {
        if let ([(1, id)], 0) = (terms, constant) {
            return Ok(*id);
        }
        let (mut lo, mut hi) = (i128::from(constant), i128::from(constant));
        for &(c, id) in terms {
            let Interval { lo: a, hi: b } = self.interval(id);
            let ends = [i128::from(c) * i128::from(a), i128::from(c) * i128::from(b)];
            lo += ends[0].min(ends[1]);
            hi += ends[0].max(ends[1]);
        }
        let dims = terms.first().map(|&(_, id)| self.dims(id).to_vec()).unwrap_or_default();
        let interval = narrow(name, lo, hi)?;
        Ok(self.push(name, &dims, Source::Linear { terms: terms.to_vec(), constant }, interval, scale))
    }

    /// An einsum; the scale is the sum of the operands'.
    pub fn einsum(
        &mut self,
        name: &str,
        (lhs, lhs_labels): (TensorId, &[Label]),
        (rhs, rhs_labels): (TensorId, &[Label]),
        out_labels: &[Label],
    ) -> Result<TensorId, Refusal> {
        let (lhs, rhs) = (self.grounded(lhs), self.grounded(rhs));
        let extent = |label: Label| {
            let find = |labels: &[Label], id: TensorId| labels.iter().position(|&l| l == label).map(|p| self.dims(id)[p]);
            find(lhs_labels, lhs).or_else(|| find(rhs_labels, rhs)).unwrap_or(1)
        };
        let dims: Vec<usize> = out_labels.iter().map(|&l| extent(l)).collect();
        let contracted: usize = lhs_labels.iter().filter(|l| !out_labels.contains(l)).map(|&l| extent(l)).product();
        let (a, b) = (self.interval(lhs), self.interval(rhs));
        let corner = |x: i64, y: i64| i128::from(x) * i128::from(y) * contracted as i128;
        let corners = [corner(a.lo, b.lo), corner(a.lo, b.hi), corner(a.hi, b.lo), corner(a.hi, b.hi)];
        let (lo, hi) = corners.iter().fold((i128::MAX, i128::MIN), |(lo, hi), &c| (lo.min(c), hi.max(c)));
        let scale = self.tensor(lhs).scale + self.tensor(rhs).scale;
        let bytes = |labels: &[Label]| labels.iter().map(|label| label.0).collect();
        let einsum =
            Einsum { lhs, rhs, lhs_labels: bytes(lhs_labels), rhs_labels: bytes(rhs_labels), out_labels: bytes(out_labels) };
        Ok(self.push(name, &dims, Source::Einsum(einsum), narrow(name, lo, hi)?, scale))
    }

    /// A view.
    pub fn view(&mut self, name: &str, source: TensorId, dims: &[usize], groups: Vec<AxisGroup>) -> TensorId {
        let source = self.grounded(source);
        let Interval { lo, hi } = self.interval(source);
        let total = groups.iter().all(|g| matches!(g.map, GroupMap::Reshape | GroupMap::Broadcast | GroupMap::Indices(_)));
        let interval = if total { Interval::new(lo, hi) } else { Interval::new(lo.min(0), hi.max(0)) };
        let scale = self.tensor(source).scale;
        self.push(name, dims, Source::View(View { source, groups }), interval, scale)
    }

    /// Whether the table of `[0, rows)` is there already.
    pub(super) fn has_range_table(&self, rows: usize) -> bool {
        self.tables.contains_key(&Key::Range(0, rows))
    }

    /// The table `[lo, lo + rows)`.
    pub fn range_table(&mut self, lo: i64, rows: usize) -> TableId {
        self.table(Key::Range(lo, rows), || Table::range(format!("range {lo}..{}", lo + rows as i64), lo, rows))
    }

    /// The table `(x, max(x, 0))` over `[lo, lo + rows)`.
    pub fn relu_table(&mut self, lo: i64, rows: usize) -> TableId {
        self.table(Key::Relu(lo, rows), || Table {
            name: format!("relu {lo}..{}", lo + rows as i64),
            rows,
            columns: vec![Column::Count { start: lo }, Column::Relu { start: lo }],
        })
    }

    /// A table whose first column counts from `lo` and whose others are data.
    pub fn data_table(&mut self, name: &str, lo: i64, columns: Vec<Vec<i64>>) -> TableId {
        let rows = columns.first().map_or(0, Vec::len);
        let mut key = vec![vec![lo]];
        key.extend(columns.iter().cloned());
        self.table(Key::Data(key), || Table {
            name: name.to_owned(),
            rows,
            columns: std::iter::once(Column::Count { start: lo }).chain(columns.into_iter().map(Column::Data)).collect(),
        })
    }

    fn table(&mut self, key: Key, make: impl FnOnce() -> Table) -> TableId {
        let tables = &mut self.program.tables;
        *self.tables.entry(key).or_insert_with(|| tables.push(make()))
    }

    /// Requires every tuple of the columns' values to be a row of the table.
    pub fn lookup(&mut self, columns: &[TensorId], table: TableId) {
        self.program.lookups.push(Lookup { columns: columns.to_vec(), table });
    }

    /// The rows of a source at indices of its first axis, which are held to be such.
    pub fn rows(&mut self, name: &str, source: TensorId, indices: TensorId) -> TensorId {
        let source = self.grounded(source);
        let dims = [self.dims(indices), self.dims(source).get(1..).unwrap_or_default()].concat();
        let (interval, scale) = (self.interval(source), self.tensor(source).scale);
        let rows = self.advice(name, &dims, Advice::Rows { source, indices }, interval, scale);
        self.program.row_lookups.push(RowLookup { indices, rows, source });
        rows
    }

    /// Requires a tensor to vanish.
    pub fn zero(&mut self, id: TensorId) {
        self.program.zeros.push(id);
    }

    /// A committed copy of a virtual tensor, tied by a zero constraint.
    pub fn copy(&mut self, name: &str, x: TensorId) -> TensorId {
        self.copy_within(name, x, self.interval(x))
    }

    /// A committed copy of a virtual tensor of which more is known than its operands' intervals tell.
    pub fn copy_within(&mut self, name: &str, x: TensorId, interval: Interval) -> TensorId {
        let (dims, scale, from) = (self.dims(x).to_vec(), self.tensor(x).scale, self.interval(x));
        let copy = self.advice(name, &dims, Advice::Copy { source: x }, interval, scale);
        let terms = vec![(1, x), (-1, copy)];
        let spread = from.hi.max(interval.hi).saturating_sub(from.lo.min(interval.lo));
        let source = Source::Linear { terms, constant: 0 };
        let difference = self.push(&format!("{name}.difference"), &dims, source, Interval::new(-spread, spread), scale);
        self.zero(difference);
        copy
    }

    /// States another scale for a tensor: for people, no arithmetic depends on it.
    pub fn set_scale(&mut self, id: TensorId, scale: Scale) {
        self.program.tensors[id].scale = scale;
    }

    /// Declares an output: as it stands where it is advice or an input, else a copy. A private one owns the rows it is committed in.
    /// An input, or what is an output already, is known by its scale: under another one it is a copy.
    pub fn output(&mut self, name: &str, x: TensorId, scale: Scale, visibility: Visibility) -> TensorId {
        let tensor = self.tensor(x);
        let own = match tensor.source {
            Source::Advice(_) => tensor.scale == scale || !self.program.outputs.contains(&x),
            Source::Input(_) => tensor.scale == scale,
            _ => false,
        };
        let id = if own { x } else { self.copy(name, x) };
        let tensor = &mut self.program.tensors[id];
        if visibility == Visibility::Public {
            tensor.visibility = Visibility::Public;
        }
        tensor.scale = scale;
        self.program.outputs.push(id);
        id
    }
}

fn narrow(name: &str, lo: i128, hi: i128) -> Result<Interval, Refusal> {
    if lo <= -MAGNITUDE || hi >= MAGNITUDE {
        let why = format!("`{name}` could reach [{lo}, {hi}], more than 61 bits: use fewer bits");
        return Err(Refusal::Width(why));
    }
    Ok(Interval::new(lo as i64, hi as i64))
}
