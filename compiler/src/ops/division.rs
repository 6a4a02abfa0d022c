//! Quotients of tensors of one shape (docs/lowerings.md, section 8).

use ndarray::ArrayD;
use tract_onnx::tract_core::ops::binary::BinMiniOp;
use tract_onnx::tract_core::ops::math;
use zktorch_blocks::program::{Interval, Scale, TensorId};

use super::operator::{Imports, Nature, Operator, Ranges, zip};
use super::regroup::reshape_groups;
use super::shape::{Misfit, same};
use super::{Broadcast, Op, Whole};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{FINER, Lowering, Magnitude, Note, Refusal, Value, kept_axes, power};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Binary(import)];

/// Bits of what is divided, and of the product of a quotient and a divisor.
const ROOM: i32 = 59;

/// Elementwise quotient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Div;

fn import(t: &mut Translator<'_>, site: &Site<'_>, op: &dyn BinMiniOp) -> Option<Result<NodeId, import::Refusal>> {
    op.is::<math::Div>().then(|| match t.operand_type(site, 0)?.is_integer() {
        true => t.binary(site, Whole::Quotient, false),
        false => t.binary(site, Div, false),
    })
}

impl Operator for Div {
    fn name(&self) -> &'static str {
        "Div"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Real
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, |a, b| a / b)
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        Range::symmetric(Range::times(at.operand(0).magnitude(), largest_reciprocal(at)))
    }

    fn nature(&self) -> Nature {
        Nature::ROUNDS
    }

    /// Division by a constant is a product.
    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (a, b) = (at.operand(id, 0)?, at.operand(id, 1)?);
        match at.constant(b) {
            Some(constant) => at.mul_constant(id, a, &constant.reciprocals().ok_or("division by a constant 0")?),
            None => of_tensors(at, id, a, b),
        }
    }
}

/// The largest magnitude of `1 / d` over the entries of a divisor.
fn largest_reciprocal(at: &Ranges<'_>) -> f64 {
    let range = at.operand(1);
    match at.constant(1) {
        Some(values) => values.iter().map(|v| v.recip().abs()).fold(0.0, f64::max),
        None if range.lo > 0.0 || range.hi < 0.0 => range.lo.recip().abs().max(range.hi.recip().abs()),
        None => f64::INFINITY,
    }
}

/// The rounded quotient at the scale that samples ask for.
fn of_tensors(at: &mut Lowering<'_>, id: NodeId, a: NodeId, b: NodeId) -> Result<Value, Refusal> {
    let (name, scale) = (at.name(id), at.plan.scale(id));
    let sign = sign(at, id, b)?;
    let (b, axes, b_scale) = divisor(at, &name, b)?;
    let a = numerator(at, &name, a, scale + b_scale)?;
    let factor = power(scale + b_scale - a.scale)?;
    let (a, b) = match sign {
        0 => {
            let size = at.magnitude(&format!("{name}.divisor"), b)?;
            let signed = |sign| at.signed_as(&format!("{name}.numerator"), a.tensor, (sign, Some(&axes)));
            (size.sign.map_or(Ok(a.tensor), signed)?, size.tensor)
        }
        _ => (
            at.builder.linear(&format!("{name}.numerator"), &[(sign, a.tensor)], 0, a.scale)?,
            at.builder.linear(&format!("{name}.divisor.positive"), &[(sign, b)], 0, b_scale)?,
        ),
    };
    let tensor = at.quotient(&name, (factor, a), (b, &axes), at.signed(), scale)?;
    Ok(Value { tensor, scale, depth: 0 })
}

/// `1 / x` for a node of either sign.
pub(super) fn reciprocal(at: &mut Lowering<'_>, id: NodeId, x: NodeId) -> Result<Value, Refusal> {
    let (name, scale) = (at.name(id), at.plan.scale(id));
    let x = at.wide(x, at.settings.bits + FINER)?;
    let Magnitude { tensor, sign } = at.magnitude(&format!("{name}.divisor"), x.tensor)?;
    let dims = at.builder.dims(tensor).to_vec();
    let one = at.builder.fill(&format!("{name}.one"), &dims, 1);
    let one = sign.map_or(Ok(one), |sign| at.builder.linear(&format!("{name}.signed"), &[(2, sign)], -1, Scale(0)))?;
    let axes: Vec<usize> = (0..dims.len()).collect();
    let tensor = at.quotient(&name, (power(scale + x.scale - Scale(0))?, one), (tensor, &axes), at.signed(), scale)?;
    Ok(Value { tensor, scale, depth: 0 })
}

