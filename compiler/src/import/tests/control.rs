//! Branches and loops are what they stand for.

use ndarray::{ArrayD, arr1, arr2};
use tract_onnx::pb::{ModelProto, TensorProto};

use super::proto::{Attr, Change, floats, graph, integers, model, node};

fn run(model: &ModelProto, x: ArrayD<f64>) -> Vec<ArrayD<f64>> {
    let graph = model.import().unwrap_or_else(|error| panic!("{error}"));
    graph.evaluate(&[x]).expect("it runs").outputs().into_iter().cloned().collect()
}

fn truth(name: &str, value: i32) -> TensorProto {
    TensorProto { name: name.to_owned(), data_type: 9, int32_data: vec![value], ..TensorProto::default() }
}

/// `y = x + 1` if a condition is true, else `y = x * k`, with `k` of the branch.
fn branch(condition: TensorProto, before: Vec<tract_onnx::pb::NodeProto>) -> ModelProto {
    let one = floats("k", &[], &[1.0]);
    let yes = graph(&[], &["r"], vec![node("Add", &["x", "k"], &["r"], &[])], vec![one]);
    let no = graph(&[], &["r"], vec![node("Mul", &["x", "k"], &["r"], &[])], vec![floats("k", &[], &[3.0])]);
    let branches = [("then_branch", Attr::Graph(&yes)), ("else_branch", Attr::Graph(&no))];
    let nodes = before.into_iter().chain([node("If", &["c"], &["y"], &branches)]).collect();
    model(&[2], nodes, vec![condition])
}

#[test]
fn a_constant_condition_takes_its_branch() {
    let x = arr1(&[2.0, -5.0]).into_dyn();
    assert_eq!(run(&branch(truth("c", 1), Vec::new()), x.clone()), [arr1(&[3.0, -4.0]).into_dyn()]);
    assert_eq!(run(&branch(truth("c", 0), Vec::new()), x), [arr1(&[6.0, -15.0]).into_dyn()]);
}

#[test]
fn another_condition_chooses_between_both() {
    let least = node("ReduceMin", &["x"], &["m"], &[("keepdims", Attr::Int(0))]);
    let model = branch(floats("bound", &[], &[0.0]), vec![least, node("Less", &["bound", "m"], &["c"], &[])]);
    assert_eq!(run(&model, arr1(&[2.0, 5.0]).into_dyn()), [arr1(&[3.0, 6.0]).into_dyn()]);
    assert_eq!(run(&model, arr1(&[2.0, -5.0]).into_dyn()), [arr1(&[6.0, -15.0]).into_dyn()]);
}

#[test]
fn results_of_two_shapes_are_not_chosen_between() {
    let yes = graph(&[], &["r"], vec![node("Identity", &["x"], &["r"], &[])], Vec::new());
    let no = graph(&[], &["k"], Vec::new(), vec![floats("k", &[1], &[3.0])]);
    let branches = [("then_branch", Attr::Graph(&yes)), ("else_branch", Attr::Graph(&no))];
    let least = node("ReduceMin", &["x"], &["m"], &[("keepdims", Attr::Int(0))]);
    let nodes = vec![least, node("Less", &["bound", "m"], &["c"], &[]), node("If", &["c"], &["y"], &branches)];
    let refusal = model(&[2], nodes, vec![floats("bound", &[], &[0.0])]).refusal();
    assert!(refusal.contains("y/both"), "{refusal}");
}

/// Adds `x` to a state `count` times, and shows `state * step` of each.
fn repeated(count: i64, condition: &str) -> ModelProto {
    let nodes = vec![
        node("Add", &["s", "x"], &["t"], &[]),
        node("Cast", &["i"], &["n"], &[("to", Attr::Int(1))]),
        node("Mul", &["t", "n"], &["shown"], &[]),
        node("Identity", &["go"], &["on"], &[]),
    ];
    let body = graph(&["i", "go", "s"], &["on", "t", "shown"], nodes, Vec::new());
    let nodes = vec![node("Loop", &["count", condition, "x"], &["y", "all"], &[("body", Attr::Graph(&body))])];
    model(&[2], nodes, vec![integers("count", &[], &[count]), truth("c", 1)]).output("all")
}

#[test]
fn a_loop_is_its_steps() {
    for condition in ["", "c"] {
        let got = run(&repeated(3, condition), arr1(&[1.0, -2.0]).into_dyn());
        let shown = arr2(&[[0.0, 0.0], [3.0, -6.0], [8.0, -16.0]]);
        assert_eq!(got, [arr1(&[4.0, -8.0]).into_dyn(), shown.into_dyn()]);
    }
    let never = repeated(0, "").refusal();
    assert!(never.contains("it is never run"), "{never}");
    let long = repeated(1 << 40, "").refusal();
    assert!(long.contains("too many nodes"), "{long}");
    let open = repeated(3, "x").refusal();
    assert!(open.contains("whether it is run must be a constant"), "{open}");
}

#[test]
fn a_scan_goes_either_way() {
    let body = || {
        let nodes = vec![
            node("Mul", &["s", "k"], &["h"], &[]),
            node("Add", &["h", "e"], &["t"], &[]),
            node("Identity", &["t"], &["o"], &[]),
        ];
        graph(&["s", "e"], &["t", "o"], nodes, vec![floats("k", &[], &[10.0])])
    };
    for (axis, backward, shown_backward) in [(0, 0, 0), (0, 1, 0), (1, 0, 1), (1, 1, 1)] {
        let body = body();
        let attributes = [
            ("body", Attr::Graph(&body)),
            ("num_scan_inputs", Attr::Int(1)),
            ("scan_input_axes", Attr::Ints(&[axis])),
            ("scan_input_directions", Attr::Ints(&[backward])),
            ("scan_output_directions", Attr::Ints(&[shown_backward])),
            ("scan_output_axes", Attr::Ints(&[axis])),
        ];
        let nodes = vec![node("Scan", &["zero", "x"], &["y", "all"], &attributes)];
        let x = arr2(&[[1.0, 2.0], [3.0, 4.0]]);
        let got = run(&model(&[2, 2], nodes, vec![floats("zero", &[2], &[0.0; 2])]).output("all"), x.clone().into_dyn());
        let along = ndarray::Axis(axis as usize);
        let mut order: Vec<_> = x.axis_iter(along).map(|row| row.to_owned()).collect();
        if backward == 1 {
            order.reverse();
        }
        let first = order[0].clone();
        let last = &first * 10.0 + &order[1];
        let mut all = [first, last.clone()];
        if shown_backward == 1 {
            all.reverse();
        }
        let all = ndarray::stack(along, &all.iter().map(|row| row.view()).collect::<Vec<_>>()).unwrap();
        assert_eq!(got, [last.into_dyn(), all.into_dyn()], "axis {axis}");
    }
}
