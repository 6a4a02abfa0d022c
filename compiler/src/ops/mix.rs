//! Sums of an axis' entries by numbers that everybody knows (docs/lowerings.md, section 27).
//!
//! Resizes, Fourier transforms, samples at fixed places and overlapping sums are all such: what they do to an axis follows from the architecture.

use std::sync::Arc;

use ndarray::{ArrayD, Axis, IxDyn, Zip};
use zktorch_blocks::program::{AxisGroup, GroupMap, Scale, TensorId};

use super::label::Label;
use super::operator::{Imports, Nature, Operator, Ranges, empty, first};
use super::shape::{Misfit, one, require, with_axes};
use crate::graph::{Domain, NodeId};
use crate::lower::{Lowering, Refusal, Value, pass};
use crate::quantise::Range;

/// No operator of the parser's: what is read here by itself makes it.
pub(super) const IMPORT: Imports = &[];

/// Bits behind the point up to which weights are exact.
const EXACT: i32 = 14;
/// Bits that weights have where they are not.
const BITS: f64 = 15.0;
/// Bits of a sum of an operand as it comes; of a wider one the operand is narrow.
const ROOM: u32 = 44;
/// Public numbers of one operator.
const NUMBERS: usize = 1 << 22;

/// Entries of an axis, each with the weight that it has in a sum.
pub type Row = Vec<(usize, f64)>;

/// `out[.., i, ..]` is the sum over `(j, w)` in row `i` of `w x[.., j, ..]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    /// Along this axis.
    pub axis: usize,
    /// One for each entry of the result's axis.
    pub rows: Arc<Vec<Row>>,
}

impl Mix {
    fn weights(&self) -> impl Iterator<Item = f64> {
        self.rows.iter().flatten().map(|&(_, weight)| weight)
    }

    /// The fewest bits behind the point that hold all weights, or as many as weights have that no few bits hold.
    fn bits(&self) -> i32 {
        let whole = |bits: i32| {
            self.weights().all(|w| {
                let scaled = w * f64::from(bits).exp2();
                (scaled - scaled.round()).abs() < 1e-7
            })
        };
        (0..=EXACT).find(|&bits| whole(bits)).unwrap_or_else(|| {
            let largest = self.weights().fold(f64::MIN_POSITIVE, |most, w| most.max(w.abs()));
            (BITS - largest.log2().ceil()).max(0.0) as i32
        })
    }

    /// The largest sum of magnitudes of a row.
    fn growth(&self) -> f64 {
        self.rows.iter().map(|row| row.iter().map(|(_, w)| w.abs()).sum()).fold(0.0, f64::max)
    }
}

impl Operator for Mix {
    fn name(&self) -> &'static str {
        "Mix"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let mut shape = with_axes(one(operands)?, &[self.axis])?;
        let extent = shape[self.axis];
        require(self.rows.iter().flatten().all(|&(i, _)| i < extent), || Misfit::Index { extent })?;
        shape[self.axis] = self.rows.len();
        Ok(Some(shape))
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        match first(operands) {
            Domain::Real => Domain::Real,
            _ if self.weights().all(|w| w.fract() == 0.0) => Domain::ANY,
            _ => Domain::Real,
        }
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
        let Some(&x) = operands.first() else { return empty() };
        let mut result = ArrayD::zeros(IxDyn(shape));
        for (mut slice, row) in result.axis_iter_mut(Axis(self.axis)).zip(self.rows.iter()) {
            for &(index, weight) in row {
                Zip::from(&mut slice).and(x.index_axis(Axis(self.axis), index)).for_each(|sum, x| *sum += weight * x);
            }
        }
        result
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let x = at.operand(0);
        let end = |weight: f64, up: bool| {
            if weight == 0.0 { 0.0 } else { weight * if (weight > 0.0) == up { x.hi } else { x.lo } }
        };
        let ends = |row: &Row| [false, true].map(|up| row.iter().map(|&(_, w)| end(w, up)).sum::<f64>());
        Range::hull(self.rows.iter().flat_map(ends))
    }

    fn nature(&self) -> Nature {
        Nature::LINEAR
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (operand, name) = (at.operand(id, 0)?, at.name(id));
        let extent = at.graph.shape(operand)[self.axis];
        let bits = if at.exact(id) { 0 } else { self.bits() };
        let units = f64::from(bits).exp2();
        let growth = (self.growth() * units).max(1.0).log2().ceil() as u32;
        let x = at.value(operand)?;
        let fits = at.exact(id) || at.builder.interval(x.tensor).bits() + growth <= ROOM;
        let x = if fits { x } else { at.narrow(operand)? };
        let longest = self.rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let columns = if 2 * longest <= extent || longest == 1 { longest } else { extent };
        if self.rows.len() * columns > NUMBERS {
            return Err(format!("its sums have more than {NUMBERS} numbers in all").into());
        }
        let weight = |weight: f64| (weight * units).round() as i64;
        let uniform = self.weights().next().map(weight).filter(|&first| self.weights().all(|w| weight(w) == first));
        // Entries where they stand, or taken from there for each sum; a sum of fewer entries has zeros for the rest, whatever their weight is.
        let whole = columns == extent && longest > 1;
        let mut numbers = vec![0; self.rows.len() * columns];
        for (row, numbers) in self.rows.iter().zip(numbers.chunks_exact_mut(columns)) {
            row.iter().enumerate().for_each(|(n, &(index, w))| numbers[if whole { index } else { n }] += weight(w));
        }
        let entries = if whole { x.tensor } else { self.taken(at, &name, x, columns) };
        let scale = Scale(x.scale.0 + bits);
        if let (1, Some(weight)) = (columns, uniform) {
            return Ok(Value { tensor: at.builder.linear(&name, &[(weight, entries)], 0, scale)?, scale, ..x });
        }
        let dims = if columns > 1 { vec![self.rows.len(), columns] } else { vec![self.rows.len()] };
        let numbers = match uniform.filter(|_| !whole) {
            Some(weight) => at.builder.fill(&format!("{name}.weights"), &dims, weight),
            None => at.builder.constant(&format!("{name}.weights"), &dims, numbers),
        };
        let out = Label::of(0..at.graph.shape(id).len());
        let (mut labels, mut of_numbers) = (out.clone(), vec![out[self.axis]]);
        if columns > 1 {
            let column = Label::of([out.len()])[0];
            of_numbers.push(column);
            if whole { labels[self.axis] = column } else { labels.insert(self.axis + 1, column) }
        }
        let tensor = at.builder.einsum(&name, (numbers, &of_numbers), (entries, &labels), &out)?;
        at.builder.set_scale(tensor, scale);
        Ok(Value { tensor, scale, depth: x.depth + 1 })
    }
}

