//! The generators of transparent setups: hashes to the curve, which take longer to make than to read.

use crate::undecided::{File, Undecided, Why};
use zktorch_accumulator::setup::{Generators, VerifierSetup};
use zktorch_blocks::digest::GeneratorsDigest;

/// The largest number of generators that is hashed on demand, in some ten seconds: a foreign key must not keep a verifier busy.
pub const MOST: usize = 1 << 16;

/// Digests of the first `2^log2` generators. They pin what is kept: a file that somebody else wrote is not believed.
const PINNED: [(u32, &str); 7] = [
    (10, "5ea42913937ec54a6199aaf46e17e1342ec6beb7f66b9bd57f715bccb3b07431"),
    (11, "df7cf57dca1c36a7d9b06a6446165d091085286f908ec5fc760cda3ec7bc6a7b"),
    (12, "729654e20fcff4d9c6f2299aca0b9231e6f8103fd1d232565f8a20ca9cf88716"),
    (13, "55f7756f6bf0ea79c1b2445f3d22a14289b96a83fd6fb7cd2c918b5c8c1eb937"),
    (14, "090624343704ebce3c18c6e406c354f8918874243036bf78839a4ab3a67a7cd0"),
    (15, "caf78052180aa5791bb43c1330f62a1296f7eb63a0365cb987bf4f2d03a8ef71"),
    (16, "b2b240a0542a8431bd437d1c35b7b2abc74c55cb8b7e3bf881f44831445191af"),
];

/// The digest of the first `columns` generators, for the powers of two that compilers choose.
pub fn pinned(columns: usize) -> Option<GeneratorsDigest> {
    let (_, text) = PINNED.iter().find(|(log2, _)| columns == 1 << log2)?;
    let mut digest = [0u8; 32];
    for (i, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(GeneratorsDigest::new(digest))
}

/// Generators that were kept, as [`Generators::to_bytes`] writes them; none if they are not the first `columns` ones.
pub fn kept(columns: usize, bytes: &[u8]) -> Option<Generators> {
    Generators::from_bytes_trusted(bytes, &pinned(columns)?).ok().filter(|g| g.columns() == columns)
}

/// The generators that a verifier needs for a key's setup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needed {
    /// How many there are.
    pub columns: usize,
    /// Their digest, as the key says it.
    pub digest: GeneratorsDigest,
}

/// What a verifier needs for a setup: nothing but for transparent ones.
///
/// # Errors
/// If there are more than [`MOST`], or they are known not to be hashes.
pub fn needed(setup: &VerifierSetup) -> Result<Option<Needed>, Undecided> {
    let VerifierSetup::Transparent { columns, generators: digest } = *setup else { return Ok(None) };
    let columns = usize::try_from(columns)
        .ok()
        .filter(|&n| n <= MOST)
        .ok_or_else(|| Undecided::new("use", File::Key, Why::Generators { asked: columns, most: MOST }))?;
    if pinned(columns).is_some_and(|known| known != digest) {
        return Err(Undecided::new("use", File::Key, Why::NotHashes));
    }
    Ok(Some(Needed { columns, digest }))
}

impl Needed {
    /// Hashes all of them: seconds for thousands.
    ///
    /// # Errors
    /// If the key names others.
    pub fn derive(&self) -> Result<Generators, Undecided> {
        let derived = Generators::transparent(self.columns).map_err(|e| Undecided::new("use", File::Key, e))?;
        if derived.digest() == self.digest { Ok(derived) } else { Err(Undecided::new("use", File::Key, Why::NotHashes)) }
    }

    /// Takes what was kept, if it is what is needed.
    pub fn read(&self, bytes: &[u8]) -> Option<Generators> {
        kept(self.columns, bytes)
    }
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

    #[test]
    fn only_hashes_are_believed() {
        let setup = |columns, generators| VerifierSetup::Transparent { columns, generators };
        let right = pinned(1 << 10).unwrap();
        let needed_of = |columns, digest| needed(&setup(columns, digest)).map_err(|e| e.to_string());
        let all = needed_of(1 << 10, right).unwrap().unwrap();
        let bytes = all.derive().unwrap().to_bytes();
        assert!(all.read(&bytes).is_some());
        assert!(all.read(&bytes[96..]).is_none() && all.read(&[]).is_none());
        assert!(needed_of(1 << 10, GeneratorsDigest::default()).unwrap_err().contains("not the hash-to-curve points"));
        assert!(needed_of(u64::MAX, right).unwrap_err().contains("at most 65536"));
        // Of other numbers the digest is seen once they are hashed.
        let odd = needed_of(3, right).unwrap().unwrap();
        assert!(odd.derive().is_err_and(|e| e.hint() == Some("do not trust this key")));
        assert_eq!(needed(&VerifierSetup::Ethereum), Ok(None));
    }
}
