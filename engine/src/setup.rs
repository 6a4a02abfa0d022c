//! Which setup, and how many columns the commitment matrices have.
//!
//! More columns mean fewer rows, hence a shorter proof and a shorter key, and more work in the decider, which handles vectors
//! as long as a row. The cost function predicts all three and weighs them in percent: a percent of proof is worth a percent of
//! proving time, and half as much as that of verification.

use crate::failure::Failure;
use crate::files;
use crate::generators;
use crate::options::SetupChoice;
use std::path::Path;
use zktorch_accumulator::layout::Phase;
use zktorch_accumulator::setup::{Decider, Setup, SetupError};
use zktorch_blocks::lookup::Leaves;
use zktorch_blocks::program::{Program, Role};
use zktorch_verifier::key::Relation;
use zktorch_verifier::size::ProofSize;

/// Columns of KZG setups, in binary logarithm: the ceremony has `2^12` powers.
const ETHEREUM: std::ops::RangeInclusive<u32> = 8..=12;
/// Columns of transparent setups: a language model of a hundred million weights has thousands of rows of `2^15`.
const TRANSPARENT: std::ops::RangeInclusive<u32> = 10..=16;
/// Columns of imported files.
const IMPORTED: std::ops::RangeInclusive<u32> = 8..=16;

/// What a choice costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Bytes of a proof: exact.
    pub proof_bytes: f64,
    /// Core-seconds of proving.
    pub prove_seconds: f64,
    /// Core-seconds of verification.
    pub verify_seconds: f64,
    /// Peak bytes of memory while proving.
    pub memory_bytes: f64,
}

/// What a program holds, whatever the columns.
struct Work {
    committed: f64,
    leaves: f64,
    values: f64,
}

impl Work {
    fn new(program: &Program) -> Self {
        let volume =
            |role| program.with_role(role).filter_map(|id| program.tensors.get(id)).map(|t| t.shape.len()).sum::<usize>();
        Self {
            committed: volume(Role::Witness) as f64,
            leaves: Leaves::new(program).map_or(0, |l| l.active) as f64,
            values: program.tensors.iter().map(|t| t.shape.len()).sum::<usize>() as f64,
        }
    }
}

/// What one of each takes: seconds of one core, and bytes of memory.
#[derive(Clone, Copy, Debug)]
struct Rates {
    committed: f64,
    leaf: f64,
    /// Of tensors, weights among them.
    value: f64,
    message: f64,
    hidden_scalar: f64,
    /// A column of a leaf of the fold.
    folded: f64,
    /// A column of a KZG and of a transparent decider.
    decided: [f64; 2],
    /// What every process takes.
    start: f64,
    /// A committed row of weights, and another or a message, when verifying.
    verified: [f64; 2],
    /// A column of a transparent decider, when verifying.
    checked: f64,
    /// Bytes of a value, a leaf, a column, a hidden scalar (a measure of what a program and its messages are) and a process.
    memory: [f64; 5],
}

/// One element at a time. Fitted to the models of `benches/results/README.md` before there were lanes, within a sixth.
/// The choice of columns rests on these, and is the same on all processors.
const PLAIN: Rates = Rates {
    committed: 0.22e-6,
    leaf: 0.56e-6,
    value: 48e-9,
    message: 80e-6,
    hidden_scalar: 10e-6,
    folded: 0.33e-6,
    decided: [24e-6, 59e-6],
    start: 28e-3,
    verified: [60e-6, 40e-6],
    checked: 13e-6,
    memory: [19.0, 170.0, 1e3, 0.0, 2.2e7],
};

/// Eight at a time. Fitted to user and system time of one thread, and peaks of two, of LeNet-5, ResNet-20 and 18, the key word and person
/// detectors, both MobileNets, SqueezeNet, a vision transformer, experts, a completion of tinystories, and GPT-2 at full size: within a fifth, memory
/// within a quarter.
const LANES: Rates = Rates {
    committed: 0.11e-6,
    leaf: 0.126e-6,
    value: 12.5e-9,
    message: 0.0,
    hidden_scalar: 16.7e-6,
    folded: 0.0,
    decided: [11e-6, 20e-6],
    start: 0.0,
    verified: [20e-6, 40e-6],
    checked: 2.6e-6,
    memory: [4.4, 17.5, 0.0, 20e3, 0.0],
};

impl Rates {
    /// Those of this processor.
    fn here() -> Self {
        #[cfg(target_arch = "x86_64")]
        if zktorch_blocks::lanes::simd().is_some() {
            return LANES;
        }
        PLAIN
    }
}

/// Predicts the cost of proving a program with `2^column_bits` columns: times of a process on one core of the machine of record, with or without
/// lanes as they are here.
///
/// # Errors
/// If the program takes too many rows or too much work to verify, or makes claims on tensors that are not committed.
pub fn predict(program: &Program, decider: Decider, column_bits: u32) -> Result<Cost, Failure> {
    cost(program, decider, column_bits, &Rates::here())
}

