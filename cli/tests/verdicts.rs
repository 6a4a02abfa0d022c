//! What a verdict warns of, and what a careful verifier can ask for.

mod common;

use common::{Ran, Scratch, compile_mlp, done, shared, zktorch};
use std::path::Path;
use zktorch_models::bundled;

fn verify(key: &str, proof: &str, more: &[&str]) -> Ran {
    zktorch(&[&["verify", "--key", key, proof, "--format", "json"], more].concat())
}

fn rejected(ran: &Ran, fragments: &[&str]) {
    assert_eq!((ran.code, &ran.json()["verdict"]), (1, &"rejected".into()), "{ran:?}");
    let reason = ran.json()["reason"].as_str().unwrap().to_owned();
    assert!(fragments.iter().all(|fragment| reason.contains(fragment)), "{reason}");
}

/// The digits MLP on a setup that is none to be warned of, with one proof.
fn secure(scratch: &Scratch) -> [String; 3] {
    let model = scratch.file("mlp.onnx", bundled::DIGITS_MLP.onnx);
    let samples = scratch.file("samples.npy", bundled::DIGITS_CALIBRATION_NPY);
    let input = scratch.file("input.json", bundled::DIGITS_MLP.input_json);
    let [dir, proof] = ["mlp", "proof"].map(|name| scratch.text(name));
    done(&["compile", &model, "-o", &dir, "--calibrate", &samples, "--setup", "ethereum", "--bits", "9"]);
    done(&["prove", &dir, "--input", &input, "-o", &proof]);
    [format!("{dir}/verifying.key"), proof, input]
}

#[test]
fn a_model_without_its_proof_is_warned_of_and_can_be_rejected() {
    let scratch = Scratch::new();
    let [key, proof, _] = secure(&scratch);
    // The key alone, as somebody may send it.
    std::fs::create_dir(scratch.path("sent")).unwrap();
    let alone = scratch.text("sent/verifying.key");
    std::fs::copy(&key, &alone).unwrap();
    let ran = verify(&alone, &proof, &[]);
    assert_eq!((ran.code, &ran.json()["model"]), (0, &"unproved".into()));
    let warning = ran.json()["warning"].as_str().expect("a warning").to_owned();
    assert!(warning.contains("UNPROVED") && warning.contains("no model proof beside the key"), "{warning}");
    let text = zktorch(&["verify", "--key", &alone, &proof]);
    assert!(text.code == 0 && text.stdout.contains("WARNING: the model is UNPROVED"), "{text:?}");
    rejected(&verify(&alone, &proof, &["--require", "model-proof"]), &["--require model-proof", "no model proof"]);

    let all = ["--require", "model-proof,secure-setup,public-input,public-output"];
    let ran = verify(&key, &proof, &all);
    assert_eq!((ran.code, &ran.json()["warning"]), (0, &serde_json::Value::Null), "{ran:?}");
    assert_eq!(ran.json()["required"].as_array().unwrap().len(), 4);
    verify(&key, &proof, &["--require", "shared"]).fails(2, &["--require shared", "several proofs"]);
    verify(&key, &proof, &["--require", "everything"]).fails(2, &["everything", "model-proof"]);
}

#[test]
fn what_is_required_and_not_so_is_rejected() {
    let scratch = Scratch::new();
    let insecure = shared();
    let ran = verify(&insecure.key(), &insecure.proof(), &["--require", "secure-setup"]);
    rejected(&ran, &["--require secure-setup", "anybody can forge"]);
    assert_eq!(compile_mlp(&scratch, "private", &["--input", "private", "--output", "private"]).code, 0);
    let [dir, proof] = ["private", "private.proof"].map(|name| scratch.text(name));
    done(&["prove", &dir, "--input", &insecure.input(), "-o", &proof]);
    let key = format!("{dir}/verifying.key");
    let ran = verify(&key, &proof, &["--require", "public-input", "--require", "public-output"]);
    rejected(&ran, &["--require public-input: an input is private", "--require public-output"]);
    // Two proofs that nothing ties.
    let two = ["verify", "--key", &key, &proof, &proof, "--format", "json"];
    assert_eq!(zktorch(&two).code, 0);
    let loose = scratch.text("loose.proof");
    done(&["prove", &dir, "--input", &insecure.input(), "-o", &loose]);
    let together = |other: &str, more: &[&str]| {
        zktorch(&[&["verify", "--key", &key, &proof, other, "--format", "json"], more].concat())
    };
    assert_eq!((together(&proof, &["--require", "shared"]).code, together(&loose, &[]).code), (0, 0));
    rejected(&together(&loose, &["--require", "shared"]), &["--require shared", "loose.proof"]);
}

#[test]
fn the_public_input_is_compared_with_a_file() {
    let scratch = Scratch::new();
    let [key, proof] = [shared().key(), shared().proof()];
    let compare = |file: &str| verify(&key, &proof, &["--input", file]);
    let ran = compare(&shared().input());
    assert_eq!((ran.code, ran.json()["same_input"].as_str()), (0, Some(shared().input().as_str())), "{ran:?}");

    let json: serde_json::Value = serde_json::from_str(bundled::DIGITS_MLP.input_json).unwrap();
    let mut values: Vec<f64> = json["input_data"][0].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    let write = |values: &[f64]| scratch.file("other.json", serde_json::json!({ "input_data": [values] }).to_string());
    // Closer than the integers can tell is the same.
    values[10] += 1e-9;
    assert_eq!(compare(&write(&values)).code, 0);
    values[10] += if values[10] > 0.5 { -0.25 } else { 0.25 };
    values[20] = 0.123;
    rejected(&compare(&write(&values)), &["another input than", "other.json", "entry [0, 0, 1, 2] of `", "in it"]);
    values[10] = 1e9;
    rejected(&compare(&write(&values)), &["other.json", "none that the model takes", "entry 10"]);
    compare(&write(&values[..9])).fails(2, &["other.json", "64"]);
    compare(&scratch.text("absent.npy")).fails(2, &["absent.npy"]);
    let refused = zktorch(&["verify", "--key", &key, &proof, &proof, "--input", &shared().input()]);
    refused.fails(2, &["--input", "one proof"]);

    assert_eq!(compile_mlp(&scratch, "private", &["--input", "private"]).code, 0);
    let [dir, hidden] = ["private", "hidden.proof"].map(|name| scratch.text(name));
    done(&["prove", &dir, "--input", &shared().input(), "-o", &hidden]);
    verify(&format!("{dir}/verifying.key"), &hidden, &["--input", &shared().input()]).fails(2, &["is private", "--bind"]);
}

#[test]
fn the_time_that_is_printed_is_all_of_it() {
    let scratch = Scratch::new();
    let [key, proof, _] = secure(&scratch);
    let json = verify(&key, &proof, &[]).json();
    let seconds = |value: &serde_json::Value| value.as_f64().unwrap();
    let phases: Vec<f64> = json["phases"].as_array().unwrap().iter().map(|p| seconds(&p["seconds"])).collect();
    let names: Vec<&str> = json["phases"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["reading", "generators", "proof", "model proof"]);
    let total = seconds(&json["total_seconds"]);
    assert!(phases.iter().sum::<f64>() <= total + 1e-3 && seconds(&json["seconds"]) <= total, "{json}");
    // The check of the model proof is what takes longest, the first time.
    assert!(phases[3] > 0.0 && total > phases[2] + phases[3], "{json}");
    assert!(Path::new(&key).exists());
}
