//! A toy network with all four blocks: convolution, requantisation with ReLU, flatten, matmul, and optionally a square
//! (a second wave). The shapes and widths are those of the protocol's model.

use std::collections::BTreeMap;
use zktorch_blocks::execute::Weights;
use zktorch_blocks::program::{
    Advice, AxisGroup, Column, Einsum, GroupMap, Interval, Lookup, Program, Scale, Shape, Source, Table, TableId, Tensor,
    TensorId, View, Visibility,
};

/// Shapes and widths of a toy network.
#[derive(Clone, Debug)]
pub struct Toy {
    /// Input: channels, height, width.
    pub input: [usize; 3],
    /// Output channels of the convolution.
    pub channels: usize,
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Stride of the convolution.
    pub stride: usize,
    /// Padding of the convolution.
    pub pad: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// Bits dropped after the convolution, and after the last product.
    pub shifts: [u32; 2],
    /// Whether the last product is squared, elementwise.
    pub square: bool,
    /// Whether the input is public.
    pub public_input: bool,
}

impl Default for Toy {
    fn default() -> Self {
        Self {
            input: [2, 5, 6],
            channels: 3,
            kernel: [3, 3],
            stride: 1,
            pad: 1,
            outputs: 3,
            shifts: [3, 4],
            square: false,
            public_input: false,
        }
    }
}

/// A builder of programs.
#[derive(Default)]
pub struct ProgramBuilder {
    /// The program so far.
    pub program: Program,
}

impl ProgramBuilder {
    /// Adds a tensor.
    pub fn tensor(&mut self, name: &str, shape: &[usize], source: Source, bits: u32) -> TensorId {
        let bound = 1i64 << bits;
        self.program.tensors.push(Tensor {
            name: name.into(),
            shape: Shape::from(shape.to_vec()),
            source,
            visibility: Visibility::Private,
            interval: Interval::new(-bound, bound - 1),
            scale: Scale(0),
        })
    }

    /// Adds a lookup.
    pub fn lookup(&mut self, columns: &[TensorId], table: TableId) {
        self.program.lookups.push(Lookup { columns: columns.to_vec(), table });
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) -> TableId {
        self.program.tables.push(table)
    }

    /// Rounds `x` by `2^shift`: the quotient as advice of `bits`, the virtual remainder looked up.
    pub fn round(&mut self, name: &str, x: TensorId, shift: u32, bits: u32) -> TensorId {
        let shape = self.program.tensors[x].shape.dims().to_vec();
        let y = self.tensor(name, &shape, Source::Advice(Advice::Round { source: x, divisor: 1 << shift }), bits);
        let terms = vec![(1, x), (-(1 << shift), y)];
        let remainder =
            self.tensor(&format!("{name}.rem"), &shape, Source::Linear { terms, constant: 1 << (shift - 1) }, 61);
        let table = self.table(Table::range(format!("{name}.rem"), 0, 1 << shift));
        self.lookup(&[remainder], table);
        y
    }
}

