//! The pages speak of tests, messages, functions, sections and files that exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use zktorch_accumulator::decider::DeciderKey;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::transcript::{Check, Message, Transcript};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::repository::{read, root, written};
use zktorch_tests::toy::Toy;
use zktorch_tests::worked;
use zktorch_verifier::argument::argue;
use zktorch_verifier::key::Relation;
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::{bind_statement, protocol};

/// What stands between backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The file of a module: names of files below `tests/tests` differ.
fn in_tests(module: &str) -> String {
    let name = format!("/{module}.rs");
    let mut files = written(&["rs"]).into_iter().filter(|p| p.starts_with("tests/tests/") && p.ends_with(&name));
    let found = files.next().unwrap_or_else(|| panic!("no file{name} below tests/tests"));
    assert_eq!(files.next(), None, "two files of one name");
    found
}

/// `file::test` for tests in `tests/tests`, `path.rs::test` for others.
fn names_a_test(word: &str) -> Option<(String, &str)> {
    let (file, test) = word.rsplit_once("::")?;
    let snake = |s: &str| s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !snake(test) {
        return None;
    }
    let path = if file.ends_with(".rs") { file.to_owned() } else { snake(file).then(|| in_tests(file))? };
    Some((path, test))
}

/// The tests of a source.
fn tests(source: &str) -> impl Iterator<Item = &str> {
    // Other attributes may stand between.
    let parts = source.split("#[test]").skip(1);
    parts.filter_map(|part| part.lines().find_map(|l| l.trim_start().strip_prefix("fn "))?.split('(').next())
}

/// Whether a source defines something of this name.
fn defines(source: &str, name: &str) -> bool {
    ["fn", "struct", "enum", "trait", "const"].iter().any(|keyword| {
        let definition = format!("{keyword} {name}");
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        source.match_indices(&definition).any(|(at, _)| ends(&source[at + definition.len()..]))
    })
}

/// What each path of a line is said to define: names between backquotes stand in front of their path, which has a slash.
fn located(line: &str) -> Vec<(Vec<&str>, &str)> {
    let (mut all, mut names) = (Vec::new(), Vec::new());
    for word in quoted(line) {
        if word.contains('/') {
            all.push((std::mem::take(&mut names), word));
        } else {
            names.push(word);
        }
    }
    assert!(names.is_empty(), "no file for {names:?}");
    all
}

/// The headings of a page, without their marks.
fn headings(text: &str) -> Vec<String> {
    let mut fenced = false;
    let outside = text.lines().filter(|line| {
        fenced ^= line.starts_with("```");
        !fenced
    });
    outside.filter(|l| l.starts_with('#')).map(|l| l.trim_start_matches('#').trim().to_owned()).collect()
}

/// A heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[test]
fn every_section_that_is_cited_exists() {
    // Sources that are not in this repository.
    let elsewhere = ["PROTOCOL section", " (PROTOCOL", "LOWERINGS", "DESIGN section", "DESIGN.md", "PROTOCOL.md"];
    let mut cited = 0;
    for path in written(&["rs", "md", "toml"]).iter().filter(|p| *p != "tests/tests/docs.rs") {
        let text = read(path);
        if let Some(word) = elsewhere.iter().find(|w| text.contains(*w)) {
            panic!("{path} cites a source that is not here: {word}");
        }
        for (at, _) in text.match_indices(".md, section ") {
            let page = text[..at].rsplit(|c: char| c.is_whitespace() || "([`".contains(c)).next().expect("a word");
            let rest = &text[at + ".md, section ".len()..];
            let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            let number = number.trim_end_matches('.');
            let page = read(format!("{page}.md"));
            let found = headings(&page)
                .iter()
                .any(|h| h.starts_with(&format!("{number}. ")) || h.starts_with(&format!("{number} ")));
            assert!(found, "{path}: no section {number}");
            cited += 1;
        }
    }
    assert!(cited > 35, "{cited} citations");
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    for path in written(&["md"]) {
        let text = read(&path);
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().expect("an end");
            if target.contains("://") {
                continue;
            }
            let (file, section) = target.split_once('#').unwrap_or((target, ""));
            let folder = Path::new(&path).parent().expect("a folder");
            let file = if file.is_empty() { PathBuf::from(&path) } else { folder.join(file) };
            assert!(root().join(&file).exists(), "{path}: no file {target}");
            if !section.is_empty() {
                let found = headings(&read(&file)).iter().any(|h| anchor(h) == section);
                assert!(found, "{path}: no section {target}");
            }
            links += 1;
        }
    }
    assert!(links > 20, "{links} links");
}

