//! Which setup, and how many columns the commitment matrices have.
//!
//! More columns mean fewer rows, hence a shorter proof and a shorter key, and more work in the decider, which handles vectors
//! as long as a row. The cost function predicts all three and weighs them in percent: a percent of proof is worth a percent of
//! proving time, and half as much as that of verification.

use crate::args::SetupChoice;
use crate::failure::Failure;
use crate::files;
use crate::generators;
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

/// Predicts the cost of proving a program with `2^column_bits` columns. Times are those of a process on one core of
/// the machine of record, memory a tenth more than it took there (fitted to the models of `benches/results/README.md`, before points were added and
/// decoded in lanes and keys' points projected: proving takes a tenth to a third less where the processor has lanes, and verification takes less.
/// The choice of columns rests on these numbers, and is the same on all processors.
///
/// # Errors
/// If the program takes too many rows or too much work to verify, or makes claims on tensors that are not committed.
pub fn predict(program: &Program, decider: Decider, column_bits: u32) -> Result<Cost, Failure> {
    let work = Work::new(program);
    let refused = |why: &dyn std::fmt::Display| Failure::undecided(format!("the program cannot be proved: {why}"));
    let relation = Relation::blank(program, column_bits).map_err(|e| refused(&e))?;
    let size = ProofSize::of(&relation, decider).map_err(|e| refused(&e))?;
    let model = relation.layout.sent_rows(Phase::Model).count() as f64;
    let (rows, messages, scalars) = (size.rows as f64, size.messages as f64, size.hidden_scalars as f64);
    let m = f64::from(column_bits).exp2();
    let (decide, check) = match decider {
        Decider::Kzg => (24e-6 * m, 2.5e-3),
        Decider::Transparent => (59e-6 * m, 13e-6 * m),
    };
    Ok(Cost {
        proof_bytes: size.bytes as f64,
        prove_seconds: work.committed * 0.22e-6
            + work.leaves * 0.56e-6
            // Weights are among them, of which most is reading the key.
            + work.values * 48e-9
            + messages * 80e-6
            + scalars * 10e-6
            + size.leaves as f64 * m * 0.33e-6
            + decide
            + 28e-3,
        verify_seconds: 2e-3 + model * 60e-6 + (rows + messages) * 40e-6 + check,
        memory_bytes: 19.0 * work.values + 170.0 * work.leaves + 1e3 * m + 2.2e7,
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
    let mut best: Result<(u32, f64), Failure> = Err(Failure::undecided("no number of columns to choose from"));
    for c in bits {
        let scored = predict(program, decider, c).map(|cost| (c, cost.score()));
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
    let failed = |e: SetupError| Failure::undecided(format!("setup: {e}"));
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
