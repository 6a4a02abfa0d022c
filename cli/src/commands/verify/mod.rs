//! `verify`: what a proof shows, or why it shows nothing.

mod about;
mod required;
mod ties;

use crate::args::{Requirement, Verify};
use crate::binding::read_commitment;
use crate::failure::Failure;
use crate::folder::{read_proof, read_verifying_key};
use crate::generators;
use crate::model_proof::{self, Model};
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::show;
use crate::tokens::Tokenizer;
use about::About;
use required::OtherInput;
use serde_json::{Value, json};
use std::path::Path;
use ties::Bound;
use zktorch_accumulator::setup::VerifierSetup;
use zktorch_verifier::commitment::Commitment;
use zktorch_verifier::{Unverifiable, Verdict, verify, verify_drawn};

pub fn command(args: &Verify) -> Result<Outcome, Failure> {
    let keys = match args.key.as_slice() {
        [key] => vec![key; args.proof.len()],
        keys if keys.len() == args.proof.len() => keys.iter().collect(),
        keys => {
            let (keys, proofs) = (show::things(keys.len(), "key"), show::things(args.proof.len(), "proof"));
            return Err(Failure::undecided(format!("{keys} for {proofs}: give one key for all, or one for each")));
        }
    };
    if args.proof.len() > 1 && args.input.is_some() {
        return Err(Failure::undecided("--input is compared with one proof; verify that proof by itself"));
    }
    if args.proof.len() == 1 && args.require.contains(&Requirement::Shared) {
        return Err(Failure::undecided("--require shared is about several proofs, and one is given"));
    }
    let bind =
        args.bind.iter().map(|path| Ok((path.as_path(), read_commitment(path)?))).collect::<Result<Vec<_>, Failure>>()?;
    let tokenizer = args.tokenizer.as_deref().map(Tokenizer::read).transpose()?;
    let seed = args.seed.as_deref();
    let wanted = Wanted { bind, input: args.input.as_deref(), seed, require: &args.require, tokenizer };
    let judged = keys.iter().zip(&args.proof).map(|(key, proof)| judge(key, proof, &wanted));
    let mut judged = judged.collect::<Result<Vec<Judged>, Failure>>()?;
    Ok(if let [_] = judged.as_slice() { judged.remove(0).outcome } else { together(args, judged) })
}

/// The verdict on several proofs.
fn together(args: &Verify, judged: Vec<Judged>) -> Outcome {
    let shared = ties::shared(&judged);
    let mut text: String =
        judged.iter().zip(&args.proof).map(|(j, path)| format!("{}: {}", path.display(), j.outcome.text)).collect();
    let named: Vec<String> = match shared.as_slice() {
        [] => vec!["no private tensor is shared: nothing ties these proofs to each other".to_owned()],
        some => some.iter().map(|s| s.words(&args.proof)).collect(),
    };
    let mut lines: Vec<(&str, String)> = named.iter().map(|s| ("shared", s.clone())).collect();
    let all = judged.iter().all(|j| j.outcome.accepted);
    let loose = ties::loose(judged.len(), &shared).filter(|_| all && args.require.contains(&Requirement::Shared));
    let reason = loose
        .and_then(|n| args.proof.get(n))
        .map(|path| format!("--require {}: nothing ties {} to the first proof", Requirement::Shared.word(), path.display()));
    lines.extend(reason.iter().map(|reason| ("reason", reason.clone())));
    text.push_str(&show::lines(&lines));
    let accepted = all && reason.is_none();
    let verdict = if accepted { "accepted" } else { "rejected" };
    let warnings: Vec<String> = judged
        .iter()
        .zip(&args.proof)
        .filter_map(|(j, path)| Some(format!("{}: {}", path.display(), j.outcome.json.get("warning")?.as_str()?)))
        .collect();
    let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
    let proofs: Vec<Value> = judged.into_iter().map(|j| j.outcome.json).collect();
    let json = json!({ "verdict": verdict, "reason": reason, "warning": warning, "proofs": proofs, "shared": named });
    Outcome { accepted, text: format!("{verdict}\n{text}"), json }
}

