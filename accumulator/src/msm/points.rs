//! Points in the form in which sums of them are made fastest.

use super::CurvePoint;
use super::batch::{self, Entry, SIGN, Summer};
use super::glv;
#[cfg(target_arch = "x86_64")]
use super::lanes;
use ark_bls12_381::G1Affine;
#[cfg(target_arch = "x86_64")]
use zktorch_blocks::lanes::Simd;

/// A list of points.
#[derive(Clone, Debug)]
pub(super) enum Points {
    /// For sums one by one.
    Single(Vec<CurvePoint>),
    /// For sums eight at a time.
    #[cfg(target_arch = "x86_64")]
    Lanes(Simd, Vec<lanes::Point>),
}

impl FromIterator<CurvePoint> for Points {
    fn from_iter<I: IntoIterator<Item = CurvePoint>>(points: I) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = zktorch_blocks::lanes::simd() {
            let points: Vec<lanes::Point> = points.into_iter().map(|point| lanes::Point::from(&point)).collect();
            if !points.iter().any(lanes::Point::is_identity) {
                return Self::Lanes(simd, points);
            }
            return Self::Single(points.iter().map(CurvePoint::from).collect());
        }
        Self::Single(points.into_iter().collect())
    }
}

impl PartialEq for Points {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Points {}

impl Points {
    /// Affine points.
    pub fn new(points: &[G1Affine]) -> Self {
        points.iter().map(CurvePoint::from).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Single(points) => points.len(),
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(_, points) => points.len(),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = CurvePoint> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// One of them.
    pub fn get(&self, i: usize) -> CurvePoint {
        match self {
            Self::Single(points) => points[i],
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(_, points) => CurvePoint::from(&points[i]),
        }
    }

    /// Whether one of them is the neutral element.
    pub fn is_identity(&self, i: usize) -> bool {
        match self {
            Self::Single(points) => points[i].is_identity(),
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(_, points) => points[i].is_identity(),
        }
    }

    /// No points.
    pub fn none() -> Self {
        std::iter::empty().collect()
    }

    /// The sum of every group below `groups`, for entries of other points than the identity. Tags count on from these points to some others.
    pub fn sums(&self, others: &Self, groups: usize, entries: &[Entry]) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let (Self::Lanes(simd, own), Self::Lanes(_, others)) = (self, others)
            && let Some(sums) = lanes::sums(*simd, [own, others], groups, entries)
        {
            return Self::Lanes(*simd, sums);
        }
        self.sums_one_by_one(others, groups, entries)
    }

    /// The same, as any processor makes them.
    pub fn sums_one_by_one(&self, others: &Self, groups: usize, entries: &[Entry]) -> Self {
        let get = |tag: u32| {
            let index = (tag & !SIGN) as usize;
            let point = if index < self.len() { self.get(index) } else { others.get(index - self.len()) };
            point.negate_if(tag & SIGN != 0)
        };
        Self::Single(Summer::default().sums(groups, entries, get).to_vec())
    }

    /// The points from one on, taken away.
    pub fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Single(points) => Self::Single(points.split_off(at)),
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(simd, points) => Self::Lanes(*simd, points.split_off(at)),
        }
    }

    /// These points, and others after them.
    pub fn append(&mut self, others: &Self) {
        #[cfg(target_arch = "x86_64")]
        if let (Self::Lanes(_, own), Self::Lanes(_, others)) = (&mut *self, others) {
            return own.extend_from_slice(others);
        }
        *self = Self::Single(self.iter().chain(others.iter()).collect());
    }

    /// Some of the points.
    pub fn range(&self, range: std::ops::Range<usize>) -> Self {
        match self {
            Self::Single(points) => Self::Single(points[range].to_vec()),
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(simd, points) => Self::Lanes(*simd, points[range].to_vec()),
        }
    }

    /// `own_i + others_i`, of points some of which are the identity.
    pub fn join(&self, others: &Self) -> Self {
        let own = (0..self.len()).filter(|&i| !self.is_identity(i)).map(|i| (i as u32, i as u32));
        let other = (0..others.len()).filter(|&i| !others.is_identity(i)).map(|i| (i as u32, (self.len() + i) as u32));
        self.sums(others, self.len(), &own.chain(other).collect::<Vec<_>>())
    }

    /// Twice every point.
    pub fn double(&mut self) {
        match self {
            Self::Single(points) => batch::double_all(points),
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(simd, points) => lanes::double(*simd, points),
        }
    }

    /// Every point's image under the endomorphism.
    pub fn endomorphism(mut self) -> Self {
        match &mut self {
            Self::Single(points) => points.iter_mut().for_each(|point| *point = glv::endomorphism(*point)),
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(simd, points) => lanes::endomorphism(*simd, points),
        }
        self
    }
}
