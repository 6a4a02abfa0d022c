//! The folder that `compile` makes.

use crate::blob::Blob;
use crate::failure::{Failure, Kind as FailureKind};
use crate::files::{Entry, PendingFolder, read, read_to_store};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use zktorch_blocks::digest::{FileDigest, KeyDigest, ModelDigest};
use zktorch_blocks::execute::Weights;
use zktorch_blocks::port::Port;
use zktorch_blocks::program::Program;
use zktorch_prover::ProvingKey;
use zktorch_verifier::codec::{DecodeError, Kind, decode, encode, open};
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::model::ModelProof;

/// The compiled program.
pub const PROGRAM: &str = "program.zkc";
/// The proving key.
pub const PROVING: &str = "proving.key";
/// The verifying key.
pub const VERIFYING: &str = "verifying.key";
/// The proof about the weights.
pub const MODEL: &str = "model.proof";
/// The report.
pub const REPORT: &str = "report.json";

/// What `program.zkc` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProgramFile {
    /// The program.
    pub program: Program,
    /// The model's inputs.
    pub inputs: Vec<Port>,
    /// The model's outputs.
    pub outputs: Vec<Port>,
    /// The files of both keys, so that files of different compilations are not mixed.
    pub keys: KeyFiles,
}

/// Digests that end the files of both keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KeyFiles {
    /// Of the proving key.
    pub proving: FileDigest,
    /// Of the verifying key.
    pub verifying: FileDigest,
}

impl ProgramFile {
    /// Reads the program of a folder.
    ///
    /// # Errors
    /// If there is none.
    pub fn read(dir: &Path) -> Result<Self, Failure> {
        let path = inside(dir, PROGRAM)?;
        decoded(&path, decode(Kind::Program, &read(&path)?))
    }

    /// Reads the proving key beside the program.
    ///
    /// # Errors
    /// If there is none, or it belongs to another program.
    pub fn proving_key(&self, dir: &Path) -> Result<ProvingKey, Failure> {
        let path = inside(dir, PROVING)?;
        let (store, len) = read_to_store(&path)?;
        let key = decoded(&path, ProvingKey::from_store(&store, len))?;
        self.belongs(&path, &store.bytes()[..len], self.keys.proving)?;
        Ok(key)
    }

    /// Reads the weights alone out of the proving key beside the program.
    ///
    /// # Errors
    /// As [`proving_key`](Self::proving_key).
    pub fn weights(&self, dir: &Path) -> Result<Weights, Failure> {
        let path = inside(dir, PROVING)?;
        let (store, len) = read_to_store(&path)?;
        let weights = decoded(&path, ProvingKey::weights_from_store(&store, len))?;
        self.belongs(&path, &store.bytes()[..len], self.keys.proving)?;
        Ok(weights)
    }

    /// Reads the verifying key beside the program.
    ///
    /// # Errors
    /// If there is none, or it belongs to another program.
    pub fn verifying_key(&self, dir: &Path) -> Result<VerifyingKey, Failure> {
        let path = inside(dir, VERIFYING)?;
        let bytes = read(&path)?;
        let key = decoded(&path, VerifyingKey::from_bytes(&bytes))?;
        self.belongs(&path, &bytes, self.keys.verifying)?;
        Ok(key)
    }

    /// Refuses a proving key or a model proof in the folder that is damaged or belongs to another model; either may be absent.
    ///
    /// # Errors
    /// With the file.
    pub fn check_others(&self, dir: &Path, model: &ModelDigest) -> Result<(), Failure> {
        let path = dir.join(PROVING);
        if path.exists() {
            let bytes = read(&path)?;
            decoded(&path, open(Kind::ProvingKey, &bytes))?;
            self.belongs(&path, &bytes, self.keys.proving)?;
        }
        let path = dir.join(MODEL);
        if path.exists() {
            let proof = decoded(&path, ModelProof::from_bytes(&read(&path)?))?;
            if proof.model != *model {
                let why = format!("it is the proof of another model than that of the {VERIFYING} beside it");
                return Err(Failure::file("use", &path, why)
                    .hint("copy all files of the folder together")
                    .of(FailureKind::Mismatch));
            }
        }
        Ok(())
    }

    fn belongs(&self, path: &Path, bytes: &[u8], key: FileDigest) -> Result<(), Failure> {
        if key == trailing_digest(bytes) {
            return Ok(());
        }
        Err(Failure::file(
            "use",
            path,
            format!("it is a key of another model, or of another compilation, than the {PROGRAM} beside it"),
        )
        .hint("compile again, or copy all files of the folder together")
        .of(FailureKind::Mismatch))
    }
}

/// The digest that ends each of our files.
fn trailing_digest(bytes: &[u8]) -> FileDigest {
    FileDigest::new(bytes.last_chunk::<32>().copied().unwrap_or_default())
}

/// The path of a file of the folder.
fn inside(dir: &Path, name: &str) -> Result<PathBuf, Failure> {
    let path = dir.join(name);
    if path.is_file() {
        return Ok(path);
    }
    let why = if dir.is_dir() { format!("it has no {name}") } else { "it is not a folder".into() };
    Err(Failure::file("use", dir, why).hint("a folder made by `zktorch compile` is needed"))
}

/// Adds a file's name to a decoder's complaint.
pub(crate) fn decoded<T>(path: &Path, result: Result<T, DecodeError>) -> Result<T, Failure> {
    result.map_err(|e| Failure::file("read", path, e))
}

