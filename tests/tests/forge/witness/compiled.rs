//! Lies about the runs of programs that the compiler made, by the thousand: each violates a lookup or a zero constraint.

use ndarray::{ArrayD, IxDyn};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::execute::execute;
use zktorch_blocks::program::{Limits, Program, Source, TensorId, VIRTUAL_DEPTH, Visibility, WORDS};
use zktorch_compiler::goal::Temperature;
use zktorch_compiler::graph::{Domain, Graph, NodeId};
use zktorch_compiler::import::{ImportOptions, load_path};
use zktorch_compiler::inputs::{InputSpec, read};
use zktorch_compiler::ops::{
    Add, AveragePool, Bitwise, Broadcast, Carry, Compare, Comparison, Connective, Descent, Div, Einsum, Label, MaxPool, Mul,
    Nearest, Op, Power, Reduce, ReduceKind, Softmax, States, Take, TopK, Unary, Window,
};
use zktorch_compiler::{Compiled, Goal, Options, compile};
use zktorch_models::zoo::Zoo;
use zktorch_tests::classifiers;
use zktorch_tests::field_witness::Data;
use zktorch_tests::language_model::{TOKENS, VOCABULARY, causal, language_model};
use zktorch_tests::machine::{Follow, Kind, Lie, Machine, Outcome, Sampler, rule_name};

/// Rules of advice that lowerings use.
const RULES: [&str; 15] = [
    "arg max",
    "carry",
    "copy",
    "descent",
    "divide",
    "excess",
    "first zero",
    "floor",
    "gap",
    "max",
    "quantile",
    "round",
    "rows",
    "table",
    "top",
];

/// A compiled model and an input.
struct Subject {
    name: String,
    compiled: Compiled,
    inputs: Vec<Vec<i64>>,
}

/// How many lies were told, by kind.
type Counts = BTreeMap<Kind, usize>;

/// Numbers in `[-1, 1)`, the same for the same seed.
fn noise(seed: u64, shape: &[usize]) -> ArrayD<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    ArrayD::from_shape_fn(IxDyn(shape), |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    })
}

impl Subject {
    fn program(&self) -> &Program {
        &self.compiled.program
    }

    fn machine(&self) -> Machine<'_> {
        let trace = execute(self.program(), &self.compiled.weights, &self.inputs).expect("the honest run works");
        Machine::new(self.program(), trace)
    }

    fn rule(&self, id: TensorId) -> &'static str {
        match &self.program().tensors[id].source {
            Source::Advice(rule) => rule_name(rule),
            _ => "no rule",
        }
    }

    /// Tells lies of all kinds, so many of each. Those that nothing violates may move the flag of a maximum from one to another.
    fn lie(&self, machine: &Machine<'_>, each: usize, counts: &mut Counts) {
        let mut sampler = Sampler::new(machine, 20_261_128);
        for kind in Kind::ALL {
            for lie in (0..each).filter_map(|_| sampler.lie(kind)) {
                let outcome = machine.tell(&lie);
                let flags = lie.changes.keys().all(|&id| self.rule(id) == "first zero");
                let good = matches!(outcome, Outcome::Caught(_)) || flags && outcome == Outcome::Harmless;
                let what = || lie.changes.keys().map(|&id| (&self.program().tensors[id].name, self.rule(id)));
                assert!(good, "{}: {kind:?} of {:?}: {outcome:?}\n{lie:?}", self.name, what().collect::<Vec<_>>());
                *counts.entry(kind).or_default() += 1;
            }
        }
    }
}

