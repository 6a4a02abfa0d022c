//! Mask rows that are cheap to commit to.
//!
//! After the mask a proof shows of the masked vector `w` no more than some linear functions, as many as [`shown`] tells. For these to be
//! uniform, `s_w` need not be: it is a random combination of `K` rows `(mu_i^j)_j`, where `K` is at least the number of these functions.
//! The `mu_i` are hashes of the verifying key: nobody chooses them, nor a program or a setup with them in mind. Statements may be chosen with them in
//! mind; but then the challenges are drawn that the functions' coefficients are made of, and for distinct `mu_i` functions that are
//! linearly independent on all of `F^m` are so on these rows, unless a polynomial in the challenges vanishes. Then what is shown of
//! `s_w + g w` has the same distribution for every `w`: it is uniform on the image of the functions (docs/zero-knowledge.md).
//!
//! [`shown`]: zktorch_accumulator::mask::shown

use ark_bls12_381::{G1Affine, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;
use zeroize::Zeroizing;
use zktorch_accumulator::msm::{self, fixed};
use zktorch_accumulator::setup::Generators;
use zktorch_accumulator::setup::hash::mask_point;
use zktorch_blocks::digest::KeyDigest;
use zktorch_blocks::field::{Fr, powers};
#[cfg(target_arch = "x86_64")]
use zktorch_blocks::lanes::{
    Simd,
    table::{MOST, Table, combination},
};
use zktorch_blocks::transcript::MaskRow;

/// The rows whose combinations are masks, by what they are powers of, and commitments to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskRows {
    /// Digest of the verifying key.
    key: KeyDigest,
    columns: usize,
    /// The `mu_i`.
    points: Vec<Fr>,
    /// `sum_j mu_i^j G_j`.
    commitments: Vec<G1Affine>,
}

impl MaskRows {
    /// Rows that hide as many linear functions in proofs under the verifying key of a digest; never more than columns, when they span everything.
    pub fn new(generators: &Generators, key: KeyDigest, shown: usize) -> Self {
        let columns = generators.columns();
        let points = mask_points(&key, shown.min(columns));
        let row =
            |&point: &Fr| std::iter::successors(Some(Fr::ONE), move |x| Some(*x * point)).take(columns).collect::<Vec<Fr>>();
        let commit = |point: &Fr| msm::sum(&generators.g, &row(point));
        let commitments = G1Projective::normalize_batch(&points.par_iter().map(commit).collect::<Vec<_>>());
        Self { key, columns, points, commitments }
    }

    /// From what a file holds, unless there are more rows than columns. The commitments are not checked: proofs with wrong ones are refused.
    pub fn from_parts(generators: &Generators, key: KeyDigest, commitments: Vec<G1Affine>) -> Option<Self> {
        let (columns, rows) = (generators.columns(), commitments.len());
        (rows <= columns).then(|| Self { key, columns, points: mask_points(&key, rows), commitments })
    }

    /// Digest of the verifying key that they are for.
    pub fn key(&self) -> &KeyDigest {
        &self.key
    }

    /// How many rows there are: how many linear functions a combination hides.
    pub fn count(&self) -> usize {
        self.points.len()
    }

    /// Commitments to the rows.
    pub fn commitments(&self) -> &[G1Affine] {
        &self.commitments
    }

    /// `sum_i c_i M_i` and its commitment. `coefficients` are as many as rows.
    pub fn combine(&self, coefficients: &[Fr], blinder: Fr) -> MaskRow {
        let mut row = Zeroizing::new(vec![Fr::ZERO; self.columns]);
        let block = BLOCK.min(self.columns);
        let blocks = Powers::new(self.points.iter().map(|&point| powers(point, block)).collect());
        row.par_chunks_mut(block).enumerate().for_each(|(number, out)| {
            let first = [(number * block) as u64];
            let terms = coefficients.iter().zip(&self.points).map(|(c, point)| *c * point.pow(first));
            blocks.combine(&Zeroizing::new(terms.collect::<Vec<Fr>>()), out);
        });
        let commitment = (msm::sum(&self.commitments, coefficients) + fixed::blind(blinder)).into_affine();
        MaskRow { row, blinder, commitment }
    }

