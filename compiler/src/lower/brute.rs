//! Brute force at small widths: of all advice in (and a little beyond) the declared intervals, whatever satisfies the
//! program gives the honest outputs. The same over a small field, where advice and inputs are any elements at all.

mod bits;
mod division;
mod draws;
mod even;
mod log_softmax;
mod magnitudes;
mod recurrence;
mod roots;
mod single_lies;
mod top_k;
mod trees;
mod whole;

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::execute::{Trace, Weights, definition, execute, first_miss};
use zktorch_blocks::program::{Lookup, Program, Scale, Source, Table, TensorId, Visibility};

use super::builder::Builder;
use super::decisions::Decisions;
use super::error::Refusal;
use super::{Interface, Lowering, Value};
use crate::graph::columns::Columns;
use crate::graph::{Graph, NodeId};
use crate::ops::{AveragePool, Softmax, Unary};
use crate::quantise::{Calibration, Domain, Plan, Range, Settings};

const PUBLIC: Interface<'static> =
    Interface { inputs: Visibility::Public, outputs: Visibility::Public, inputs_like: &[], columns: &NO_COLUMNS };
const NO_COLUMNS: Columns = Columns { inputs: Vec::new(), outputs: Vec::new() };

/// All outputs that some advice makes acceptable.
struct Search<'p> {
    program: &'p Program,
    weights: &'p Weights,
    inputs: &'p [Vec<i64>],
    /// Of the field in which all is computed and advice is anything; none for integers and advice near its intervals.
    modulus: Option<i64>,
    outputs: BTreeSet<Vec<i64>>,
    visited: u64,
}

impl Search<'_> {
    fn extend(&mut self, trace: &mut Trace, id: TensorId) {
        let Some(tensor) = self.program.tensors.get(id) else {
            let outputs = self.program.outputs.iter().flat_map(|&o| trace.values(self.program, o).to_vec()).collect();
            self.outputs.insert(outputs);
            return;
        };
        match &tensor.source {
            Source::Input(n) => trace.replace(id, self.inputs[*n].clone()),
            Source::Weight => trace.replace(id, self.weights[&id].to_vec()),
            Source::Advice(_) => {
                let (lo, hi) = match self.modulus {
                    None => (tensor.interval.lo - 1, tensor.interval.hi + 1),
                    Some(q) => (0, q - 1),
                };
                let mut values = vec![lo; tensor.shape.len()];
                loop {
                    trace.replace(id, values.clone());
                    self.visited += 1;
                    self.descend(trace, id);
                    match values.iter().position(|&v| v < hi) {
                        None => return,
                        Some(at) => {
                            values[at] += 1;
                            values[..at].fill(lo);
                        }
                    }
                }
            }
            _ => {
                let values = definition(self.program, trace, id).expect("virtual");
                trace.replace(id, values.into_iter().map(|v| self.reduce(v)).collect());
            }
        }
        self.descend(trace, id);
    }

    /// Goes on if every constraint that tensor `id` completes holds.
    fn descend(&mut self, trace: &mut Trace, id: TensorId) {
        let complete = |columns: &[TensorId]| columns.iter().max() == Some(&id);
        let mut lookups = self.program.lookups.iter().filter(|l| complete(&l.columns));
        let hit = lookups.all(|l| self.hits(trace, l));
        let vanishes = !self.program.zeros.contains(&id) || trace.values(self.program, id).iter().all(|&v| v == 0);
        if hit && vanishes {
            self.extend(trace, TensorId(id.0 + 1));
        }
    }
}

impl Search<'_> {
    fn reduce(&self, value: i64) -> i64 {
        self.modulus.map_or(value, |q| value.rem_euclid(q))
    }

    fn hits(&self, trace: &Trace, lookup: &Lookup) -> bool {
        if self.modulus.is_none() {
            return first_miss(self.program, trace, lookup).is_none();
        }
        let table = &self.program.tables[lookup.table];
        let columns: Vec<_> = lookup.columns.iter().map(|&id| trace.values(self.program, id)).collect();
        let is_row = |at: usize, row: usize| {
            table.columns.iter().zip(&columns).all(|(entries, values)| self.reduce(entries.entry(row)) == values[at])
        };
        (0..columns[0].len()).all(|at| (0..table.rows).any(|row| is_row(at, row)))
    }
}

