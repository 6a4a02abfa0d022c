//! Secrets stay where they belong: weights and blinders in the proving key, a private input in its own file.

mod common;

use ark_ff::{BigInteger, PrimeField};
use common::{Scratch, compile_mlp, zktorch};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use zktorch_compiler::import::{ImportOptions, load_bytes};
use zktorch_models::bundled::DIGITS_MLP;
use zktorch_prover::ProvingKey;
use zktorch_verifier::proof::Proof;

/// Entries in a row that give a secret away.
const INTEGERS: usize = 8;
const FLOATS: usize = 4;

/// What must not be found, by its first bytes.
#[derive(Default)]
struct Needles(HashMap<[u8; 8], Vec<(String, Vec<u8>)>>);

impl Needles {
    fn add(&mut self, what: &str, bytes: Vec<u8>) {
        let first = bytes.first_chunk().copied().unwrap_or_else(|| panic!("{what} is too short"));
        self.0.entry(first).or_default().push((what.to_owned(), bytes));
    }

    /// Every run of integers, however written. Runs of few different values, such as zeros, say nothing.
    fn integers(&mut self, what: &str, values: &[i64]) {
        for run in values.windows(INTEGERS).filter(|run| run.iter().collect::<BTreeSet<_>>().len() > INTEGERS / 2) {
            let mut add = |how: &str, bytes: Vec<u8>| self.add(&format!("{what} as {how}"), bytes);
            add("i64, little endian", run.iter().flat_map(|v| v.to_le_bytes()).collect());
            add("i64, big endian", run.iter().flat_map(|v| v.to_be_bytes()).collect());
            add("i32, little endian", run.iter().flat_map(|&v| (v as i32).to_le_bytes()).collect());
            add("i32, big endian", run.iter().flat_map(|&v| (v as i32).to_be_bytes()).collect());
            add("i16, little endian", run.iter().flat_map(|&v| (v as i16).to_le_bytes()).collect());
            add("i16, big endian", run.iter().flat_map(|&v| (v as i16).to_be_bytes()).collect());
            if run.iter().all(|&v| i8::try_from(v).is_ok()) {
                add("i8", run.iter().map(|&v| v as u8).collect());
            }
            add("variable-length integers", run.iter().flat_map(|&v| varint(v)).collect());
            for separator in [",", ", ", " ", "\n"] {
                add("text", run.iter().map(i64::to_string).collect::<Vec<_>>().join(separator).into_bytes());
            }
        }
    }

    fn floats(&mut self, what: &str, values: &[f32]) {
        for run in
            values.windows(FLOATS).filter(|run| run.iter().map(|v| v.to_bits()).collect::<BTreeSet<_>>().len() == FLOATS)
        {
            let mut add = |how: &str, bytes: Vec<u8>| self.add(&format!("{what} as {how}"), bytes);
            add("f32, little endian", run.iter().flat_map(|v| v.to_le_bytes()).collect());
            add("f32, big endian", run.iter().flat_map(|v| v.to_be_bytes()).collect());
            add("f64, little endian", run.iter().flat_map(|&v| f64::from(v).to_le_bytes()).collect());
            for separator in [",", ", ", " "] {
                add("text", run.iter().map(f32::to_string).collect::<Vec<_>>().join(separator).into_bytes());
                add("text", run.iter().map(|&v| f64::from(v).to_string()).collect::<Vec<_>>().join(separator).into_bytes());
            }
        }
    }

    fn scalar(&mut self, what: &str, bytes: Vec<u8>) {
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        self.add(&format!("{what} as text"), hex.into_bytes());
        self.add(&format!("{what} as bytes"), bytes.iter().rev().copied().collect());
        self.add(&format!("{what} as bytes"), bytes);
    }

    /// What is found, each once.
    fn found(&self, hay: &[u8]) -> BTreeSet<&str> {
        let at = |i: usize| hay[i..].first_chunk().and_then(|first| self.0.get(first)).map(|needles| (i, needles));
        let hits = (0..hay.len()).filter_map(at);
        let whole = |i: usize| move |(_, needle): &&(String, Vec<u8>)| hay[i..].starts_with(needle);
        hits.flat_map(|(i, needles)| needles.iter().filter(whole(i))).map(|(what, _)| what.as_str()).collect()
    }
}

/// As the codec writes signed integers: zigzag, then one byte or a marker and the bytes.
fn varint(value: i64) -> Vec<u8> {
    match ((value << 1) ^ (value >> 63)) as u64 {
        small @ 0..=250 => vec![small as u8],
        medium @ 251..=0xffff => [&[251], &(medium as u16).to_le_bytes()[..]].concat(),
        large => [&[252], &(large as u32).to_le_bytes()[..]].concat(),
    }
}

/// The weights, as integers and as floats, and the blinders of the commitments to them.
fn model_secrets(dir: &Path) -> Needles {
    let mut needles = Needles::default();
    let key = ProvingKey::from_bytes(&std::fs::read(dir.join("proving.key")).unwrap()).unwrap();
    key.weights.values().for_each(|weights| needles.integers("weights", &weights.to_vec()));
    let blinders: Vec<Vec<u8>> = key.blinders.iter().map(|b| b.into_bigint().to_bytes_le()).collect();
    let zero = vec![0; 32];
    blinders.into_iter().filter(|b| *b != zero).for_each(|b| needles.scalar("blinders", b));
    for raw in [false, true] {
        let graph = load_bytes(DIGITS_MLP.onnx, &ImportOptions { raw, ..ImportOptions::default() }).unwrap();
        for (id, _) in graph.nodes() {
            if let Some(value) = graph.constant(id) {
                needles.floats("weights", &value.iter().map(|&v| v as f32).collect::<Vec<f32>>());
            }
        }
    }
    needles
}

