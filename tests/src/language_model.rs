//! A small language model: an embedding, one attention, a head.

use ndarray::{ArrayD, IxDyn};
use zktorch_compiler::graph::{Domain, Graph, NodeId};
use zktorch_compiler::ops::{Add, Einsum, Gather, Label, MaskedSoftmax, Op, Softmax};

/// Tokens of a text.
pub const TOKENS: usize = 6;
/// Tokens that there are.
pub const VOCABULARY: usize = 5;
/// Channels.
const WIDTH: usize = 4;

/// Which keys a query attends to.
pub fn causal(query: usize, key: usize) -> bool {
    key <= query
}

/// Small numbers that look random.
fn weights(shape: &[usize], seed: usize) -> ArrayD<f64> {
    let values = (0..shape.iter().product()).map(|i: usize| ((i * 37 + seed * 101 + i * i * 11) % 64) as f64 / 32.0 - 1.0);
    ArrayD::from_shape_vec(IxDyn(shape), values.collect()).expect("of the shape")
}

/// An einsum of letters.
fn einsum(graph: &mut Graph, name: &str, [lhs, rhs, out]: [&str; 3], operands: [NodeId; 2]) -> NodeId {
    let labels = |text: &str| text.bytes().map(Label).collect::<Vec<_>>();
    let einsum = Einsum { lhs: labels(lhs), rhs: labels(rhs), out: labels(out) };
    graph.add_inferred(name, einsum, &operands).expect("labels fit")
}

/// Logits for every token of a text. A query attends to the keys that `mask` says, to all without one. The last token's logits are the first's
/// where `tied`.
///
/// # Panics
/// Never.
pub fn language_model(mask: Option<&dyn Fn(usize, usize) -> bool>, tied: bool) -> Graph {
    language_model_of(TOKENS, mask, tied)
}

/// The same model, exported for texts of another length.
///
/// # Panics
/// Never.
pub fn language_model_of(tokens: usize, mask: Option<&dyn Fn(usize, usize) -> bool>, tied: bool) -> Graph {
    let mut graph = Graph::new();
    let domain = Domain::Integer { lo: 0, hi: VOCABULARY as i64 - 1 };
    let ids = graph.add_input_of(domain, "ids", &[1, tokens]);
    let table = graph.add_constant("table", weights(&[VOCABULARY, WIDTH], 1));
    let places = graph.add_constant("positions", weights(&[1, tokens, WIDTH], 2));
    let x = graph.add_inferred("embedded", Gather { axis: 0 }, &[table, ids]).expect("shapes fit");
    let x = graph.add_inferred("placed", Add, &[x, places]).expect("shapes fit");
    let project = |graph: &mut Graph, name: &str, seed| {
        let w = graph.add_constant(format!("{name}.weight"), weights(&[WIDTH, WIDTH], seed));
        einsum(graph, name, ["btd", "de", "bte"], [x, w])
    };
    let [q, k, v] = [("q", 3), ("k", 4), ("v", 5)].map(|(name, seed)| project(&mut graph, name, seed));
    let scores = einsum(&mut graph, "scores", ["bqd", "bkd", "bqk"], [q, k]);
    let softmax: (Op, Vec<NodeId>) = match mask {
        None => (Softmax { axes: vec![2] }.into(), vec![scores]),
        Some(mask) => {
            let bits = ArrayD::from_shape_fn(IxDyn(&[1, tokens, tokens]), |at| f64::from(u8::from(mask(at[1], at[2]))));
            let mask = graph.add_constant("mask", bits);
            (MaskedSoftmax { axes: vec![2], gap: f64::INFINITY }.into(), vec![scores, mask])
        }
    };
    let p = graph.add_inferred("attention", softmax.0, &softmax.1).expect("shapes fit");
    let read = einsum(&mut graph, "read", ["bqk", "bkd", "bqd"], [p, v]);
    let y = graph.add_inferred("residual", Add, &[x, read]).expect("shapes fit");
    let mut head = weights(&[WIDTH, VOCABULARY], 6);
    if tied {
        (0..WIDTH).for_each(|d| head[[d, VOCABULARY - 1]] = head[[d, 0]]);
    }
    let head = graph.add_constant("head", head);
    let logits = einsum(&mut graph, "logits", ["btd", "dv", "btv"], [y, head]);
    graph.add_output("logits", logits);
    graph
}
