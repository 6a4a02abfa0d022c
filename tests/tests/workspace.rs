//! Invariants of the workspace: who depends on whom, and what the sources never do.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use zktorch_tests::repository::{read, root, sources, written};

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
    assert_eq!(of("zktorch-verdict"), ["accumulator", "blocks", "verifier"]);
    assert_eq!(of("zktorch-prover"), ["accumulator", "blocks", "verifier"]);
    assert_eq!(of("zktorch-formats"), [""; 0]);
    assert_eq!(of("zktorch-models"), ["formats"]);
    assert_eq!(of("zktorch-compiler"), ["blocks", "formats"]);
    assert_eq!(of("zktorch-engine"), ["accumulator", "blocks", "compiler", "formats", "prover", "verdict", "verifier"]);
    for name in ["zktorch-compiler", "zktorch-models"] {
        let below =
            ["zktorch-prover", "zktorch-verifier", "zktorch-accumulator", "zktorch-verdict", "zktorch-engine", "zktorch"];
        assert!(below.iter().all(|b| !ours[name].contains(*b)), "{name}: {:?}", ours[name]);
    }
    let above: Vec<&String> = ours.iter().filter(|(_, d)| d.contains("zktorch-tests")).map(|(n, _)| n).collect();
    assert!(above.is_empty(), "{above:?}");
}

#[test]
fn the_verifier_stands_alone() {
    for tree in ["zktorch-verifier", "zktorch-verdict"].map(tree) {
        let never = ["rayon", "rayon-core", "ndarray", "tempfile", "petgraph", "getrandom", "clap", "indicatif"];
        for name in never.into_iter().chain([
            "zktorch-prover",
            "zktorch-compiler",
            "zktorch-formats",
            "zktorch-models",
            "ekzg-trusted-setup",
        ]) {
            assert!(!tree.contains(name), "{name}");
        }
        assert!(tree.iter().all(|name| !name.starts_with("tract")), "{tree:?}");
        assert!(tree.contains("zktorch-blocks") && tree.contains("spongefish"), "{tree:?}");
    }
}

/// Whoever calls the engine has a terminal of their own, or none.
#[test]
fn the_engine_has_no_terminal() {
    let tree = tree("zktorch-engine");
    for name in ["clap", "clap_builder", "indicatif", "console", "signal-hook", "zktorch", "zktorch-models"] {
        assert!(!tree.contains(name), "{name}");
    }
    let speaks = ["println!", "eprint", "std::env::args", "std::process::exit", "set_hook"];
    for (name, code) in sources("engine/src") {
        assert!(speaks.iter().all(|word| !code.contains(word)), "{name} has one of {speaks:?}");
    }
}

/// Crates that a verifier is built of.
const OF_A_VERIFIER: [&str; 4] = ["blocks", "accumulator", "verifier", "verdict"];

/// What clippy looks for is held to in `the_lints_are_on`; these are whole modules, of which it can name single functions only.
#[test]
fn the_verifier_cannot_panic_and_touches_nothing() {
    let outside = ["std::fs", "std::env", "std::thread", "std::net", "std::time", "std::io", "std::process", "std::os"];
    for (name, code) in OF_A_VERIFIER.iter().flat_map(|c| sources(&format!("{c}/src"))) {
        assert!(outside.iter().all(|word| !code.contains(word)), "{name} has one of {outside:?}");
        assert!(!name.starts_with("verifier/") || !code.contains("assert!"), "{name} asserts");
    }
}