/// Reads a verifying key.
pub(crate) fn read_verifying_key(blob: &Blob) -> Result<VerifyingKey, Failure> {
    decoded(blob.path(), VerifyingKey::from_bytes(&blob.read()?))
}

/// The digest of a verifying key.
pub(crate) fn digest_of(key: &VerifyingKey) -> Result<KeyDigest, Failure> {
    key.digest().map_err(|e| Failure::internal(format!("{VERIFYING}: {e}")))
}

/// The files that `compile` writes.
pub const ALL: [&str; 5] = [PROGRAM, PROVING, MODEL, REPORT, VERIFYING];

/// What happened to keys that others have taken the place of.
#[derive(Clone, Debug)]
pub struct Replaced {
    /// In words.
    pub what: String,
    /// Whether their program is the same, where that can be told.
    pub same_program: Option<bool>,
}

/// The keys that a compilation takes the place of.
struct Old {
    key: Option<VerifyingKey>,
}

/// Where a compiled model goes: reserved before the work begins, so that it does not end in an unwritable folder.
pub struct Destination {
    folder: PendingFolder,
    old: Option<Old>,
}

impl Destination {
    /// Reserves a folder. Unless `force` is set, it must be new or empty: keys cannot be made again, and proofs made with them are worth
    /// nothing without them.
    ///
    /// # Errors
    /// If it cannot be written, or holds something.
    pub fn new(dir: &Path, force: bool) -> Result<Self, Failure> {
        let folder = PendingFolder::new(dir)?;
        Ok(Self { folder, old: vacant(dir, force)? })
    }

    /// What happens to whoever has the keys that are there, and whether their program is the same.
    pub(crate) fn replaced(&self, new: &VerifyingKey) -> Option<Replaced> {
        self.old.as_ref().map(|old| old.describe(new))
    }
}

/// What is in the folder that is compiled into.
fn vacant(dir: &Path, force: bool) -> Result<Option<Old>, Failure> {
    let entries = std::fs::read_dir(dir).map(|all| all.flatten().map(|e| e.file_name()).collect::<Vec<_>>());
    let names: Vec<String> = entries.unwrap_or_default().iter().map(|n| n.to_string_lossy().into_owned()).collect();
    let others: Vec<&String> = names.iter().filter(|n| !n.starts_with('.') && !ALL.contains(&n.as_str())).collect();
    if names.iter().any(|name| ALL.contains(&name.as_str())) {
        let key = read_verifying_key(&dir.join(VERIFYING).into()).ok();
        if force {
            return Ok(Some(Old { key }));
        }
        return Err(Failure::file("write", dir, "it holds the keys of a compiled model")
            .hint("choose another folder; --force replaces the keys: proofs made with them are not accepted by new ones"));
    }
    match others.first() {
        Some(one) if !force => Err(Failure::file("write", dir, format!("it holds other files, such as `{one}`"))
            .hint("choose a folder that does not exist yet; --force writes beside what is there")),
        _ => Ok(None),
    }
}

impl Old {
    fn describe(&self, new: &VerifyingKey) -> Replaced {
        let same = self.key.as_ref().and_then(|old| Some(old.program_digest().ok()? == new.program_digest().ok()?));
        let what = match same {
            Some(true) => "the keys of the same program: its weights are committed anew, under fresh randomness",
            Some(false) => "the keys of another program",
            None => "files of an earlier compilation",
        };
        Replaced { what: format!("{what}; proofs made with them are not accepted by these"), same_program: same }
    }
}

impl Replaced {
    /// For programs.
    pub fn json(&self) -> Value {
        json!({ "what": self.what, "same_program": self.same_program })
    }
}

/// The folder's files as bytes, ready to be written.
#[derive(Clone)]
pub(crate) struct Files {
    /// Names and contents, the verifying key last.
    files: Vec<Entry>,
}

impl Files {
    /// Encodes everything but the report.
    pub fn new(
        inputs: Vec<Port>,
        outputs: Vec<Port>,
        proving: &ProvingKey,
        verifying: &VerifyingKey,
        model: Option<Vec<u8>>,
    ) -> Result<(ProgramFile, Self), Failure> {
        let failed = |e: DecodeError| Failure::internal(format!("cannot encode the keys: {e}"));
        let (pk, vk) = (proving.to_bytes().map_err(failed)?, verifying.to_bytes().map_err(failed)?);
        let keys = KeyFiles { proving: trailing_digest(&pk), verifying: trailing_digest(&vk) };
        let file = ProgramFile { program: verifying.program.clone(), inputs, outputs, keys };
        let program = encode(Kind::Program, &file).map_err(failed)?;
        let entry = |name, bytes| Entry { name, bytes, secret: name == PROVING };
        let model = model.map(|model| entry(MODEL, model));
        let files = [entry(PROGRAM, program), entry(PROVING, pk)].into_iter().chain(model).chain([entry(VERIFYING, vk)]);
        Ok((file, Self { files: files.collect() }))
    }

    /// Names and sizes.
    pub fn sizes(&self) -> Vec<(&'static str, usize)> {
        self.files.iter().map(|f| (f.name, f.bytes.len())).collect()
    }

    /// The contents of a file.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.files.iter().find(|entry| entry.name == name).map(|entry| entry.bytes.as_slice())
    }

    /// Writes all, with the report if there is one.
    pub fn write(&self, place: Destination, report: Option<&[u8]>) -> Result<(), Failure> {
        let [first @ .., last] = self.files.as_slice() else { return Ok(()) };
        let report = report.map(|bytes| Entry { name: REPORT, bytes: bytes.to_vec(), secret: false });
        place.folder.write(first.iter().chain(&report).chain([last]))
    }
}
