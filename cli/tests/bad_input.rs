//! What does not work: a clear message, the right exit code, and nothing half-written.

mod common;

use common::{Scratch, compile_mlp, names, one_node, shared, zktorch};
use zktorch_models::bundled;

fn compile(scratch: &Scratch, model: &str, more: &[&str]) -> common::Ran {
    let dir = scratch.text("out");
    let mut args = vec!["compile", model, "-o", &dir, "--setup", "insecure:8"];
    args.extend(more);
    let ran = zktorch(&args);
    assert!(!scratch.path("out").exists() && scratch.names().iter().all(|n| !n.starts_with('.')), "{:?}", scratch.names());
    ran
}

#[test]
fn models_that_are_none_are_refused() {
    let scratch = Scratch::new();
    compile(&scratch, &scratch.text("absent.onnx"), &[]).fails(2, &["absent.onnx"]);
    let noise = scratch.file("noise.onnx", [0xa5; 200]);
    compile(&scratch, &noise, &[]).fails(2, &["noise.onnx", "not a valid ONNX model"]);
    let onnx = bundled::DIGITS_MLP.onnx;
    let cut = scratch.file("cut.onnx", &onnx[..onnx.len() / 2]);
    compile(&scratch, &cut, &[]).fails(2, &["cut.onnx", "not a valid ONNX model"]);
    let strange = scratch.file("strange.onnx", one_node("Det", &[3]));
    compile(&scratch, &strange, &[]).fails(1, &["strange.onnx", "the_node", "Det"]);
}

