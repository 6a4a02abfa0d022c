//! `RNN`, `GRU` and `LSTM`, written as the standard defines them, for all steps at once: the first axis of every value counts steps, and
//! what is handed on from step to step is a value of its own ([`steps`](super::steps)).
//!
//! Extents are known to none of this: a kernel `[directions, gates * H, I]` is cut by reshapes of its transpose.

mod activation;
mod cells;

use tract_onnx::pb::{GraphProto, NodeProto};

use super::error::ImportError;
use super::refusal::Refusal;
use super::spelling::{self, Spelling, attribute};
use super::steps;
use activation::Activation;

/// Types of integers of 64 bits.
const INT64: i32 = 7;

/// Writes every recurrent layer as what it stands for.
///
/// # Errors
/// Those of a form that is not read.
pub(super) fn spell(graph: &mut GraphProto, opset: i64) -> Result<(), ImportError> {
    spelling::spell(graph, |node| node.domain.is_empty() && Cell::of(node).is_some(), |spelling| layer(spelling, opset))
}

/// What a layer does at each step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Rnn,
    Gru,
    Lstm,
}

impl Cell {
    fn of(node: &NodeProto) -> Option<Self> {
        match node.op_type.as_str() {
            "RNN" => Some(Self::Rnn),
            "GRU" => Some(Self::Gru),
            "LSTM" => Some(Self::Lstm),
            _ => None,
        }
    }

    /// Gates, each of the layer's size.
    fn gates(self) -> i64 {
        match self {
            Self::Rnn => 1,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }

    /// The functions of a direction.
    fn activations(self) -> &'static [&'static str] {
        match self {
            Self::Rnn => &["Tanh"],
            Self::Gru => &["Sigmoid", "Tanh"],
            Self::Lstm => &["Sigmoid", "Tanh", "Tanh"],
        }
    }
}

/// A direction of a layer, with what its steps stand on.
struct Direction {
    functions: Vec<Activation>,
    /// What the arguments of functions are clipped to.
    clip: Option<f32>,
    /// The sequences, as they are gone through.
    x: String,
    /// Kernels of sequences and of states, `[.., gates, H]`, and biases of both, `[2 * gates, H]`.
    w: String,
    r: String,
    b: Option<String>,
    /// Whether a step is one of the sequence, where that may end before.
    within: Option<String>,
    opset: i64,
}

/// A layer: all of its directions, joined.
fn layer(s: &mut Spelling<'_>, opset: i64) -> Result<(), Refusal> {
    let node = s.node;
    let cell = Cell::of(node).ok_or(Refusal::Operator)?;
    let given = |position: usize| node.input.get(position).filter(|name| !name.is_empty()).cloned();
    let number = |name: &str| attribute(node, name).map_or(0, |attribute| attribute.i);
    let (Some(mut x), Some(w), Some(r)) = (given(0), given(1), given(2)) else {
        return Err(Refusal::Form("it needs a sequence and two kernels"));
    };
    let batch_first = number("layout") == 1;
    if batch_first {
        x = s.transposed(&x, &[1, 0, 2]);
    }
    let word = attribute(node, "direction").map_or(&b"forward"[..], |direction| &direction.s);
    let reversed: &[bool] = match word {
        b"bidirectional" => &[false, true],
        b"reverse" => &[true],
        _ => &[false],
    };
    let mut functions = activation::of(node, &cell.activations().repeat(reversed.len()))?.into_iter();
    let clip = attribute(node, "clip").map(|clip| clip.f).filter(|&clip| clip > 0.0);
    let within = given(4).map(|lengths| within(s, &x, &lengths, opset)).transpose()?;
    // An extent that the layer states must be that of its kernels.
    let size = attribute(node, "hidden_size").map_or(-1, |size| size.i);
    let [w, r] = [(w, cell), (r, cell)].map(|(kernel, cell)| {
        let turned = s.transposed(&kernel, &[0, 2, 1]);
        s.shaped(&turned, &[0, 0, cell.gates(), size])
    });
    let b = given(3).map(|b| s.shaped(&b, &[0, 2 * cell.gates(), -1]));
    let p = given(7).filter(|_| cell == Cell::Lstm).map(|p| s.shaped(&p, &[0, 3, -1]));
    let initial = |s: &mut Spelling<'_>, position: usize, d: i64| {
        let states = node.input.get(position).filter(|name| !name.is_empty())?.clone();
        let states = if batch_first { s.transposed(&states, &[1, 0, 2]) } else { states };
        let (one, index) = (s.integers(&[d]), states);
        Some(s.along(&index, &one, 0))
    };
    let (mut all, mut last): (Vec<String>, [Vec<String>; 2]) = (Vec::new(), Default::default());
    for (index, &reversed) in (0..).zip(reversed) {
        let turn = |s: &mut Spelling<'_>, x: &str| if reversed { s.put(steps::REVERSED, &[x]) } else { x.to_owned() };
        let direction = Direction {
            functions: functions.by_ref().take(cell.activations().len()).collect(),
            clip,
            x: turn(s, &x),
            w: s.entry(&w, index),
            r: s.entry(&r, index),
            b: b.as_deref().map(|b| s.entry(b, index)),
            within: within.as_deref().map(|within| turn(s, within)),
            opset,
        };
        let h = initial(s, 5, index);
        let (h, c) = match cell {
            Cell::Rnn => (direction.rnn(s, h)?, None),
            Cell::Gru => (direction.gru(s, h, number("linear_before_reset") == 1)?, None),
            Cell::Lstm => {
                let c = initial(s, 6, index);
                let p = p.as_deref().map(|p| s.entry(p, index));
                let (h, c) = direction.lstm(s, h, c, p.as_deref(), number("input_forget") == 1)?;
                (h, Some(c))
            }
        };
        for (last, states) in last.iter_mut().zip([Some(&h), c.as_ref()]) {
            last.extend(states.map(|states| s.put(steps::LAST, &[states])));
        }
        let mut y = h;
        if let Some(within) = &direction.within {
            let zero = s.float(0.0);
            y = s.put("Where", &[within, &y, &zero]);
        }
        let y = turn(s, &y);
        all.push(s.unsqueezed(&y, 1, opset));
    }
    let y = s.joined(&all, 1);
    let [h, c] = last.map(|states| s.joined(&states, 0));
    let orders: [&[i64]; 2] = [&[2, 0, 1, 3], &[1, 0, 2]];
    for ((result, order), name) in [(y, orders[0]), (h, orders[1]), (c, orders[1])].into_iter().zip(&node.output) {
        if !name.is_empty() {
            let result = if batch_first { s.transposed(&result, order) } else { result };
            s.named("Identity", &[&result], name);
        }
    }
    Ok(())
}

/// Whether each step is one of each sequence, `[steps, sequences, 1]`.
fn within(s: &mut Spelling<'_>, x: &str, lengths: &str, opset: i64) -> Result<String, Refusal> {
    if opset < 11 {
        return Err(Refusal::Form("lengths of sequences are read from operator set 11 on"));
    }
    let zero = s.scalar(0);
    let one = s.scalar(1);
    let shape = s.put("Shape", &[x]);
    let steps = s.put("Gather", &[&shape, &zero]);
    let steps = s.put("Range", &[&zero, &steps, &one]);
    let steps = s.shaped(&steps, &[-1, 1, 1]);
    let lengths = s.cast(lengths, INT64);
    let lengths = s.shaped(&lengths, &[1, -1, 1]);
    Ok(s.put("Less", &[&steps, &lengths]))
}
