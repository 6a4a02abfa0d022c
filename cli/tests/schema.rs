//! What commands print with `--format json` is what `docs/output.schema.json` says.

mod common;

use common::{Ran, Scratch, compile_mlp, done, one_node, shared, zktorch};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Mutex;
use zktorch_models::bundled;

/// Schemas that something was held to.
static USED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/output.schema.json")).expect("JSON")
}

/// What is wrong with a value by a schema.
fn complaints(name: &str, value: &Value) -> Vec<String> {
    let all = schema();
    assert!(all["$defs"].get(name).is_some(), "no schema {name}");
    let mut found = Vec::new();
    check(&all, &all["$defs"][name], value, name, &mut found);
    found
}

/// The words of JSON Schema that ours has; another one is an error. A validator of all of them brings forty crates.
fn check(all: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("type {other}"),
    };
    let words = |v: &Value| v.as_array().map_or_else(|| vec![v.clone()], Clone::clone);
    let inside = |of: &Value, value: &Value, at: &str| {
        let mut found = Vec::new();
        check(all, of, value, at, &mut found);
        found
    };
    for (word, rule) in schema.as_object().expect("a schema is an object") {
        let fits = match word.as_str() {
            "description" | "properties" => true,
            "type" => words(rule).iter().any(|name| is(name.as_str().expect("a type"))),
            "enum" => words(rule).contains(value),
            "const" => rule == value,
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().expect("a number")),
            "minItems" => value.as_array().is_none_or(|all| all.len() as u64 >= rule.as_u64().expect("a number")),
            "maxItems" => value.as_array().is_none_or(|all| all.len() as u64 <= rule.as_u64().expect("a number")),
            "pattern" => {
                assert_eq!(rule, "^[0-9a-f]{64}$");
                let hex = |text: &str| text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                value.as_str().is_none_or(hex)
            }
            "required" => value
                .as_object()
                .is_none_or(|map| words(rule).iter().all(|name| map.contains_key(name.as_str().expect("a name")))),
            "$ref" => {
                let name = rule.as_str().and_then(|path| path.strip_prefix("#/$defs/")).expect("a definition");
                found.extend(inside(&all["$defs"][name], value, at));
                true
            }
            "items" => {
                let each = value.as_array().into_iter().flatten().enumerate();
                found.extend(each.flat_map(|(n, one)| inside(rule, one, &format!("{at}/{n}"))));
                true
            }
            "anyOf" => words(rule).iter().any(|one| inside(one, value, at).is_empty()),
            "oneOf" => words(rule).iter().filter(|one| inside(one, value, at).is_empty()).count() == 1,
            "additionalProperties" => {
                let known = |name: &String| schema["properties"].get(name).is_some();
                let others = value.as_object().into_iter().flatten().filter(|(name, _)| !known(name));
                let others: Vec<(&String, &Value)> = others.collect();
                if rule == &json!(false) {
                    others.is_empty()
                } else {
                    found.extend(others.iter().flat_map(|(name, one)| inside(rule, one, &format!("{at}/{name}"))));
                    true
                }
            }
            other => panic!("{at}: `{other}` is no word that this test knows"),
        };
        if !fits {
            found.push(format!("{at}: {word} {rule}, got {}", value.to_string().chars().take(200).collect::<String>()));
        }
    }
    for (name, rule) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(one) = value.get(name) {
            check(all, rule, one, &format!("{at}/{name}"), found);
        }
    }
}

fn holds(name: &str, value: &Value) {
    let complaints = complaints(name, value);
    assert!(complaints.is_empty(), "{name}: {complaints:#?}");
    USED.lock().unwrap().insert(name.to_owned());
}

fn as_json(args: &[&str]) -> Value {
    done(&[args, &["--format", "json"]].concat()).json()
}

/// An error, on stdout too.
fn fails(args: &[&str]) {
    let ran: Ran = zktorch(&[args, &["--format", "json"]].concat());
    holds("error", &ran.json());
    assert_eq!(ran.json()["error"]["exit_code"], ran.code);
}

