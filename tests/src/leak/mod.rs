//! An adversary who wants to know which of two models made a proof. The models have different weights (and one pair
//! of them different private inputs) and the same answers; the adversary knows all of it, and several hundred proofs of each. See [`investigate`] for what it tries.

pub mod guess;
pub mod leaky;
pub mod models;
pub mod order;
pub mod statistics;

use guess::guess;
use models::Model;
use zktorch_blocks::transcript::{Draw, Message, MessageEntry};

/// A proof as the adversary sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// All messages.
    pub bytes: Vec<u8>,
    /// What they are; the same for every proof of a program.
    pub log: Vec<MessageEntry>,
    /// The challenges, which follow from the messages.
    pub draws: Vec<Draw>,
}

impl Seen {
    /// The bytes of a message.
    pub fn message(&self, position: usize) -> &[u8] {
        let end = self.log.get(position + 1).map_or(self.bytes.len(), |e| e.offset);
        &self.bytes[self.log[position].offset..end]
    }
}

/// How a message gave something away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tell {
    /// Its distribution is not the same for both models.
    Distribution,
    /// A value came twice.
    Repetition,
    /// It is what the model's secrets would make it without its own randomness.
    Guess,
}

/// A message that gave something away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Its label.
    pub label: Message,
    /// Messages of this label before it.
    pub occurrence: usize,
    /// How.
    pub tell: Tell,
}

/// Binary logarithm of the error rate: how often honest proofs are accused of anything, over all messages and tests.
pub const FAMILY_ERROR_LOG2: f64 = -20.0;

/// Every test on every message: two-sample tests of its distribution (if there are enough proofs), repetitions among all proofs, and,
/// for the first `guessed` proofs of each model, comparison with what the message would be if its own randomness were off.
///
/// The error rate is [`FAMILY_ERROR_LOG2`] for the first, split evenly; the other two are wrong with probability less than
/// `2^-200`.
///
/// # Panics
/// If the proofs are not of one program.
pub fn investigate(models: &[Model<'_>; 2], seen: [&[Seen]; 2], guessed: usize) -> Vec<Finding> {
    let log = &seen[0][0].log;
    assert!(seen.iter().flat_map(|s| s.iter()).all(|s| s.log == *log), "messages of one program");
    let mut found = Vec::new();
    let mut accuse = |position: usize, tell| {
        let label = log[position].label;
        let occurrence = log[..position].iter().filter(|e| e.label == label).count();
        found.push(Finding { label, occurrence, tell });
    };
    statistics::distributions(seen, log).into_iter().for_each(|p| accuse(p, Tell::Distribution));
    statistics::repetitions(seen, log.len()).into_iter().for_each(|p| accuse(p, Tell::Repetition));
    for (model, seen) in models.iter().zip(seen) {
        for proof in seen.iter().take(guessed) {
            let guesses = guess(model, proof);
            let hits = guesses.iter().enumerate().filter(|(p, g)| g.as_deref() == Some(proof.message(*p)));
            hits.for_each(|(p, _)| accuse(p, Tell::Guess));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}
