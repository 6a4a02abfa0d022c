//! Two attacks on drafts of the protocol (docs/protocol.md, section 20.1, and docs/protocol.md, section 20.2), and two on batches without
//! weights, each shown to work but for the rule that stops it.

use ark_ff::{Field, Zero};
use std::collections::{BTreeMap, BTreeSet};
use zktorch_accumulator::layout::Split;
use zktorch_accumulator::msm;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::{Fr, evaluate, from_i64};
use zktorch_blocks::sumcheck::Degree;
use zktorch_blocks::transcript::{Check, Constraint, Equation, HiddenAffine, Message, Product, Reject, Slot};
use zktorch_tests::field_witness::{Data, table, tensor};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::known_challenges::{before_zeta, fake_output, off_the_table};
use zktorch_tests::linear::{Row, solve};
use zktorch_tests::lying::{Lie, Outcome, violated};
use zktorch_tests::toy::Toy;
use zktorch_verifier::key::Relation;

/// What is zero if the constraint holds.
fn residual(constraint: &Constraint, u: &[Fr]) -> Fr {
    let at = |form: &HiddenAffine| form.evaluate(u, Fr::ONE);
    constraint.products.iter().map(|Product(a, b)| at(a) * at(b)).sum::<Fr>() + at(&constraint.form)
}

/// What to add to hidden scalars, those of products left alone, so that all constraints hold.
fn repair(outcome: &Outcome) -> BTreeMap<usize, Fr> {
    let in_products: BTreeSet<usize> = outcome
        .constraints
        .iter()
        .flat_map(|c| c.products.iter().flat_map(|Product(a, b)| a.terms.iter().chain(&b.terms)).map(|&(i, _)| i))
        .collect();
    // What is hidden for the products themselves stays too: what it must satisfy depends on a challenge that is still to be drawn.
    let end = outcome.messages.iter().find(|m| m.label == Message::ProductRounds).expect("there are products").first;
    let row = |c: &Constraint| {
        let mut row = Row::new();
        for &(index, coefficient) in c.form.terms.iter().filter(|(i, _)| !in_products.contains(i) && *i < end) {
            *row.entry(index).or_default() += coefficient;
        }
        row.retain(|_, c| !c.is_zero());
        (row, -residual(c, &outcome.scalars))
    };
    solve(outcome.constraints.iter().map(row)).expect("there is a way out")
}

/// The slot, of one column, of a hidden scalar.
fn slot(outcome: &Outcome, index: usize) -> Slot {
    let own = outcome.messages.iter().find(|m| (m.first..m.first + m.slot.len).contains(&index)).expect("a hidden scalar");
    Slot { segment: own.slot.segment, column: own.slot.column + index - own.first, len: 1 }
}

fn slot_mixing(setup: &Setup, refusal: Check) {
    let toy = Toy::default();
    let (weights, input) = toy.sample(3);
    let fixture = Fixture::new(toy.program(), weights, setup, 10);
    let inputs = [input];
    let fake = || Lie::none().statement(|s| s[0][0] += 7);
    let first = fixture.tell(&inputs, &fake());
    assert_eq!(first.violated, [Equation::LeafDenominator]);
    let delta: BTreeMap<usize, (Slot, Fr)> =
        repair(&first).into_iter().filter(|(_, d)| !d.is_zero()).map(|(i, d)| (i, (slot(&first, i), d))).collect();
    assert!(!delta.is_empty());

    let attack = fixture.tell(&inputs, &fake().off_slot(delta, from_i64(1)));
    // Every constraint holds, hence the masked sum, and the messages do commit to these scalars, segment by segment: what stands between this and
    // an arbitrary output is that each message lies on its own slot.
    assert_eq!(violated(&attack.constraints, &attack.scalars), []);
    let generators = &fixture.proving.generators;
    for segment in 0..=attack.messages.last().expect("messages").slot.segment {
        let mut sum = msm::sum(&[], &[]);
        for (message, blinder) in attack.messages.iter().zip(&attack.blinders).filter(|(m, _)| m.slot.segment == segment) {
            sum += message.commitment;
            sum -= generators.h * blinder;
            let own = &attack.scalars[message.first..message.first + message.slot.len];
            sum -= msm::sum(&generators.g[message.slot.column..message.slot.column + message.slot.len], own);
        }
        assert!(sum.is_zero());
    }
    assert_eq!(attack.reason(), &Reject::Check(refusal));
}

#[test]
fn a_late_message_cannot_rewrite_early_ones_on_kzg() {
    slot_mixing(&Setup::insecure(10).expect("in range"), Check::DeciderPairing);
}

#[test]
fn a_late_message_cannot_rewrite_early_ones_on_the_transparent_setup() {
    slot_mixing(&Setup::transparent(1024).expect("in range"), Check::IpaFinal);
}