fn cost(program: &Program, decider: Decider, column_bits: u32, rates: &Rates) -> Result<Cost, Failure> {
    let work = Work::new(program);
    let refused = |why: &dyn std::fmt::Display| Failure::usage(format!("the program cannot be proved: {why}"));
    let relation = Relation::blank(program, column_bits).map_err(|e| refused(&e))?;
    let size = ProofSize::of(&relation, decider).map_err(|e| refused(&e))?;
    let model = relation.layout.sent_rows(Phase::Model).count() as f64;
    let (rows, messages, scalars) = (size.rows as f64, size.messages as f64, size.hidden_scalars as f64);
    let m = f64::from(column_bits).exp2();
    let [kzg, transparent] = rates.decided;
    let (decide, check) = match decider {
        Decider::Kzg => (kzg * m, 2.5e-3),
        Decider::Transparent => (transparent * m, rates.checked * m),
    };
    let [of_model, of_proof] = rates.verified;
    let [value, leaf, column, scalar, start] = rates.memory;
    Ok(Cost {
        proof_bytes: size.bytes as f64,
        prove_seconds: work.committed * rates.committed
            + work.leaves * rates.leaf
            + work.values * rates.value
            + messages * rates.message
            + scalars * rates.hidden_scalar
            + size.leaves as f64 * m * rates.folded
            + decide
            + rates.start,
        verify_seconds: 2e-3 + model * of_model + (rows + messages) * of_proof + check,
        memory_bytes: value * work.values + leaf * work.leaves + column * m + scalar * scalars + start,
    })
}

impl Cost {
    /// Smaller is better; only differences mean something.
    fn score(&self) -> f64 {
        self.proof_bytes.ln() + self.prove_seconds.ln() + 0.5 * self.verify_seconds.ln()
    }
}

/// The number of columns that is cheapest, of those that can be.
fn cheapest(program: &Program, decider: Decider, bits: std::ops::RangeInclusive<u32>) -> Result<(u32, f64), Failure> {
    let mut best: Result<(u32, f64), Failure> = Err(Failure::internal("no number of columns to choose from"));
    for c in bits {
        let scored = cost(program, decider, c, &PLAIN).map(|cost| (c, cost.score()));
        best = match (best, scored) {
            (Ok(best), Ok(new)) if best.1 <= new.1 => Ok(best),
            (Ok(best), Err(_)) => Ok(best),
            (_, scored) => scored,
        };
    }
    best
}

/// Makes the setup that was asked for; with it the binary logarithm of the columns.
pub(crate) fn choose(choice: &SetupChoice, program: &Program) -> Result<(Setup, u32), Failure> {
    let failed = |e: SetupError| Failure::internal(format!("setup: {e}"));
    let ethereum = || -> Result<_, Failure> {
        let (bits, _) = cheapest(program, Decider::Kzg, ETHEREUM)?;
        Ok((Setup::ethereum().map_err(failed)?, bits))
    };
    let transparent = || -> Result<_, Failure> {
        let (bits, _) = cheapest(program, Decider::Transparent, TRANSPARENT)?;
        Ok((generators::transparent(1 << bits)?, bits))
    };
    match choice {
        SetupChoice::Ethereum => ethereum(),
        SetupChoice::Transparent => transparent(),
        SetupChoice::Auto => match automatic(program)? {
            Decider::Kzg => ethereum(),
            Decider::Transparent => transparent(),
        },
        SetupChoice::Insecure(log2) => Ok((Setup::insecure(*log2).map_err(failed)?, *log2)),
        SetupChoice::File(path) => imported(path, program),
    }
}

/// The ceremony, unless its `2^12` columns are too few to be competitive.
fn automatic(program: &Program) -> Result<Decider, Failure> {
    let (_, ethereum) = cheapest(program, Decider::Kzg, ETHEREUM)?;
    let (_, transparent) = cheapest(program, Decider::Transparent, TRANSPARENT)?;
    Ok(if ethereum <= transparent { Decider::Kzg } else { Decider::Transparent })
}

fn imported(path: &Path, program: &Program) -> Result<(Setup, u32), Failure> {
    if !path.exists() {
        return Err(Failure::file("read", path, "no such file")
            .hint("--setup takes auto, ethereum, transparent, insecure:LOG2, or the path of a powers-of-tau file"));
    }
    let file = files::read(path)?;
    let (wanted, _) = cheapest(program, Decider::Kzg, IMPORTED)?;
    let first = Setup::import(&file, 1 << wanted).map(|setup| (setup, wanted));
    let least = 1usize << IMPORTED.start();
    let imported = match first {
        // A shorter file is used whole.
        Err(SetupError::Length { group: "G1", found, .. }) if found >= least => {
            let bits = found.ilog2();
            Setup::import(&file, 1 << bits).map(|setup| (setup, bits))
        }
        Err(SetupError::Length { group: "G1", found, .. }) => Err(SetupError::Length { group: "G1", found, wanted: least }),
        other => other,
    };
    imported.map_err(|e| Failure::file("import the setup", path, e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zktorch_blocks::program::{Advice, Interval, Scale, Shape, Source, Tensor, TensorId, Visibility};

    fn program(committed: usize) -> Program {
        let tensor = |name: &str, source, visibility| Tensor {
            name: name.into(),
            shape: Shape::from([committed]),
            source,
            visibility,
            interval: Interval::new(-8, 7),
            scale: Scale(0),
        };
        let input = tensor("x", Source::Input(0), Visibility::Public);
        let witness = tensor("y", Source::Advice(Advice::Copy { source: TensorId(0) }), Visibility::Private);
        Program { tensors: vec![input, witness].into(), inputs: vec![TensorId(0)], ..Program::default() }
    }

    #[test]
    fn larger_witnesses_get_longer_rows_and_then_no_ceremony() {
        let bits = |n| cheapest(&program(n), Decider::Kzg, ETHEREUM).expect("a program").0;
        assert!(bits(1 << 10) <= bits(1 << 16) && bits(1 << 16) <= bits(1 << 22));
        assert_eq!(bits(1 << 22), *ETHEREUM.end());
        assert_eq!(automatic(&program(1 << 12)).expect("a program"), Decider::Kzg);
        assert_eq!(automatic(&program(1 << 24)).expect("a program"), Decider::Transparent);
    }
}
