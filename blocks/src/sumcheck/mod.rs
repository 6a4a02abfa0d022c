//! The sumcheck engine: several variables a message, hidden.
//!
//! One engine proves `sum_x eq(r, x) g(x) = claim` (with `r`) and `sum_x g(x) = claim` (without), over `k` variables, most
//! significant first. Variables go in groups; the message of a group of `b` variables holds the partial sum's values on
//! [`Degree::nodes`]`^b`, first variable slowest. With `r` the message leaves out the eq factors of the group's own variables, so
//! that its degree is that of `g` (Gruen, ePrint 2024/108 and 2024/1210).
//!
//! Source: sumcheck of Lund, Fortnow, Karloff, Nisan (FOCS 1990); several variables a message are our own choice (docs/protocol.md, section 7).

#[cfg(all(feature = "prover", target_arch = "x86_64"))]
mod eight;
#[cfg(feature = "prover")]
pub mod kernel;

use crate::field::{Fr, HALF, eq, eq_table};
use crate::transcript::{Equation, HiddenAffine, Message, Reject, Transcript};
use ark_ff::Field;

/// Degree in each variable of the summand (without the eq factor of the group).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Degree {
    /// A product of two multilinear factors: nodes 0, 1, infinity.
    Two,
    /// Three factors: nodes 0, 1, -1, infinity.
    Three,
}

/// The variables of a sumcheck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Those that it fixes, the first ones.
    pub fixed: usize,
    /// Those behind them, over which its rounds sum and which it leaves.
    pub behind: usize,
}

impl Span {
    /// All of so many variables are fixed.
    pub const fn all(variables: usize) -> Self {
        Self { fixed: variables, behind: 0 }
    }
}

impl Degree {
    /// Values a variable contributes to a message. The value at infinity is the leading coefficient.
    pub const fn nodes(self) -> usize {
        match self {
            Self::Two => 3,
            Self::Three => 4,
        }
    }

    /// Length of the message of a group of `b` variables.
    pub fn message_len(self, b: usize) -> usize {
        (0..b).fold(1, |n, _| n * self.nodes())
    }

    /// Weights that interpolate a polynomial at `r` from its values on the nodes.
    fn weights(self, r: Fr) -> Vec<Fr> {
        match self {
            Self::Two => vec![Fr::ONE - r, r, r * (r - Fr::ONE)],
            Self::Three => {
                let square = r.square();
                vec![Fr::ONE - square, (square + r) * HALF, (square - r) * HALF, r * (square - Fr::ONE)]
            }
        }
    }

    /// Weights that interpolate a message at the challenges of its group.
    pub fn interpolation(self, challenges: &[Fr]) -> Vec<Fr> {
        challenges.iter().fold(vec![Fr::ONE], |outer, &r| {
            let inner = self.weights(r);
            outer.iter().flat_map(|&o| inner.iter().map(move |&i| o * i)).collect()
        })
    }

    /// Position in a message of the corner whose bits are those of `corner`, first variable most significant.
    pub fn corner(self, b: usize, corner: usize) -> usize {
        (0..b).rev().fold(0, |at, j| at * self.nodes() + (corner >> j & 1))
    }

    /// Sizes of the groups of the variables that are fixed: two at a time while the tables are large, then up to three, and as even as can be.
    /// One group is of four where that makes a message less, and its 81 scalars are not more than two messages are worth.
    pub fn groups(self, Span { fixed, behind }: Span) -> Vec<usize> {
        let small = fixed.min(SMALL.saturating_sub(behind));
        let mut left = fixed - small;
        let mut sizes = Vec::new();
        while left > 0 {
            sizes.push(left.min(2));
            left -= left.min(2);
        }
        let count = match self {
            Self::Two if small > 3 => (small - 1).div_ceil(3),
            _ => small.div_ceil(3),
        };
        sizes.extend((0..count).map(|i| (small + count - 1 - i) / count));
        sizes
    }
}

/// Variables up to which tables are small.
const SMALL: usize = 13;

/// The prover's tables during a sumcheck.
pub trait Rounds {
    /// Values on the nodes of the next `b` variables of the sum over the variables behind them, with the eq factors (if
    /// any) of all variables but these.
    fn message(&mut self, b: usize) -> Vec<Fr>;

    /// Fixes the next variables.
    fn bind(&mut self, challenges: &[Fr]);
}

