//! Virtual tensors of signs: the permutation of the hash as einsums and views.

use super::keccak::moved_from;
use zktorch_blocks::program::{
    Advice, AxisGroup, Einsum, GroupMap, Interval, Program, Scale, Shape, Source, Tensor, TensorId, View, Visibility,
};

/// A bit as a sign: minus is one.
pub fn sign(bit: bool) -> i64 {
    if bit { -1 } else { 1 }
}

/// A program under construction, with honest intervals of what it computes.
#[derive(Default)]
pub struct Circuit {
    /// The program so far.
    pub program: Program,
}

impl Circuit {
    fn tensor(&mut self, shape: &[usize], source: Source, (lo, hi): (i64, i64)) -> TensorId {
        let (shape, visibility) = (Shape::from(shape.to_vec()), Visibility::Private);
        let interval = Interval::new(lo, hi);
        self.program.tensors.push(Tensor { name: String::new(), shape, source, visibility, interval, scale: Scale(0) })
    }

    fn bounds(&self, id: TensorId) -> (i64, i64) {
        let Interval { lo, hi } = self.program.tensors[id].interval;
        (lo, hi)
    }

    fn dims(&self, id: TensorId) -> Vec<usize> {
        self.program.tensors[id].shape.dims().to_vec()
    }

    /// The one public input.
    pub fn public_input(&mut self, shape: &[usize], bounds: (i64, i64)) -> TensorId {
        let id = self.tensor(shape, Source::Input(0), bounds);
        self.program.tensors[id].visibility = Visibility::Public;
        self.program.inputs = vec![id];
        id
    }

    /// Committed values that nothing constrains; their interval is a lie.
    pub fn unconstrained(&mut self, shape: &[usize]) -> TensorId {
        let source = self.tensor(shape, Source::Fill(0), (0, 0));
        self.tensor(shape, Source::Advice(Advice::Copy { source }), (0, 0))
    }

    /// Values that stand in the program.
    pub fn known(&mut self, values: Vec<i64>) -> TensorId {
        let bounds = (values.iter().copied().min().unwrap_or(0), values.iter().copied().max().unwrap_or(0));
        self.tensor(&[values.len()], Source::Constant(values), bounds)
    }

    /// A linear expression.
    pub fn linear(&mut self, terms: &[(i64, TensorId)], constant: i64) -> TensorId {
        let ends = |c: i64, id| {
            let (lo, hi) = self.bounds(id);
            (c * if c < 0 { hi } else { lo }, c * if c < 0 { lo } else { hi })
        };
        let (lo, hi) = terms.iter().map(|&(c, id)| ends(c, id)).fold((constant, constant), |s, e| (s.0 + e.0, s.1 + e.1));
        let shape = self.dims(terms[0].1);
        self.tensor(&shape, Source::Linear { terms: terms.to_vec(), constant }, (lo, hi))
    }

    fn einsum(&mut self, [lhs, rhs]: [TensorId; 2], labels: [&[u8]; 3], shape: &[usize]) -> TensorId {
        let ((a, b), (c, d)) = (self.bounds(lhs), self.bounds(rhs));
        let corners = [a * c, a * d, b * c, b * d];
        let bounds = (corners.into_iter().min().unwrap_or(0), corners.into_iter().max().unwrap_or(0));
        let [lhs_labels, rhs_labels, out_labels] = labels.map(<[u8]>::to_vec);
        self.tensor(shape, Source::Einsum(Einsum { lhs, rhs, lhs_labels, rhs_labels, out_labels }), bounds)
    }

    /// The products of entries.
    pub fn product(&mut self, a: TensorId, b: TensorId) -> TensorId {
        let shape = self.dims(a);
        let labels = &b"ab"[..shape.len()];
        self.einsum([a, b], [labels; 3], &shape)
    }

    /// The inner product with values of which the interval says that they are zero.
    pub fn dot(&mut self, a: TensorId, b: TensorId) -> TensorId {
        self.einsum([a, b], [b"a", b"a", b""], &[])
    }

