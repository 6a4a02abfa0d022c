//! Functions that are linear between finitely many points, as such: what a composite of clips, comparisons and sums is on the whole real
//! line, found out by algebra and not by samples.

use super::composite::{Binary, Step};
use crate::ops::{Comparison, Unary};

/// `a x + b`.
type Line = (f64, f64);

/// A function that is a line on each of the open intervals between its breaks, and has any values at these.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piecewise {
    breaks: Vec<f64>,
    /// One more than breaks.
    lines: Vec<Line>,
    /// The value at each break.
    at: Vec<f64>,
}

fn on(line: Line, x: f64) -> f64 {
    // A constant stays one at infinity.
    if line.0 == 0.0 { line.1 } else { line.0 * x + line.1 }
}

impl Piecewise {
    /// The function that steps compute; none if it is not of this kind.
    pub(super) fn of(steps: &[Step]) -> Option<Self> {
        let mut known: Vec<Self> = Vec::with_capacity(steps.len());
        for step in steps {
            let value = match step {
                Step::Variable => Self::line(1.0, 0.0),
                Step::Constant(c) => Self::line(0.0, *c),
                Step::Unary(unary, a) => known[*a].unary(unary)?,
                Step::Binary(binary, a, b) => known[*a].binary(*binary, &known[*b])?,
                Step::Select(condition, a, b) => known[*condition].select(&known[*a], &known[*b])?,
            };
            known.push(value);
        }
        known.pop().map(Self::merged)
    }

    /// The function's usual name, if it is one with parameters.
    pub(super) fn named(&self) -> Option<Unary> {
        let single = |v: f64| (f64::from(v as f32) == v).then_some(v as f32);
        match (&self.breaks[..], &self.lines[..], &self.at[..]) {
            ([0.0], [(0.0, 0.0), (1.0, 0.0)], [0.0]) => Some(Unary::Relu),
            ([0.0], [(-1.0, 0.0), (1.0, 0.0)], [0.0]) => Some(Unary::Abs),
            ([0.0], [(slope, 0.0), (1.0, 0.0)], [0.0]) => single(*slope).map(Unary::LeakyRelu),
            ([lo], [(0.0, c), (1.0, 0.0)], [v]) if lo == c && lo == v => Some(Unary::Clip { lo: *lo, hi: f64::INFINITY }),
            ([hi], [(1.0, 0.0), (0.0, c)], [v]) if hi == c && hi == v => {
                Some(Unary::Clip { lo: f64::NEG_INFINITY, hi: *hi })
            }
            ([lo, hi], [(0.0, c), (1.0, 0.0), (0.0, d)], [v, w]) if lo == c && lo == v && hi == d && hi == w => {
                Some(Unary::Clip { lo: *lo, hi: *hi })
            }
            _ => None,
        }
    }

    fn line(a: f64, b: f64) -> Self {
        Self { breaks: Vec::new(), lines: vec![(a, b)], at: Vec::new() }
    }

    fn constant(c: f64) -> Self {
        Self::line(0.0, c)
    }

    /// The function with more breaks.
    fn broken(&self, breaks: &[f64]) -> Self {
        let mut all: Vec<f64> = self.breaks.iter().chain(breaks).copied().filter(|b| b.is_finite()).collect();
        all.sort_by(f64::total_cmp);
        all.dedup();
        let place = |x: f64| self.breaks.iter().filter(|&&b| b < x).count();
        let value = |x: f64| match self.breaks.iter().position(|&b| b == x) {
            Some(i) => self.at[i],
            None => on(self.lines[place(x)], x),
        };
        let mut lines: Vec<Line> = all.iter().map(|&b| self.lines[place(b)]).collect();
        lines.extend(self.lines.last());
        Self { at: all.iter().map(|&b| value(b)).collect(), lines, breaks: all }
    }

    /// Both functions with the breaks of both.
    fn aligned(&self, other: &Self) -> (Self, Self) {
        (self.broken(&other.breaks), other.broken(&self.breaks))
    }

    /// Both functions with breaks where they cross, too.
    fn crossed(&self, other: &Self) -> (Self, Self) {
        let (f, g) = self.aligned(other);
        let crossing = |(f, g): (&Line, &Line)| (g.1 - f.1) / (f.0 - g.0);
        let crossings: Vec<f64> = f.lines.iter().zip(&g.lines).map(crossing).filter(|x| x.is_finite()).collect();
        (f.broken(&crossings), g.broken(&crossings))
    }