impl Mix {
    /// The entries of every sum, along a new axis behind the one of sums if they are more than one.
    fn taken(&self, at: &mut Lowering<'_>, name: &str, x: Value, columns: usize) -> TensorId {
        let mut dims = at.builder.dims(x.tensor).to_vec();
        let axis = self.axis;
        let new = usize::from(columns > 1);
        let mut groups: Vec<AxisGroup> = (0..dims.len()).map(|a| pass(if a > axis { a + new } else { a }, a)).collect();
        let list = self.rows.iter().flat_map(|row| {
            let indices = row.iter().map(|&(index, _)| u32::try_from(index).ok());
            indices.chain(std::iter::repeat(None)).take(columns)
        });
        groups[axis].map = GroupMap::List(list.collect());
        dims[axis] = self.rows.len();
        if columns > 1 {
            groups[axis].out_axes.push(axis + 1);
            dims.insert(axis + 1, columns);
        }
        at.builder.view(&format!("{name}.entries"), x.tensor, &dims, groups)
    }
}

#[cfg(test)]
mod tests {
    use zktorch_blocks::execute::{check_satisfied, execute};
    use zktorch_blocks::program::Interval;

    use super::*;
    use crate::graph::Graph;
    use crate::{Compiled, Like, Options, compile};

    /// Few entries of many, all of few, one of each, none, one weight for all.
    fn examples() -> Vec<Vec<Row>> {
        vec![
            (0..14).map(|i| vec![(i / 2, 0.75), ((i / 2 + 1).min(6), 0.25)]).collect(),
            (0..5).map(|i| (0..7).map(|j| (j, (i * j) as f64 - 3.5)).collect()).collect(),
            vec![vec![(6, 2.0)], vec![], vec![(0, -0.5)]],
            vec![vec![(6, 2.0)], vec![], vec![(0, 2.0)]],
            vec![vec![(1, 1.0), (2, 1.0)], vec![(5, 1.0)], vec![]],
            vec![vec![(0, 1.0); 3], vec![(4, 1.0)]],
        ]
    }

    fn graph(rows: &[Row]) -> Graph {
        let mut graph = Graph::new();
        let x = graph.add_input("x", &[2, 7, 3]);
        let y = graph.add_inferred("y", Mix { axis: 1, rows: Arc::new(rows.to_vec()) }, &[x]).expect("shapes fit");
        graph.add_output("y", y);
        graph
    }

    #[test]
    fn the_integers_are_the_sums_and_nothing_is_looked_up() {
        for rows in examples() {
            let like = Like { scale: Scale(0), interval: Interval::new(-64, 63), columns: Vec::new() };
            let options = Options { inputs_like: vec![like], max_error: f64::INFINITY, ..Options::default() };
            let graph = graph(&rows);
            let Compiled { program, weights, outputs, .. } = compile(&graph, &[], &options).expect("it compiles");
            let input: Vec<i64> = (0..42).map(|i| (i * 29 + i / 3) % 128 - 64).collect();
            let at = |outer: usize, j: usize, inner: usize| input[(outer * 7 + j) * 3 + inner] as f64;
            let sum = |outer, row: &Row, inner| row.iter().map(|&(j, w)| w * at(outer, j, inner)).sum::<f64>();
            let wanted: Vec<f64> = (0..2)
                .flat_map(|outer| rows.iter().flat_map(move |row| (0..3).map(move |inner| (outer, row, inner))))
                .map(|(outer, row, inner)| sum(outer, row, inner))
                .collect();
            let trace = execute(&program, &weights, std::slice::from_ref(&input)).expect("in range");
            assert_eq!(check_satisfied(&program, &trace), []);
            assert_eq!(outputs[0].dequantise(&trace.values(&program, program.outputs[0])), wanted);
            let x = ArrayD::from_shape_vec(IxDyn(&[2, 7, 3]), input.iter().map(|&v| v as f64).collect());
            let evaluated = graph.evaluate(&[x.expect("of the shape")]).expect("it runs");
            assert_eq!(evaluated.outputs()[0].iter().copied().collect::<Vec<_>>(), wanted);
            assert!(program.lookups.is_empty() && weights.is_empty(), "sums need neither lookups nor weights");
        }
    }

    #[test]
    fn a_key_of_other_numbers_fails_its_audit() {
        let all = examples();
        for compiled in &all {
            let program = compile(&graph(compiled), &[], &Options::default()).expect("it compiles").program;
            for said in &all {
                let verdict = crate::audit::audit(&graph(said), &program);
                assert_eq!(verdict.is_ok(), said == compiled, "{said:?} for {compiled:?}");
            }
        }
    }
}
