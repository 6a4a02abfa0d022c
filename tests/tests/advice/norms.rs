//! Normalisation: the mean, the root and its reciprocal of a row are its own, and no others.

use super::net::{Net, Subject};
use super::{shift, told, witness};
use zktorch_blocks::field::from_i64;
use zktorch_blocks::program::Visibility::Public;
use zktorch_compiler::ops::{Norm, Op};
use zktorch_tests::lying::Lie;

/// Three rows of three entries, padded to four, with products around.
fn normed(centred: bool) -> Subject {
    let net = Net::new(&[3, 3]).dense("fc", 3);
    net.then("n", Op::Norm(Norm { axes: vec![1], eps: 1e-5, centred })).dense("fd", 2).keys(Public, 3)
}

#[test]
fn rows_have_their_mean_taken_away_and_their_root_divided_by() {
    for centred in [false, true] {
        let s = normed(centred);
        let scale = f64::from(s.scale("n.rounded"));
        let rows: Vec<Vec<f64>> =
            s.values("n.rounded").chunks(3).map(|row| row.iter().map(|&v| v as f64 * (-scale).exp2()).collect()).collect();
        for row in rows {
            let (sum, squares) = (row.iter().sum::<f64>(), row.iter().map(|v| v * v).sum::<f64>());
            assert!((squares - 3.0).abs() < 0.2, "{row:?}");
            assert!(!centred || sum.abs() < 0.1, "{row:?}");
        }
    }
}

#[test]
fn lies_about_a_row_are_refused() {
    let s = normed(true);
    s.refuse(&[
        told("a mean that is larger", shift("n.mean", 0, 1), &["n.mean.remainder"]),
        told("a mean that is smaller", shift("n.mean", 1, -1), &["n.mean.rest"]),
        told("a root that is larger", shift("n.root", 0, 1), &["n.root.remainder.high"]),
        told("a root that is smaller", shift("n.root", 1, -1), &["n.root.rest.high"]),
        told(
            "a root that is negative",
            witness(|d| {
                let root = d.at("n.root", &[0]);
                *root = -*root;
            }),
            &["n.reciprocal.over.low", "n.reciprocal.rest.low", "n.root.low", "n.root.rest.low"],
        ),
        told("a reciprocal that is larger", shift("n.reciprocal", 2, 1), &["n.reciprocal.over.high"]),
        told("a reciprocal that is smaller", shift("n.reciprocal", 0, -1), &["n.reciprocal.rest.high"]),
        told(
            "the reciprocal of another row",
            Lie::none().run("n.reciprocal", |v| v.swap(0, 1)),
            &["n.reciprocal.over.high", "n.reciprocal.rest.high"],
        ),
        told("an entry that is off", shift("n.rounded", 4, 1), &["n.remainder.high"]),
        told(
            "an entry in padding",
            witness(|d| *d.at("n.rounded", &[0, 3]) += from_i64(1)),
            &["n.offset", "n.remainder.low"],
        ),
    ]);
}
