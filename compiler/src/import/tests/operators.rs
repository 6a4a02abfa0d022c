//! The page about operators says what is read, and what of that is proved.

use super::super::expand;
use super::super::operators::{self, OWN, Operator};
use super::proto::{Change, floats, model, node};
use crate::{Options, compile};

/// Names between backquotes in a part of the page.
fn named(part: &str) -> Vec<&str> {
    part.split('`').skip(1).step_by(2).collect()
}

/// What the page lists as proved, and as computed of constants.
fn listed(page: &str) -> [Vec<&str>; 2] {
    let part = |from: &str, to: &str| page.split(from).nth(1).and_then(|rest| rest.split(to).next()).expect("a section");
    [named(part("## Proved", "With limits:")), named(part("## Of constants only", "## Ways out"))]
}

fn page() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operators.md");
    std::fs::read_to_string(path).expect("the page")
}

#[test]
fn the_page_lists_every_operator_once() {
    let page = page();
    let mut listed: Vec<&str> = listed(&page).concat();
    listed.retain(|name| *name != "com.microsoft");
    listed.sort_unstable();
    let mut read: Vec<&str> = operators::all().filter(|op| op.domain != OWN).map(|op| op.name).collect();
    read.sort_unstable();
    assert_eq!(listed, read);
}

#[test]
fn the_page_lists_every_operator_that_is_written_in_others() {
    let page = page();
    let part = page.split("## Trees, tables and quantised models").nth(1).and_then(|rest| rest.split("\n\n").nth(1));
    let mut listed = named(part.expect("a section"));
    listed.sort_unstable();
    let mut read: Vec<&str> = expand::known().map(|(_, name, _)| name).collect();
    read.sort_unstable();
    assert_eq!(listed, read);
}

/// Whether one node is proved of an input, with so many operands that are inputs or constants.
fn proved(op: &Operator) -> bool {
    let operands: [&[&str]; 6] = [&["x"], &["x", "c"], &["x", "x"], &["x", "c", "c"], &["x", "x", "c"], &["x", "x", "x"]];
    operands.iter().any(|names| {
        let mut one = node(op.name, names, &["y"], &[]);
        one.domain = op.domain.to_owned();
        let mut model = model(&[4, 4], vec![one], vec![floats("c", &[4], &[2.0; 4])]);
        if !op.domain.is_empty() {
            let domain = op.domain.to_owned();
            model.opset_import.push(tract_onnx::pb::OperatorSetIdProto { domain, version: 1 });
        }
        let Ok(graph) = model.import() else { return false };
        // Some have no value at 0, which samples would tell.
        compile(&graph, &[], &Options::default()).err().is_none_or(|error| !error.to_string().contains("not supported"))
    })
}

#[test]
fn the_page_says_what_is_proved() {
    let page = page();
    let [yes, constants] = listed(&page);
    for op in operators::all().filter(|op| op.domain != OWN && op.attributes.is_empty() && op.structure.is_empty()) {
        if constants.contains(&op.name) {
            assert!(!proved(op), "{} is proved", op.name);
        } else if !op.constant && !["BitwiseNot", "Where"].contains(&op.name) && yes.contains(&op.name) {
            assert!(proved(op), "{} is not proved", op.name);
        }
    }
}
