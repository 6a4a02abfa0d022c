//! Private inputs and outputs: what the statement's commitments open to, and that a proof is about them and nothing else.

use ark_ec::CurveGroup;
use zktorch_accumulator::layout::Layout;
use zktorch_accumulator::msm;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::from_i64;
use zktorch_blocks::program::{Program, Source, Visibility};
use zktorch_blocks::transcript::{Check, Equation, Reject, encode_point};
use zktorch_prover::{Blinders, Proved};
use zktorch_tests::field_witness::{Data, tensor};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::{Lie, case, refuse_all};
use zktorch_tests::toy::{ProgramBuilder, Toy};
use zktorch_verifier::Verdict;
use zktorch_verifier::proof::Proof;

/// The toy network, all of it private.
fn private() -> Program {
    let mut program = Toy::default().program();
    let output = program.outputs[0];
    program.tensors[output].visibility = Visibility::Private;
    program
}

fn fixture(program: Program, seed: u64, column_bits: u32) -> (Fixture, Vec<i64>) {
    let (weights, _) = Toy::default().sample(seed);
    let (_, input) = Toy::default().sample(3);
    (Fixture::new(program, weights, &Setup::insecure(10).expect("in range"), column_bits), input)
}

fn prove(fixture: &Fixture, input: &[i64], blinders: &Blinders, seed: u64) -> Proved {
    fixture.prover(seed).bound(blinders).prove(&[input.to_vec()]).expect("an honest run")
}

#[test]
fn commitments_open_to_inputs_and_outputs() {
    let (fixture, input) = fixture(private(), 3, 7);
    let proved = prove(&fixture, &input, &Blinders::new(), 7);
    assert_eq!(fixture.verdict(&proved.proof), Verdict::Accepted);
    assert!(proved.proof.statement.is_empty(), "nothing is public");
    let program = &fixture.verifying.program;
    let generators = &fixture.proving.generators;
    let mut expected = Vec::new();
    for (name, values) in [("X", &input), ("y2", &proved.outputs[0])] {
        let id = tensor(program, name);
        let shape = &program.tensors[id].shape;
        let mut padded = vec![from_i64(0); shape.padded_len()];
        shape.padded_indices().into_iter().zip(values).for_each(|(at, &v)| padded[at] = from_i64(v));
        for (row, &blinder) in padded.chunks(128).zip(&proved.blinders[&id]) {
            let point = msm::sum(&generators.g[..row.len()], row) + generators.h * blinder;
            expected.extend(encode_point(&point.into_affine()));
        }
    }
    assert_eq!(proved.proof.bytes[..expected.len()], expected);
    let layout = fixture.verifying.layout().expect("a good key");
    let bound = |name| proved.proof.bound(&layout, tensor(program, name)).map(|rows| rows.concat());
    assert_eq!([bound("X"), bound("y2")], [Some(expected[..48].to_vec()), Some(expected[48..].to_vec())]);
    assert_eq!(bound("y1"), None, "a witness like any other");
}

#[test]
fn proofs_share_a_bound_tensor() {
    // Two models, with other weights and other columns, on one committed input.
    let ((one, input), (two, _)) = (fixture(private(), 3, 8), fixture(private(), 4, 7));
    let id = tensor(&one.verifying.program, "X");
    let first = prove(&one, &input, &Blinders::new(), 7);
    let shared = Blinders::from([(id, first.blinders[&id].clone())]);
    let second = prove(&two, &input, &shared, 8);
    assert_eq!([one.verdict(&first.proof), two.verdict(&second.proof)], [Verdict::Accepted, Verdict::Accepted]);
    assert_eq!(first.proof.bytes[..48], second.proof.bytes[..48], "the input's commitment");
    assert_ne!(first.proof.bytes[48..96], second.proof.bytes[48..96], "the output's");
    let fresh = prove(&two, &input, &Blinders::new(), 8);
    assert_ne!(first.proof.bytes[..48], fresh.proof.bytes[..48], "fresh blinders hide that it is the same input");
}

#[test]
fn a_proof_is_about_its_commitments() {
    let (fixture, input) = fixture(private(), 3, 7);
    let proof = prove(&fixture, &input, &Blinders::new(), 7).proof;
    let other = prove(&fixture, &input, &Blinders::new(), 8).proof;
    for rows in [0..1, 1..2, 0..2] {
        let range = 48 * rows.start..48 * rows.end;
        let mut bytes = proof.bytes.clone();
        bytes[range.clone()].copy_from_slice(&other.bytes[range]);
        let verdict = fixture.verdict(&Proof { bytes, ..proof.clone() });
        assert_eq!(verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)), "the commitments {rows:?} of another proof");
    }
    // A commitment to another input, in a proof that is honest but for that.
    let shifted = |d: &mut Data<'_>| {
        let id = Polynomial::Tensor(tensor(d.program, "X"));
        let mut rows = d.values[&id].clone();
        rows[0] += from_i64(1);
        d.rows.insert(id, rows);
    };
    refuse_all(
        &fixture,
        &[input],
        &[case("another input is committed", Lie::none().data(shifted), Check::MaskedSum, &[Equation::CrossTerms])],
    );
}

#[test]
fn commitments_of_another_number_of_columns_are_other_or_mean_the_same() {
    // Files compare shapes and rows, not columns. A tensor that fits in a row has one, from column 0 on, whatever the columns; of longer
    // ones each doubling of the columns takes rows away.
    for shape in [vec![], vec![1, 1], vec![9], vec![17, 1], vec![3, 5], vec![5, 3, 2], vec![2, 9, 9], vec![1, 3, 17]] {
        let mut b = ProgramBuilder::default();
        let x = b.tensor("x", &shape, Source::Input(0), 3);
        (b.program.inputs, b.program.outputs) = (vec![x], vec![x]);
        let bits = b.program.tensors[x].shape.bits();
        let rows: Vec<usize> = (0..bits as u32 + 3)
            .map(|column_bits| {
                let layout = Layout::new(&b.program, column_bits).expect("few rows");
                assert_eq!(layout.place(Polynomial::Tensor(x)).expect("committed").column, 0);
                layout.rows_of(Polynomial::Tensor(x)).count()
            })
            .collect();
        assert!(rows[..=bits].windows(2).all(|pair| pair[0] > pair[1]), "{shape:?}: {rows:?}");
        assert_eq!(rows[bits..], [1; 3], "{shape:?}");
    }
}