#[test]
fn the_lints_are_on() {
    let lists = OF_A_VERIFIER.map(|c| read(format!("{c}/clippy.toml")));
    assert!(lists.iter().all(|list| *list == lists[0]), "blocks, accumulator, verifier and verdict have one list");
    for word in ["std::fs::write", "std::env::var", "std::thread::spawn", "std::time::Instant", "std::println", "tossed"] {
        assert!(lists[0].contains(word), "{word}");
    }
    for crate_ in OF_A_VERIFIER {
        let lib = read(format!("{crate_}/src/lib.rs"));
        let denied = lib.split("#![deny(").nth(1).and_then(|s| s.split(")]").next()).expect("denied lints");
        let lints = [
            "unwrap_used",
            "expect_used",
            "panic",
            "unreachable",
            "disallowed_methods",
            "disallowed_types",
            "disallowed_macros",
        ];
        for lint in lints {
            assert!(denied.contains(&format!("clippy::{lint}")), "{crate_}: {lint}");
        }
    }
    let rest = read("clippy.toml");
    assert!(["tossed", "insecure_seed", "seed_from_u64"].iter().all(|word| rest.contains(word)), "{rest}");

    // Nobody steps aside, but for tests and for the one place where a seed is marked.
    let all = [
        "blocks/src",
        "accumulator/src",
        "verifier/src",
        "verdict/src",
        "prover/src",
        "compiler/src",
        "formats/src",
        "models/src",
        "engine/src",
        "cli/src",
    ];
    let (mut aside, mut configured) = (Vec::new(), Vec::new());
    for directory in all {
        aside.extend(sources(directory).into_iter().filter(|(_, code)| code.contains("clippy::disallowed")));
        let own = Path::new(directory).with_file_name("clippy.toml");
        configured.extend(root().join(&own).exists().then_some(own));
    }
    let aside: Vec<&str> =
        aside.iter().map(|(name, _)| name.as_str()).filter(|name| !name.ends_with("src/lib.rs")).collect();
    assert_eq!(aside, ["prover/src/randomness.rs"]);
    assert_eq!(configured.len(), OF_A_VERIFIER.len(), "{configured:?}");
}

#[test]
fn dependencies_have_known_licences_and_come_from_the_registry() {
    for lock in ["Cargo.lock", "fuzz/Cargo.lock", "web/bindgen/Cargo.lock"] {
        let lock = read(lock);
        let sources: BTreeSet<&str> = lock.lines().filter_map(|l| l.strip_prefix("source = ")).collect();
        assert_eq!(sources, BTreeSet::from(["\"registry+https://github.com/rust-lang/crates.io-index\""]));
    }
    let version = Command::new(env!("CARGO")).arg("-vV").output().expect("cargo runs");
    let version = String::from_utf8(version.stdout).expect("text");
    let host = version.lines().find_map(|l| l.strip_prefix("host: ")).expect("a host");
    let metadata = cargo(&["metadata", "--format-version", "1", "--locked", "--filter-platform", host]);
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    let allowed =
        ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-3-Clause", "Zlib", "Unicode-3.0"].map(str::to_owned);
    // Old manifests write a slash for OR.
    let any = |choice: &str| choice.replace('/', " OR ").split(" OR ").any(|l| allowed.contains(&l.trim().to_owned()));
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 200, "{}", packages.len());
    for package in packages {
        let licence = package["license"].as_str().unwrap_or_default();
        let each = licence.split(" AND ").all(|part| any(part.trim_matches(['(', ')'])));
        assert!(each, "{} {}: `{licence}` is not on the list", package["name"], package["version"]);
    }
}

