//! The pages of `docs/` speak of tests and messages that exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::transcript::Transcript;
use zktorch_tests::fixture::Fixture;
use zktorch_tests::toy::Toy;
use zktorch_verifier::argument::argue;
use zktorch_verifier::key::Relation;
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::{begin, protocol};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(root().join(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()))
}

/// What stands between backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The file of a module: a test's own, or a part of one.
fn in_tests(module: &str) -> String {
    let own = format!("tests/tests/{module}.rs");
    if root().join(&own).is_file() { own } else { format!("tests/tests/advice/{module}.rs") }
}

/// `file::test` for tests in `tests/tests`, `path.rs::test` for others.
fn names_a_test(word: &str) -> Option<(String, &str)> {
    let (file, test) = word.rsplit_once("::")?;
    let snake = |s: &str| s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let path = if file.ends_with(".rs") { file.to_owned() } else { in_tests(file) };
    (snake(test) && (file.ends_with(".rs") || snake(file))).then_some((path, test))
}

#[test]
fn every_test_that_a_page_names_exists() {
    let pages = std::fs::read_dir(root().join("docs")).expect("pages").map(|e| e.expect("an entry").path());
    let mut named = 0;
    for page in pages.filter(|p| p.extension().is_some_and(|e| e == "md")) {
        let text = read(&page);
        for (file, test) in quoted(&text).into_iter().filter_map(names_a_test) {
            let source = read(&file);
            let found = source.split("#[test]").skip(1).any(|s| s.trim_start().starts_with(&format!("fn {test}()")));
            assert!(found, "{} names `{test}`, which {file} does not have", page.display());
            named += 1;
        }
    }
    assert!(named > 60, "{named} tests named");
}

/// The labels of messages in the order of their first appearance, and the labels after which challenges are drawn.
fn spoken(setup: &Setup) -> (Vec<&'static str>, BTreeSet<&'static str>) {
    let toy = Toy { square: true, shifts: [3, 7], ..Toy::default() };
    let (weights, input) = toy.sample(3);
    let fixture = Fixture::new(toy.program(), weights, setup, 7);
    let proof = fixture.honest(&[input]).proof;
    let generators = Some(&fixture.proving.generators);
    let relation = Relation::new(&fixture.verifying).expect("a good key");
    let decider = fixture.verifying.setup.key(generators).expect("a good setup");
    let statement = Statement::new(relation.program, proof.statement.clone()).expect("in range");
    let mut t = Transcript::verifier(protocol(&fixture.verifying), relation.columns(), &proof.bytes);
    begin(&mut t, &relation, &statement);
    argue(&mut t, &relation, &decider, &statement, None).expect("accepted");
    let mut labels = Vec::new();
    for entry in t.log() {
        if !labels.contains(&entry.label) {
            labels.push(entry.label);
        }
    }
    (labels, t.draws().iter().map(|d| t.log()[d.after - 1].label).collect())
}

#[test]
fn the_review_has_every_message_in_order_and_every_challenge() {
    let page = read("docs/review.md");
    let row = |kind: &'static str| {
        let lines = page.lines().map(|l| l.split('|').map(str::trim).collect::<Vec<&str>>());
        lines.filter(move |cells| cells.get(1) == Some(&kind)).map(|cells| cells[2].to_owned())
    };
    let messages: Vec<String> = row("message").map(|cell| cell.trim_matches('`').to_owned()).collect();
    let challenges: BTreeSet<String> = row("challenge")
        .map(|cell| {
            let (_, after) = cell.split_once(" after ").expect("says after what");
            quoted(after)[0].to_owned()
        })
        .collect();
    let mut all = BTreeSet::new();
    let mut draws = BTreeSet::new();
    for setup in [Setup::insecure(7), Setup::transparent(128)] {
        let (labels, after) = spoken(&setup.expect("in range"));
        let known: Vec<&String> = messages.iter().filter(|m| labels.contains(&m.as_str())).collect();
        assert_eq!(known, labels.iter().collect::<Vec<_>>());
        all.extend(labels);
        draws.extend(after);
    }
    assert_eq!(messages.iter().map(String::as_str).collect::<BTreeSet<_>>(), all);
    assert_eq!(challenges.iter().map(String::as_str).collect::<BTreeSet<_>>(), draws);
}

#[test]
fn the_review_has_every_message_of_the_manifest() {
    let sweep = read("tests/tests/sweep.rs");
    let manifest = sweep.split("const MANIFEST").nth(1).and_then(|s| s.split("\n];").next()).expect("the manifest");
    let labels: Vec<&str> = manifest.lines().filter_map(|l| l.trim().strip_prefix("(\"")?.split('"').next()).collect();
    assert!(labels.len() > 20);
    let page = read("docs/review.md");
    for label in labels {
        assert!(page.contains(&format!("| message | `{label}` |")), "`{label}`");
    }
}
