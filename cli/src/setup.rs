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
use zktorch_accumulator::layout::{Layout, Phase};
use zktorch_accumulator::setup::{Setup, SetupError};
use zktorch_blocks::program::{Program, Role};

/// Columns of KZG setups, in binary logarithm: the ceremony has `2^12` powers.
const ETHEREUM: std::ops::RangeInclusive<u32> = 8..=12;
/// Columns of transparent setups.
const TRANSPARENT: std::ops::RangeInclusive<u32> = 10..=15;
/// Columns of imported files.
const IMPORTED: std::ops::RangeInclusive<u32> = 8..=16;

/// How the folded claim is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decider {
    /// With pairings.
    Kzg,
    /// With the inner-product argument.
    Transparent,
}

/// What a choice costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Bytes of a proof.
    pub proof_bytes: f64,
    /// Core-seconds of proving.
    pub prove_seconds: f64,
    /// Core-seconds of verification.
    pub verify_seconds: f64,
    /// Peak bytes of memory while proving.
    pub memory_bytes: f64,
}

/// What does not depend on the columns.
#[derive(Clone, Copy, Debug)]
struct Work {
    weights: f64,
    committed: f64,
    lookups: f64,
    values: f64,
    /// Rounds of the fraction tree and of the sumchecks.
    messages: f64,
}

impl Work {
    fn new(program: &Program) -> Self {
        let volume =
            |role| program.with_role(role).filter_map(|id| program.tensors.get(id)).map(|t| t.shape.len()).sum::<usize>();
        let lookup = |columns: &[usize]| columns.first().and_then(|&id| program.tensors.get(id)).map_or(0, |t| t.shape.len());
        let lookups: usize = program.lookups.iter().map(|l| lookup(&l.columns)).sum();
        let tables: usize = program.tables.iter().map(|t| t.padded_rows()).sum();
        let values: usize = program.tensors.iter().map(|t| t.shape.len()).sum();
        let bits = f64::from(usize::BITS - (lookups + tables).leading_zeros());
        Self {
            weights: volume(Role::Weight) as f64,
            committed: (volume(Role::Witness) + tables) as f64,
            lookups: (lookups + tables) as f64,
            values: values as f64,
            // Rounds are grouped: about three variables a message; a wave and the views take about 30.
            messages: bits * bits / 6.0 + 30.0,
        }
    }
}

/// Predicts the cost of proving a program with `2^column_bits` columns.
pub fn predict(program: &Program, decider: Decider, column_bits: u32) -> Cost {
    let work = Work::new(program);
    let layout = Layout::new(program, column_bits as usize);
    let sent = |phase| layout.sent_rows(phase).count() as f64;
    let (model, rows) = (sent(Phase::Model), sent(Phase::Witness) + sent(Phase::Multiplicities));
    let (c, m) = (f64::from(column_bits), f64::from(column_bits).exp2());
    let (opening_bytes, opening_verify) = match decider {
        Decider::Kzg => (48.0 * (c + 4.0) + 32.0 * 3.0 * c, 0.006 + c * 0.3e-3),
        Decider::Transparent => (48.0 * 2.0 * c + 64.0, 0.002 + m * 12e-6),
    };
    Cost {
        proof_bytes: 48.0 * (rows + work.messages + 5.0) + 32.0 * (2.0 * c + 30.0) + opening_bytes,
        prove_seconds: work.committed * 1.4e-6
            + work.lookups * 1.2e-6
            + (work.weights + work.values) * 15e-9
            + work.messages * 1e-3
            + 5.0 * m * 18e-6,
        verify_seconds: 0.005 + model * 0.08e-3 + (rows + work.messages) * 0.15e-3 + opening_verify,
        memory_bytes: 8.0 * (work.weights * 2.0 + work.values + work.committed) + 24.0 * work.lookups + 400.0 * m + 2e7,
    }
}

