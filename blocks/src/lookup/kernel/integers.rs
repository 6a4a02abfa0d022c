//! The leaves' own layer: its first message, and its first variables bound, on integers.
//!
//! Where all corners of some vectors are made by forms, the summand `p_0 q_1 + p_1 q_0 + lambda q_0 q_1` is a symmetric bilinear form in the two leaves of a row. It
//! is taken apart by columns: a constant a node, sums of columns, and sums of products of two columns, weighted by the equality polynomial. That is
//! an integer times an element each.

use super::leaves::{BOUND, CHUNK, Form, Kind, LeafRows, Part};
use super::pass::{Chunk, Sums};
use super::row::Pairs;
use super::source::{Binding, FirstRows, Source, combine};
use crate::field::{Fr, from_i64};
use crate::lanes::nodes::{add_weighted, corner, differences, extend};
use crate::lanes::scalar::Short;
use crate::lanes::{NullaryFnOnce, Scalars, Simd};
use ark_ff::AdditiveGroup;

/// Columns of the corners together, at most; more of them go the way of stored rows.
const COLUMNS: usize = 4;

/// Added to products of columns, so that they are not negative. Columns are below `2^20`, at a node of at most four variables below `2^24`, and the sum
/// of two products of these is below `2^49`.
const SHIFT: i64 = 1 << 49;

/// Vectors whose leaves are had alike at all corners, and how.
pub struct Alike {
    pub vectors: u64,
    pub kinds: Vec<Kind>,
}

/// Takes chunks apart, one a corner.
fn alike<'p>(corners: impl Iterator<Item = &'p [Part]>) -> Vec<Alike> {
    corners.fold(vec![Alike { vectors: !0, kinds: Vec::new() }], |all, parts| {
        let with = |a: &Alike, part: &Part| {
            let vectors = a.vectors & part.vectors;
            (vectors != 0).then(|| Alike { vectors, kinds: a.kinds.iter().copied().chain([part.kind]).collect() })
        };
        all.iter().flat_map(|a| parts.iter().filter_map(move |part| with(a, part))).collect()
    })
}

/// The layer's rows.
pub struct Bottom<'t>(pub &'t LeafRows);

impl<'t> Bottom<'t> {
    fn forms(&self, kinds: &[Kind]) -> Option<Vec<&'t Form>> {
        let form = |kind: &Kind| match kind {
            Kind::Form(form) => self.0.forms.get(*form as usize),
            Kind::Stored(_) => None,
        };
        kinds.iter().map(form).collect()
    }

    /// Adds a chunk's part of the first message, whose corners are `stride` vectors apart, to the sums on the nodes.
    pub fn message<const CORNERS: usize, const NODES: usize>(
        &self,
        known: &mut Known,
        first: usize,
        stride: usize,
        weights: &[[Scalars; 2]],
        weight: Fr,
        total: &mut Sums,
    ) {
        let simd = self.0.simd;
        for Alike { vectors, kinds } in alike((0..CORNERS).map(|e| self.0.parts((first + e * stride) / CHUNK))) {
            let forms = self.forms(&kinds).filter(|_| known.knows::<CORNERS, NODES>(self, &kinds));
            if let Some((forms, coefficients)) = forms.zip(known.coefficients.as_ref()) {
                simd.vectorize(Integers::<CORNERS, NODES> {
                    leaves: self.0,
                    forms: &forms,
                    first,
                    stride,
                    vectors,
                    weights,
                    coefficients,
                    weight,
                    total,
                });
            } else {
                let corners = FirstRows { source: self, first, stride, weights };
                simd.vectorize(Chunk::<_, CORNERS, NODES> { simd, corners, vectors, weight, total });
            }
        }
    }
}

/// What sums of columns and of their products are multiplied by, for corners made by the same forms.
struct Coefficients {
    roles: Vec<usize>,
    /// By node.
    constant: Vec<Scalars>,
    /// By node, for each role.
    linear: Vec<Vec<Scalars>>,
    /// For each pair of roles.
    quadratic: Vec<Scalars>,
}

/// The coefficients that were used last.
pub struct Known {
    lambda: Fr,
    kinds: Vec<Kind>,
    coefficients: Option<Coefficients>,
}

impl Known {
    pub fn new(lambda: Fr) -> Self {
        Self { lambda, kinds: Vec::new(), coefficients: None }
    }

    fn knows<const CORNERS: usize, const NODES: usize>(&mut self, bottom: &Bottom<'_>, kinds: &[Kind]) -> bool {
        if self.kinds != kinds {
            self.kinds = kinds.to_vec();
            let forms = bottom.forms(kinds);
            self.coefficients = forms.and_then(|forms| self.coefficients::<CORNERS, NODES>(bottom.0, &forms));
        }
        self.coefficients.is_some()
    }

