//! Einsums as batched matrix products, windows gathered tile by tile.

use super::view::{cut, row_major, strides};
use crate::each_width;
use crate::integers::{Integer, Integers, Slice};
use crate::program::{Einsum, Interval, Program, Shape, Source, TensorId};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use rayon::prelude::*;

/// Entries of a gathered tile.
const TILE: usize = 1 << 17;

/// An operand as data whose offset is a sum of contributions of its labels.
struct Operand<'t> {
    data: Data<'t>,
    base: i64,
    strides: Vec<(u8, i64)>,
}

/// Integers of the run, or a cut of them.
enum Data<'t> {
    Stored(Slice<'t>),
    Cut(Integers),
}

/// Offsets of the combinations of some labels, the last label fastest: `starts` for the others.
struct Offsets {
    starts: Vec<i64>,
    len: usize,
    stride: i64,
}

/// The four kinds of labels.
struct Labels {
    batch: Vec<u8>,
    small: Vec<u8>,
    large: Vec<u8>,
    contracted: Vec<u8>,
    extents: [usize; 256],
}

impl<'t> Operand<'t> {
    fn new(program: &Program, id: TensorId, labels: &[u8], stored: &impl Fn(TensorId) -> Slice<'t>) -> Self {
        let tensor = &program.tensors[id];
        let values = stored(id);
        if let (true, Source::View(v)) = (values.is_empty(), &tensor.source) {
            let source = &program.tensors[v.source].shape;
            if let Some(s) = strides(v, source, &tensor.shape) {
                let values = stored(v.source);
                let data = cut(&s, source, values).map_or(Data::Stored(values), Data::Cut);
                return Self { data, base: s.base, strides: labels.iter().copied().zip(s.strides).collect() };
            }
        }
        let strides = labels.iter().copied().zip(row_major(tensor.shape.dims())).collect();
        Self { data: Data::Stored(values), base: 0, strides }
    }

    fn data(&self) -> Slice<'_> {
        match &self.data {
            Data::Stored(values) => *values,
            Data::Cut(values) => values.slice(),
        }
    }

    fn stride(&self, label: u8) -> i64 {
        self.strides.iter().find(|(l, _)| *l == label).map_or(0, |(_, s)| *s)
    }
}

impl Offsets {
    fn new(labels: &[u8], extents: &[usize; 256], stride: impl Fn(u8) -> i64) -> Self {
        let Some((&last, outer)) = labels.split_last() else {
            return Self { starts: vec![0], len: 1, stride: 0 };
        };
        let mut starts = vec![0i64];
        for &label in outer {
            let step = stride(label);
            starts =
                starts.iter().flat_map(|s| (0..extents[usize::from(label)] as i64).map(move |i| s + i * step)).collect();
        }
        Self { starts, len: extents[usize::from(last)], stride: stride(last) }
    }

    fn count(&self) -> usize {
        self.starts.len() * self.len
    }

    fn all(&self) -> Vec<i64> {
        self.starts.iter().flat_map(|s| (0..self.len as i64).map(move |i| s + i * self.stride)).collect()
    }
}

/// The values of an einsum. The program is valid; `stored` is empty for windows that are not stored.
pub(super) fn evaluate<'t>(
    program: &Program,
    einsum: &Einsum,
    out: &Shape,
    stored: &impl Fn(TensorId) -> Slice<'t>,
) -> Vec<i64> {
    let lhs = Operand::new(program, einsum.lhs, &einsum.lhs_labels, stored);
    let rhs = Operand::new(program, einsum.rhs, &einsum.rhs_labels, stored);
    let mut labels = sort_labels(program, einsum);
    let volume = |set: &[u8]| set.iter().map(|&l| labels.extents[usize::from(l)]).product::<usize>();
    let swap = volume(&labels.small) > volume(&labels.large);
    let (small, large) = if swap { (rhs, lhs) } else { (lhs, rhs) };
    if swap {
        std::mem::swap(&mut labels.small, &mut labels.large);
    }
    let contracted = volume_of(&labels, &labels.contracted);
    let magnitude = |id: TensorId| {
        let Interval { lo, hi } = program.tensors[id].interval;
        i128::from(lo).abs().max(i128::from(hi).abs()).max(1)
    };
    let exact = magnitude(einsum.lhs) * magnitude(einsum.rhs) < (1i128 << 53) / contracted.max(1) as i128;
    Product { small, large, labels, exact }.run(out, &einsum.out_labels)
}

