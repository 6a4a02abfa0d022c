//! What the fuzz targets do, in a few seconds: their seeds, every file they found, and a few thousand deterministic mutations.

use std::alloc::System;
use std::path::{Path, PathBuf};
use zktorch_tests::hostile::{Stream, TARGETS, Target, mutated, seeds};

/// Files here are below 1 MiB; whatever is done with one stays below this.
const MOST: usize = 1 << 30;

#[global_allocator]
static ALLOCATOR: cap::Cap<System> = cap::Cap::new(System, MOST);

/// The files that a target's campaigns left, by name. A target that found nothing has no folder.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    assert!(all.is_dir(), "{} is missing", all.display());
    let Ok(entries) = std::fs::read_dir(all.join(target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|p| (p.display().to_string(), std::fs::read(p).expect("a file"))).collect()
}

/// Replays a target with so many mutations.
fn replay(name: &str, mutations: usize) {
    let (_, call): Target = *TARGETS.iter().find(|(n, _)| *n == name).expect("a target");
    let files: Vec<(String, Vec<u8>)> = seeds(name).into_iter().chain(corpus(name)).collect();
    assert!(!files.is_empty());
    for (path, bytes) in &files {
        // Printed when the test fails.
        println!("{path}");
        call(bytes);
    }
    let mut stream = Stream::new(7);
    for number in 0..mutations {
        let (path, file) = &files[stream.next(files.len())];
        println!("mutation {number} of {path}");
        let (_, other) = &files[stream.next(files.len())];
        call(&mutated(&mut stream, file, other));
    }
    assert!(ALLOCATOR.allocated() < MOST);
}

#[test]
fn no_bytes_of_a_proof_do_harm() {
    replay("proof", 200);
}

#[test]
fn no_bytes_of_a_verifying_key_do_harm() {
    replay("verifying_key", 2000);
}

#[test]
fn no_bytes_of_a_prover_s_file_do_harm() {
    replay("prover_files", 500);
}

#[test]
fn no_bytes_of_a_setup_do_harm() {
    replay("setup", 300);
}

#[test]
fn no_bytes_of_inputs_do_harm() {
    replay("inputs", 3000);
}

#[test]
fn no_bytes_of_a_model_do_harm() {
    replay("onnx", 200);
}