    fn coefficients<const CORNERS: usize, const NODES: usize>(
        &self,
        leaves: &LeafRows,
        forms: &[&Form],
    ) -> Option<Coefficients> {
        let (simd, lambda) = (leaves.simd, self.lambda);
        let mut roles: Vec<usize> = forms.iter().flat_map(|f| f.columns.iter().map(|(role, _)| *role)).collect();
        roles.sort_unstable();
        roles.dedup();
        if roles.len() > COLUMNS {
            return None;
        }
        let numerators = on_nodes::<CORNERS, NODES, _>(Fr::ZERO, |e| forms[e].numerator, |a, b| a - b);
        let denominators = on_nodes::<CORNERS, NODES, _>(Fr::ZERO, |e| forms[e].constant, |a, b| a - b);
        // (p, q), (p', q') -> p q' + q p' + lambda q q'
        let bilinear = |a: [Fr; 2], b: [Fr; 2]| a[0] * b[1] + a[1] * (b[0] + lambda * b[1]);
        let fraction =
            |role: usize| if leaves.counts(role) { [leaves.roles[role], Fr::ZERO] } else { [Fr::ZERO, leaves.roles[role]] };
        let constants: Vec<[Fr; 2]> = numerators.into_iter().zip(denominators).map(|(p, q)| [p, q]).collect();
        let mut constant: Vec<Fr> = constants.iter().map(|&c| bilinear(c, c)).collect();
        let mut linear = Vec::new();
        for &role in &roles {
            let own: Vec<Fr> = constants.iter().map(|&c| bilinear(fraction(role), c)).collect();
            // What was added to the two columns of a row so that they are not negative.
            let shift = |e: usize| if forms[e].columns.iter().any(|(r, _)| *r == role) { 2 * BOUND } else { 0 };
            let shifts = on_nodes::<CORNERS, NODES, _>(0, shift, |a, b| a - b);
            constant.iter_mut().zip(&own).zip(shifts).for_each(|((c, x), shift)| *c -= *x * from_i64(shift));
            linear.push(own.into_iter().map(|x| simd.splat_short(x)).collect());
        }
        let mut quadratic = Vec::new();
        for (k, &a) in roles.iter().enumerate() {
            for &b in &roles[k..] {
                let own = bilinear(fraction(a), fraction(b));
                constant.iter_mut().for_each(|c| *c -= own * from_i64(SHIFT));
                quadratic.push(simd.splat_short(own));
            }
        }
        let constant = constant.into_iter().map(|x| simd.splat_short(x)).collect();
        Some(Coefficients { roles, constant, linear, quadratic })
    }
}

/// Extends values at the corners to the nodes.
fn on_nodes<const CORNERS: usize, const NODES: usize, T: Copy>(
    zero: T,
    value: impl Fn(usize) -> T,
    difference: impl Fn(T, T) -> T,
) -> [T; NODES] {
    let mut values = [zero; NODES];
    (0..CORNERS).for_each(|e| values[corner(e)] = value(e));
    differences::<CORNERS>(|_, [high, low, to]| values[to] = difference(values[high], values[low]));
    values
}

/// Some vectors of a chunk, by columns.
struct Integers<'t, const CORNERS: usize, const NODES: usize> {
    leaves: &'t LeafRows,
    forms: &'t [&'t Form],
    first: usize,
    stride: usize,
    vectors: u64,
    weights: &'t [[Scalars; 2]],
    coefficients: &'t Coefficients,
    weight: Fr,
    total: &'t mut Sums,
}

impl<const CORNERS: usize, const NODES: usize> NullaryFnOnce for Integers<'_, CORNERS, NODES> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { leaves, forms, first, stride, mut vectors, weights, coefficients, weight, total } = self;
        let simd = leaves.simd;
        let none = simd.short(&simd.zero());
        let roles = coefficients.roles.len();
        let (bound, shift) = (simd.splat_integer(BOUND as i32), simd.splat_multiplier(SHIFT));
        let zero = simd.splat_integer(0);
        let mut sources = [[None; CORNERS]; COLUMNS];
        for (role, sources) in coefficients.roles.iter().zip(&mut sources) {
            for (form, source) in forms.iter().zip(sources) {
                *source = form.columns.iter().find(|(r, _)| r == role).map(|(_, column)| (*form, column));
            }
        }
        // Of the weights alone; of a row's two leaves in a column, by corner; of products, by node. A limb gets at most 2 of 52 bits from each
        // of 64 vectors, and a sum is below 64 2^50 1.1 r < 2^52 19 r.
        let mut alone = none;
        let mut linear = [[none; CORNERS]; COLUMNS];
        let mut products = vec![[none; NODES]; coefficients.quadratic.len()];
        let mut columns = [[zero; NODES]; COLUMNS];
        while vectors != 0 {
            let j = vectors.trailing_zeros() as usize;
            vectors &= vectors - 1;
            let w = &weights[j][0];
            simd.add_number(&mut alone, w);
            for ((sources, column), linear) in sources.iter().zip(&mut columns).zip(&mut linear).take(roles) {
                for (e, (source, linear)) in sources.iter().zip(linear).enumerate() {
                    column[corner(e)] = match source {
                        Some((form, source)) => {
                            let z = leaves.integers(form, source, first + e * stride + j);
                            let shifted = simd.add_integers(z, bound);
                            simd.add_multiple(linear, simd.add_multipliers(simd.first(shifted), simd.second(shifted)), w);
                            z
                        }
                        None => zero,
                    };
                }
                differences::<CORNERS>(
                    #[inline(always)]
                    |_, [high, low, to]| column[to] = simd.sub_integers(column[high], column[low]),
                );
            }
            let mut own = products.iter_mut();
            for k in 0..roles {
                for l in k..roles {
                    let Some(sums) = own.next() else { break };
                    for ((sum, a), b) in sums.iter_mut().zip(&columns[k]).zip(&columns[l]) {
                        let mut product = simd.add_multipliers(simd.cross(*a, *b), shift);
                        if k != l {
                            product = simd.add_multipliers(product, simd.cross(*b, *a));
                        }
                        simd.add_multiple(sum, product, w);
                    }
                }
            }
        }
        let alone = simd.reduce_short(alone);
        let mut sums = [simd.no_sum(); NODES];
        for (sum, constant) in sums.iter_mut().zip(&coefficients.constant) {
            simd.add_product(sum, &alone, constant);
        }
        for (linear, coefficients) in linear.iter().zip(&coefficients.linear) {
            let mut table = [simd.zero(); NODES];
            for (e, sum) in linear.iter().enumerate() {
                table[corner(e)] = simd.reduce_short(*sum);
            }
            extend::<CORNERS, NODES>(simd, &mut table);
            for ((sum, x), coefficient) in sums.iter_mut().zip(&table).zip(coefficients) {
                simd.add_product(sum, x, coefficient);
            }
        }
        for (products, coefficient) in products.iter().zip(&coefficients.quadratic) {
            for (sum, product) in sums.iter_mut().zip(products) {
                simd.add_product(sum, &simd.reduce_short(*product), coefficient);
            }
        }
        // One, four and ten products at most, of numbers below 1.1, 31.2 and 20 r with numbers below r: less than 11 r is left.
        let weight = simd.splat_scalar(weight);
        for (total, sum) in total.iter_mut().zip(sums) {
            add_weighted(simd, total, &simd.reduce(sum), &weight);
        }
    }
}