/// The sumchecks of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sumcheck {
    /// Of a layer of the fraction tree.
    Tree,
    /// Of a wave.
    Wave,
    /// That folds rows.
    Rows,
    /// Of the products of hidden scalars.
    Products,
}

impl Sumcheck {
    /// What its rounds are sent as.
    const fn message(self) -> Message {
        match self {
            Self::Tree => Message::TreeRounds,
            Self::Wave => Message::WaveRounds,
            Self::Rows => Message::CrossTerms,
            Self::Products => Message::ProductRounds,
        }
    }

    /// What they have to satisfy.
    const fn equation(self) -> Equation {
        match self {
            Self::Tree => Equation::TreeRounds,
            Self::Wave => Equation::WaveRounds,
            Self::Rows => Equation::CrossTerms,
            Self::Products => Equation::ProductRounds,
        }
    }
}

/// Runs a sumcheck. Returns the point, of the variables that it fixes, and the claim on the sum over those behind them there (with the eq
/// factor, if any, of the variables fixed; the prover's messages hold that of the rest).
///
/// # Transcript
/// One hidden message a group, followed by the group's challenges. The caller has bound the claim and everything the
/// summand depends on.
///
/// # Soundness
/// `k degree / |F|` for `k` variables fixed, and `k / |F|` more with an eq factor: a group's error is a polynomial of such a total degree in its challenges. The
/// caller owes a check of the claim returned against the summand's factors at the point, summed over the variables left.
///
/// # Errors
/// On malformed bytes only: the equations become constraints on the hidden scalars.
pub fn sumcheck(
    t: &mut Transcript<'_>,
    which: Sumcheck,
    degree: Degree,
    span: Span,
    eq_point: Option<&[Fr]>,
    mut claim: HiddenAffine,
    mut prover: Option<&mut dyn Rounds>,
) -> Result<(Vec<Fr>, HiddenAffine), Reject> {
    let mut point = Vec::with_capacity(span.fixed);
    for b in degree.groups(span) {
        let message = prover.as_deref_mut().map(|p| p.message(b));
        let h = t.hide(which.message(), degree.message_len(b), message)?;
        let r = eq_point.map(|p| p.get(point.len()..point.len() + b).unwrap_or_default());
        let corner_weights = r.map_or_else(|| vec![Fr::ONE; 1 << b], eq_table);
        let corners = corner_weights.iter().enumerate().filter_map(|(e, &w)| Some((w, h.get(degree.corner(b, e))?)));
        t.zero(which.equation(), HiddenAffine::combine(corners) - &claim);
        let challenges = t.challenges(b);
        let factor = r.map_or(Fr::ONE, |r| eq(r, &challenges));
        let weights = degree.interpolation(&challenges);
        claim = HiddenAffine::combine(weights.iter().map(|&w| factor * w).zip(&h));
        if let Some(prover) = prover.as_deref_mut() {
            prover.bind(&challenges);
        }
        point.extend(challenges);
    }
    Ok((point, claim))
}

#[cfg(test)]
mod tests {
    use super::Degree::{Three, Two};
    use super::Span;

    #[test]
    fn groups_are_even_and_small_where_tables_are_large() {
        assert_eq!(Two.groups(Span::all(0)), [0; 0]);
        assert_eq!(Two.groups(Span::all(9)), [3, 3, 3]);
        assert_eq!(Two.groups(Span::all(4)), [4]);
        assert_eq!(Three.groups(Span::all(4)), [2, 2]);
        assert_eq!(Two.groups(Span::all(10)), [4, 3, 3]);
        assert_eq!(Three.groups(Span::all(10)), [3, 3, 2, 2]);
        assert_eq!(Two.groups(Span::all(15)), [2, 4, 3, 3, 3]);
        assert_eq!(Two.groups(Span { fixed: 5, behind: 4 }), [3, 2]);
        assert_eq!(Two.groups(Span { fixed: 11, behind: 4 }), [2, 3, 3, 3]);
        for span in (0..40).flat_map(|fixed| [0, 4, 20].map(|behind| Span { fixed, behind })) {
            for degree in [Two, Three] {
                assert_eq!(degree.groups(span).iter().sum::<usize>(), span.fixed);
                assert!(degree.groups(span).iter().all(|&b| degree.message_len(b) <= 81));
            }
        }
    }
}
