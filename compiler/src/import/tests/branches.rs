//! Branches of conditions that do not depend on inputs.

use ndarray::arr1;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};

use super::proto::{Change, floats, integers, model, node};

/// A branch that adds a number of its own to `x`, twice, under names that both branches use.
fn branch(name: &str, number: f32) -> AttributeProto {
    let output = vec![ValueInfoProto { name: "out".into(), ..ValueInfoProto::default() }];
    let nodes = vec![node("Add", &["x", "c"], &["t"], &[]), node("Add", &["t", "c"], &["out"], &[])];
    let g = GraphProto { node: nodes, initializer: vec![floats("c", &[1], &[number])], output, ..GraphProto::default() };
    AttributeProto { name: name.into(), r#type: AttributeType::Graph as i32, g: Some(g), ..AttributeProto::default() }
}

fn choice(condition: &str, result: &str) -> NodeProto {
    let mut choice = node("If", &[condition], &[result], &[]);
    choice.name = format!("the If of {result}");
    choice.attribute = vec![branch("then_branch", 1.0), branch("else_branch", 10.0)];
    choice
}

fn truth(name: &str, value: bool) -> TensorProto {
    TensorProto { name: name.into(), data_type: 9, int32_data: vec![i32::from(value)], ..TensorProto::default() }
}

#[test]
fn branches_of_known_conditions_are_taken() {
    for value in [true, false] {
        let nodes = vec![choice("b", "p"), choice("b", "q"), node("Add", &["p", "q"], &["y"], &[])];
        let graph = model(&[2], nodes, vec![truth("b", value)]).import().unwrap();
        let given = graph.evaluate(&[arr1(&[1.0, 2.0]).into_dyn()]).unwrap();
        let added = if value { 4.0 } else { 40.0 };
        assert_eq!(given.outputs()[0], &arr1(&[2.0 + added, 4.0 + added]).into_dyn());
    }
}

#[test]
fn conditions_may_follow_from_shapes() {
    for (extent, added) in [(2, 2.0), (3, 20.0)] {
        let nodes = vec![node("Shape", &["x"], &["s"], &[]), node("Equal", &["s", "two"], &["b"], &[]), choice("b", "y")];
        let graph = model(&[extent], nodes, vec![integers("two", &[1], &[2])]).import().unwrap();
        let x = ndarray::Array1::zeros(extent as usize).into_dyn();
        assert_eq!(graph.evaluate(std::slice::from_ref(&x)).unwrap().outputs()[0], &(x + added));
    }
}
