//! `RNN`, `GRU` and `LSTM` with every attribute, against ONNX's text written step by step.

use ndarray::{ArrayD, IxDyn};
use prost::Message;
use tract_onnx::pb::{ModelProto, TensorProto};
use zktorch_blocks::execute::{check_satisfied, execute};

use super::proto::{Attr, Change, floats, integers, model, node};
use crate::audit::audit;
use crate::graph::Graph;
use crate::import::{ImportOptions, load_bytes, strip};
use crate::{Options, compile};

const STEPS: usize = 5;
const BATCH: usize = 2;
const INPUTS: usize = 3;
const SIZE: usize = 2;

/// A layer.
#[derive(Clone, Copy, Default)]
struct Layer {
    op: &'static str,
    direction: &'static str,
    batch_first: bool,
    clip: Option<f32>,
    activations: &'static [&'static str],
    alpha: &'static [f32],
    beta: &'static [f32],
    /// `input_forget`, or `linear_before_reset`.
    flag: bool,
    bias: bool,
    initial: bool,
    peepholes: bool,
    lengths: Option<[i64; BATCH]>,
    opset: i64,
}

const RNN: Layer = Layer {
    op: "RNN",
    direction: "forward",
    batch_first: false,
    clip: None,
    activations: &[],
    alpha: &[],
    beta: &[],
    flag: false,
    bias: true,
    initial: false,
    peepholes: false,
    lengths: None,
    opset: 14,
};
const GRU: Layer = Layer { op: "GRU", ..RNN };
const LSTM: Layer = Layer { op: "LSTM", ..RNN };