#[test]
fn only_engines_touch_the_transcript() {
    let all = ["blocks/src", "accumulator/src", "verifier/src", "prover/src"];
    let speaks = |code: &str| [".hide(", ".challenge()", ".challenges("].iter().any(|w| code.contains(w));
    let speakers: Vec<String> =
        all.iter().flat_map(|d| sources(d)).filter(|(_, code)| speaks(code)).map(|(name, _)| name).collect();
    let engines = [
        "blocks/src/claim_reduction.rs",
        "blocks/src/lookup/tree.rs",
        "blocks/src/sumcheck/mod.rs",
        "blocks/src/transcript/mod.rs",
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
    for directory in ["blocks/src/claims", "blocks/src/matmul", "blocks/src/permute", "blocks/src/program"] {
        for (name, code) in sources(directory) {
            assert!(!code.contains("Transcript"), "{name}");
        }
    }
}

/// Whether a text has an error that callers could only read, and not tell from others.
fn has_errors_of_text(code: &str) -> bool {
    let is_text = |argument: &str| ["String", "&str", "&'static str"].contains(&argument.trim().trim_end_matches(','));
    let result = |inside: &str| {
        let (mut depth, mut argument) = (0, 0);
        for (i, c) in inside.char_indices() {
            match c {
                '<' | '(' | '[' => depth += 1,
                '>' if inside[..i].ends_with('-') => {}
                '>' | ')' | ']' if depth == 0 => return argument > 0 && is_text(&inside[argument..i]),
                '>' | ')' | ']' => depth -= 1,
                ',' if depth == 0 && argument == 0 => argument = i + 1,
                _ => {}
            }
        }
        false
    };
    let alias = |line: &str| line.split_once("type ").is_some_and(|(_, rest)| rest.ends_with("= String;"));
    code.match_indices("Result<").any(|(i, word)| result(&code[i + word.len()..])) || code.lines().any(alias)
}

#[test]
fn errors_are_types() {
    for (name, code) in ONE_WAY.iter().flat_map(|name| sources(&format!("{name}/src"))) {
        let test = name.contains("/tests/");
        assert!(test || !has_errors_of_text(&code), "{name} has an error that is a text");
    }
    for text in [
        "Result<(), String>",
        "Result<Vec<(u8, [u8; 2])>, String>",
        "Result<\n    T,\n    &'static str,\n>",
        "type Err = String;",
    ] {
        assert!(has_errors_of_text(text), "{text}");
    }
    for typed in
        ["Result<String>", "Result<String, Error>", "Result<Vec<(u8, String)>, Error>", "Result<fn() -> String, Error>"]
    {
        assert!(!has_errors_of_text(typed), "{typed}");
    }
}

/// Crates whose files can be read one after the other. The others follow.
const ONE_WAY: &[&str] =
    &["blocks", "accumulator", "verifier", "verdict", "prover", "formats", "models", "compiler", "engine", "cli"];

/// Words of a path, or of a module's place in its crate.
type Words<'t> = Vec<&'t str>;

/// Every path of `a::{b, c::d}` at the beginning of a text; what follows it.
fn paths<'t>(text: &'t str, prefix: &[&'t str], found: &mut Vec<Words<'t>>) -> &'t str {
    let text = text.trim_start();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = paths(rest, prefix, found).trim_start();
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let (own, rest) = text.split_at(text.find(|c| !word(c)).unwrap_or(text.len()));
    let path = [prefix, &[own]].concat();
    if let Some(rest) = rest.strip_prefix("::") {
        return paths(rest, &path, found);
    }
    found.push(path);
    rest.strip_prefix(" as ").map_or(rest, |rest| rest.trim_start_matches(word))
}

/// The modules of a crate, and what they are made known by: `pub use` of a name in a file that is below.
struct Modules<'t> {
    code: BTreeMap<Words<'t>, &'t str>,
    shown: BTreeMap<Words<'t>, Words<'t>>,
}

impl<'t> Modules<'t> {
    fn new(sources: &'t [(String, String)], directory: &str) -> Self {
        let place = |name: &'t str| -> Words<'t> {
            let words: Words<'t> = name[directory.len() + 1..].trim_end_matches(".rs").split('/').collect();
            let own = usize::from(["mod", "lib", "main"].contains(words.last().expect("a name")));
            words[..words.len() - own].to_vec()
        };
        let code = sources.iter().map(|(name, code)| (place(name), code.as_str())).collect();
        let mut modules = Self { code, shown: BTreeMap::new() };
        let mut shown = BTreeMap::new();
        for (at, code) in &modules.code {
            for (_, rest) in code.match_indices("pub use ").map(|(i, w)| (i, &code[i + w.len()..])) {
                let mut found = Vec::new();
                paths(rest, &[], &mut found);
                // Behind a last comma there is no name.
                for path in found.into_iter().filter(|path| path.last().is_some_and(|name| !name.is_empty())) {
                    let name = path[path.len() - 1];
                    shown.insert([at.as_slice(), &[name]].concat(), modules.file(at, &path));
                }
            }
        }
        modules.shown = shown;
        modules
    }

