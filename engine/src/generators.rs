//! The transparent generators on disk: hashing to the curve takes longer than reading.

use crate::cache;
use crate::failure::Failure;
use zktorch_accumulator::setup::{Generators, Setup, VerifierSetup};
use zktorch_verdict::Undecided;
use zktorch_verdict::generators::{kept, needed, pinned};

/// The file of the first `columns` generators.
fn name(columns: usize) -> String {
    format!("generators-{columns}.bin")
}

fn cached(columns: usize) -> Option<Generators> {
    kept(columns, &std::fs::read(cache::path(&name(columns))?).ok()?)
}

/// A transparent setup, from the cache if it is there and right.
///
/// # Errors
/// If `columns` is out of range.
pub fn transparent(columns: usize) -> Result<Setup, Failure> {
    if let Some((digest, generators)) = pinned(columns).zip(cached(columns)) {
        let verifier = VerifierSetup::Transparent { columns: columns as u64, generators: digest };
        return Ok(Setup { verifier, generators });
    }
    let setup = Setup::transparent(columns).map_err(|e| Failure::internal(format!("transparent setup: {e}")))?;
    cache::keep(&name(columns), &setup.generators.to_bytes());
    Ok(setup)
}

/// The generators that a verifier needs for a key's setup: none but for transparent ones. Only what is known to be hashes is taken from the disk.
///
/// # Errors
/// If there are too many, or they are no hashes.
pub fn for_verifier(setup: &VerifierSetup) -> Result<Option<Generators>, Undecided> {
    let Some(needed) = needed(setup)? else { return Ok(None) };
    if let Some(generators) = cached(needed.columns) {
        return Ok(Some(generators));
    }
    let derived = needed.derive()?;
    cache::keep(&name(needed.columns), &derived.to_bytes());
    Ok(Some(derived))
}
