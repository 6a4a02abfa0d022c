//! Commitments with a part of small order. Those that a proof makes for itself, and a key's to weights, are read as their projections onto the group: such a part moves
//! challenges, as a fresh blinder does, and nothing else. Other points may not have one.

use ark_bls12_381::{Fq, G1Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::PrimeField;
use ark_serialize::CanonicalDeserialize;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::{Fr, from_i64};
use zktorch_blocks::transcript::{Check, EntryKind, Equation, Message, POINT_BYTES, Reject, encode_point};
use zktorch_prover::mask::MaskRows;
use zktorch_tests::field_witness::{Data, tensor};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::{Lie, Outcome};
use zktorch_tests::tamper::outside_subgroup;
use zktorch_tests::toy::Toy;
use zktorch_verifier::Verdict;
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::proof::Proof;

/// A point of order three, and the part of small order of some point of the curve.
fn small_order() -> [G1Affine; 2] {
    let three = G1Affine::new_unchecked(Fq::from(0u64), Fq::from(2u64));
    let some = G1Affine::deserialize_compressed_unchecked(&*outside_subgroup()).expect("on the curve");
    let points = [three, some.mul_bigint(Fr::MODULUS).into_affine()];
    for point in points {
        assert!(point.is_on_curve() && !point.is_zero() && !point.is_in_correct_subgroup_assuming_on_curve());
        assert!(point.clear_cofactor().is_zero());
    }
    assert!(three.mul_bigint([3u64]).into_affine().is_zero());
    points
}

/// Every hidden message of a prover by its label, and how many of that label came before.
fn messages(outcome: &Outcome) -> Vec<(Message, usize)> {
    let all = &outcome.messages;
    (0..all.len()).map(|i| (all[i].label, all[..i].iter().filter(|m| m.label == all[i].label).count())).collect()
}

/// A row of a tensor other than the one that all else is about.
fn other_row(data: &mut Data<'_>, name: &str) {
    let id = Polynomial::Tensor(tensor(data.program, name));
    let mut rows = data.values[&id].clone();
    rows[2] += from_i64(9);
    data.rows.insert(id, rows);
}

fn subject(setup: &Setup) -> (Fixture, [Vec<i64>; 1]) {
    let toy = Toy::default();
    let (weights, input) = toy.sample(3);
    (Fixture::new(toy.program(), weights, setup, setup.verifier.columns().ilog2()), [input])
}

#[test]
fn a_part_of_small_order_leaves_a_true_statement_proved() {
    for setup in [Setup::insecure(9).expect("in range"), Setup::transparent(256).expect("in range")] {
        let (fixture, inputs) = subject(&setup);
        let honest = fixture.tell(&inputs, &Lie::none());
        assert_eq!(honest.verdict, Verdict::Accepted);
        let all = messages(&honest);
        let mut labels = all.clone();
        labels.retain(|(_, occurrence)| *occurrence == 0);
        let mut sets: Vec<Vec<(Message, usize)>> = labels.into_iter().map(|message| vec![message]).collect();
        sets.push(all);
        for set in sets {
            for point in small_order() {
                let lie = set.iter().fold(Lie::none(), |lie, &(label, occurrence)| lie.torsion(label, occurrence, point));
                let told = fixture.tell(&inputs, &lie);
                assert_eq!((told.verdict, told.violated), (Verdict::Accepted, vec![]), "{set:?}");
                // The bytes are bound as they are: the last challenges are others.
                assert_ne!(told.draws.last(), honest.draws.last(), "{set:?}");
            }
        }
    }
}

#[test]
fn a_part_of_small_order_saves_no_lie() {
    let (fixture, inputs) = subject(&Setup::insecure(10).expect("in range"));
    let bump = |label: Message, entry: usize| Lie::none().hidden(label, 0, move |v| v[entry] += from_i64(1));
    type Told<'l> = (&'l dyn Fn() -> Lie<'l>, Check, &'l [Equation]);
    let lies: [Told<'_>; 6] = [
        (&|| Lie::none().statement(|s| s[0][0] += 7), Check::MaskedSum, &[Equation::LeafDenominator]),
        (&|| Lie::none().run("y1", |v| v[8] += 1), Check::MaskedSum, &[Equation::TreeTopNumerator, Equation::ProductRounds]),
        (&|| Lie::none().data(|d| other_row(d, "f1")), Check::MaskedSum, &[Equation::CrossTerms]),
        (&|| bump(Message::WaveRounds, 0), Check::MaskedSum, &[Equation::WaveRounds]),
        (&|| bump(Message::ProductMasks, 2), Check::MaskedSum, &[Equation::Product]),
        (
            &|| Lie::none().stray(Message::CrossTerms, 0, |slot, _| vec![(slot.column + slot.len, from_i64(5))]),
            Check::DeciderPairing,
            &[],
        ),
    ];
    let all = messages(&fixture.tell(&inputs, &Lie::none()));
    for (lie, check, violated) in lies {
        let refused = Verdict::Rejected(Reject::Check(check));
        let plain = fixture.tell(&inputs, &lie());
        assert_eq!((&plain.verdict, &plain.violated[..]), (&refused, violated));
        for point in small_order() {
            let with = all.iter().fold(lie(), |lie, &(label, occurrence)| lie.torsion(label, occurrence, point));
            let told = fixture.tell(&inputs, &with);
            assert_eq!((&told.verdict, &told.violated[..]), (&refused, violated));
        }
    }
}

