//! Recurrences: programs that somebody made to be run for ever, to take all memory, or to have no step, are refused.

use super::*;
use crate::program::Fault;

/// What is handed on, of a later tensor.
fn carry(source: usize) -> Source {
    Source::Advice(Advice::Carry { source: TensorId(source), divisor: 1 })
}

fn sum(terms: &[usize]) -> Source {
    Source::Linear { terms: terms.iter().map(|&id| (1, TensorId(id))).collect(), constant: 0 }
}

/// Another tensor's rows, each so many steps later.
fn shifted(source: usize, steps: i64, rank: usize) -> Source {
    let first = group(&[0], &[0], GroupMap::Affine { strides: vec![1], offset: -steps });
    let rest = (1..rank).map(|axis| group(&[axis], &[axis], GroupMap::Reshape));
    Source::View(View { source: TensorId(source), groups: [first].into_iter().chain(rest).collect() })
}

/// `A[t] = round((x[t] + A[t - 1]) / 2)`, of which tensor 1 is `A`.
fn halved(steps: usize) -> Vec<Tensor> {
    let rule = Source::Advice(Advice::Carry { source: TensorId(3), divisor: 2 });
    vec![
        tensor(&[steps, 2], Source::Input(0), 100),
        tensor(&[steps, 2], rule, 200),
        tensor(&[steps, 2], shifted(1, 1, 2), 200),
        tensor(&[steps, 2], sum(&[0, 2]), 300),
    ]
}

/// Why tensors cannot be run, of which the first is an input of as many zeros as it has entries.
fn refusal(tensors: Vec<Tensor>) -> ExecuteError {
    let inputs = [vec![0; tensors[0].shape.len()]];
    execute(&program(tensors), &Weights::new(), &inputs).map(drop).expect_err("no such program runs")
}

fn has_no_step(tensors: Vec<Tensor>) {
    match refusal(tensors) {
        ExecuteError::Recurrence { .. } => {}
        other => panic!("{other}"),
    }
}

fn invalid(tensors: Vec<Tensor>, expected: &Fault) {
    match refusal(tensors) {
        ExecuteError::Invalid(invalid) => assert_eq!(invalid.why, *expected),
        other => panic!("{other}"),
    }
}

#[test]
fn states_are_those_of_a_loop() {
    let x = numbers(5, 14, 100);
    let trace = execute(&program(halved(7)), &Weights::new(), std::slice::from_ref(&x)).expect("it runs");
    let mut expected: Vec<i64> = Vec::new();
    for (at, x) in x.iter().enumerate() {
        let before = if at < 2 { 0 } else { expected[at - 2] };
        expected.push((x + before + 1).div_euclid(2));
    }
    assert_eq!(trace.values(&program(halved(7)), TensorId(1))[..], expected);
}

#[test]
fn what_is_handed_on_is_a_later_tensor_of_the_same_shape() {
    let with = |rule: Advice, dims: &[usize]| {
        let mut tensors = halved(4);
        tensors[1] = tensor(dims, Source::Advice(rule), 200);
        tensors
    };
    let carry = |source: usize, divisor: i64| Advice::Carry { source: TensorId(source), divisor };
    for source in [0, 1] {
        invalid(with(carry(source, 2), &[4, 2]), &Fault::Earlier(TensorId(source)));
    }
    invalid(with(carry(9, 2), &[4, 2]), &Fault::Missing { what: "tensor", index: 9 });
    for got in [0, -1] {
        let most = i64::MAX;
        invalid(with(carry(3, got), &[4, 2]), &Fault::Range { what: "a divisor or scale of", got, least: 1, most });
    }
    let (got, expected) = (Shape(vec![2, 4]), Shape(vec![4, 2]));
    invalid(with(carry(3, 2), &[2, 4]), &Fault::Shape { got, operand: "t".to_owned(), expected });
    let mut none = halved(4);
    none.iter_mut().for_each(|t| t.shape.0[0] = 0);
    assert!(matches!(refusal(none), ExecuteError::Invalid(_)));
}