#[test]
fn calibration_and_options_that_do_not_fit_are_refused() {
    let scratch = Scratch::new();
    let model = scratch.file("mlp.onnx", bundled::DIGITS_MLP.onnx);
    let samples = scratch.file("samples.json", r#"{"input_data": [[1.0, 2.0]]}"#);
    compile(&scratch, &model, &["--calibrate", &samples]).fails(2, &["samples.json", "64"]);
    compile(&scratch, &model, &["--bits", "7"]).fails(2, &["--bits"]);
    compile(&scratch, &model, &["--input-shape", "1x0"]).fails(2, &["--input-shape"]);
    compile(&scratch, &model, &["--input-shape", "1x3x3x3"]).fails(2, &["mlp.onnx", "shape"]);
    compile(&scratch, &model, &["--setup", "nowhere.bin"]).fails(2, &["--setup"]);
    let setup = scratch.file("setup.bin", [1; 100]);
    let dir = scratch.text("out");
    zktorch(&["compile", &model, "-o", &dir, "--setup", &setup]).fails(2, &["setup.bin", "not a setup file"]);
    zktorch(&["compile", &model, "-o", &dir, "--setup", "insecure:99"]).fails(2, &["insecure:LOG2"]);
    assert!(!scratch.path("out").exists());
}

#[test]
fn inputs_that_are_none_are_refused() {
    let scratch = Scratch::new();
    let shared = shared();
    let row = |value: &str| format!(r#"{{"input_data": [[{}]]}}"#, vec![value; 64].join(", "));
    let cases = [
        ("short.json", r#"{"input_data": [[0.5, 0.5]]}"#.to_owned(), "64"),
        ("double.json", format!(r#"{{"input_data": [[{}]]}}"#, vec!["0.5"; 128].join(", ")), "one sample"),
        ("two.json", r#"{"input_data": [[0.5], [0.5]]}"#.to_owned(), "inputs"),
        ("nan.json", row("NaN"), "nan.json"),
        ("huge.json", row("1e30"), "outside"),
        ("far.json", row("-5000"), "outside"),
        ("text.json", "hello".to_owned(), "text.json"),
        ("input.txt", "hello".to_owned(), "input.txt"),
    ];
    for (name, contents, fragment) in cases {
        let input = scratch.file(name, contents);
        let proof = scratch.text("proof");
        // Two samples are two runs, and no proof.
        if name != "double.json" {
            zktorch(&["run", &shared.dir(), "--input", &input]).fails(2, &[name, fragment]);
        }
        let proved = zktorch(&["prove", &shared.dir(), "--input", &input, "-o", &proof, "--format", "json"]);
        proved.fails(2, &[name, fragment]);
        assert_eq!(proved.json()["error"]["exit_code"], 2);
        std::fs::remove_file(&input).unwrap();
        assert!(scratch.names().is_empty(), "{:?}", scratch.names());
    }
    let mut npy = b"\x93NUMPY\x01\x00\x46\x00".to_vec();
    npy.extend(format!("{:<69}\n", "{'descr': '<f4', 'fortran_order': False, 'shape': (64,), }").bytes());
    npy.extend([f32::NAN; 64].iter().flat_map(|v| v.to_le_bytes()));
    let input = scratch.file("nan.npy", npy);
    zktorch(&["run", &shared.dir(), "--input", &input]).fails(2, &["nan.npy", "NaN", "finite"]);
    zktorch(&["run", &shared.dir(), "--input", &scratch.text("absent.json")]).fails(2, &["absent.json"]);
}

#[test]
fn keys_and_proofs_that_are_none_decide_nothing() {
    let scratch = Scratch::new();
    let shared = shared();
    let verify = |key: &str, proof: &str| zktorch(&["verify", "--key", key, proof, "--format", "json"]);
    let foreign = scratch.file("foreign", b"hello, this is not one of our files");
    verify(&foreign, &shared.proof()).fails(2, &["foreign", "not a zktorch file"]);
    verify(&shared.key(), &foreign).fails(2, &["foreign", "not a zktorch file"]);
    verify(&shared.proof(), &shared.key()).fails(2, &["expected a verifying key, got a proof"]);
    for (path, what) in [(shared.key(), "verifying key"), (shared.proof(), "proof")] {
        let bytes = std::fs::read(path).unwrap();
        for end in [bytes.len() - 1, bytes.len() / 2, 12] {
            let cut = scratch.file("cut", &bytes[..end]);
            let (key, proof) = if what == "proof" { (shared.key(), cut) } else { (cut, shared.proof()) };
            verify(&key, &proof).fails(2, &["cut", what, "truncated"]);
        }
    }
    // A proof whose messages were changed by somebody who can compute digests.
    let mut proof = zktorch_verifier::proof::Proof::from_bytes(&std::fs::read(shared.proof()).unwrap()).unwrap();
    proof.bytes.pop();
    let altered = scratch.file("altered", proof.to_bytes().unwrap());
    let ran = verify(&shared.key(), &altered);
    assert_eq!((ran.code, &ran.json()["verdict"]), (1, &"rejected".into()), "{ran:?}");
    assert!(ran.json()["reason"].is_string());
}

#[test]
fn files_of_two_models_are_not_mixed() {
    let scratch = Scratch::new();
    let shared = shared();
    assert_eq!(compile_mlp(&scratch, "other", &[]).code, 0);
    let key = scratch.text("other/verifying.key");
    let ran = zktorch(&["verify", "--key", &key, &shared.proof()]);
    assert!(ran.code == 1 && ran.stdout.contains("rejected") && ran.stdout.contains("another verifying key"), "{ran:?}");
    for name in ["verifying.key", "proving.key"] {
        let own = std::fs::read(scratch.path("other").join(name)).unwrap();
        std::fs::copy(format!("{}/{name}", shared.dir()), scratch.path("other").join(name)).unwrap();
        let proof = scratch.text("proof");
        let ran = zktorch(&["prove", &scratch.text("other"), "--input", &shared.input(), "-o", &proof]);
        ran.fails(2, &[name, "another model"]);
        assert!(!scratch.path("proof").exists());
        std::fs::write(scratch.path("other").join(name), own).unwrap();
    }
    std::fs::remove_file(scratch.path("other/proving.key")).unwrap();
    zktorch(&["run", &scratch.text("other"), "--input", &shared.input()]).fails(2, &["other", "no proving.key"]);
    zktorch(&["run", &scratch.text("absent"), "--input", &shared.input()]).fails(2, &["absent", "not a folder"]);
    zktorch(&["inspect", &scratch.file("x", b"x")]).fails(2, &["not a zktorch file"]);
}

#[test]
fn outputs_that_cannot_be_written_leave_nothing() {
    let scratch = Scratch::new();
    let shared = shared();
    scratch.file("file", b"");
    for output in ["absent/proof", "file/proof"] {
        let ran = zktorch(&["prove", &shared.dir(), "--input", &shared.input(), "-o", &scratch.text(output)]);
        ran.fails(2, &["cannot write", output]);
    }
    let model = scratch.file("mlp.onnx", bundled::DIGITS_MLP.onnx);
    for output in ["absent/out", "file"] {
        let ran = zktorch(&["compile", &model, "-o", &scratch.text(output), "--setup", "insecure:8"]);
        ran.fails(2, &["cannot write", output]);
    }
    assert_eq!(scratch.names(), ["file", "mlp.onnx"]);
    std::fs::create_dir(scratch.path("folder")).unwrap();
    let ran = zktorch(&["prove", &shared.dir(), "--input", &shared.input(), "-o", &scratch.text("folder")]);
    ran.fails(2, &["cannot write", "folder"]);
    assert!(names(&scratch.path("folder")).is_empty());
}

#[test]
fn wrong_usage_is_told() {
    let shared = shared();
    let proof = Scratch::new();
    let output = proof.text("proof");
    let with =
        |threads: &str| zktorch(&["prove", &shared.dir(), "--input", &shared.input(), "-o", &output, "--threads", threads]);
    with("0").fails(2, &["--threads", "at least one thread"]);
    with("-1").fails(2, &["--threads"]);
    with("many").fails(2, &["--threads", "1 to"]);
    zktorch(&[]).fails(2, &["Usage"]);
    zktorch(&["prove"]).fails(2, &["Usage"]);
    zktorch(&["frobnicate"]).fails(2, &["frobnicate"]);
}
