//! Functions of one entry that are made of several elementwise steps.

use crate::ops::{Add, Compare, Comparison, Connective, Div, Logic, Max, Min, Mul, Op, PRelu, Sub, Unary};

/// An expression in one variable: what a fused group of elementwise nodes computes.
#[derive(Clone, Debug, PartialEq)]
pub struct Composite {
    steps: Vec<Step>,
    /// What the function is called, if it looks like one that has a name: for people, no value depends on it.
    name: Option<&'static str>,
}

/// One step of a [`Composite`]; arguments are the indices of earlier steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// The variable.
    Variable,
    /// A constant.
    Constant(f64),
    /// A function of one earlier step.
    Unary(Unary, usize),
    /// A function of two earlier steps.
    Binary(Binary, usize, usize),
    /// The second where the first is not 0, else the third.
    Select(usize, usize, usize),
}

/// A function of two entries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Max,
    Min,
    PRelu,
    Compare(Comparison),
    Logic(Connective),
}

impl Binary {
    /// The function behind an elementwise op of two operands.
    pub(super) fn of(op: &Op) -> Option<Self> {
        match op {
            Op::Add(Add) => Some(Self::Add),
            Op::Sub(Sub) => Some(Self::Sub),
            Op::Mul(Mul) => Some(Self::Mul),
            Op::Div(Div) => Some(Self::Div),
            Op::Max(Max) => Some(Self::Max),
            Op::Min(Min) => Some(Self::Min),
            Op::PRelu(PRelu) => Some(Self::PRelu),
            Op::Compare(Compare(comparison)) => Some(Self::Compare(*comparison)),
            Op::Logic(Logic(connective)) => Some(Self::Logic(*connective)),
            _ => None,
        }
    }

    /// The function's value.
    pub(super) fn eval(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Max => a.max(b),
            Self::Min => a.min(b),
            Self::PRelu => PRelu::eval(a, b),
            Self::Compare(comparison) => comparison.eval(a, b),
            Self::Logic(connective) => connective.eval(a, b),
        }
    }
}

impl Composite {
    /// The expression whose value is its last step. Arguments must be earlier steps.
    pub(super) fn new(steps: Vec<Step>) -> Self {
        Self { steps, name: None }
    }

    /// The same function under a name.
    pub(super) fn called(self, name: Option<&'static str>) -> Self {
        Self { name, ..self }
    }

    /// The function's name in errors and reports.
    pub fn name(&self) -> &'static str {
        self.name.unwrap_or("Function")
    }

    /// Whether it looks like a function that has a name.
    pub(super) fn has_name(&self) -> bool {
        self.name.is_some()
    }

    /// Whether a step is steep near 0; of a function that has a name it is known not to be.
    pub fn is_steep(&self) -> bool {
        let constant = |step: usize| matches!(self.steps[step], Step::Constant(_));
        !self.has_name()
            && self.steps.iter().any(|step| match step {
                Step::Unary(function, _) => function.is_steep(),
                Step::Binary(Binary::Div, _, divisor) => !constant(*divisor),
                _ => false,
            })
    }

    /// The steps, arguments before what uses them.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The function's value; NaN outside its domain and for an expression without steps.
    pub fn eval(&self, x: f64) -> f64 {
        let mut values: Vec<f64> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let value = match step {
                Step::Variable => x,
                Step::Constant(value) => *value,
                Step::Unary(unary, a) => unary.eval(values[*a]),
                Step::Binary(binary, a, b) => binary.eval(values[*a], values[*b]),
                Step::Select(condition, a, b) => values[if values[*condition] != 0.0 { *a } else { *b }],
            };
            values.push(value);
        }
        values.last().copied().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluates_elu_from_its_parts() {
        let elu = Composite::new(vec![
            Step::Variable,
            Step::Constant(0.0),
            Step::Unary(Unary::Exp, 0),
            Step::Constant(1.0),
            Step::Binary(Binary::Sub, 2, 3),
            Step::Binary(Binary::Compare(Comparison::Less), 1, 0),
            Step::Select(5, 0, 4),
        ]);
        for x in [-3.0, -0.1, 0.0, 2.5] {
            assert!((elu.eval(x) - Unary::Elu(1.0).eval(x)).abs() < 1e-12);
        }
    }
}
