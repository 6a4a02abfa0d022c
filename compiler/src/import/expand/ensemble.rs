//! Ensembles of trees as files have them: the older operators, whose leaves are nodes, and the one that has tensors for attributes.

use std::collections::HashSet;

use tract_onnx::pb::NodeProto;

use super::attributes::Attributes;
use super::emit::{DOUBLE, Emitter, FLOAT, operand};
use super::forest::{Branch, Names, Next, Node, Question, planted, question};
use crate::import::refusal::Refusal;
use crate::import::tensors;

const MODES: [&str; 7] = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER"];

/// What a leaf adds to which target.
pub(super) type Votes = Vec<(usize, f64)>;

/// Trees with the votes of their leaves.
pub(super) struct Forest {
    pub nodes: Vec<Node>,
    pub trees: usize,
    pub leaves: Vec<Votes>,
    /// The type that features are compared in.
    pub kind: i32,
}

/// Lists of one length.
fn alike(lengths: &[usize]) -> Result<(), Refusal> {
    match lengths.iter().find(|&&length| length != lengths[0]) {
        Some(&got) => Err(Refusal::Count { what: "entries in one of the lists of its nodes", got, expected: lengths[0] }),
        None => Ok(()),
    }
}

pub(super) fn index(number: i64) -> Result<usize, Refusal> {
    usize::try_from(number).map_err(|_| Refusal::OutOfRange("a number of a feature, a node, a leaf or a target"))
}

impl Forest {
    /// Of the older operators, whose leaves are nodes.
    pub fn read(
        e: &Emitter,
        node: &NodeProto,
        attributes: &Attributes<'_>,
        kind: &str,
        targets: usize,
    ) -> Result<Self, Refusal> {
        let ints = |name: &str| attributes.ints(name);
        let (trees, ids, features) = (ints("nodes_treeids")?, ints("nodes_nodeids")?, ints("nodes_featureids")?);
        let (yes, no) = (ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?);
        let modes = attributes.strings("nodes_modes")?;
        let numbers = attributes.numbers("nodes_values", "nodes_values_as_tensor")?;
        alike(&[trees.len(), ids.len(), features.len(), yes.len(), no.len(), modes.len(), numbers.len()])?;
        let double = attributes.has("nodes_values_as_tensor") || e.type_of(operand(node, 0)?) == Some(DOUBLE);
        let names = Names::of(trees, ids)?;
        let mut branches = Vec::with_capacity(ids.len());
        let mut leaf = Vec::with_capacity(ids.len());
        for mode in modes {
            leaf.push(mode.as_slice() == b"LEAF");
        }
        let next = |at: usize| if leaf[at] { Next::Leaf(at) } else { Next::Node(at) };
        let mut below = vec![false; ids.len()];
        for at in 0..ids.len() {
            if leaf[at] {
                branches.push(Branch {
                    feature: 0,
                    question: Question::AtMost(0.0),
                    yes: Next::Leaf(at),
                    no: Next::Leaf(at),
                });
                continue;
            }
            let children = [names.get(trees[at], yes[at])?, names.get(trees[at], no[at])?];
            children.iter().for_each(|&child| below[child] = true);
            let (question, turned) = question(&String::from_utf8_lossy(&modes[at]), numbers[at], double)?;
            let [first, second] = children.map(next);
            let (yes, no) = if turned { (second, first) } else { (first, second) };
            branches.push(Branch { feature: index(features[at])?, question, yes, no });
        }
        let roots: Vec<Next> = (0..ids.len()).filter(|&at| !below[at]).map(next).collect();
        let count: HashSet<i64> = trees.iter().copied().collect();
        if roots.len() != count.len() {
            return Err(Refusal::Count { what: "roots", got: roots.len(), expected: count.len() });
        }
        let of = |name: &str| format!("{kind}_{name}");
        let (of_trees, of_nodes, of_targets) = (ints(&of("treeids"))?, ints(&of("nodeids"))?, ints(&of("ids"))?);
        let weights = attributes.numbers(&of("weights"), &of("weights_as_tensor"))?;
        alike(&[of_trees.len(), of_nodes.len(), of_targets.len(), weights.len()])?;
        let mut leaves = vec![Votes::new(); ids.len()];
        for (at, &weight) in weights.iter().enumerate() {
            let target = index(of_targets[at])?;
            if target >= targets {
                return Err(Refusal::OutOfRange("a target"));
            }
            let here = names.get(of_trees[at], of_nodes[at])?;
            if !leaf[here] {
                return Err(Refusal::Form("a node that is no leaf has a vote"));
            }
            leaves[here].push((target, weight));
        }
        let kind = if double { DOUBLE } else { FLOAT };
        Ok(Self { nodes: planted(&roots, &branches)?, trees: roots.len(), leaves, kind })
    }

