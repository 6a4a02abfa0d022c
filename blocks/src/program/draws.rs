//! Draws: random numbers that follow from a seed and from the text that they go on with.

use super::TensorId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Words of a seed, and of a hash: 16 bits each, the most significant byte first.
pub const WORDS: usize = 16;
/// The largest word.
pub const LARGEST_WORD: i64 = 0xffff;

/// What the hash begins with.
const DOMAIN: &[u8] = b"zktorch/v1/draw";

/// `out[i..]` is a word of the hash of a seed and of a text up to its place `places[i..]`: numbers that nobody chose, if the seed is younger than
/// the text. Seed, text and places stand in the statement, so that the verifier computes the tensor by itself.
///
/// A number depends on all that stands before the token that it draws and on nothing behind: a text has one way to go on, wherever
/// its prompt is said to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draws {
    /// The seed: [`WORDS`] words.
    pub seed: TensorId,
    /// The text: one token an entry.
    pub text: TensorId,
    /// The last tokens that count, by their places.
    pub places: TensorId,
    /// Which word of the hash.
    pub word: usize,
}

impl Draws {
    /// The entries, one for each place: word `word` of the hash. A place beyond the text is its end, one before it is that of no text.
    pub fn entries(&self, values: impl Fn(TensorId) -> Vec<i64>) -> Vec<i64> {
        let [seed, text, places] = [self.seed, self.text, self.places].map(values);
        let mut hash = Sha256::new_with_prefix(DOMAIN);
        for word in seed {
            hash.update(word.to_be_bytes().last_chunk::<2>().copied().unwrap_or_default());
        }
        let mut order: Vec<(usize, i64)> = places.iter().copied().enumerate().collect();
        order.sort_by_key(|&(_, place)| place);
        let mut entries = vec![0; places.len()];
        let mut tokens = text.iter().enumerate().peekable();
        for (at, place) in order {
            // The text is read once, whatever the places are.
            while let Some((_, token)) = tokens.next_if(|&(n, _)| i64::try_from(n).is_ok_and(|n| n <= place)) {
                hash.update(token.to_le_bytes());
            }
            let digest = hash.clone().finalize();
            let word = digest.as_chunks::<2>().0.get(self.word).copied().unwrap_or_default();
            if let Some(entry) = entries.get_mut(at) {
                *entry = u16::from_be_bytes(word).into();
            }
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: [i64; WORDS] = [0xab, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xffff];

    fn drawn(seed: &[i64], text: &[i64], places: &[i64], word: usize) -> Vec<i64> {
        let (ids, given) = ([0, 1, 2].map(TensorId), [seed, text, places]);
        Draws { seed: ids[0], text: ids[1], places: ids[2], word }.entries(|id| given[id.0].to_vec())
    }

    #[test]
    fn a_number_is_the_hash_of_the_seed_and_of_the_text_before() {
        let [text, places] = [[5i64, 0, 511, 7], [2, 0, 2, 3]];
        for (at, &place) in places.iter().enumerate() {
            let mut bytes = b"zktorch/v1/draw".to_vec();
            SEED.iter().for_each(|&word| bytes.extend((word as u16).to_be_bytes()));
            text[..=place as usize].iter().for_each(|token| bytes.extend(token.to_le_bytes()));
            let hash: [u8; 32] = Sha256::digest(&bytes).into();
            for word in 0..WORDS {
                let expected = i64::from(hash[2 * word]) << 8 | i64::from(hash[2 * word + 1]);
                assert_eq!(drawn(&SEED, &text, &places, word)[at], expected);
            }
        }
    }

    #[test]
    fn nothing_behind_a_place_counts_and_all_before_it_does() {
        let [text, places] = [[5i64, 0, 511, 7], [0, 1, 2, 3]];
        let drawn = |seed: &[i64], text: &[i64], places: &[i64]| drawn(seed, text, places, 0);
        let honest = drawn(&SEED, &text, &places);
        for at in 0..4 {
            let mut other = text;
            other[at] += 1;
            let differs: Vec<bool> = honest.iter().zip(drawn(&SEED, &other, &places)).map(|(a, b)| *a != b).collect();
            assert_eq!(differs, [0, 1, 2, 3].map(|place| place >= at));
        }
        let mut seed = SEED;
        seed[15] ^= 1;
        assert!(honest.iter().zip(drawn(&seed, &text, &places)).all(|(a, b)| *a != b));
        assert_eq!(drawn(&SEED, &text, &[9]), drawn(&SEED, &text, &[3]), "beyond the text there is its end");
        assert_eq!(drawn(&SEED, &text, &[-1]), drawn(&SEED, &[], &[0]));
    }
}
