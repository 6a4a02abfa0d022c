//! What a verifier asks for beside a valid proof: properties of the key, and an input that it knows.

use crate::answered;
use crate::args::Requirement;
use crate::failure::Failure;
use crate::model_proof::Model;
use crate::pipeline::{Port, key_ports, quantise, read_sample};
use crate::show;
use crate::text::{filled, read_texts};
use crate::tokens::Tokenizer;
use std::path::Path;
use zktorch_blocks::program::{Role, TensorId};
use zktorch_compiler::{Goal, InputError};
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::proof::Proof;

/// What is required and not so, in words.
pub fn unmet(required: &[Requirement], key: &VerifyingKey, model: &Model) -> Vec<String> {
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

/// An input that a proof is compared with.
pub struct OtherInput<'a> {
    file: &'a Path,
    known: Known,
}

/// What is known of it: integers, or why the model does not take them.
enum Known {
    /// Of every input.
    All(Result<Vec<Vec<i64>>, InputError>),
    /// Of a text that the model goes on with, up to its own tokens.
    Prompt(Result<Vec<i64>, InputError>),
}

impl<'a> OtherInput<'a> {
    /// Reads a file as the input of a key's model.
    ///
    /// # Errors
    /// If the key hides an input, or the file holds no input of its shapes.
    pub fn read(file: &'a Path, key: &VerifyingKey, path: &Path, tokenizer: Option<&Tokenizer>) -> Result<Self, Failure> {
        let tensors = key.program.inputs.iter().map(|&id| key.program.tensors.get(id));
        let hidden = tensors.zip(&key.inputs).find(|(tensor, _)| tensor.is_none_or(|t| t.role() != Role::Public));
        if let Some((_, port)) = hidden {
            let why = format!("its input `{}` is private: a proof does not show it", port.name);
            return Err(Failure::file("compare --input with proofs for", path, why)
                .hint("--bind COMMITMENT compares it with a commitment to the input"));
        }
        let ports = key_ports(&key.program, &key.program.inputs, &key.inputs);
        if let ([text, ..], true) = (ports.as_slice(), Goal::claimed(&key.program).goes_on()) {
            let arrays = read_texts(file, &ports, tokenizer)?;
            if let [prompt] = arrays.as_slice() {
                let room = text.shape.iter().product::<usize>();
                let ids = text.quantise(&filled(prompt, room));
                let known = Known::Prompt(ids.map(|ids| ids.into_iter().take(prompt.len()).collect()));
                return Ok(Self { file, known });
            }
            // A pipe is read once.
            if arrays.len() == ports.len() {
                let all = ports.iter().zip(&arrays).map(|(port, values)| port.quantise(values)).collect();
                return Ok(Self { file, known: Known::All(all) });
            }
        }
        let sample = read_sample(file, &ports)?;
        Ok(Self { file, known: Known::All(quantise(&ports, &sample)) })
    }

    /// How it differs from the public input of a proof, in words: the first entry that does.
    pub fn differs(&self, key: &VerifyingKey, proof: &Proof) -> Option<String> {
        let file = self.file.display();
        let refused = |why: &InputError| Some(format!("the input in {file} is none that the model takes: {why}"));
        let ports = key_ports(&key.program, &key.program.inputs, &key.inputs);
        let shown = |id: &TensorId| {
            let position = key.program.statement().position(|other| other == *id);
            position.and_then(|position| proof.statement.get(position))
        };
        let another = |port: &Port, proved: &[i64], at: usize| {
            let value = port.dequantise(proved).get(at).map_or("missing".into(), |&value| show::number(value));
            let (name, at) = (&port.name, show::place(at, &port.shape));
            Some(format!("the proof is about another input than {file}: entry {at} of `{name}` is {value} in it"))
        };
        let mut inputs = ports.iter().zip(key.program.inputs.iter().map(shown));
        match &self.known {
            Known::All(Err(why)) | Known::Prompt(Err(why)) => refused(why),
            Known::All(Ok(integers)) => inputs.zip(integers).find_map(|((port, proved), own)| {
                let Some(proved) = proved else { return Some(format!("the proof has no input `{}`", port.name)) };
                let at = (0..own.len().max(proved.len())).find(|&n| own.get(n) != proved.get(n))?;
                another(port, proved, at)
            }),
            Known::Prompt(Ok(prompt)) => {
                let Some((port, Some(proved))) = inputs.next() else { return Some("the proof has no text".to_owned()) };
                if let Some(at) = (0..prompt.len()).find(|&n| prompt.get(n) != proved.get(n)) {
                    return another(port, proved, at);
                }
                let own = answered::ranges(&key.program, &proof.statement);
                let goes_on = matches!(own[..], [[first, _]] if usize::try_from(first) == Ok(prompt.len()));
                let which = answered::text(&own).unwrap_or_else(|| "none of its tokens is the model's".to_owned());
                (!goes_on).then(|| format!("the model's tokens do not begin behind {file} and follow one another: {which}"))
            }
        }
    }
}
