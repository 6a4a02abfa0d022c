//! Cumulative sums: nothing is looked up or committed, so that all there is to lie about is what is shown.

use super::net::{Net, Subject};
use super::{shift, told};
use zktorch_blocks::program::Visibility::Public;
use zktorch_compiler::ops::{CumSum, Op};

fn sums(exclusive: bool, reverse: bool) -> Subject {
    Net::new(&[1, 5]).dense("fc", 5).then("sums", Op::CumSum(CumSum { axis: 1, exclusive, reverse })).keys(Public, 3)
}

#[test]
fn a_sum_that_is_off_is_refused() {
    for (exclusive, reverse) in [(false, false), (false, true), (true, false), (true, true)] {
        sums(exclusive, reverse).refuse(&[
            told("the first entry one more", shift("out", 0, 1), &["out.difference"]),
            told("an entry in the middle one less", shift("out", 2, -1), &["out.difference"]),
            told("the last entry one more", shift("out", 4, 1), &["out.difference"]),
        ]);
    }
}

#[test]
fn a_sum_in_the_other_direction_is_refused() {
    let [other, own] = [sums(false, true), sums(false, false)].map(|s| s.values("out"));
    let lies: Vec<_> = (0..5).filter(|&at| other[at] != own[at]).map(|at| shift("out", at, other[at] - own[at])).collect();
    assert!(lies.len() >= 3, "{own:?} {other:?}");
    let lies: Vec<_> =
        lies.into_iter().map(|lie| told("an entry of the sum from the end", lie, &["out.difference"])).collect();
    sums(false, false).refuse(&lies);
}
