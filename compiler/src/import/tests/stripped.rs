//! Stripped files: that no weights are in them, and that they can be audited.

use std::collections::HashSet;
use std::path::PathBuf;

use ndarray::{ArrayD, IxDyn};
use tract_onnx::pb::{ModelProto, NodeProto, TensorProto};
use zktorch_blocks::program::Source;
use zktorch_models::zoo::Zoo;

use super::proto::{Attr::*, Change, floats, integers, model, node};
use crate::audit::{AuditError, Renamed, audit};
use crate::import::{ImportOptions, external, load, load_bytes, rewrite, strip, tensors};
use crate::{Options, compile};
use prost::Message;

/// Whether the program of one model is the lowering of another, which is stripped first.
fn audited(compiled: &ModelProto, auditor: &ModelProto) -> Result<Vec<Renamed>, AuditError> {
    audited_on(&[], compiled, auditor)
}

/// The same for a program that was calibrated.
fn audited_on(
    samples: &[Vec<ArrayD<f64>>],
    compiled: &ModelProto,
    auditor: &ModelProto,
) -> Result<Vec<Renamed>, AuditError> {
    let program = compile(&compiled.import().unwrap(), samples, &Options::default()).unwrap().program;
    let stripped = strip(&auditor.encode_to_vec(), None).unwrap();
    let options = ImportOptions { withheld: Some(1 << 16), ..ImportOptions::default() };
    audit(&load_bytes(&stripped.bytes, &options).unwrap(), &program)
}

#[test]
fn a_key_without_a_models_clip_is_not_the_models() {
    let leaky = || node("LeakyRelu", &["x"], &["a"], &[("alpha", Float(0.1))]);
    let clipped = |hi: f32| {
        let tensors = vec![floats("lo", &[], &[-1000.0]), floats("hi", &[], &[hi])];
        model(&[1, 16], vec![leaky(), node("Clip", &["a", "lo", "hi"], &["y"], &[])], tensors)
    };
    let bare = model(&[1, 16], vec![leaky(), node("Identity", &["a"], &["y"], &[])], Vec::new());
    let whole = clipped(20.0);
    // Values beyond the clip, and beyond everything that a function's name was once told by.
    let samples: Vec<Vec<ArrayD<f64>>> =
        (0..4).map(|s| vec![ArrayD::from_shape_fn(IxDyn(&[1, 16]), |i| (i[1] as f64 - 8.0) * 7.5 + f64::from(s))]).collect();
    assert_eq!(audited_on(&samples, &whole, &whole), Ok(Vec::new()));
    for (compiled, auditor) in [(&bare, &whole), (&whole, &bare), (&clipped(30.0), &whole)] {
        let refused = audited_on(&samples, compiled, auditor);
        assert!(matches!(refused, Err(AuditError::Differs(_) | AuditError::Lower(_))), "{refused:?}");
    }
}

#[test]
fn quantised_weights_are_withheld_and_audited() {
    let raw = |bytes: usize| (0..12 * bytes).map(|n| (n * 37 % 101) as u8 % 120).collect::<Vec<u8>>();
    for (data_type, bytes) in [(2, 1), (3, 1), (5, 2), (7, 8)] {
        let mut weight = TensorProto { data_type, raw_data: raw(bytes), ..floats("w", &[3, 4], &[]) };
        if bytes > 1 {
            let small: Vec<i64> = raw(1).iter().map(|&v| i64::from(v) - 60).collect();
            weight.raw_data = small.iter().flat_map(|v| v.to_le_bytes()[..bytes].to_vec()).collect();
        }
        let nodes = vec![
            node("Cast", &["w"], &["f"], &[("to", Int(1))]),
            node("Mul", &["f", "s"], &["v"], &[]),
            node("MatMul", &["x", "v"], &["y"], &[]),
        ];
        let product = model(&[1, 3], nodes, vec![weight, floats("s", &[1], &[0.02])]);
        let stripped = strip(&product.encode_to_vec(), None).unwrap();
        assert_eq!(stripped.withheld, [("w".to_owned(), vec![3, 4])]);
        assert_eq!(audited(&product, &product), Ok(Vec::new()), "type {data_type}");
    }
}

