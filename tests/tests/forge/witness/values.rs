//! Witnesses and messages that are not true: each is refused by the check named, and violates the constraints named.

use zktorch_accumulator::setup::Setup;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::{from_i64, inverse_power_of_two};
use zktorch_blocks::transcript::{Check, Equation};
use zktorch_tests::field_witness::{Data, tensor};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::{Case, Lie, case, refuse_all};
use zktorch_tests::reference_lookup;
use zktorch_tests::toy::Toy;
use zktorch_verifier::Verdict;

/// Where the hidden scalars do not satisfy the equation that all constraints make together.
const EQUATION: Check = Check::MaskedSum;
/// The lookups' fractions do not sum to zero; nor does the sum of all products, then.
const SUM: &[Equation] = &[Equation::TreeTopNumerator, Equation::ProductRounds];
const LEAF: &[Equation] = &[Equation::LeafDenominator];
const WAVE: &[Equation] = &[Equation::WaveRounds];
const LEAF_AND_WAVE: &[Equation] = &[Equation::LeafDenominator, Equation::WaveRounds];
const OPENING: &[Equation] = &[Equation::CrossTerms];

fn refuse(cases: Vec<Case<'_>>) {
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    refuse_all(&fixture, &[input], &cases);
}

#[test]
fn the_reference_prover_and_the_fast_one_agree() {
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    let outcome = fixture.tell(std::slice::from_ref(&input), &Lie::none());
    assert_eq!(outcome.verdict, Verdict::Accepted);
    assert_eq!(outcome.violated, []);
    assert_eq!(outcome.proof, fixture.honest(&[input]).proof);
}

#[test]
fn values_off_their_tables_are_refused() {
    let fraction = |d: &mut Data<'_>| {
        *d.at("y1.rem", &[0, 1, 2]) += from_i64(1);
        *d.at("y1", &[0, 1, 2]) -= inverse_power_of_two(3);
        d.count();
    };
    let lift = |v: &mut Vec<i64>| {
        let off = v.iter().position(|&v| v == 0).expect("an entry that the activation cuts off");
        v[off] = 3;
    };
    refuse(vec![
        case("y1 + 1, remainder - 2^k", Lie::none().run("y1", |v| v[8] += 1), EQUATION, SUM),
        case("y1 - 1, remainder + 2^k", Lie::none().run("y1", |v| v[8] -= 1), EQUATION, SUM),
        case("y2 + 1, remainder - 2^k", Lie::none().run("y2", |v| v[0] += 1), EQUATION, SUM),
        case("remainder + 1, y1 a fraction", Lie::none().data(fraction), EQUATION, SUM),
        case("f1 is not the rectified y1", Lie::none().run("f1", |v| v[8] += 1), EQUATION, SUM),
        case("f1 negative", Lie::none().run("f1", |v| v[8] = -1), EQUATION, SUM),
        case("f1 positive where y1 is not", Lie::none().run("f1", lift), EQUATION, SUM),
        case("input out of its table", Lie::none().run("X", |v| v[0] = 100), EQUATION, SUM),
        case("input negative, out of its table", Lie::none().run("X", |v| v[0] = -9), EQUATION, SUM),
    ]);
}

#[test]
fn padding_of_every_looked_up_tensor_is_held_to_zero() {
    let pad = |name: &'static str, index: &'static [usize], v: i64| {
        (format!("padding of {name}"), Lie::none().data(move |d| *d.at(name, index) = from_i64(v)))
    };
    let cases = [pad("X", &[0, 5, 0], 1), pad("f1", &[3, 0, 0], 5), pad("f1", &[0, 7, 7], -1)];
    let mut cases: Vec<Case<'_>> = cases.into_iter().map(|(name, lie)| case(name, lie, EQUATION, SUM)).collect();
    let quotient = Lie::none().data(|d: &mut Data<'_>| {
        *d.at("y1", &[3, 0, 0]) = from_i64(1);
        *d.at("y1.rem", &[3, 0, 0]) = from_i64(-8);
    });
    cases.push(case("padding of y1 and its remainder", quotient, EQUATION, SUM));
    // A virtual column shown to the tree with padding that its definition does not have.
    for (name, lie) in [pad("y1.rem", &[3, 0, 0], 1), pad("y2.rem", &[3], 1)] {
        cases.push(case(
            name,
            lie,
            EQUATION,
            &[Equation::TreeTopNumerator, Equation::LeafDenominator, Equation::ProductRounds],
        ));
    }
    refuse(cases);
}

#[test]
fn padding_shown_to_the_tree_as_zero_is_refused() {
    // The tree sees zeros; the evaluations tell what is committed.
    let hide = |name: &'static str, index: &'static [usize]| {
        let lie = Lie::none().data(move |d: &mut Data<'_>| {
            let id = Polynomial::Tensor(tensor(d.program, name));
            d.tree.insert(id, d.values[&id].clone());
            *d.at(name, index) = from_i64(1);
        });
        case(format!("padding of {name}"), lie, EQUATION, LEAF)
    };
    refuse(vec![hide("X", &[0, 5, 0]), hide("y1", &[3, 0, 0]), hide("f1", &[3, 0, 0])]);
}

#[test]
fn padding_in_rows_that_evaluations_deny_is_refused() {
    // Every committed tensor and every table's multiplicities: something else in the rows than what is evaluated.
    let program = Toy::default().program();
    let committed = program.tensors.enumerate().filter(|(_, t)| ["X", "y1", "f1"].contains(&&*t.name));
    let polynomials =
        committed.map(|(id, _)| Polynomial::Tensor(id)).chain(program.tables.ids().map(Polynomial::Multiplicity));
    let cases = polynomials.map(|id| {
        let lie = Lie::none().data(move |d: &mut Data<'_>| {
            let mut rows = d.values[&id].clone();
            *rows.last_mut().expect("not empty") += from_i64(1);
            d.rows.insert(id, rows);
        });
        case(format!("{id:?}"), lie, EQUATION, OPENING)
    });
    refuse(cases.collect());
}