/// What is divided: as it is where products of divisors and quotients are as fine and have room, else rounded.
fn numerator(at: &mut Lowering<'_>, name: &str, a: NodeId, finest: Scale) -> Result<Value, Refusal> {
    let mut value = at.value(a)?;
    let bits = at.builder.interval(value.tensor).bits() as i32;
    if value.scale <= finest && bits + (finest - value.scale) > ROOM {
        value = at.wide(a, at.settings.bits + FINER)?;
    }
    if value.scale <= finest {
        return Ok(value);
    }
    let name = format!("{name}.numerator");
    let (x, by) = at.shifted(&name, value, finest)?;
    let Interval { lo, hi } = at.builder.interval(x);
    let [lo, hi] = [lo, hi].map(|end| (end + by / 2).div_euclid(by));
    let value = at.divide(&name, x, by, Interval::new(lo, hi), finest)?;
    at.builder.loose_range(&name, value.tensor, lo, hi - lo + 1)?;
    Ok(value)
}

/// The sign that all entries of a divisor have, 0 where some have the one and some the other; those of other inputs have to have it too, or
/// there is no proof.
pub(super) fn sign(at: &mut Lowering<'_>, id: NodeId, b: NodeId) -> Result<i64, Refusal> {
    let mut near = None;
    let sign = at.decide(Note::DivisorSign, -1..=1, |samples| {
        let seen = samples.range(b);
        let sign = i64::from(seen.lo > 0.0) - i64::from(seen.hi < 0.0);
        // Without samples there is nothing that keeps it away from 0.
        near = (sign == 0 && (samples.samples() == 0 || !samples.range(id).magnitude().is_finite())).then_some(seen);
        sign
    })?;
    match near {
        None => Ok(sign),
        Some(Range { lo, hi }) => {
            let name = at.name(b);
            Err(format!("its divisor `{name}` goes from {lo} to {hi}, expected numbers that are away from 0").into())
        }
    }
}

/// A divisor without the axes along which it is repeated, the axes that it has, and its scale.
fn divisor(at: &mut Lowering<'_>, name: &str, mut b: NodeId) -> Result<(TensorId, Vec<usize>, Scale), Refusal> {
    let rank = at.graph.shape(b).len();
    if let (Op::Broadcast(Broadcast), Some(&repeated)) = (at.graph.op(b), at.graph.operands(b).first()) {
        b = repeated;
    }
    let shape = at.graph.shape(b).to_vec();
    let Value { tensor, scale, depth } = at.wide(b, at.settings.bits + FINER)?;
    let axes = kept_axes(&shape, rank);
    let dims: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
    let compact = match dims == shape {
        true => tensor,
        false => at.builder.view(&format!("{name}.divisor"), tensor, &dims, reshape_groups(&shape, &dims)),
    };
    let compact = if depth > 0 { at.builder.copy(&format!("{name}.divisor.copy"), compact) } else { compact };
    Ok((compact, axes, scale))
}

#[cfg(test)]
mod tests {
    use ndarray::IxDyn;
    use zktorch_blocks::execute::{check_satisfied, execute};
    use zktorch_blocks::program::Visibility;

    use super::*;
    use crate::graph::Graph;
    use crate::ops::{Mul, Reduce, ReduceKind, Unary};
    use crate::{Compiled, Options, compile};

    /// What `x` of shape `[3, 5]` is divided by.
    #[derive(Clone, Copy, Debug)]
    enum By {
        Entries,
        Negative,
        Rows,
        Columns,
        /// One number, of either sign.
        Sum,
    }

    fn sample(seed: usize) -> ArrayD<f64> {
        ArrayD::from_shape_fn(IxDyn(&[3, 5]), |at| ((at[0] * 5 + at[1] + 3 * seed) * 7919 % 101) as f64 / 50.0 - 1.0)
    }