#[test]
fn rows_that_stand_on_their_own_or_on_later_ones_have_no_step() {
    let mut own = halved(4);
    own[2].source = sum(&[1]);
    has_no_step(own);
    for steps in [0, -1, 2] {
        let mut later = halved(4);
        later[2].source = shifted(1, steps, 2);
        has_no_step(later);
    }
    // One after the other in a circle, each of the other's own row.
    let mut circle = halved(4);
    circle[1].source = carry(4);
    circle[2].source = carry(3);
    circle[3].source = sum(&[0, 1]);
    circle.push(tensor(&[4, 2], sum(&[0, 2]), 900));
    has_no_step(circle);
    // Sums over all steps.
    let mut all = halved(4);
    let einsum = Einsum {
        lhs: TensorId(1),
        rhs: TensorId(0),
        lhs_labels: vec![0, 1],
        rhs_labels: vec![0, 2],
        out_labels: vec![1, 2],
    };
    all[2] = tensor(&[2, 2], Source::Einsum(einsum), 100_000);
    all[3] = tensor(&[4, 2], Source::View(View { source: TensorId(2), groups: spread() }), 100_000);
    has_no_step(all);
    // No axis counts steps.
    let alone = vec![tensor(&[], Source::Input(0), 1), tensor(&[], carry(2), 9), tensor(&[], sum(&[1]), 9)];
    has_no_step(alone);
}

/// From `[2, 2]` to `[4, 2]`.
fn spread() -> Vec<AxisGroup> {
    vec![group(&[0], &[0], GroupMap::List(vec![Some(0), Some(1), Some(0), Some(1)])), group(&[1], &[1], GroupMap::Reshape)]
}

#[test]
fn as_many_recurrences_as_a_program_holds_take_no_longer_than_it() {
    // Each is handed on what the next one is, and the last a constant.
    let many = 60_000;
    let mut tensors = vec![tensor(&[1], Source::Input(0), 1)];
    tensors.extend((0..many).map(|n| tensor(&[1], carry(1 + many + n), 1)));
    tensors.extend((0..many).map(|n| tensor(&[1], sum(&[if n + 1 < many { 2 + n } else { 0 }]), 1)));
    let p = program(tensors);
    let trace = execute(&p, &Weights::new(), &[vec![1]]).expect("it runs");
    assert_eq!(trace.values(&p, TensorId(1))[..], [1]);
    // Each has steps of its own.
    let mut tensors = vec![tensor(&[2, 2], Source::Input(0), 1)];
    for at in (1..many / 2).step_by(3) {
        tensors.push(tensor(&[2, 2], carry(at + 2), 4));
        tensors.push(tensor(&[2, 2], shifted(at, 1, 2), 4));
        tensors.push(tensor(&[2, 2], sum(&[at + 1, 0]), 8));
    }
    let p = program(tensors);
    let trace = execute(&p, &Weights::new(), &[vec![1, -1, 1, 0]]).expect("it runs");
    assert_eq!(trace.values(&p, TensorId(1))[..], [1, -1, 2, -1]);
    // And all of them hand on one tensor.
    let mut tensors = vec![tensor(&[64, 1], Source::Input(0), 1)];
    tensors.extend((0..2000).map(|_| tensor(&[64, 1], carry(2002), 64)));
    tensors.push(tensor(&[64, 1], shifted(1, 1, 2), 64));
    tensors.push(tensor(&[64, 1], sum(&[2001, 0]), 65));
    let p = program(tensors);
    let trace = execute(&p, &Weights::new(), &[vec![1; 64]]).expect("it runs");
    assert_eq!(trace.values(&p, TensorId(2000))[62..], [63, 64]);
}

#[test]
fn a_step_makes_no_view_that_a_run_would_not_keep() {
    // Only an einsum reads the view, so that nothing else makes it.
    let (steps, wide) = (1 << 14, 1 << 20);
    let broadcast = View { source: TensorId(0), groups: vec![group(&[0, 1], &[], GroupMap::Broadcast)] };
    let einsum =
        Einsum { lhs: TensorId(1), rhs: TensorId(4), lhs_labels: vec![0, 1], rhs_labels: vec![0, 1], out_labels: vec![0] };
    let repeated = View {
        source: TensorId(3),
        groups: vec![group(&[0], &[0], GroupMap::Reshape), group(&[1], &[], GroupMap::Broadcast)],
    };
    let tensors = vec![
        tensor(&[], Source::Input(0), 0),
        tensor(&[steps, wide], Source::View(broadcast), 0),
        tensor(&[steps], carry(5), 0),
        tensor(&[steps], shifted(2, 1, 1), 0),
        tensor(&[steps, wide], Source::View(repeated), 0),
        tensor(&[steps], Source::Einsum(einsum), 0),
    ];
    // Both views, and what else a step makes.
    assert_eq!(refusal(tensors), ExecuteError::TooLarge(2 * steps * wide + 2 * steps));
}
