//! Lies at random, by kind.

use super::index::{coordinates, entry, position};
use super::{Changes, Follow, Lie, Machine, fraction};
use std::collections::BTreeMap;
use zktorch_blocks::field::{Fr, from_i64};
use zktorch_blocks::program::{Advice, Program, Role, Source, TensorId, index_bits};

/// What is changed, and to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One entry, to another integer.
    Entry,
    /// One entry, to a fraction.
    Fraction,
    /// One entry of a tensor's padding.
    Padding,
    /// An entry each of two tensors.
    Pair,
    /// An entry each of two tensors, so that an expression of both stays as it is.
    Cancelling,
    /// All entries of a tensor, by the same.
    Shift,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Entry, Self::Fraction, Self::Padding, Self::Pair, Self::Cancelling, Self::Shift];
}

/// Tensors of more entries are not changed as a whole.
const LARGE: usize = 1 << 12;

/// How many tries a lie of a kind has to be one.
const TRIES: usize = 64;

/// Name of an advice rule.
pub fn rule_name(rule: &Advice) -> &'static str {
    match rule {
        Advice::Round { .. } => "round",
        Advice::Floor { .. } => "floor",
        Advice::Table { .. } => "table",
        Advice::Rows { .. } => "rows",
        Advice::Max { .. } => "max",
        Advice::FirstZero { .. } => "first zero",
        Advice::Top { .. } => "top",
        Advice::Descent { .. } => "descent",
        Advice::Gap { .. } => "gap",
        Advice::Divide { .. } => "divide",
        Advice::SquareRoot { .. } => "square root",
        Advice::Exponent { .. } => "exponent",
        Advice::Excess { .. } => "excess",
        Advice::Sign { .. } => "sign",
        Advice::Copy { .. } => "copy",
        Advice::ArgMax { .. } => "arg max",
        Advice::Quantile { .. } => "quantile",
        Advice::Carry { .. } => "carry",
    }
}

/// A source of lies about a machine's run.
pub struct Sampler<'m> {
    machine: &'m Machine<'m>,
    advice: Vec<TensorId>,
    /// Advice, and inputs that are committed: of these any integer in range is the truth.
    committed: Vec<TensorId>,
    /// Expressions of at least two tensors of advice: their terms.
    sums: Vec<Vec<(i64, TensorId)>>,
    state: u64,
}

