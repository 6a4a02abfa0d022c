//! `strip`: an ONNX model without its weights, for auditors.

use crate::blob::Blob;
use crate::failure::Failure;
use crate::refusals::import_failure;
use crate::watch::guarded;
use serde_json::{Value, json};
use std::path::Path;
use zktorch_compiler::import;
use zktorch_verdict::show;

/// Tensors that are named for people.
const NAMED: usize = 8;

/// A model without its weights.
#[derive(Clone, Debug)]
pub struct Stripped(import::Stripped);

/// Takes the weights out of a model. `place` is where the result is to be written.
///
/// # Errors
/// If the model cannot be read, or its weights may lie in that place.
pub fn strip(model: &Blob, place: Option<&Path>) -> Result<Stripped, Failure> {
    guarded(|| {
        let bytes = model.read()?;
        if let Some(place) = place {
            not_its_weights(model, &bytes, place)?;
        }
        let folder = match model {
            Blob::Path(path) => path.parent(),
            Blob::Bytes { .. } => None,
        };
        import::strip(&bytes, folder).map(Stripped).map_err(|e| import_failure(model, &e))
    })
}

/// Refuses to overwrite a file that the model names: its weights may lie there.
fn not_its_weights(model: &Blob, bytes: &[u8], place: &Path) -> Result<(), Failure> {
    let name = place.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
    let named = !name.is_empty() && bytes.windows(name.len()).any(|bytes| bytes == name);
    if named && place.exists() {
        let why = format!("`{}` names this file: its weights may lie there", model.name());
        return Err(Failure::file("write -o", place, why).hint("name another file"));
    }
    Ok(())
}

impl Stripped {
    /// The ONNX file.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// For people, of a file that is called by a name.
    pub fn text(&self, name: &str) -> String {
        let stripped = &self.0;
        let describe = |list: &[(String, Vec<i64>)]| {
            // Shapes are whatever the file says.
            let volume = |dims: &[i64]| dims.iter().fold(1usize, |n, &d| n.saturating_mul(d.try_into().unwrap_or(0)));
            let numbers = list.iter().fold(0usize, |sum, (_, dims)| sum.saturating_add(volume(dims)));
            format!("{} in {}", show::things(numbers, "number"), show::things(list.len(), "tensor"))
        };
        let names: Vec<&str> = stripped.kept.iter().map(|(name, _)| name.as_str()).take(NAMED).collect();
        let more = if stripped.kept.len() > NAMED { ", ..." } else { "" };
        let kept = match names.join(", ") {
            names if names.is_empty() => "no number of a tensor of floats".to_owned(),
            names => format!("{}, single or all equal: {names}{more}", describe(&stripped.kept)),
        };
        let structure = match stripped.structure.len() {
            0 => "no tensor".to_owned(),
            _ => format!("{}: shapes, axes, indices, masks", describe(&stripped.structure)),
        };
        let lines = [
            ("withheld", describe(&stripped.withheld)),
            ("kept", kept),
            ("structure", structure),
            ("written", format!("{} ({})", name, show::bytes(stripped.bytes.len()))),
        ];
        show::lines(&lines)
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let stripped = &self.0;
        let list = |list: &[(String, Vec<i64>)]| -> Vec<Value> {
            list.iter().map(|(name, shape)| json!({ "name": name, "shape": shape })).collect()
        };
        json!({
            "withheld": list(&stripped.withheld),
            "kept": list(&stripped.kept),
            "structure": list(&stripped.structure),
            "bytes": stripped.bytes.len(),
        })
    }
}