    fn quotients(by: By, op: impl Into<Op>) -> Graph {
        let (mut graph, shape) = (Graph::new(), [3, 5]);
        let x = graph.add_input("x", &shape);
        let mut node = |op: Op, x: NodeId| graph.add_inferred("node", op, &[x]).expect("shapes fit");
        let sum = |axes: &[usize]| Reduce { kind: ReduceKind::Sum, axes: axes.to_vec() }.into();
        let e = node(Unary::Exp.into(), x);
        let divisor = match by {
            By::Entries => e,
            By::Negative => node(Unary::Neg.into(), e),
            By::Rows => node(sum(&[1]), e),
            By::Columns => node(sum(&[0]), e),
            By::Sum => node(sum(&[0, 1]), x),
        };
        let spread =
            if graph.shape(divisor) == shape { divisor } else { graph.add("spread", Broadcast, &[divisor], &shape) };
        let y = graph.add_inferred("y", op, &[x, spread]).expect("shapes fit");
        graph.add_output("y", y);
        graph
    }

    #[test]
    fn quotients_are_those_of_the_model() {
        for by in [By::Entries, By::Negative, By::Rows, By::Columns] {
            let graph = quotients(by, Div);
            let samples: Vec<Vec<ArrayD<f64>>> = (0..4).map(|seed| vec![sample(seed)]).collect();
            for inputs in [Visibility::Public, Visibility::Private] {
                let options = Options { inputs, ..Options::default() };
                let Compiled { program, weights, inputs: ports, outputs, .. } =
                    compile(&graph, &samples, &options).unwrap_or_else(|e| panic!("{by:?}: {e}"));
                let x = ports[0].quantise(samples[1][0].as_slice().expect("row-major")).expect("in range");
                let trace = execute(&program, &weights, &[x]).unwrap_or_else(|e| panic!("{by:?}: {e}"));
                assert_eq!(check_satisfied(&program, &trace), []);
                let given = outputs[0].dequantise(&trace.values(&program, program.outputs[0]));
                let wanted = graph.evaluate(&samples[1]).expect("it runs").outputs()[0].clone();
                let largest = wanted.iter().fold(0f64, |most, v| most.max(v.abs()));
                let off = given.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(off < 0.005 * largest, "{by:?}: {off} of {largest}");
            }
        }
    }

    #[test]
    fn divisors_of_either_sign_are_divided_by() {
        let samples: Vec<Vec<ArrayD<f64>>> = [1.0, -1.0].map(|sign| vec![sample(0) * sign]).to_vec();
        for (by, sign) in [(By::Sum, 0), (By::Entries, 1), (By::Negative, -1)] {
            let graph = quotients(by, Div);
            let Compiled { program, weights, inputs, outputs, .. } =
                compile(&graph, &samples, &Options::default()).unwrap_or_else(|e| panic!("{by:?}: {e}"));
            assert_eq!(program.lookups.iter().any(|l| program.tensors[l.columns[0]].name.contains(".sign")), sign == 0);
            for sample in &samples {
                let x = inputs[0].quantise(sample[0].as_slice().expect("row-major")).expect("in range");
                let trace = execute(&program, &weights, &[x]).unwrap_or_else(|e| panic!("{by:?}: {e}"));
                assert_eq!(check_satisfied(&program, &trace), []);
                let given = outputs[0].dequantise(&trace.values(&program, program.outputs[0]));
                let wanted = graph.evaluate(sample).expect("it runs").outputs()[0].clone();
                let largest = wanted.iter().fold(0f64, |most, v| most.max(v.abs()));
                let off = given.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(off < 0.005 * largest, "{by:?}: {off} of {largest}");
            }
        }
        let refused = compile(&quotients(By::Sum, Div), &[], &Options::default()).err().expect("it may be 0").to_string();
        assert!(refused.contains("its divisor `spread` goes from -"), "{refused}");
    }

    #[test]
    fn a_key_of_another_operator_or_sign_fails_its_audit() {
        let program = compile(&quotients(By::Entries, Div), &[], &Options::default()).expect("it compiles").program;
        assert!(crate::audit::audit(&quotients(By::Entries, Div), &program).is_ok());
        for other in [quotients(By::Entries, Mul), quotients(By::Rows, Div), quotients(By::Negative, Div)] {
            assert!(crate::audit::audit(&other, &program).is_err());
        }
    }
}
