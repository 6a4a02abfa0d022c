//! The executor against definitions, on random shapes.

use super::*;
use crate::program::{Advice, AxisGroup, Column, Einsum, GroupMap, Lookup, Scale, Shape, Table, TableId, View, Visibility};
use proptest::prelude::*;

mod recurrence;

fn tensor(dims: &[usize], source: Source, bound: i64) -> Tensor {
    Tensor {
        name: "t".to_owned(),
        shape: Shape(dims.to_vec()),
        source,
        visibility: Visibility::Private,
        interval: Interval::new(-bound, bound),
        scale: Scale(0),
    }
}

/// A program of the tensors, with a public copy of the last as its output.
fn program(tensors: Vec<Tensor>) -> Program {
    let mut tensors = IdVec::from(tensors);
    let last = TensorId(tensors.len() - 1);
    let mut out =
        tensor(tensors[last].shape.dims(), Source::Advice(Advice::Copy { source: last }), tensors[last].interval.hi);
    out.visibility = Visibility::Public;
    let out = tensors.push(out);
    let inputs = tensors.ids().filter(|&id| matches!(tensors[id].source, Source::Input(_))).collect();
    Program { tensors, inputs, outputs: vec![out], ..Program::default() }
}

fn numbers(seed: u64, len: usize, bound: i64) -> Vec<i64> {
    let mut state = seed | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64
    };
    (0..len).map(|_| next() % (2 * bound + 1) - bound).collect()
}

fn group(out: &[usize], source: &[usize], map: GroupMap) -> AxisGroup {
    AxisGroup { out_axes: out.to_vec(), source_axes: source.to_vec(), map }
}