/// A network under the names of one exporter or another.
fn named(prefix: &str, opset: i64) -> ModelProto {
    let name = |text: &str| if text == "x" || text == "y" { text.to_owned() } else { format!("{prefix}{text}") };
    let own = |op: &str, inputs: &[&str], output: &str| {
        let inputs: Vec<String> = inputs.iter().map(|input| name(input)).collect();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        NodeProto { name: name(op), ..node(op, &inputs, &[&name(output)], &[]) }
    };
    let nodes = vec![
        own("Reshape", &["x", "shape"], "rows"),
        own("MatMul", &["rows", "first"], "a"),
        own("Add", &["a", "bias"], "b"),
        own("Relu", &["b"], "c"),
        own("Transpose", &["c"], "d"),
        own("MatMul", &["second", "d"], "y"),
    ];
    let numbers = |n: usize| (0..n).map(|k| (k as f32 * 0.7).sin()).collect::<Vec<f32>>();
    let tensors = vec![
        integers(&name("shape"), &[2], &[2, 3]),
        floats(&name("first"), &[3, 4], &numbers(12)),
        floats(&name("bias"), &[4], &numbers(4)),
        floats(&name("second"), &[2, 4], &numbers(8)),
    ];
    model(&[6], nodes, tensors).opset("", opset)
}

#[test]
fn names_and_operator_sets_do_not_count() {
    assert_eq!(audited(&named("", 13), &named("", 13)), Ok(Vec::new()));
    // Names that sort the other way too.
    for prefix in ["/model/", "zz.", "0"] {
        let renamed = audited(&named("", 13), &named(prefix, 17)).unwrap();
        assert!(!renamed.is_empty() && renamed.iter().all(|r| r.model != r.key), "{renamed:?}");
    }
    // Another network under the same names.
    let mut other = named("", 13);
    other.graph.as_mut().unwrap().node[3].op_type = "Sigmoid".to_owned();
    assert!(matches!(audited(&named("", 13), &other), Err(AuditError::Differs(_) | AuditError::Lower(_))));
}

/// Every ONNX file of the zoo and of the cases after users' reports.
fn everything(test: &str) -> Option<Vec<PathBuf>> {
    let zoo = Zoo::locate_or_skip(test)?;
    let mut files: Vec<PathBuf> = zoo.models().unwrap().into_iter().map(|model| model.onnx).collect();
    match std::fs::read_dir(zoo.root().join("cases")) {
        Ok(cases) => files.extend(cases.map(|case| case.unwrap().path().join("model.onnx")).filter(|path| path.exists())),
        Err(error) => eprintln!("SKIPPED the cases of {test}: {error}"),
    }
    Some(files)
}

/// The bytes of everything that is a number in a file and is not among these values.
fn weights(bytes: &[u8], path: &std::path::Path, stay: &HashSet<String>) -> Vec<(String, usize, Vec<u8>)> {
    let proto = load::parse(bytes).unwrap();
    let functions = proto.functions.iter().flat_map(|function| &function.node).cloned();
    let mut graph = proto.graph.clone().unwrap();
    external::read_all(&mut graph, path.parent()).unwrap();
    let mut weights = Vec::new();
    let mut tensor = |name: &str, tensor: &TensorProto| {
        if let (Some(element), Some(raw)) = (tensors::Element::of(tensor.data_type), tensors::raw(tensor))
            && !stay.contains(name)
            && !tensors::is_uniform(tensor)
        {
            weights.push((name.to_owned(), element.bytes(), raw.into_owned()));
        }
    };
    graph.initializer.iter().for_each(|t| tensor(&t.name, t));
    for node in functions.chain(graph.node) {
        let name = node.output.first().cloned().unwrap_or_default();
        match rewrite::constant(&node).filter(|_| node.op_type == "Constant") {
            Some(constant) => tensor(&name, &constant),
            None => node.attribute.iter().for_each(|a| {
                let list =
                    TensorProto { dims: vec![a.floats.len() as i64], float_data: a.floats.clone(), ..floats("", &[], &[]) };
                a.t.iter().chain([&list]).for_each(|t| tensor(&name, t));
            }),
        }
    }
    weights
}

