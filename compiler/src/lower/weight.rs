//! Constants of the model, as rules see them.
//!
//! A constant of one entry is part of the architecture, and so is a mask: an audit has them (docs/audit.md). Other entries are those of a
//! weight, which an audit lacks. A rule can commit to them, and it can ask how large they are where it decides something; it cannot read them.

use std::ops::Deref;
use std::sync::Arc;

use ndarray::{ArrayD, IxDyn, ShapeError};
use zktorch_blocks::program::{Interval, Scale};

use crate::quantise::{Calibration, to_integer};

/// A constant: its shape, and entries that are there to be committed to.
#[derive(Clone)]
pub(crate) struct Weight(Arc<ArrayD<f64>>);

/// What a decision may look at: what samples say, and weights. There is one while something is decided, and at no other time.
pub(crate) struct Withheld<'c>(&'c Calibration);

impl<'c> Withheld<'c> {
    pub(super) fn new(samples: &'c Calibration) -> Self {
        Self(samples)
    }
}

impl Deref for Withheld<'_> {
    type Target = Calibration;

    fn deref(&self) -> &Calibration {
        self.0
    }
}

impl Weight {
    pub(super) fn new(entries: Arc<ArrayD<f64>>) -> Self {
        Self(entries)
    }

    pub fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    /// The entry, if there is one only.
    pub fn single(&self) -> Option<f64> {
        if self.0.len() == 1 { self.0.first().copied() } else { None }
    }

    /// 1 where a mask keeps an entry.
    pub fn mask(&self) -> Vec<i64> {
        self.0.iter().map(|&v| i64::from(v != 0.0)).collect()
    }

    /// The largest magnitude of the entries.
    pub fn largest(&self, _: &Withheld<'_>) -> f64 {
        self.0.iter().fold(0f64, |m, v| m.max(v.abs()))
    }

    /// Whether all entries are integers, and small ones.
    pub fn is_whole(&self, _: &Withheld<'_>) -> bool {
        self.0.iter().all(|v| v.fract() == 0.0 && v.abs() <= 127.0)
    }

    /// `1 / w`; none if an entry is 0. That refuses a model, and makes no program another.
    pub fn reciprocals(&self) -> Option<Self> {
        self.0.iter().all(|&v| v != 0.0).then(|| Self(Arc::new(self.0.mapv(|v| 1.0 / v))))
    }

    /// A function of every entry.
    pub fn mapped(&self, f: impl Fn(f64) -> f64) -> Self {
        Self(Arc::new(self.0.mapv(f)))
    }

    /// The largest integers at a scale that are not above the entries, or the smallest that are not below, and `more`; of those that lie
    /// beyond an interval one that does.
    pub fn bounds(&self, scale: Scale, above: bool, more: f64, Interval { lo, hi }: Interval) -> Self {
        let (least, most) = (lo as f64 - 1.0, hi as f64 + 1.0);
        let bound = |v: f64| if above { (v * scale.units()).ceil() } else { (v * scale.units()).floor() } + more;
        Self(Arc::new(self.0.mapv(|v| bound(v).clamp(least, most) / scale.units())))
    }

    pub fn reshaped(self, shape: Vec<usize>) -> Result<Self, ShapeError> {
        if self.shape() == shape {
            return Ok(self);
        }
        Arc::unwrap_or_clone(self.0).into_shape_with_order(shape).map(|entries| Self(Arc::new(entries)))
    }

    pub fn broadcast(&self, shape: &[usize]) -> Option<Self> {
        if self.shape() == shape {
            return Some(self.clone());
        }
        self.0.broadcast(IxDyn(shape)).map(|entries| Self(Arc::new(entries.to_owned())))
    }

    /// What is committed.
    pub(super) fn integers(&self, scale: Scale) -> Vec<i64> {
        self.0.iter().map(|&v| to_integer(v, scale) as i64).collect()
    }
}
