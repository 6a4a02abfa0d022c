//! Where outputs go: through links, devices and pipes, and never over an input.
#![cfg(unix)]

mod common;

use common::{Scratch, compile_mlp, done, names, one_node, shared, zktorch};
use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::Command;
use zktorch_models::bundled;

fn prove(output: &str) -> common::Ran {
    zktorch(&["prove", &shared().dir(), "--input", &shared().input(), "-o", output])
}

fn accepted(proof: &str) {
    done(&["verify", "--key", &shared().key(), proof]);
}

fn no_temporaries(scratch: &Scratch) {
    assert!(scratch.names().iter().all(|n| !n.starts_with('.')), "{:?}", scratch.names());
}

#[test]
fn links_are_written_through() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("there")).unwrap();
    scratch.file("there/old", "old");
    symlink("there/old", scratch.path("link")).unwrap();
    symlink("link", scratch.path("second")).unwrap();
    symlink("there/new", scratch.path("dangling")).unwrap();
    for name in ["second", "dangling"] {
        assert_eq!(prove(&scratch.text(name)).code, 0);
        assert!(scratch.path(name).is_symlink() && scratch.path("link").is_symlink());
        accepted(&scratch.text(name));
    }
    accepted(&scratch.text("there/old"));
    assert_eq!(names(&scratch.path("there")), ["new", "old"]);
    no_temporaries(&scratch);
    symlink("nowhere/at/all", scratch.path("lost")).unwrap();
    prove(&scratch.text("lost")).fails(2, &["cannot write", "lost"]);
    symlink("nothing", scratch.path("folder")).unwrap();
    let model = scratch.file("mlp.onnx", bundled::DIGITS_MLP.onnx);
    zktorch(&["compile", &model, "-o", &scratch.text("folder")]).fails(2, &["folder", "a symbolic link to nothing"]);
}

#[test]
fn devices_and_pipes_stay_what_they_are() {
    let scratch = Scratch::new();
    symlink("/dev/null", scratch.path("null")).unwrap();
    assert_eq!(prove(&scratch.text("null")).code, 0);
    assert!(scratch.path("null").is_symlink() && fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    let pipe = scratch.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).unwrap()
    });
    assert_eq!(prove(&scratch.text("pipe")).code, 0);
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    accepted(&scratch.file("read", reader.join().unwrap()));
    // What is printed and what is written would spoil each other.
    prove("/dev/stdout").fails(2, &["/dev/stdout", "standard output"]);
    zktorch(&["commit", &shared().dir(), "--input", &shared().input(), "-o", &scratch.text("null")])
        .fails(2, &["null", "opening lies beside it"]);
    no_temporaries(&scratch);
}

#[test]
fn devices_and_folders_are_not_read() {
    let scratch = Scratch::new();
    symlink("/dev/zero", scratch.path("zero.json")).unwrap();
    let zero = scratch.text("zero.json");
    zktorch(&["run", &shared().dir(), "--input", &zero]).fails(2, &["zero.json", "a device"]);
    zktorch(&["verify", "--key", &zero, &shared().proof()]).fails(2, &["zero.json", "a device"]);
    zktorch(&["inspect", &zero]).fails(2, &["zero.json", "a device"]);
    zktorch(&["compile", &zero, "-o", &scratch.text("out")]).fails(2, &["zero.json", "a device"]);
    zktorch(&["strip", &zero, "-o", &scratch.text("out")]).fails(2, &["zero.json", "a device"]);
    zktorch(&["audit", &zero, &shared().key()]).fails(2, &["zero.json", "a device"]);
    zktorch(&["verify", "--key", &shared().dir(), &shared().proof()]).fails(2, &["a folder"]);
    fs::create_dir(scratch.path("empty")).unwrap();
    zktorch(&["run", &shared().dir(), "--input", &scratch.text("empty")]).fails(2, &["empty", "no input_0.pb"]);
    assert_eq!(scratch.names(), ["empty", "zero.json"]);
}

/// Everything in a folder, to be compared.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    names(folder).into_iter().map(|n| (n.clone(), fs::read(folder.join(n)).unwrap_or_default())).collect()
}

