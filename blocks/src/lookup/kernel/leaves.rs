//! The leaves, made from integers where they are read.
//!
//! Sixteen leaves (a vector of rows) are made alike: `p = numerator + sum pi z`, `q = constant + sum kappa z` over a few integers `z` a leaf, the
//! *columns*. A column's *role* says what `pi` and `kappa` are: `beta^j` for the denominator in column `j` of a lookup, `beta^W` in a tag, `-1` for
//! the numerator in multiplicities. Tags are columns only where some of sixteen positions are padding; where all or none are, the constant has the tag or has it not.
//! Leaves that are not of this form, or have large integers, are stored: the few rows that are looked up, and blocks of less than sixteen leaves.

use super::places::Places;
use super::plain::fill_block;
use super::row::{NODES, Row, put};
use crate::claims::Polynomial;
use crate::each_width;
use crate::field::{Fr, from_i64, powers};
use crate::integers::{Integer, Slice};
use crate::kernel::Values;
use crate::lanes::{Scalars, Simd};
use crate::lookup::{Block, BlockKind, Fingerprint, Leaves, tag};
use crate::program::{Program, Shape};
use ark_ff::{AdditiveGroup, Field};
use std::sync::Arc;

/// Vectors of a chunk, whose parts are told apart by a mask.
pub const CHUNK: usize = 64;
/// Integers are from `-BOUND` up to `BOUND`, not included.
pub const BOUND: i64 = 1 << 20;

/// What the leaves of some vectors have in common.
pub struct Form {
    pub numerator: Fr,
    pub constant: Fr,
    /// Role and source of each column.
    pub columns: Vec<(usize, Column)>,
    pub places: Arc<Places>,
    /// The first vector of the block.
    pub first: usize,
    pub made: Made,
}

/// Where a column comes from.
pub enum Column {
    /// Entries, at the width that they have: memory is what is short. Behind them stand zeros, as many as a vector has places.
    Short(Arc<Vec<i16>>),
    Long(Arc<Vec<i32>>),
    /// The same integer where there is an entry.
    Tag(i32),
}

impl Column {
    /// A column of integers, if they are within the bound.
    fn new(values: Slice<'_>) -> Option<Self> {
        let [low, high] = values.extremes();
        if i16::try_from(low).is_ok() && i16::try_from(high).is_ok() {
            Some(Self::Short(Arc::new(narrow(values, |v| v as i16))))
        } else if -BOUND <= low && high < BOUND {
            Some(Self::Long(Arc::new(narrow(values, |v| v as i32))))
        } else {
            None
        }
    }

    /// The same, not copied.
    fn share(&self) -> Self {
        match self {
            Self::Short(values) => Self::Short(values.clone()),
            Self::Long(values) => Self::Long(values.clone()),
            Self::Tag(tag) => Self::Tag(*tag),
        }
    }
}

fn narrow<T: Copy + Default + Send>(values: Slice<'_>, own: impl Fn(i64) -> T + Sync) -> Vec<T> {
    let mut narrow = Vec::with_capacity(values.len() + NODES);
    each_width!(values, values => narrow.extend(values.iter().map(|&v| own(v.wide()))));
    narrow.resize(values.len() + NODES, T::default());
    narrow
}

/// What is made of the integers, which are shifted by [`BOUND`] so that they are not negative.
pub struct Made {
    /// Numerator and denominator of nothing.
    pub nothing: [Fr; 2],
    /// The numerator, if no column adds to it.
    pub p: Option<Scalars>,
    /// Whether that is one.
    pub unit: bool,
    /// For a short sum: numerator and denominator of nothing.
    pub short: [Scalars; 2],
    /// The sum of two fractions of nothing.
    pub sums: [Scalars; 2],
    /// For a single column of denominators over one, for short sums: `2 c, c^2, c` of the denominator `c` of nothing.
    pub single: Option<[Scalars; 3]>,
}

/// Some vectors of a chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub vectors: u64,
    pub kind: Kind,
}

/// How their leaves are had.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By a form.
    Form(u32),
    /// Stored: vector `v` under the number `v` plus this, modulo `2^32`.
    Stored(u32),
}