/// Requires that over the field of `q` elements any inputs at all have at most one acceptable output, and integers the honest
/// one.
fn unique_over(q: i64, program: &Program, weights: &Weights, inputs: &[i64]) {
    let reduced = [inputs.iter().map(|v| v.rem_euclid(q)).collect()];
    let mut search = Search { program, weights, inputs: &reduced, modulus: Some(q), outputs: BTreeSet::new(), visited: 0 };
    search.extend(&mut Trace::empty(program), TensorId(0));
    assert!(search.outputs.len() <= 1, "inputs {inputs:?} over F_{q}: {:?}", search.outputs);
    if let Ok(honest) = execute(program, weights, &[inputs.to_vec()]) {
        let outputs = program.outputs.iter().flat_map(|&o| honest.values(program, o).to_vec());
        assert_eq!(search.outputs, BTreeSet::from([outputs.map(|v| v.rem_euclid(q)).collect()]), "inputs {inputs:?}");
    }
}

/// Requires exactly the honest outputs to be acceptable.
fn unique(program: &Program, weights: &Weights, inputs: &[Vec<i64>]) {
    let honest = execute(program, weights, inputs).unwrap_or_else(|e| panic!("{e}"));
    let expected: Vec<i64> = program.outputs.iter().flat_map(|&o| honest.values(program, o).to_vec()).collect();
    assert_eq!(solutions(program, weights, inputs), BTreeSet::from([expected]), "inputs {inputs:?}");
}

/// All outputs that some advice near its intervals makes acceptable.
fn solutions(program: &Program, weights: &Weights, inputs: &[Vec<i64>]) -> BTreeSet<Vec<i64>> {
    let mut search = Search { program, weights, inputs, modulus: None, outputs: BTreeSet::new(), visited: 0 };
    search.extend(&mut Trace::empty(program), TensorId(0));
    search.outputs
}

