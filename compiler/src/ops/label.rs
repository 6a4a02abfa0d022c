//! Labels of axes in sums of products.

use std::fmt;

/// Names an axis of an einsum: axes of one label run together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label(pub u8);

impl Label {
    /// The labels of axes by their numbers.
    pub fn of(axes: impl IntoIterator<Item = usize>) -> Vec<Self> {
        axes.into_iter().map(|axis| Self(0).nth(axis)).collect()
    }

    /// The `n`-th label of the family that begins with this one.
    pub(crate) const fn nth(self, n: usize) -> Self {
        Self(self.0 + n as u8)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