    /// Of the operator that has tensors for attributes.
    pub fn of_tensors(attributes: &Attributes<'_>, targets: usize) -> Result<Self, Refusal> {
        let missing = |_: &str| Refusal::Missing("a tensor among its attributes is missing");
        let tensor = |name: &str| attributes.tensor(name)?.ok_or_else(|| missing(name));
        let unread = || Refusal::Form("a tensor among its attributes has entries that are not read");
        let modes = tensors::numbers(tensor("nodes_modes")?).ok_or_else(unread)?;
        let splits = tensor("nodes_splits")?;
        let kind = if splits.data_type == DOUBLE { DOUBLE } else { FLOAT };
        let numbers = tensors::numbers(splits).ok_or_else(unread)?;
        let ints = |name: &str| attributes.ints(name);
        let (features, yes, no) = (ints("nodes_featureids")?, ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?);
        let (yes_leaf, no_leaf) = (ints("nodes_trueleafs")?, ints("nodes_falseleafs")?);
        alike(&[modes.len(), numbers.len(), features.len(), yes.len(), no.len(), yes_leaf.len(), no_leaf.len()])?;
        let members = attributes.tensor("membership_values")?.map(|t| tensors::numbers(t).ok_or_else(unread)).transpose()?;
        let members = members.unwrap_or_default();
        let mut members = members.split(|v| v.is_nan());
        let next =
            |leaf: i64, at: i64| Ok::<_, Refusal>(if leaf != 0 { Next::Leaf(index(at)?) } else { Next::Node(index(at)?) });
        let mut branches = Vec::with_capacity(modes.len());
        for at in 0..modes.len() {
            let mode = MODES.get(modes[at] as usize).copied().unwrap_or_default();
            let (question, turned) = match mode {
                "BRANCH_MEMBER" => (Question::OneOf(members.next().unwrap_or_default().to_vec()), false),
                mode if numbers[at].is_finite() => question(mode, numbers[at], kind == DOUBLE)?,
                _ => return Err(Refusal::Form("a node compares with a number that is not finite")),
            };
            let (first, second) = (next(yes_leaf[at], yes[at])?, next(no_leaf[at], no[at])?);
            let (yes, no) = if turned { (second, first) } else { (first, second) };
            branches.push(Branch { feature: index(features[at])?, question, yes, no });
        }
        let weights = tensors::numbers(tensor("leaf_weights")?).ok_or_else(unread)?;
        let ids = ints("leaf_targetids")?;
        alike(&[weights.len(), ids.len()])?;
        let leaves: Vec<Votes> =
            ids.iter().zip(&weights).map(|(&id, &weight)| Ok(vec![(index(id)?, weight)])).collect::<Result<_, Refusal>>()?;
        if leaves.iter().flatten().any(|&(target, weight)| target >= targets || !weight.is_finite()) {
            return Err(Refusal::OutOfRange("a target or a weight of a leaf"));
        }
        let roots: Vec<Next> =
            ints("tree_roots")?.iter().map(|&root| Ok(Next::Node(index(root)?))).collect::<Result<_, Refusal>>()?;
        let nodes = planted(&roots, &branches)?;
        if nodes.iter().flat_map(|node| node.leaves).flatten().any(|leaf| leaf >= leaves.len()) {
            return Err(Refusal::OutOfRange("a leaf"));
        }
        Ok(Self { nodes, trees: roots.len(), leaves, kind })
    }

    pub fn votes(&self) -> impl Iterator<Item = (usize, f64)> {
        self.leaves.iter().flatten().copied()
    }

    /// The votes of the leaves of a tree.
    pub fn of_tree(&self, tree: usize) -> impl Iterator<Item = &Votes> {
        let nodes = self.nodes.iter().filter(move |node| node.tree == tree);
        nodes.flat_map(|node| node.leaves).flatten().map(|leaf| &self.leaves[leaf])
    }

    /// Whether something votes for a class whatever the features are.
    pub fn always(&self, class: usize) -> bool {
        let mut all = vec![true; self.trees];
        for node in &self.nodes {
            let votes = node.leaves.iter().flatten().all(|&leaf| self.leaves[leaf].iter().any(|&(of, _)| of == class));
            all[node.tree] &= votes;
        }
        all.contains(&true)
    }
}