/// What the proof must be about, beside the key.
struct Wanted<'a> {
    bind: Vec<(&'a Path, Commitment)>,
    input: Option<&'a Path>,
    /// What draws must follow from.
    seed: Option<&'a str>,
    require: &'a [Requirement],
    /// Reads what ids say.
    tokenizer: Option<Tokenizer>,
}

/// A verdict, and the private tensors of an accepted proof.
struct Judged {
    outcome: Outcome,
    setup: VerifierSetup,
    bound: Vec<Bound>,
}

fn judge(path: &Path, proof_path: &Path, wanted: &Wanted<'_>) -> Result<Judged, Failure> {
    let mut progress = Progress::new();
    progress.begin("reading");
    let key = read_verifying_key(path)?;
    let (proof, file_bytes) = read_proof(proof_path)?;
    let input = wanted.input.map(|file| OtherInput::read(file, &key, path, wanted.tokenizer.as_ref())).transpose()?;
    progress.begin("generators");
    let generators = generators::for_verifier(&key.setup)?;
    let digest = key.digest().map_err(|e| Failure::file("use", path, e))?;
    progress.begin("proof");
    let start = progress.seconds();
    let verdict = match wanted.seed {
        None => verify(&key, &proof, generators.as_ref()),
        Some(seed) => verify_drawn(&key, &proof, generators.as_ref(), seed.as_bytes()),
    };
    let verdict = verdict.map_err(|error| match error {
        Unverifiable::NoSeed => Failure::file("judge proofs for", path, error).hint("--seed TEXT gives it"),
        Unverifiable::NoDraws => Failure::file("use --seed for", path, error),
        Unverifiable::Key(_) | Unverifiable::Setup(_) => Failure::file("use", path, error),
    })?;
    let seconds = progress.seconds() - start;
    progress.begin("model proof");
    let model = match verdict {
        Verdict::Accepted => model_proof::state(path, &key, generators.as_ref())?,
        Verdict::Rejected(_) => Model::Unproved("the proof is rejected".into()),
    };
    let total = progress.seconds();
    let phases = progress.finish();
    let bound = ties::bound(&key, &proof);
    let tied = wanted.bind.iter().map(|(path, commitment)| ties::ties(&bound, &key.setup, commitment, path).ok_or(path));
    let tied = tied.collect::<Result<Vec<_>, _>>().map(|ties| ties.concat());
    let about = About { key: &key, proof: &proof, digest: &digest, model: &model, bound: &bound };
    let unmet = required::unmet(wanted.require, &key, &model);
    let mut outcome = match (&verdict, &model, tied, input.and_then(|input| input.differs(&key, &proof))) {
        (Verdict::Rejected(reason), ..) => about.rejected(&reason.to_string()),
        (_, Model::Refused(reason), ..) => about.rejected(&format!("the model proof does not hold: {reason}")),
        (_, _, Err(path), _) => about.rejected(&format!("the proof is not about all of {}", path.display())),
        (_, _, _, Some(difference)) => about.rejected(&difference),
        _ if !unmet.is_empty() => about.rejected(&unmet.join("; ")),
        (_, _, Ok(ties), None) => about.accepted(&ties, wanted),
    };
    let size = format!(
        "{} ({}, with public values {})",
        proof_path.display(),
        show::bytes(proof.bytes.len()),
        show::bytes(file_bytes)
    );
    let parts: Vec<String> = phases.iter().map(|(name, s)| format!("{name} {}", show::seconds(*s))).collect();
    let time = format!("{} ({})", show::seconds(total), parts.join(", "));
    outcome.text.push_str(&show::lines(&[("proof", size), ("verified in", time)]));
    if let Value::Object(map) = &mut outcome.json {
        map.insert("proof_bytes".into(), json!(proof.bytes.len()));
        map.insert("file_bytes".into(), json!(file_bytes));
        map.insert("seconds".into(), json!(seconds));
        map.insert("total_seconds".into(), json!(total));
        let phases = phases.iter().map(|(name, seconds)| json!({ "name": name, "seconds": seconds }));
        map.insert("phases".into(), phases.collect());
    }
    let bound = if outcome.accepted { bound } else { Vec::new() };
    Ok(Judged { outcome, setup: key.setup, bound })
}
