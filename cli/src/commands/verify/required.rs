//! What a verifier asks for beside a valid proof: properties of the key, and an input that it knows.

use crate::args::Requirement;
use crate::failure::Failure;
use crate::model_proof::Model;
use crate::pipeline::{key_ports, quantise, read_sample};
use crate::show;
use std::path::Path;
use zktorch_blocks::program::{Role, TensorId};
use zktorch_compiler::InputError;
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
    /// Integers by input, or why the model does not take it.
    integers: Result<Vec<Vec<i64>>, InputError>,
}

impl<'a> OtherInput<'a> {
    /// Reads a file as the input of a key's model.
    ///
    /// # Errors
    /// If the key hides an input, or the file holds no input of its shapes.
    pub fn read(file: &'a Path, key: &VerifyingKey, path: &Path) -> Result<Self, Failure> {
        let tensors = key.program.inputs.iter().map(|&id| key.program.tensors.get(id));
        let hidden = tensors.zip(&key.inputs).find(|(tensor, _)| tensor.is_none_or(|t| t.role() != Role::Public));
        if let Some((_, port)) = hidden {
            let why = format!("its input `{}` is private: a proof does not show it", port.name);
            return Err(Failure::file("compare --input with proofs for", path, why)
                .hint("--bind COMMITMENT compares it with a commitment to the input"));
        }
        let ports = key_ports(&key.program, &key.program.inputs, &key.inputs);
        let sample = read_sample(file, &ports)?;
        Ok(Self { file, integers: quantise(&ports, &sample) })
    }

    /// How it differs from the public input of a proof, in words: the first entry that does.
    pub fn differs(&self, key: &VerifyingKey, proof: &Proof) -> Option<String> {
        let file = self.file.display();
        let integers = match &self.integers {
            Ok(integers) => integers,
            Err(why) => return Some(format!("the input in {file} is none that the model takes: {why}")),
        };
        let positions = key.program.inputs.iter().map(|&id| key.program.statement().position(|other| other == id));
        let ports = key_ports(&key.program, &key.program.inputs, &key.inputs);
        for (position, (port, own)) in positions.zip(ports.iter().zip(integers)) {
            let Some(proved) = position.and_then(|p| proof.statement.get(p)) else {
                return Some(format!("the proof has no input `{}`", port.name));
            };
            if let Some(at) = (0..own.len().max(proved.len())).find(|&n| own.get(n) != proved.get(n)) {
                let value = port.dequantise(proved).get(at).map_or("missing".into(), |&value| show::number(value));
                let name = &port.name;
                let at = show::place(at, &port.shape);
                return Some(format!(
                    "the proof is about another input than {file}: entry {at} of `{name}` is {value} in it"
                ));
            }
        }
        None
    }
}
