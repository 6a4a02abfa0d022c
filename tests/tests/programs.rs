//! Small programs of all kinds, at random: views, einsums, scalars, no lookups, constraints larger than the tree.

use proptest::prelude::*;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::execute::{Weights, check_satisfied, execute};
use zktorch_blocks::program::{Advice, AxisGroup, Einsum, GroupMap, Program, Source, Table, TensorId, View, Visibility};
use zktorch_blocks::transcript::Equation;
use zktorch_tests::fixture::Fixture;
use zktorch_tests::toy::{ProgramBuilder, Toy};
use zktorch_verifier::Verdict;

/// Adds a private input of values in `-8..8`.
fn input(b: &mut ProgramBuilder, shape: &[usize]) -> TensorId {
    let id = b.tensor(&format!("in{}", b.program.inputs.len()), shape, Source::Input(b.program.inputs.len()), 3);
    b.program.inputs.push(id);
    id
}

/// Makes a tensor public: a copy, and the constraint that it is one.
fn publish(b: &mut ProgramBuilder, id: TensorId, bits: u32) {
    let shape = b.program.tensors[id].shape.dims().to_vec();
    let copy = b.tensor("copy", &shape, Source::Advice(Advice::Copy { source: id }), bits);
    b.program.tensors[copy].visibility = Visibility::Public;
    let terms = vec![(1, id), (-1, copy)];
    let zero = b.tensor("difference", &shape, Source::Linear { terms, constant: 0 }, bits + 1);
    b.program.zeros.push(zero);
    b.program.outputs.push(copy);
}

/// Deterministic values in `-8..8`.
fn values(len: usize, seed: usize) -> Vec<i64> {
    (0..len).map(|i| ((i * 7 + seed * 13 + i * i * 3) % 16) as i64 - 8).collect()
}

/// Proves, verifies, and checks that another output is refused.
fn round_trip(program: &Program, columns: u32) {
    let inputs: Vec<Vec<i64>> =
        program.inputs.iter().enumerate().map(|(n, &id)| values(program.tensors[id].shape.len(), n)).collect();
    let trace = execute(program, &Weights::new(), &inputs).expect("runs");
    assert_eq!(check_satisfied(program, &trace), []);
    let fixture = Fixture::new(program.clone(), Weights::new(), &Setup::insecure(columns).expect("in range"), columns);
    let proved = fixture.honest(&inputs);
    assert_eq!(fixture.verdict(&proved.proof), Verdict::Accepted);
    let mut other = proved.proof.clone();
    let last = other.statement.last_mut().and_then(|v| v.last_mut()).expect("an output");
    *last -= last.signum() | 1;
    assert!(matches!(fixture.verdict(&other), Verdict::Rejected(_)));
    let lie = zktorch_tests::lying::Lie::none().statement(|s| {
        let last = s.last_mut().and_then(|v| v.last_mut()).expect("an output");
        *last -= last.signum() | 1;
    });
    assert_eq!(fixture.tell(&inputs, &lie).violated, [Equation::ZeroConstraint]);
}

/// A group of a view on one source axis of `extent`, or none; extents of its output axes.
fn group(kind: usize, extent: usize, a: usize, b: usize) -> (GroupMap, Vec<usize>, bool) {
    let (stride, offset) = ((a % 5) as i64 - 2, (b % 7) as i64 - 3);
    match kind % 6 {
        0 => (GroupMap::Reshape, vec![extent], true),
        1 => (GroupMap::Affine { strides: vec![stride], offset }, vec![1 + b % 5], true),
        2 => (GroupMap::Affine { strides: vec![stride, 1], offset }, vec![1 + a % 3, 1 + b % 3], true),
        3 => (GroupMap::Affine { strides: vec![-1], offset: extent as i64 - 1 }, vec![extent], true),
        4 => {
            let indices = (0..1 + a % 6).map(|i| ((i * b) % (extent + 1)) as u32).map(|i| (i < extent as u32).then_some(i));
            let indices: Vec<_> = indices.collect();
            let out = vec![indices.len()];
            (GroupMap::List(indices), out, true)
        }
        _ => (GroupMap::Broadcast, vec![1 + a % 3], false),
    }
}

fn view_program(parts: &[(usize, usize, usize, usize)], rotate: usize) -> Program {
    let mut b = ProgramBuilder::default();
    let (mut source_shape, mut out_shape, mut groups) = (Vec::new(), Vec::new(), Vec::new());
    for &(kind, extent, p, q) in parts {
        let (map, outs, has_source) = group(kind, extent, p, q);
        let out_axes = (out_shape.len()..out_shape.len() + outs.len()).collect();
        out_shape.extend(outs);
        let source_axes = if has_source { vec![source_shape.len()] } else { vec![] };
        source_shape.extend(has_source.then_some(extent));
        groups.push(AxisGroup { out_axes, source_axes, map });
    }
    // A transpose: output axis i becomes i + rotate.
    let rank = out_shape.len();
    let moved = |axis: usize| (axis + rotate) % rank;
    groups.iter_mut().flat_map(|g| &mut g.out_axes).for_each(|a| *a = moved(*a));
    let mut shape = vec![0; rank];
    out_shape.iter().enumerate().for_each(|(i, &d)| shape[moved(i)] = d);
    let source = input(&mut b, &source_shape);
    let view = b.tensor("view", &shape, Source::View(View { source, groups }), 3);
    publish(&mut b, view, 3);
    b.program
}