/// A chain of operations on one input, compiled with 8 bits.
fn toy(name: &str, shape: &[usize], target_error: f64, nodes: impl Fn(&mut Graph, NodeId) -> NodeId) -> Subject {
    let mut graph = Graph::new();
    let x = graph.add_input("x", shape);
    let last = nodes(&mut graph, x);
    graph.add_output("out", last);
    let samples: Vec<Vec<ArrayD<f64>>> = (0..8).map(|s| vec![noise(100 + s, shape)]).collect();
    let options = Options { bits: Some(8), inputs: Visibility::Private, target_error, ..Options::default() };
    let compiled = compile(&graph, &samples, &options).expect("it compiles");
    let inputs = vec![compiled.inputs[0].quantise(samples[3][0].as_slice().expect("row-major")).expect("in range")];
    Subject { name: name.into(), compiled, inputs }
}

/// A chain of operations on private integers.
fn whole(name: &str, (lo, hi): (i64, i64), nodes: impl Fn(&mut Graph, NodeId) -> NodeId) -> Subject {
    let mut graph = Graph::new();
    let x = graph.add_input_of(Domain::Integer { lo, hi }, "x", &[1, 3]);
    let last = nodes(&mut graph, x);
    graph.add_output("out", last);
    let middle = (lo + hi) as f64 / 2.0;
    let sample = |seed| noise(seed, &[1, 3]).mapv(|v| (middle + v * (hi - lo) as f64 / 2.0).round());
    let samples: Vec<Vec<ArrayD<f64>>> = (0..8).map(|s| vec![sample(100 + s)]).collect();
    let options = Options { bits: Some(8), inputs: Visibility::Private, target_error: 1.0, ..Options::default() };
    let compiled = compile(&graph, &samples, &options).expect("it compiles");
    let inputs = vec![compiled.inputs[0].quantise(samples[3][0].as_slice().expect("row-major")).expect("in range")];
    Subject { name: name.into(), compiled, inputs }
}

fn then(graph: &mut Graph, x: NodeId, op: Op) -> NodeId {
    let name = format!("n{}", graph.len());
    graph.add_inferred(name, op, &[x]).expect("shapes fit")
}

/// The product `[n, k] [k, outputs]` with weights in `[-1, 1)`.
fn dense(graph: &mut Graph, x: NodeId, outputs: usize) -> NodeId {
    let rows = graph.shape(x)[1];
    let weight = graph.add_constant(format!("w{}", graph.len()), noise(graph.len() as u64, &[rows, outputs]));
    let op = Op::Einsum(Einsum { lhs: Label::of([0, 1]), rhs: Label::of([1, 2]), out: Label::of([0, 2]) });
    graph.add_inferred(format!("fc{}", graph.len()), op, &[x, weight]).expect("shapes fit")
}

/// A language model that is asked, about a text that nobody sees where that is possible.
fn asked(name: &str, goal: Goal) -> Subject {
    let text = |seed: usize| (0..TOKENS).map(move |t| (seed * 7 + t * t * 3) % VOCABULARY);
    let floats = |seed| ArrayD::from_shape_vec(IxDyn(&[1, TOKENS]), text(seed).map(|id| id as f64).collect());
    let texts: Vec<Vec<ArrayD<f64>>> = (0..8).map(|seed| vec![floats(seed).expect("of the shape")]).collect();
    about(name, &language_model(Some(&causal), false), &texts, goal)
}

/// A model that is asked about the last of some texts.
fn about(name: &str, graph: &Graph, texts: &[Vec<ArrayD<f64>>], goal: Goal) -> Subject {
    let shown = if matches!(goal, Goal::Sample { .. }) { Visibility::Public } else { Visibility::Private };
    let options = Options { goal, inputs: shown, target_kl: 0.01, max_error: 1.0, ..Options::default() };
    let compiled = compile(graph, texts, &options).expect("it compiles");
    let text = texts.last().expect("some").iter().zip(&compiled.inputs);
    let text = text.map(|(values, port)| port.quantise(values.as_slice().expect("row-major")).expect("in range"));
    let mut inputs: Vec<Vec<i64>> = text.collect();
    let last = inputs[0].len() - 1;
    match goal {
        Goal::Outputs => {}
        Goal::Likelihood => inputs.push(vec![1; last + 1]),
        Goal::Generation { tokens } => inputs.push(vec![last as i64 - 1; tokens]),
        Goal::Sample { tokens, .. } => inputs.extend([vec![last as i64 - 1; tokens], vec![7; WORDS]]),
    }
    if let Goal::Generation { .. } | Goal::Sample { .. } = goal {
        let trace = execute(&compiled.program, &compiled.weights, &inputs).expect("it runs");
        inputs[0][last] = trace.values(&compiled.program, compiled.program.outputs[0])[0];
    }
    Subject { name: name.into(), compiled, inputs }
}

