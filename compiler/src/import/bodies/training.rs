//! Steps of optimisers.

use super::{FLOAT, Known, Spelling};
use crate::import::refusal::Refusal;

/// A sum of two values by their shares.
fn mixed(s: &mut Spelling<'_>, a: &str, by: f32, b: &str, with: f32) -> String {
    let [by, with] = [by, with].map(|share| s.float(share));
    let [a, b] = [s.put("Mul", &[a, &by]), s.put("Mul", &[b, &with])];
    s.put("Add", &[&a, &b])
}

/// The values that a step changes: each a parameter with its gradient and with what is kept of steps before.
struct Step {
    rate: String,
    /// How many steps were before.
    count: String,
    parts: Vec<Vec<String>>,
}

impl Step {
    /// Of so many values a parameter.
    fn of(s: &Spelling<'_>, values: usize) -> Result<Self, Refusal> {
        let all = s.node.input.len().saturating_sub(2);
        if all == 0 || !all.is_multiple_of(values) || s.node.output.len() != all / values * (values - 1) {
            return Err(Refusal::Missing("it has too few operands or results"));
        }
        let parts = (0..all / values).map(|n| (0..values).map(|v| s.operand(2 + v * (all / values) + n)).collect());
        Ok(Self { rate: s.operand(0)?, count: s.operand(1)?, parts: parts.collect::<Result<_, _>>()? })
    }

    /// A gradient with the parameter's own share.
    fn gradient(s: &mut Spelling<'_>, part: &[String]) -> String {
        let norm = s.number("norm_coefficient").unwrap_or(0.0);
        let (norm, gradient) = (s.float(norm), part[1].clone());
        let own = s.put("Mul", &[&part[0], &norm]);
        s.put("Add", &[&own, &gradient])
    }

    /// Gives the results: of all parameters the first of each, then the second, and so on.
    fn finish(s: &mut Spelling<'_>, results: &[Vec<String>]) {
        for (n, result) in results.iter().enumerate() {
            result.iter().enumerate().for_each(|(v, value)| s.result(v * results.len() + n, value));
        }
    }

    /// Whether there were steps before.
    fn started(&self, s: &mut Spelling<'_>) -> String {
        let none = s.scalar(0);
        s.put("Greater", &[&self.count, &none])
    }
}

/// `Adagrad`.
pub(super) fn adagrad(s: &mut Spelling<'_>, _: &Known) -> Result<(), Refusal> {
    let step = Step::of(s, 3)?;
    let decay = s.number("decay_factor").unwrap_or(0.0);
    let [decay, one] = [decay, 1.0].map(|number| s.float(number));
    let count = s.cast(&step.count, FLOAT);
    let slower = s.put("Mul", &[&count, &decay]);
    let slower = s.put("Add", &[&slower, &one]);
    let rate = s.put("Div", &[&step.rate, &slower]);
    let mut results = Vec::new();
    for part in &step.parts {
        let gradient = Step::gradient(s, part);
        let square = s.put("Mul", &[&gradient, &gradient]);
        let sum = s.put("Add", &[&part[2], &square]);
        let by = rooted(s, &sum, 0.0);
        let change = s.put("Div", &[&gradient, &by]);
        let change = s.put("Mul", &[&change, &rate]);
        results.push(vec![s.put("Sub", &[&part[0], &change]), sum]);
    }
    Step::finish(s, &results);
    Ok(())
}

/// A root, with a small number.
fn rooted(s: &mut Spelling<'_>, x: &str, default: f32) -> String {
    let epsilon = s.number("epsilon").unwrap_or(default);
    let (root, epsilon) = (s.put("Sqrt", &[x]), s.float(epsilon));
    s.put("Add", &[&root, &epsilon])
}

/// `Adam`.
pub(super) fn adam(s: &mut Spelling<'_>, _: &Known) -> Result<(), Refusal> {
    let step = Step::of(s, 4)?;
    let [alpha, beta] = [("alpha", 0.9), ("beta", 0.999)].map(|(name, default)| s.number(name).unwrap_or(default));
    if !(alpha > 0.0 && alpha < 1.0 && beta > 0.0 && beta < 1.0) {
        return Err(Refusal::Form("its shares `alpha` and `beta` must be between 0 and 1"));
    }
    // By the powers of the shares, which are 1 where there is no step yet, and not used then.
    let (started, one, first) = (step.started(s), s.float(1.0), s.scalar(1));
    let count = s.put("Max", &[&step.count, &first]);
    let count = s.cast(&count, FLOAT);
    let [less, more] = [alpha, beta].map(|share| {
        let log = s.float(share.ln());
        let power = s.put("Mul", &[&count, &log]);
        let power = s.put("Exp", &[&power]);
        s.put("Sub", &[&one, &power])
    });
    let more = s.put("Sqrt", &[&more]);
    let share = s.put("Div", &[&more, &less]);
    let adjusted = s.put("Mul", &[&step.rate, &share]);
    let rate = s.put("Where", &[&started, &adjusted, &step.rate]);
    let left = 1.0 - s.number("norm_coefficient_post").unwrap_or(0.0);
    let mut results = Vec::new();
    for part in &step.parts {
        let gradient = Step::gradient(s, part);
        let mean = mixed(s, &part[2], alpha, &gradient, 1.0 - alpha);
        let square = s.put("Mul", &[&gradient, &gradient]);
        let spread = mixed(s, &part[3], beta, &square, 1.0 - beta);
        let by = rooted(s, &spread, 0.0);
        let change = s.put("Div", &[&mean, &by]);
        let change = s.put("Mul", &[&change, &rate]);
        let (moved, left) = (s.put("Sub", &[&part[0], &change]), s.float(left));
        results.push(vec![s.put("Mul", &[&moved, &left]), mean, spread]);
    }
    Step::finish(s, &results);
    Ok(())
}

/// `Momentum`, in both of its modes.
pub(super) fn momentum(s: &mut Spelling<'_>, _: &Known) -> Result<(), Refusal> {
    let step = Step::of(s, 3)?;
    let number = |name| s.number(name).ok_or(Refusal::Missing("it lacks `alpha` or `beta`"));
    let (alpha, beta) = (number("alpha")?, number("beta")?);
    let [alpha, beta, one] = [alpha, beta, 1.0].map(|number| s.float(number));
    let started = step.started(s);
    let share = s.put("Where", &[&started, &beta, &one]);
    let ahead = s.word("mode").as_deref() == Some("nesterov");
    let mut results = Vec::new();
    for part in &step.parts {
        let gradient = Step::gradient(s, part);
        let (kept, added) = (s.put("Mul", &[&part[2], &alpha]), s.put("Mul", &[&gradient, &share]));
        let speed = s.put("Add", &[&kept, &added]);
        let mut change = speed.clone();
        if ahead {
            change = s.put("Mul", &[&speed, &alpha]);
            change = s.put("Add", &[&gradient, &change]);
        }
        let change = s.put("Mul", &[&change, &step.rate]);
        results.push(vec![s.put("Sub", &[&part[0], &change]), speed]);
    }
    Step::finish(s, &results);
    Ok(())
}
