//! The folder that is compiled into: one compilation at a time, never among other files, and nothing half-made.
#![cfg(unix)]

mod common;

use common::{Scratch, command, compile_mlp, names, one_node, ran, shared, zktorch};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn relu(scratch: &Scratch) -> String {
    scratch.file("relu.onnx", one_node("Relu", &[1, 4]))
}

#[test]
fn a_model_s_folder_holds_nothing_else() {
    let scratch = Scratch::new();
    let model = relu(&scratch);
    let words = ["compile", &model, "--setup", "insecure:8", "-o"];
    // Where the model lies, by its name and as the current folder.
    let own = scratch.text("");
    zktorch(&[&words[..], &[&own]].concat()).fails(2, &["holds other files", "relu.onnx", "--force"]);
    let here = ran(command(&[&words[..], &["."]].concat()).current_dir(scratch.path("")).output().unwrap());
    here.fails(2, &["cannot write `.`", "holds other files"]);
    assert_eq!(scratch.names(), ["relu.onnx"]);
    fs::create_dir(scratch.path("empty")).unwrap();
    assert_eq!(zktorch(&[&words[..], &[&scratch.text("empty")]].concat()).code, 0);
    assert_eq!(names(&scratch.path("empty")).len(), 5);
    assert_eq!(zktorch(&[&words[..], &[&own, "--force"]].concat()).code, 0);
    assert_eq!(scratch.names().len(), 7);
}

#[test]
fn one_compilation_runs_at_a_time() {
    let scratch = Scratch::new();
    let model = relu(&scratch);
    let out = scratch.text("out");
    let words = ["compile", &model, "--setup", "insecure:8", "--force", "-o", &out];
    assert_eq!(zktorch(&words).code, 0);
    let held = fs::File::open(&out).unwrap();
    held.try_lock().unwrap();
    zktorch(&words).fails(2, &["out", "another zktorch is compiling into this folder"]);
    drop(held);
    assert_eq!(zktorch(&words).code, 0);
    // Several at once, into a folder that is there and into one that is not: whoever is first.
    for name in ["out", "new"] {
        let out = scratch.text(name);
        let words = ["compile", &model, "--setup", "insecure:8", "--force", "-o", &out];
        let start = || command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let all: Vec<_> = (0..4).map(|_| start()).collect();
        let codes: Vec<_> = all.into_iter().map(|child| ran(child.wait_with_output().unwrap())).collect();
        assert!(codes.iter().any(|ran| ran.code == 0), "{codes:?}");
        assert!(codes.iter().all(|ran| ran.code == 0 || ran.stderr.contains("another zktorch")), "{codes:?}");
        let input = scratch.file("input.json", r#"{"input_data": [[1, -1, 0.5, 0]]}"#);
        let proof = scratch.text("proof");
        assert_eq!(zktorch(&["prove", &out, "--input", &input, "-o", &proof]).code, 0);
        assert!(scratch.names().iter().all(|n| !n.starts_with('.')), "{:?}", scratch.names());
    }
}

/// Starts a command that waits for a pipe to be written, until it has made something in the folder, and terminates it.
fn interrupted(words: &[&str], folder: &Path) -> i32 {
    let mut child = command(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !names(folder).iter().any(|n| n.starts_with(".zktorch-")) {
        assert!(begun.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none(), "it makes nothing");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap().signal().expect("it ends by the signal")
}

#[test]
fn a_signal_leaves_nothing() {
    let scratch = Scratch::new();
    let model = relu(&scratch);
    // Nobody writes it: whoever reads it waits.
    assert!(Command::new("mkfifo").arg(scratch.path("pipe.json")).status().unwrap().success());
    let [pipe, out, proof, kept] = ["pipe.json", "out", "proof", "kept"].map(|name| scratch.text(name));
    assert_eq!(compile_mlp(&scratch, "private", &["--input", "private"]).code, 0);
    let before = scratch.names();
    let private = scratch.text("private");
    let dir = shared().dir();
    let commands: [&[&str]; 3] = [
        &["prove", &dir, "--input", &pipe, "-o", &proof],
        &["commit", &private, "--input", &pipe, "-o", &kept],
        &["compile", &model, "-o", &out, "--calibrate", &pipe],
    ];
    for words in commands {
        // Other signals may be ignored where tests run.
        assert_eq!((interrupted(words, &scratch.path("")), scratch.names()), (15, before.clone()));
    }
}
