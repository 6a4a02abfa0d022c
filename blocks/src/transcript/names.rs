//! Names of all that is sent, of all that is shown of hidden scalars, and of all that the verifier checks. None of them is hashed.

use std::fmt;

/// An enum, the list of its variants in order, and the words for each.
macro_rules! named {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $words:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// In words.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $words,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.label())
            }
        }
    };
}

named! {
    /// The messages of a proof, in the order in which they are sent first.
    Message {
        /// A commitment to a row of private inputs and outputs.
        BoundRow = "bound row",
        /// A commitment to a row of advice.
        WitnessRow = "witness row",
        /// A commitment to a row of multiplicities.
        MultiplicityRow = "multiplicity row",
        /// Nodes of the fraction tree's top layers.
        TreeTop = "tree top",
        /// A group of rounds of a layer's sumcheck.
        TreeRounds = "tree rounds",
        /// Nodes below a layer's point.
        TreeChildren = "tree children",
        /// Evaluations that the leaf check and the zero constraints need.
        LeafValues = "leaf values",
        /// A group of rounds of a wave's sumcheck.
        WaveRounds = "wave rounds",
        /// Evaluations of the operands at a wave's point.
        WaveOperands = "wave operands",
        /// A group of rounds of the sumcheck that folds rows.
        CrossTerms = "cross terms",
        /// A group of rounds of the products' sumcheck.
        ProductRounds = "product rounds",
        /// Masks of the product that is left.
        ProductMasks = "product masks",
        /// A factor of that product under its mask.
        MaskedFactor = "masked factor",
        /// A commitment to a row that hides another.
        MaskRow = "mask row",
        /// What the mask rows add up to.
        MaskValue = "mask value",
        /// The value of a masked row.
        MaskedValue = "masked value",
        /// A cross term of the fold of masked rows.
        ClearCrossTerm = "clear cross term",
        /// The blinder of the last commitment.
        DeciderBlinder = "decider blinder",
        /// The KZG decider's commitment to the cross polynomial.
        DeciderCross = "decider cross",
        /// The KZG decider's evaluation.
        DeciderValue = "decider value",
        /// The KZG decider's commitment to the quotient.
        DeciderQuotient = "decider quotient",
        /// A left half of the inner product argument.
        IpaLeft = "ipa left",
        /// A right half of it.
        IpaRight = "ipa right",
        /// The scalar that is left of the vector.
        IpaVector = "ipa vector",
    }
}

named! {
    /// What is shown of hidden scalars. All of it meets in one check of the verifier, [`Check::MaskedSum`].
    Equation {
        /// A numerator of the top layers is that of its children; at the root it is zero.
        TreeTopNumerator = "tree top numerator",
        /// A denominator of the top layers is that of its children.
        TreeTopDenominator = "tree top denominator",
        /// The rounds of a layer's sumcheck.
        TreeRounds = "tree rounds",
        /// The claim that a layer's sumcheck ends in.
        TreeLayer = "tree layer",
        /// The tree's claim on numerators of leaves.
        LeafNumerator = "leaf numerator",
        /// The tree's claim on denominators of leaves.
        LeafDenominator = "leaf denominator",
        /// A tensor that the program says is zero.
        ZeroConstraint = "zero constraint",
        /// The rounds of a wave's sumcheck.
        WaveRounds = "wave rounds",
        /// The claim that a wave's sumcheck ends in.
        Wave = "wave",
        /// The rounds of the sumcheck that folds rows.
        CrossTerms = "cross terms",
        /// The claim on the committed rows that it ends in; not only one on hidden scalars.
        AccumulatedClaim = "accumulated claim",
        /// The rounds of the products' sumcheck.
        ProductRounds = "product rounds",
        /// The product that is left.
        Product = "product",
        /// A masked factor is what it is said to be.
        MaskedFactor = "masked factor",
    }
}

named! {
    /// What the verifier checks in the clear, in the order of a proof.
    Check {
        /// Claims are on polynomials that are committed to.
        CommittedClaim = "claim on a committed polynomial",
        /// There are four masks of a product.
        ProductMasks = "product masks",
        /// The weight of slots has an inverse.
        SlotWeights = "slot weights",
        /// The masked values add up to the joint claim and its mask.
        MaskedSum = "masked sum",
        /// A claim is left for the decider.
        NothingToDecide = "no claim to decide",
        /// The decider has as many columns as the claim.
        DeciderSize = "decider size",
        /// The KZG decider's two points differ.
        DeciderPoint = "decider point",
        /// The KZG decider's equation.
        DeciderPairing = "decider pairing",
        /// Challenges of the inner product argument have inverses.
        IpaChallenge = "ipa challenge",
        /// Its last equation.
        IpaFinal = "ipa final",
    }
}
