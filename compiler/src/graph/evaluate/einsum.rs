//! Two-operand einsum as a batch of matrix products.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array3, ArrayD, Axis, Ix3, IxDyn};

/// See [`Op::Einsum`](super::super::Op::Einsum).
pub(super) fn einsum(labels: [&[u8]; 2], out: &[u8], operands: [&ArrayD<f64>; 2]) -> ArrayD<f64> {
    let (lhs, a) = drop_private(labels[0], labels[1], out, operands[0]);
    let (rhs, b) = drop_private(labels[1], labels[0], out, operands[1]);
    let pick =
        |labels: &[u8], keep: &dyn Fn(u8) -> bool| -> Vec<u8> { labels.iter().copied().filter(|&l| keep(l)).collect() };
    let batch = pick(&lhs, &|l| rhs.contains(&l) && out.contains(&l));
    let contracted = pick(&lhs, &|l| rhs.contains(&l) && !out.contains(&l));
    let left = pick(&lhs, &|l| !rhs.contains(&l));
    let right = pick(&rhs, &|l| !lhs.contains(&l));

    let (a, extents_a) = matrices(&a, &lhs, [&batch, &left, &contracted]);
    let (b, extents_b) = matrices(&b, &rhs, [&batch, &contracted, &right]);
    let (count, m, k) = a.dim();
    let n = b.dim().2;
    let product = if m == 1 && k == 1 && n == 1 {
        &a * &b
    } else {
        let mut product = Array3::zeros((count, m, n));
        for ((a, b), mut c) in a.outer_iter().zip(b.outer_iter()).zip(product.outer_iter_mut()) {
            general_mat_mul(1.0, &a, &b, 0.0, &mut c);
        }
        product
    };
    let computed: Vec<u8> = [batch.as_slice(), &left, &right].concat();
    let extents: Vec<usize> = [&extents_a[0][..], &extents_a[1], &extents_b[2]].concat();
    let perm: Vec<usize> = out.iter().filter_map(|l| computed.iter().position(|c| c == l)).collect();
    match product.into_shape_with_order(IxDyn(&extents)) {
        Ok(product) => product.permuted_axes(IxDyn(&perm)),
        Err(_) => ArrayD::zeros(IxDyn(&[0])),
    }
}

/// Sums away the axes whose label is in this operand only.
fn drop_private(own: &[u8], other: &[u8], out: &[u8], x: &ArrayD<f64>) -> (Vec<u8>, ArrayD<f64>) {
    let (mut labels, mut x) = (own.to_vec(), x.clone());
    for axis in (0..own.len()).rev() {
        if !other.contains(&own[axis]) && !out.contains(&own[axis]) {
            x = x.sum_axis(Axis(axis));
            labels.remove(axis);
        }
    }
    (labels, x)
}

/// The operand with its axes sorted into three groups, each flattened, and each group's extents.
fn matrices(x: &ArrayD<f64>, labels: &[u8], groups: [&[u8]; 3]) -> (Array3<f64>, [Vec<usize>; 3]) {
    let position = |label: &u8| labels.iter().position(|l| l == label).unwrap_or(0);
    let extents = groups.map(|group| group.iter().map(|l| x.shape()[position(l)]).collect::<Vec<_>>());
    let perm: Vec<usize> = groups.iter().flat_map(|group| group.iter().map(position)).collect();
    let dim = Ix3(extents[0].iter().product(), extents[1].iter().product(), extents[2].iter().product());
    let permuted = x.view().permuted_axes(IxDyn(&perm));
    let flat = permuted.as_standard_layout().into_owned().into_shape_with_order(dim);
    (flat.unwrap_or_else(|_| Array3::zeros(dim)), extents)
}
