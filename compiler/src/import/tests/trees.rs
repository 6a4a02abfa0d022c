//! Decision trees: every sample on the grid has the leaf of the float model, and what cannot be so is refused.

use ndarray::{ArrayD, IxDyn};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, ModelProto, NodeProto};
use zktorch_blocks::execute::{check_satisfied, execute};
use zktorch_blocks::program::Visibility;
use zktorch_models::data::{self, Dataset};
use zktorch_models::zoo::Zoo;

use super::proto::{Attr, Change, model, node};
use crate::import::{ImportOptions, model_path, strip};
use crate::{Compiled, Options, compile, compile_model};

const MODES: [&str; 6] = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"];

/// Trees as files have them: per tree its nodes of a mode, a feature, a number and two children; none of these for a leaf.
type Tree = Vec<Option<(&'static str, usize, f32, usize, usize)>>;

/// Numbers without structure below a bound.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// A tree of some depth, whose branches end anywhere; half of its thresholds are on a grid of eighths.
fn grown(random: &mut Random, modes: &[&'static str], features: usize) -> Tree {
    let mut tree: Tree = vec![None];
    let mut open = vec![(0usize, 0usize)];
    while let Some((at, depth)) = open.pop() {
        if depth == 5 || (depth > 0 && random.below(4) == 0) {
            continue;
        }
        let eighths = random.below(33) as f32 / 8.0 - 2.0;
        let number = if random.below(2) == 0 { eighths } else { eighths + 0.013 };
        let children = (tree.len(), tree.len() + 1);
        tree[at] = Some((modes[random.below(modes.len())], random.below(features), number, children.0, children.1));
        tree.extend([None, None]);
        open.extend([(children.0, depth + 1), (children.1, depth + 1)]);
    }
    tree
}

/// The leaf of a sample, by the definition.
fn leaf(tree: &Tree, x: &[f32]) -> usize {
    let mut at = 0;
    while let Some((mode, feature, number, yes, no)) = tree[at] {
        let v = x[feature];
        let holds = match mode {
            "BRANCH_LEQ" => v <= number,
            "BRANCH_LT" => v < number,
            "BRANCH_GTE" => v >= number,
            "BRANCH_GT" => v > number,
            "BRANCH_EQ" => v == number,
            _ => v != number,
        };
        at = if holds { yes } else { no };
    }
    at
}

fn list(name: &str, floats: &[f32], strings: &[&str]) -> AttributeProto {
    let kind = if strings.is_empty() { AttributeType::Floats } else { AttributeType::Strings };
    AttributeProto {
        name: name.to_owned(),
        r#type: kind as i32,
        floats: floats.to_vec(),
        strings: strings.iter().map(|s| s.as_bytes().to_vec()).collect(),
        ..AttributeProto::default()
    }
}

/// What a leaf says, which tells it from the others.
fn vote(tree: usize, leaf: usize) -> f32 {
    (leaf as f32 + 1.0) * 64f32.powi(tree as i32)
}

/// A tree's number, a node's number in it, and what it asks.
type Place<'n> = (usize, usize, Option<(&'n str, usize, f32, usize, usize)>);

