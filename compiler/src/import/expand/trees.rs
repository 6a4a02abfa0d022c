//! Ensembles of decision trees: all comparisons of all nodes are one tensor, and so is which nodes are reached.

use tract_onnx::pb::NodeProto;

use super::attributes::Attributes;
use super::emit::{Emitter, FLOAT, INT64, Setting, operand};
use super::ensemble::{Forest, Votes, index};
use super::votes::{self, Post};
use super::{Expanded, LEARNING};
use crate::import::refusal::{AttributeFault, Refusal};

pub(super) const RULES: &[Expanded] = &[
    (LEARNING, "TreeEnsembleClassifier", CLASSIFIER, classifier),
    (LEARNING, "TreeEnsembleRegressor", REGRESSOR, regressor),
    (LEARNING, "TreeEnsemble", ENSEMBLE, ensemble),
];

/// What both of the older operators say of nodes, and of what is added to their votes.
const NODES: [&str; 15] = [
    "base_values",
    "base_values_as_tensor",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_hitrates_as_tensor",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_nodeids",
    "nodes_treeids",
    "nodes_truenodeids",
    "nodes_values",
    "nodes_values_as_tensor",
    "post_transform",
    "aggregate_function",
];
const CLASSIFIER: &[&str] = &joined::<14, 7, 21>(
    &NODES,
    &[
        "class_ids",
        "class_nodeids",
        "class_treeids",
        "class_weights",
        "class_weights_as_tensor",
        "classlabels_int64s",
        "classlabels_strings",
    ],
);
const REGRESSOR: &[&str] = &joined::<15, 6, 21>(
    &NODES,
    &["n_targets", "target_ids", "target_nodeids", "target_treeids", "target_weights", "target_weights_as_tensor"],
);
const ENSEMBLE: &[&str] = &[
    "aggregate_function",
    "leaf_targetids",
    "leaf_weights",
    "membership_values",
    "n_targets",
    "nodes_falseleafs",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_splits",
    "nodes_trueleafs",
    "nodes_truenodeids",
    "post_transform",
    "tree_roots",
];
/// The first `A` names of one list, and all of another.
const fn joined<const A: usize, const B: usize, const N: usize>(
    first: &[&'static str],
    second: &[&'static str; B],
) -> [&'static str; N] {
    let mut all = [""; N];
    let mut at = 0;
    while at < A + B {
        all[at] = if at < A { first[at] } else { second[at - A] };
        at += 1;
    }
    all
}

const AGGREGATES: [&str; 4] = ["AVERAGE", "SUM", "MIN", "MAX"];
const POSTS: [&str; 5] = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];

fn classifier(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let labels = attributes.ints("classlabels_int64s")?;
    let strings = attributes.strings("classlabels_strings")?;
    let classes = labels.len().max(strings.len());
    let forest = Forest::read(e, node, attributes, "class", classes)?;
    let base = attributes.numbers("base_values", "base_values_as_tensor")?;
    let post = Post::of(&attributes.word("post_transform", "NONE")?)?;
    e.room(forest.nodes.len().checked_mul(classes))?;
    let mut voted = vec![false; classes];
    forest.votes().for_each(|(class, _)| voted[class] = true);
    let always = (0..classes).map(|class| forest.always(class)).collect();
    let positive = forest.votes().all(|(_, weight)| weight >= 0.0);
    let strictly = forest.votes().all(|(_, weight)| weight > 0.0);
    let ballot = votes::Ballot { voted, always, positive, strictly, kind: FLOAT };
    // Two classes, of which leaves vote for the first alone: what they vote is that of the second.
    let columns = if ballot.single() { 1 } else { classes };
    let scores = forest.scores(e, node, columns, "SUM")?;
    ballot.classify(e, node, &scores, (labels, strings), &base, post)
}

fn regressor(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let targets = index(attributes.int("n_targets", 1)?)?;
    let forest = Forest::read(e, node, attributes, "target", targets)?;
    let base = attributes.numbers("base_values", "base_values_as_tensor")?;
    let post = Post::of(&attributes.word("post_transform", "NONE")?)?;
    let scores = forest.scores(e, node, targets, &attributes.word("aggregate_function", "SUM")?)?;
    if base.iter().any(|&v| v != 0.0) && !(0..targets).all(|target| forest.always(target)) {
        return Err(Refusal::Form(
            "base values of a target that not every sample has votes for, which onnxruntime leaves out",
        ));
    }
    let scores = votes::based(e, scores, &base, targets, forest.kind)?;
    let scores = votes::regress(e, scores, targets, post)?;
    // Sums are of 32 bits, whatever features are.
    let scores = if forest.kind == FLOAT { scores } else { e.cast(&scores, FLOAT) };
    e.result(node, 0, &scores);
    Ok(())
}

fn ensemble(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let targets = index(attributes.int("n_targets", 1)?)?;
    let word = |name: &str, default, words: &[&'static str]| {
        let code = attributes.int(name, default)?;
        let known = usize::try_from(code).ok().and_then(|code| words.get(code).copied());
        let fault = AttributeFault::Integer { got: code, least: 0, most: words.len() as i64 - 1 };
        known.ok_or(Refusal::Attribute { name: name.to_owned(), fault })
    };
    let post = Post::of(word("post_transform", 0, &POSTS)?)?;
    let aggregate = word("aggregate_function", 1, &AGGREGATES)?;
    let forest = Forest::of_tensors(attributes, targets)?;
    let scores = forest.scores(e, node, targets, aggregate)?;
    let scores = votes::regress(e, scores, targets, post)?;
    e.result(node, 0, &scores);
    Ok(())
}

impl Forest {
    /// A boolean for each edge to a leaf: at which nodes yes, or no, is answered and the node is reached.
    fn edges(&self, e: &mut Emitter, node: &NodeProto) -> Result<[String; 2], Refusal> {
        if self.nodes.is_empty() {
            return Err(Refusal::Form("it has no trees"));
        }
        let x = e.cast(operand(node, 0)?, self.kind);
        let (mut parts, mut order) = (Vec::new(), vec![0i64; self.nodes.len()]);
        let mut placed = 0;
        for (op, equal) in [("LessOrEqual", false), ("Equal", true)] {
            let of: Vec<usize> = (0..self.nodes.len()).filter(|&at| self.nodes[at].equal == equal).collect();
            if of.is_empty() {
                continue;
            }
            let features: Vec<i64> = of.iter().map(|&at| self.nodes[at].feature as i64).collect();
            let features = e.ints("features", &features);
            let features = e.op("Gather", &[&x, &features], &[("axis", Setting::Int(1))]);
            let numbers: Vec<f64> = of.iter().map(|&at| self.nodes[at].number).collect();
            let numbers = e.floats("thresholds", &[numbers.len()], &numbers, self.kind);
            parts.push(e.op(op, &[&features, &numbers], &[]));
            of.iter().enumerate().for_each(|(place, &at)| order[at] = (placed + place) as i64);
            placed += of.len();
        }
        let bits = match &parts[..] {
            [one] => one.clone(),
            parts => {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                let all = e.op("Concat", &parts, &[("axis", Setting::Int(1))]);
                let order = e.ints("order", &order);
                e.op("Gather", &[&all, &order], &[("axis", Setting::Int(1))])
            }
        };
        let parents: Vec<i64> = self.nodes.iter().map(|node| node.parent).collect();
        let parents = e.ints("parents", &parents);
        let reached = e.op(crate::import::descent::NAME, &[&bits, &parents], &[]);
        let yes = e.op("And", &[&reached, &bits], &[]);
        let [all, on] = [&reached, &yes].map(|bits| e.cast(bits, INT64));
        let no = e.op("Sub", &[&all, &on], &[]);
        Ok([e.cast(&no, self.kind), e.cast(&on, self.kind)])
    }

    /// What the trees say of each target, of shape samples by targets.
    fn scores(&self, e: &mut Emitter, node: &NodeProto, targets: usize, aggregate: &str) -> Result<String, Refusal> {
        // Of each target, where a tree is asked for its own vote.
        let each = if matches!(aggregate, "MIN" | "MAX") { self.trees } else { 1 };
        e.room(self.nodes.len().checked_mul(targets).and_then(|votes| votes.checked_mul(each)))?;
        let edges = self.edges(e, node)?;
        let share = match aggregate {
            "SUM" => 1.0,
            "AVERAGE" => self.trees as f64,
            "MIN" => return self.extremes(e, &edges, targets, "ReduceMin"),
            "MAX" => return self.extremes(e, &edges, targets, "ReduceMax"),
            _ => return Err(Refusal::Form("its aggregate function is none of SUM, AVERAGE, MIN and MAX")),
        };
        let mut sums = Vec::new();
        for (side, edges) in edges.iter().enumerate() {
            let mut weights = vec![0.0; self.nodes.len() * targets];
            for (at, node) in self.nodes.iter().enumerate() {
                for &(target, weight) in node.leaves[side].iter().flat_map(|&leaf| &self.leaves[leaf]) {
                    weights[at * targets + target.min(targets - 1)] += weight / share;
                }
            }
            let weights = e.floats("leaves", &[self.nodes.len(), targets], &weights, self.kind);
            sums.push(e.op("MatMul", &[edges, &weights], &[]));
        }
        Ok(e.op("Add", &[&sums[0], &sums[1]], &[]))
    }

    /// The smallest, or largest, of what trees say of each target: of those that vote for it.
    fn extremes(&self, e: &mut Emitter, edges: &[String; 2], targets: usize, reduce: &str) -> Result<String, Refusal> {
        let mut columns = Vec::new();
        for target in 0..targets {
            let votes = |votes: &Votes| votes.iter().filter(|(of, _)| *of == target).count();
            let mut voters = Vec::new();
            for tree in 0..self.trees {
                let (some, all) = (self.of_tree(tree).any(|v| votes(v) > 0), self.of_tree(tree).all(|v| votes(v) == 1));
                if some && !all {
                    return Err(Refusal::Form(
                        "the least or largest vote where a leaf of a tree votes, and another does not",
                    ));
                }
                voters.extend(some.then_some(tree));
            }
            if voters.is_empty() {
                return Err(Refusal::Form("the least or largest vote for a target without votes"));
            }
            let mut terms = Vec::new();
            for (side, edges) in edges.iter().enumerate() {
                let mut weights = vec![0.0; self.nodes.len() * voters.len()];
                for (at, node) in self.nodes.iter().enumerate() {
                    let Some(place) = voters.iter().position(|&tree| tree == node.tree) else { continue };
                    for &(of, weight) in node.leaves[side].iter().flat_map(|&leaf| &self.leaves[leaf]) {
                        weights[at * voters.len() + place] += if of == target { weight } else { 0.0 };
                    }
                }
                let weights = e.floats("leaves", &[self.nodes.len(), voters.len()], &weights, self.kind);
                terms.push(e.op("MatMul", &[edges, &weights], &[]));
            }
            let of_trees = e.op("Add", &[&terms[0], &terms[1]], &[]);
            columns.push(e.reduce(reduce, &of_trees, 1, true));
        }
        match &columns[..] {
            [one] => Ok(one.clone()),
            columns => {
                let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
                Ok(e.op("Concat", &columns, &[("axis", Setting::Int(1))]))
            }
        }
    }
}
