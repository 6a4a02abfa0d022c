//! Invariants of the workspace: who depends on whom, and what the sources never do.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cargo(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO")).args(arguments).arg("--offline").current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The crates that a crate depends on to be built, with default features.
fn tree(package: &str) -> BTreeSet<String> {
    let text = cargo(&["tree", "-p", package, "-e", "normal", "--prefix", "none", "--no-dedupe"]);
    text.lines().filter_map(|l| l.split_whitespace().next()).map(str::to_owned).filter(|n| n != package).collect()
}

/// Direct dependencies among our crates, without those of tests.
fn ours() -> BTreeMap<String, BTreeSet<String>> {
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version", "1"])).expect("JSON");
    let name = |v: &Value| v["name"].as_str().unwrap_or_default().to_owned();
    let direct = |p: &Value| -> BTreeSet<String> {
        let all = p["dependencies"].as_array().into_iter().flatten();
        all.filter(|d| d["kind"].is_null()).map(name).filter(|n| n.starts_with("zktorch")).collect()
    };
    metadata["packages"].as_array().into_iter().flatten().map(|p| (name(p), direct(p))).collect()
}

#[test]
fn dependencies_point_one_way() {
    let ours = ours();
    let of = |name: &str| ours[name].iter().map(|n| n.trim_start_matches("zktorch-").to_owned()).collect::<Vec<_>>();
    assert_eq!(of("zktorch-blocks"), [""; 0]);
    assert_eq!(of("zktorch-accumulator"), ["blocks"]);
    assert_eq!(of("zktorch-verifier"), ["accumulator", "blocks"]);
    assert_eq!(of("zktorch-prover"), ["accumulator", "blocks", "verifier"]);
    for name in ["zktorch-compiler", "zktorch-models"] {
        let below = ["zktorch-prover", "zktorch-verifier", "zktorch-accumulator", "zktorch"];
        assert!(below.iter().all(|b| !ours[name].contains(*b)), "{name}: {:?}", ours[name]);
    }
    let above: Vec<&String> = ours.iter().filter(|(_, d)| d.contains("zktorch-tests")).map(|(n, _)| n).collect();
    assert!(above.is_empty(), "{above:?}");
}

#[test]
fn the_verifier_stands_alone() {
    let tree = tree("zktorch-verifier");
    let never = ["rayon", "rayon-core", "ndarray", "tempfile", "petgraph", "getrandom", "clap", "indicatif"];
    for name in never.into_iter().chain(["zktorch-prover", "zktorch-compiler", "zktorch-models", "ekzg-trusted-setup"]) {
        assert!(!tree.contains(name), "{name}");
    }
    assert!(tree.iter().all(|name| !name.starts_with("tract")), "{tree:?}");
    assert!(tree.contains("zktorch-blocks") && tree.contains("spongefish"), "{tree:?}");
}

/// Rust sources under a directory, by path relative to the root, without comments and test modules.
fn sources(directory: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut todo = vec![root().join(directory)];
    while let Some(path) = todo.pop() {
        for entry in std::fs::read_dir(&path).expect("a directory").map(|e| e.expect("an entry").path()) {
            if entry.is_dir() {
                todo.push(entry);
            } else if entry.extension().is_some_and(|e| e == "rs") && entry.file_name().is_some_and(|n| n != "tests.rs") {
                let text = std::fs::read_to_string(&entry).expect("text");
                let code = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
                let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
                let name = entry.strip_prefix(root()).expect("below").to_string_lossy().replace('\\', "/");
                found.push((name, code));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{directory}");
    found
}

#[test]
fn the_verifier_cannot_panic_and_touches_nothing() {
    let panics = [".unwrap()", ".expect(", "panic!", "unreachable!", "todo!", "unimplemented!", "assert!", "unsafe"];
    let outside = ["std::fs", "std::env", "std::thread", "std::net", "std::time", "std::io", "std::process", "println!"];
    for (name, code) in sources("verifier/src") {
        for word in panics.into_iter().chain(outside) {
            assert!(!code.contains(word), "{name} has {word}");
        }
    }
}

#[test]
fn only_engines_touch_the_transcript() {
    let all = ["blocks/src", "accumulator/src", "verifier/src", "prover/src"];
    let speaks = |code: &str| [".hide(", ".challenge()", ".challenges("].iter().any(|w| code.contains(w));
    let speakers: Vec<String> =
        all.iter().flat_map(|d| sources(d)).filter(|(_, code)| speaks(code)).map(|(name, _)| name).collect();
    let engines = [
        "blocks/src/lookup/tree.rs",
        "blocks/src/sumcheck/mod.rs",
        "blocks/src/transcript/mod.rs",
        "blocks/src/waves.rs",
        "accumulator/src/clear.rs",
        "accumulator/src/close.rs",
        "accumulator/src/decider/ipa.rs",
        "accumulator/src/decider/kzg.rs",
        "accumulator/src/fold.rs",
        "accumulator/src/mask.rs",
        "accumulator/src/product/mod.rs",
        "verifier/src/argument.rs",
    ];
    assert_eq!(speakers, engines);
    // Blocks are data and field arithmetic.
    for directory in ["blocks/src/add", "blocks/src/matmul", "blocks/src/permute", "blocks/src/program"] {
        for (name, code) in sources(directory) {
            assert!(!code.contains("Transcript"), "{name}");
        }
    }
}

#[test]
fn challenges_are_hashed_wherever_proofs_are_made_or_judged() {
    let all = ["accumulator/src", "verifier/src", "prover/src", "compiler/src", "cli/src", "benches/src"];
    for (name, code) in all.iter().flat_map(|d| sources(d)) {
        assert!(!code.contains(".tossed("), "{name}");
    }
}

#[test]
fn seeded_randomness_is_for_tests() {
    let all = ["blocks/src", "accumulator/src", "verifier/src", "prover/src", "compiler/src", "models/src", "cli/src"];
    let seeded = all
        .iter()
        .flat_map(|d| sources(d))
        .filter(|(_, code)| code.contains("insecure_seed") || code.contains("seed_from_u64"));
    assert_eq!(seeded.map(|(name, _)| name).collect::<Vec<_>>(), ["prover/src/randomness.rs"]);
}
