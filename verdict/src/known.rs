//! An input that whoever verifies knows, and compares a proof with.

use crate::answered;
use crate::show;
use crate::tensor::{ports, values};
use crate::undecided::{File, Undecided, Why};
use zktorch_blocks::goal::Goal;
use zktorch_blocks::port::{InputError, Port};
use zktorch_blocks::program::Role;
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::proof::Proof;

/// An input that a proof is compared with.
#[derive(Clone, Debug)]
pub struct Known {
    name: String,
    content: Content,
}

/// What is known of it: integers, or why the model does not take them.
#[derive(Clone, Debug)]
enum Content {
    /// Of every input.
    All(Result<Vec<Vec<i64>>, InputError>),
    /// Of a text that the model goes on with, up to its own tokens.
    Prompt(Result<Vec<i64>, InputError>),
}

/// A text that is filled up by itself, up to so many tokens.
pub fn filled(text: &[f64], room: usize) -> Vec<f64> {
    text.iter().copied().cycle().take(room.max(text.len())).collect()
}

/// What an input that is known must be like: the ports of all inputs, and whether a text alone may be given, which the model goes on with.
///
/// # Errors
/// If the key is not well formed, or hides an input.
pub fn expected(key: &VerifyingKey) -> Result<(Vec<Port>, bool), Undecided> {
    const ACTION: &str = "compare --input with proofs for";
    // The sizes of a key that is not well formed are anything.
    key.layout().map_err(|e| Undecided::new("use", File::Key, e))?;
    let tensors = key.program.inputs.iter().map(|&id| key.program.tensors.get(id));
    let hidden = tensors.zip(&key.inputs).find(|(tensor, _)| tensor.is_none_or(|t| t.role() != Role::Public));
    if let Some((_, port)) = hidden {
        return Err(Undecided::new(ACTION, File::Key, Why::Private(port.name.clone())));
    }
    let ports = ports(&key.program, &key.program.inputs, &key.inputs);
    let texts = !ports.is_empty() && Goal::claimed(&key.program).goes_on();
    Ok((ports, texts))
}

impl Known {
    /// Real numbers of all inputs, row-major, in the key's order. `name` is how the input is called in the verdict.
    ///
    /// # Errors
    /// As [`expected`].
    pub fn inputs(name: String, key: &VerifyingKey, arrays: &[Vec<f64>]) -> Result<Self, Undecided> {
        let (ports, _) = expected(key)?;
        let missing = |port: &Port| port.quantise(&[]);
        let all = ports.iter().enumerate().map(|(n, port)| match arrays.get(n) {
            Some(values) => port.quantise(values),
            None => missing(port),
        });
        Ok(Self { name, content: Content::All(all.collect()) })
    }

    /// The ids of a text that the model goes on with.
    ///
    /// # Errors
    /// As [`expected`].
    pub fn prompt(name: String, key: &VerifyingKey, ids: &[f64]) -> Result<Self, Undecided> {
        let (ports, _) = expected(key)?;
        let Some(text) = ports.first() else { return Self::inputs(name, key, &[]) };
        let room = text.shape.iter().product::<usize>();
        let integers = text.quantise(&filled(ids, room)).map(|all| all.into_iter().take(ids.len()).collect());
        Ok(Self { name, content: Content::Prompt(integers) })
    }

    /// How it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it differs from the public input of a proof, in words: the first entry that does.
    pub fn differs(&self, key: &VerifyingKey, proof: &Proof) -> Option<String> {
        let name = &self.name;
        let refused = |why: &InputError| Some(format!("the input in {name} is none that the model takes: {why}"));
        let ports = ports(&key.program, &key.program.inputs, &key.inputs);
        let another = |port: &Port, proved: &[i64], at: usize| {
            let value = port.dequantise(proved).get(at).map_or("missing".into(), |&value| show::number(value));
            let (input, at) = (&port.name, show::place(at, &port.shape));
            Some(format!("the proof is about another input than {name}: entry {at} of `{input}` is {value} in it"))
        };
        let mut inputs = ports.iter().zip(key.program.inputs.iter().map(|&id| values(&key.program, id, proof)));
        match &self.content {
            Content::All(Err(why)) | Content::Prompt(Err(why)) => refused(why),
            Content::All(Ok(integers)) => inputs.zip(integers).find_map(|((port, proved), own)| {
                let Some(proved) = proved else { return Some(format!("the proof has no input `{}`", port.name)) };
                let at = (0..own.len().max(proved.len())).find(|&n| own.get(n) != proved.get(n))?;
                another(port, proved, at)
            }),
            Content::Prompt(Ok(prompt)) => {
                let Some((port, Some(proved))) = inputs.next() else { return Some("the proof has no text".to_owned()) };
                if let Some(at) = (0..prompt.len()).find(|&n| prompt.get(n) != proved.get(n)) {
                    return another(port, proved, at);
                }
                let own = answered::ranges(&key.program, &proof.statement);
                let goes_on = matches!(own[..], [[first, _]] if usize::try_from(first) == Ok(prompt.len()));
                let which = answered::text(&own).unwrap_or_else(|| "none of its tokens is the model's".to_owned());
                (!goes_on).then(|| format!("the model's tokens do not begin behind {name} and follow one another: {which}"))
            }
        }
    }
}