impl<'m> Sampler<'m> {
    /// Lies about a run, the same for the same seed.
    pub fn new(machine: &'m Machine<'m>, seed: u64) -> Self {
        let program = machine.program;
        let is_advice = |id: TensorId| matches!(program.tensors[id].source, Source::Advice(_));
        let advice: Vec<TensorId> = program.tensors.ids().filter(|&id| is_advice(id)).collect();
        let inputs = program.inputs.iter().copied().filter(|&id| program.tensors[id].role() == Role::Witness);
        let committed = inputs.chain(advice.iter().copied()).collect();
        let own = |source: &Source| match source {
            Source::Linear { terms, .. } => terms.iter().copied().filter(|&(_, id)| is_advice(id)).collect(),
            _ => Vec::new(),
        };
        let sums = program.tensors.iter().map(|t| own(&t.source)).filter(|terms| terms.len() > 1).collect();
        Self { machine, advice, committed, sums, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    fn below(&mut self, n: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        ((self.state >> 33) as usize) % n.max(1)
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let at = self.below(of.len());
        of.get(at).copied()
    }

    /// A lie of a kind; `None` if the program has no occasion for one.
    pub fn lie(&mut self, kind: Kind) -> Option<Lie> {
        (0..TRIES).find_map(|_| {
            let changes = match kind {
                Kind::Entry => self.entry(),
                Kind::Fraction => self.broken_entry(),
                Kind::Padding => self.padding(),
                Kind::Pair => self.pair(),
                Kind::Cancelling => self.cancelling(),
                Kind::Shift => self.shift(),
            }?;
            let changed = changes.values().flat_map(|c: &Changes| c.values()).any(|by| *by != from_i64(0));
            let follow = self.one(&[Follow::Not, Follow::Rules, Follow::Exactly])?;
            changed.then_some(Lie { changes, follow })
        })
    }

    fn program(&self) -> &'m Program {
        self.machine.program
    }

    /// A tensor of advice, and the step that its rule is about.
    fn tensor(&mut self) -> Option<(TensorId, i64)> {
        self.one(&self.advice.clone()).map(|id| (id, self.step(id)))
    }

    /// The same, or an input.
    fn any_tensor(&mut self) -> Option<(TensorId, i64)> {
        self.one(&self.committed.clone()).map(|id| (id, self.step(id)))
    }

    fn step(&self, id: TensorId) -> i64 {
        let Source::Advice(rule) = &self.program().tensors[id].source else { return 2 };
        match *rule {
            Advice::Round { divisor, .. } | Advice::Floor { divisor, .. } => divisor,
            Advice::Gap { divisor, .. } | Advice::Max { divisor, .. } => divisor,
            Advice::Excess { step, .. } => step,
            Advice::Divide { scale, .. } | Advice::Quantile { scale, .. } => scale,
            _ => 2,
        }
    }

    /// The padded position of a valid entry: often the first or the last.
    fn place(&mut self, id: TensorId) -> usize {
        let shape = &self.program().tensors[id].shape;
        let ends = self.below(4);
        let pick = |extent: usize, random: usize| match ends {
            0 => 0,
            1 => extent - 1,
            _ => random,
        };
        let own: Vec<usize> = shape.dims().iter().map(|&extent| pick(extent, self.below(extent))).collect();
        position(shape, &own)
    }

    fn integer(&mut self, value: i64, step: i64) -> Fr {
        let all = [1, -1, 2, -2, step, -step, 256, -256, 1 << 14, -value, 1 - value, -2 * value];
        from_i64(self.one(&all).unwrap_or(1))
    }

    fn broken(&mut self, value: i64, step: i64) -> Fr {
        let value = from_i64(value);
        let [half, third] = [2, 3].map(fraction);
        let inverse = fraction(step);
        let all = [
            half,
            -half,
            third,
            value * third - value,
            value * half - value,
            inverse,
            -inverse,
            from_i64(step / 2) * inverse,
            fraction(1 << 16),
            half - value,
            inverse - value,
        ];
        self.one(&all).unwrap_or(half)
    }

    fn entry(&mut self) -> Option<BTreeMap<TensorId, Changes>> {
        let (id, step) = self.tensor()?;
        let at = self.place(id);
        let by = self.integer(self.machine.honest(id, at), step);
        Some(BTreeMap::from([(id, Changes::from([(at, by)]))]))
    }

    fn broken_entry(&mut self) -> Option<BTreeMap<TensorId, Changes>> {
        let (id, step) = self.any_tensor()?;
        let at = self.place(id);
        let by = self.broken(self.machine.honest(id, at), step);
        // What is an integer after all is a lie of another kind.
        (super::integer(by).is_none()).then(|| BTreeMap::from([(id, Changes::from([(at, by)]))]))
    }

    fn padding(&mut self) -> Option<BTreeMap<TensorId, Changes>> {
        let (id, step) = self.any_tensor()?;
        let shape = &self.program().tensors[id].shape;
        let ragged: Vec<usize> = (0..shape.rank()).filter(|&axis| !shape.dims()[axis].is_power_of_two()).collect();
        let axis = self.one(&ragged)?;
        let mut own = coordinates(shape, self.place(id));
        let extent = shape.dims()[axis];
        own[axis] = extent + self.below((1 << index_bits(extent)) - extent);
        let at = position(shape, &own);
        assert_eq!(entry(shape, at), None, "a place in padding");
        let by = if self.below(2) == 0 { self.integer(0, step) } else { self.broken(0, step) };
        Some(BTreeMap::from([(id, Changes::from([(at, by)]))]))
    }

    /// Two tensors that stand near each other in the program, at the same place if they have the same shape.
    fn pair(&mut self) -> Option<BTreeMap<TensorId, Changes>> {
        let (first, step) = self.tensor()?;
        let index = self.advice.binary_search(&first).ok()?;
        let next = index + 1 + self.below(6);
        let second = *self.advice.get(next)?;
        let here = self.place(first);
        let same = self.program().tensors[first].shape == self.program().tensors[second].shape;
        let there = if same { here } else { self.place(second) };
        let change = |id, at, one: &mut Self| {
            let value = one.machine.honest(id, at);
            let by = if one.below(3) == 0 { one.broken(value, step) } else { one.integer(value, step) };
            (id, Changes::from([(at, by)]))
        };
        Some(BTreeMap::from([change(first, here, self), change(second, there, self)]))
    }

    fn cancelling(&mut self) -> Option<BTreeMap<TensorId, Changes>> {
        let index = self.below(self.sums.len());
        let terms = self.sums.get(index)?.clone();
        let ((a, first), (b, second)) = (self.one(&terms)?, self.one(&terms)?);
        if first == second {
            return None;
        }
        let at = self.place(first);
        let [one, half] = [from_i64(1), fraction(2)];
        let by = self.one(&[one, -one, half, fraction(a), fraction(b)])?;
        let change = |id, by| (id, Changes::from([(at, by)]));
        Some(BTreeMap::from([change(first, from_i64(b) * by), change(second, -from_i64(a) * by)]))
    }

    fn shift(&mut self) -> Option<BTreeMap<TensorId, Changes>> {
        let (id, step) = self.tensor()?;
        let shape = &self.program().tensors[id].shape;
        if shape.len() > LARGE {
            return None;
        }
        let [one, half] = [from_i64(1), fraction(2)];
        let by = self.one(&[one, -one, from_i64(step), -from_i64(step), half, fraction(step)])?;
        Some(BTreeMap::from([(id, shape.padded_indices().into_iter().map(|at| (at, by)).collect())]))
    }
}