/// A model in a file and samples beside it, the last of which is lied about.
fn file(name: &str, goal: Goal, onnx: &Path, samples: &Path) -> Subject {
    let graph = load_path(onnx, &ImportOptions::default()).expect("it imports");
    let samples = read(samples, &InputSpec::of(&graph)).expect("samples");
    about(name, &graph, &samples, goal)
}

/// Small programs that have advice of every kind between them, and padding.
fn toys() -> Vec<Subject> {
    let tiling = Window { strides: vec![2, 2], ..Window::dense(&[2, 2]) };
    let padded = Window { strides: vec![2], pads_begin: vec![1], pads_end: vec![1], ..Window::dense(&[3]) };
    let average = Op::AveragePool(AveragePool { window: padded.clone(), count_include_pad: false });
    vec![
        toy("a table", &[1, 5], 1.0, |g, x| {
            let y = dense(g, x, 70);
            let y = then(g, y, Op::Unary(Unary::Tanh));
            dense(g, y, 3)
        }),
        toy("signs", &[1, 5], 1.0, |g, x| {
            let y = dense(g, x, 3);
            let y = then(g, y, Op::Unary(Unary::Relu));
            dense(g, y, 3)
        }),
        toy("a pool of wide values", &[1, 3, 4, 6], 1.0, |g, x| {
            let y = then(g, x, Op::Unary(Unary::Square));
            let y = then(g, y, Op::MaxPool(MaxPool(tiling.clone())));
            then(g, y, Op::Unary(Unary::Tanh))
        }),
        toy("a padded pool", &[1, 3, 5], 1.0, |g, x| then(g, x, Op::MaxPool(MaxPool(padded.clone())))),
        toy("a padded average", &[1, 3, 5], 1.0, |g, x| then(g, x, average.clone())),
        toy("a mean", &[3, 5], 1.0, |g, x| then(g, x, Op::Reduce(Reduce { kind: ReduceKind::Mean, axes: vec![1] }))),
        toy("a softmax", &[3, 5], 1.0, |g, x| {
            let y = dense(g, x, 5);
            let y = then(g, y, Op::Softmax(Softmax { axes: vec![1] }));
            dense(g, y, 3)
        }),
        toy("a quotient", &[3, 5], 1.0, |g, x| {
            let y = dense(g, x, 5);
            let by = then(g, y, Op::Unary(Unary::Exp));
            let by = then(g, by, Op::Reduce(Reduce { kind: ReduceKind::Sum, axes: vec![1] }));
            let by = g.add("divisor", Broadcast, &[by], &[3, 5]);
            let y = g.add_inferred("quotient", Div, &[y, by]).expect("shapes fit");
            dense(g, y, 3)
        }),
        toy("an order", &[3, 5], 1.0, |g, x| {
            let y = dense(g, x, 5);
            then(g, y, Op::TopK(TopK { top: 3, largest: true, last: false }))
        }),
        toy("trees", &[3, 5], 1.0, |g, x| {
            let thresholds = g.add_constant("thresholds", noise(7, &[3, 5]));
            let y = g.add_inferred("bits", Compare(Comparison::LessEqual), &[x, thresholds]).expect("shapes fit");
            let y = then(g, y, Op::Descent(Descent { parents: vec![0, 1, 2, 4, 5].into() }));
            let y = then(g, y, Op::Unary(Unary::ToReal));
            dense(g, y, 3)
        }),
        toy("nearest integers", &[3, 5], 1.0, |g, x| {
            let y = dense(g, x, 5);
            let by = g.add_constant("quarter", ArrayD::from_elem(IxDyn(&[1, 1]), 0.25));
            let by = g.add("quarters", Broadcast, &[by], &[3, 5]);
            let y = g.add_inferred("nearest", Nearest { over: true, times: 0 }, &[y, by]).expect("shapes fit");
            let y = then(g, y, Op::Unary(Unary::ToReal));
            dense(g, y, 3)
        }),
        toy("a recurrence", &[3, 5], 1.0, |g, x| {
            let h = g.add("h", States { given: false }, &[x], &[3, 5]);
            let y = dense(g, h, 5);
            let y = g.add_inferred("sum", Add, &[y, x]).expect("shapes fit");
            let y = then(g, y, Op::Unary(Unary::Tanh));
            let y = g.add_inferred("next", Carry, &[y, h]).expect("shapes fit");
            dense(g, y, 3)
        }),
        whole("powers", (0, 7), |g, x| g.add_inferred("p", Power, &[x, x]).expect("shapes fit")),
        whole("bits", (-500, 499), |g, x| {
            let y = then(g, x, Op::Take(Take { axis: 1, indices: vec![2, 0, 1] }));
            g.add_inferred("z", Bitwise(Connective::Xor), &[x, y]).expect("shapes fit")
        }),
        whole("an integer that wraps around", (-500, 499), |g, x| {
            let y = g.add_inferred("square", Mul, &[x, x]).expect("shapes fit");
            then(g, y, Op::Unary(Unary::Wrap { lo: -128, hi: 127 }))
        }),
        toy("whole parts", &[1, 5], 1.0, |g, x| {
            let y = dense(g, x, 3);
            let y = then(g, y, Op::Unary(Unary::Trunc));
            let y = then(g, y, Op::Unary(Unary::ToReal));
            dense(g, y, 3)
        }),
        asked("a completion", Goal::Generation { tokens: 2 }),
        asked("a sample", Goal::Sample { tokens: 2, temperature: Temperature::new(0.8).expect("positive") }),
        asked("a likelihood", Goal::Likelihood),
        toy("a clip", &[1, 3], 0.0, |g, x| {
            let y = dense(g, x, 40);
            let y = then(g, y, Op::Unary(Unary::Clip { lo: -0.0625, hi: 0.25 }));
            dense(g, y, 3)
        }),
    ]
}