/// Lowers one input `x` of some shape by hand: `rule` gets the lowering, the input's node and its value.
fn lowered(
    shape: &[usize],
    settings: Settings,
    bound: i64,
    rule: impl Fn(&mut Lowering<'_>, NodeId, Value) -> Result<Value, Refusal>,
) -> (Program, Weights) {
    let mut graph = Graph::new();
    let x = graph.add_input("x", shape);
    let f = graph.add("f", Unary::Tanh, &[x], shape);
    graph.add_output("f", f);
    let mut calibration = Calibration::default();
    calibration.assume(x, Range { lo: -1.5, hi: 1.5 });
    calibration.assume(f, Range { lo: -0.9, hi: 0.9 });
    let plan = Plan::new(&graph, &calibration, settings);
    let mut lowering = Lowering {
        graph: &graph,
        calibration: &calibration,
        plan,
        settings,
        interface: PUBLIC,
        builder: Builder::new(settings.shared),
        values: Default::default(),
        narrow: Default::default(),
        carried: Default::default(),
        decisions: Decisions::made(settings),
        committed: None,
        steep: BTreeSet::new(),
    };
    let interval = zktorch_blocks::program::Interval::new(-bound, bound);
    let tensor = lowering.builder.input("x", shape, interval, Scale(4), Visibility::Public);
    let value = rule(&mut lowering, f, Value { tensor, scale: Scale(4), depth: 0 }).expect("lowers");
    lowering.builder.output("out", value.tensor, value.scale, Visibility::Public);
    lowering.builder.finish()
}

const SMALL: Settings = Settings { bits: 3, shift: 3, shared: 3, signs: false, saturates: false, wide: false };

#[test]
fn requantise_has_one_solution() {
    let (program, weights) = lowered(&[1], SMALL, 28, |l, _, x| {
        let y = l.round("y", x, Scale(1))?;
        l.builder.loose_range("y", y.tensor, -4, 8)?;
        Ok(y)
    });
    (-28..=27).for_each(|x| unique(&program, &weights, &[vec![x]]));
    let (program, weights) = lowered(&[1], SMALL, 19, |l, _, x| l.mean_of("mean", x, 5));
    (-19..=17).for_each(|x| unique(&program, &weights, &[vec![x]]));
}

#[test]
fn activations_have_one_solution() {
    for function in [Unary::Relu, Unary::Tanh] {
        let (program, weights) = lowered(&[1], SMALL, 28, |l, f, x| {
            let y = l.round("y", x, Scale(1))?;
            l.apply(f, y, function.clone())
        });
        (-28..=27).for_each(|x| unique(&program, &weights, &[vec![x]]));
    }
    let signs = Settings { shared: 2, signs: true, ..SMALL };
    let (program, weights) = lowered(&[1], signs, 28, |l, f, x| {
        let y = l.round("y", x, Scale(1))?;
        l.apply(f, y, Unary::Relu)
    });
    (-28..=27).for_each(|x| unique(&program, &weights, &[vec![x]]));
}

/// `min(max(y, -1), 2)` of `y = x / 4`, rows of class 1 and -1 for two entries each, and excesses from -4 to 3.
fn clipped(bound: i64) -> (Program, Weights) {
    lowered(&[1], SMALL, bound, |l, f, x| {
        let domain = Domain { scale: Scale(2), lo: -1, hi: 2, step: 2 };
        l.saturated(f, x, &Unary::Clip { lo: -0.25, hi: 0.5 }, domain, 2)
    })
}

#[test]
fn saturation_has_one_solution() {
    let (program, weights) = clipped(25);
    for x in -25..=25 {
        unique(&program, &weights, &[vec![x]]);
        let trace = execute(&program, &weights, &[vec![x]]).expect("in reach");
        assert_eq!(trace.values(&program, program.outputs[0])[..], [(x + 2).div_euclid(4).clamp(-1, 2)], "{x}");
    }
}

#[test]
fn saturation_without_its_class_is_caught() {
    // With the sign of the excess in no table any result that a class has can be reached (docs/lowerings.md, section 7).
    let (mut program, weights) = clipped(25);
    let signs = program.lookups.iter().position(|l| program.tables[l.table].name == "sign").expect("it is there");
    let [excess, class] = program.lookups[signs].columns[..] else { panic!("two columns") };
    for column in [excess, class] {
        let lo = if column == class { -1 } else { -4 };
        let rows = if column == class { 3 } else { 8 };
        let table = program.tables.push(Table::range("loose", lo, rows));
        program.lookups.push(Lookup { columns: vec![column], table });
    }
    program.lookups.remove(signs);
    let mut search = Search {
        program: &program,
        weights: &weights,
        inputs: &[vec![5]],
        modulus: None,
        outputs: BTreeSet::new(),
        visited: 0,
    };
    search.extend(&mut Trace::empty(&program), TensorId(0));
    assert!(search.outputs.len() > 1, "{:?}", search.outputs);
}

#[test]
fn maxima_have_one_solution() {
    let settings = Settings { shift: 2, shared: 2, ..SMALL };
    let (program, weights) = lowered(&[2, 1], settings, 7, |l, f, x| {
        let m = l.rounded_max("pool", x.tensor, 1, 2, Scale(2))?;
        l.apply(f, m, Unary::Relu)
    });
    for a in -7..=7 {
        for b in [-7, -6, -2, -1, 0, 1, 2, 3, 6, 7] {
            unique(&program, &weights, &[vec![a, b]]);
        }
    }
    let (program, weights) =
        lowered(&[3], settings, 3, |l, _, x| Ok(Value { tensor: l.attained_max("max", x.tensor, &[0])?, ..x }));
    for case in 0..343 {
        unique(&program, &weights, &[vec![case % 7 - 3, case / 7 % 7 - 3, case / 49 - 3]]);
    }
}

/// A prime above all bounds of the lemmas at the widths of [`SMALL`]; for means by 5, whose range takes limbs, and for saturation; and for
/// maxima of two entries of two bits.
const PRIMES: [i64; 3] = [131, 331, 31];

#[test]
fn roundings_are_unique_over_a_field() {
    let over = |q: i64, (program, weights): (Program, Weights)| {
        // Integers of both signs, and with them every element of the field.
        (-q / 2..=q / 2).for_each(|x| unique_over(q, &program, &weights, &[x]));
    };
    let all = |lowered| over(PRIMES[0], lowered);
    let signs = Settings { signs: true, shared: 2, ..SMALL };
    for scale in [1, 2] {
        all(lowered(&[1], SMALL, 260, |l, _, x| {
            let y = l.round("y", x, Scale(scale))?;
            l.builder.loose_range("y", y.tensor, -4, 8)?;
            Ok(y)
        }));
        for (settings, function) in [(SMALL, Unary::Relu), (SMALL, Unary::Tanh), (signs, Unary::Relu)] {
            all(lowered(&[1], settings, 260, |l, f, x| {
                let y = l.round("y", x, Scale(scale))?;
                l.apply(f, y, function.clone())
            }));
        }
    }
    over(PRIMES[1], lowered(&[1], SMALL, 19, |l, _, x| l.mean_of("mean", x, 5)));
    over(PRIMES[1], clipped(260));
}

#[test]
fn maxima_are_unique_over_a_field() {
    let settings = Settings { bits: 2, shift: 2, shared: 2, ..SMALL };
    let pool = |pinned: bool| {
        lowered(&[2, 1], settings, 15, move |l, _, x| {
            let m = l.rounded_max("pool", x.tensor, 1, 2, Scale(2))?;
            if pinned {
                l.builder.loose_range("m", m.tensor, -2, 4)?;
            }
            Ok(m)
        })
    };
    let (rounded, free) = (pool(true), pool(false));
    let narrow = lowered(&[2], settings, 1, |l, _, x| Ok(Value { tensor: l.attained_max("max", x.tensor, &[0])?, ..x }));
    for a in [-15, -2, 1, 6] {
        for b in [-9, 1, 3] {
            for (program, weights) in [&rounded, &narrow] {
                unique_over(PRIMES[2], program, weights, &[a, b]);
            }
        }
    }
    // A maximum that nothing looks up moves by fractions, and every rounding with it.
    let (program, weights) = &free;
    let mut search =
        Search { program, weights, inputs: &[vec![1, 5]], modulus: Some(PRIMES[2]), outputs: BTreeSet::new(), visited: 0 };
    search.extend(&mut Trace::empty(program), TensorId(0));
    assert!(search.outputs.len() > 1, "{:?}", search.outputs);
}

#[test]
fn a_shifted_maximum_is_caught() {
    // The selector is what keeps the bound attained.
    let settings = Settings { shift: 2, shared: 2, ..SMALL };
    let (mut program, weights) =
        lowered(&[2], settings, 3, |l, _, x| Ok(Value { tensor: l.attained_max("max", x.tensor, &[0])?, ..x }));
    program.zeros.clear();
    let mut search = Search {
        program: &program,
        weights: &weights,
        inputs: &[vec![1, 2]],
        modulus: None,
        outputs: BTreeSet::new(),
        visited: 0,
    };
    search.extend(&mut Trace::empty(&program), TensorId(0));
    assert!(search.outputs.len() > 1, "without `sum z = 1` any upper bound passes");
}

#[test]
fn average_pool_has_one_solution() {
    let mut graph = Graph::new();
    let x = graph.add_input("x", &[1, 1, 3]);
    let mut window = crate::ops::Window::dense(&[3]);
    (window.pads_begin, window.pads_end) = (vec![1], vec![1]);
    let y = graph.add_inferred("y", AveragePool { window, count_include_pad: false }, &[x]).expect("shapes fit");
    graph.add_output("y", y);
    let mut calibration = Calibration::default();
    calibration.assume(x, Range { lo: -1.0, hi: 1.0 });
    calibration.assume(y, Range { lo: -1.0, hi: 1.0 });
    let lowered =
        super::lower(&graph, &calibration, Settings { bits: 4, shift: 4, shared: 4, ..SMALL }, PUBLIC).expect("lowers");
    for s in 0..12i64 {
        let input: Vec<i64> = (0..3).map(|i| (i * i * 7 + s * 13 + i * s) % 15 - 7).collect();
        let trace = execute(&lowered.program, &lowered.weights, std::slice::from_ref(&input)).expect("runs");
        let means = [input[0] + input[1], input[0] + input[1] + input[2], input[1] + input[2]];
        let rounded: Vec<i64> =
            means.iter().zip([2, 3, 2]).map(|(m, n): (&i64, i64)| (2 * m + n).div_euclid(2 * n)).collect();
        assert_eq!(trace.values(&lowered.program, lowered.program.outputs[0])[..], rounded[..]);
        unique(&lowered.program, &lowered.weights, &[input]);
    }
}

/// The widths of a report add up.
#[test]
fn reports_count_the_program() {
    let (program, _) = lowered(&[4], SMALL, 28, |l, f, x| {
        let y = l.round("y", x, Scale(1))?;
        l.apply(f, y, Unary::Relu)
    });
    let totals = crate::report::totals(&program);
    assert_eq!((totals.committed, totals.public, totals.lookups, totals.table_rows), (4, 8, 8, 16));
    let kinds: BTreeMap<String, usize> =
        crate::report::blocks(&program).into_iter().map(|b| (b.kind, b.instances)).collect();
    assert_eq!(kinds, BTreeMap::from([("add".to_owned(), 1), ("lookup".to_owned(), 2)]));
}
