//! `demo`: everything once, on a handwritten digit.

use super::compile::{Base, make};
use super::prove::prove;
use crate::args::{Demo, SetupChoice, Task, Visibility};
use crate::failure::Failure;
use crate::generators;
use crate::outcome::Outcome;
use crate::pipeline::{Choices, Port, tensors};
use crate::progress::Progress;
use crate::signals::{self, Leftover};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Instant;
use zktorch_accumulator::setup::Generators;
use zktorch_models::bundled;
use zktorch_prover::Blinders;
use zktorch_verdict::{Tensor, show};
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::model::Level;
use zktorch_verifier::proof::Proof;
use zktorch_verifier::{Verdict, verify};

/// Edge of the images.
const SIDE: usize = 8;

pub fn command(args: &Demo) -> Result<Outcome, Failure> {
    let test = bundled::digits_test().map_err(|e| Failure::undecided(e.to_string()))?;
    let (Some(image), Some(&label)) = (test.images.get(args.index), test.labels.get(args.index)) else {
        return Err(Failure::undecided(format!(
            "--index {}: there are {} test images, 0 to {}",
            args.index,
            test.len(),
            test.len() - 1
        )));
    };
    let mut progress = Progress::new();
    let start = Instant::now();
    let made = compile(&mut progress)?;
    let compile_seconds = start.elapsed().as_secs_f64();

    let start = Instant::now();
    let pixels: Vec<f64> = image.iter().copied().map(f64::from).collect();
    let quantise = |port: &Port| port.quantise(&pixels).map_err(|e| Failure::undecided(e.to_string()));
    let inputs = made.inputs.iter().map(quantise).collect::<Result<Vec<_>, _>>()?;
    let proved = prove(&made.proving, &made.verifying, &inputs, &Blinders::new(), &mut progress)?;
    let prove_seconds = start.elapsed().as_secs_f64();
    let scores = tensors(&made.outputs, &proved.outputs);
    let prediction = scores.first().and_then(|t| largest(&t.integers)).unwrap_or(0);

    progress.begin("verifying");
    let generators = generators::for_verifier(&made.verifying.setup).map_err(|e| Failure::undecided(e.to_string()))?;
    let start = Instant::now();
    let honest = judge(&made.verifying, &proved.proof, generators.as_ref())?;
    let verify_seconds = start.elapsed().as_secs_f64();
    let (tampered, byte) = tampered_proof(&proved.proof);
    let bad_proof = judge(&made.verifying, &tampered, generators.as_ref())?;
    let bad_output = judge(&made.verifying, &other_output(&proved.proof, &made.verifying, prediction), generators.as_ref())?;
    drop(progress);

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
        ("setup", made.verifying.setup.describe().name),
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
        "outputs": Tensor::list(&scores), "proof_bytes": bytes,
        "compile_seconds": compile_seconds, "prove_seconds": prove_seconds, "verify_seconds": verify_seconds,
        "verdict": verdict(&honest), "tampered_proof": verdict(&bad_proof), "tampered_output": verdict(&bad_output),
    });
    let accepted = honest == Verdict::Accepted && bad_proof != Verdict::Accepted && bad_output != Verdict::Accepted;
    Ok(Outcome { accepted, text, json })
}

/// The model with its keys and ports.
struct Ready {
    proving: zktorch_prover::ProvingKey,
    verifying: VerifyingKey,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

/// Compiles the bundled network in a temporary folder, as a user would.
fn compile(progress: &mut Progress) -> Result<Ready, Failure> {
    let failed = |e: std::io::Error| Failure::undecided(format!("cannot write to a temporary folder: {e}"));
    let made = signals::make(tempfile::tempdir, |folder| Leftover::Tree(folder.path().to_owned()));
    let (folder, _listed) = made.map_err(failed)?;
    let (model, samples) = (folder.path().join("digits.onnx"), folder.path().join("samples.npy"));
    std::fs::write(&model, bundled::DIGITS_CNN.onnx).map_err(failed)?;
    std::fs::write(&samples, bundled::DIGITS_CALIBRATION_NPY).map_err(failed)?;
    let (input, output) = (Visibility::Public, Visibility::Public);
    let choices = Choices {
        task: Task::Outputs,
        new_tokens: None,
        temperature: None,
        calibrate: vec![samples],
        bits: None,
        input,
        input_like: None,
        output,
        input_shapes: Vec::new(),
        max_error: zktorch_compiler::MAX_ERROR,
        target_kl: zktorch_compiler::TARGET_KL,
    };
    let made = make(&model, &choices, Base::Setup(&SetupChoice::Auto), Level::Widths, progress)?;
    Ok(Ready { proving: made.proving, verifying: made.verifying, inputs: made.inputs, outputs: made.outputs })
}

fn judge(key: &VerifyingKey, proof: &Proof, generators: Option<&Generators>) -> Result<Verdict, Failure> {
    verify(key, proof, generators).map_err(|e| Failure::undecided(e.to_string()))
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
