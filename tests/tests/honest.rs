//! Honest proofs of toy programs of several shapes are accepted.

use zktorch_accumulator::setup::{Decider, Setup, VerifierSetup};
use zktorch_blocks::program::{Einsum, Source, Visibility};
use zktorch_prover::{Prover, Randomness, keygen};
use zktorch_tests::fixture::{Fixture, ports};
use zktorch_tests::toy::{ProgramBuilder, Toy};
use zktorch_verifier::key::Relation;
use zktorch_verifier::size::ProofSize;
use zktorch_verifier::{Verdict, soundness, verify};

fn round_trip(toy: &Toy, setup: &Setup, column_bits: u32) -> usize {
    let (weights, input) = toy.sample(3);
    let mut randomness = Randomness::insecure_seed(1);
    let program = toy.program();
    let ports = ports(&program);
    let (proving, verifying) = keygen(program, weights, setup, column_bits, ports, &mut randomness).expect("a good program");
    let proved = Prover::new(&proving, &verifying, randomness).prove(&[input]).expect("an honest run proves");
    assert_eq!(verify(&verifying, &proved.proof, Some(&proving.generators)), Ok(Verdict::Accepted));
    let relation = Relation::new(&verifying).expect("a key of ours");
    let size = ProofSize::of(&relation, setup.verifier.decider()).expect("a program of ours");
    assert_eq!(size.bytes, proved.proof.bytes.len(), "the size is known beforehand");
    let trusted = VerifierSetup::Ethereum;
    let shares = soundness::shares(&relation, &size);
    assert!(soundness::bits(&shares, &trusted) >= 115.0);
    assert!(soundness::statistical_bits(&shares) >= 200.0);
    proved.proof.bytes.len()
}

/// `(x + p) v = (x + p) w` elementwise for a public `p`.
#[test]
fn the_size_does_not_depend_on_public_values() {
    let mut b = ProgramBuilder::default();
    let [x, p] = [0, 1].map(|i| b.tensor(&format!("in{i}"), &[4], Source::Input(i), 3));
    let [v, w] = ["v", "w"].map(|name| b.tensor(name, &[4], Source::Weight, 3));
    let sum = b.tensor("sum", &[4], Source::Linear { terms: vec![(1, x), (1, p)], constant: 0 }, 4);
    let labels = || b"i".to_vec();
    let einsum = |lhs| Einsum { lhs, rhs: sum, lhs_labels: labels(), rhs_labels: labels(), out_labels: labels() };
    let [left, right] = [v, w].map(|lhs| b.tensor("product", &[4], Source::Einsum(einsum(lhs)), 8));
    let difference = b.tensor("zero", &[4], Source::Linear { terms: vec![(1, left), (-1, right)], constant: 0 }, 9);
    b.program.zeros = vec![difference];
    b.program.tensors[p].visibility = Visibility::Public;
    b.program.inputs = vec![x, p];
    b.program.outputs = vec![p];
    let weights = [v, w].map(|id| (id, [3i64, -1, 4, 1].into())).into();
    let fixture = Fixture::new(b.program, weights, &Setup::insecure(4).expect("in range"), 4);
    let relation = Relation::new(&fixture.verifying).expect("a key of ours");
    let size = ProofSize::of(&relation, Decider::Kzg).expect("a program of ours");
    for public in [vec![0; 4], vec![1, -5, 2, 6]] {
        let proof = fixture.honest(&[vec![2, 7, 1, -8], public]).proof;
        assert_eq!((proof.bytes.len(), fixture.verdict(&proof)), (size.bytes, Verdict::Accepted));
    }
}

fn shapes() -> Vec<Toy> {
    let base = Toy::default();
    vec![
        base.clone(),
        Toy { public_input: true, ..base.clone() },
        Toy { square: true, shifts: [3, 7], ..base.clone() },
        Toy { input: [1, 4, 4], channels: 1, pad: 0, outputs: 1, ..base.clone() },
        Toy { input: [3, 7, 5], channels: 5, kernel: [3, 2], stride: 2, outputs: 5, ..base.clone() },
        Toy { input: [2, 6, 6], channels: 2, kernel: [5, 5], pad: 2, outputs: 10, ..base.clone() },
        Toy { input: [1, 9, 3], channels: 6, kernel: [3, 1], pad: 0, outputs: 2, square: true, ..base },
    ]
}

#[test]
fn every_shape_is_proved_on_kzg() {
    for log2 in [5, 7, 10] {
        let setup = Setup::insecure(log2).expect("in range");
        for toy in shapes() {
            let bytes = round_trip(&toy, &setup, log2);
            assert!(bytes > 1000, "{toy:?}");
        }
    }
}

#[test]
fn every_shape_is_proved_on_the_transparent_setup() {
    let setup = Setup::transparent(64).expect("in range");
    for toy in shapes() {
        round_trip(&toy, &setup, 6);
    }
}