/// All leaves.
pub struct LeafRows {
    pub simd: Simd,
    pub forms: Vec<Form>,
    /// What a column is multiplied by, by role, and the same for short sums. The last role is the one in numerators.
    pub roles: Vec<Fr>,
    pub short_roles: Vec<Scalars>,
    chunks: Vec<Vec<Part>>,
    pub stored: Vec<Row>,
    /// Behind the end.
    rest: [Part; 1],
}

impl LeafRows {
    pub fn new(simd: Simd, leaves: &Leaves, program: &Program, values: &dyn Values, fingerprint: &Fingerprint) -> Self {
        let mut roles = powers(fingerprint.beta, leaves.width + 1);
        roles.push(-Fr::ONE);
        let short_roles = roles.iter().map(|&x| simd.splat_short(x)).collect();
        let rest = [Part { vectors: !0, kind: Kind::Form(0) }];
        let chunks = vec![Vec::new(); leaves.active.div_ceil(CHUNK * NODES)];
        let mut all = Self { simd, forms: Vec::new(), roles, short_roles, chunks, stored: Vec::new(), rest };
        let nothing = Arc::new(Places::new(&Shape(vec![NODES])));
        all.form(Fr::ZERO, Fr::ONE, Vec::new(), &nothing, 0);
        let fill =
            |block: &Block, p: &mut [Fr], q: &mut [Fr]| fill_block(leaves, block, program, values, fingerprint, (p, q));
        let (large, small): (Vec<&Block>, Vec<&Block>) = leaves.blocks.iter().partition(|b| 1 << b.bits >= NODES);
        for &block in &large {
            if !all.add(leaves, block, program, values, fingerprint) {
                let (mut p, mut q) = (vec![Fr::ZERO; 1 << block.bits], vec![Fr::ONE; 1 << block.bits]);
                fill(block, &mut p, &mut q);
                all.store(block.offset, &p, &q);
            }
        }
        if let Some(first) = small.first().map(|b| b.offset) {
            let len = (leaves.active - first).next_multiple_of(NODES);
            let (mut p, mut q) = (vec![Fr::ZERO; len], vec![Fr::ONE; len]);
            for block in small {
                let range = block.offset - first..block.offset - first + (1 << block.bits);
                fill(block, &mut p[range.clone()], &mut q[range]);
            }
            all.store(first, &p, &q);
        }
        let used = leaves.active.div_ceil(NODES);
        all.cover(used..all.chunks.len() * CHUNK, |_| Kind::Form(0));
        all
    }

    /// Adds a block of integers, if it is one.
    fn add(
        &mut self,
        leaves: &Leaves,
        block: &Block,
        program: &Program,
        values: &dyn Values,
        fingerprint: &Fingerprint,
    ) -> bool {
        let alpha = fingerprint.alpha;
        let tag_power = self.roles[leaves.width];
        let (first, vectors) = (block.offset / NODES, (1 << block.bits) / NODES);
        match block.kind {
            BlockKind::Lookup(i) => {
                let lookup = &program.lookups[i];
                let columns = lookup.columns.iter().map(|&c| Column::new(values.integers(Polynomial::Tensor(c)).slice()));
                let Some(columns) = columns.collect::<Option<Vec<Column>>>() else { return false };
                let own = || -> Vec<_> { columns.iter().map(Column::share).enumerate().collect() };
                let places = Arc::new(Places::new(&program.tensors[lookup.columns[0]].shape));
                let whole = self.form(Fr::ONE, alpha + tag_power * tag(lookup.table), own(), &places, first);
                let mut mixed = own();
                mixed.push((leaves.width, Column::Tag(lookup.table.0 as i32 + 1)));
                let mixed = self.form(Fr::ONE, alpha, mixed, &places, first);
                let none = self.form(Fr::ONE, alpha, Vec::new(), &places, first);
                self.cover(first..first + vectors, |v| match places.at(v - first).valid {
                    0 => none,
                    u16::MAX => whole,
                    _ => mixed,
                });
            }
            BlockKind::Table(id) => {
                let table = &program.tables[id];
                let multiplicities = values.integers(Polynomial::Multiplicity(id));
                let entries = |j: usize| -> Vec<i64> { (0..1 << block.bits).map(|i| table.padded_entry(j, i)).collect() };
                let columns = (0..table.columns.len()).map(|j| Some((j, Column::new(Slice::I64(&entries(j)))?)));
                let columns = columns.chain([Column::new(multiplicities.slice()).map(|m| (leaves.width + 1, m))]);
                let Some(columns) = columns.collect::<Option<Vec<_>>>() else { return false };
                let places = Arc::new(Places::new(&Shape(vec![1 << block.bits])));
                let form = self.form(Fr::ZERO, alpha + tag_power * tag(id), columns, &places, first);
                self.cover(first..first + vectors, |_| form);
            }
            BlockKind::RowLookup(_) | BlockKind::RowTable(_) | BlockKind::Padding => return false,
        }
        true
    }

