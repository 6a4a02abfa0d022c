//! Private tensors: which ones a proof has, which a commitment names, and which several proofs share.

use crate::demands::NamedCommitment;
use zktorch_accumulator::setup::VerifierSetup;
use zktorch_verifier::commitment::Committed;
use zktorch_verifier::key::{KeyPort, VerifyingKey};
use zktorch_verifier::proof::Proof;

/// A private input or output of a proof.
#[derive(Clone, Debug)]
pub struct Bound {
    /// `input` or `output`.
    pub role: &'static str,
    /// Its commitment.
    pub committed: Committed,
}

/// The private inputs and outputs of a proof.
pub(crate) fn bound(key: &VerifyingKey, proof: &Proof) -> Vec<Bound> {
    let program = &key.program;
    let inputs = program.inputs.iter().zip(&key.inputs).map(|(id, port)| ("input", *id, port));
    let outputs = program.outputs.iter().zip(&key.outputs).map(|(id, port)| ("output", *id, port));
    let one =
        |(role, id, port): (_, _, &KeyPort)| Some(Bound { role, committed: Committed::of(key, proof, id, &port.name)? });
    inputs.chain(outputs).filter_map(one).collect()
}

/// Which private tensor of a proof each tensor of a commitment is, in words; `None` if one of them is none. A tensor with the name
/// of a private input that it fits must be that input: otherwise a prover could exchange two inputs that were committed together.
pub(crate) fn ties(bound: &[Bound], setup: &VerifierSetup, named: &NamedCommitment) -> Option<Vec<String>> {
    let tie = |c: &Committed| {
        let namesake = bound.iter().find(|b| b.role == "input" && b.committed.name == c.name && b.committed.fits(c));
        let other = || bound.iter().find(|b| b.committed.same(c));
        let own = namesake.or_else(other).filter(|b| b.committed.same(c))?;
        Some(format!("{} {} is {} of {}", own.role, own.committed.name, c.name, named.name))
    };
    let commitment = &named.commitment;
    commitment.setup.shares_generators(setup).then(|| commitment.tensors.iter().map(tie).collect())?
}

/// A private tensor that two proofs have in common.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// The proofs, the earlier first, and what it is in each.
    pub ends: [(usize, String); 2],
}

impl Shared {
    /// In words.
    pub fn words(&self, names: &[&str]) -> String {
        let end = |(proof, what): &(usize, String)| format!("{what} of {}", names.get(*proof).copied().unwrap_or_default());
        let [a, b] = &self.ends;
        format!("{} is {}", end(a), end(b))
    }
}

/// The private tensors that several proofs have in common, each with its setup.
pub(crate) fn shared(proofs: &[(&VerifierSetup, &[Bound])]) -> Vec<Shared> {
    let mut found = Vec::new();
    for (i, (setup, one)) in proofs.iter().enumerate() {
        let later = proofs.iter().enumerate().skip(i + 1).filter(|(_, (other, _))| setup.shares_generators(other));
        for (j, (_, two)) in later {
            for (a, b) in one.iter().flat_map(|a| two.iter().map(move |b| (a, b))) {
                if a.committed.same(&b.committed) {
                    let what = |bound: &Bound| format!("{} {}", bound.role, bound.committed.name);
                    found.push(Shared { ends: [(i, what(a)), (j, what(b))] });
                }
            }
        }
    }
    found
}

/// The first of several proofs that no chain of shared tensors ties to the first one.
pub(crate) fn loose(proofs: usize, shared: &[Shared]) -> Option<usize> {
    let mut tied = std::collections::BTreeSet::from([0]);
    // Each round ties one more or is the last.
    for _ in 0..proofs {
        for Shared { ends: [(a, _), (b, _)] } in shared {
            if tied.contains(a) || tied.contains(b) {
                tied.extend([*a, *b]);
            }
        }
    }
    (0..proofs).find(|n| !tied.contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_tie_proofs_together() {
        let tie = |a: usize, b: usize| Shared { ends: [(a, String::new()), (b, String::new())] };
        assert_eq!(loose(3, &[tie(1, 2), tie(0, 1)]), None);
        assert_eq!(loose(4, &[tie(2, 3), tie(0, 1)]), Some(2));
        assert_eq!((loose(2, &[]), loose(1, &[])), (Some(1), None));
    }
}