/// Runs every command in both formats on a compiled model; what each of them printed, by its name.
fn transcripts(scratch: &Scratch, name: &str, compiled: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let (dir, input) = (scratch.text(name), scratch.file("input.json", DIGITS_MLP.input_json));
    let at = |file: &str| scratch.text(&format!("{name}/{file}"));
    let (key, proof) = (at("verifying.key"), scratch.text(&format!("{name}.proof")));
    let mut printed = vec![("compile".to_owned(), compiled)];
    for format in ["text", "json"] {
        for command in [
            vec!["run", &dir, "--input", &input],
            vec!["prove", &dir, "--input", &input, "-o", &proof],
            vec!["verify", "--key", &key, &proof],
            vec!["inspect", &dir],
            vec!["inspect", &proof],
            vec!["inspect", &at("program.zkc")],
            vec!["inspect", &at("proving.key")],
            vec!["inspect", &key],
        ] {
            let ran = zktorch(&[&command[..], &["--format", format]].concat());
            assert_eq!(ran.code, 0, "{ran:?}");
            printed.push((format!("{} ({format})", command.join(" ")), (ran.stdout + &ran.stderr).into_bytes()));
        }
    }
    printed
}

/// Every artefact of a model that others may see, by name.
fn artefacts(scratch: &Scratch, name: &str, more: &[&str]) -> Vec<(String, Vec<u8>)> {
    let compiled = compile_mlp(scratch, name, &[more, &["--format", "json"]].concat());
    assert_eq!(compiled.code, 0, "{compiled:?}");
    let mut all = transcripts(scratch, name, (compiled.stdout + &compiled.stderr).into_bytes());
    for file in ["program.zkc", "verifying.key", "report.json"] {
        all.push((file.into(), std::fs::read(scratch.path(name).join(file)).unwrap()));
    }
    all.push(("proof".into(), std::fs::read(scratch.path(&format!("{name}.proof"))).unwrap()));
    all
}

#[test]
fn weights_and_blinders_are_in_the_proving_key_alone() {
    let scratch = Scratch::new();
    let artefacts = artefacts(&scratch, "mlp", &[]);
    let needles = model_secrets(&scratch.path("mlp"));
    for (name, bytes) in &artefacts {
        assert_eq!(needles.found(bytes), BTreeSet::new(), "{name}");
    }
    // Nor does a graph show its constants as debug output.
    let graph = load_bytes(DIGITS_MLP.onnx, &ImportOptions::default()).unwrap();
    assert_eq!(needles.found(format!("{graph:?}").as_bytes()), BTreeSet::new());
    // The search finds what is there.
    let key = std::fs::read(scratch.path("mlp/proving.key")).unwrap();
    let held = ["weights as i8", "weights as i16, little endian", "blinders as bytes"];
    assert_eq!(needles.found(&key), BTreeSet::from(held));
    assert!(needles.found(DIGITS_MLP.onnx).contains("weights as f32, little endian"));
}

#[test]
fn a_private_input_is_in_no_artefact() {
    let scratch = Scratch::new();
    let json: serde_json::Value = serde_json::from_str(DIGITS_MLP.input_json).unwrap();
    let values: Vec<f32> = json["input_data"][0].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect();
    let mut needles = Needles::default();
    needles.floats("input", &values);
    // Whatever the scale is, the integers are the pixels times a power of two.
    (0..16).for_each(|scale| {
        needles.integers("input", &values.iter().map(|v| (v * f32::from(1u16 << scale)) as i64).collect::<Vec<_>>())
    });
    for (name, bytes) in artefacts(&scratch, "private", &["--input", "private"]) {
        assert_eq!(needles.found(&bytes), BTreeSet::new(), "{name}");
    }
    let public = artefacts(&scratch, "public", &[]);
    let proof = public.iter().find(|(name, _)| name == "proof").unwrap();
    assert_eq!(needles.found(&proof.1), BTreeSet::from(["input as variable-length integers"]));
}

#[test]
fn proofs_of_one_statement_have_nothing_in_common() {
    let scratch = Scratch::new();
    assert_eq!(compile_mlp(&scratch, "mlp", &[]).code, 0);
    let input = scratch.file("input.json", DIGITS_MLP.input_json);
    let prove = |name: &str| {
        assert_eq!(zktorch(&["prove", &scratch.text("mlp"), "--input", &input, "-o", &scratch.text(name)]).code, 0);
        Proof::from_bytes(&std::fs::read(scratch.path(name)).unwrap()).unwrap()
    };
    let (one, other) = (prove("one"), prove("other"));
    assert!(!one.seeded && !other.seeded);
    assert_eq!(one.statement, other.statement);
    assert!(one.bytes.chunks(16).zip(other.bytes.chunks(16)).all(|(a, b)| a != b));
}

#[cfg(unix)]
#[test]
fn the_proving_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let mode = |file: &str| std::fs::metadata(scratch.path("mlp").join(file)).unwrap().permissions().mode() & 0o777;
    // The second time the folder is there, and the key in it open to all.
    for _ in 0..2 {
        assert_eq!(compile_mlp(&scratch, "mlp", &["--force"]).code, 0);
        assert_eq!(mode("proving.key"), 0o600);
        assert_eq!(mode("verifying.key") & 0o400, 0o400);
        std::fs::set_permissions(scratch.path("mlp/proving.key"), PermissionsExt::from_mode(0o644)).unwrap();
    }
}
