//! Decision trees as one list of nodes.

use std::collections::HashMap;

use crate::import::refusal::Refusal;

/// Nodes of all trees, at most, after a node that compares with several numbers has become several.
const MOST: usize = 1 << 20;

/// What a node asks of its feature.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Question {
    /// `x <= t`
    AtMost(f64),
    /// `x = t`
    Is(f64),
    /// Whether `x` is one of these.
    OneOf(Vec<f64>),
}

/// A child by its number, or a leaf by its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Node(usize),
    Leaf(usize),
}

/// A node as a file has it.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub feature: usize,
    pub question: Question,
    /// Where it is answered by yes.
    pub yes: Next,
    pub no: Next,
}

/// A node with its place: nodes come after their parents.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub tree: usize,
    pub feature: usize,
    /// The number that the feature is compared with, and whether it has to be this one.
    pub number: f64,
    pub equal: bool,
    /// As [`Descent`](crate::import::descent) has it.
    pub parent: i64,
    /// The leaf behind no, and the one behind yes.
    pub leaves: [Option<usize>; 2],
}

/// The next smaller number of 32 bits, or of 64.
pub(super) fn below(number: f64, double: bool) -> f64 {
    if double { number.next_down() } else { f64::from((number as f32).next_down()) }
}

/// What a node asks, by the name of its mode, and whether its children change places.
///
/// # Errors
/// A mode that is not known.
pub(super) fn question(mode: &str, value: f64, double: bool) -> Result<(Question, bool), Refusal> {
    Ok(match mode {
        "BRANCH_LEQ" => (Question::AtMost(value), false),
        "BRANCH_LT" => (Question::AtMost(below(value, double)), false),
        "BRANCH_GTE" => (Question::AtMost(below(value, double)), true),
        "BRANCH_GT" => (Question::AtMost(value), true),
        "BRANCH_EQ" => (Question::Is(value), false),
        "BRANCH_NEQ" => (Question::Is(value), true),
        _ => return Err(Refusal::Form("the mode of a node is none of LEQ, LT, GTE, GT, EQ, NEQ, MEMBER and LEAF")),
    })
}

/// Trees from their roots, every node after its parent.
///
/// # Errors
/// Children that do not exist, and trees that never end.
pub(super) fn planted(roots: &[Next], branches: &[Branch]) -> Result<Vec<Node>, Refusal> {
    let mut nodes: Vec<Node> = Vec::new();
    for (tree, &root) in roots.iter().enumerate() {
        let mut left = vec![(root, 0i64, 0)];
        if let Next::Leaf(leaf) = root {
            // A tree of one leaf asks something, and goes there in any case.
            nodes.push(Node { tree, feature: 0, number: 0.0, equal: false, parent: 0, leaves: [Some(leaf); 2] });
            continue;
        }
        while let Some((next, parent, asked)) = left.pop() {
            let here = nodes.len();
            if here >= MOST || left.len() >= MOST {
                return Err(Refusal::Form("its trees have more than 2^20 nodes, or do not end"));
            }
            let branch = match next {
                Next::Leaf(leaf) => {
                    let (above, side) = ((parent as usize - 1) / 2, (parent as usize - 1) % 2);
                    nodes[above].leaves[side] = Some(leaf);
                    continue;
                }
                Next::Node(node) => branches.get(node).ok_or(Refusal::OutOfRange("a child of a node"))?,
            };
            let (number, equal, more) = match &branch.question {
                Question::AtMost(number) => (*number, false, false),
                Question::Is(number) => (*number, true, false),
                Question::OneOf(members) => match members.get(asked) {
                    Some(&member) => (member, true, asked + 1 < members.len()),
                    None => return Err(Refusal::Form("a node asks for a member of no numbers")),
                },
            };
            nodes.push(Node { tree, feature: branch.feature, number, equal, parent, leaves: [None; 2] });
            let code = |bit: i64| 1 + 2 * here as i64 + bit;
            left.push(if more { (next, code(0), asked + 1) } else { (branch.no, code(0), 0) });
            left.push((branch.yes, code(1), 0));
        }
    }
    Ok(nodes)
}

/// Numbers of nodes by tree and number within it, as files name them.
pub(super) struct Names(HashMap<(i64, i64), usize>);

impl Names {
    /// # Errors
    /// A name that two nodes have.
    pub fn of(trees: &[i64], nodes: &[i64]) -> Result<Self, Refusal> {
        let mut names = HashMap::new();
        for (position, (&tree, &node)) in trees.iter().zip(nodes).enumerate() {
            if names.insert((tree, node), position).is_some() {
                return Err(Refusal::Form("two nodes of one tree have one number"));
            }
        }
        Ok(Self(names))
    }

    pub fn get(&self, tree: i64, node: i64) -> Result<usize, Refusal> {
        self.0.get(&(tree, node)).copied().ok_or(Refusal::OutOfRange("the number of a node"))
    }
}