#[test]
fn lies_about_small_programs_break_a_relation() {
    let (mut counts, mut rules) = (Counts::new(), BTreeSet::new());
    for subject in toys() {
        subject.lie(&subject.machine(), 400, &mut counts);
        rules.extend(subject.program().tensors.ids().map(|id| subject.rule(id)));
    }
    rules.remove("no rule");
    assert_eq!(rules, BTreeSet::from(RULES));
    println!("lies about small programs: {counts:?}");
    assert!(Kind::ALL.iter().all(|kind| counts.get(kind) > Some(&500)), "{counts:?}");
}

#[test]
fn the_machine_sees_what_the_whole_witness_shows() {
    for subject in toys() {
        let machine = subject.machine();
        let program = subject.program();
        let trace = execute(program, &subject.compiled.weights, &subject.inputs).expect("the honest run works");
        let honest = Data::new(program, &trace);
        let mut sampler = Sampler::new(&machine, 7);
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Padding) {
            for lie in (0..6).filter_map(|_| sampler.lie(kind)) {
                let lie = Lie { follow: Follow::Not, ..lie };
                let mut data = honest.clone();
                for (&id, changes) in &lie.changes {
                    let values = data.values.get_mut(&Polynomial::Tensor(id)).expect("every tensor has values");
                    changes.iter().for_each(|(&at, by)| values[at] += by);
                }
                data.derive_virtual();
                let caught = matches!(machine.tell(&lie), Outcome::Caught(_));
                assert_eq!(caught, !data.broken().is_empty(), "{}: {lie:?}", subject.name);
            }
        }
    }
}