/// What is committed is wrong in one entry; tree and evaluations tell the true one, and two multiplicities are shifted so that the leaf check
/// holds and the errors of the three claims cancel: with weights one their sum would be true of what is committed. Returns row and column point of
/// the three claims.
fn errors_of_claims_cancel(toy: &Toy, column_bits: u32, wrong: Polynomial, shifted: [&str; 2]) -> [Split; 3] {
    let (fixture, input) = Fixture::toy(toy, column_bits);
    let inputs = [input];
    let shifted = shifted.map(|name| table(&fixture.verifying.program, name));
    let commit = move |d: &mut Data<'_>| {
        let mut rows = d.values[&wrong].clone();
        rows[2] += from_i64(9);
        d.rows.insert(wrong, rows);
    };
    let first = fixture.tell(&inputs, &Lie::none().data(commit));
    let position = |p: Polynomial| first.answers.iter().position(|(q, _, _)| *q == p).expect("evaluated");
    let places = [wrong, shifted[0], shifted[1]].map(position);
    let (_, point, _) = &first.answers[places[0]];
    let mut rows = vec![from_i64(0); 1 << point.len()];
    rows[2] = from_i64(9);
    let error = evaluate(rows, point);
    // The weights with which the two multiplicities enter the check of the leaves.
    let leaf = first.constraints.iter().find(|c| c.label == Equation::LeafNumerator).expect("there is a tree");
    let base = first.messages.iter().find(|m| m.label == Message::LeafValues).expect("there are leaf values").first;
    let weight = |place: usize| leaf.form.terms.iter().filter(|(i, _)| *i == base + place).map(|(_, c)| *c).sum::<Fr>();
    let (w1, w2) = (weight(places[1]), weight(places[2]));
    // d1 + d2 = error, w1 d1 + w2 d2 = 0: true - told = error - d1 - d2 = 0.
    let d1 = error * w2 * (w2 - w1).inverse().expect("different blocks");
    let d2 = error - d1;
    let attack = fixture.tell(
        &inputs,
        &Lie::none().data(commit).hidden(Message::LeafValues, 0, move |v| {
            v[places[1]] += d1;
            v[places[2]] += d2;
        }),
    );
    // The leaves' check passes; the powers of gamma do not let the errors cancel.
    assert_eq!(attack.violated, first.violated);
    assert!([Equation::CrossTerms, Equation::AccumulatedClaim].iter().any(|&e| attack.violated == [e]));
    assert_eq!(attack.reason(), &Reject::Check(Check::MaskedSum));
    let relation = Relation::new(&fixture.verifying).expect("a good key");
    places.map(|place| {
        let (polynomial, point, _) = &first.answers[place];
        relation.layout.split(*polynomial, point).expect("committed")
    })
}

#[test]
fn errors_of_claims_that_cancel_are_refused() {
    let toy = Toy { shifts: [4, 4], ..Toy::default() };
    let activation = Polynomial::Tensor(tensor(&toy.program(), "f1"));
    let [a, b, c] = errors_of_claims_cancel(&toy, 4, activation, ["relu", "input"]);
    assert!(a.columns == b.columns && b.columns == c.columns, "one column point");
}

#[test]
fn errors_of_claims_on_tensors_of_one_row_that_cancel_are_refused() {
    let toy = Toy::default();
    let [a, b, c] = errors_of_claims_cancel(&toy, 10, table(&toy.program(), "relu"), ["y1.rem", "input"]);
    assert!(a.rows.len() == 1 && a.rows == b.rows && b.rows == c.rows, "one row");
    assert!(a.columns != b.columns && b.columns != c.columns && a.columns != c.columns, "three column points");
}

/// Tells a lie whose errors add up to zero: with weights one it would be proved.
fn refused_though_errors_cancel(products: bool, lie: impl Fn(Option<&Outcome>) -> Lie<'static>, violated: &[Equation]) {
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    let inputs = [input];
    let attack = fixture.tell(&inputs, &lie(Some(&fixture.tell(&inputs, &lie(None)))));
    assert_eq!(attack.violated, violated);
    assert!(error(&attack, products).is_zero());
    assert_eq!(attack.reason(), &Reject::Check(Check::MaskedSum));
}

/// What the constraints with products, or those without, leave together.
fn error(outcome: &Outcome, products: bool) -> Fr {
    let own = before_zeta(outcome).filter(|c| c.products.is_empty() != products);
    own.map(|c| residual(c, &outcome.scalars)).sum()
}

#[test]
fn errors_of_products_that_cancel_are_refused() {
    // A numerator below the root, which enters two constraints: all is known before `zeta`.
    let lie = |first: Option<&Outcome>| {
        let Some(first) = first else { return off_the_table() };
        let base = first.messages.iter().find(|m| m.label == Message::TreeTop).expect("there is a tree").first;
        // q; p0, p1; q0, q1. The root's constraint has p0 q1, the left node's has -p0.
        let change = -error(first, true) * (first.scalars[base + 4] - from_i64(1)).inverse().expect("random");
        off_the_table().hidden(Message::TreeTop, 0, move |v| v[1] += change)
    };
    refused_though_errors_cancel(true, lie, &[Equation::TreeTopNumerator, Equation::ProductRounds]);
}

#[test]
fn errors_of_linear_constraints_that_cancel_are_refused() {
    // A constant in a round of the wave, which raises the sum of the round and lowers that of the next: all is known before `eta`.
    let lie = |first: Option<&Outcome>| {
        let Some(first) = first else { return fake_output() };
        let len = first.messages.iter().find(|m| m.label == Message::WaveRounds).expect("there is a wave").slot.len;
        let (degree, b) = [Degree::Two, Degree::Three]
            .into_iter()
            .flat_map(|d| (1..5).map(move |b| (d, b)))
            .find(|(d, b)| d.message_len(*b) == len)
            .expect("a length");
        let constant = -error(first, false) * from_i64((1 << b) - 1).inverse().expect("not zero");
        // A constant has no leading coefficients.
        let finite = move |at: usize| (0..b).all(|j| at / degree.message_len(j) % degree.nodes() + 1 < degree.nodes());
        fake_output().hidden(Message::WaveRounds, 0, move |v| {
            v.iter_mut().enumerate().filter(|(at, _)| finite(*at)).for_each(|(_, value)| *value += constant);
        })
    };
    refused_though_errors_cancel(false, lie, &[Equation::LeafDenominator, Equation::WaveRounds]);
}
