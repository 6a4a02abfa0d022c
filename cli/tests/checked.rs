//! `prove` verifies what it made: a proof that does not verify is not written.

mod common;

use common::{Scratch, compile_mlp, done, zktorch};
use std::fs;
use zktorch_blocks::digest::FileDigest;
use zktorch_blocks::field::from_i64;
use zktorch_engine::ProgramFile;
use zktorch_models::bundled;
use zktorch_prover::ProvingKey;
use zktorch_verifier::codec::{Kind, decode, encode};

type Change = fn(&mut ProvingKey);

/// Changes the proving key of a folder, and whatever says that it belongs there: what a disk or somebody with skill can do.
fn damage(scratch: &Scratch, change: impl FnOnce(&mut ProvingKey)) {
    let path = |name: &str| scratch.path(&format!("mlp/{name}"));
    let mut key = ProvingKey::from_bytes(&fs::read(path("proving.key")).unwrap()).unwrap();
    change(&mut key);
    let bytes = key.to_bytes().unwrap();
    let mut program: ProgramFile = decode(Kind::Program, &fs::read(path("program.zkc")).unwrap()).unwrap();
    program.keys.proving = FileDigest::new(*bytes.last_chunk::<32>().unwrap());
    fs::write(path("proving.key"), bytes).unwrap();
    fs::write(path("program.zkc"), encode(Kind::Program, &program).unwrap()).unwrap();
}

#[test]
fn a_proof_under_a_damaged_key_never_leaves_the_machine() {
    let scratch = Scratch::new();
    let input = scratch.file("input.json", bundled::DIGITS_MLP.input_json);
    let [dir, key, proof, kept] = ["mlp", "mlp/verifying.key", "proof", "kept"].map(|name| scratch.text(name));
    let hidden = ["--input", "private", "--force"];
    let changes: [(&str, Change); 3] = [
        ("a weight", |key| {
            let weights = key.weights.values_mut().next().unwrap();
            let mut changed = weights.to_vec();
            changed[3] ^= 1;
            *weights = changed.into();
        }),
        ("a blinder", |key| {
            let blinder = key.blinders.iter_mut().find(|b| **b != from_i64(0)).unwrap();
            *blinder += from_i64(1);
        }),
        ("a generator", |key| key.generators.g.swap(1, 2)),
    ];
    for (what, change) in changes {
        assert_eq!(compile_mlp(&scratch, "mlp", &hidden).code, 0);
        damage(&scratch, change);
        let prove = ["prove", &dir, "--input", &input, "-o", &proof, "--keep", &kept];
        let ran = zktorch(&prove);
        assert_eq!(ran.code, 2, "{what}: {ran:?}");
        let names = scratch.names();
        assert!(names.iter().all(|n| !n.starts_with('.') && !n.starts_with("proof") && !n.starts_with("kept")), "{names:?}");
        // Without the check it leaves, and whoever gets it finds out.
        let unchecked = zktorch(&[&prove[..], &["--unchecked"]].concat());
        if unchecked.code == 0 {
            assert!(ran.stderr.contains("does not verify, and is not written"), "{what}: {ran:?}");
            let verdict = zktorch(&["verify", "--key", &key, &proof]);
            assert!(verdict.code == 1 && verdict.stdout.starts_with("rejected"), "{what}: {verdict:?}");
            ["proof", "kept", "kept.opening"].iter().for_each(|name| fs::remove_file(scratch.path(name)).unwrap());
        }
    }
}

#[test]
fn the_check_is_a_phase_that_can_be_left_out() {
    let scratch = Scratch::new();
    let (dir, input, proof) = (common::shared().dir(), common::shared().input(), scratch.text("proof"));
    let phases = |more: &[&str]| -> Vec<String> {
        let json = done(&[&["prove", &dir, "--input", &input, "-o", &proof, "--format", "json"], more].concat()).json();
        json["phases"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect()
    };
    let (with, without) = (phases(&[]), phases(&["--unchecked"]));
    assert_eq!((with.last().unwrap(), &with[..with.len() - 1]), (&"check".to_owned(), without.as_slice()));
}
