//! The verdict on several proofs, and what ties them to each other.

use crate::answer::{Answer, word};
use crate::demands::{Demands, Requirement};
use crate::show;
use crate::ties::{Bound, loose, shared};
use serde_json::{Value, json};
use zktorch_accumulator::setup::VerifierSetup;

/// The verdict on several proofs.
#[derive(Clone, Debug)]
pub struct Together {
    /// That on each.
    pub answers: Vec<Answer>,
    /// Private tensors that they share, in words.
    pub shared: Vec<String>,
    /// Why all of them together are rejected, though each of them is accepted.
    pub reason: Option<String>,
}

/// Puts verdicts together.
pub fn together(answers: Vec<Answer>, demands: &Demands<'_>) -> Together {
    let private = |answer: &'_ Answer| -> (VerifierSetup, Vec<Bound>) {
        (answer.setup.clone(), answer.shown().map(|shown| shown.commitments.clone()).unwrap_or_default())
    };
    let private: Vec<(VerifierSetup, Vec<Bound>)> = answers.iter().map(private).collect();
    let shared = shared(&private.iter().map(|(setup, bound)| (setup, bound.as_slice())).collect::<Vec<_>>());
    let names: Vec<&str> = answers.iter().map(|answer| answer.name.as_str()).collect();
    let named = match shared.as_slice() {
        [] => vec!["no private tensor is shared: nothing ties these proofs to each other".to_owned()],
        some => some.iter().map(|s| s.words(&names)).collect(),
    };
    let asked = answers.iter().all(Answer::accepted) && demands.require.contains(&Requirement::Shared);
    let reason = loose(answers.len(), &shared)
        .filter(|_| asked)
        .and_then(|n| names.get(n))
        .map(|name| format!("--require {}: nothing ties {name} to the first proof", Requirement::Shared.word()));
    Together { answers, shared: named, reason }
}

impl Together {
    /// Whether all are accepted, and tied to each other if that was asked for.
    pub fn accepted(&self) -> bool {
        !self.answers.is_empty() && self.reason.is_none() && self.answers.iter().all(Answer::accepted)
    }

    /// As the command line prints it.
    pub fn json(&self) -> Value {
        let warning = |answer: &Answer| Some(format!("{}: {}", answer.name, answer.warning()?));
        let warnings: Vec<String> = self.answers.iter().filter_map(warning).collect();
        let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
        let proofs: Vec<Value> = self.answers.iter().map(Answer::json).collect();
        let verdict = word(self.accepted());
        json!({ "verdict": verdict, "reason": self.reason, "warning": warning, "proofs": proofs, "shared": self.shared })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", word(self.accepted()));
        text.extend(self.answers.iter().map(|answer| format!("{}: {}", answer.name, answer.text())));
        let shared = self.shared.iter().map(|s| ("shared", s.clone()));
        let lines: Vec<(&str, String)> = shared.chain(self.reason.iter().map(|why| ("reason", why.clone()))).collect();
        text.push_str(&show::lines(&lines));
        text
    }
}
