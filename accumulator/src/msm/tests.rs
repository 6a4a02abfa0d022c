//! Every kernel against the definition.

use super::*;
use crate::rows::Row;
use crate::setup::{Generators, hash};
use ark_bls12_381::Fq;
use ark_ec::{CurveGroup, PrimeGroup};
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use proptest::prelude::*;
use std::sync::LazyLock;
use zktorch_blocks::field::from_i64;
use zktorch_blocks::integers::Integers;

static BASES: LazyLock<Generators> = LazyLock::new(|| Generators::powers_of(hash::insecure_tau(), 1 << 12));

fn random(seed: u64) -> impl Iterator<Item = Fr> {
    let start = Fr::from(seed + 2).pow([0x1234_5678_9abc_def1]);
    std::iter::successors(Some(start), |x| Some(x.square() + Fr::from(7u64)))
}

fn naive(bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
    bases.iter().zip(scalars).map(|(b, s)| *b * s).sum()
}

#[test]
fn full_size_sums_are_the_naive_ones() {
    for n in [0, 1, 2, 3, 31, 32, 100, 128, 129, 700] {
        let scalars: Vec<Fr> = random(1).take(n).collect();
        assert_eq!(full::sum(&BASES.g[..n], &scalars), naive(&BASES.g, &scalars), "{n}");
    }
}

#[test]
fn full_size_sums_of_special_scalars_and_points_are_the_naive_ones() {
    let mut bases = vec![BASES.g[3]; 40];
    bases.extend([G1Affine::identity(), -BASES.g[3], G1Projective::generator().into_affine()]);
    bases.extend_from_slice(&BASES.g[..8]);
    let mut scalars = vec![Fr::ONE; 20];
    scalars.extend(vec![-Fr::ONE; 10]);
    scalars.extend(random(3).take(10));
    scalars.extend([Fr::ONE, Fr::from(5u64), Fr::ZERO, -Fr::from(2u64)]);
    scalars.extend(random(4).take(7));
    assert_eq!(full::sum(&bases, &scalars), naive(&bases, &scalars));
    assert_eq!(full::sum(&bases, &vec![Fr::ZERO; 51]), G1Projective::ZERO);
}

/// Points of small order: both of order 3, and what the group's order leaves of other points of the curve.
fn small_order() -> Vec<G1Affine> {
    let three = G1Affine::new_unchecked(0u64.into(), 2u64.into());
    let on_curve = (1u64..40).filter_map(|x| G1Affine::get_point_from_x_unchecked(x.into(), x % 2 == 0));
    let mut points: Vec<G1Affine> = on_curve.map(|p| p.mul_bigint(Fr::MODULUS).into_affine()).collect();
    points.extend([three, -three]);
    points
}

#[test]
fn the_cofactor_clears_points_of_small_order() {
    let points = small_order();
    assert!(points.len() > 10);
    for point in &points {
        assert!(point.is_on_curve() && !point.is_zero() && !point.is_in_correct_subgroup_assuming_on_curve());
        assert!(point.clear_cofactor().is_zero());
        assert_eq!(project_sum(&[*point], &[-Fr::ONE]), G1Projective::ZERO);
    }
    for point in &BASES.g[..3] {
        assert_eq!(point.clear_cofactor(), (*point * Fr::from(COFACTOR)).into_affine());
    }
}

#[test]
fn projected_sums_lose_points_of_small_order() {
    let small = small_order();
    let three = small[small.len() - 1];
    for n in [1, 2, 7, 40, 128, 129, 600] {
        let bases = &BASES.g[..n];
        let scalars: Vec<Fr> = random(6).take(n).collect();
        let expected = naive(bases, &scalars);
        let outside = |part: &dyn Fn(usize) -> G1Affine| -> Vec<G1Affine> {
            bases.iter().enumerate().map(|(i, p)| (*p + part(i)).into_affine()).collect()
        };
        assert_eq!(project_sum(bases, &scalars), expected);
        let mixed = outside(&|i| small[i % small.len()]);
        assert!(sum(&mixed, &scalars) != expected, "parts of small order count where there is no projection");
        for points in [mixed, outside(&|_| three), outside(&|i| if i == 0 { three } else { -three })] {
            assert_eq!(project_sum(&points, &scalars), expected, "{n}");
            // What a verifier without the kernels computes.
            let divided: Vec<Fr> = scalars.iter().map(|s| *s / Fr::from(COFACTOR)).collect();
            let plain: G1Projective = ark_ec::VariableBaseMSM::msm_unchecked(&points, &divided);
            assert_eq!(plain.into_affine().clear_cofactor(), expected.into_affine(), "{n}");
        }
        // Sums that meet doublings, inverses and the identity all along.
        for scalars in [vec![Fr::ONE; n], vec![-Fr::ONE; n], scalars.clone()] {
            for point in [three, -three, G1Affine::identity()] {
                assert_eq!(project_sum(&vec![point; n], &scalars), G1Projective::ZERO);
            }
            let equal = vec![(BASES.g[5] + three).into_affine(); n];
            assert_eq!(project_sum(&equal, &scalars), BASES.g[5] * scalars.iter().sum::<Fr>());
        }
    }
    assert_eq!(project_sum(&[], &[]), G1Projective::ZERO);
}