#[test]
fn no_output_overwrites_an_input() {
    let scratch = Scratch::new();
    let hidden = ["--input", "private", "--output", "private"];
    assert_eq!(compile_mlp(&scratch, "mlp", &hidden).code, 0);
    let [dir, kept, out] = ["mlp", "kept", "out"].map(|name| scratch.text(name));
    let input = scratch.file("input.json", bundled::DIGITS_MLP.input_json);
    let model = scratch.text("mlp.onnx");
    done(&["commit", &dir, "--input", &input, "-o", &kept]);
    let opening = scratch.text("kept.opening");
    let hard = scratch.text("hard");
    fs::hard_link(&kept, &hard).unwrap();
    let at = |name: &str| scratch.text(&format!("mlp/{name}"));
    let before = (contents(&scratch.path("mlp")), contents(&scratch.path("")));
    let prove = |more: &[&str]| zktorch(&[&["prove", &dir], more].concat());
    for name in ["proving.key", "verifying.key", "program.zkc", "model.proof"] {
        prove(&["--input", &input, "-o", &at(name)]).fails(2, &[name, "(DIR)", "is read by the same command"]);
        zktorch(&["commit", &dir, "--input", &input, "-o", &at(name)]).fails(2, &[name, "(DIR)"]);
        zktorch(&["run", &dir, "--input", &input, "-o", &at(name)]).fails(2, &[name, "(DIR)"]);
    }
    prove(&["--input", &input, "-o", &input]).fails(2, &["write -o", "input.json", "(--input)"]);
    prove(&["--input", &input, "-o", &scratch.text("mlp/../input.json")]).fails(2, &["(--input)"]);
    prove(&["--bind", &kept, "-o", &kept]).fails(2, &["kept", "(--bind)"]);
    prove(&["--bind", &kept, "-o", &hard]).fails(2, &["hard", "(--bind)"]);
    prove(&["--bind", &kept, "-o", &opening]).fails(2, &["kept.opening", "opening of --bind"]);
    prove(&["--bind", &kept, "-o", &out, "--keep", &kept]).fails(2, &["write --keep", "(--bind)"]);
    prove(&["--input", &input, "--keep", &out, "-o", &out]).fails(2, &["out", "(-o)", "written by the same command"]);
    prove(&["--input", &input, "--keep", &out, "-o", &scratch.text("out.opening")])
        .fails(2, &["out.opening", "written by the same command"]);
    prove(&["--input", &input, "--keep", &input, "-o", &out]).fails(2, &["write --keep", "(--input)"]);
    zktorch(&["commit", &dir, "--input", &input, "-o", &input]).fails(2, &["input.json", "(--input)"]);
    zktorch(&["run", &dir, "--input", &input, "-o", &input]).fails(2, &["input.json", "(--input)"]);
    zktorch(&["strip", &model, "-o", &model]).fails(2, &["mlp.onnx", "the model"]);
    // A folder that holds what is read, and keys that are read where new ones go.
    let compile = |more: &[&str]| zktorch(&[&["compile", &model, "--setup", "insecure:8"], more].concat());
    compile(&["-o", &dir, "--force", "--calibrate", &at("report.json")]).fails(2, &["report.json", "(--calibrate)"]);
    compile(&["-o", &dir, "--force", "--input-like", &at("verifying.key")]).fails(2, &["verifying.key", "(--input-like)"]);
    assert_eq!(before, (contents(&scratch.path("mlp")), contents(&scratch.path(""))));
}

#[test]
fn a_model_s_weights_are_not_overwritten_by_its_stripped_form() {
    let scratch = Scratch::new();
    scratch.file("weights.data", [0u8; 12]);
    let model = scratch.file("model.onnx", [one_node("Relu", &[3]), b"weights.data".to_vec()].concat());
    let weights = scratch.text("weights.data");
    zktorch(&["strip", &model, "-o", &weights]).fails(2, &["weights.data", "its weights may lie there"]);
    assert_eq!(fs::read(weights).unwrap(), [0u8; 12]);
}

#[test]
fn what_cannot_be_made_again_is_replaced_by_force_only() {
    let scratch = Scratch::new();
    assert_eq!(compile_mlp(&scratch, "mlp", &["--input", "private"]).code, 0);
    let [dir, kept, proof, weights] = ["mlp", "x", "proof", "mlp/proving.key"].map(|name| scratch.text(name));
    let commit = ["commit", &dir, "--input", &shared().input(), "-o", &kept];
    done(&commit);
    let opening = fs::read(scratch.path("x.opening")).unwrap();
    zktorch(&commit).fails(2, &["cannot be made again", "--force"]);
    fs::remove_file(scratch.path("x")).unwrap();
    zktorch(&commit).fails(2, &["an opening of zktorch", "--force"]);
    assert_eq!(fs::read(scratch.path("x.opening")).unwrap(), opening);
    done(&[&commit[..], &["--force"]].concat());
    assert_ne!(fs::read(scratch.path("x.opening")).unwrap(), opening);
    let run = ["run", &shared().dir(), "--input", &shared().input(), "-o"];
    for (words, output) in [
        (vec!["prove", &shared().dir(), "--input", &shared().input(), "-o"], &weights),
        (run.to_vec(), &weights),
        (vec!["strip", &scratch.file("mlp.onnx", bundled::DIGITS_MLP.onnx), "-o"], &weights),
    ] {
        zktorch(&[&words[..], &[output]].concat()).fails(2, &["proving.key", "a proving key of zktorch"]);
    }
    // Proofs are made again from the same input.
    for _ in 0..2 {
        done(&["prove", &dir, "--bind", &kept, "-o", &proof]);
    }
}