    /// A point inside of each interval.
    fn inside(&self) -> Vec<f64> {
        let (Some(first), Some(last)) = (self.breaks.first(), self.breaks.last()) else { return vec![0.0] };
        let beyond = |b: &f64| 1.0 + b.abs();
        let between = self.breaks.windows(2).map(|pair| pair[0] / 2.0 + pair[1] / 2.0);
        [first - beyond(first)].into_iter().chain(between).chain([last + beyond(last)]).collect()
    }

    /// Interval by interval and break by break; both functions have the same breaks.
    fn zip(&self, other: &Self, lines: impl Fn(Line, Line) -> Option<Line>, at: impl Fn(f64, f64) -> f64) -> Option<Self> {
        let lines: Option<Vec<Line>> = self.lines.iter().zip(&other.lines).map(|(&f, &g)| lines(f, g)).collect();
        let at: Vec<f64> = self.at.iter().zip(&other.at).map(|(&f, &g)| at(f, g)).collect();
        let finite = |lines: &[Line]| lines.iter().all(|l| l.0.is_finite() && l.1.is_finite());
        lines.filter(|lines| finite(lines) && at.iter().all(|v| v.is_finite())).map(|lines| Self {
            breaks: self.breaks.clone(),
            lines,
            at,
        })
    }

    /// The one or the other function, as a predicate on their values says; it holds or not between two points where they cross.
    fn choose(&self, other: &Self, first: impl Fn(f64, f64) -> bool, yes: &Self, no: &Self) -> Option<Self> {
        let (f, g) = self.crossed(other);
        let points = f.inside();
        let lines = points.iter().zip(f.lines.iter().zip(&g.lines)).map(|(&x, (&a, &b))| first(on(a, x), on(b, x)));
        let indicator = Self {
            breaks: f.breaks.clone(),
            lines: lines.map(|holds| (0.0, f64::from(u8::from(holds)))).collect(),
            at: f.at.iter().zip(&g.at).map(|(&a, &b)| f64::from(u8::from(first(a, b)))).collect(),
        };
        indicator.select(yes, no)
    }

    /// `yes` where this function, which must be constant between breaks, is not 0, else `no`.
    fn select(&self, yes: &Self, no: &Self) -> Option<Self> {
        let all: Vec<f64> = self.breaks.iter().chain(&yes.breaks).chain(&no.breaks).copied().collect();
        let [condition, yes, no] = [self, yes, no].map(|f| f.broken(&all));
        let pick = |line: Line, yes: Line, no: Line| (line.0 == 0.0).then_some(if line.1 != 0.0 { yes } else { no });
        let lines: Option<Vec<Line>> =
            condition.lines.iter().zip(yes.lines.iter().zip(&no.lines)).map(|(&c, (&y, &n))| pick(c, y, n)).collect();
        let at = condition.at.iter().zip(yes.at.iter().zip(&no.at)).map(|(&c, (&y, &n))| if c != 0.0 { y } else { n });
        Some(Self { at: at.collect(), lines: lines?, breaks: condition.breaks })
    }

    fn binary(&self, binary: Binary, other: &Self) -> Option<Self> {
        let (f, g) = self.aligned(other);
        match binary {
            Binary::Add => f.zip(&g, |f, g| Some((f.0 + g.0, f.1 + g.1)), |f, g| f + g),
            Binary::Sub => f.zip(&g, |f, g| Some((f.0 - g.0, f.1 - g.1)), |f, g| f - g),
            Binary::Mul => {
                let times = |c: f64, line: Line| (c * line.0, c * line.1);
                let product = |f: Line, g: Line| match (f.0 == 0.0, g.0 == 0.0) {
                    (true, _) => Some(times(f.1, g)),
                    (_, true) => Some(times(g.1, f)),
                    _ => None,
                };
                f.zip(&g, product, |f, g| f * g)
            }
            Binary::Div => f.zip(&g, |f, g| (g.0 == 0.0).then_some((f.0 / g.1, f.1 / g.1)), |f, g| f / g),
            Binary::Max => self.choose(other, |a, b| a >= b, self, other),
            Binary::Min => self.choose(other, |a, b| a <= b, self, other),
            Binary::PRelu => {
                let scaled = self.binary(Binary::Mul, other)?;
                self.choose(&Self::constant(0.0), |a, _| a >= 0.0, self, &scaled)
            }
            // Neither operand need be constant between breaks by its steps.
            Binary::Logic(_) => None,
            Binary::Compare(comparison) => {
                let holds = |a: f64, b: f64| comparison.eval(a, b) != 0.0;
                self.choose(other, holds, &Self::constant(1.0), &Self::constant(0.0))
            }
        }
    }