#[test]
fn folded_bases_are_sums_of_their_own() {
    for (n, k) in [(1, 1), (1, 8), (3, 2), (64, 8), (100, 4)] {
        let mut weights: Vec<Fr> = random(8).take(k).collect();
        weights[0] = Fr::ONE;
        let folded = fold(&BASES.g[..n * k], &weights);
        assert_eq!(folded.len(), n);
        for (i, point) in folded.iter().enumerate() {
            let points: Vec<G1Affine> = BASES.g[..n * k].iter().skip(i).step_by(n).copied().collect();
            assert_eq!(*point, naive(&points, &weights).into_affine());
        }
    }
    let equal = vec![BASES.g[2]; 16];
    let weights = [Fr::ONE, -Fr::ONE, Fr::from(2u64), -Fr::from(2u64)];
    assert_eq!(fold(&equal, &weights), vec![G1Affine::identity(); 4]);
}

#[test]
fn sums_eight_at_a_time_are_those_one_by_one() {
    let points = points::Points::new(&BASES.g[..2000]);
    let others = points::Points::new(&BASES.g[2000..2100]);
    let mut next = random(11).map(|x| x.into_bigint().0[0]);
    let mut below = |n: usize| next.next().unwrap() as usize % n;
    for groups in [1, 2, 7, 8, 9, 100, 1500] {
        for count in [0, 1, 7, 8, 9, 15, 16, 17, 63, 65, 1023, 1025, 2100] {
            // All points differ, so that some are added that have no x in common.
            let entries: Vec<batch::Entry> =
                (0..count).map(|i| (below(groups) as u32, (i as u32 * 1999 % 2100) | ((below(2) as u32) << 31))).collect();
            let sums = points.sums(&others, groups, &entries);
            assert_eq!(sums, points.sums_one_by_one(&others, groups, &entries), "{groups} {count}");
            // A second entry of a point adds it to itself or takes it away, sooner or later.
            let twice: Vec<batch::Entry> =
                entries.iter().flat_map(|&(g, tag)| [(g, tag), (g, tag ^ (tag & 1) << 31)]).collect();
            assert_eq!(points.sums(&others, groups, &twice), points.sums_one_by_one(&others, groups, &twice));
        }
    }
}

#[test]
fn doubles_and_images_eight_at_a_time_are_those_one_by_one() {
    for count in [1, 7, 8, 9, 1023, 1025] {
        let bases = &BASES.g[..count];
        // What is added to nothing, of some groups, leaves the identity for others.
        let entries: Vec<batch::Entry> = (0..count as u32).filter(|i| i % 5 != 3).map(|i| (i, i)).collect();
        for points in [points::Points::new(bases), points::Points::new(bases).sums(&points::Points::none(), count, &entries)]
        {
            let mut twice = points.clone();
            twice.double();
            let expected = |f: &dyn Fn(CurvePoint) -> CurvePoint| points.iter().map(f).collect::<Vec<_>>();
            let double = |p: CurvePoint| CurvePoint::from(&(G1Projective::from(G1Affine::from(&p)).double()));
            assert_eq!(twice.iter().collect::<Vec<_>>(), expected(&double));
            let image = |p: CurvePoint| if p.is_identity() { p } else { glv::endomorphism(p) };
            assert_eq!(points.clone().endomorphism().iter().collect::<Vec<_>>(), expected(&image));
            assert_eq!(points.join(&points), twice);
        }
    }
}

/// Integers of all widths, with the extremes and many zeros.
fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => Just(0i64),
        4 => -128i64..128,
        3 => -40_000i64..40_000,
        1 => any::<i64>(),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(-1), Just(1), Just(255), Just(-256), Just(32_767), Just(-32_768)],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn rows_of_integers_are_the_naive_sums(rows in prop::collection::vec(prop::collection::vec(integer(), 0..40), 1..4), seed in 0u64..1000) {
        check_rows(&rows, seed);
    }

    #[test]
    fn rows_of_bytes_are_the_naive_sums(row in prop::collection::vec(-128i64..128, 300), seed in 0u64..1000) {
        check_rows(&[row], seed);
    }
}