fn einsum_program(kinds: &[(usize, usize)]) -> Program {
    let mut b = ProgramBuilder::default();
    let mut labels: [Vec<u8>; 3] = Default::default();
    let mut dims: [Vec<usize>; 3] = Default::default();
    for (i, &(kind, extent)) in kinds.iter().enumerate() {
        // Batch, free on the left, free on the right, contracted.
        let sides: &[usize] = [&[0, 1, 2][..], &[0, 2], &[1, 2], &[0, 1]][kind % 4];
        for &side in sides {
            labels[side].push(b'a' + i as u8);
            dims[side].push(extent);
        }
    }
    // The right operand has its axes the other way round.
    labels[1].reverse();
    dims[1].reverse();
    let [lhs, rhs] = [input(&mut b, &dims[0]), input(&mut b, &dims[1])];
    let [lhs_labels, rhs_labels, out_labels] = labels;
    let out = b.tensor("out", &dims[2], Source::Einsum(Einsum { lhs, rhs, lhs_labels, rhs_labels, out_labels }), 20);
    publish(&mut b, out, 20);
    b.program
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_views_are_proved(parts in prop::collection::vec((0usize..6, 1usize..6, 0usize..30, 0usize..30), 1..4), rotate in 0usize..3, columns in 2u32..6) {
        round_trip(&view_program(&parts, rotate), columns);
    }

    #[test]
    fn random_einsums_are_proved(kinds in prop::collection::vec((0usize..4, 1usize..5), 0..5), columns in 2u32..6) {
        round_trip(&einsum_program(&kinds), columns);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn random_networks_are_proved(channels in 1usize..4, side in 3usize..6, kernel in 1usize..4, stride in 1usize..3, pad in 0usize..2, outputs in 1usize..4, public_input: bool, columns in 6u32..10) {
        let toy = Toy { input: [2, side, side + 1], channels, kernel: [kernel, kernel], stride, pad, outputs, public_input, ..Toy::default() };
        let (fixture, input) = Fixture::toy(&toy, columns);
        prop_assert_eq!(fixture.verdict(&fixture.honest(&[input]).proof), Verdict::Accepted);
    }
}

#[test]
fn reshapes_in_mixed_radix_are_proved() {
    for (from, to) in [
        (vec![2, 3], vec![3, 2]),
        (vec![6], vec![3, 2]),
        (vec![3, 5], vec![15]),
        (vec![4, 4], vec![2, 8]),
        (vec![1, 3, 1], vec![3]),
    ] {
        let mut b = ProgramBuilder::default();
        let source = input(&mut b, &from);
        let all = |n: usize| (0..n).collect();
        let groups = vec![AxisGroup { out_axes: all(to.len()), source_axes: all(from.len()), map: GroupMap::Reshape }];
        let view = b.tensor("view", &to, Source::View(View { source, groups }), 3);
        publish(&mut b, view, 3);
        round_trip(&b.program, 3);
    }
}

#[test]
fn einsums_with_batch_labels_are_proved() {
    // Elementwise, batched matmul, depthwise (channel is batch), outer product, inner product, scalars.
    for kinds in [
        &[(0, 5), (0, 3)][..],
        &[(0, 3), (1, 3), (3, 5), (2, 2)],
        &[(0, 3), (1, 4), (3, 3)],
        &[(1, 3), (2, 5)],
        &[(3, 7)],
        &[],
    ] {
        round_trip(&einsum_program(kinds), 4);
    }
}

#[test]
fn one_tensor_with_several_claims_and_constraints_larger_than_the_tree_is_proved() {
    let mut b = ProgramBuilder::default();
    let x = input(&mut b, &[20, 17]);
    let small = input(&mut b, &[2]);
    let table = b.table(Table::range("range", -8, 16));
    b.lookup(&[small], table);
    let einsum = |lhs: &[u8], rhs: &[u8], out: &[u8]| {
        Source::Einsum(Einsum {
            lhs: x,
            rhs: x,
            lhs_labels: lhs.to_vec(),
            rhs_labels: rhs.to_vec(),
            out_labels: out.to_vec(),
        })
    };
    let gram = b.tensor("gram", &[20, 20], einsum(b"ik", b"jk", b"ij"), 20);
    let square = b.tensor("square", &[20, 17], einsum(b"ij", b"ij", b"ij"), 20);
    let sum = b.tensor("sum", &[20, 17], Source::Linear { terms: vec![(1, square), (-3, x)], constant: 5 }, 21);
    publish(&mut b, gram, 20);
    publish(&mut b, sum, 21);
    publish(&mut b, x, 3);
    round_trip(&b.program, 5);
}
