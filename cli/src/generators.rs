//! The transparent generators on disk: hashing to the curve takes longer than reading.

use crate::cache;
use crate::failure::Failure;
use zktorch_accumulator::setup::{Generators, Setup, VerifierSetup};
use zktorch_blocks::digest::GeneratorsDigest;

/// The largest number of generators that is hashed on demand, in some ten seconds: a foreign key must not keep a verifier busy.
const MOST: usize = 1 << 16;

/// Digests of the first `2^log2` generators. They pin the cache: a file that somebody else wrote there is not believed.
const PINNED: [(u32, &str); 7] = [
    (10, "5ea42913937ec54a6199aaf46e17e1342ec6beb7f66b9bd57f715bccb3b07431"),
    (11, "df7cf57dca1c36a7d9b06a6446165d091085286f908ec5fc760cda3ec7bc6a7b"),
    (12, "729654e20fcff4d9c6f2299aca0b9231e6f8103fd1d232565f8a20ca9cf88716"),
    (13, "55f7756f6bf0ea79c1b2445f3d22a14289b96a83fd6fb7cd2c918b5c8c1eb937"),
    (14, "090624343704ebce3c18c6e406c354f8918874243036bf78839a4ab3a67a7cd0"),
    (15, "caf78052180aa5791bb43c1330f62a1296f7eb63a0365cb987bf4f2d03a8ef71"),
    (16, "b2b240a0542a8431bd437d1c35b7b2abc74c55cb8b7e3bf881f44831445191af"),
];

fn pinned(columns: usize) -> Option<GeneratorsDigest> {
    let (_, text) = PINNED.iter().find(|(log2, _)| columns == 1 << log2)?;
    let mut digest = [0u8; 32];
    for (i, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(GeneratorsDigest::new(digest))
}

/// The file of the first `columns` generators.
fn name(columns: usize) -> String {
    format!("generators-{columns}.bin")
}

fn cached(columns: usize, digest: &GeneratorsDigest) -> Option<Generators> {
    let bytes = std::fs::read(cache::path(&name(columns))?).ok()?;
    Generators::from_bytes_trusted(&bytes, digest).ok().filter(|g| g.columns() == columns)
}

/// A transparent setup, from the cache if it is there and right.
pub fn transparent(columns: usize) -> Result<Setup, Failure> {
    if let Some(digest) = pinned(columns)
        && let Some(generators) = cached(columns, &digest)
    {
        let verifier = VerifierSetup::Transparent { columns: columns as u64, generators: digest };
        return Ok(Setup { verifier, generators });
    }
    let setup = Setup::transparent(columns).map_err(|e| Failure::undecided(format!("transparent setup: {e}")))?;
    cache::keep(&name(columns), &setup.generators.to_bytes());
    Ok(setup)
}

/// The generators that a verifier needs for a key's setup: none but for transparent ones.
pub fn for_verifier(setup: &VerifierSetup) -> Result<Option<Generators>, Failure> {
    let VerifierSetup::Transparent { columns, generators: digest } = setup else { return Ok(None) };
    let columns = usize::try_from(*columns)
        .ok()
        .filter(|&n| n <= MOST)
        .ok_or_else(|| Failure::undecided(format!("the key names {columns} generators; at most {MOST} are supported")))?;
    // Only what is known to be hashes is taken from the disk.
    let ours = transparent(columns)?;
    let VerifierSetup::Transparent { generators: expected, .. } = &ours.verifier else { return Ok(None) };
    if expected != digest {
        return Err(Failure::undecided("the key's generators are not the hash-to-curve points they should be")
            .hint("do not trust this key"));
    }
    Ok(Some(ours.generators))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_digests_are_right() {
        for (log2, _) in PINNED.iter().take(2) {
            assert_eq!(pinned(1 << log2), Some(Generators::transparent(1 << log2).unwrap().digest()));
        }
        assert!(PINNED.iter().all(|(log2, _)| pinned(1 << log2).is_some()));
        assert_eq!(pinned(7), None);
    }
}