/// `conv[n, o, y, x]` of a window view, by its definition.
fn convolution(seed: u64, [c, o, h, k]: [usize; 4], stride: usize, pad: usize, bound: i64) -> bool {
    let out = (h + 2 * pad - k) / stride + 1;
    let map = || GroupMap::Affine { strides: vec![stride as i64, 1], offset: -(pad as i64) };
    let view = View {
        source: TensorId(0),
        groups: vec![group(&[0], &[0], GroupMap::Reshape), group(&[1, 2], &[1], map()), group(&[3, 4], &[2], map())],
    };
    let einsum = Einsum {
        lhs: TensorId(1),
        rhs: TensorId(2),
        lhs_labels: vec![9, 0, 2, 4],
        rhs_labels: vec![0, 1, 2, 3, 4],
        out_labels: vec![1, 9, 3],
    };
    let program = program(vec![
        tensor(&[c, h, h], Source::Input(0), bound),
        tensor(&[o, c, k, k], Source::Weight, bound),
        tensor(&[c, out, k, out, k], Source::View(view), bound),
        tensor(&[out, o, out], Source::Einsum(einsum), bound * bound * (c * k * k) as i64),
    ]);
    let weights = Weights::from([(TensorId(1), numbers(seed, o * c * k * k, bound).into())]);
    let inputs = [numbers(seed + 1, c * h * h, bound)];
    let trace = execute(&program, &weights, &inputs).expect("runs");
    let (x, w) = (&inputs[0], weights[&TensorId(1)].to_vec());
    let (stride, pad) = (stride as i64, pad as i64);
    let at = |ch: usize, y: i64, z: i64| {
        let inside = (0..h as i64).contains(&y) && (0..h as i64).contains(&z);
        if inside { x[(ch * h + y as usize) * h + z as usize] } else { 0 }
    };
    let mut expected = vec![0; out * o * out];
    for (index, value) in expected.iter_mut().enumerate() {
        let (y, f, z) = (index / (o * out), index / out % o, index % out);
        for (tap, weight) in w[f * c * k * k..(f + 1) * c * k * k].iter().enumerate() {
            let (ch, i, j) = (tap / (k * k), (tap / k % k) as i64, (tap % k) as i64);
            *value += weight * at(ch, y as i64 * stride + i - pad, z as i64 * stride + j - pad);
        }
    }
    check_satisfied(&program, &trace).is_empty() && trace.values(&program, TensorId(3))[..] == expected[..]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn convolutions_agree_with_their_definition(
        seed in 0u64..1000, c in 1usize..5, o in 1usize..6, h in 4usize..9, k in 1usize..4, stride in 1usize..3,
        pad in 0usize..2, wide in any::<bool>(),
    ) {
        let bound = if wide { 1 << 26 } else { 1 << 9 };
        prop_assert!(convolution(seed, [c, o, h, k], stride, pad, bound));
    }

    #[test]
    fn views_agree_with_their_definition(
        seed in 0u64..1000, a in 1usize..5, b in 1usize..5, c in 1usize..6, stride in -2i64..3, offset in -3i64..6,
        picks in proptest::collection::vec(proptest::option::of(0u32..64), 1..6),
    ) {
        // source [a, b c, n] with axis 0 reshaped away, axis 1 split, axis 2 strided, and a list over axis 0.
        let n = 7;
        let list: Vec<Option<u32>> = picks.iter().map(|p| p.map(|i| i % a as u32)).collect();
        let view = View {
            source: TensorId(0),
            groups: vec![
                group(&[3], &[0], GroupMap::List(list.clone())),
                group(&[4, 0], &[1], GroupMap::Reshape),
                group(&[1], &[2], GroupMap::Affine { strides: vec![stride], offset }),
                group(&[2], &[], GroupMap::Broadcast),
            ],
        };
        let dims = [c, 5, 2, list.len(), b];
        let program = program(vec![
            tensor(&[a, b * c, n], Source::Input(0), 100),
            tensor(&dims, Source::View(view), 100),
        ]);
        let x = numbers(seed, a * b * c * n, 100);
        let trace = execute(&program, &Weights::new(), std::slice::from_ref(&x)).expect("runs");
        let values = trace.values(&program, TensorId(1));
        for (index, &value) in values.iter().enumerate() {
            let i4 = index % b;
            let i3 = index / b % list.len();
            let i1 = index / (b * list.len() * 2) % 5;
            let i0 = index / (b * list.len() * 10);
            let last = stride * i1 as i64 + offset;
            let expected = match list[i3] {
                Some(first) if (0..n as i64).contains(&last) => {
                    x[(first as usize * b * c + i4 * c + i0) * n + last as usize]
                }
                _ => 0,
            };
            prop_assert_eq!(value, expected);
        }
    }

    #[test]
    fn rounding_is_half_up(x in -1_000_000i64..1_000_000, divisor in 1i64..5000) {
        let y = advice::round(x, divisor);
        let remainder = x + divisor / 2 - divisor * y;
        prop_assert!((0..divisor).contains(&remainder));
        let distance = (x as f64 / divisor as f64 - y as f64).abs();
        prop_assert!(distance <= 0.5 + 1e-9);
    }

    #[test]
    fn arbitrary_programs_never_panic(
        dims in proptest::collection::vec(0usize..5, 0..4), labels in proptest::collection::vec(0u8..4, 0..4),
        ids in proptest::collection::vec(0usize..6, 4), axes in proptest::collection::vec(0usize..4, 0..4),
        strides in proptest::collection::vec(any::<i64>(), 0..3), bound in any::<i64>(), kind in 0usize..8,
    ) {
        let map = match kind {
            0 => GroupMap::Reshape,
            1 => GroupMap::Broadcast,
            2 => GroupMap::List(vec![Some(ids[0] as u32); dims.len()]),
            _ => GroupMap::Affine { strides, offset: bound },
        };
        let view = View { source: TensorId(ids[0]), groups: vec![group(&axes, &axes, map)] };
        let (lhs_labels, rhs_labels, out_labels) = (labels.clone(), labels.clone(), labels);
        let einsum = Einsum { lhs: TensorId(ids[0]), rhs: TensorId(ids[1]), lhs_labels, rhs_labels, out_labels };
        let linear = Source::Linear { terms: vec![(bound, TensorId(ids[1])), (bound, TensorId(ids[2]))], constant: bound };
        let source = match kind % 4 {
            0 => Source::View(view),
            1 => Source::Einsum(einsum),
            2 => linear,
            _ => Source::Advice(Advice::Max { source: TensorId(ids[3]), axes, divisor: bound }),
        };
        let mut p = program(vec![
            tensor(&[2, 3], Source::Input(0), 50),
            tensor(&dims, source, bound.checked_abs().unwrap_or(0)),
        ]);
        p.tables.push(Table { name: String::new(), rows: ids[0], columns: vec![Column::Count { start: bound }] });
        p.lookups.push(Lookup { columns: vec![TensorId(ids[1])], table: TableId(ids[2]) });
        let _ = execute(&p, &Weights::new(), &[vec![1; 6]]);
    }
}

