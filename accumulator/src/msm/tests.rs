//! Every kernel against the definition.

use super::*;
use crate::setup::{Generators, hash};
use ark_ec::{AffineRepr, PrimeGroup};
use ark_ff::{AdditiveGroup, Field};
use std::sync::LazyLock;
use std::time::Instant;

static BASES: LazyLock<Generators> = LazyLock::new(|| Generators::powers_of(hash::insecure_tau(), 1 << 12));

fn random(seed: u64) -> impl Iterator<Item = Fr> {
    let start = Fr::from(seed + 2).pow([0x1234_5678_9abc_def1]);
    std::iter::successors(Some(start), |x| Some(x.square() + Fr::from(7u64)))
}

fn naive(bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
    bases.iter().zip(scalars).map(|(b, s)| *b * s).sum()
}

#[test]
fn full_size_sums() {
    for n in [0, 1, 2, 3, 31, 32, 100, 700] {
        let scalars: Vec<Fr> = random(1).take(n).collect();
        assert_eq!(full::sum(&BASES.g[..n], &scalars), naive(&BASES.g, &scalars), "{n}");
    }
}

#[test]
fn full_size_sums_of_special_scalars_and_points() {
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

#[test]
#[ignore = "prints timings"]
fn timings() {
    let median = |f: &mut dyn FnMut()| {
        let mut t: Vec<f64> = (0..7)
            .map(|_| {
                let s = Instant::now();
                f();
                s.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        t.sort_by(f64::total_cmp);
        t[3]
    };
    let mut x = BASES.g[5].x;
    println!("1000 mul {} ms", median(&mut || for _ in 0..1000 { x *= std::hint::black_box(BASES.g[7].x) }));
    println!("100 inverse {} ms", median(&mut || for _ in 0..100 { x = (x + ark_bls12_381::Fq::ONE).inverse().unwrap() }));
    for n in [81, 500, 4096] {
        let scalars: Vec<Fr> = random(1).take(n).collect();
        let ark = median(&mut || { std::hint::black_box(G1Projective::msm_unchecked(&BASES.g[..n], &scalars)); });
        let own = median(&mut || { std::hint::black_box(full::sum(&BASES.g[..n], &scalars)); });
        println!("full {n}: ark {ark} ms, own {own} ms");
    }
}
