//! Advice that does not follow its rule, in tiny networks that the real compiler made: one prover for each way in which a
//! lowering could go wrong, refused by the check and with the violated constraints that `docs/advice.md` names.

mod activation;
mod bits;
mod bounds;
mod division;
mod indices;
mod integers;
mod masked;
mod maximum;
mod net;
mod norms;
mod recurrence;
mod rounding;
mod router;
mod softmax;
mod sums;
mod trees;
mod whole;

use zktorch_blocks::field::{Fr, from_i64};
use zktorch_blocks::program::TensorId;
use zktorch_blocks::transcript::{Check, Equation, Reject};
use zktorch_tests::field_witness::Data;
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::Lie;
use zktorch_verifier::Verdict;

/// Where the hidden scalars do not satisfy the constraints.
const EQUATION: Check = Check::MaskedSum;

/// A lie, and exactly the relations that it breaks: lookups by their first column, and tensors that should vanish.
struct Told<'l> {
    name: &'l str,
    lie: Lie<'l>,
    broken: &'l [&'l str],
}

fn told<'l>(name: &'l str, lie: Lie<'l>, broken: &'l [&'l str]) -> Told<'l> {
    Told { name, lie, broken }
}

/// Tells all lies. Each must break these relations alone, violate the constraints that stand for them, and be refused there.
fn refuse(fixture: &Fixture, inputs: &[Vec<i64>], lies: &[Told<'_>]) {
    let program = &fixture.verifying.program;
    let names = |ids: Vec<TensorId>| -> Vec<&str> { ids.into_iter().map(|id| program.tensors[id].name.as_str()).collect() };
    let rows = program.row_lookups.iter().map(|l| l.rows);
    let lookups = names(program.lookups.iter().map(|l| l.columns[0]).chain(rows).collect());
    // A lookup ends in products, and these in a sum.
    let kinds = [
        (Equation::TreeTopNumerator, lookups.clone()),
        (Equation::ZeroConstraint, names(program.zeros.clone())),
        (Equation::ProductRounds, lookups),
    ];
    let mut wrong = Vec::new();
    for Told { name, lie, broken } in lies {
        let outcome = fixture.tell(inputs, lie);
        let expected = kinds.iter().filter(|(_, own)| broken.iter().any(|b| own.contains(b))).map(|(label, _)| *label);
        let refused = outcome.verdict == Verdict::Rejected(Reject::Check(EQUATION));
        if !refused || outcome.broken != *broken || outcome.violated != expected.collect::<Vec<_>>() {
            wrong.push(format!(
                "{name}: {:?}, broken {:?}, violated {:?}",
                outcome.verdict, outcome.broken, outcome.violated
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Adds to one entry of a tensor, row-major over its valid box; later advice follows its rules.
fn shift(name: &str, at: usize, by: i64) -> Lie<'_> {
    Lie::none().run(name, move |v| v[at] += by)
}

/// Changes the witness, after which virtual tensors follow and advice does not.
fn witness<'l>(edit: impl Fn(&mut Data<'_>) + 'l) -> Lie<'l> {
    Lie::none().data(move |d| {
        edit(d);
        d.derive_virtual();
    })
}

/// `1 / n`.
fn fraction(n: i64) -> Fr {
    use ark_ff::Field;
    from_i64(n).inverse().expect("not zero")
}