#[test]
fn no_weights_are_left_in_any_stripped_model() {
    let Some(files) = everything("no_weights_are_left_in_any_stripped_model") else { return };
    let mut looked_at = 0;
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        let stripped = strip(&bytes, path.parent()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let again = strip(&stripped.bytes, None).unwrap();
        assert!(again.bytes == stripped.bytes && again.withheld.is_empty(), "{}: {:?}", path.display(), again.withheld);
        let graph = load::parse(&stripped.bytes).unwrap().graph.unwrap();
        let constants = graph.node.iter().filter_map(|n| Some((n.output.first()?.clone(), rewrite::constant(n)?)));
        let tensors = graph.initializer.iter().map(|t| (t.name.clone(), t.clone())).chain(constants);
        let stay: HashSet<String> = tensors.filter(|(_, t)| tensors::has_data(t)).map(|(name, _)| name).collect();
        // What is not among the tensors that stay; one that goes may hold the same shape or axes as one that stays.
        let mut windows: HashSet<&[u8]> = stripped.bytes.windows(16).collect();
        let rest = weights(&stripped.bytes, path, &HashSet::new());
        for window in rest.iter().flat_map(|(_, _, raw)| raw.windows(16)) {
            windows.remove(window);
        }
        for (name, width, raw) in weights(&bytes, path, &stay) {
            for run in raw.chunks_exact(16) {
                // The same number all along is no secret of this tensor.
                let uniform = run.chunks(width).all(|entry| entry == &run[..width]);
                assert!(uniform || !windows.contains(run), "{}: 16 bytes of `{name}` are left", path.display());
                looked_at += 1;
            }
        }
    }
    println!("{looked_at} runs of {} files", files.len());
    assert!(files.len() > 30 && looked_at > 1 << 20, "{looked_at} runs of {} files", files.len());
}

