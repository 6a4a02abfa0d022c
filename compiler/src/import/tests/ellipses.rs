//! Einsums with an ellipsis, against sums that are written out.

use ndarray::{ArrayD, IxDyn};

use super::proto::{Attr::*, Change, floats, model, node};

/// Entries of their own.
fn numbers(shape: &[i64]) -> ArrayD<f64> {
    let dims: Vec<usize> = shape.iter().map(|&extent| extent as usize).collect();
    let count: usize = dims.iter().product();
    ArrayD::from_shape_vec(IxDyn(&dims), (0..count).map(|n| ((n * 7 + 3) % 11) as f64 - 5.0).collect())
        .expect("of the shape")
}

/// What the model of one einsum gives for an input and a constant.
fn einsum(equation: &str, x: &[i64], w: Option<&[i64]>) -> ArrayD<f64> {
    let entries = |shape: &[i64]| numbers(shape).iter().map(|&v| v as f32).collect::<Vec<_>>();
    let tensors: Vec<_> = w.iter().map(|shape| floats("w", shape, &entries(shape))).collect();
    let operands = if w.is_some() { vec!["x", "w"] } else { vec!["x"] };
    let graph = model(x, vec![node("Einsum", &operands, &["y"], &[("equation", Text(equation))])], tensors).import();
    let graph = graph.unwrap_or_else(|e| panic!("{equation}: {e}"));
    let evaluation = graph.evaluate(&[numbers(x)]).expect("it runs");
    evaluation.outputs()[0].clone()
}

#[test]
fn an_ellipsis_stands_for_the_axes_that_are_left() {
    let (x, w) = (numbers(&[2, 3, 2, 4]), numbers(&[4, 5]));
    let y = einsum("...ij, jk -> ...ik", &[2, 3, 2, 4], Some(&[4, 5]));
    let wanted = ArrayD::from_shape_fn(IxDyn(&[2, 3, 2, 5]), |at| {
        (0..4).map(|j| x[[at[0], at[1], at[2], j]] * w[[j, at[3]]]).sum::<f64>()
    });
    assert_eq!(y, wanted);
}

#[test]
fn axes_of_two_ellipses_are_those_of_a_broadcast() {
    let (x, w) = (numbers(&[2, 1, 4]), numbers(&[3, 4]));
    let y = einsum("...i,...i->...", &[2, 1, 4], Some(&[3, 4]));
    let wanted = ArrayD::from_shape_fn(IxDyn(&[2, 3]), |at| (0..4).map(|i| x[[at[0], 0, i]] * w[[at[1], i]]).sum::<f64>());
    assert_eq!(y, wanted);
    // Letters before it, and a result whose ellipsis comes last.
    let x = numbers(&[2, 3, 4]);
    let y = einsum("b...i,...i->b...", &[2, 3, 4], Some(&[3, 4]));
    let wanted =
        ArrayD::from_shape_fn(IxDyn(&[2, 3]), |at| (0..4).map(|i| x[[at[0], at[1], i]] * w[[at[1], i]]).sum::<f64>());
    assert_eq!(y, wanted);
}

#[test]
fn an_ellipsis_of_one_operand_moves_its_axes() {
    let x = numbers(&[2, 3, 4]);
    let y = einsum("i...->...i", &[2, 3, 4], None);
    assert_eq!(y, x.clone().permuted_axes(IxDyn(&[1, 2, 0])).as_standard_layout().into_owned());
}

#[test]
fn an_ellipsis_that_no_operand_has_is_refused() {
    let tensors = vec![floats("w", &[3], &[1.0, 2.0, 3.0])];
    let attributes = [("equation", Text("...i,...j"))];
    let file = model(&[2, 3], vec![node("Einsum", &["x", "w"], &["y"], &attributes)], tensors);
    assert!(file.refusal().contains("`equation`"), "{}", file.refusal());
}