/// Vectors that are bound on integers, alike.
pub struct BoundPart {
    vectors: u64,
    /// Number, first vector and form of each corner that has columns.
    corners: Vec<(usize, usize, u32)>,
    /// Numerator and denominator without the columns, for short sums.
    nothing: [Scalars; 2],
    /// The numerator, if no column adds to it.
    p: Option<Scalars>,
}

impl Source for Bottom<'_> {
    type Chunk = (usize, Vec<BoundPart>);

    #[inline(always)]
    fn row(&self, _: Simd, v: usize) -> Pairs {
        self.0.row(v)
    }

    fn chunk(&self, binding: &Binding, first: usize) -> Self::Chunk {
        let (leaves, simd) = (self.0, self.0.simd);
        let start = |c: usize| first / CHUNK * CHUNK + c * binding.stride;
        let part = |Alike { vectors, kinds }: Alike| {
            let forms = self.forms(&kinds)?;
            let (mut nothing, mut p) = ([Fr::ZERO; 2], Fr::ZERO);
            let (mut corners, mut counted) = (Vec::new(), false);
            for (c, ((form, kind), weight)) in forms.iter().zip(&kinds).zip(&binding.weights).enumerate() {
                p += form.numerator * weight;
                nothing.iter_mut().zip(form.made.nothing).for_each(|(x, own)| *x += own * weight);
                if let (Kind::Form(number), false) = (kind, form.columns.is_empty()) {
                    corners.push((c, start(c), *number));
                    counted |= form.columns.iter().any(|(role, _)| leaves.counts(*role));
                }
            }
            let p = (!counted).then(|| simd.splat_scalar(p));
            Some(BoundPart { vectors, corners, nothing: nothing.map(|x| simd.splat_short(x)), p })
        };
        let chunks = (0..binding.weights.len()).map(|c| leaves.parts(start(c) / CHUNK));
        (first, alike(chunks).into_iter().filter_map(part).collect())
    }

    #[inline(always)]
    fn bound(&self, binding: &Binding, (first, parts): &Self::Chunk, j: usize) -> Pairs {
        let (leaves, simd) = (self.0, binding.simd);
        let v = first % CHUNK + j;
        let Some(part) = parts.iter().find(|part| part.vectors >> v & 1 == 1) else {
            return combine(
                binding,
                first + j,
                #[inline(always)]
                |v| leaves.row(v),
            );
        };
        let mut q: [Short; 2] = [simd.short(&part.nothing[1]); 2];
        for (c, start, form) in &part.corners {
            leaves.add_columns(&mut q, &leaves.forms[*form as usize], start + v, false, &binding.roles[*c]);
        }
        let [q0, q1] = [simd.reduce_short(q[0]), simd.reduce_short(q[1])];
        if let Some(p) = part.p {
            return [p, q0, p, q1];
        }
        let mut p: [Short; 2] = [simd.short(&part.nothing[0]); 2];
        for (c, start, form) in &part.corners {
            leaves.add_columns(&mut p, &leaves.forms[*form as usize], start + v, true, &binding.roles[*c]);
        }
        [simd.reduce_short(p[0]), q0, simd.reduce_short(p[1]), q1]
    }
}