#[test]
fn masks_that_constants_are_made_into_stay() {
    let square = |values: &[f32]| floats("m", &[3, 3], values);
    let triangle = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0];
    let constants = || vec![floats("one", &[], &[1.0]), floats("large", &[], &[1e4]), floats("half", &[1], &[0.5])];
    let scores = || node("MatMul", &["x", "w"], &["s"], &[]);
    let weight = || floats("w", &[3, 3], &[0.5, -0.25, 0.125, 0.75, 0.25, -0.5, 0.375, 0.625, -0.75]);
    let with = |inner: Vec<NodeProto>, mask: TensorProto| {
        let nodes = [vec![scores()], inner, vec![node("Softmax", &["t"], &["y"], &[])]].concat();
        model(&[3, 3], nodes, [constants(), vec![weight(), mask]].concat())
    };
    let complement = || vec![node("Sub", &["one", "m"], &["a"], &[]), node("Mul", &["a", "large"], &["b"], &[])];
    let apart = |node: NodeProto| [complement(), vec![node]].concat();
    let subtracted = apart(node("Sub", &["s", "b"], &["t"], &[]));
    let multiplied =
        [complement(), vec![node("Mul", &["s", "m"], &["u"], &[]), node("Sub", &["u", "b"], &["t"], &[])]].concat();
    let negated =
        apart(node("Neg", &["b"], &["c"], &[])).into_iter().chain([node("Add", &["s", "c"], &["t"], &[])]).collect();
    // An exporter may have computed a part.
    let folded = triangle.map(|v| 1e4 * (1.0 - v));
    let direct = vec![node("Sub", &["s", "m"], &["t"], &[])];
    let all = [(subtracted.clone(), triangle), (multiplied, triangle), (negated, triangle), (direct, folded)];
    for (nodes, mask) in all {
        let model = with(nodes, square(&mask));
        let stripped = strip(&model.encode_to_vec(), None).unwrap();
        assert_eq!(stripped.structure, [("m".to_owned(), vec![3, 3])], "{:?}", stripped.withheld);
        assert_eq!(stripped.withheld, [("w".to_owned(), vec![3, 3])]);
        assert_eq!(audited(&model, &model), Ok(Vec::new()));
    }
    // What is no mask is a weight: it takes nothing out, has other numbers, or goes elsewhere too.
    let pruned = vec![node("Mul", &["s", "m"], &["t"], &[])];
    let small = vec![node("Mul", &["m", "half"], &["b"], &[]), node("Add", &["s", "b"], &["t"], &[])];
    let raised = apart(node("Add", &["s", "b"], &["t"], &[]));
    let mut elsewhere = with(subtracted.clone(), square(&triangle));
    let graph = elsewhere.graph.as_mut().unwrap();
    graph.node.push(node("MatMul", &["x", "m"], &["z"], &[]));
    graph.output.push(tract_onnx::pb::ValueInfoProto { name: "z".into(), ..Default::default() });
    let others = [1.0, 0.0, 0.0, 1.0, 0.5, 0.0, 1.0, 1.0, 1.0];
    let all = [
        with(pruned, square(&triangle)),
        with(small, square(&triangle)),
        with(raised, square(&triangle)),
        with(subtracted, square(&others)),
        elsewhere,
    ];
    for (n, model) in all.iter().enumerate() {
        let stripped = strip(&model.encode_to_vec(), None).unwrap();
        assert!(stripped.withheld.iter().any(|(name, _)| name == "m"), "model {n}: {:?}", stripped.structure);
    }
}

/// A matrix there, and on the way back its transpose or another one's.
fn there_and_back(back: Option<f32>) -> ModelProto {
    let entries = |seed: f32| (0..44).map(|i| (i * 37 % 101) as f32 / 64.0 - seed).collect::<Vec<_>>();
    let mut tensors = vec![floats("w", &[4, 11], &entries(0.0))];
    tensors.extend(back.map(|seed| floats("v", &[4, 11], &entries(seed))));
    let nodes = vec![
        node("MatMul", &["x", "w"], &["a"], &[]),
        node("Relu", &["a"], &["b"], &[]),
        node("Transpose", &[if back.is_some() { "v" } else { "w" }], &["t"], &[("perm", Ints(&[1, 0]))]),
        node("MatMul", &["b", "t"], &["y"], &[]),
    ];
    model(&[3, 4], nodes, tensors)
}

#[test]
fn tied_weights_are_one_and_audited_as_one() {
    let [tied, same, other] = [None, Some(0.0), Some(1.0)].map(there_and_back);
    let weights = |model: &ModelProto| {
        let program = compile(&model.import().unwrap(), &[], &Options::default()).unwrap().program;
        let weights = program.tensors.iter().filter(|t| matches!(t.source, Source::Weight));
        weights.map(|t| t.shape.len()).sum::<usize>()
    };
    assert_eq!([&tied, &same, &other].map(weights), [44, 44, 88]);
    for (compiled, auditor) in [(&tied, &tied), (&same, &same), (&other, &other), (&tied, &same), (&same, &tied)] {
        assert!(audited(compiled, auditor).is_ok());
    }
    for (compiled, auditor) in [(&tied, &other), (&other, &tied), (&same, &other), (&other, &same)] {
        let refused = audited(compiled, auditor);
        assert!(matches!(refused, Err(AuditError::Differs(_) | AuditError::Lower(_))), "{refused:?}");
    }
}
