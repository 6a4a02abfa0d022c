//! What proofs show, or why they show nothing.

use crate::binding::read_commitment;
use crate::blob::Blob;
use crate::failure::Failure;
use crate::folder::MODEL;
use crate::generators;
use crate::given::Given;
use crate::model_proof;
use crate::text::read_texts;
use crate::tokens::Tokenizer;
use crate::watch::{Phases, Watch, guarded};
use serde_json::Value;
use zktorch_verdict::texts::Decode;
use zktorch_verdict::{
    Answer, Case, Demands, File, Known, Model, NamedCommitment, Requirement, Timing, Together, Undecided, expected, show,
    together,
};
use zktorch_verifier::Verdict;
use zktorch_verifier::key::VerifyingKey;

/// A proof, and what it is verified with.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The verifying key.
    pub key: Blob,
    /// The proof.
    pub proof: Blob,
    /// The proof about the weights; if there is none, it is looked for beside a key that is a file.
    pub model_proof: Option<Blob>,
}

/// What proofs must be beside valid.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// Properties.
    pub require: Vec<Requirement>,
    /// Commitments that all of the proofs must be about.
    pub bind: Vec<Blob>,
    /// The input that the one proof must be about.
    pub input: Option<Given>,
    /// The seed that draws must follow from.
    pub seed: Option<String>,
    /// Shows ids as text, and reads an input that is one.
    pub tokenizer: Option<Tokenizer>,
    /// Whether model proofs that were accepted are noted in the user's cache, so that they are not checked again.
    pub remember: bool,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { require: Vec::new(), bind: Vec::new(), input: None, seed: None, tokenizer: None, remember: true }
    }
}

/// A verdict.
#[derive(Clone, Debug)]
pub enum Verified {
    /// On one proof.
    One(Box<Answer>),
    /// On several.
    Several(Together),
}

impl Verified {
    /// Whether everything holds that was asked for.
    pub fn accepted(&self) -> bool {
        match self {
            Self::One(answer) => answer.accepted(),
            Self::Several(all) => all.accepted(),
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        match self {
            Self::One(answer) => answer.text(),
            Self::Several(all) => all.text(),
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        match self {
            Self::One(answer) => answer.json(),
            Self::Several(all) => all.json(),
        }
    }
}

/// The verdict on some proofs.
///
/// # Errors
/// If nothing could be decided: a file is none of ours or damaged, or what was asked for does not go together. That a proof does not hold is
/// no error.
pub fn verify(subjects: &[Subject], options: &VerifyOptions, watch: &mut dyn Watch) -> Result<Verified, Failure> {
    guarded(|| {
        if subjects.is_empty() {
            return Err(Failure::usage("there is no proof to verify"));
        }
        if subjects.len() != 1 && options.input.is_some() {
            return Err(Failure::usage("--input is compared with one proof; verify that proof by itself"));
        }
        if subjects.len() == 1 && options.require.contains(&Requirement::Shared) {
            return Err(Failure::usage("--require shared is about several proofs, and one is given"));
        }
        let commitment = |blob: &Blob| Ok(NamedCommitment { name: blob.name(), commitment: read_commitment(blob)? });
        let bind = options.bind.iter().map(commitment).collect::<Result<Vec<_>, Failure>>()?;
        let decode = options.tokenizer.as_ref().map(|tokenizer| |ids: &[i64]| tokenizer.text(ids));
        let decode = decode.as_ref().map(|decode| decode as &Decode<'_>);
        let mut demands = Demands { seed: options.seed.as_deref(), require: &options.require, bind, input: None, decode };
        let mut answers = Vec::new();
        for subject in subjects {
            answers.push(judge(subject, options, &mut demands, Phases::new(watch))?);
        }
        Ok(match answers.len() {
            1 => Verified::One(Box::new(answers.remove(0))),
            _ => Verified::Several(together(answers, &demands)),
        })
    })
}

/// One key for all proofs, or one for each.
///
/// # Errors
/// If there is another number of them.
pub fn paired(keys: &[Blob], proofs: &[Blob]) -> Result<Vec<Subject>, Failure> {
    let subject = |(key, proof): (&Blob, &Blob)| Subject { key: key.clone(), proof: proof.clone(), model_proof: None };
    match keys {
        [key] => Ok(proofs.iter().map(|proof| subject((key, proof))).collect()),
        keys if keys.len() == proofs.len() => Ok(keys.iter().zip(proofs).map(subject).collect()),
        keys => {
            let (keys, proofs) = (show::things(keys.len(), "key"), show::things(proofs.len(), "proof"));
            Err(Failure::usage(format!("{keys} for {proofs}: give one key for all, or one for each")))
        }
    }
}

/// The verdict on one proof.
fn judge(
    subject: &Subject,
    options: &VerifyOptions,
    demands: &mut Demands<'_>,
    mut phases: Phases<'_>,
) -> Result<Answer, Failure> {
    let Subject { key, proof, model_proof } = subject;
    let beside = match key {
        Blob::Path(path) => Some(path.with_file_name(MODEL)).filter(|path| path.exists()).map(Blob::from),
        Blob::Bytes { .. } => None,
    };
    let model_proof = model_proof.clone().or(beside);
    let named = |undecided: Undecided| {
        let absent = Blob::Bytes { name: MODEL.into(), bytes: Vec::new() };
        let file = match undecided.file() {
            File::Key => key,
            File::Proof => proof,
            File::ModelProof => model_proof.as_ref().unwrap_or(&absent),
        };
        Failure::undecidable(&undecided, file.path())
    };
    phases.begin("reading");
    let case = Case::read(&key.read()?, &proof.read()?).map_err(named)?;
    let tokenizer = options.tokenizer.as_ref();
    demands.input = options.input.as_ref().map(|given| known(given, &case.key, tokenizer, &named)).transpose()?;
    phases.begin("generators");
    let generators = generators::for_verifier(&case.key.setup).map_err(named)?;
    phases.begin("proof");
    let start = phases.seconds();
    let verdict = case.decide(generators.as_ref(), demands.seed).map_err(named)?;
    let seconds = phases.seconds() - start;
    phases.begin("model proof");
    let model = match verdict {
        Verdict::Accepted => {
            model_proof::state(model_proof.as_ref(), &case.key, generators.as_ref(), options.remember, &named)?
        }
        Verdict::Rejected(_) => Model::unneeded(),
    };
    let timing = Timing { seconds, total_seconds: phases.seconds(), phases: phases.finish() };
    Ok(case.conclude(&proof.name(), &verdict, &model, demands).timed(timing))
}

/// What is given as the input of a key's model.
fn known(
    given: &Given,
    key: &VerifyingKey,
    tokenizer: Option<&Tokenizer>,
    named: &impl Fn(Undecided) -> Failure,
) -> Result<Known, Failure> {
    let (ports, texts) = expected(key).map_err(named)?;
    if texts {
        let arrays = read_texts(given, &ports, tokenizer)?;
        if let [prompt] = arrays.as_slice() {
            return Known::prompt(given.name(), key, prompt).map_err(named);
        }
        // A pipe is read once.
        if arrays.len() == ports.len() {
            return Known::inputs(given.name(), key, &arrays).map_err(named);
        }
    }
    let sample = given.sample(&ports)?;
    let arrays: Vec<Vec<f64>> = sample.iter().map(|array| array.iter().copied().collect()).collect();
    Known::inputs(given.name(), key, &arrays).map_err(named)
}