    /// The file that defines what a path in a module leads to.
    fn file(&self, at: &[&'t str], path: &[&'t str]) -> Words<'t> {
        let mut place = at.to_vec();
        for (i, word) in path.iter().enumerate() {
            match *word {
                "crate" if i == 0 => place.clear(),
                "self" if i == 0 => {}
                "super" => drop(place.pop()),
                word => {
                    place.push(word);
                    if !self.code.contains_key(&place) {
                        let shown = self.shown.get(&place).cloned();
                        place.pop();
                        return shown.unwrap_or(place);
                    }
                }
            }
        }
        place
    }

    /// The files that a file uses. What a folder's own file and the files below share is no circle: it lists them, and holds what they have in
    /// common.
    fn uses(&self, at: &[&'t str]) -> BTreeSet<Words<'t>> {
        let code = self.code[at];
        let mut found = Vec::new();
        for word in ["crate::", "super::"] {
            for (i, _) in code.match_indices(word) {
                let inside = code[..i].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
                if !inside {
                    paths(&code[i..], &[], &mut found);
                }
            }
        }
        let files = found.iter().map(|path| self.file(at, path));
        files.filter(|file| !file.starts_with(at) && !at.starts_with(file)).collect()
    }
}

/// The files of a folder that use each other in a circle, or lie between two circles.
fn circles(directory: &str, sources: &[(String, String)]) -> BTreeMap<String, Vec<String>> {
    let modules = Modules::new(sources, directory);
    let mut left: BTreeMap<Words<'_>, BTreeSet<Words<'_>>> =
        modules.code.keys().map(|at| (at.clone(), modules.uses(at))).collect();
    loop {
        let used: BTreeSet<Words<'_>> = left.values().flatten().cloned().collect();
        let before = left.len();
        left.retain(|at, uses| !uses.is_empty() && used.contains(at));
        let there: BTreeSet<Words<'_>> = left.keys().cloned().collect();
        left.values_mut().for_each(|uses| uses.retain(|file| there.contains(file)));
        if left.len() == before {
            break;
        }
    }
    left.into_iter().map(|(at, uses)| (at.join("::"), uses.iter().map(|file| file.join("::")).collect())).collect()
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    for directory in ONE_WAY.iter().map(|name| format!("{name}/src")) {
        let found = circles(&directory, &sources(&directory));
        assert!(found.is_empty(), "{directory}: {found:#?}");
    }
}

#[test]
fn circles_between_files_are_found() {
    let file = |name: &str, code: &str| (format!("x/{name}.rs"), code.to_owned());
    let one_way = [
        file("lib", "mod a;\nmod b;\npub use b::shown;"),
        file("a/mod", "mod below;\npub use below::Below;\nstruct Shared;"),
        file("a/below", "use super::Shared;\nuse crate::{b::{self, B as Other}, c};"),
        file("b", "pub fn shown() {}\nfn f() { crate::c::g() }"),
        file("c", ""),
    ];
    assert!(circles("x", &one_way).is_empty());
    let names = |sources: &[(String, String)]| circles("x", sources).into_keys().collect::<Vec<_>>();
    for back in ["use crate::a::Below;", "fn f() -> super::a::Below {}", "use crate::{\n    c,\n    a::{Below},\n};"] {
        let circle = [one_way.as_slice(), &[file("b", back)]].concat();
        assert_eq!(names(&circle), ["a::below", "b"], "{back}");
    }
    let shown = [one_way.as_slice(), &[file("c", "use crate::shown;")]].concat();
    assert_eq!(names(&shown), ["b", "c"]);
}

#[test]
fn no_file_is_longer_than_can_be_read() {
    for path in written(&["rs"]) {
        let lines = read(&path).lines().count();
        assert!(lines <= 400, "{path} has {lines} lines: a second idea in it belongs into a file of its own");
    }
}
