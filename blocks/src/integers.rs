//! Integers at the width that they need.
//!
//! A model's weights and a run's tensors are most of what a prover keeps in memory, and most passes over them wait for memory. They are small: of 8 or 16
//! bits mostly. [`Integers`] hold them at the least of four widths; whatever reads them does so through a [`Slice`], once for each width
//! ([`each_width`](crate::each_width)).

use bytemuck::{Pod, cast_slice, cast_slice_mut};
use rayon::prelude::*;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

/// Entries that a thread widens or narrows at a time.
const GRAIN: usize = 1 << 16;

/// How an integer is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// In 8 bits.
    I8,
    /// In 16 bits.
    I16,
    /// In 32 bits.
    I32,
    /// In 64 bits.
    I64,
}

impl Width {
    /// All widths, ascending.
    pub const ALL: [Self; 4] = [Self::I8, Self::I16, Self::I32, Self::I64];

    /// Bytes of an integer.
    pub const fn bytes(self) -> usize {
        1 << self as usize
    }

    /// The least width for the integers from `low` to `high`.
    pub fn of(low: i64, high: i64) -> Self {
        // A negative number takes as many bits as its complement, and the sign is one more.
        let magnitude = high.max(!low).max(0);
        match 65 - magnitude.leading_zeros() {
            0..=8 => Self::I8,
            9..=16 => Self::I16,
            17..=32 => Self::I32,
            _ => Self::I64,
        }
    }
}

/// Memory that lists of integers lie in, overwritten when the last of them is gone. It is made of words, so that integers of every width are aligned in it.
pub struct Store(Vec<u64>);

impl Store {
    /// Zeros.
    pub fn zeros(bytes: usize) -> Self {
        Self(vec![0; bytes.div_ceil(8)])
    }

    /// All bytes, up to a whole word.
    pub fn bytes(&self) -> &[u8] {
        cast_slice(&self.0)
    }

    /// The same, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        cast_slice_mut(&mut self.0)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

/// A type of integers.
pub trait Integer: Pod + Into<i64> + Default + Ord + Send + Sync {
    /// Its width.
    const WIDTH: Width;

    /// The integer, which is within the type's range.
    fn narrow(value: i64) -> Self;

    /// The integer as a number of floating point, which those of more than 53 bits are rounded to.
    fn float(self) -> f64;