#[test]
fn every_function_that_a_page_names_exists() {
    let sources: Vec<(String, String)> = written(&["rs"]).into_iter().map(|p| (p.clone(), read(&p))).collect();
    let mut named = 0;
    let mut check = |page: &str, line: &str| {
        for (names, path) in located(line) {
            let below: Vec<&str> = sources.iter().filter(|(p, _)| p.starts_with(path)).map(|(_, s)| s.as_str()).collect();
            assert!(!below.is_empty(), "{page}: no file {path}");
            for name in names {
                assert!(below.iter().any(|s| defines(s, name)), "{page}: {path} has no `{name}`");
                named += 1;
            }
        }
    };
    for page in written(&["md"]) {
        let text = read(&page);
        text.lines().filter(|l| l.starts_with("Code: ")).for_each(|line| check(&page, line));
        let table = text.split("## Where to look").nth(1).map_or("", |t| t.split("\n## ").next().unwrap_or_default());
        // The first column is for people.
        let rows = table.lines().filter_map(|l| l.strip_prefix('|')?.split_once('|')).map(|(_, cells)| cells);
        rows.for_each(|cells| check(&page, cells));
    }
    assert!(named > 150, "{named} functions");
}

#[test]
fn the_front_page_shows_what_demo_prints() {
    let page = read("README.md");
    let shown = page.split("-- demo\n").nth(1).and_then(|s| s.split("```").next()).expect("what demo prints");
    let source = read("cli/src/commands/demo.rs");
    let lines: Vec<&str> = shown.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    assert!(lines.len() >= 10);
    for line in lines {
        let label = line.split(|c: char| c.is_ascii_digit() || c == ':').next().unwrap_or_default();
        let label = label.split("  ").next().unwrap_or_default().trim();
        assert!(source.contains(label), "`{label}`");
    }
}

/// The messages that a table of a page has, in its order.
fn messages(page: &str, column: usize) -> Vec<String> {
    let cells = page.lines().filter(|l| l.starts_with('|')).filter_map(|l| l.split('|').nth(column).map(str::trim));
    cells.filter_map(|cell| Some(cell.strip_prefix('`')?.strip_suffix('`')?.to_owned())).collect()
}

#[test]
fn the_protocol_has_the_messages_of_the_review_in_order() {
    let review: Vec<String> = {
        let page = read("docs/review.md");
        messages(&page.lines().filter(|l| l.starts_with("| message |")).collect::<Vec<_>>().join("\n"), 2)
    };
    let page = read("docs/protocol.md");
    let section = page.split("\n## 6. ").nth(1).and_then(|s| s.split("\n## ").next()).expect("section 6");
    assert_eq!(messages(section, 2), review);
}

#[test]
fn every_test_that_a_page_names_exists() {
    let pages = std::fs::read_dir(root().join("docs")).expect("pages").map(|e| e.expect("an entry").path());
    let mut named = 0;
    for page in pages.filter(|p| p.extension().is_some_and(|e| e == "md")) {
        let text = read(&page);
        for (file, test) in quoted(&text).into_iter().filter_map(names_a_test) {
            let source = read(&file);
            assert!(tests(&source).any(|own| own == test), "{} names `{test}`, which {file} does not have", page.display());
            named += 1;
        }
    }
    assert!(named > 60, "{named} tests named");
}

#[test]
fn every_lie_about_a_lowering_is_on_its_page() {
    let page = read("docs/advice.md");
    for path in written(&["rs"]).into_iter().filter(|p| p.starts_with("tests/tests/advice/") && !p.ends_with("bounds.rs")) {
        let module = Path::new(&path).file_stem().expect("a name").to_string_lossy();
        for test in tests(&read(&path)) {
            let name = format!("`{module}::{test}`");
            assert!(page.contains(&name), "docs/advice.md says nothing of {name}");
        }
    }
}

/// The messages in the order of their first appearance, and those after which challenges are drawn.
fn spoken(setup: &Setup) -> (Vec<Message>, BTreeSet<Message>) {
    let toy = Toy { square: true, shifts: [3, 7], ..Toy::default() };
    let (weights, input) = toy.sample(3);
    let fixture = Fixture::new(toy.program(), weights, setup, 7);
    let proof = fixture.honest(&[input]).proof;
    let generators = Some(&fixture.proving.generators);
    let relation = Relation::new(&fixture.verifying).expect("a good key");
    let decider = DeciderKey::resolve(&fixture.verifying.setup, generators).expect("a good setup");
    let statement = Statement::new(relation.program, proof.statement.clone()).expect("in range");
    let mut t = Transcript::verifier(protocol(&fixture.verifying), relation.columns(), &proof.bytes);
    bind_statement(&mut t, &relation, &statement);
    argue(&mut t, &relation, &decider, &statement, None).expect("accepted");
    let mut sent = Vec::new();
    for entry in t.log() {
        if !sent.contains(&entry.label) {
            sent.push(entry.label);
        }
    }
    (sent, t.draws().iter().map(|d| t.log()[d.after - 1].label).collect())
}

/// What a page's tables say in their second column, where the first says what it is.
fn rows<'p>(page: &'p str, kind: &'static str) -> impl Iterator<Item = &'p str> {
    let lines = page.lines().map(|l| l.split('|').map(str::trim).collect::<Vec<&str>>());
    lines.filter(move |cells| cells.get(1) == Some(&kind)).map(|cells| cells[2])
}