    /// `<M_i, form>` for every row.
    pub fn values(&self, form: &[Fr]) -> Vec<Fr> {
        let horner = |point: &Fr| form.iter().rev().fold(Fr::ZERO, |sum, c| sum * point + c);
        self.points.iter().map(horner).collect()
    }
}

/// Columns of a row that are made together.
const BLOCK: usize = 128;

/// The first powers of some points.
enum Powers {
    Plain(Vec<Vec<Fr>>),
    #[cfg(target_arch = "x86_64")]
    Lanes(Simd, Vec<Table>),
}

impl Powers {
    fn new(powers: Vec<Vec<Fr>>) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = zktorch_blocks::lanes::simd().filter(|_| powers.len() <= MOST) {
            return Self::Lanes(simd, powers.iter().map(|powers| Table::new(simd, powers)).collect());
        }
        Self::Plain(powers)
    }

    /// `sum_i terms_i powers_i`.
    fn combine(&self, terms: &[Fr], out: &mut [Fr]) {
        match self {
            Self::Plain(powers) => {
                for (l, out) in out.iter_mut().enumerate() {
                    *out = terms.iter().zip(powers).map(|(term, powers)| *term * powers[l]).sum();
                }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(simd, powers) => {
                let weighted: Vec<(Fr, &Table)> = terms.iter().copied().zip(powers).collect();
                combination(*simd, &weighted, out);
            }
        }
    }
}

fn mask_points(key: &KeyDigest, count: usize) -> Vec<Fr> {
    (0u64..).take(count).map(|index| mask_point(key, index)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zktorch_accumulator::setup::Setup;
    use zktorch_blocks::field::dot;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test")]
    fn combinations_are_committed_to_and_have_full_rank() {
        let generators = Setup::insecure(5).expect("in range").generators;
        let mut randomness = crate::Randomness::insecure_seed(1);
        let mut random = |n: usize| (0..n).map(|_| randomness.scalar()).collect::<Vec<Fr>>();
        let rows = MaskRows::new(&generators, KeyDigest::new([7; 32]), 20);
        assert_eq!([rows.count(), MaskRows::new(&generators, KeyDigest::new([7; 32]), 40).count()], [20, 32]);
        let coefficients = random(rows.count());
        let mask = rows.combine(&coefficients, Fr::from(7u64));
        let expected = msm::sum(&generators.g, &mask.row) + generators.h * Fr::from(7u64);
        assert_eq!(mask.commitment, expected.into_affine());
        let form = random(32);
        let wide = MaskRows { columns: 256, ..rows.clone() }.combine(&coefficients, Fr::ZERO);
        let entry = |j: u64| rows.points.iter().zip(&coefficients).map(|(point, c)| point.pow([j]) * c).sum::<Fr>();
        assert_eq!(*wide.row, (0..256).map(entry).collect::<Vec<Fr>>());
        assert_eq!(dot(&form, &mask.row), dot(&rows.values(&form), &coefficients));
        // As many unit forms as rows: no combination of rows vanishes on all of them.
        let n = rows.count();
        for places in [0..n, 32 - n..32] {
            let mut matrix: Vec<Vec<Fr>> =
                places.map(|i| rows.values(&(0..32).map(|j| Fr::from(u64::from(j == i))).collect::<Vec<Fr>>())).collect();
            for column in 0..n {
                let pivot = (column..n).find(|&i| matrix[i][column] != Fr::ZERO).expect("full rank");
                matrix.swap(column, pivot);
                let inverse = matrix[column][column].inverse().expect("a pivot");
                for i in column + 1..n {
                    let factor = matrix[i][column] * inverse;
                    let own = matrix[column].clone();
                    matrix[i].iter_mut().zip(own).for_each(|(a, b)| *a -= factor * b);
                }
            }
        }
    }
}