#[test]
fn a_program_that_lacks_a_lookup_believes_some_lies() {
    let mut subject = toys().swap_remove(0);
    subject.compiled.program.lookups.remove(0);
    let machine = subject.machine();
    let mut sampler = Sampler::new(&machine, 1);
    let lies: Vec<Lie> = (0..2000).filter_map(|_| sampler.lie(Kind::Entry)).collect();
    assert!(lies.iter().any(|lie| !matches!(machine.tell(lie), Outcome::Caught(_))));
}

#[test]
fn lies_about_classifiers_of_the_zoo_break_a_relation() {
    let Some(zoo) = Zoo::locate_or_skip("lies_about_classifiers_of_the_zoo_break_a_relation") else { return };
    let (mut counts, mut deepest) = (Counts::new(), 0);
    for name in classifiers::SMALL.into_iter().chain(classifiers::LARGE) {
        let start = std::time::Instant::now();
        let model = zoo.model(name).expect("it is there");
        let graph = load_path(&model.onnx, &ImportOptions::default()).expect("it imports");
        let shape = graph.shape(graph.inputs()[0]).to_vec();
        let input = model.read_inputs().expect("a sample")[0].values.to_f64();
        let sample = vec![ArrayD::from_shape_vec(IxDyn(&shape), input.clone()).expect("an input")];
        let options =
            Options { bits: Some(10), inputs: Visibility::Private, target_error: 1.0, max_error: 1.0, ..Options::default() };
        let compiled = compile(&graph, &[sample], &options).expect("it compiles");
        let inputs = vec![compiled.inputs[0].quantise(&input).expect("in range")];
        let subject = Subject { name: name.into(), compiled, inputs };
        deepest = deepest.max(subject.program().depths().iter().copied().max().unwrap_or(0));
        let machine = subject.machine();
        let ready = start.elapsed();
        subject.lie(&machine, 3000, &mut counts);
        let told = start.elapsed() - ready;
        subject.program().validate(&Limits::default()).expect("it is well formed");
        println!("{name}: {ready:?} to be ready, {told:?} for lies, {:?} to validate", start.elapsed() - ready - told);
    }
    println!("lies about classifiers: {counts:?}; virtual depth {deepest} at most");
    assert!(Kind::ALL.iter().all(|kind| counts.get(kind) > Some(&10_000)), "{counts:?}");
    assert!(deepest <= VIRTUAL_DEPTH / 2, "{deepest}");
}

#[test]
fn lies_about_transformers_break_a_relation() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    let (llama, texts) = (models.join("lengths/model_7.onnx"), models.join("lengths/texts_7.npy"));
    let mut subjects = vec![
        file("a completion", Goal::Generation { tokens: 2 }, &llama, &texts),
        file("a likelihood", Goal::Likelihood, &llama, &texts),
        file("experts", Goal::Outputs, &models.join("moe_small/model.onnx"), &models.join("moe_small/calibration.npy")),
    ];
    if let Some(zoo) = Zoo::locate_or_skip("lies_about_transformers_break_a_relation, of the zoo") {
        let model = zoo.model("tinystories_260k_seq32").expect("it is there");
        let graph = load_path(&model.onnx, &ImportOptions::default()).expect("it imports");
        let text = model.read_inputs().expect("a sample")[0].values.to_f64();
        let text = ArrayD::from_shape_vec(IxDyn(&[1, text.len()]), text).expect("of the shape");
        subjects.push(about("stories", &graph, &[vec![text]], Goal::Generation { tokens: 4 }));
    }
    let mut counts = Counts::new();
    for subject in subjects {
        subject.lie(&subject.machine(), 3000, &mut counts);
    }
    println!("lies about transformers: {counts:?}");
    assert!(Kind::ALL.iter().all(|kind| counts.get(kind) > Some(&5_000)), "{counts:?}");
}