fn volume_of(labels: &Labels, set: &[u8]) -> usize {
    set.iter().map(|&l| labels.extents[usize::from(l)]).product()
}

fn sort_labels(program: &Program, einsum: &Einsum) -> Labels {
    let mut extents = [1usize; 256];
    for (id, names) in [(einsum.lhs, &einsum.lhs_labels), (einsum.rhs, &einsum.rhs_labels)] {
        for (&label, &extent) in names.iter().zip(program.tensors[id].shape.dims()) {
            extents[usize::from(label)] = extent;
        }
    }
    let (l, r, o) = (&einsum.lhs_labels, &einsum.rhs_labels, &einsum.out_labels);
    let pick = |from: &[u8], keep: &dyn Fn(&u8) -> bool| from.iter().copied().filter(|x| keep(x)).collect::<Vec<u8>>();
    Labels {
        batch: pick(o, &|x| l.contains(x) && r.contains(x)),
        small: pick(o, &|x| !r.contains(x)),
        large: pick(o, &|x| !l.contains(x)),
        contracted: pick(r, &|x| l.contains(x) && !o.contains(x)),
        extents,
    }
}

/// A batched product `small[b, m, k] * large[b, n, k]`.
struct Product<'t> {
    small: Operand<'t>,
    large: Operand<'t>,
    labels: Labels,
    exact: bool,
}

impl Product<'_> {
    fn run(&self, out: &Shape, out_labels: &[u8]) -> Vec<i64> {
        each_width!(self.large.data(), large => self.run_on(large, out, out_labels))
    }

    fn run_on<T: Integer>(&self, large: &[T], out: &Shape, out_labels: &[u8]) -> Vec<i64> {
        let (labels, small) = (&self.labels, self.small.data());
        let out_strides = row_major(out.dims());
        let out_stride = |label: u8| out_labels.iter().position(|&l| l == label).map_or(0, |p| out_strides[p]);
        let offsets = |set: &[u8], operand: &Operand<'_>| Offsets::new(set, &labels.extents, |l| operand.stride(l));
        let target = |set: &[u8]| Offsets::new(set, &labels.extents, out_stride).all();
        let (small_batch, large_batch) =
            (offsets(&labels.batch, &self.small).all(), offsets(&labels.batch, &self.large).all());
        let rows = offsets(&labels.small, &self.small).all();
        let columns = offsets(&labels.large, &self.large);
        let small_k = offsets(&labels.contracted, &self.small).all();
        let large_k = offsets(&labels.contracted, &self.large);
        let (m, n, k) = (rows.len(), columns.count(), small_k.len());
        let tile = (TILE / k.max(1)).clamp(16, 4096).min(n.max(1));
        let all_columns = columns.all();
        let tiles = n.div_ceil(tile);
        // The smaller operand, once a batch entry.
        let gather = |&batch: &i64| -> Vec<i64> {
            let starts = rows.iter().map(|row| self.small.base + batch + row);
            starts.flat_map(|start| small_k.iter().map(move |k| small.at((start + k) as usize))).collect()
        };
        let gathered: Vec<Vec<i64>> = small_batch.iter().map(gather).collect();
        let parts: Vec<Vec<i64>> = (0..small_batch.len() * tiles)
            .into_par_iter()
            .with_min_len((1 << 12) / (tile * m).max(1) + 1)
            .map(|task| {
                let (b, t) = (task / tiles, task % tiles);
                let columns_here = &all_columns[t * tile..((t + 1) * tile).min(n)];
                let a = &gathered[b];
                let large = Gather { data: large, base: self.large.base + large_batch[b] };
                let by_k = columns.stride == 1 || columns.len * 2 > large_k.len;
                if m <= 2 || !self.exact {
                    large.direct(a, m, columns_here, &large_k, by_k)
                } else {
                    large.matrix(a, m, columns_here, &large_k.all(), by_k && large_k.stride != 1)
                }
            })
            .collect();
        let (batch, row, column) = (target(&labels.batch), target(&labels.small), target(&labels.large));
        let mut result = vec![0i64; out.len()];
        for (task, part) in parts.iter().enumerate() {
            let (b, t) = (task / tiles, task % tiles);
            let columns_here = &column[t * tile..((t + 1) * tile).min(n)];
            for (i, r) in row.iter().enumerate().take(m) {
                let values = &part[i * columns_here.len()..(i + 1) * columns_here.len()];
                for (c, &v) in columns_here.iter().zip(values) {
                    result[(batch[b] + r + c) as usize] = v;
                }
            }
        }
        debug_assert!(k == large_k.count());
        result
    }
}