    fn form(
        &mut self,
        numerator: Fr,
        constant: Fr,
        columns: Vec<(usize, Column)>,
        places: &Arc<Places>,
        first: usize,
    ) -> Kind {
        let simd = self.simd;
        let shift = |counted: bool| {
            let own = columns.iter().filter(|(role, _)| self.counts(*role) == counted);
            own.map(|(role, _)| self.roles[*role]).sum::<Fr>() * from_i64(BOUND)
        };
        let nothing = [numerator - shift(true), constant - shift(false)];
        let counted = columns.iter().any(|(role, _)| self.counts(*role));
        let (unit, c) = (numerator == Fr::ONE && !counted, nothing[1]);
        let made = Made {
            nothing,
            p: (!counted).then(|| simd.splat_scalar(numerator)),
            unit,
            short: nothing.map(|x| simd.splat_short(x)),
            sums: [(numerator * constant).double(), constant.square()].map(|x| simd.splat_scalar(x)),
            single: (unit && matches!(columns[..], [(0, _)]))
                .then(|| [c.double(), c.square(), c].map(|x| simd.splat_short(x))),
        };
        self.forms.push(Form { numerator, constant, columns, places: places.clone(), first, made });
        Kind::Form(self.forms.len() as u32 - 1)
    }

    /// Stores leaves.
    fn store(&mut self, offset: usize, p: &[Fr], q: &[Fr]) {
        let simd = self.simd;
        let (first, start) = (offset / NODES, self.stored.len());
        for (p, q) in p.chunks_exact(NODES).zip(q.chunks_exact(NODES)) {
            let pick = |x: &[Fr], h: usize| simd.scalars(&std::array::from_fn(|l| x[2 * l + h]));
            self.stored.push(put(simd, &[pick(p, 0), pick(q, 0), pick(p, 1), pick(q, 1)]));
        }
        let kind = Kind::Stored((start as u32).wrapping_sub(first as u32));
        self.cover(first..first + p.len() / NODES, |_| kind);
    }

    /// Says how the leaves of some vectors are had.
    fn cover(&mut self, vectors: std::ops::Range<usize>, kind: impl Fn(usize) -> Kind) {
        for v in vectors {
            let (kind, parts) = (kind(v), &mut self.chunks[v / CHUNK]);
            match parts.iter_mut().find(|p| p.kind == kind) {
                Some(part) => part.vectors |= 1 << (v % CHUNK),
                None => parts.push(Part { vectors: 1 << (v % CHUNK), kind }),
            }
        }
    }

    /// The parts of a chunk.
    #[inline(always)]
    pub fn parts(&self, chunk: usize) -> &[Part] {
        self.chunks.get(chunk).map_or(&self.rest, Vec::as_slice)
    }

    #[inline(always)]
    pub fn kind(&self, v: usize) -> Kind {
        let bit = 1u64 << (v % CHUNK);
        self.parts(v / CHUNK).iter().find(|p| p.vectors & bit != 0).map_or(Kind::Form(0), |p| p.kind)
    }

    /// Whether columns with a role are in numerators.
    #[inline(always)]
    pub fn counts(&self, role: usize) -> bool {
        role + 1 == self.roles.len()
    }
}
