//! A prover in trouble: some constraints do not hold, and one message is still to be sent. If all coefficients are known, which
//! they are to whoever knows the challenges, that message can be chosen so that they hold.

use crate::linear::{Row, solve};
use crate::lying::Outcome;
use ark_ff::{Field, Zero};
use zktorch_blocks::field::Fr;
use zktorch_blocks::transcript::{Constraint, HiddenAffine, Message, Product};

/// What to add to the scalars of a message so that the constraints hold; `None` if nothing helps. Only scalars `free` (by their
/// place in the message) are changed, and no product may have two of them.
///
/// # Panics
/// If there is no such message.
pub fn last_message_repair<'c>(
    outcome: &Outcome,
    (label, occurrence): (Message, usize),
    free: impl Fn(usize) -> bool,
    constraints: impl IntoIterator<Item = &'c Constraint>,
) -> Option<Vec<Fr>> {
    let message = outcome.messages.iter().filter(|m| m.label == label).nth(occurrence).expect("a message");
    let unknown = |i: usize| i.checked_sub(message.first).filter(|&at| at < message.slot.len && free(at));
    let u = &outcome.scalars;
    let at = |form: &HiddenAffine| form.evaluate(u, Fr::ONE);
    let equations = constraints.into_iter().map(|c| {
        let mut row = Row::new();
        let mut add = |form: &HiddenAffine, scale: Fr| {
            for &(i, c) in &form.terms {
                if let Some(at) = unknown(i) {
                    *row.entry(at).or_default() += scale * c;
                }
            }
        };
        add(&c.form, Fr::ONE);
        for Product(a, b) in &c.products {
            add(a, at(b));
            add(b, at(a));
        }
        row.retain(|_, c| !c.is_zero());
        let value = at(&c.form) + c.products.iter().map(|Product(a, b)| at(a) * at(b)).sum::<Fr>();
        (row, -value)
    });
    let solution = solve(equations)?;
    Some((0..message.slot.len).map(|i| solution.get(&i).copied().unwrap_or_default()).collect())
}
