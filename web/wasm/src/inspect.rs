//! What a file is, before anything is verified.

use serde_json::{Map, Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::wasm_bindgen;
use zktorch_blocks::program::{Program, Role, TensorId};
use zktorch_verdict::describe::soundness_bits;
use zktorch_verdict::error_json;
use zktorch_verdict::show::hex;
use zktorch_verifier::codec::{DecodeError, Kind, decode};
use zktorch_verifier::key::{KeyError, KeyPort, VerifyingKey};
use zktorch_verifier::model::{Level, ModelProof};
use zktorch_verifier::proof::Proof;

/// What a file holds, as JSON: `kind` and, of keys and proofs, some of the fields that `zktorch inspect --format json` has.
///
/// # Errors
/// JSON, if it is none of zktorch's files, or damaged; with the `kind` that the header names, if it does.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn inspect(bytes: &[u8]) -> Result<String, String> {
    let kind = kind(bytes).map_err(|e| error_json(&e.to_string(), None, 2).to_string())?;
    let mut found = describe(kind, bytes).map_err(|why| {
        let mut error = error_json(&why.to_string(), None, 2);
        if let Value::Object(map) = &mut error {
            map.insert("kind".into(), json!(kind.name()));
        }
        error.to_string()
    })?;
    found.insert("kind".into(), json!(kind.name()));
    found.insert("file_bytes".into(), json!(bytes.len()));
    Ok(Value::Object(found).to_string())
}

fn describe(kind: Kind, bytes: &[u8]) -> Result<Map<String, Value>, KeyError> {
    Ok(match kind {
        Kind::VerifyingKey => key(&VerifyingKey::from_bytes(bytes)?)?,
        Kind::Proof => proof(&Proof::from_bytes(bytes)?),
        Kind::ModelProof => model_proof(&ModelProof::from_bytes(bytes)?),
        // Others are for whoever proves, and nothing is said of what they hold.
        Kind::Program | Kind::ProvingKey | Kind::Commitment | Kind::Opening => Map::new(),
    })
}

/// What the header says.
fn kind(bytes: &[u8]) -> Result<Kind, DecodeError> {
    match decode::<()>(Kind::Program, bytes) {
        Err(DecodeError::Kind { got, .. }) => Ok(Kind::ALL.into_iter().find(|k| k.name() == got).unwrap_or(Kind::Program)),
        Err(foreign @ DecodeError::Foreign) => Err(foreign),
        _ => Ok(Kind::Program),
    }
}

fn key(key: &VerifyingKey) -> Result<Map<String, Value>, KeyError> {
    // Nothing is said of a key that is not well formed: its sizes need not even fit in a word.
    key.layout()?;
    let ports =
        |ids: &[TensorId], ports: &[KeyPort]| ids.iter().zip(ports).map(|(&id, p)| port(&key.program, id, p)).collect();
    let fields = [
        ("inputs", ports(&key.program.inputs, &key.inputs)),
        ("outputs", ports(&key.program.outputs, &key.outputs)),
        ("setup", json!(key.setup.describe())),
        ("soundness_bits", json!(soundness_bits(key))),
        ("model_digest", json!(hex(&key.model_digest()))),
        ("key_digest", json!(hex(&key.digest()?))),
    ];
    Ok(fields.into_iter().map(|(name, value): (&str, Value)| (name.to_owned(), value)).collect())
}

fn port(program: &Program, id: TensorId, port: &KeyPort) -> Value {
    let public = program.tensors.get(id).is_some_and(|tensor| tensor.role() == Role::Public);
    let visibility = if public { "public" } else { "private" };
    json!({ "name": port.name, "shape": port.shape, "element": port.element.name(), "visibility": visibility })
}

fn proof(proof: &Proof) -> Map<String, Value> {
    let values: Vec<usize> = proof.statement.iter().map(Vec::len).collect();
    let fields = [
        ("key_digest", json!(hex(&proof.key))),
        ("public_values", json!(values)),
        ("proof_bytes", json!(proof.bytes.len())),
        ("seeded", json!(proof.seeded)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn model_proof(proof: &ModelProof) -> Map<String, Value> {
    let level = match proof.level {
        Level::Widths => "widths",
        Level::Padding => "padding",
    };
    let fields = [("model_digest", json!(hex(&proof.model))), ("level", json!(level)), ("parts", json!(proof.parts.len()))];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Value {
        serde_json::from_str(&inspect(bytes).unwrap_or_else(|error| error)).unwrap()
    }

    #[test]
    fn a_damaged_file_is_told_by_its_header() {
        for (tag, kind) in [(b'v', "verifying key"), (b'p', "proof"), (b'm', "model proof")] {
            let found = read(&[b"zktrch", &[tag, 5, 0][..], b"cut off"].concat());
            assert_eq!(found["kind"], kind);
            assert_eq!(found["error"]["exit_code"], 2);
        }
        assert_eq!(read(b"something else").get("kind"), None);
    }

    #[test]
    fn nothing_is_said_of_what_secret_files_hold() {
        let found = read(b"zktrchk\x05\x00weights");
        assert_eq!(found, json!({ "kind": "proving key", "file_bytes": 16 }));
    }
}