fn check_rows(rows: &[Vec<i64>], seed: u64) {
    let blinders: Vec<Fr> = random(seed).take(rows.len()).collect();
    let committed: Vec<Row> = rows.iter().map(|row| Row::from(Integers::from(row.as_slice()))).collect();
    let points = row::commit_rows(&committed.iter().collect::<Vec<_>>(), &blinders, &BASES);
    assert_eq!(points.len(), rows.len());
    for ((row, blinder), point) in rows.iter().zip(blinders).zip(points) {
        let scalars: Vec<Fr> = row.iter().map(|&v| from_i64(v)).collect();
        let sum = naive(&BASES.g, &scalars);
        assert_eq!(row::sum(row, &BASES.g), sum);
        assert_eq!(point, (sum + BASES.h * blinder).into_affine());
    }
}

#[test]
fn rows_of_extremes_are_the_naive_sums() {
    let edge = |k: u32| [1i64 << k, (1 << k) - 1, -(1 << k), -(1 << k) - 1];
    let row: Vec<i64> = (0..62).flat_map(edge).chain([i64::MIN, i64::MAX, i64::MIN + 1]).collect();
    check_rows(&[row, vec![0; 9], Vec::new(), vec![i64::MIN; 20], vec![1; 300]], 1);
    for k in 0..62 {
        check_rows(&[edge(k).to_vec()], 2);
    }
}

#[test]
fn fixed_tables_give_the_naive_sums() {
    let tables = fixed::Tables::new(&BASES.g[..300]);
    assert_eq!((tables.len(), tables.is_empty()), (300, false));
    for (column, n) in [(0, 0), (0, 1), (7, 3), (100, 81), (219, 81), (290, 30), (300, 0), (301, 2)] {
        let mut scalars: Vec<Fr> = random(column as u64).take(n).collect();
        if let [first, .., last] = scalars.as_mut_slice() {
            (*first, *last) = (-Fr::ONE, Fr::from(2u64).pow([127]));
        }
        let blinder = random(5).next().unwrap();
        let expected = naive(&BASES.g[column..], &scalars) + BASES.h * blinder;
        assert_eq!(fixed::commit(&tables, &BASES, column, &scalars, blinder), expected.into_affine());
    }
    let bytes = tables.to_raw();
    assert_eq!(fixed::Tables::from_raw(&bytes).unwrap(), tables);
    assert!(fixed::Tables::from_raw(&bytes[96..]).is_none() && fixed::Tables::from_raw(&bytes[1..]).is_none());
    // The modulus is no coordinate.
    let mut other = bytes;
    other[48..96].iter_mut().zip(Fq::MODULUS.to_bytes_le()).for_each(|(byte, own)| *byte = own);
    assert!(fixed::Tables::from_raw(&other).is_none());
}

#[test]
fn blinders_are_multiples_of_their_base() {
    for blinder in random(9).take(50).chain([Fr::ZERO, Fr::ONE, -Fr::ONE]) {
        assert_eq!(fixed::blind(blinder), BASES.h * blinder);
    }
}

#[test]
fn fixed_tables_of_special_scalars_and_points_give_the_naive_sums() {
    let mut bases = vec![BASES.g[3]; 12];
    bases.extend([G1Affine::identity(), -BASES.g[3], G1Projective::generator().into_affine()]);
    bases.extend_from_slice(&BASES.g[..8]);
    let tables = fixed::Tables::new(&bases);
    let generators = Generators::new(bases.clone());
    let n = bases.len();
    let alternating = |a: Fr, b: Fr| (0..n).map(|i| if i % 2 == 0 { a } else { b }).collect::<Vec<Fr>>();
    let some = random(4).next().unwrap();
    let vectors = [
        alternating(Fr::ZERO, Fr::ZERO),
        alternating(Fr::ONE, Fr::ONE),
        alternating(-Fr::ONE, -Fr::ONE),
        alternating(some, some),
        alternating(some, -some),
        alternating(Fr::ZERO, some),
        alternating(some, some.double()),
        random(5).take(n).collect(),
        Vec::new(),
    ];
    for (vector, column) in vectors.iter().flat_map(|v| (0..4).map(move |column| (v, column))) {
        let scalars = vector.get(..n - column).unwrap_or(vector);
        for blinder in [Fr::ZERO, some] {
            let expected = naive(&bases[column..], scalars) + generators.h * blinder;
            assert_eq!(fixed::commit(&tables, &generators, column, scalars, blinder), expected.into_affine());
        }
    }
    assert_eq!(fixed::commit(&tables, &generators, 0, &vectors[0], Fr::ZERO), G1Affine::identity());
}