impl Cost {
    /// Smaller is better; only differences mean something.
    fn score(&self) -> f64 {
        self.proof_bytes.ln() + self.prove_seconds.ln() + 0.5 * self.verify_seconds.ln()
    }
}

/// The number of columns that is cheapest.
fn cheapest(program: &Program, decider: Decider, bits: std::ops::RangeInclusive<u32>) -> (u32, f64) {
    let scored = bits.map(|c| (c, predict(program, decider, c).score()));
    scored.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((*TRANSPARENT.start(), 0.0))
}

/// Makes the setup that was asked for; with it the binary logarithm of the columns.
pub(crate) fn choose(choice: &SetupChoice, program: &Program) -> Result<(Setup, u32), Failure> {
    let failed = |e: SetupError| Failure::undecided(format!("setup: {e}"));
    let ethereum =
        || -> Result<_, Failure> { Ok((Setup::ethereum().map_err(failed)?, cheapest(program, Decider::Kzg, ETHEREUM).0)) };
    let transparent = || -> Result<_, Failure> {
        let bits = cheapest(program, Decider::Transparent, TRANSPARENT).0;
        Ok((generators::transparent(1 << bits)?, bits))
    };
    match choice {
        SetupChoice::Ethereum => ethereum(),
        SetupChoice::Transparent => transparent(),
        SetupChoice::Auto => match automatic(program) {
            Decider::Kzg => ethereum(),
            Decider::Transparent => transparent(),
        },
        SetupChoice::Insecure(log2) => Ok((Setup::insecure(*log2).map_err(failed)?, *log2)),
        SetupChoice::File(path) => imported(path, program),
    }
}

/// The ceremony, unless its `2^12` columns are too few to be competitive.
fn automatic(program: &Program) -> Decider {
    let (_, ethereum) = cheapest(program, Decider::Kzg, ETHEREUM);
    let (_, transparent) = cheapest(program, Decider::Transparent, TRANSPARENT);
    if ethereum <= transparent { Decider::Kzg } else { Decider::Transparent }
}

fn imported(path: &Path, program: &Program) -> Result<(Setup, u32), Failure> {
    if !path.exists() {
        return Err(Failure::file("read", path, "no such file")
            .hint("--setup takes auto, ethereum, transparent, insecure:LOG2, or the path of a powers-of-tau file"));
    }
    let file = files::read(path)?;
    let wanted = cheapest(program, Decider::Kzg, IMPORTED).0;
    let first = Setup::import(&file, 1 << wanted).map(|setup| (setup, wanted));
    let imported = match first {
        // A shorter file is used whole.
        Err(SetupError::Length { group: "G1", found, .. }) if found >= 1 << ETHEREUM.start() => {
            let bits = found.ilog2();
            Setup::import(&file, 1 << bits).map(|setup| (setup, bits))
        }
        other => other,
    };
    imported.map_err(|e| Failure::file("import the setup", path, e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zktorch_blocks::program::{Interval, Shape, Source, Tensor, Visibility};

    fn program(committed: usize) -> Program {
        let tensor = Tensor {
            name: "x".into(),
            shape: Shape::from([committed]),
            source: Source::Input(0),
            visibility: Visibility::Private,
            interval: Interval::new(-8, 7),
            scale: 0,
        };
        Program { tensors: vec![tensor], inputs: vec![0], ..Program::default() }
    }

    #[test]
    fn larger_witnesses_get_longer_rows_and_then_no_ceremony() {
        let bits = |n| cheapest(&program(n), Decider::Kzg, ETHEREUM).0;
        assert!(bits(1 << 10) <= bits(1 << 16) && bits(1 << 16) <= bits(1 << 22));
        assert_eq!(bits(1 << 22), *ETHEREUM.end());
        assert_eq!(automatic(&program(1 << 12)), Decider::Kzg);
        assert_eq!(automatic(&program(1 << 24)), Decider::Transparent);
    }
}