fn noise(seed: usize, len: usize) -> Vec<f32> {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

impl Layer {
    fn gates(&self) -> usize {
        match self.op {
            "RNN" => 1,
            "GRU" => 3,
            _ => 4,
        }
    }

    fn directions(&self) -> usize {
        1 + usize::from(self.direction == "bidirectional")
    }

    fn tensor(&self, name: &str) -> Vec<f32> {
        let (d, g) = (self.directions(), self.gates());
        match name {
            "w" => noise(1, d * g * SIZE * INPUTS),
            "r" => noise(2, d * g * SIZE * SIZE),
            "b" => noise(3, d * 2 * g * SIZE),
            "h" => noise(4, d * BATCH * SIZE),
            "c" => noise(5, d * BATCH * SIZE),
            _ => noise(6, d * 3 * SIZE),
        }
    }

    fn model(&self) -> ModelProto {
        let (d, g) = (self.directions() as i64, self.gates() as i64);
        let [t, n, i, h] = [STEPS, BATCH, INPUTS, SIZE].map(|extent| extent as i64);
        let states = if self.batch_first { [n, d, h] } else { [d, n, h] };
        let own = |name: &str, dims: &[i64]| floats(name, dims, &self.tensor(name));
        let mut tensors: Vec<TensorProto> = vec![own("w", &[d, g * h, i]), own("r", &[d, g * h, h])];
        let mut operands = vec!["x", "w", "r", "", "", "", "", ""];
        let mut give = |at: usize, name: &'static str, tensor: TensorProto| {
            operands[at] = name;
            tensors.push(tensor);
        };
        if self.bias {
            give(3, "b", own("b", &[d, 2 * g * h]));
        }
        if let Some(lengths) = self.lengths {
            give(4, "lengths", integers("lengths", &[n], &lengths));
        }
        if self.initial {
            give(5, "h", own("h", &states));
        }
        if self.initial && self.op == "LSTM" {
            give(6, "c", own("c", &states));
        }
        if self.peepholes {
            give(7, "p", own("p", &[d, 3 * h]));
        }
        let mut attributes = vec![("direction", Attr::Text(self.direction)), ("hidden_size", Attr::Int(h))];
        attributes.extend(self.clip.map(|clip| ("clip", Attr::Float(clip))));
        attributes.extend(self.batch_first.then_some(("layout", Attr::Int(1))));
        if self.flag {
            let name = if self.op == "GRU" { "linear_before_reset" } else { "input_forget" };
            attributes.push((name, Attr::Int(1)));
        }
        if !self.activations.is_empty() {
            attributes.push(("activations", Attr::Texts(self.activations)));
            attributes.push(("activation_alpha", Attr::Floats(self.alpha)));
            attributes.push(("activation_beta", Attr::Floats(self.beta)));
        }
        let shape = if self.batch_first { [n, t, i] } else { [t, n, i] };
        let results: &[&str] = if self.op == "LSTM" { &["y", "y_h", "y_c"] } else { &["y", "y_h"] };
        let layer = node(self.op, &operands, results, &attributes);
        let model = model(&shape, vec![layer], tensors).opset("", self.opset).output("y_h");
        if self.op == "LSTM" { model.output("y_c") } else { model }
    }

    fn functions(&self, d: usize) -> Vec<Box<dyn Fn(f64) -> f64>> {
        let defaults: &[&str] = match self.op {
            "RNN" => &["Tanh"],
            "GRU" => &["Sigmoid", "Tanh"],
            _ => &["Sigmoid", "Tanh", "Tanh"],
        };
        let names =
            if self.activations.is_empty() { defaults } else { &self.activations[d * defaults.len()..][..defaults.len()] };
        let before = if self.activations.is_empty() { &[][..] } else { &self.activations[..d * defaults.len()] };
        let takes = |name: &str| match name.to_lowercase().as_str() {
            "affine" | "scaledtanh" | "hardsigmoid" => (true, true),
            "leakyrelu" | "thresholdedrelu" | "elu" => (true, false),
            _ => (false, false),
        };
        let (mut a, mut b) = before.iter().fold((0, 0), |(a, b), name| {
            let takes = takes(name);
            (a + usize::from(takes.0), b + usize::from(takes.1))
        });
        let limit = self.clip.map_or(f64::INFINITY, f64::from);
        names
            .iter()
            .map(|name| {
                let name = name.to_lowercase();
                let takes = takes(&name);
                let alpha = self.alpha.get(a).map(|&v| f64::from(v));
                let beta = self.beta.get(b).map(|&v| f64::from(v));
                a += usize::from(takes.0);
                b += usize::from(takes.1);
                Box::new(move |x: f64| {
                    let x = x.clamp(-limit, limit);
                    match name.as_str() {
                        "tanh" => x.tanh(),
                        "sigmoid" => 1.0 / (1.0 + (-x).exp()),
                        "relu" => x.max(0.0),
                        "softsign" => x / (1.0 + x.abs()),
                        "softplus" => x.exp().ln_1p(),
                        "affine" => alpha.unwrap() * x + beta.unwrap(),
                        "scaledtanh" => alpha.unwrap() * (beta.unwrap() * x).tanh(),
                        "leakyrelu" => x.max(0.0) + alpha.unwrap_or(0.01) * x.min(0.0),
                        "thresholdedrelu" => {
                            if x > alpha.unwrap_or(1.0) {
                                x
                            } else {
                                0.0
                            }
                        }
                        "hardsigmoid" => (alpha.unwrap_or(0.2) * x + beta.unwrap_or(0.5)).clamp(0.0, 1.0),
                        "elu" => x.max(0.0) + alpha.unwrap_or(1.0) * x.min(0.0).exp_m1(),
                        other => panic!("{other}"),
                    }
                }) as Box<dyn Fn(f64) -> f64>
            })
            .collect()
    }

    /// `Y`, `Y_h` and `Y_c` in the layer's layout.
    fn run(&self, x: &ArrayD<f64>) -> Vec<ArrayD<f64>> {
        let (d, g) = (self.directions(), self.gates());
        let mut y = ArrayD::zeros(IxDyn(&[STEPS, d, BATCH, SIZE]));
        let mut last = [ArrayD::zeros(IxDyn(&[d, BATCH, SIZE])), ArrayD::zeros(IxDyn(&[d, BATCH, SIZE]))];
        let [w, r, b, h0, c0, p] = ["w", "r", "b", "h", "c", "p"].map(|name| self.tensor(name));
        for dir in 0..d {
            let f = self.functions(dir);
            let reverse = self.direction == "reverse" || dir == 1;
            for n in 0..BATCH {
                let length = self.lengths.map_or(STEPS, |lengths| lengths[n] as usize);
                let at = |k: usize| if self.batch_first { (n * d + dir) * SIZE + k } else { (dir * BATCH + n) * SIZE + k };
                let begin = |from: &[f32]| -> Vec<f64> {
                    (0..SIZE).map(|k| if self.initial { from[at(k)].into() } else { 0.0 }).collect()
                };
                let (mut h, mut c) = (begin(&h0), begin(&c0));
                for step in 0..length {
                    let t = if reverse { length - 1 - step } else { step };
                    let input = |i: usize| if self.batch_first { x[[n, t, i]] } else { x[[t, n, i]] };
                    let bias = |row: usize| if self.bias { f64::from(b[dir * 2 * g * SIZE + row]) } else { 0.0 };
                    let row = |gate: usize, k: usize| gate * SIZE + k;
                    let of_x = |gate: usize, k: usize| -> f64 {
                        let at = (dir * g * SIZE + row(gate, k)) * INPUTS;
                        (0..INPUTS).map(|i| f64::from(w[at + i]) * input(i)).sum::<f64>() + bias(row(gate, k))
                    };
                    let of_h = |gate: usize, k: usize, h: &[f64]| -> f64 {
                        let at = (dir * g * SIZE + row(gate, k)) * SIZE;
                        (0..SIZE).map(|j| f64::from(r[at + j]) * h[j]).sum::<f64>() + bias(g * SIZE + row(gate, k))
                    };
                    let peep = |gate: usize, k: usize, c: &[f64]| {
                        if self.peepholes { f64::from(p[dir * 3 * SIZE + gate * SIZE + k]) * c[k] } else { 0.0 }
                    };
                    let all = |f: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..SIZE).map(f).collect() };
                    match self.op {
                        "RNN" => h = all(&|k| f[0](of_x(0, k) + of_h(0, k, &h))),
                        "GRU" => {
                            let z = all(&|k| f[0](of_x(0, k) + of_h(0, k, &h)));
                            let reset = all(&|k| f[0](of_x(1, k) + of_h(1, k, &h)));
                            let gated = all(&|k| reset[k] * h[k]);
                            let new = all(&|k| match self.flag {
                                true => f[1](of_x(2, k) + reset[k] * of_h(2, k, &h)),
                                false => f[1](of_x(2, k) + of_h(2, k, &gated)),
                            });
                            h = all(&|k| (1.0 - z[k]) * new[k] + z[k] * h[k]);
                        }
                        _ => {
                            let i = all(&|k| f[0](of_x(0, k) + of_h(0, k, &h) + peep(0, k, &c)));
                            let forget = all(&|k| match self.flag {
                                true => 1.0 - i[k],
                                false => f[0](of_x(2, k) + of_h(2, k, &h) + peep(2, k, &c)),
                            });
                            let new = all(&|k| f[1](of_x(3, k) + of_h(3, k, &h)));
                            c = all(&|k| forget[k] * c[k] + i[k] * new[k]);
                            let o = all(&|k| f[0](of_x(1, k) + of_h(1, k, &h) + peep(1, k, &c)));
                            h = all(&|k| o[k] * f[2](c[k]));
                        }
                    }
                    (0..SIZE).for_each(|k| y[[t, dir, n, k]] = h[k]);
                }
                for k in 0..SIZE {
                    last[0][[dir, n, k]] = h[k];
                    last[1][[dir, n, k]] = c[k];
                }
            }
        }
        let [h, c] = last;
        let results = if self.op == "LSTM" { vec![y, h, c] } else { vec![y, h] };
        let turned = |result: ArrayD<f64>| match (self.batch_first, result.ndim()) {
            (false, _) => result,
            (true, 4) => result.permuted_axes(IxDyn(&[2, 0, 1, 3])),
            (true, _) => result.permuted_axes(IxDyn(&[1, 0, 2])),
        };
        results.into_iter().map(turned).collect()
    }

    fn sample(&self, seed: usize) -> ArrayD<f64> {
        let shape = if self.batch_first { [BATCH, STEPS, INPUTS] } else { [STEPS, BATCH, INPUTS] };
        let values = noise(seed, STEPS * BATCH * INPUTS).into_iter().map(f64::from).collect();
        ArrayD::from_shape_vec(IxDyn(&shape), values).unwrap()
    }

    fn graph(&self, name: &str) -> Graph {
        self.model().import().unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// Layers, each with something of its own.
fn layers() -> Vec<(&'static str, Layer)> {
    let mut layers = Vec::new();
    for layer in [RNN, GRU, LSTM] {
        layers.extend([
            ("plain", layer),
            ("without bias", Layer { bias: false, ..layer }),
            ("reversed, with states", Layer { direction: "reverse", initial: true, ..layer }),
            ("in both directions", Layer { direction: "bidirectional", initial: true, ..layer }),
            ("batches first", Layer { direction: "bidirectional", batch_first: true, initial: true, ..layer }),
            ("clipped", Layer { clip: Some(0.4), ..layer }),
            ("clipped, in an old operator set", Layer { clip: Some(0.4), direction: "bidirectional", opset: 9, ..layer }),
            ("of lengths", Layer { lengths: Some([3, 5]), initial: true, ..layer }),
            ("of lengths, backwards", Layer { lengths: Some([2, 4]), direction: "bidirectional", ..layer }),
        ]);
    }
    layers.extend([
        ("reset after", Layer { flag: true, ..GRU }),
        ("reset after, without bias", Layer { flag: true, bias: false, initial: true, ..GRU }),
        ("coupled", Layer { flag: true, ..LSTM }),
        ("with peepholes", Layer { peepholes: true, initial: true, ..LSTM }),
        ("with peepholes, coupled", Layer { peepholes: true, flag: true, direction: "bidirectional", ..LSTM }),
        ("relu", Layer { activations: &["Relu"], ..RNN }),
        ("affine", Layer { activations: &["affine"], alpha: &[0.5], beta: &[0.1], ..RNN }),
        ("scaled", Layer { activations: &["ScaledTanh"], alpha: &[0.8], beta: &[0.7], ..RNN }),
        ("leaky", Layer { activations: &["LeakyRelu", "LeakyRelu"], direction: "bidirectional", alpha: &[0.1], ..RNN }),
        ("exponential", Layer { activations: &["Elu"], alpha: &[0.6], ..RNN }),
        ("thresholded", Layer { activations: &["ThresholdedRelu"], alpha: &[0.3], ..RNN }),
        ("hard", Layer { activations: &["HardSigmoid", "Softsign"], alpha: &[0.3], beta: &[0.4], ..GRU }),
        ("mixed", Layer { activations: &["HardSigmoid", "Softplus", "Elu"], alpha: &[0.25, 0.5], beta: &[0.45], ..LSTM }),
    ]);
    layers
}

#[test]
fn layers_are_what_the_standard_says() {
    for (name, layer) in layers() {
        let name = format!("{} {name}", layer.op);
        let x = layer.sample(77);
        let evaluation = layer.graph(&name).evaluate(std::slice::from_ref(&x)).unwrap_or_else(|e| panic!("{name}: {e}"));
        for (n, (got, wanted)) in evaluation.outputs().into_iter().zip(layer.run(&x)).enumerate() {
            assert_eq!(got.shape(), wanted.shape(), "{name}, result {n}");
            let far = got.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(far < 1e-6, "{name}, result {n}: {far}");
        }
    }
}

#[test]
fn their_integers_follow_and_are_audited() {
    for (name, layer) in layers() {
        let name = format!("{} {name}", layer.op);
        let graph = layer.graph(&name);
        let samples: Vec<Vec<ArrayD<f64>>> = (0..4).map(|seed| vec![layer.sample(100 + seed)]).collect();
        let compiled = compile(&graph, &samples, &Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let x = layer.sample(77);
        let input = compiled.inputs[0].quantise(x.as_slice().unwrap()).expect("in range");
        let trace = execute(&compiled.program, &compiled.weights, &[input]).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(check_satisfied(&compiled.program, &trace), [], "{name}");
        for ((port, &id), wanted) in compiled.outputs.iter().zip(&compiled.program.outputs).zip(layer.run(&x)) {
            let got = port.dequantise(&trace.values(&compiled.program, id));
            let far = got.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(far < 0.01, "{name}: {far}");
        }
        let bytes = strip(&layer.model().encode_to_vec(), None).expect("it is a model").bytes;
        let options = ImportOptions { withheld: Some(1 << 20), ..ImportOptions::default() };
        let stripped = load_bytes(&bytes, &options).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(audit(&stripped, &compiled.program).map(|_| ()), Ok(()), "{name}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let refusal = |layer: Layer| layer.model().refusal();
    let scaled = refusal(Layer { activations: &["ScaledTanh"], alpha: &[0.8], ..RNN });
    assert!(scaled.contains("both of their numbers"), "{scaled}");
    let more = refusal(Layer { activations: &["Tanh"], alpha: &[0.8], ..RNN });
    assert!(more.contains("more numbers for activations"), "{more}");
    let fewer = refusal(Layer { activations: &["Tanh"], ..GRU });
    assert!(fewer.contains("1 activations, expected 2"), "{fewer}");
    let unknown = refusal(Layer { activations: &["Gelu"], ..RNN });
    assert!(unknown.contains("is `Gelu`, expected one of"), "{unknown}");
    let old = refusal(Layer { batch_first: true, opset: 9, ..RNN });
    assert!(old.contains("does not exist in operator set 9"), "{old}");
    let old = refusal(Layer { lengths: Some([1, 2]), opset: 9, ..RNN });
    assert!(old.contains("from operator set 11 on"), "{old}");
}
