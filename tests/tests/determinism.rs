//! Where proofs may differ, and where not.

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