#[test]
fn values_outside_their_interval_name_the_tensor() {
    let mut round = tensor(&[2], Source::Advice(Advice::Round { source: TensorId(0), divisor: 4 }), 10);
    round.name = "activation".to_owned();
    let p = program(vec![tensor(&[2], Source::Input(0), 1000), round]);
    let error = execute(&p, &Weights::new(), &[vec![3, 44]]).expect_err("44 / 4 = 11");
    let text = error.to_string();
    assert!(
        text.contains("activation") && text.contains("entry 1") && text.contains("[-10, 10]") && !text.contains("11"),
        "{text}"
    );
}

#[test]
fn lies_are_violations() {
    let mut p = program(vec![
        tensor(&[4], Source::Input(0), 1000),
        tensor(&[4], Source::Advice(Advice::Round { source: TensorId(0), divisor: 8 }), 200),
        tensor(&[4], Source::Linear { terms: vec![(1, TensorId(0)), (-8, TensorId(1))], constant: 4 }, 4000),
    ]);
    p.tables.push(Table::range("range", 0, 8));
    p.lookups.push(Lookup { columns: vec![TensorId(2)], table: TableId(0) });
    let mut trace = execute(&p, &Weights::new(), &[vec![-9, 0, 4, 999]]).expect("runs");
    assert_eq!(check_satisfied(&p, &trace), vec![]);
    trace.replace(TensorId(1), vec![-1, 0, 1, 124]);
    assert_eq!(check_satisfied(&p, &trace).len(), 1, "the remainder no longer follows");
    trace.replace(TensorId(2), vec![3, 4, 0, 11]);
    let violations = check_satisfied(&p, &trace);
    assert!(violations.len() == 1 && violations[0].why.contains("11"), "{violations:?}");
}

#[test]
fn a_program_that_does_not_fit_is_not_begun() {
    let one = tensor(&[1 << 30], Source::Fill(0), 1);
    assert_eq!(execute(&program(vec![one]), &Weights::new(), &[]).map(drop), Err(ExecuteError::TooLarge(2 << 30)));
}

#[test]
fn what_stands_beside_an_entry_is_what_its_row_has() {
    let mut p = program(vec![tensor(&[2], Source::Input(0), 5), tensor(&[2], Source::Input(1), 5)]);
    let columns = vec![Column::Count { start: 0 }, Column::Data(vec![0, 0, 1])];
    p.tables.push(Table { name: "last".to_owned(), rows: 3, columns });
    p.lookups.push(Lookup { columns: vec![TensorId(0), TensorId(1)], table: TableId(0) });
    let run = |beside: [i64; 2]| execute(&p, &Weights::new(), &[vec![1, 2], beside.to_vec()]).map(drop);
    assert_eq!(run([0, 1]), Ok(()));
    assert_eq!(run([0, 0]), Err(ExecuteError::NoRow { tensor: "t".to_owned(), position: 1 }));
}

#[test]
fn a_row_of_which_no_entry_counts_is_named() {
    let flag = Advice::FirstZero { source: TensorId(0), axes: vec![1] };
    let mut p = program(vec![tensor(&[2, 2], Source::Input(0), 5), tensor(&[2, 2], Source::Advice(flag), 1)]);
    let columns = vec![Column::Count { start: 0 }, Column::Data(vec![1, 0, 0])];
    p.tables.push(Table { name: "flags".to_owned(), rows: 3, columns });
    p.lookups.push(Lookup { columns: vec![TensorId(0), TensorId(1)], table: TableId(0) });
    let run = |x: [i64; 4]| execute(&p, &Weights::new(), &[x.to_vec()]).map(drop);
    assert_eq!(run([0, 1, 2, 0]), Ok(()));
    let masked = run([0, 1, 2, 1]);
    assert_eq!(masked, Err(ExecuteError::Masked { tensor: "t".to_owned(), position: 2 }));
    assert!(masked.is_err_and(|error| error.to_string().contains("the mask takes out all entries of the row")));
}