#[test]
fn rows_of_a_key_are_read_as_their_projections() {
    for setup in [Setup::insecure(9).expect("in range"), Setup::transparent(256).expect("in range")] {
        let (mut fixture, inputs) = subject(&setup);
        let own = fixture.verifying.model_rows.clone();
        let first = G1Affine::deserialize_uncompressed(&own[..]).expect("a point");
        for point in small_order() {
            let mut rows = Vec::new();
            VerifyingKey::push_row(&mut rows, &(first + point).into_affine());
            rows.extend_from_slice(&own[rows.len()..]);
            fixture.verifying.model_rows = rows;
            let key = fixture.verifying.digest().expect("encodes");
            fixture.proving.masks = MaskRows::new(&fixture.proving.generators, key, fixture.proving.masks.count());
            assert_eq!(fixture.tell(&inputs, &Lie::none()).verdict, Verdict::Accepted);
            // Weights other than the committed ones, which the accumulated claim is about.
            let told = fixture.tell(&inputs, &Lie::none().data(|d| other_row(d, "K")));
            assert_eq!(told.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)));
            assert_eq!(told.violated, [Equation::CrossTerms]);
        }
    }
}

#[test]
fn a_part_of_small_order_in_a_finished_proof_is_refused() {
    for (setup, last) in [
        (Setup::insecure(9).expect("in range"), Message::DeciderQuotient),
        (Setup::transparent(256).expect("in range"), Message::IpaRight),
    ] {
        let (fixture, inputs) = subject(&setup);
        let proved = fixture.honest(&inputs);
        let points = proved.messages.iter().filter(|e| e.kind != EntryKind::Scalar);
        assert_eq!(points.clone().next_back().map(|e| e.label), Some(last));
        for entry in points {
            let range = entry.offset..entry.offset + POINT_BYTES;
            let own = G1Affine::deserialize_compressed(&proved.proof.bytes[range.clone()]).expect("an honest point");
            for point in small_order() {
                let mut bytes = proved.proof.bytes.clone();
                bytes[range.clone()].copy_from_slice(&encode_point(&(own + point).into_affine()));
                let expected = match entry.kind {
                    EntryKind::Point => Reject::Point(entry.label),
                    _ => Reject::Check(Check::MaskedSum),
                };
                assert_eq!(
                    fixture.verdict(&Proof { bytes, ..proved.proof.clone() }),
                    Verdict::Rejected(expected),
                    "{}",
                    entry.label
                );
            }
        }
    }
}