/// One batch entry of the larger operand.
struct Gather<'a, T> {
    data: &'a [T],
    base: i64,
}

impl<T: Integer> Gather<'_, T> {
    /// `a (m x k)` times the columns, in wrapping integers: exact because the result is known to fit.
    fn direct(&self, a: &[i64], m: usize, columns: &[i64], ks: &Offsets, by_k: bool) -> Vec<i64> {
        let k = ks.count();
        let mut out = vec![0i64; m * columns.len()];
        if by_k && ks.stride != 1 {
            for (row, out) in a.chunks(k).zip(out.chunks_mut(columns.len())) {
                for (&factor, offset) in row.iter().zip(ks.all()) {
                    let base = self.base + offset;
                    for (out, c) in out.iter_mut().zip(columns) {
                        *out = out.wrapping_add(factor.wrapping_mul(self.data[(base + c) as usize].wide()));
                    }
                }
            }
            return out;
        }
        for (row, out) in a.chunks(k).zip(out.chunks_mut(columns.len())) {
            for (out, c) in out.iter_mut().zip(columns) {
                let runs = row.chunks(ks.len).zip(&ks.starts);
                *out = runs.fold(0, |sum, (row, s)| dot(sum, row, self.data, self.base + c + s, ks.stride));
            }
        }
        out
    }

    /// The same through a floating-point matrix product whose partial sums are all exact.
    fn matrix(&self, a: &[i64], m: usize, columns: &[i64], ks: &[i64], by_k: bool) -> Vec<i64> {
        let (k, n) = (ks.len(), columns.len());
        let (slow, fast) = if by_k { (ks, columns) } else { (columns, ks) };
        let mut tile = Vec::with_capacity(k * n);
        let run = fast.windows(2).all(|pair| pair[1] == pair[0] + 1);
        for s in slow {
            let base = self.base + s;
            match fast.first() {
                // A run of entries is converted several at a time.
                Some(first) if run => {
                    tile.extend(self.data[(base + first) as usize..][..fast.len()].iter().map(|v| v.float()))
                }
                _ => tile.extend(fast.iter().map(|f| self.data[(base + f) as usize].float())),
            }
        }
        let a: Vec<f64> = a.iter().map(|&v| v as f64).collect();
        let mut out = vec![0f64; m * n];
        let tile = if by_k {
            ArrayView2::from_shape((k, n), &tile)
        } else {
            ArrayView2::from_shape((n, k), &tile).map(ArrayView2::reversed_axes)
        };
        if let (Ok(a), Ok(tile), Ok(mut out)) =
            (ArrayView2::from_shape((m, k), &a), tile, ArrayViewMut2::from_shape((m, n), &mut out))
        {
            general_mat_mul(1.0, &a, &tile, 0.0, &mut out);
        }
        out.into_iter().map(|v| v as i64).collect()
    }
}

fn dot<T: Integer>(sum: i64, row: &[i64], data: &[T], start: i64, stride: i64) -> i64 {
    if stride == 1 {
        let data = &data[start as usize..];
        return row.iter().zip(data).fold(sum, |sum, (a, b)| sum.wrapping_add(a.wrapping_mul(b.wide())));
    }
    let entry = |i: usize| data[(start + i as i64 * stride) as usize].wide();
    row.iter().enumerate().fold(sum, |sum, (i, a)| sum.wrapping_add(a.wrapping_mul(entry(i))))
}