    fn unary(&self, unary: &Unary) -> Option<Self> {
        let zero = Self::constant(0.0);
        let times = |c: f32| self.binary(Binary::Mul, &Self::constant(f64::from(c)));
        let clipped = |f: &Self, lo: f64, hi: f64| {
            let above = if lo.is_finite() { f.binary(Binary::Max, &Self::constant(lo))? } else { f.clone() };
            if hi.is_finite() { above.binary(Binary::Min, &Self::constant(hi)) } else { Some(above) }
        };
        match *unary {
            Unary::Relu => clipped(self, 0.0, f64::INFINITY),
            Unary::Clip { lo, hi } => clipped(self, lo, hi),
            Unary::Neg => times(-1.0),
            Unary::Abs => self.binary(Binary::Max, &times(-1.0)?),
            Unary::LeakyRelu(slope) => self.choose(&zero, |a, _| a >= 0.0, self, &times(slope)?),
            Unary::ThresholdedRelu(alpha) => self.choose(&Self::constant(f64::from(alpha)), |a, b| a > b, self, &zero),
            Unary::HardSigmoid { alpha, beta } => {
                let line = times(alpha)?.binary(Binary::Add, &Self::constant(f64::from(beta)))?;
                clipped(&line, 0.0, 1.0)
            }
            Unary::Sign => {
                let positive = zero.binary(Binary::Compare(Comparison::Less), self)?;
                positive.binary(Binary::Sub, &self.binary(Binary::Compare(Comparison::Less), &zero)?)
            }
            _ => None,
        }
    }

    /// Without the breaks at which nothing changes.
    fn merged(self) -> Self {
        let mut merged = Self { breaks: Vec::new(), lines: vec![self.lines[0]], at: Vec::new() };
        for (i, &at) in self.breaks.iter().enumerate() {
            let (before, after) = (merged.lines[merged.lines.len() - 1], self.lines[i + 1]);
            if before != after || self.at[i] != on(before, at) {
                merged.breaks.push(at);
                merged.at.push(self.at[i]);
                merged.lines.push(after);
            }
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(steps: &[Step]) -> Option<Unary> {
        Piecewise::of(steps).and_then(|f| f.named())
    }

    #[test]
    fn spellings_of_simple_functions_are_recognised() {
        let (variable, zero) = (Step::Variable, Step::Constant(0.0));
        let less = Binary::Compare(Comparison::Less);
        let masked = [variable.clone(), zero.clone(), Step::Binary(less, 1, 0), Step::Binary(Binary::Mul, 0, 2)];
        assert_eq!(named(&masked), Some(Unary::Relu));
        let selected = [
            variable.clone(),
            zero.clone(),
            Step::Constant(0.25),
            Step::Binary(Binary::Mul, 0, 2),
            Step::Binary(less, 0, 1),
            Step::Select(4, 3, 0),
        ];
        assert_eq!(named(&selected), Some(Unary::LeakyRelu(0.25)));
        let largest = [variable.clone(), Step::Unary(Unary::Neg, 0), Step::Binary(Binary::Max, 0, 1)];
        assert_eq!(named(&largest), Some(Unary::Abs));
        let clipped = [
            variable,
            Step::Constant(-1.5),
            Step::Constant(20.0),
            Step::Binary(Binary::Min, 0, 2),
            Step::Binary(Binary::Max, 3, 1),
        ];
        assert_eq!(named(&clipped), Some(Unary::Clip { lo: -1.5, hi: 20.0 }));
    }

    #[test]
    fn what_differs_far_out_or_at_a_point_is_not() {
        let leaky = |clip: Unary| [Step::Variable, Step::Unary(Unary::LeakyRelu(0.5), 0), Step::Unary(clip, 1)];
        assert_eq!(named(&leaky(Unary::Clip { lo: -1000.0, hi: 20.0 })), None);
        assert_eq!(named(&leaky(Unary::Clip { lo: -1e9, hi: 1e9 })), None);
        // relu(x) + (x == 0)
        let steps = [
            Step::Variable,
            Step::Constant(0.0),
            Step::Unary(Unary::Relu, 0),
            Step::Binary(Binary::Compare(Comparison::Equal), 0, 1),
            Step::Binary(Binary::Add, 2, 3),
        ];
        let function = Piecewise::of(&steps).unwrap();
        assert_eq!((function.named(), &function.at[..]), (None, &[1.0][..]));
        assert_eq!(named(&[Step::Variable, Step::Unary(Unary::Exp, 0)]), None);
    }
}
