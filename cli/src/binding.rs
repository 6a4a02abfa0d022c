//! Commitments and openings on disk: `NAME` is public, `NAME.opening` stays with its maker.

use crate::failure::Failure;
use crate::files::{Pending, finish, read};
use crate::folder::{ProgramFile, decoded};
use crate::pipeline::Port;
use crate::place::{self, Place};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use zktorch_blocks::program::{Role, TensorId};
use zktorch_prover::binding::{Opened, Opening, commit};
use zktorch_prover::{Blinders, ProvingKey};
use zktorch_verifier::commitment::{Commitment, Committed};
use zktorch_verifier::key::VerifyingKey;

/// The path of the opening of a commitment.
pub fn opening_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".opening");
    name.into()
}

/// The places of a commitment and its opening, known to be writable.
pub struct PendingBinding {
    commitment: Pending,
    opening: Pending,
}

impl PendingBinding {
    /// Both, as files that are written.
    pub fn listed(option: &str, path: &Path, files: place::Files) -> place::Files {
        files.output(option, path).output(&format!("the opening of {option}"), opening_of(path))
    }

    /// Reserves both.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        // An opening beside a device or a pipe would be found by nobody.
        if matches!(Place::of(path), Ok(Place::Through(_))) {
            return Err(Failure::file("write", path, "a commitment needs a file: its opening lies beside it"));
        }
        Ok(Self { commitment: Pending::new(path)?, opening: Pending::secret(&opening_of(path))? })
    }

    /// Writes both, the opening first: a commitment without its opening is of no use to its maker.
    pub fn write(self, commitment: &Commitment, opening: &Opening) -> Result<(), Failure> {
        let failed = |e| Failure::undecided(format!("the commitment does not encode: {e}"));
        let (public, secret) = (commitment.to_bytes().map_err(failed)?, opening.to_bytes().map_err(failed)?);
        finish([self.opening.filled(&secret)?, self.commitment.filled(&public)?])
    }
}

/// Reads a commitment to something.
pub fn read_commitment(path: &Path) -> Result<Commitment, Failure> {
    let commitment = decoded(path, Commitment::from_bytes(&read(path)?))?;
    // A proof would be about all of it, whatever it is about.
    if commitment.tensors.is_empty() { Err(Failure::file("use", path, "it commits to nothing")) } else { Ok(commitment) }
}

/// What `--bind` says of a program's private inputs: their integers, and the blinders of their commitments.
#[derive(Default)]
pub struct Bound {
    /// Integers by the input's number.
    pub values: BTreeMap<usize, Vec<i64>>,
    /// Blinders by tensor.
    pub blinders: Blinders,
}

/// A private input or output: its tensor and port.
pub fn private<'a>(
    file: &'a ProgramFile,
    ids: &'a [TensorId],
    ports: &'a [Port],
) -> impl Iterator<Item = (usize, TensorId, &'a Port)> {
    let all = ids.iter().zip(ports).enumerate().map(|(n, (&id, port))| (n, id, port));
    all.filter(|(_, id, _)| file.program.tensors.get(*id).is_some_and(|t| t.role() == Role::Witness))
}

impl Bound {
    /// Reads commitments with their openings, and finds the private inputs they are about: by name where a name fits, else by shape
    /// and scale. No two inputs are one committed tensor.
    pub fn read(
        paths: &[PathBuf],
        file: &ProgramFile,
        proving: &ProvingKey,
        verifying: &VerifyingKey,
    ) -> Result<Self, Failure> {
        let mut bound = Self::default();
        for path in paths {
            let commitment = read_commitment(path)?;
            let secret = opening_of(path);
            let opening = decoded(&secret, Opening::from_bytes(&read(&secret)?))?;
            if opening.tensors.len() != commitment.tensors.len() {
                return Err(Failure::file("use", &secret, format!("it is not the opening of {}", path.display())));
            }
            if !commitment.setup.shares_generators(&verifying.setup) {
                return Err(Failure::file("use", path, "it was made with the generators of another setup than the key's")
                    .hint("compile both models with the same --setup"));
            }
            let fits =
                |c: &Committed, port: &Port| c.shape == port.shape && c.scale == port.scale && c.columns == port.columns;
            let namesake = |c: &Committed| {
                let mut inputs = private(file, &file.program.inputs, &file.inputs);
                inputs.find(|(_, _, port)| c.name == port.name && fits(c, port)).map(|(n, _, _)| n)
            };
            let (mut used, mut several) = (Vec::new(), None);
            for (n, id, port) in private(file, &file.program.inputs, &file.inputs) {
                if bound.values.contains_key(&n) {
                    continue;
                }
                let free = |at: usize, c: &Committed| !used.contains(&at) && namesake(c).is_none_or(|of| of == n);
                let candidates: Vec<(usize, &Committed)> =
                    commitment.tensors.iter().enumerate().filter(|(at, c)| fits(c, port) && free(*at, c)).collect();
                let named = candidates.iter().find(|(_, c)| c.name == port.name);
                if named.is_none() && candidates.len() > 1 {
                    let names: Vec<String> = candidates.iter().map(|(_, c)| format!("`{}`", c.name)).collect();
                    several = several.or(Some((port.name.clone(), names.join(", "))));
                }
                let Some((at, committed)) = named.or(if candidates.len() == 1 { candidates.first() } else { None }) else {
                    continue;
                };
                let Some(opened) = opening.tensors.get(*at) else { continue };
                check(path, port, opened)?;
                let made = commit(proving, verifying, id, &opened.values, &opened.blinders());
                if made.map_err(|e| Failure::undecided(e.to_string()))? != committed.rows {
                    return Err(Failure::file(
                        "use",
                        &secret,
                        format!("it does not open `{}` of {}", committed.name, path.display()),
                    ));
                }
                bound.values.insert(n, opened.values.clone());
                bound.blinders.insert(id, opened.blinders());
                used.push(*at);
            }
            if let (true, Some((input, names))) = (used.is_empty(), several) {
                let why = format!("several of its tensors fit input `{input}`, and none has that name: {names}");
                return Err(Failure::file("bind", path, why).hint(
                    "name the model's input as the tensor that is meant, or give a commitment to that tensor alone: a model with one private \
                     output keeps one, `commit` makes one of a model's private inputs",
                ));
            }
            if used.is_empty() {
                let inputs: Vec<String> = private(file, &file.program.inputs, &file.inputs)
                    .map(|(_, _, p)| {
                        format!("`{}` of shape {} at scale {}", p.name, zktorch_verdict::show::shape(&p.shape), p.scale)
                    })
                    .collect();
                let inputs = if inputs.is_empty() { "none: compile with --input private".into() } else { inputs.join(", ") };
                return Err(Failure::file("bind", path, format!("no private input fits it; the model has {inputs}"))
                    .hint("compile with --input-like KEY to take shape and scale from another model's output"));
            }
        }
        Ok(bound)
    }
}

fn check(path: &Path, port: &Port, opened: &Opened) -> Result<(), Failure> {
    let expected: usize = port.shape.iter().product();
    if opened.values.len() != expected {
        return Err(Failure::file(
            "use",
            path,
            format!("its opening has {} values, expected {expected}", opened.values.len()),
        ));
    }
    // The place alone: the value is a secret.
    match opened.values.iter().position(|v| !port.interval.contains(*v)) {
        Some(at) => Err(Failure::file(
            "bind",
            path,
            format!(
                "its integer at position {at} is outside [{}, {}] of input `{}`",
                port.interval.lo, port.interval.hi, port.name
            ),
        )),
        None => Ok(()),
    }
}
