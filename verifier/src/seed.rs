//! Seeds: what the random numbers of a statement follow from (docs/language-models.md, "A sample").
//!
//! A seed is whatever bytes people agreed on once model and prompt were fixed: the next number of a beacon, say, or what the verifier sent. The
//! statement has the hash of the seed and of the key's digest, from which the program's draws follow.

use crate::statement::Statement;
use sha2::{Digest, Sha256};
use zktorch_blocks::digest::KeyDigest;
use zktorch_blocks::program::{Program, Source, TensorId};

/// What the hash begins with.
const DOMAIN: &[u8] = b"zktorch/v1/seed";

/// The words of a seed under a key: what a program takes for it.
pub fn words(key: &KeyDigest, seed: &[u8]) -> Vec<i64> {
    let digest = Sha256::new_with_prefix(DOMAIN).chain_update(key).chain_update(seed).finalize();
    digest.as_chunks::<2>().0.iter().map(|&pair| u16::from_be_bytes(pair).into()).collect()
}

/// The seeds that the draws of a program follow from; none where it draws nothing.
pub fn seeds(program: &Program) -> impl Iterator<Item = TensorId> {
    program
        .tensors
        .iter()
        .filter_map(|tensor| if let Source::Draws(draws) = &tensor.source { Some(draws.seed) } else { None })
}

/// Whether all draws of a statement follow from a seed under a key.
pub(crate) fn decides(seed: &[u8], key: &KeyDigest, program: &Program, statement: &Statement) -> bool {
    let words = words(key, seed);
    seeds(program).all(|id| statement.values(id) == Some(words.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_hash_of_key_and_seed() {
        let [key, other] = [1, 2].map(|byte| KeyDigest::new([byte; 32]));
        let hash = Sha256::digest([&b"zktorch/v1/seed"[..], &[1; 32], b"beacon 7"].concat());
        let own = words(&key, b"beacon 7");
        assert_eq!(own.iter().flat_map(|word| word.to_be_bytes()[6..].to_vec()).collect::<Vec<u8>>(), hash.to_vec());
        assert!(own != words(&key, b"beacon 8") && own != words(&other, b"beacon 7"));
    }
}
