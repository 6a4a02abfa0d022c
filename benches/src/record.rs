//! What is measured of one model with one prover: a row of the table, an object of the JSON file.

use crate::machine::Machine;
use crate::measure::Usage;
use serde::{Deserialize, Serialize};

/// Everything a run of the harness found out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// Where and how.
    pub machine: Machine,
    /// One for each model and prover, in the order measured.
    pub rows: Vec<Row>,
}

/// One model with one prover. What could not be measured is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The model's name.
    pub model: String,
    /// The prover's name and version.
    pub system: String,
    /// Parameters of the float model.
    pub parameters: Option<u64>,
    /// Multiply-accumulates of one inference.
    pub macs: Option<u64>,
    /// From the ONNX file to a program, a circuit.
    pub compile: Option<Usage>,
    /// The making of keys, where that is a step of its own.
    pub keys: Option<Usage>,
    /// Bytes of all files that proving needs beside the input.
    pub proving_key_bytes: Option<u64>,
    /// Bytes of all files that verification needs beside the proof.
    pub verifying_key_bytes: Option<u64>,
    /// One for each number of threads.
    pub proofs: Vec<Proving>,
    /// The fastest verification.
    pub verify: Option<Usage>,
    /// Seconds of it that the verifier itself counts, without reading files.
    pub verify_inner_seconds: Option<f64>,
    /// The proof's size.
    pub proof: Option<ProofBytes>,
    /// Largest difference from the float model's outputs on the proved input, over the largest of these.
    pub output_error: Option<f64>,
    /// The same over the calibration samples, as the compiler reports it.
    pub calibration_error: Option<f64>,
    /// What the compiler predicted.
    pub predicted: Option<Predicted>,
    /// Core-seconds that the unit costs allow ([`crate::bound`]).
    pub bound_seconds: Option<f64>,
    /// Why the row is not complete.
    pub failure: Option<String>,
}

/// Proofs with one number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proving {
    /// Threads.
    pub threads: usize,
    /// Of the fastest process.
    pub usage: Usage,
    /// Its phases, as it reports them.
    pub phases: Vec<(String, f64)>,
    /// Wall-clock seconds of every repetition.
    pub all_seconds: Vec<f64>,
}

/// Bytes of a proof: all that the verifier needs beside key and public values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofBytes {
    /// All of them.
    pub total: u64,
    /// Row commitments, hidden messages and the rest, where known.
    pub parts: Option<ProofParts>,
}

/// What the bytes are spent on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofParts {
    /// Commitments to rows of witness and multiplicities.
    pub rows: u64,
    /// Hidden messages.
    pub messages: u64,
    /// Mask, closing, decider, file header.
    pub rest: u64,
    /// Scalars that the messages hide.
    pub hidden_scalars: u64,
}

/// The compiler's predictions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    /// Bytes of the argument.
    pub proof_bytes: Option<u64>,
    /// Seconds on one thread.
    pub prove_seconds: Option<f64>,
    /// Peak bytes of the prover.
    pub memory_bytes: Option<u64>,
}

impl Row {
    /// Peak bytes over all proofs.
    pub fn peak_bytes(&self) -> Option<u64> {
        self.proofs.iter().map(|p| p.usage.peak_bytes).max()
    }

    /// The proof with some number of threads.
    pub fn proving(&self, threads: usize) -> Option<&Proving> {
        self.proofs.iter().find(|p| p.threads == threads)
    }

    /// Core-seconds over what the unit costs allow, with the fewest threads measured.
    pub fn times_bound(&self) -> Option<f64> {
        let fewest = self.proofs.iter().min_by_key(|p| p.threads)?;
        self.bound_seconds.filter(|&bound| bound > 0.0).map(|bound| fewest.usage.cpu_seconds / bound)
    }
}

/// Largest difference of corresponding values, over the largest expected value; none where shapes differ or a value is not finite.
pub fn relative_error(found: &[Vec<f64>], expected: &[Vec<f64>]) -> Option<f64> {
    let same = found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| f.len() == e.len());
    let (found, expected): (Vec<f64>, Vec<f64>) = (found.concat(), expected.concat());
    if !same || found.iter().chain(&expected).any(|value| !value.is_finite()) {
        return None;
    }
    let difference = found.iter().zip(&expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
    let scale = expected.iter().map(|e| e.abs()).fold(0.0, f64::max);
    Some(difference / if scale > 0.0 { scale } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Ending;

    #[test]
    fn errors_relative_to_the_largest_output() {
        assert_eq!(relative_error(&[vec![1.0, -3.0]], &[vec![1.0, -4.0]]), Some(0.25));
        assert_eq!(relative_error(&[vec![0.5]], &[vec![0.0]]), Some(0.5));
        assert_eq!(relative_error(&[vec![1.0]], &[vec![1.0, 2.0]]), None);
        assert_eq!(relative_error(&[vec![f64::NAN]], &[vec![1.0]]), None);
        assert_eq!(relative_error(&[vec![1.0]], &[vec![f64::INFINITY]]), None);
    }

    #[test]
    fn fewest_threads_count_for_the_bound() {
        let usage = |cpu_seconds, peak_bytes| Usage { ending: Ending::Exit(Some(0)), seconds: 1.0, cpu_seconds, peak_bytes };
        let proving = |threads, usage| Proving { threads, usage, phases: vec![], all_seconds: vec![] };
        let proofs = vec![proving(2, usage(9.0, 70)), proving(1, usage(6.0, 50))];
        let row = Row { proofs, bound_seconds: Some(2.0), ..Row::default() };
        assert_eq!((row.times_bound(), row.peak_bytes()), (Some(3.0), Some(70)));
        assert_eq!(Row::default().times_bound(), None);
    }
}
