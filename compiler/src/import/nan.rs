//! `Where(IsNaN(x), y, x)`, by which exporters guard a softmax against rows of which a mask leaves nothing. No value here is anything but a
//! number, and such a row is refused when the model runs: it is `x`.

use std::collections::HashMap;

use tract_onnx::pb::{GraphProto, NodeProto};

/// Writes every choice that guards against what is no number as an `Identity`.
pub(super) fn unguard(graph: &mut GraphProto) {
    let test = |node: &NodeProto| node.op_type == "IsNaN" && node.domain.is_empty();
    let tests = graph.node.iter().filter(|node| test(node));
    let tested: HashMap<String, String> =
        tests.filter_map(|node| Some((node.output.first()?.clone(), node.input.first()?.clone()))).collect();
    for node in graph.node.iter_mut().filter(|node| node.op_type == "Where" && node.domain.is_empty()) {
        if let [condition, _, x] = &node.input[..]
            && tested.get(condition) == Some(x)
        {
            node.op_type = "Identity".to_owned();
            node.input = vec![x.clone()];
        }
    }
}
