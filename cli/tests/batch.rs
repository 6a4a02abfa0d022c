//! `run` on many samples: what comes out, where it is written, and how many of them are right.

mod common;

use common::{Scratch, done, shared, zktorch};
use sha2::{Digest, Sha256};
use std::fs;
use zktorch_accumulator::msm::{CurvePoint, raw};
use zktorch_blocks::digest::FileDigest;
use zktorch_engine::ProgramFile;
use zktorch_formats::npy;
use zktorch_models::bundled;
use zktorch_prover::ProvingKey;
use zktorch_verifier::codec::{Kind, decode, encode};

/// An array as NumPy writes it.
fn npy_of(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let shape: String = shape.iter().map(|extent| format!("{extent},")).collect();
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    [b"\x93NUMPY\x01\0".as_slice(), &length, header.as_bytes(), &data].concat()
}

/// Test images and their labels.
fn images(count: usize) -> (Vec<Vec<f64>>, Vec<usize>) {
    let test = bundled::digits_test().unwrap();
    let image = |pixels: &Vec<f32>| pixels.iter().map(|&v| f64::from(v)).collect();
    (test.images.iter().take(count).map(image).collect(), test.labels.iter().take(count).copied().collect())
}

fn largest(scores: &[f64]) -> usize {
    (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap()
}

#[test]
fn many_samples_are_run_at_once_and_compared_with_their_labels() {
    let (scratch, shared) = (Scratch::new(), shared());
    let (images, labels) = images(360);
    let input = scratch.file("images.npy", npy_of(&[360, 1, 8, 8], &images.concat()));
    let list = labels.iter().map(usize::to_string).collect::<Vec<_>>().join("\n");
    let text = scratch.file("labels.txt", &list);
    let json = scratch.file("labels.json", format!("[{}]", list.replace('\n', ", ")));
    let array = scratch.file("labels.npy", npy_of(&[360], &labels.iter().map(|&l| l as f64).collect::<Vec<_>>()));
    let out = scratch.text("scores.npy");
    let run = |labels: &str| {
        done(&["run", &shared.dir(), "--input", &input, "--labels", labels, "-o", &out, "--format", "json"]).json()
    };
    let ran = run(&text);
    let scores = npy::parse(&fs::read(&out).unwrap()).unwrap();
    assert_eq!((&ran["samples"], scores.shape.as_slice()), (&360.into(), &[360, 10][..]));
    let rows: Vec<Vec<f64>> = scores.values.to_f64().chunks(10).map(<[f64]>::to_vec).collect();
    let right = rows.iter().zip(&labels).filter(|(row, label)| largest(row) == **label).count();
    assert_eq!((&ran["accuracy"]["correct"], &ran["accuracy"]["of"]), (&right.into(), &360.into()));
    // As the float model, but for a few.
    assert!((right as f64 / 360.0 - bundled::DIGITS_MLP.accuracy).abs() < 0.01, "{right}");
    assert_eq!(run(&json)["accuracy"], ran["accuracy"]);
    assert_eq!(run(&array)["accuracy"], ran["accuracy"]);
    let said = done(&["run", &shared.dir(), "--input", &input, "--labels", &text]).stdout;
    assert!(said.contains(&format!("({right} of 360)")) && said.contains("360x10"), "{said}");

    // Each of them is what a run of its own gives.
    for n in [0, 7, 359] {
        let one = scratch.file("one.npy", npy_of(&[1, 1, 8, 8], &images[n]));
        let alone = done(&["run", &shared.dir(), "--input", &one, "--format", "json"]).json();
        let data: Vec<f64> = alone["outputs"][0]["data"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        // Reading JSON may cost the last bit of a float.
        assert!(
            data.len() == 10 && data.iter().zip(&rows[n]).all(|(a, b)| (a - b).abs() < 1e-12),
            "{n}: {data:?} {:?}",
            rows[n]
        );
    }
}

#[test]
fn folders_hold_samples_in_the_order_that_people_count() {
    let (scratch, shared) = (Scratch::new(), shared());
    let (images, labels) = images(12);
    fs::create_dir(scratch.path("samples")).unwrap();
    for (n, image) in images.iter().enumerate() {
        scratch.file(&format!("samples/image_{n}.npy"), npy_of(&[1, 1, 8, 8], image));
    }
    fs::write(scratch.path("samples/README"), "not a sample").unwrap();
    let [folder, out] = ["samples", "scores.npz"].map(|name| scratch.text(name));
    let list = scratch.file("labels.txt", labels.iter().map(usize::to_string).collect::<Vec<_>>().join("\n"));
    let ran = done(&["run", &shared.dir(), "--input", &folder, "--labels", &list, "-o", &out, "--format", "json"]).json();
    assert_eq!((&ran["samples"], &ran["accuracy"]["of"]), (&12.into(), &12.into()));
    assert!(ran["accuracy"]["correct"].as_u64().unwrap() >= 11, "{ran}");
    // What was written is an input again.
    let again = scratch.text("again.json");
    done(&["run", &shared.dir(), "--input", &folder, "-o", &again]);
    let [archive, json] = [&out, &again].map(|path| fs::read(path).unwrap());
    assert!(archive.starts_with(b"PK") && serde_json::from_slice::<serde_json::Value>(&json).is_ok());
    fs::remove_dir_all(scratch.path("samples")).unwrap();
    fs::create_dir(scratch.path("samples")).unwrap();
    zktorch(&["run", &shared.dir(), "--input", &folder]).fails(2, &["samples", "input_0.pb"]);
}

#[test]
fn samples_and_labels_that_do_not_fit_are_named() {
    let (scratch, shared) = (Scratch::new(), shared());
    let (mut images, _) = images(3);
    let good = scratch.file("good.npy", npy_of(&[3, 1, 8, 8], &images.concat()));
    images[1][5] = 5e3;
    let far = scratch.file("far.npy", npy_of(&[3, 1, 8, 8], &images.concat()));
    let run = |input: &str, more: &[&str]| zktorch(&[&["run", &shared.dir(), "--input", input], more].concat());
    run(&far, &[]).fails(2, &["sample 1:", "far.npy", "outside"]);
    let few = scratch.file("few.txt", "1\n2\n");
    run(&good, &["--labels", &few]).fails(2, &["2 labels for 3 samples"]);
    let words = scratch.file("words.txt", "1\ncat\n2\n");
    run(&good, &["--labels", &words]).fails(2, &["words.txt", "whole number"]);
    let halves = scratch.file("halves.json", "[1, 2.5, 3]");
    run(&good, &["--labels", &halves]).fails(2, &["halves.json", "label 1"]);
    // Nothing is written where the labels do not fit.
    let out = scratch.text("out.npy");
    run(&good, &["--labels", &few, "-o", &out]).fails(2, &[]);
    assert!(!scratch.path("out.npy").exists());
}

#[test]
fn a_run_needs_no_generators() {
    let (scratch, shared) = (Scratch::new(), shared());
    fs::create_dir(scratch.path("mlp")).unwrap();
    let original = |name: &str| fs::read(format!("{}/{name}", shared.dir())).unwrap();
    let (mut bytes, mut program) = (original("proving.key"), original("program.zkc"));
    // The generators are no points any more, and the file is otherwise what it says.
    let key = ProvingKey::from_bytes(&bytes).unwrap();
    let points = raw::bytes_of(key.generators.g.iter().map(CurvePoint::from));
    let at = bytes.windows(64).position(|window| window == &points[..64]).expect("the generators are in the file");
    bytes[at..at + points.len()].fill(0xff);
    let end = bytes.len() - 32;
    let digest: [u8; 32] = Sha256::digest(&bytes[..end]).into();
    bytes[end..].copy_from_slice(&digest);
    let mut file: ProgramFile = decode(Kind::Program, &program).unwrap();
    file.keys.proving = FileDigest::new(digest);
    program = encode(Kind::Program, &file).unwrap();
    for (name, bytes) in [("proving.key", bytes), ("program.zkc", program), ("verifying.key", original("verifying.key"))] {
        fs::write(scratch.path("mlp").join(name), bytes).unwrap();
    }
    let [dir, proof] = ["mlp", "proof"].map(|name| scratch.text(name));
    let ran = done(&["run", &dir, "--input", &shared.input()]);
    assert_eq!(ran.stdout, done(&["run", &shared.dir(), "--input", &shared.input()]).stdout);
    zktorch(&["prove", &dir, "--input", &shared.input(), "-o", &proof]).fails(2, &["proving.key", "generators"]);
}
