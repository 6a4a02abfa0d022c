//! Weights, witness and multiplicities are committed one after the other, and share no row: what a challenge depends on cannot be
//! chosen after it.

use ark_ff::Zero;
use std::collections::BTreeSet;
use zktorch_accumulator::layout::{Layout, Phase};
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::{Fr, from_i64, powers};
use zktorch_blocks::lookup::Fingerprint;
use zktorch_blocks::program::{Program, Role, TableId};
use zktorch_blocks::transcript::{Check, Equation};
use zktorch_tests::field_witness::Data;
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::{Lie, case, refuse_all};
use zktorch_tests::reference_lookup;
use zktorch_tests::toy::Toy;

/// The committed polynomials of a phase.
fn committed(program: &Program, phase: Phase) -> Vec<Polynomial> {
    match phase {
        Phase::Model => program.with_role(Role::Weight).map(Polynomial::Tensor).collect(),
        Phase::Bound => program.bound().map(Polynomial::Tensor).collect(),
        Phase::Witness => {
            let bound: Vec<_> = program.bound().collect();
            program.with_role(Role::Witness).filter(|id| !bound.contains(id)).map(Polynomial::Tensor).collect()
        }
        Phase::Multiplicities => program.tables.ids().map(Polynomial::Multiplicity).collect(),
    }
}

/// Whether no other polynomial lies in the rows of this one.
fn rows_of_its_own(layout: &Layout, polynomial: Polynomial, program: &Program) -> bool {
    let rows: Vec<usize> = layout.rows_of(polynomial).collect();
    let others = Phase::ALL.into_iter().flat_map(|phase| committed(program, phase)).filter(|other| *other != polynomial);
    others.into_iter().all(|other| layout.rows_of(other).all(|row| !rows.contains(&row)))
}

#[test]
fn phases_share_no_row_and_polynomials_no_entry() {
    for (program, column_bits) in [Toy::default(), Toy { square: true, public_input: true, ..Toy::default() }]
        .iter()
        .flat_map(|toy| (0..14).map(|bits| (toy.program(), bits)))
    {
        let layout = Layout::new(&program, column_bits).expect("few rows");
        let mut taken = BTreeSet::new();
        let mut end = 0;
        for phase in Phase::ALL {
            let rows = layout.rows(phase);
            assert_eq!(rows.start, end, "rows of one phase behind those of the other");
            end = rows.end;
            for polynomial in committed(&program, phase) {
                let place = layout.place(polynomial).expect("a committed polynomial has a place");
                let first = (place.row << column_bits) + place.column;
                let entries = first..first + place.shape.padded_len();
                assert!(rows.start << column_bits <= entries.start && entries.end <= rows.end << column_bits, "{phase:?}");
                assert!(
                    phase != Phase::Bound || rows_of_its_own(&layout, polynomial, &program),
                    "{polynomial:?} shares a row"
                );
                assert!(entries.clone().all(|entry| taken.insert(entry)), "{polynomial:?} overlaps another");
            }
        }
        assert_eq!(end, layout.total_rows());
    }
}

/// An activation that is not in its table, and in the multiplicities of the first table what makes all fractions sum to zero for these
/// challenges.
fn fitted(data: &mut Data<'_>, &Fingerprint { alpha, beta, .. }: &Fingerprint) {
    let width = data.program.tables.iter().map(|t| t.columns.len()).max().expect("there are tables");
    let beta_powers = powers(beta, width + 1);
    let excess = reference_lookup::sum(data, [alpha, beta, beta_powers[width]]);
    assert!(!excess.is_zero(), "a false lookup leaves something");
    let table = &data.program.tables[TableId(0)];
    let row: Fr = (0..table.columns.len()).map(|j| beta_powers[j] * from_i64(table.padded_entry(j, 0))).sum();
    let counts = data.values.get_mut(&Polynomial::Multiplicity(TableId(0))).expect("multiplicities");
    counts[0] += excess * (alpha + row + beta_powers[width]);
    assert!(reference_lookup::sum(data, [alpha, beta, beta_powers[width]]).is_zero());
}

#[test]
fn multiplicities_that_fit_the_challenges_come_too_late() {
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    let inputs = [input];
    let false_activation = || Lie::none().run("f1", |v| v[8] += 1);
    // The challenges that follow the commitments to the false activation and to its honest multiplicities.
    let fingerprint = &fixture.tell(&inputs, &false_activation()).fingerprint;
    // Those commitments again, so the same challenges; everything else tells of multiplicities that fit them.
    let late = false_activation().data(move |d| {
        let counts = Polynomial::Multiplicity(TableId(0));
        d.rows.insert(counts, d.values[&counts].clone());
        fitted(d, fingerprint);
    });
    // The same multiplicities committed in time: other challenges, which they do not fit.
    let early = false_activation().data(move |d| fitted(d, fingerprint));
    refuse_all(
        &fixture,
        &inputs,
        &[
            case("chosen after the challenges", late, Check::MaskedSum, &[Equation::CrossTerms]),
            case("committed before them", early, Check::MaskedSum, &[Equation::TreeTopNumerator, Equation::ProductRounds]),
        ],
    );
    let told = fixture.tell(&inputs, &false_activation().data(move |d| fitted(d, fingerprint)));
    assert_ne!(&told.fingerprint, fingerprint);
}
