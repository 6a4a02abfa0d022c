//! Tiny networks through the real compiler, with keys.

use super::{Told, refuse};
use ndarray::{ArrayD, IxDyn};
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::execute::execute;
use zktorch_blocks::program::{Program, Tensor, Visibility};
use zktorch_compiler::graph::{Domain, Graph, NodeId};
use zktorch_compiler::ops::{Add, Broadcast, Einsum, Label, Op, States};
use zktorch_compiler::{Compiled, Options, compile};
use zktorch_tests::field_witness::tensor;
use zktorch_tests::fixture::Fixture;

/// Columns of the commitment matrices, in binary logarithm.
const COLUMNS: u32 = 10;

/// A float graph under construction, from one input named `x`.
pub struct Net {
    graph: Graph,
    shape: Vec<usize>,
    last: NodeId,
}

/// A compiled network with keys and an input.
pub struct Subject {
    pub fixture: Fixture,
    pub inputs: Vec<Vec<i64>>,
}

/// Numbers in `[-1, 1)`, the same for the same seed.
pub fn noise(seed: usize, shape: &[usize]) -> ArrayD<f64> {
    let mut state = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    ArrayD::from_shape_fn(IxDyn(shape), |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    })
}

impl Net {
    pub fn new(shape: &[usize]) -> Self {
        Self::of(Domain::Real, shape)
    }

    /// On an input whose entries are not all reals.
    pub fn of(domain: Domain, shape: &[usize]) -> Self {
        let mut graph = Graph::new();
        let last = graph.add_input_of(domain, "x", shape);
        Self { graph, shape: shape.to_vec(), last }
    }

    /// A node on the last one.
    pub fn then(mut self, name: &str, op: Op) -> Self {
        self.last = self.graph.add_inferred(name, op, &[self.last]).expect("shapes fit");
        self
    }

    /// The last node, repeated along its axes of extent 1.
    pub fn spread(mut self, name: &str, shape: &[usize]) -> Self {
        self.last = self.graph.add(name, Broadcast, &[self.last], shape);
        self
    }

    /// States before each step of the last node, of which those before the first may be given.
    pub fn states(mut self, name: &str, shape: &[usize], given: bool) -> Self {
        let mut operands = vec![self.last];
        if given {
            let first = noise(12, &[&[1], &shape[1..]].concat());
            operands.push(self.graph.add_constant(format!("{name}.constant"), first));
        }
        self.last = self.graph.add(name, States { given }, &operands, shape);
        self
    }

    /// The last node.
    pub fn last(&self) -> NodeId {
        self.last
    }

    /// Goes on from another node.
    pub fn from(self, last: NodeId) -> Self {
        Self { last, ..self }
    }

    /// A node on the last one and another one.
    pub fn join(mut self, name: &str, op: impl Into<Op>, other: NodeId) -> Self {
        self.last = self.graph.add_inferred(name, op, &[self.last, other]).expect("shapes fit");
        self
    }

    /// The product `[1, n] [n, outputs]` with weights in `[-1, 1)`.
    pub fn dense(mut self, name: &str, outputs: usize) -> Self {
        let rows = self.graph.shape(self.last)[1];
        let weight = self.graph.add_constant(format!("{name}.constant"), noise(rows + outputs, &[rows, outputs]));
        let op = Op::Einsum(Einsum { lhs: Label::of([0, 1]), rhs: Label::of([1, 2]), out: Label::of([0, 2]) });
        self.last = self.graph.add_inferred(name, op, &[self.last, weight]).expect("shapes fit");
        self
    }

    /// A node on the last one and a constant of its shape.
    pub fn with(mut self, name: &str, op: Op, constant: ArrayD<f64>) -> Self {
        let constant = match op {
            Op::Logic(_) => self.graph.add_constant_of(Domain::Boolean, format!("{name}.constant"), constant),
            _ => self.graph.add_constant(format!("{name}.constant"), constant),
        };
        self.last = self.graph.add_inferred(name, op, &[self.last, constant]).expect("shapes fit");
        self
    }

