//! `docs/operators.md` lists every operator that is read with what its attributes may be and what it costs: the table is made here.
//! `ZKTORCH_WRITE=1 cargo test -p zktorch-tests --test operators` writes it.

use std::collections::BTreeMap;
use std::fmt::Write;

use prost::Message;
use tract_onnx::pb::ModelProto;
use zktorch_compiler::import::{ImportOptions, Listed, listed, load_bytes};
use zktorch_compiler::{Options, explain};
use zktorch_models::node_cases::{self, NodeCase};
use zktorch_models::zoo::Zoo;
use zktorch_tests::repository;

const PAGE: &str = "docs/operators.md";
const BEGIN: &str = "<!-- made by tests/tests/operators.rs: begin -->";
const END: &str = "<!-- end -->";

/// Committed values and entries that are looked up, for each entry of the result.
#[derive(Clone, Copy)]
struct Cost {
    entries: usize,
    committed: f64,
    lookups: f64,
}

/// What the only operator of a case costs, if it is proved: domain and name with it.
fn cost(case: &NodeCase) -> Option<((String, String), Cost)> {
    let proto = ModelProto::decode(case.model.as_slice()).ok()?;
    let [node] = proto.graph.as_ref()?.node.as_slice() else { return None };
    let input_shapes = case.tensors.as_ref()?.inputs.iter().map(|t| t.shape.clone()).collect();
    let graph = load_bytes(&case.model, &ImportOptions { input_shapes, ..ImportOptions::default() }).ok()?;
    let explained = explain(&graph, &Options::default()).ok().filter(|e| e.obstacles.is_empty() && !e.nodes.is_empty())?;
    let entries: usize = graph.outputs().iter().map(|&id| graph.shape(id).iter().product::<usize>()).sum();
    let sum = |of: fn(&zktorch_compiler::ExplainedNode) -> usize| explained.nodes.iter().map(of).sum::<usize>() as f64;
    let each = |all: f64| all / entries as f64;
    let cost = Cost { entries, committed: each(sum(|n| n.committed)), lookups: each(sum(|n| n.lookups)) };
    Some(((node.domain.clone(), node.op_type.clone()), cost))
}

fn table(costs: &BTreeMap<(String, String), Cost>) -> String {
    let mut text = String::from("| operator | attributes | committed | looked up | remarks |\n|---|---|---|---|---|\n");
    for Listed { domain, name, attributes, constant, remark } in listed() {
        let shown = if domain.is_empty() { format!("`{name}`") } else { format!("`{domain}.{name}`") };
        let attributes: Vec<String> = attributes.iter().map(|(name, kind)| format!("`{name}` ({kind})")).collect();
        let cost = costs.get(&(domain.to_owned(), name.to_owned()));
        let [committed, lookups] = match cost {
            Some(cost) => [cost.committed, cost.lookups].map(|n| format!("{n:.1}")),
            None => [String::new(), String::new()],
        };
        let of_constants = if constant { "Of constants only. " } else { "" };
        writeln!(text, "| {shown} | {} | {committed} | {lookups} | {of_constants}{remark} |", attributes.join("; "))
            .expect("memory");
    }
    text
}

#[test]
fn the_page_has_the_table_of_operators() {
    let Some(zoo) = Zoo::locate_or_skip("the_page_has_the_table_of_operators") else { return };
    let archive = node_cases::archive(&zoo);
    if !archive.exists() {
        eprintln!("SKIPPED the_page_has_the_table_of_operators: no {}", archive.display());
        return;
    }
    let mut costs: BTreeMap<(String, String), Cost> = BTreeMap::new();
    for (name, cost) in node_cases::read(&archive).expect("an archive").iter().filter_map(cost) {
        let known = costs.entry(name).or_insert(cost);
        if cost.entries > known.entries {
            *known = cost;
        }
    }
    let page = repository::read(PAGE);
    let (before, rest) = page.split_once(BEGIN).expect("a beginning");
    let (_, after) = rest.split_once(END).expect("an end");
    let made = format!("{before}{BEGIN}\n\n{}\n{END}{after}", table(&costs));
    if std::env::var_os("ZKTORCH_WRITE").is_some() {
        std::fs::write(repository::root().join(PAGE), &made).expect("the page");
    } else {
        assert!(
            made == page,
            "the table of {PAGE} is another: ZKTORCH_WRITE=1 cargo test -p zktorch-tests --test operators"
        );
    }
}
