//! What a proof must be beside valid.

use crate::known::Known;
use crate::model::Model;
use crate::texts::Decode;
use zktorch_blocks::program::{Role, TensorId};
use zktorch_verifier::commitment::Commitment;
use zktorch_verifier::key::VerifyingKey;

/// What a verifier may ask for beside a valid proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// The weights are proved to be integers of their declared widths.
    ModelProof,
    /// Not everybody can forge proofs for the key.
    SecureSetup,
    /// The proof shows all inputs.
    PublicInput,
    /// The proof shows all outputs.
    PublicOutput,
    /// Several proofs: private tensors that they share tie all of them together.
    Shared,
}

impl Requirement {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::ModelProof, Self::SecureSetup, Self::PublicInput, Self::PublicOutput, Self::Shared];

    /// As on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::ModelProof => "model-proof",
            Self::SecureSetup => "secure-setup",
            Self::PublicInput => "public-input",
            Self::PublicOutput => "public-output",
            Self::Shared => "shared",
        }
    }

    /// The inverse of [`word`](Self::word).
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|requirement| requirement.word() == word)
    }
}

/// A commitment that a proof must be about.
#[derive(Clone, Debug)]
pub struct NamedCommitment {
    /// How it is called in the verdict.
    pub name: String,
    /// The commitment.
    pub commitment: Commitment,
}

/// What a proof must be about, beside the key.
#[derive(Default)]
pub struct Demands<'a> {
    /// The seed that draws must follow from. Needed where the key's program draws.
    pub seed: Option<&'a str>,
    /// Properties.
    pub require: &'a [Requirement],
    /// Commitments to private inputs and outputs.
    pub bind: Vec<NamedCommitment>,
    /// The public input.
    pub input: Option<Known>,
    /// Reads what ids say.
    pub decode: Option<&'a Decode<'a>>,
}

/// What is required and not so, in words.
pub(crate) fn unmet(required: &[Requirement], key: &VerifyingKey, model: &Model) -> Vec<String> {
    let public =
        |ids: &[TensorId]| ids.iter().all(|&id| key.program.tensors.get(id).is_some_and(|t| t.role() == Role::Public));
    let why = |requirement: &Requirement| match requirement {
        Requirement::ModelProof => (!model.is_proved()).then(|| model.text()),
        Requirement::SecureSetup => key.setup.is_insecure().then(|| "anybody can forge proofs for this key".to_owned()),
        Requirement::PublicInput => (!public(&key.program.inputs)).then(|| "an input is private".to_owned()),
        Requirement::PublicOutput => (!public(&key.program.outputs)).then(|| "an output is private".to_owned()),
        // Of one proof there is nothing to say.
        Requirement::Shared => None,
    };
    required.iter().filter_map(|r| Some(format!("--require {}: {}", r.word(), why(r)?))).collect()
}
