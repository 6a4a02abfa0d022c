//! The model proof as a user meets it: checked at the first use of a key, remembered, and nothing else believed.

mod common;

use common::{Ran, Scratch, command, compile_mlp, done, ran};
use std::path::PathBuf;
use zktorch_models::bundled;

/// A scratch folder with a cache of its own.
struct Place {
    scratch: Scratch,
}

impl Place {
    fn new() -> Self {
        Self { scratch: Scratch::new() }
    }

    /// Compiles, proves, and gives the paths of the key and the proof.
    fn proved(&self, name: &str, more: &[&str]) -> [String; 2] {
        let compiled = compile_mlp(&self.scratch, name, more);
        assert_eq!(compiled.code, 0, "{compiled:?}");
        let input = self.scratch.file("input.json", bundled::DIGITS_MLP.input_json);
        let (dir, proof) = (self.scratch.text(name), self.scratch.text(&format!("{name}.proof")));
        done(&["prove", &dir, "--input", &input, "-o", &proof]);
        [format!("{dir}/verifying.key"), proof]
    }

    fn verify(&self, key: &str, proof: &str) -> Ran {
        let mut command = command(&["verify", "--key", key, proof, "--format", "json"]);
        ran(command.env("XDG_CACHE_HOME", self.scratch.path("cache")).output().unwrap())
    }

    /// The only note of an accepted model proof.
    fn note(&self) -> PathBuf {
        let folder = self.scratch.path("cache/zktorch/proved-models");
        let [name] = common::names(&folder).try_into().expect("one note");
        folder.join(name)
    }
}

/// `proved` or `unproved`, of an accepted proof.
fn model(ran: &Ran) -> String {
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json()["model"].as_str().unwrap().to_owned()
}

#[test]
fn a_model_proof_is_checked_once_and_remembered() {
    let place = Place::new();
    let [key, proof] = place.proved("out", &[]);
    let file = place.scratch.path("out/model.proof");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(model(&place.verify(&key, &proof)), "unproved");
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    place.verify(&key, &proof).fails(2, &["model.proof", "corrupt"]);
    std::fs::write(&file, &bytes).unwrap();
    let first = place.verify(&key, &proof);
    assert_eq!(model(&first), "proved");
    assert!(!first.json()["model_text"].as_str().unwrap().contains("before"));
    let again = place.verify(&key, &proof);
    assert_eq!(model(&again), "proved");
    // The note says which proof was accepted, and stands for that one.
    let note: serde_json::Value = serde_json::from_slice(&std::fs::read(place.note()).unwrap()).unwrap();
    let accepted = note["proof"].as_str().unwrap();
    std::fs::remove_file(&file).unwrap();
    let without = place.verify(&key, &proof);
    assert_eq!(model(&without), "proved");
    assert!(without.json()["model_text"].as_str().unwrap().contains(accepted), "{without:?}");
    // What is beside the key is looked at nevertheless.
    std::fs::write(&file, b"no model proof").unwrap();
    place.verify(&key, &proof).fails(2, &["model.proof", "not a zktorch file"]);
}

#[test]
fn nothing_else_in_the_cache_makes_a_model_proved() {
    let place = Place::new();
    let [key, proof] = place.proved("out", &[]);
    let file = place.scratch.path("out/model.proof");
    let bytes = std::fs::read(&file).unwrap();
    let digest = place.verify(&key, &proof).json()["model_digest"].as_str().unwrap().to_owned();
    let note = place.note();
    let good = std::fs::read_to_string(&note).unwrap();
    std::fs::remove_file(&file).unwrap();
    let other = "00".repeat(32);
    let changed = |from: &str, to: &str| {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        changed
    };
    let strange = [
        String::new(),
        "{}".to_owned(),
        changed(&digest, &other),
        changed("zktorch/v1/kzg", "zktorch/v0/kzg"),
        changed("\"verifier\":", "\"verifier\":1"),
        changed("\"proof\":\"", "\"proof\":\"x"),
        changed("{", "{\"more\":1,"),
    ];
    for text in strange {
        std::fs::write(&note, &text).unwrap();
        assert_eq!(model(&place.verify(&key, &proof)), "unproved", "{text}");
    }
    // The name of an earlier version's note, which was empty.
    std::fs::write(note.with_file_name(format!("1-{digest}")), b"").unwrap();
    assert_eq!(model(&place.verify(&key, &proof)), "unproved");
    std::fs::remove_file(note.with_file_name(format!("1-{digest}"))).unwrap();
    // It is checked again, and noted as it was.
    std::fs::write(&file, bytes).unwrap();
    let verified = place.verify(&key, &proof);
    assert_eq!(model(&verified), "proved");
    assert!(!verified.json()["model_text"].as_str().unwrap().contains("before"), "{verified:?}");
    assert_eq!(std::fs::read_to_string(&note).unwrap(), good);
}

#[test]
fn every_level_is_remembered() {
    let place = Place::new();
    let [key, proof] = place.proved("out", &["--model-proof", "off"]);
    let verdict = place.verify(&key, &proof);
    assert_eq!(model(&verdict), "unproved");
    assert!(verdict.json()["model_text"].as_str().unwrap().contains("zero padding is proved"));
    assert!(std::fs::read_to_string(place.note()).unwrap().contains("Padding"));
    std::fs::remove_file(place.scratch.path("out/model.proof")).unwrap();
    let verdict = place.verify(&key, &proof);
    assert_eq!(model(&verdict), "unproved");
    assert!(verdict.json()["model_text"].as_str().unwrap().contains("zero padding is proved"));
}

#[test]
fn the_proof_of_another_model_decides_nothing() {
    let place = Place::new();
    let [key, proof] = place.proved("one", &[]);
    place.proved("other", &[]);
    std::fs::copy(place.scratch.path("other/model.proof"), place.scratch.path("one/model.proof")).unwrap();
    place.verify(&key, &proof).fails(2, &["one/model.proof", "of another model", "take this one away"]);
    assert!(!place.scratch.path("cache/zktorch/proved-models").exists());
    std::fs::remove_file(place.scratch.path("one/model.proof")).unwrap();
    assert_eq!(model(&place.verify(&key, &proof)), "unproved");
}

#[test]
fn a_model_proof_that_does_not_hold_is_a_rejection() {
    use zktorch_verifier::model::ModelProof;
    let place = Place::new();
    let [key, proof] = place.proved("out", &[]);
    let file = place.scratch.path("out/model.proof");
    let mut forged = ModelProof::from_bytes(&std::fs::read(&file).unwrap()).unwrap();
    let middle = forged.parts[0].len() / 2;
    forged.parts[0][middle] ^= 1;
    std::fs::write(&file, forged.to_bytes().unwrap()).unwrap();
    let ran = place.verify(&key, &proof);
    assert_eq!((ran.code, &ran.json()["verdict"]), (1, &"rejected".into()), "{ran:?}");
    assert!(ran.json()["reason"].as_str().unwrap().contains("the model proof does not hold"), "{ran:?}");
}