    /// A scalar times a vector.
    pub fn scaled(&mut self, scalar: TensorId, vector: TensorId) -> TensorId {
        let shape = self.dims(vector);
        self.einsum([scalar, vector], [b"", b"a", b"a"], &shape)
    }

    fn view(&mut self, source: TensorId, shape: &[usize], groups: Vec<AxisGroup>) -> TensorId {
        let (lo, hi) = self.bounds(source);
        self.tensor(shape, Source::View(View { source, groups }), (lo.min(0), hi.max(0)))
    }

    /// Entries of a vector in another order.
    pub fn list(&mut self, source: TensorId, indices: Vec<Option<u32>>) -> TensorId {
        let shape = [indices.len()];
        self.view(source, &shape, vec![group(&[0], &[0], GroupMap::List(indices))])
    }

    /// A scalar everywhere.
    pub fn repeat(&mut self, scalar: TensorId, shape: &[usize]) -> TensorId {
        self.view(scalar, shape, vec![group(&[0], &[], GroupMap::Broadcast)])
    }

    /// A vector along one of two axes, the same for all indices of the other.
    pub fn across(&mut self, vector: TensorId, shape: [usize; 2], axis: usize) -> TensorId {
        let groups = vec![group(&[axis], &[0], GroupMap::Reshape), group(&[1 - axis], &[], GroupMap::Broadcast)];
        self.view(vector, &shape, groups)
    }

    /// A matrix as a vector.
    pub fn flat(&mut self, matrix: TensorId) -> TensorId {
        let shape = [self.dims(matrix).iter().product()];
        self.view(matrix, &shape, vec![group(&[0], &[0, 1], GroupMap::Reshape)])
    }

    /// A round of the permutation on the signs of a state; `flips` are half the signs of what is added at its end.
    pub fn round(&mut self, state: TensorId, flips: TensorId) -> TensorId {
        // Theta: the sum of a column is a product of five signs.
        let planes: Vec<TensorId> =
            (0..5u32).map(|y| self.list(state, (0..320).map(|at| Some(320 * y + at)).collect())).collect();
        let columns = planes.iter().skip(1).fold(planes[0], |sum, &plane| self.product(sum, plane));
        let spread = |from: &dyn Fn(u32, u32) -> u32| (0..1600).map(|i| Some(from(i / 64 % 5, i % 64))).collect();
        let before = self.list(columns, spread(&|x, z| (x + 4) % 5 * 64 + z));
        let behind = self.list(columns, spread(&|x, z| (x + 1) % 5 * 64 + (z + 63) % 64));
        let mixed = self.product(state, before);
        let mixed = self.product(mixed, behind);
        // Rho, pi and chi, in one view for each of three neighbours in a row.
        let along = |by: usize| {
            let place = |i: usize| {
                let (lane, z) = (i / 64, i % 64);
                let (from, rotated) = moved_from((lane + by) % 5 + lane / 5 * 5);
                u32::try_from(64 * from + (z + 64 - rotated as usize) % 64).ok()
            };
            (0..1600).map(place).collect::<Vec<_>>()
        };
        let [own, next, second] = [0, 1, 2].map(|by| self.list(mixed, along(by)));
        // a + (not b) c has the sign of a, but for b = 0 and c = 1: a (2 - (1 + b)(1 - c)) / 2.
        let (b, c) = (self.linear(&[(1, next)], 1), self.linear(&[(-1, second)], 1));
        let both = self.product(b, c);
        let kept = self.linear(&[(-1, both)], 2);
        let flipped = self.product(own, flips);
        self.product(flipped, kept)
    }
}

fn group(out_axes: &[usize], source_axes: &[usize], map: GroupMap) -> AxisGroup {
    AxisGroup { out_axes: out_axes.to_vec(), source_axes: source_axes.to_vec(), map }
}