#[test]
fn the_review_has_every_message_in_order_and_every_challenge() {
    let page = read("docs/review.md");
    let message = |label: &str| Message::ALL.iter().copied().find(|m| m.label() == label).expect("a message");
    let messages: Vec<Message> = rows(&page, "message").map(|cell| message(cell.trim_matches('`'))).collect();
    assert_eq!(messages, Message::ALL);
    let challenges: BTreeSet<Message> = rows(&page, "challenge")
        .map(|cell| message(quoted(cell.split_once(" after ").expect("says after what").1)[0]))
        .collect();
    let mut all = BTreeSet::new();
    let mut draws = BTreeSet::new();
    for setup in [Setup::insecure(7), Setup::transparent(128)] {
        let (sent, after) = spoken(&setup.expect("in range"));
        assert!(sent.is_sorted(), "{sent:?}");
        all.extend(sent);
        draws.extend(after);
    }
    assert_eq!(all.into_iter().collect::<Vec<_>>(), Message::ALL);
    assert_eq!(challenges, draws);
}

#[test]
fn the_review_has_every_check() {
    let page = read("docs/review.md");
    let checks: Vec<&str> = rows(&page, "check").map(|cell| cell.trim_matches('`')).collect();
    assert_eq!(checks, Check::ALL.iter().map(|check| check.label()).collect::<Vec<_>>());
}

#[test]
fn the_worked_proof_is_what_its_example_prints() {
    let (page, printed) = (read("docs/worked-proof.md"), worked::page());
    let again = "print it again: its third paragraph says how";
    for (i, (shown, line)) in page.lines().zip(printed.lines()).enumerate() {
        assert_eq!(shown, line, "docs/worked-proof.md, line {}: {again}", i + 1);
    }
    assert_eq!(page, printed, "{again}");
}

/// The rows of the tables of the page of claims: claim, pages, tests, code.
fn claims(page: &str) -> Vec<[String; 4]> {
    let rows = page.lines().filter_map(|l| l.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = rows.map(|l| l.split(" | ").map(str::to_owned).collect::<Vec<_>>());
    let rows = rows.filter(|cells| cells[0] != "claim").map(|cells| cells.try_into().expect("four cells"));
    rows.collect()
}

#[test]
fn every_claim_has_a_page_a_test_and_code() {
    let page = read("docs/claims.md");
    let sources: Vec<(String, String)> = written(&["rs"]).into_iter().map(|p| (p.clone(), read(&p))).collect();
    let claims = claims(&page);
    assert!(claims.len() > 80, "{} claims", claims.len());
    for [claim, pages, tests, code] in &claims {
        // Another test follows the links.
        assert!(pages.contains("]("), "no page for: {claim}");
        let named: Vec<_> = quoted(tests).into_iter().map(names_a_test).collect();
        assert!(!named.is_empty() && named.iter().all(Option::is_some), "no test for: {claim}");
        let located = located(code);
        assert!(located.iter().any(|(names, _)| !names.is_empty()), "no code for: {claim}");
        for (names, path) in located {
            let mut below = sources.iter().filter(|(p, _)| p.starts_with(path)).map(|(_, source)| source).peekable();
            assert!(below.peek().is_some(), "no file {path} for: {claim}");
            let below: Vec<&String> = below.collect();
            for name in names {
                assert!(below.iter().any(|source| defines(source, name)), "{path} has no `{name}` for: {claim}");
            }
        }
    }
}

#[test]
fn the_claims_are_all_invariants_all_sections_that_argue_and_all_files_of_tests() {
    let page = read("docs/claims.md");
    let claims = claims(&page);
    let numbers: Vec<usize> = claims.iter().filter_map(|[claim, ..]| claim.split_once(": ")?.0.parse().ok()).collect();
    let architecture = read("ARCHITECTURE.md");
    let invariants =
        architecture.split("\n## Invariants\n").nth(1).and_then(|s| s.split("\n## ").next()).expect("a section");
    let last = invariants.lines().filter_map(|l| l.split_once(". ")?.0.parse::<usize>().ok()).max().expect("a number");
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "one claim an invariant");

    let argue =
        ["accuracy", "advice", "audit", "choices", "hostile-input", "lowerings", "protocol", "review", "zero-knowledge"];
    for name in argue {
        for line in read(format!("docs/{name}.md")).lines().filter_map(|l| l.strip_prefix("## ")) {
            let link = format!("]({name}.md#{})", anchor(line));
            assert!(page.contains(&link), "docs/claims.md says nothing of {name}.md, {line}: {link}");
        }
    }
    let named: BTreeSet<String> =
        claims.iter().flat_map(|[_, _, tests, _]| quoted(tests)).filter_map(|word| Some(names_a_test(word)?.0)).collect();
    let files = written(&["rs"]).into_iter().filter(|p| p.starts_with("tests/tests/") || p.starts_with("cli/tests/"));
    for file in files.filter(|p| read(p).contains("#[test]")) {
        assert!(named.contains(&file), "docs/claims.md names no test of {file}");
    }
}