#[test]
fn outputs_are_what_the_schema_says() {
    let (scratch, shared) = (Scratch::new(), shared());
    let [private, proof, kept, model] = ["private", "proof", "kept", "mlp.onnx"].map(|name| scratch.text(name));
    let compiled = compile_mlp(&scratch, "private", &["--input", "private", "--output", "private", "--format", "json"]);
    holds("compile", &compiled.json());
    holds("compile", &serde_json::from_slice(&std::fs::read(scratch.path("private/report.json")).unwrap()).unwrap());
    holds("compile", &compile_mlp(&scratch, "private", &["--force", "--input", "private", "--format", "json"]).json());
    let bare = scratch.text("bare");
    holds("compile", &as_json(&["compile", &model, "-o", &bare, "--setup", "insecure:10"]));
    holds("explain", &as_json(&["compile", &model, "--explain"]));
    let strange = scratch.file("strange.onnx", one_node("Det", &[3]));
    fails(&["compile", &strange, "-o", &scratch.text("none")]);
    fails(&["prove", &private]);

    holds("run", &as_json(&["run", &shared.dir(), "--input", &shared.input()]));
    let label = scratch.file("label.txt", "9");
    holds("run", &as_json(&["run", &shared.dir(), "--input", &shared.input(), "--labels", &label]));
    let samples = scratch.file("samples.npy", bundled::DIGITS_CALIBRATION_NPY);
    holds("batch", &as_json(&["run", &shared.dir(), "--input", &samples]));
    holds("commit", &as_json(&["commit", &private, "--input", &shared.input(), "-o", &scratch.text("x")]));
    holds("prove", &as_json(&["prove", &private, "--input", &shared.input(), "-o", &proof, "--keep", &kept]));

    let [public, key] = [shared.proof(), format!("{private}/verifying.key")];
    let accepted = as_json(&["verify", "--key", &shared.key(), &public, "--input", &shared.input()]);
    holds("verify", &accepted);
    holds("accepted", &accepted);
    holds("accepted", &as_json(&["verify", "--key", &key, &proof, "--bind", &kept]));
    let rejected = zktorch(&["verify", "--key", &key, &public, "--format", "json"]).json();
    holds("verify", &rejected);
    holds("rejected", &rejected);
    let both = as_json(&["verify", "--key", &key, "--key", &shared.key(), &proof, &public]);
    holds("verify", &both);
    holds("together", &both);
    fails(&["verify", "--key", &proof, &public]);

    holds("strip", &as_json(&["strip", &model, "-o", &scratch.text("stripped.onnx")]));
    holds("audit", &as_json(&["audit", &scratch.text("stripped.onnx"), &key]));
    for file in ["", "/program.zkc", "/proving.key", "/verifying.key", "/model.proof", "/report.json"] {
        holds("inspect", &as_json(&["inspect", &format!("{private}{file}")]));
    }
    for path in [&proof, &kept, &format!("{kept}.opening")] {
        holds("inspect", &as_json(&["inspect", path]));
    }
    holds("demo", &as_json(&["demo"]));
    holds("completions", &as_json(&["completions", "bash"]));
    holds("man", &as_json(&["man"]));

    // Every schema is of something that is printed, or a part of one.
    let all = schema();
    let whole = |name: &&String| !all.to_string().contains(&format!("\"#/$defs/{name}\""));
    let unused: Vec<&String> = all["$defs"].as_object().unwrap().keys().filter(whole).collect();
    let used = USED.lock().unwrap();
    assert!(unused.iter().all(|name| used.contains(*name)), "{unused:?} without {used:?}");
}

#[test]
fn the_schema_finds_what_is_wrong() {
    let error = json!({ "error": { "what": "no", "hint": null, "exit_code": 1 } });
    assert!(complaints("error", &error).is_empty());
    for wrong in [
        json!({ "error": { "what": "no", "hint": null, "exit_code": 3 } }),
        json!({ "error": { "what": "no", "exit_code": 1 } }),
        json!({ "error": { "what": "no", "hint": null, "exit_code": 1, "more": 1 } }),
        json!({ "error": "no" }),
    ] {
        assert!(!complaints("error", &wrong).is_empty(), "{wrong}");
    }
    let verdict = done(&["verify", "--key", &shared().key(), &shared().proof(), "--format", "json"]).json();
    for field in ["verdict", "key_digest", "outputs", "soundness_bits", "warning", "setup"] {
        let mut without = verdict.clone();
        without.as_object_mut().unwrap().remove(field);
        assert!(!complaints("verify", &without).is_empty(), "{field}");
    }
    let mut more = verdict.clone();
    more["unheard_of"] = json!(1);
    assert!(complaints("verify", &verdict).is_empty() && !complaints("verify", &more).is_empty());
}
