//! The model proof as a user meets it.

mod common;

use common::{Scratch, compile_mlp, zktorch};
use zktorch_models::bundled;

/// Compiles, proves, and gives the paths of the key and the proof.
fn proved(scratch: &Scratch, name: &str, more: &[&str]) -> [String; 2] {
    let compiled = compile_mlp(scratch, name, more);
    assert_eq!(compiled.code, 0, "{compiled:?}");
    let input = scratch.file("input.json", bundled::DIGITS_MLP.input_json);
    let (dir, proof) = (scratch.text(name), scratch.text(&format!("{name}.proof")));
    let proved = zktorch(&["prove", &dir, "--input", &input, "-o", &proof]);
    assert_eq!(proved.code, 0, "{proved:?}");
    [format!("{dir}/verifying.key"), proof]
}

fn verify(key: &str, proof: &str) -> common::Ran {
    zktorch(&["verify", "--key", key, proof, "--format", "json"])
}

#[test]
fn it_is_checked_once_and_remembered() {
    let scratch = Scratch::new();
    let [key, proof] = proved(&scratch, "out", &[]);
    let model = scratch.path("out/model.proof");
    let bytes = std::fs::read(&model).unwrap();
    std::fs::remove_file(&model).unwrap();
    let without = verify(&key, &proof);
    assert_eq!((without.code, &without.json()["model"]), (0, &"unproved".into()));
    std::fs::write(&model, &bytes[..bytes.len() / 2]).unwrap();
    verify(&key, &proof).fails(2, &["model.proof", "corrupt"]);
    std::fs::write(&model, bytes).unwrap();
    assert_eq!(verify(&key, &proof).json()["model"], "proved");
    std::fs::remove_file(&model).unwrap();
    assert_eq!(verify(&key, &proof).json()["model"], "proved");
}

#[test]
fn anothers_is_refused_and_none_is_said() {
    let scratch = Scratch::new();
    let [key, proof] = proved(&scratch, "with", &[]);
    let [bare, of_bare] = proved(&scratch, "without", &["--model-proof", "off"]);
    let verdict = verify(&bare, &of_bare);
    assert_eq!((verdict.code, &verdict.json()["model"]), (0, &"unproved".into()));
    assert!(verdict.json()["model_text"].as_str().unwrap().contains("zero padding is proved"));
    std::fs::copy(scratch.path("without/model.proof"), scratch.path("with/model.proof")).unwrap();
    let refused = verify(&key, &proof);
    assert_eq!((refused.code, &refused.json()["verdict"]), (1, &"rejected".into()));
    assert!(refused.json()["reason"].as_str().unwrap().contains("another verifying key"), "{refused:?}");
}
