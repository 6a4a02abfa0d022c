//! Commitments and openings on disk: `NAME` is public, `NAME.opening` stays with its maker.

use crate::blob::Blob;
use crate::failure::{Failure, Kind};
use crate::files::{Pending, finish, read};
use crate::folder::{ProgramFile, decoded};
use crate::place::{self, Place};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use zktorch_blocks::port::Port;
use zktorch_blocks::program::{Role, TensorId};
use zktorch_prover::binding::{Opened, Opening, commit};
use zktorch_prover::{Blinders, ProvingKey};
use zktorch_verdict::{describe, show};
use zktorch_verifier::commitment::{Commitment, Committed as Tensor};
use zktorch_verifier::key::VerifyingKey;

/// The path of the opening of a commitment.
pub fn opening_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".opening");
    name.into()
}

/// Commitments to private inputs or outputs, with what opens them.
#[derive(Clone)]
pub struct Committed {
    /// May be given to anybody.
    pub commitment: Commitment,
    /// Is secret.
    pub opening: Opening,
}

/// The places of a commitment and its opening, known to be writable.
pub struct Destination {
    commitment: Pending,
    opening: Pending,
}

impl Destination {
    /// Both, as files that are written.
    pub fn listed(option: &str, path: &Path, files: place::Files) -> place::Files {
        files.output(option, path).output(&format!("the opening of {option}"), opening_of(path))
    }

    /// Reserves both.
    ///
    /// # Errors
    /// If one of them cannot be written.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        // An opening beside a device or a pipe would be found by nobody.
        if matches!(Place::of(path), Ok(Place::Through(_))) {
            return Err(Failure::file("write", path, "a commitment needs a file: its opening lies beside it"));
        }
        Ok(Self { commitment: Pending::new(path)?, opening: Pending::secret(&opening_of(path))? })
    }
}

impl Committed {
    /// The bytes of both files: the commitment's and the opening's.
    ///
    /// # Errors
    /// If they cannot be encoded.
    pub fn to_bytes(&self) -> Result<[Vec<u8>; 2], Failure> {
        let failed = |e| Failure::internal(format!("the commitment does not encode: {e}"));
        Ok([self.commitment.to_bytes().map_err(failed)?, self.opening.to_bytes().map_err(failed)?])
    }

    /// Writes both, the opening first: a commitment without its opening is of no use to its maker.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write(&self, place: Destination) -> Result<(), Failure> {
        let [public, secret] = self.to_bytes()?;
        finish([place.opening.filled(&secret)?, place.commitment.filled(&public)?])
    }

    /// In words.
    pub fn text(&self) -> String {
        let line = |c: &Tensor| ("committed", format!("{} [{}]: {}", c.name, show::shape(&c.shape), show::hex(&c.digest())));
        show::lines(&self.commitment.tensors.iter().map(line).collect::<Vec<_>>())
    }

    /// `{"tensors": [{"name", "shape", "scale", "digest"}]}`.
    pub fn json(&self) -> Value {
        let tensors: Vec<Value> = self.commitment.tensors.iter().map(describe::committed).collect();
        json!({ "tensors": tensors })
    }
}

/// A commitment that a proof shall be about, with what opens it.
#[derive(Clone)]
pub struct Binding {
    /// How messages call the commitment.
    name: PathBuf,
    committed: Committed,
}

impl Binding {
    /// Of a commitment in memory.
    ///
    /// # Errors
    /// If it commits to nothing, or the opening is that of another one.
    pub fn new(name: &str, committed: Committed) -> Result<Self, Failure> {
        let name = PathBuf::from(name);
        let (tensors, opened) = (committed.commitment.tensors.len(), committed.opening.tensors.len());
        if tensors == 0 {
            return Err(Failure::file("use", &name, NOTHING));
        }
        if opened != tensors {
            let why = format!("it is not the opening of {}", name.display());
            return Err(Failure::file("use", &opening_of(&name), why).of(Kind::Mismatch));
        }
        Ok(Self { name, committed })
    }

    /// Of the bytes of both files.
    ///
    /// # Errors
    /// If one of them is none, or they do not belong together.
    pub fn from_bytes(name: &str, commitment: &[u8], opening: &[u8]) -> Result<Self, Failure> {
        let path = Path::new(name);
        let commitment = decoded(path, Commitment::from_bytes(commitment))?;
        let opening = decoded(&opening_of(path), Opening::from_bytes(opening))?;
        Self::new(name, Committed { commitment, opening })
    }

    /// Reads a commitment, and the opening beside it.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let commitment = read_commitment(&path.into())?;
        let secret = opening_of(path);
        let opening = decoded(&secret, Opening::from_bytes(&read(&secret)?))?;
        Self::new(&path.display().to_string(), Committed { commitment, opening })
    }
}

/// Why a commitment without tensors is of no use.
const NOTHING: &str = "it commits to nothing";

/// Reads a commitment to something.
pub(crate) fn read_commitment(blob: &Blob) -> Result<Commitment, Failure> {
    let commitment = decoded(blob.path(), Commitment::from_bytes(&blob.read()?))?;
    // A proof would be about all of it, whatever it is about.
    if commitment.tensors.is_empty() { Err(blob.failure("use", NOTHING)) } else { Ok(commitment) }
}

/// What `--bind` says of a program's private inputs: their integers, and the blinders of their commitments.
#[derive(Default)]
pub(crate) struct Bound {
    /// Integers by the input's number.
    pub values: BTreeMap<usize, Vec<i64>>,
    /// Blinders by tensor.
    pub blinders: Blinders,
}

/// A private input or output: its tensor and port.
pub(crate) fn private<'a>(
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
    pub fn of(
        bindings: &[Binding],
        file: &ProgramFile,
        proving: &ProvingKey,
        verifying: &VerifyingKey,
    ) -> Result<Self, Failure> {
        let mut bound = Self::default();
        for Binding { name: path, committed: Committed { commitment, opening } } in bindings {
            let secret = opening_of(path);
            if !commitment.setup.shares_generators(&verifying.setup) {
                return Err(Failure::file("use", path, "it was made with the generators of another setup than the key's")
                    .hint("compile both models with the same --setup")
                    .of(Kind::Mismatch));
            }
            let fits = |c: &Tensor, port: &Port| c.shape == port.shape && c.scale == port.scale && c.columns == port.columns;
            let namesake = |c: &Tensor| {
                let mut inputs = private(file, &file.program.inputs, &file.inputs);
                inputs.find(|(_, _, port)| c.name == port.name && fits(c, port)).map(|(n, _, _)| n)
            };
            let (mut used, mut several) = (Vec::new(), None);
            for (n, id, port) in private(file, &file.program.inputs, &file.inputs) {
                if bound.values.contains_key(&n) {
                    continue;
                }
                let free = |at: usize, c: &Tensor| !used.contains(&at) && namesake(c).is_none_or(|of| of == n);
                let candidates: Vec<(usize, &Tensor)> =
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
                if made.map_err(Failure::internal)? != committed.rows {
                    return Err(Failure::file(
                        "use",
                        &secret,
                        format!("it does not open `{}` of {}", committed.name, path.display()),
                    )
                    .of(Kind::Mismatch));
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
                    .map(|(_, _, p)| format!("`{}` of shape {} at scale {}", p.name, show::shape(&p.shape), p.scale))
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