    /// The integer in 64 bits.
    #[inline(always)]
    fn wide(self) -> i64 {
        self.into()
    }
}

macro_rules! integer {
    ($($t:ty: $width:ident)*) => {
        $(impl Integer for $t {
            const WIDTH: Width = Width::$width;

            #[inline(always)]
            fn narrow(value: i64) -> Self {
                value as $t
            }

            #[inline(always)]
            fn float(self) -> f64 {
                self as f64
            }
        })*
    };
}

integer!(i8: I8 i16: I16 i32: I32 i64: I64);

/// Integers of one width, to be read.
#[derive(Clone, Copy)]
pub enum Slice<'a> {
    /// Of 8 bits.
    I8(&'a [i8]),
    /// Of 16 bits.
    I16(&'a [i16]),
    /// Of 32 bits.
    I32(&'a [i32]),
    /// Of 64 bits.
    I64(&'a [i64]),
}

/// Does the same with a [`Slice`] of whichever width: `each_width!(slice, values => expression)`, where `values` is a slice of an
/// [`Integer`](crate::integers::Integer) type.
#[macro_export]
macro_rules! each_width {
    ($slice:expr, $values:ident => $body:expr) => {
        match $slice {
            $crate::integers::Slice::I8($values) => $body,
            $crate::integers::Slice::I16($values) => $body,
            $crate::integers::Slice::I32($values) => $body,
            $crate::integers::Slice::I64($values) => $body,
        }
    };
}

impl<'a> Slice<'a> {
    /// None.
    pub const EMPTY: Self = Self::I8(&[]);

    /// How many there are.
    pub const fn len(self) -> usize {
        each_width!(self, values => values.len())
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// How they are stored.
    pub const fn width(self) -> Width {
        match self {
            Self::I8(_) => Width::I8,
            Self::I16(_) => Width::I16,
            Self::I32(_) => Width::I32,
            Self::I64(_) => Width::I64,
        }
    }

    /// One of them.
    ///
    /// # Panics
    /// If there are not so many.
    #[inline(always)]
    pub fn at(self, index: usize) -> i64 {
        each_width!(self, values => values[index].wide())
    }

    /// Some of them.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn range(self, range: Range<usize>) -> Self {
        match self {
            Self::I8(values) => Self::I8(&values[range]),
            Self::I16(values) => Self::I16(&values[range]),
            Self::I32(values) => Self::I32(&values[range]),
            Self::I64(values) => Self::I64(&values[range]),
        }
    }

    /// Widens them into as many places, or into the first ones.
    pub fn widen(self, out: &mut [i64]) {
        each_width!(self, values => out.iter_mut().zip(values).for_each(|(out, &v)| *out = v.wide()));
    }

    /// One after the other.
    pub fn iter(self) -> impl ExactSizeIterator<Item = i64> + Clone + 'a {
        (0..self.len()).map(move |i| self.at(i))
    }

    /// All of them in 64 bits.
    pub fn to_vec(self) -> Vec<i64> {
        each_width!(self, values => values.par_iter().with_min_len(GRAIN).map(|&v| v.wide()).collect())
    }

    /// The least and the largest, and 0.
    pub fn extremes(self) -> [i64; 2] {
        each_width!(self, values => extremes(values))
    }
}

fn extremes<T: Integer>(values: &[T]) -> [i64; 2] {
    let of = |part: &[T]| part.iter().fold([T::default(); 2], |[low, high], &v| [low.min(v), high.max(v)]);
    let both = |a: [T; 2], b: [T; 2]| [a[0].min(b[0]), a[1].max(b[1])];
    values.par_chunks(GRAIN).map(of).reduce(|| [T::default(); 2], both).map(Into::into)
}

/// A list of integers at one width. Copies share them; the last one overwrites them.
#[derive(Clone)]
pub struct Integers {
    store: Arc<Store>,
    width: Width,
    /// The first one, in bytes of the store; a multiple of the width.
    start: usize,
    len: usize,
}

impl Integers {
    /// Integers that lie in a store from some byte on, little endian; `None` if they are not aligned, or not all there.
    pub fn within(store: &Arc<Store>, width: Width, start: usize, len: usize) -> Option<Self> {
        let end = len.checked_mul(width.bytes()).and_then(|bytes| bytes.checked_add(start))?;
        let fits = start.is_multiple_of(width.bytes()) && end <= store.bytes().len();
        fits.then(|| Self { store: store.clone(), width, start, len })
    }

    /// The integers.
    pub fn slice(&self) -> Slice<'_> {
        let bytes = &self.store.bytes()[self.start..][..self.len * self.width.bytes()];
        match self.width {
            Width::I8 => Slice::I8(cast_slice(bytes)),
            Width::I16 => Slice::I16(cast_slice(bytes)),
            Width::I32 => Slice::I32(cast_slice(bytes)),
            Width::I64 => Slice::I64(cast_slice(bytes)),
        }
    }

    /// Their bytes, little endian.
    pub fn bytes(&self) -> &[u8] {
        &self.store.bytes()[self.start..][..self.len * self.width.bytes()]
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How they are stored.
    pub const fn width(&self) -> Width {
        self.width
    }

    /// All of them in 64 bits.
    pub fn to_vec(&self) -> Vec<i64> {
        self.slice().to_vec()
    }

    /// One after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = i64> + Clone + '_ {
        self.slice().iter()
    }

    /// As many integers, which are written into zeros.
    pub fn make<T: Integer>(len: usize, write: impl FnOnce(&mut [T])) -> Self {
        let mut store = Store::zeros(len * T::WIDTH.bytes());
        write(&mut cast_slice_mut(&mut store.0)[..len]);
        Self { store: Arc::new(store), width: T::WIDTH, start: 0, len }
    }

    /// Some of them, not copied.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn range(&self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.len, "a range of integers that are there");
        let start = self.start + range.start * self.width.bytes();
        Self { store: self.store.clone(), width: self.width, start, len: range.len() }
    }

    fn narrowed<T: Integer>(values: &[i64]) -> Self {
        Self::make(values.len(), |places: &mut [T]| {
            places.par_iter_mut().with_min_len(GRAIN).zip(values).for_each(|(place, &v)| *place = T::narrow(v));
        })
    }
}

impl From<&[i64]> for Integers {
    fn from(values: &[i64]) -> Self {
        let [low, high] = Slice::I64(values).extremes();
        match Width::of(low, high) {
            Width::I8 => Self::narrowed::<i8>(values),
            Width::I16 => Self::narrowed::<i16>(values),
            Width::I32 => Self::narrowed::<i32>(values),
            Width::I64 => Self::narrowed::<i64>(values),
        }
    }
}

impl From<Vec<i64>> for Integers {
    fn from(values: Vec<i64>) -> Self {
        Self::from(Zeroizing::new(values).as_slice())
    }
}

impl FromIterator<i64> for Integers {
    fn from_iter<I: IntoIterator<Item = i64>>(values: I) -> Self {
        Self::from(values.into_iter().collect::<Vec<i64>>())
    }
}

impl<const N: usize> From<[i64; N]> for Integers {
    fn from(values: [i64; N]) -> Self {
        Self::from(values.as_slice())
    }
}

impl Default for Integers {
    fn default() -> Self {
        Self::from([])
    }
}

impl PartialEq for Integers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Integers {}

impl fmt::Debug for Integers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} integers of {} bytes", self.len, self.width.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_take_the_least_width_and_come_back() {
        for (width, bits) in Width::ALL.into_iter().zip([8, 16, 32, 64]) {
            let (low, high) = (i64::MIN >> (64 - bits), i64::MAX >> (64 - bits));
            for ends in [[low, high], [low, 0], [0, high], [-1, high], [low, -1]] {
                assert_eq!(Width::of(ends[0], ends[1]), width);
                let integers = Integers::from(ends);
                assert_eq!((integers.width(), integers.to_vec()), (width, ends.to_vec()));
                assert_eq!(integers.slice().extremes(), [ends[0].min(0), ends[1].max(0)]);
                assert!(ends.into_iter().enumerate().all(|(i, v)| integers.slice().at(i) == v));
            }
            if bits < 64 {
                assert!(Width::of(low - 1, 0) > width && Width::of(0, high + 1) > width);
            }
        }
        assert_eq!(Width::of(0, 0), Width::I8);
        for len in [0, 1, 7, 8, 9, GRAIN - 1, GRAIN, GRAIN + 1, 3 * GRAIN] {
            let values: Vec<i64> = (0..len as i64).map(|i| i % 300 - 150).collect();
            assert_eq!(Integers::from(values.clone()).to_vec(), values);
        }
    }

    #[test]
    fn a_store_gives_no_more_than_it_has() {
        let store = Arc::new(Store::zeros(16));
        assert_eq!(Integers::within(&store, Width::I32, 4, 3).map(|i| i.to_vec()), Some(vec![0; 3]));
        for (width, start, len) in [
            (Width::I16, 1, 1),
            (Width::I32, 4, 4),
            (Width::I8, 17, 0),
            (Width::I64, 8, usize::MAX),
            (Width::I8, usize::MAX, 1),
        ] {
            assert_eq!(Integers::within(&store, width, start, len), None);
        }
    }
}
