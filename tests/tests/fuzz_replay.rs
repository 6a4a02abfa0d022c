//! What the fuzz targets do, in a few seconds: their seeds, every file they found, and a few thousand deterministic mutations.

use std::alloc::System;
use std::path::{Path, PathBuf};
use zktorch_tests::hostile::{TARGETS, Target, seeds};

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

/// A stream of numbers, the same at every run.
struct Stream(u64);

impl Stream {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

/// A file with one to four edits: bytes changed, taken out, put in twice, replaced by another file's, or the end cut off.
fn mutated(stream: &mut Stream, file: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..1 + stream.next(4) {
        let at = stream.next(bytes.len());
        let end = (at + 1 + stream.next(16)).min(bytes.len());
        match stream.next(7) {
            0 => bytes[at..end].iter_mut().for_each(|b| *b = b.wrapping_add(1)),
            1 => bytes[at..end].fill(0xff),
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            4 => drop(bytes.splice(at..end, other.iter().copied().skip(stream.next(other.len())).take(16))),
            // A variable-length integer of eight bytes.
            5 => drop(bytes.splice(at..(at + 1).min(end), [253, 0, 0, 0, 0, stream.next(256) as u8, 0, 0, 0])),
            _ => bytes.truncate(bytes.len().saturating_sub(stream.next(bytes.len() / 4 + 1))),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
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
    let mut stream = Stream(7);
    for number in 0..mutations {
        let (path, file) = &files[stream.next(files.len())];
        println!("mutation {number} of {path}");
        let (_, other) = &files[stream.next(files.len())];
        call(&mutated(&mut stream, file, other));
    }
    assert!(ALLOCATOR.allocated() < MOST);
}

#[test]
fn proofs() {
    replay("proof", 200);
}

#[test]
fn verifying_keys() {
    replay("verifying_key", 2000);
}

#[test]
fn files_of_the_prover() {
    replay("prover_files", 500);
}

#[test]
fn setups() {
    replay("setup", 300);
}

#[test]
fn inputs() {
    replay("inputs", 3000);
}

#[test]
fn models() {
    replay("onnx", 200);
}
