//! Where proofs may differ, and where not.

use ndarray::{ArrayD, IxDyn};
use zktorch_accumulator::setup::Setup;
use zktorch_compiler::import::{ImportOptions, load_bytes};
use zktorch_compiler::{Options, compile};
use zktorch_models::bundled;
use zktorch_prover::{Prover, Randomness};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::toy::Toy;
use zktorch_verifier::Verdict;
use zktorch_verifier::proof::Proof;

#[test]
fn one_two_and_three_threads_make_the_same_bytes_under_a_test_seed() {
    let toy = Toy { square: true, shifts: [3, 7], ..Toy::default() };
    let proofs = [1, 2, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let (fixture, input) = Fixture::toy(&toy, 7);
            let proof = fixture.honest(&[input]).proof;
            (fixture.verifying.to_bytes().expect("encodes"), proof.to_bytes().expect("encodes"))
        })
    });
    assert_eq!(proofs[0], proofs[1]);
    assert_eq!(proofs[1], proofs[2]);
}

#[test]
fn seeded_proofs_are_marked_and_others_differ() {
    let (fixture, input) = Fixture::toy(&Toy::default(), 7);
    let fresh = || {
        let randomness = Randomness::from_os().expect("randomness");
        let inputs = std::slice::from_ref(&input);
        Prover::new(&fixture.proving, &fixture.verifying, randomness).prove(inputs).expect("proves").proof
    };
    let (one, two) = (fresh(), fresh());
    assert!(!one.seeded && !two.seeded);
    assert!(one.bytes.chunks(48).zip(two.bytes.chunks(48)).all(|(a, b)| a != b), "no message twice");
    assert_eq!([fixture.verdict(&one), fixture.verdict(&two)], [Verdict::Accepted, Verdict::Accepted]);
    let seeded = fixture.honest(&[input]).proof;
    assert!(seeded.seeded);
    assert_eq!(Proof::from_bytes(&seeded.to_bytes().expect("encodes")).expect("decodes"), seeded);
}

/// What hides the processor's instructions touches all of the process; no other test here minds.
#[cfg(target_arch = "x86_64")]
#[test]
fn eight_elements_at_a_time_make_the_bytes_that_one_does() {
    use zktorch_blocks::lanes::{hide, simd};
    let graph = load_bytes(bundled::DIGITS_CNN.onnx, &ImportOptions::default()).expect("it imports");
    let shape = graph.shape(graph.inputs()[0]).to_vec();
    let array = |image: Vec<f32>| {
        let values = image.into_iter().map(f64::from).collect();
        ArrayD::from_shape_vec(IxDyn(&shape), values).expect("of the shape")
    };
    let samples: Vec<_> =
        bundled::digits_calibration().expect("there").samples().into_iter().map(|s| vec![array(s)]).collect();
    let compiled = compile(&graph, &samples, &Options::default()).expect("it compiles");
    let input = compiled.inputs[0].quantise(samples[0][0].as_slice().expect("row-major")).expect("in range");
    for setup in [Setup::insecure(11), Setup::transparent(1 << 11)] {
        let setup = setup.expect("in range");
        let [with, without] = [false, true].map(|hidden| {
            hide(hidden);
            assert!(!hidden || simd().is_none());
            let fixture = Fixture::new(compiled.program.clone(), compiled.weights.clone(), &setup, 11);
            let proof = fixture.honest(std::slice::from_ref(&input)).proof;
            assert_eq!(fixture.verdict(&proof), Verdict::Accepted);
            (fixture.verifying.to_bytes().expect("encodes"), proof.to_bytes().expect("encodes"))
        });
        hide(false);
        assert!(with == without, "keys or proofs differ");
    }
}