    /// A node on the last one and one number for all of its entries.
    pub fn with_single(mut self, name: &str, op: Op, number: ArrayD<f64>) -> Self {
        let shape = self.graph.shape(self.last).to_vec();
        let number = self.graph.add_constant(format!("{name}.number"), number);
        let number = self.graph.add(format!("{name}.numbers"), Broadcast, &[number], &shape);
        self.last = self.graph.add_inferred(name, op, &[self.last, number]).expect("shapes fit");
        self
    }

    /// The sum with a constant in `[-1, 1)`, a weight of the program.
    pub fn plus(mut self, name: &str) -> Self {
        let shape = self.graph.shape(self.last).to_vec();
        let constant = self.graph.add_constant(format!("{name}.constant"), noise(11, &shape));
        self.last = self.graph.add_inferred(name, Add, &[self.last, constant]).expect("shapes fit");
        self
    }

    /// Compiles with 8 bits for activations, and chooses an input.
    pub fn keys(self, inputs: Visibility, seed: usize) -> Subject {
        self.keys_within(1.0, inputs, seed)
    }

    /// The program, with a public input.
    pub fn program(self) -> Program {
        self.compiled(1.0, Visibility::Public, 3).0.program
    }

    /// Compiles, and chooses an input.
    fn compiled(self, target_error: f64, inputs: Visibility, seed: usize) -> (Compiled, Vec<i64>) {
        let Self { mut graph, shape, last } = self;
        graph.add_output("out", last);
        let exact = graph.domain(graph.inputs()[0]).is_exact();
        let sample = |s| noise(s, &shape).mapv(|v| if exact { f64::from(u8::from(v > 0.0)) } else { v });
        let samples: Vec<Vec<ArrayD<f64>>> = (0..8).map(|s| vec![sample(100 + s)]).collect();
        let options = Options { bits: Some(8), inputs, target_error, max_error: 1.0, ..Options::default() };
        let compiled = compile(&graph, &samples, &options).expect("the network compiles");
        let input = compiled.inputs[0].quantise(sample(seed).as_slice().expect("row-major")).expect("in range");
        (compiled, input)
    }

    /// The same for an output error to stay below.
    pub fn keys_within(self, target_error: f64, inputs: Visibility, seed: usize) -> Subject {
        let (Compiled { program, weights, .. }, input) = self.compiled(target_error, inputs, seed);
        let setup = Setup::insecure(COLUMNS).expect("in range");
        Subject { fixture: Fixture::new(program, weights, &setup, COLUMNS), inputs: vec![input] }
    }
}

impl Subject {
    pub fn program(&self) -> &Program {
        &self.fixture.verifying.program
    }

    /// The honest values of a tensor.
    pub fn values(&self, name: &str) -> Vec<i64> {
        let program = self.program();
        let trace = execute(program, &self.fixture.proving.weights, &self.inputs).expect("the honest run works");
        trace.values(program, tensor(program, name)).to_vec()
    }

    /// The scale of a tensor.
    pub fn scale(&self, name: &str) -> i32 {
        self.program().tensors[tensor(self.program(), name)].scale.0
    }

    /// Names of the tables in which a tensor is looked up.
    pub fn tables_of(&self, name: &str) -> Vec<&str> {
        let program = self.program();
        let own = program.lookups.iter().filter(|l| l.columns.contains(&tensor(program, name)));
        own.map(|l| program.tables[l.table].name.as_str()).collect()
    }

    /// The same keys with the first of many inputs that will do.
    ///
    /// # Panics
    /// If none does.
    pub fn with_input(mut self, wanted: impl Fn(&Self) -> bool) -> Self {
        let id = self.program().inputs[0];
        let Tensor { shape, interval, .. } = self.program().tensors[id].clone();
        let found = (0..2000).any(|seed| {
            let integer = |v: &f64| (v * interval.hi as f64 / 2.0) as i64;
            self.inputs = vec![noise(seed, shape.dims()).iter().map(integer).collect()];
            wanted(&self)
        });
        assert!(found, "no input will do");
        self
    }

    /// Tells all lies, and compares how they end.
    pub fn refuse(&self, lies: &[Told<'_>]) {
        refuse(&self.fixture, &self.inputs, lies);
    }
}
