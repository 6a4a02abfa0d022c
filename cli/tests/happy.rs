//! What works: the way from a model to a verdict, in both formats.

mod common;

use common::{Scratch, compile_mlp, names, shared, zktorch};
use serde_json::Value;
use zktorch_models::bundled;
use zktorch_prover::mask::MaskRows;
use zktorch_prover::{Prover, ProvingKey, Randomness};
use zktorch_verifier::key::VerifyingKey;

fn data(tensor: &Value) -> Vec<f64> {
    tensor["data"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn largest(values: &[f64]) -> usize {
    (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap()
}

#[test]
fn a_model_becomes_a_verdict() {
    let scratch = Scratch::new();
    let compiled = compile_mlp(&scratch, "out", &["--format", "json"]);
    assert_eq!((compiled.code, compiled.stderr.as_str()), (0, ""), "{compiled:?}");
    let report = compiled.json();
    assert!(report["output_error"].as_f64().unwrap() < 0.05 && report["setup"]["insecure"] == true);
    let dir = scratch.path("out");
    assert_eq!(names(&dir), ["model.proof", "program.zkc", "proving.key", "report.json", "verifying.key"]);

    let input = scratch.file("input.json", bundled::DIGITS_MLP.input_json);
    let (dir, proof) = (scratch.text("out"), scratch.text("proof"));
    let ran = zktorch(&["run", &dir, "--input", &input, "--format", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let scores = data(&ran.json()["outputs"][0]);
    assert_eq!(largest(&scores), bundled::DIGITS_MLP.label);

    let proved = zktorch(&["prove", &dir, "--input", &input, "-o", &proof, "--threads", "1", "--format", "json"]);
    assert_eq!((proved.code, proved.stderr.as_str()), (0, ""), "{proved:?}");
    let proved = proved.json();
    assert_eq!(data(&proved["outputs"][0]), scores);
    assert!(proved["proof_bytes"].as_u64().unwrap() > 1000);
    assert!(proved["phases"].as_array().unwrap().iter().all(|p| p["name"].is_string() && p["seconds"].is_f64()));

    let key = format!("{dir}/verifying.key");
    let verified = zktorch(&["verify", "--key", &key, &proof, "--format", "json"]);
    assert_eq!((verified.code, verified.stderr.as_str()), (0, ""), "{verified:?}");
    let verdict = verified.json();
    assert_eq!((&verdict["verdict"], &verdict["reason"]), (&"accepted".into(), &Value::Null));
    // What is proved are integers, shown as such, and floats beside them.
    let output = &verdict["outputs"][0];
    let unit = (-output["scale"].as_f64().unwrap()).exp2();
    let exact: Vec<f64> = output["integers"].as_array().unwrap().iter().map(|v| v.as_i64().unwrap() as f64 * unit).collect();
    assert_eq!((&exact, data(output)), (&scores, scores.clone()));
    assert_eq!((output, &verdict["model"]), (&proved["outputs"][0], &"proved".into()));
    assert_eq!((&verdict["soundness_bits"], &verdict["model_digest"]), (&0.into(), &report["model_digest"]));
    assert!(verdict["warning"].as_str().unwrap().contains("INSECURE"));
    let text = zktorch(&["verify", "--key", &key, &proof]);
    assert!(text.code == 0 && text.stdout.starts_with("accepted") && text.stdout.contains("INSECURE"), "{text:?}");
    let names = scratch.names();
    assert!(names.iter().all(|n| !n.starts_with('.')), "{names:?}");
}

#[test]
fn names_in_a_key_cannot_write_a_verdict() {
    let scratch = Scratch::new();
    let read = |name: &str| std::fs::read(format!("{}/{name}", shared().dir())).unwrap();
    let mut proving = ProvingKey::from_bytes(&read("proving.key")).unwrap();
    let mut key = VerifyingKey::from_bytes(&read("verifying.key")).unwrap();
    key.outputs[0].name = "y\n  soundness  128 bits\r\u{1b}[2J\u{202e}".into();
    proving.masks = MaskRows::new(&proving.generators, key.digest().unwrap(), proving.masks.count());
    let proved = Prover::new(&proving, &key, Randomness::from_os().unwrap()).prove(&[vec![0; 64]]).unwrap();
    let path = scratch.file("key", key.to_bytes().unwrap());
    let proof = scratch.file("proof", proved.proof.to_bytes().unwrap());
    let ran = zktorch(&["verify", "--key", &path, &proof]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains(r"y\n  soundness  128 bits\r\u{1b}[2J\u{202e} ["), "{ran:?}");
    assert_eq!(ran.stdout.lines().filter(|line| line.trim_start().starts_with("soundness")).count(), 1);
}

#[test]
fn private_inputs_and_outputs_are_not_in_the_proof() {
    let scratch = Scratch::new();
    assert_eq!(compile_mlp(&scratch, "out", &["--input", "private", "--output", "private"]).code, 0);
    let input = scratch.file("input.json", bundled::DIGITS_MLP.input_json);
    let (dir, proof) = (scratch.text("out"), scratch.text("proof"));
    let proved = zktorch(&["prove", &dir, "--input", &input, "-o", &proof]);
    assert_eq!(proved.code, 0, "{proved:?}");
    let verdict = zktorch(&["verify", "--key", &format!("{dir}/verifying.key"), &proof, "--format", "json"]).json();
    assert_eq!((&verdict["verdict"], &verdict["inputs"]), (&"accepted".into(), &Value::Array(Vec::new())));
    assert_eq!(verdict["outputs"], Value::Array(Vec::new()));
    assert!(verdict["hidden"].to_string().contains("input ") && verdict["hidden"].to_string().contains("output "));
    let commitments: Vec<_> =
        verdict["commitments"].as_array().unwrap().iter().map(|c| (&c["role"], c["digest"].to_string())).collect();
    let [(input, x), (output, y)] = commitments.as_slice() else { panic!("{commitments:?}") };
    assert_eq!((*input, *output), (&"input".into(), &"output".into()));
    assert!(x.len() == 66 && y.len() == 66 && x != y);
}

#[test]
fn compiling_again_replaces_the_folder_if_it_is_told_to() {
    let scratch = Scratch::new();
    assert_eq!(compile_mlp(&scratch, "out", &[]).code, 0);
    let first = std::fs::read(scratch.path("out/verifying.key")).unwrap();
    compile_mlp(&scratch, "out", &[]).fails(2, &["out", "keys of a compiled model", "--force", "not accepted"]);
    assert_eq!(first, std::fs::read(scratch.path("out/verifying.key")).unwrap());
    let replaced = compile_mlp(&scratch, "out", &["--force", "--format", "json"]);
    assert_eq!((replaced.code, &replaced.json()["replaced"]["same_program"]), (0, &true.into()), "{replaced:?}");
    assert!(replaced.json()["replaced"]["what"].as_str().unwrap().contains("the same program"));
    let another = compile_mlp(&scratch, "out", &["--force", "--input", "private"]);
    assert!(another.code == 0 && another.stdout.contains("REPLACED: the keys of another program"), "{another:?}");
    // Blinders are fresh each time.
    assert_ne!(first, std::fs::read(scratch.path("out/verifying.key")).unwrap());
    assert_eq!(names(&scratch.path("out")).len(), 5);
    let input = scratch.file("input.json", bundled::DIGITS_MLP.input_json);
    assert_eq!(zktorch(&["run", &scratch.text("out"), "--input", &input]).code, 0);
}

#[test]
fn everything_can_be_inspected() {
    let shared = shared();
    let kinds = ["", "/program.zkc", "/proving.key", "/verifying.key", "/model.proof"].map(|name| shared.dir() + name);
    let expected = ["compiled model", "program", "proving key", "verifying key", "model proof", "proof"];
    for (path, kind) in kinds.into_iter().chain([shared.proof()]).zip(expected) {
        let json = zktorch(&["inspect", &path, "--format", "json"]);
        assert_eq!((json.code, &json.json()["kind"]), (0, &kind.into()), "{json:?}");
        let text = zktorch(&["inspect", &path]);
        assert!(text.code == 0 && text.stdout.contains(kind), "{text:?}");
    }
}

#[test]
fn the_demo_accepts_once_and_rejects_twice() {
    let ran = zktorch(&["demo", "--index", "3", "--format", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let json = ran.json();
    let verdicts = ["verdict", "tampered_proof", "tampered_output"].map(|v| json[v]["verdict"].as_str().unwrap().to_owned());
    assert_eq!(verdicts, ["accepted", "rejected", "rejected"]);
    let beyond = zktorch(&["demo", "--index", "360"]);
    beyond.fails(2, &["--index 360", "0 to 359"]);
}

#[test]
fn help_is_there() {
    for command in ["compile", "run", "prove", "verify", "inspect", "demo"] {
        let help = zktorch(&[command, "--help"]);
        assert!(help.code == 0 && help.stderr.is_empty() && help.stdout.contains("Usage: zktorch"), "{help:?}");
    }
}
