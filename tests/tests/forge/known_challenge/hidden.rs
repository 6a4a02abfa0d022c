//! What breaks if a challenge is known too early: for each, a prover with a false witness or statement who is accepted by a verifier
//! whose challenges are known beforehand, and refused if they are hashed. Here the challenges of the hidden messages; the rest is in
//! `closing.rs`.

use ark_ff::Field;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::from_i64;
use zktorch_blocks::lookup::TAIL;
use zktorch_blocks::program::Role;
use zktorch_blocks::transcript::{Equation, Message};
use zktorch_tests::field_witness::Data;
use zktorch_tests::known_challenges::{
    Liar, OFF_THE_TABLE, add, before_zeta, coins, fake_output, is_numerator, off_the_table, other_counts, other_rows,
};
use zktorch_tests::last_message_repair::last_message_repair;
use zktorch_tests::lying::Lie;
use zktorch_tests::reference_lookup;
use zktorch_tests::toy::Toy;

#[test]
fn known_fingerprints_let_a_false_lookup_pass() {
    // alpha and beta before the multiplicities: one multiplicity makes the fractions sum to zero.
    let [alpha, beta] = [coins()[0], coins()[1]];
    Liar::default().works_if_known(
        || {
            Lie::none().run("y1", |v| v[8] -= 1).data(move |d: &mut Data<'_>| {
                let excess = reference_lookup::sum(d, [alpha, beta, beta.square()]);
                let tag = d.program.tables.iter().position(|t| t.name == "y1.rem").expect("a table") as i64 + 1;
                d.counts("y1.rem")[0] += excess * (alpha + beta.square() * from_i64(tag));
            })
        },
        &[],
    );
}

#[test]
fn a_known_point_below_the_tree_top_lets_a_false_lookup_pass() {
    Liar::default().cured(off_the_table, OFF_THE_TABLE, (Message::TreeTop, 0), |_, at| is_numerator(at));
}

#[test]
fn known_rounds_of_the_tree_let_a_false_lookup_pass() {
    // Numerators that make the root zero move the error to the first layer that has rounds.
    let liar = Liar::default();
    let first = liar.known(off_the_table, OFF_THE_TABLE);
    let root = before_zeta(&first).filter(|c| c.label == Equation::TreeTopNumerator);
    let patch = last_message_repair(&first, (Message::TreeTop, 0), is_numerator, root).expect("a way out");
    let lie = || off_the_table().hidden(Message::TreeTop, 0, add(patch.clone()));
    liar.cured(lie, &[Equation::TreeRounds], (Message::TreeRounds, 0), |_, _| true);
}

#[test]
fn a_known_line_between_children_lets_a_false_layer_pass() {
    // A last round that keeps its sum is followed by children whose errors cancel at the point below.
    let bump = || Lie::none().hidden(Message::TreeRounds, 0, |v| v[2] += from_i64(1));
    let numerators = 2 << TAIL;
    Liar::default().cured(
        bump,
        &[Equation::TreeLayer, Equation::ProductRounds],
        (Message::TreeChildren, 0),
        move |_, at| at < numerators,
    );
}

#[test]
fn known_weights_of_a_wave_let_a_false_output_pass() {
    // The two results of matmuls, told so that the leaves agree and the batched claim stays what it is.
    let program = Toy::default().program();
    Liar::default().cured(
        fake_output,
        &[Equation::LeafDenominator],
        (Message::LeafValues, 0),
        |outcome, at| matches!(outcome.answers[at].0, Polynomial::Tensor(id) if program.tensors[id].role() == Role::Virtual),
    );
}

#[test]
fn known_rounds_of_a_wave_let_a_false_product_pass() {
    Liar::default().cured(
        || Lie::none().run("x2", |v| v[0] += 32),
        &[Equation::WaveRounds],
        (Message::WaveRounds, 0),
        |_, _| true,
    );
}

#[test]
fn known_weights_of_claims_let_other_rows_pass() {
    Liar::default().cured(other_rows, &[Equation::CrossTerms], (Message::LeafValues, 0), |_, _| true);
}

#[test]
fn known_weights_of_claims_let_other_counts_in_one_row_pass() {
    // Claims on multiplicities alone are told otherwise: those on tensors of one row, with a point each.
    Liar::default().cured(other_counts, &[Equation::CrossTerms], (Message::LeafValues, 0), |outcome, at| {
        matches!(outcome.answers[at].0, Polynomial::Multiplicity(_))
    });
}

#[test]
fn a_known_fold_challenge_lets_a_false_claim_pass() {
    // Rows are long, so that the few leaves are folded in several messages.
    let liar = Liar::on_rows_of(12);
    liar.cured(other_rows, &[Equation::CrossTerms], (Message::CrossTerms, 0), |_, _| true);
    let messages = liar.known(other_rows, &[Equation::CrossTerms]).messages;
    let lengths: Vec<usize> = messages.iter().filter(|m| m.label == Message::CrossTerms).map(|m| m.slot.len).collect();
    assert!(lengths.len() > 1);
    for (level, length) in lengths.iter().enumerate().skip(1) {
        // A leading coefficient that keeps its level's sum.
        let leading = lengths[level - 1] - 1;
        let bump = move || Lie::none().hidden(Message::CrossTerms, level - 1, move |v| v[leading] += from_i64(1));
        liar.cured(bump, &[Equation::CrossTerms], (Message::CrossTerms, level), |_, at| at < *length);
    }
}