impl Toy {
    /// The network as a program.
    pub fn program(&self) -> Program {
        let mut b = ProgramBuilder::default();
        let [ci, h, w] = self.input;
        let [kh, kw] = self.kernel;
        let out = |n: usize, k: usize| (n + 2 * self.pad - k) / self.stride + 1;
        let (oh, ow) = (out(h, kh), out(w, kw));
        let x = b.tensor("X", &self.input, Source::Input(0), 3);
        let k = b.tensor("K", &[self.channels, ci, kh, kw], Source::Weight, 2);
        let bias = b.tensor("B", &[self.channels], Source::Weight, 5);
        let nf = self.channels * oh * ow;
        let m = b.tensor("M", &[nf, self.outputs], Source::Weight, 2);
        let axis = |out: [usize; 2], source: usize| AxisGroup {
            out_axes: out.to_vec(),
            source_axes: vec![source],
            map: GroupMap::Affine { strides: vec![self.stride as i64, 1], offset: -(self.pad as i64) },
        };
        let pass =
            |out: usize, source: usize| AxisGroup { out_axes: vec![out], source_axes: vec![source], map: GroupMap::Reshape };
        let groups = vec![pass(0, 0), axis([1, 3], 1), axis([2, 4], 2)];
        let window = b.tensor("V", &[ci, oh, ow, kh, kw], Source::View(View { source: x, groups }), 3);
        let einsum = Einsum {
            lhs: k,
            rhs: window,
            lhs_labels: b"ockl".to_vec(),
            rhs_labels: b"cyxkl".to_vec(),
            out_labels: b"oyx".to_vec(),
        };
        let conv = b.tensor("conv", &[self.channels, oh, ow], Source::Einsum(einsum), 16);
        let broadcast = AxisGroup { out_axes: vec![1, 2], source_axes: vec![], map: GroupMap::Broadcast };
        let spread = Source::View(View { source: bias, groups: vec![pass(0, 0), broadcast] });
        let bias = b.tensor("bias", &[self.channels, oh, ow], spread, 5);
        let acc = Source::Linear { terms: vec![(1, conv), (1, bias)], constant: 0 };
        let x1 = b.tensor("x1", &[self.channels, oh, ow], acc, 17);
        let y1 = b.round("y1", x1, self.shifts[0], 7);
        let columns = vec![Column::Count { start: -128 }, Column::Relu { start: -128 }];
        let relu = b.table(Table { name: "relu".into(), rows: 256, columns });
        let f1 = b.tensor(
            "f1",
            &[self.channels, oh, ow],
            Source::Advice(Advice::Table { source: y1, table: relu, column: 1 }),
            7,
        );
        b.lookup(&[y1, f1], relu);
        let flatten = AxisGroup { out_axes: vec![0], source_axes: vec![0, 1, 2], map: GroupMap::Reshape };
        let flat = b.tensor("flat", &[nf], Source::View(View { source: f1, groups: vec![flatten] }), 7);
        let einsum =
            Einsum { lhs: flat, rhs: m, lhs_labels: b"k".to_vec(), rhs_labels: b"kn".to_vec(), out_labels: b"n".to_vec() };
        let mut x2 = b.tensor("x2", &[self.outputs], Source::Einsum(einsum), 26);
        if self.square {
            let einsum =
                Einsum { lhs: x2, rhs: x2, lhs_labels: b"n".to_vec(), rhs_labels: b"n".to_vec(), out_labels: b"n".to_vec() };
            x2 = b.tensor("x3", &[self.outputs], Source::Einsum(einsum), 53);
        }
        let y2 = b.round("y2", x2, self.shifts[1], 18);
        if !self.public_input {
            let table = b.table(Table::range("input", -8, 16));
            b.lookup(&[x], table);
        } else {
            b.program.tensors[x].visibility = Visibility::Public;
        }
        b.program.tensors[y2].visibility = Visibility::Public;
        b.program.inputs = vec![x];
        b.program.outputs = vec![y2];
        b.program
    }

    /// Small pseudo-random weights and an input.
    pub fn sample(&self, seed: u64) -> (Weights, Vec<i64>) {
        let program = self.program();
        let mut state = seed.wrapping_mul(2862933555777941757).wrapping_add(3037000493);
        let mut draw = |low: i64, high: i64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            low + ((state >> 33) as i64).rem_euclid(high - low + 1)
        };
        let mut weights: Weights = BTreeMap::new();
        for (id, tensor) in program.tensors.enumerate().filter(|(_, t)| t.source == Source::Weight) {
            let bound = if tensor.name == "B" { 20 } else { 3 };
            weights.insert(id, (0..tensor.shape.len()).map(|_| draw(-bound, bound)).collect());
        }
        let input = (0..self.input.iter().product()).map(|_| draw(-8, 7)).collect();
        (weights, input)
    }
}
