//! Support vector machines that give a number.

use tract_onnx::pb::NodeProto;

use super::attributes::Attributes;
use super::emit::{Emitter, FLOAT, operand};
use super::votes::{self, Post};
use super::{Expanded, LEARNING};
use crate::import::refusal::Refusal;

pub(super) const RULES: &[Expanded] = &[(
    LEARNING,
    "SVMRegressor",
    &["coefficients", "kernel_params", "kernel_type", "n_supports", "one_class", "post_transform", "rho", "support_vectors"],
    regressor,
)];

/// `sum_i c_i K(x, v_i) + rho` over support vectors, or `K(x, c) + rho` where there are none.
fn regressor(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let coefficients = attributes.floats("coefficients")?;
    let count =
        usize::try_from(attributes.int("n_supports", 0)?).map_err(|_| Refusal::OutOfRange("the number of vectors"))?;
    let vectors = if count == 0 { coefficients } else { attributes.floats("support_vectors")? };
    let rows = count.max(1);
    if vectors.is_empty() || vectors.len() % rows != 0 || (count > 0 && coefficients.len() != count) {
        return Err(Refusal::Count { what: "coefficients", got: coefficients.len(), expected: count });
    }
    let [gamma, offset, degree] = match *attributes.floats("kernel_params")? {
        [] => [0.0, 0.0, 3.0],
        [gamma, offset, degree] => [gamma, offset, degree].map(f64::from),
        ref other => return Err(Refusal::Count { what: "parameters of its kernel", got: other.len(), expected: 3 }),
    };
    let x = e.cast(operand(node, 0)?, FLOAT);
    let near = match attributes.word("kernel_type", "LINEAR")?.as_str() {
        "LINEAR" => dot(e, &x, vectors, rows),
        "POLY" => {
            let sum = affine(e, &x, vectors, rows, [gamma, offset]);
            let degree = e.number(degree, FLOAT);
            e.op("Pow", &[&sum, &degree], &[])
        }
        "SIGMOID" => {
            let sum = affine(e, &x, vectors, rows, [gamma, offset]);
            e.op("Tanh", &[&sum], &[])
        }
        "RBF" => distances(e, &x, vectors, rows, gamma),
        _ => return Err(Refusal::Form("its kernel is none of LINEAR, POLY, RBF and SIGMOID")),
    };
    let sum = if count == 0 {
        near
    } else {
        let weights: Vec<f64> = coefficients.iter().map(|&c| c.into()).collect();
        let weights = e.floats("coefficients", &[count, 1], &weights, FLOAT);
        e.op("MatMul", &[&near, &weights], &[])
    };
    let rho: Vec<f64> = attributes.floats("rho")?.iter().take(1).map(|&v| v.into()).collect();
    let sum = votes::based(e, sum, &rho, 1, FLOAT)?;
    let sum = votes::regress(e, sum, 1, Post::of(&attributes.word("post_transform", "NONE")?)?)?;
    if attributes.int("one_class", 0)? == 0 {
        e.result(node, 0, &sum);
        return Ok(());
    }
    let [zero, one, two] = [0.0, 1.0, 2.0].map(|number| e.number(number, FLOAT));
    let inside = e.op("Greater", &[&sum, &zero], &[]);
    let inside = e.cast(&inside, FLOAT);
    let inside = e.op("Mul", &[&inside, &two], &[]);
    let inside = e.op("Sub", &[&inside, &one], &[]);
    e.result(node, 0, &inside);
    Ok(())
}

/// Products of samples with vectors.
fn dot(e: &mut Emitter, x: &str, vectors: &[f32], rows: usize) -> String {
    let features = vectors.len() / rows;
    let turned: Vec<f64> = (0..vectors.len()).map(|at| vectors[at % rows * features + at / rows].into()).collect();
    let vectors = e.floats("vectors", &[features, rows], &turned, FLOAT);
    e.op("MatMul", &[x, &vectors], &[])
}

fn affine(e: &mut Emitter, x: &str, vectors: &[f32], rows: usize, [gamma, offset]: [f64; 2]) -> String {
    let products = dot(e, x, vectors, rows);
    let [gamma, offset] = [gamma, offset].map(|number| e.number(number, FLOAT));
    let products = e.op("Mul", &[&products, &gamma], &[]);
    e.op("Add", &[&products, &offset], &[])
}

/// `exp(-gamma |x - v|^2)`
fn distances(e: &mut Emitter, x: &str, vectors: &[f32], rows: usize, gamma: f64) -> String {
    let features = vectors.len() / rows;
    let entries: Vec<f64> = vectors.iter().map(|&v| v.into()).collect();
    let vectors = e.floats("vectors", &[1, rows, features], &entries, FLOAT);
    let x = e.reshape(x, &[-1, 1, features as i64]);
    let apart = e.op("Sub", &[&x, &vectors], &[]);
    let squares = e.op("Mul", &[&apart, &apart], &[]);
    let squares = e.reduce("ReduceSum", &squares, 2, false);
    let gamma = e.number(-gamma, FLOAT);
    let exponents = e.op("Mul", &[&squares, &gamma], &[]);
    e.op("Exp", &[&exponents], &[])
}
