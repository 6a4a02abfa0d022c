//! How far a language model's integers are from its floats: by what they say of the next token, over texts.
//!
//! The largest error of a logit says little. What counts is the distribution of the next token: its divergence from the model's, how often the
//! likeliest token is another, and how well texts are foretold.

use serde::{Deserialize, Serialize};

/// What the integers say of texts, beside what the model says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Language {
    /// Texts that were measured.
    pub texts: usize,
    /// Texts on which the integers cannot be run, because values leave the ranges of the others.
    pub left_out: usize,
    /// Whether ranges were made without these texts.
    pub held_out: bool,
    /// Tokens of the texts.
    pub tokens: usize,
    /// Mean negative logarithm of the probability of the next token, by the model.
    pub nll_float: f64,
    /// The same by the integers.
    pub nll_integer: f64,
    /// Mean over tokens of the Kullback-Leibler divergence of the integers' distribution from the model's, in nats.
    pub kl_mean: f64,
    /// The largest.
    pub kl_max: f64,
    /// The share of tokens behind which both have the same likeliest token.
    pub top1: f64,
}

/// Collects what is said of texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hearing {
    sums: Language,
    foretold: usize,
}

/// Logarithms of probabilities.
fn logarithms(logits: &[f64]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|v| (v - most).exp()).sum();
    logits.iter().map(|v| v - most - sum.ln()).collect()
}

fn likeliest(logarithms: &[f64]) -> Option<usize> {
    (0..logarithms.len()).reduce(|best, j| if logarithms[j] > logarithms[best] { j } else { best })
}

impl Hearing {
    /// Takes in one text: its ids, and for each the logits of the next by the model and by the integers.
    pub fn take(&mut self, ids: &[f64], floats: &[f64], integers: &[f64]) {
        let vocabulary = floats.len() / ids.len().max(1);
        self.sums.texts += 1;
        for (place, (p, q)) in floats.chunks(vocabulary).zip(integers.chunks(vocabulary)).enumerate() {
            let (p, q) = (logarithms(p), logarithms(q));
            let divergence: f64 = p.iter().zip(&q).map(|(p, q)| if *p > -700.0 { p.exp() * (p - q) } else { 0.0 }).sum();
            let divergence = divergence.max(0.0);
            self.sums.tokens += 1;
            self.sums.kl_mean += divergence;
            self.sums.kl_max = self.sums.kl_max.max(divergence);
            self.sums.top1 += f64::from(u8::from(likeliest(&p) == likeliest(&q)));
            if let Some(next) = ids.get(place + 1).map(|&id| id as usize).filter(|&next| next < vocabulary) {
                self.foretold += 1;
                self.sums.nll_float -= p[next];
                self.sums.nll_integer -= q[next];
            }
        }
    }

    /// Takes in a text that the integers cannot be run on.
    pub fn leave_out(&mut self) {
        self.sums.left_out += 1;
    }

    /// What was said. Where all texts were left out the divergence is infinite.
    pub fn finish(self, held_out: bool) -> Language {
        let Self { sums, foretold } = self;
        let (tokens, foretold) = (sums.tokens.max(1) as f64, foretold.max(1) as f64);
        Language {
            held_out,
            nll_float: sums.nll_float / foretold,
            nll_integer: sums.nll_integer / foretold,
            kl_mean: if sums.texts == 0 { f64::INFINITY } else { sums.kl_mean / tokens },
            top1: sums.top1 / tokens,
            ..sums
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_texts_is_added_up() {
        let mut hearing = Hearing::default();
        let (p, q) = ([0.25f64, 0.75], [0.5f64, 0.5]);
        let logits = |p: [f64; 2], by: f64| p.map(|p| p.ln() + by);
        let [floats, integers] = [[logits(p, 3.0), logits(q, -1.0)].concat(), [logits(q, 0.0), logits(q, 7.0)].concat()];
        hearing.take(&[0.0, 1.0], &floats, &integers);
        hearing.leave_out();
        let said = hearing.finish(true);
        let divergence = 0.25 * 0.5f64.ln() + 0.75 * 1.5f64.ln();
        assert_eq!((said.texts, said.left_out, said.tokens, said.held_out), (1, 1, 2, true));
        assert!((said.kl_mean - divergence / 2.0).abs() < 1e-12 && (said.kl_max - divergence).abs() < 1e-12, "{said:?}");
        assert!((said.nll_float + 0.75f64.ln()).abs() < 1e-12 && (said.nll_integer - 2f64.ln()).abs() < 1e-12, "{said:?}");
        assert_eq!(said.top1, 0.5);
        assert_eq!(Hearing::default().finish(false).kl_mean, f64::INFINITY);
    }
}
