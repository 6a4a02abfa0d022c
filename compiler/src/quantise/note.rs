//! Kinds of decisions that weights and samples make, so that an audit can say which is wrong.

/// What a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// The scale of a node's tensor when it is brought to the width of activations.
    ActivationScale,
    /// How far beyond its table's domain a saturating function reaches.
    Reach,
    /// The scale of a weight.
    WeightScale,
    /// The bits of a weight.
    WeightWidth,
    /// An extent of the committed tensor whose front a weight is.
    WeightExtent,
    /// The scale of a sum with a constant.
    SumScale,
    /// The scale of a bias.
    BiasScale,
    /// The scale of a slope.
    SlopeScale,
    /// The coarsest scale of a difference of two operands.
    DifferenceScale,
    /// Where a function's table begins.
    TableStart,
    /// Bits of the largest distance of two logits.
    Distance,
    /// The sign of a divisor.
    DivisorSign,
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ActivationScale => "scale of an activation",
            Self::Reach => "reach of a saturating table",
            Self::WeightScale => "scale of a weight",
            Self::WeightWidth => "width of a weight",
            Self::WeightExtent => "extent of a committed weight",
            Self::SumScale => "scale of a sum",
            Self::BiasScale => "scale of a bias",
            Self::SlopeScale => "scale of a slope",
            Self::DifferenceScale => "scale of a difference",
            Self::TableStart => "first row of a table",
            Self::Distance => "bits of a distance of logits",
            Self::DivisorSign => "sign of a divisor",
        })
    }
}