/// The nodes of an ensemble: leaves vote for one target.
fn regressor(trees: &[Tree]) -> NodeProto {
    let all = || trees.iter().enumerate().flat_map(|(t, tree)| tree.iter().enumerate().map(move |(n, node)| (t, n, *node)));
    let ints = |f: &dyn Fn(Place<'_>) -> usize| -> Vec<i64> { all().map(|place| f(place) as i64).collect() };
    let leaves: Vec<(usize, usize)> = all().filter(|(_, _, node)| node.is_none()).map(|(t, n, _)| (t, n)).collect();
    let mut node = node(
        "TreeEnsembleRegressor",
        &["x"],
        &["y"],
        &[
            ("nodes_treeids", Attr::Ints(&ints(&|(t, _, _)| t))),
            ("nodes_nodeids", Attr::Ints(&ints(&|(_, n, _)| n))),
            ("nodes_featureids", Attr::Ints(&ints(&|(_, _, node)| node.map_or(0, |node| node.1)))),
            ("nodes_truenodeids", Attr::Ints(&ints(&|(_, _, node)| node.map_or(0, |node| node.3)))),
            ("nodes_falsenodeids", Attr::Ints(&ints(&|(_, _, node)| node.map_or(0, |node| node.4)))),
            ("target_treeids", Attr::Ints(&leaves.iter().map(|l| l.0 as i64).collect::<Vec<_>>())),
            ("target_nodeids", Attr::Ints(&leaves.iter().map(|l| l.1 as i64).collect::<Vec<_>>())),
            ("target_ids", Attr::Ints(&vec![0; leaves.len()])),
            ("n_targets", Attr::Int(1)),
        ],
    );
    let modes: Vec<&str> = all().map(|(_, _, node)| node.map_or("LEAF", |node| node.0)).collect();
    node.attribute.push(list("nodes_modes", &[], &modes));
    node.attribute.push(list("nodes_values", &all().map(|(_, _, n)| n.map_or(0.0, |n| n.2)).collect::<Vec<_>>(), &[]));
    node.attribute.push(list("target_weights", &leaves.iter().map(|l| vote(l.0, l.1)).collect::<Vec<_>>(), &[]));
    node.domain = "ai.onnx.ml".to_owned();
    node
}

fn ensemble(trees: &[Tree], features: i64) -> ModelProto {
    model(&[1, features], vec![regressor(trees)], vec![]).opset("ai.onnx.ml", 3)
}

/// Integers of an input, and what the program gives for them.
fn run(compiled: &Compiled, integers: Vec<i64>) -> Vec<Vec<f64>> {
    let Compiled { program, weights, outputs, .. } = compiled;
    let trace = execute(program, weights, &[integers]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(check_satisfied(program, &trace), []);
    outputs.iter().zip(&program.outputs).map(|(port, &id)| port.dequantise(&trace.values(program, id))).collect()
}

#[test]
fn every_sample_has_the_leaves_of_the_float_model() {
    let mut random = Random(7);
    for modes in [&MODES[..1], &MODES[1..2], &MODES[2..4], &MODES] {
        let trees: Vec<Tree> = (0..2).map(|_| grown(&mut random, modes, 3)).collect();
        let graph = ensemble(&trees, 3).import().unwrap_or_else(|e| panic!("{e}"));
        let sample =
            |random: &mut Random| ArrayD::from_shape_fn(IxDyn(&[1, 3]), |_| random.below(4000) as f64 / 1000.0 - 2.0);
        let samples: Vec<_> = (0..8).map(|_| vec![sample(&mut random)]).collect();
        for inputs in [Visibility::Public, Visibility::Private] {
            let options = Options { inputs, ..Options::default() };
            let compiled = compile(&graph, &samples, &options).unwrap_or_else(|e| panic!("{e}"));
            let scale = compiled.inputs[0].scale.units();
            for _ in 0..200 {
                // Half of them next to thresholds, or on them.
                let real: Vec<f64> = (0..3).map(|_| random.below(33) as f64 / 8.0 - 2.0).collect();
                let near = |v: f64, by: i64| (v * scale) as i64 + by;
                let integers: Vec<i64> = real.iter().map(|&v| near(v, random.below(3) as i64 - 1)).collect();
                let x: Vec<f32> = integers.iter().map(|&v| (v as f64 / scale) as f32).collect();
                let wanted: f32 = trees.iter().enumerate().map(|(t, tree)| vote(t, leaf(tree, &x))).sum();
                assert_eq!(run(&compiled, integers)[0], [f64::from(wanted)], "{x:?}");
            }
        }
    }
}

#[test]
fn the_classes_of_iris_and_wine_are_those_of_the_float_model() {
    let Some(zoo) = Zoo::locate_or_skip("the_classes_of_iris_and_wine_are_those_of_the_float_model") else { return };
    let models = [("tract_xgb_wine_tree", Dataset::Wine)];
    for (name, dataset) in models {
        let path = zoo.model(name).unwrap().onnx;
        let loaded = model_path(&path, &ImportOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let data = data::load(&zoo, dataset).unwrap();
        let shape = loaded.graph.shape(loaded.graph.inputs()[0]).to_vec();
        let samples: Vec<Vec<ArrayD<f64>>> = data
            .iter()
            .map(|(x, _)| vec![ArrayD::from_shape_vec(IxDyn(&shape), x.iter().map(|&v| v.into()).collect()).unwrap()])
            .collect();
        let compiled = compile_model(&loaded, &samples, &Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut right = 0;
        for (sample, (_, class)) in samples.iter().zip(data.iter()) {
            let integers = compiled.inputs[0].quantise(sample[0].as_slice().unwrap()).unwrap();
            let label = run(&compiled, integers)[0][0];
            let float = loaded.graph.evaluate(sample).unwrap().outputs()[0].iter().copied().next();
            assert_eq!(Some(label), float, "{name}: {sample:?}");
            right += usize::from(label == class as f64);
        }
        assert!(right * 100 > samples.len() * 96, "{name}: {right} of {}", samples.len());
    }
}

#[test]
fn a_stripped_ensemble_has_no_thresholds_and_is_audited() {
    use prost::Message;
    let mut random = Random(3);
    let trees: Vec<Tree> = (0..3).map(|_| grown(&mut random, &MODES[..2], 4)).collect();
    let bytes = ensemble(&trees, 4).encode_to_vec();
    let stripped = strip(&bytes, None).unwrap();
    for tree in &trees {
        for (_, _, number, ..) in tree.iter().flatten().filter(|node| node.2 != 0.0) {
            let there = stripped.bytes.windows(4).any(|window| window == number.to_le_bytes());
            assert!(!there, "{number}");
        }
    }
    let whole = ensemble(&trees, 4).import().unwrap();
    let compiled = compile(&whole, &[vec![ArrayD::from_elem(IxDyn(&[1, 4]), 0.5)]], &Options::default()).unwrap();
    let options = ImportOptions { withheld: Some(1 << 20), ..ImportOptions::default() };
    let graph = crate::import::load_bytes(&stripped.bytes, &options).unwrap();
    crate::audit::audit(&graph, &compiled.program).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn what_trees_cannot_mean_is_refused() {
    let mut random = Random(5);
    let trees = [grown(&mut random, &MODES[..1], 2)];
    let changed = |change: &dyn Fn(&mut NodeProto)| {
        let mut model = ensemble(&trees, 2);
        change(&mut model.graph.as_mut().unwrap().node[0]);
        model.refusal()
    };
    let set = |name: &'static str, value: AttributeProto| {
        changed(&move |node: &mut NodeProto| {
            node.attribute.retain(|attribute| attribute.name != name);
            node.attribute.push(AttributeProto { name: name.to_owned(), ..value.clone() });
        })
    };
    let text = |s: &str| AttributeProto { r#type: AttributeType::String as i32, s: s.into(), ..AttributeProto::default() };
    let ints = |ints: &[i64]| AttributeProto {
        r#type: AttributeType::Ints as i32,
        ints: ints.to_vec(),
        ..AttributeProto::default()
    };
    let circle: Vec<i64> = vec![0; trees[0].len()];
    for (refusal, cause) in [
        (set("post_transform", text("PROBIT")), "PROBIT"),
        (set("post_transform", text("LOGISTIC")), "onnxruntime leaves out"),
        (set("aggregate_function", text("MEDIAN")), "aggregate"),
        (set("nodes_nodeids", ints(&circle)), "one number"),
        (set("nodes_treeids", ints(&[0])), "lists of its nodes"),
        (set("mystery", text("?")), "`mystery` is not understood"),
    ] {
        assert!(refusal.contains(cause) && refusal.contains("the TreeEnsembleRegressor"), "{refusal}");
    }
}
