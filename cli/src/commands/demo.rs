//! `demo`: everything once, on a handwritten digit.

use crate::args::Demo;
use crate::outcome::Outcome;
use crate::progress::Talk;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Instant;
use zktorch_accumulator::setup::Generators;
use zktorch_engine::{Array, Blob, CompileOptions, Failure, Given, ProveOptions, Tensor, Watch, compile, generators_for};
use zktorch_models::bundled;
use zktorch_verdict::show;
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::proof::Proof;
use zktorch_verifier::{Verdict, verify};

/// Edge of the images.
const SIDE: usize = 8;

pub fn command(args: &Demo, talk: Talk) -> Result<Outcome, Failure> {
    let test = bundled::digits_test().map_err(Failure::internal)?;
    let (Some(image), Some(&label)) = (test.images.get(args.index), test.labels.get(args.index)) else {
        return Err(Failure::usage(format!(
            "--index {}: there are {} test images, 0 to {}",
            args.index,
            test.len(),
            test.len() - 1
        )));
    };
    let mut terminal = talk.terminal();
    let start = Instant::now();
    let options = CompileOptions { calibrate: vec![Given::Arrays(vec![samples()?])], ..CompileOptions::default() };
    let network = Blob::Bytes { name: "digits.onnx".into(), bytes: bundled::DIGITS_CNN.onnx.to_vec() };
    let model = compile(&network, &options, &mut terminal)?.model;
    let compile_seconds = start.elapsed().as_secs_f64();

    let start = Instant::now();
    let pixels: Vec<f64> = image.iter().copied().map(f64::from).collect();
    let input = Given::Arrays(vec![Array { shape: vec![SIDE * SIDE], values: pixels }]);
    let proving = ProveOptions { input: Some(input), check: false, ..ProveOptions::default() };
    let proved = model.prove(&proving, &mut terminal)?;
    let prove_seconds = start.elapsed().as_secs_f64();
    let scores = &proved.outputs;
    let prediction = scores.first().and_then(|t| largest(&t.integers)).unwrap_or(0);

    terminal.begin("verifying");
    let key = model.verifying_key();
    let generators = generators_for(&key.setup).map_err(Failure::internal)?;
    let start = Instant::now();
    let honest = judge(key, &proved.proof, generators.as_ref())?;
    let verify_seconds = start.elapsed().as_secs_f64();
    let (tampered, byte) = tampered_proof(&proved.proof);
    let bad_proof = judge(key, &tampered, generators.as_ref())?;
    let bad_output = judge(key, &other_output(&proved.proof, key, prediction), generators.as_ref())?;
    drop(terminal);

    let bytes = proved.proof.bytes.len();
    let mut text = ascii(image);
    let right = if label == prediction { "right" } else { "wrong: proofs show what the model says, not what is true" };
    text.push_str(&show::lines(&[
        ("test image", format!("{} of {}, a handwritten {label}", args.index, test.len())),
        ("the model says", format!("{prediction} ({right})")),
        ("compiled in", show::seconds(compile_seconds)),
        ("proved in", show::seconds(prove_seconds)),
        ("proof", show::bytes(bytes)),
        ("verified in", format!("{}, from the verifying key and the proof alone", show::seconds(verify_seconds))),
        ("setup", key.setup.describe().name),
    ]));
    let _ = write!(
        text,
        "\n  the proof: {}\n  the same with byte {byte} changed: {}\n  the same for another output: {}\n",
        say(&honest),
        say(&bad_proof),
        say(&bad_output)
    );
    let json = json!({
        "index": args.index, "label": label, "prediction": prediction,
        "outputs": Tensor::list(scores), "proof_bytes": bytes,
        "compile_seconds": compile_seconds, "prove_seconds": prove_seconds, "verify_seconds": verify_seconds,
        "verdict": verdict(&honest), "tampered_proof": verdict(&bad_proof), "tampered_output": verdict(&bad_output),
    });
    let accepted = honest == Verdict::Accepted && bad_proof != Verdict::Accepted && bad_output != Verdict::Accepted;
    Ok(Outcome { accepted, text, json })
}

/// The images that show which values the network meets.
fn samples() -> Result<Array, Failure> {
    let read = zktorch_formats::npy::parse(bundled::DIGITS_CALIBRATION_NPY).map_err(Failure::internal)?;
    Ok(Array { values: read.values.to_f64(), shape: read.shape })
}

fn judge(key: &VerifyingKey, proof: &Proof, generators: Option<&Generators>) -> Result<Verdict, Failure> {
    verify(key, proof, generators).map_err(Failure::internal)
}

/// The proof with one byte in the middle changed.
fn tampered_proof(proof: &Proof) -> (Proof, usize) {
    let mut other = proof.clone();
    let at = other.bytes.len() / 2;
    if let Some(byte) = other.bytes.get_mut(at) {
        *byte ^= 1;
    }
    (other, at)
}

/// The same proof for outputs in which another digit wins.
fn other_output(proof: &Proof, key: &VerifyingKey, prediction: usize) -> Proof {
    let mut other = proof.clone();
    let output = key.program.outputs.first().and_then(|&id| key.program.statement().position(|s| s == id));
    if let Some(values) = output.and_then(|position| other.statement.get_mut(position))
        && values.len() > 1
    {
        let (winner, next) = (prediction % values.len(), (prediction + 1) % values.len());
        values.swap(winner, next);
    }
    other
}

fn largest(values: &[i64]) -> Option<usize> {
    values.iter().enumerate().max_by_key(|(_, value)| **value).map(|(i, _)| i)
}

fn say(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accepted => "accepted".into(),
        Verdict::Rejected(reason) => format!("rejected ({reason})"),
    }
}

fn verdict(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Accepted => json!({ "verdict": "accepted", "reason": null }),
        Verdict::Rejected(reason) => json!({ "verdict": "rejected", "reason": reason.to_string() }),
    }
}

/// The image, two characters a pixel.
fn ascii(image: &[f32]) -> String {
    const SHADES: &[u8] = b" .:-=+*#%@";
    let mut text = String::from("\n");
    for row in image.chunks(SIDE) {
        text.push_str("    ");
        for &pixel in row {
            let shade = (pixel.clamp(0.0, 1.0) * (SHADES.len() - 1) as f32).round() as usize;
            let character = char::from(SHADES.get(shade).copied().unwrap_or(b'@'));
            text.extend([character, character]);
        }
        text.push('\n');
    }
    text.push('\n');
    text
}