#[test]
fn virtual_tensors_that_do_not_follow_are_refused() {
    let at = |name: &'static str, index: &'static [usize], v: i64| {
        Lie::none().data(move |d: &mut Data<'_>| *d.at(name, index) += from_i64(v))
    };
    refuse(vec![
        case("fake convolution", Lie::none().run("conv", |v| v[8] += 8), EQUATION, WAVE),
        case("fake accumulator", Lie::none().run("x1", |v| v[8] += 8), EQUATION, LEAF),
        case("fake logits", Lie::none().run("x2", |v| v[0] += 32), EQUATION, WAVE),
        case("fake window", at("V", &[0, 1, 1, 1, 1], 1), EQUATION, WAVE),
        case("window into padding", at("V", &[0, 0, 0, 0, 0], 1), EQUATION, WAVE),
        case("fake flattening", at("flat", &[3], 1), EQUATION, WAVE),
        case("padding of the convolution", at("conv", &[3, 0, 0], 1), EQUATION, LEAF_AND_WAVE),
        case("padding of the logits", at("x2", &[3], 1), EQUATION, LEAF_AND_WAVE),
    ]);
}

#[test]
fn false_multiplicities_are_refused() {
    let shift = |from: (&'static str, usize), to: (&'static str, usize)| {
        Lie::none().data(move |d: &mut Data<'_>| {
            d.counts(from.0)[from.1] -= from_i64(1);
            d.counts(to.0)[to.1] += from_i64(1);
        })
    };
    let more = Lie::none().data(|d: &mut Data<'_>| d.counts("y1.rem")[0] += from_i64(1));
    refuse(vec![
        case("one more", more, EQUATION, SUM),
        case("shifted between rows", shift(("relu", 0), ("relu", 1)), EQUATION, SUM),
        case("shifted between tables", shift(("y1.rem", 1), ("y2.rem", 1)), EQUATION, SUM),
        case("shifted to the input's table", shift(("y1.rem", 1), ("input", 9)), EQUATION, SUM),
    ]);
}

#[test]
fn a_row_of_another_table_does_not_count() {
    // The remainder of y1 in [8, 16) is a row of the table of y2's remainder; the multiplicity is counted there.
    let lie = || {
        Lie::none().run("y1", |v| v[8] -= 1).data(|d: &mut Data<'_>| {
            let shape = &d.program.tensors[tensor(d.program, "y1")].shape;
            let index = shape.padded_indices()[8];
            let remainder = d.of("y1.rem")[index];
            let row = (8..16).find(|&r| from_i64(r) == remainder).expect("too large for its own table");
            d.counts("y2.rem")[row as usize] += from_i64(1);
            let random = [from_i64(1_234_567), from_i64(7_654_321), from_i64(333_333_333)];
            assert_ne!(reference_lookup::sum(d, random), from_i64(0), "the tags tell the tables apart");
            assert_eq!(
                reference_lookup::sum(d, [random[0], random[1], from_i64(0)]),
                from_i64(0),
                "without tags the lie is true"
            );
        })
    };
    refuse(vec![case("tag", lie(), EQUATION, SUM)]);
}

#[test]
fn other_weights_than_the_committed_ones_are_refused() {
    // The same entry in every slice along the first axis.
    let weight = |name: &'static str, index: &'static [usize]| {
        Lie::none().data(move |d: &mut Data<'_>| {
            let id = tensor(d.program, name);
            d.rows.insert(Polynomial::Tensor(id), d.values[&Polynomial::Tensor(id)].clone());
            for first in 0..d.program.tensors[id].shape.dims()[0] {
                *d.at(name, &[&[first], index].concat()) += from_i64(1);
            }
        })
    };
    // Evaluations of other weights than those in the rows, and of results that do not follow.
    refuse(vec![
        case("kernel", weight("K", &[0, 0, 0]), EQUATION, &[Equation::WaveRounds, Equation::CrossTerms]),
        case("bias", weight("B", &[]), EQUATION, &[Equation::LeafDenominator, Equation::CrossTerms]),
        case("matrix", weight("M", &[1]), EQUATION, &[Equation::WaveRounds, Equation::CrossTerms]),
        case("padding of the matrix", weight("M", &[3]), EQUATION, &[Equation::WaveRounds, Equation::CrossTerms]),
    ]);
    let toy = Toy::default();
    let (fixture, input) = Fixture::toy(&toy, 10);
    for name in ["K", "B", "M"] {
        let (mut weights, _) = toy.sample(3);
        let own = weights.get_mut(&tensor(&toy.program(), name)).expect("a weight");
        *own = own.iter().enumerate().map(|(i, w)| if i == 0 { w + 1 } else { w }).collect();
        let setup = Setup::insecure(10).expect("in range");
        let other = Fixture::new(toy.program(), weights, &setup, 10);
        // A consistent run on other weights, under the honest key: everything holds but the opening of the key's rows.
        let mixed = Fixture { proving: other.proving.clone(), verifying: fixture.verifying.clone(), seed: None };
        refuse_all(&mixed, std::slice::from_ref(&input), &[case(name, Lie::none(), Check::DeciderPairing, &[])]);
    }
}

#[test]
fn false_outputs_are_refused() {
    refuse(vec![
        case("public output differs", Lie::none().statement(|s| s[0][0] += 1), EQUATION, LEAF),
        case("last public output differs", Lie::none().statement(|s| s[0][2] -= 1), EQUATION, LEAF),
    ]);
}
