//! Element types: what inputs may be, casts, and integers that no float of 32 bits holds.

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::execute::{check_satisfied, execute};
use zktorch_blocks::program::{Element, Interval, Scale, Visibility};

use super::onnx::{Dim, Model};
use crate::audit::audit;
use crate::graph::{Domain, EvaluateError, Graph};
use crate::import::{ImportOptions, load_bytes};
use crate::{Compiled, InputError, Options, compile};

/// ONNX's numbers of element types.
const FLOAT: i64 = 1;
const UINT8: i64 = 2;
const INT8: i64 = 3;
const INT32: i64 = 6;
const INT64: i64 = 7;
const BOOL: i64 = 9;

fn import(model: Model) -> Graph {
    load_bytes(&model.encode(), &ImportOptions::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn array(values: &[f64]) -> ArrayD<f64> {
    ArrayD::from_shape_vec(IxDyn(&[values.len()]), values.to_vec()).expect("a vector")
}

/// A model of one vector of this type that casts it to others, one after the other.
fn casts(from: i64, length: usize, to: &[i64]) -> Graph {
    let mut model = Model::default().input_of(from, "x", &[Dim::Fixed(length as i64)]);
    let names: Vec<String> = (0..=to.len()).map(|i| if i == 0 { "x".to_owned() } else { format!("c{i}") }).collect();
    for (i, &to) in to.iter().enumerate() {
        model = model.node_with("Cast", &names[i + 1], &[&names[i]], &names[i + 1], &[("to", to)]);
    }
    import(model.output(&names[to.len()]))
}

fn seen(inputs: Visibility) -> Options {
    Options { inputs, ..Options::default() }
}

/// Compiles on samples of one vector, and what comes out for a vector, every constraint checked.
fn run(graph: &Graph, samples: &[&[f64]], inputs: Visibility, x: &[f64]) -> (Compiled, Vec<f64>) {
    let samples: Vec<_> = samples.iter().map(|s| vec![array(s)]).collect();
    let compiled = compile(graph, &samples, &seen(inputs)).unwrap_or_else(|e| panic!("{e}"));
    let integers = compiled.inputs[0].quantise(x).unwrap_or_else(|e| panic!("{e}"));
    let trace = execute(&compiled.program, &compiled.weights, &[integers]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(check_satisfied(&compiled.program, &trace), vec![]);
    let out = compiled.outputs[0].dequantise(&trace.values(&compiled.program, compiled.program.outputs[0]));
    (compiled, out)
}

#[test]
fn casts_wrap_and_truncate() {
    for (from, to, x, y) in [
        (INT64, &[UINT8][..], [300.0, -1.0, 255.0], [44.0, 255.0, 255.0]),
        (INT64, &[INT8], [300.0, -129.0, 127.0], [44.0, 127.0, 127.0]),
        (FLOAT, &[INT32], [1.75, -1.75, -0.25], [1.0, -1.0, 0.0]),
        (FLOAT, &[BOOL], [0.0, 0.5, -3.0], [0.0, 1.0, 1.0]),
        (INT64, &[BOOL, FLOAT], [0.0, 5.0, -3.0], [0.0, 1.0, 1.0]),
        (UINT8, &[INT8, INT64], [200.0, 127.0, 128.0], [-56.0, 127.0, -128.0]),
        (BOOL, &[FLOAT, INT64], [1.0, 0.0, 1.0], [1.0, 0.0, 1.0]),
        (BOOL, &[UINT8], [1.0, 0.0, 1.0], [1.0, 0.0, 1.0]),
    ] {
        let graph = casts(from, 3, to);
        let evaluation = graph.evaluate(&[array(&x)]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(evaluation.outputs()[0].as_slice(), Some(&y[..]), "{from} to {to:?}");
        let (compiled, out) = run(&graph, &[&x], Visibility::Public, &x);
        assert_eq!(out, y, "{from} to {to:?}");
        let element = match *to.last().expect("a cast") {
            FLOAT => Element::Real,
            BOOL => Element::Boolean,
            _ => Element::Integer,
        };
        assert_eq!(compiled.outputs[0].element, element, "{from} to {to:?}");
        assert!(element == Element::Real || compiled.outputs[0].scale == Scale(0));
    }
}

#[test]
fn what_inputs_may_be() {
    for (kind, domain) in [
        (FLOAT, Domain::Real),
        (UINT8, Domain::Integer { lo: 0, hi: 255 }),
        (INT8, Domain::Integer { lo: -128, hi: 127 }),
        (INT64, Domain::ANY),
        (BOOL, Domain::Boolean),
    ] {
        let graph = casts(kind, 2, &[FLOAT]);
        assert_eq!(graph.domain(graph.inputs()[0]), domain);
        let fractions = graph.evaluate(&[array(&[1.0, 0.5])]);
        match domain {
            Domain::Real => assert!(fractions.is_ok()),
            _ => assert!(matches!(fractions, Err(EvaluateError::Element { position: 1, .. })), "{fractions:?}"),
        }
        let samples: &[&[f64]] = if kind == INT64 { &[&[1000.0, -3.0]] } else { &[&[1.0, 0.0]] };
        for inputs in [Visibility::Public, Visibility::Private] {
            let port = run(&graph, samples, inputs, &[1.0, 0.0]).0.inputs.remove(0);
            assert_eq!(port.element, domain.element());
            let fraction = port.quantise(&[1.0, 0.5]);
            let refused = matches!(&fraction, Err(InputError::Fraction { position: 1, name, .. }) if name == "x");
            assert_eq!(refused, domain.is_exact(), "{fraction:?}");
            let interval = match domain {
                Domain::Real => port.interval,
                Domain::Boolean => Interval::new(0, 1),
                Domain::Integer { lo, hi } if hi - lo < 256 => Interval::new(lo, hi),
                Domain::Integer { .. } => Interval::new(-2048, 2047),
            };
            assert_eq!(port.interval, interval);
            assert!(!domain.is_exact() || port.scale == Scale(0));
        }
    }
}

#[test]
fn private_inputs_are_of_their_type_in_every_proof() {
    for (kind, beyond) in [(BOOL, [-1, 2]), (UINT8, [-1, 256]), (INT8, [-129, 128]), (INT64, [-1, 128])] {
        let graph = casts(kind, 1, &[FLOAT]);
        let Compiled { program, weights, .. } =
            run(&graph, &[&[50.0f64.min(if kind == BOOL { 1.0 } else { 50.0 })]], Visibility::Private, &[1.0]).0;
        for value in beyond {
            let mut trace = execute(&program, &weights, &[vec![1]]).expect("1 is of every type");
            for id in program.tensors.ids() {
                let values = match id == program.inputs[0] {
                    true => Some(vec![value]),
                    false => zktorch_blocks::execute::definition(&program, &trace, id),
                };
                values.into_iter().for_each(|values| trace.replace(id, values));
            }
            let missed = program.lookups.iter().any(|l| zktorch_blocks::execute::first_miss(&program, &trace, l).is_some());
            assert!(missed, "{value} is no value of type {kind}");
        }
    }
}

#[test]
fn integers_that_floats_of_32_bits_lose() {
    let large = (1i64 << 24) as f64;
    let model = Model::default().input_of(INT64, "x", &[Dim::Fixed(2)]).integers("c", &[1], &[1 << 24]);
    let graph = import(model.node("Sub", "y", &["x", "c"], "y").output("y"));
    let x = [large + 1.0, large - 3.0];
    for inputs in [Visibility::Public, Visibility::Private] {
        let (compiled, out) = run(&graph, &[&x], inputs, &x);
        assert_eq!(out, [1.0, -3.0]);
        assert_eq!((compiled.outputs[0].element, compiled.outputs[0].scale), (Element::Integer, Scale(0)));
    }
    let beyond = Model::default().input_of(INT64, "x", &[Dim::Fixed(1)]).integers("c", &[1], &[(1 << 53) + 1]);
    let beyond = load_bytes(&beyond.node("Add", "y", &["x", "c"], "y").output("y").encode(), &ImportOptions::default());
    let error = beyond.expect_err("no float holds it").to_string();
    assert!(error.contains("beyond 2^53"), "{error}");
}

#[test]
fn arithmetic_of_integers_is_exact_and_wraps() {
    // (x + 1) x of bytes: beyond 127 it begins anew.
    let model = Model::default().input_of(INT32, "x", &[Dim::Fixed(3)]);
    let model = model.node_with("Cast", "b", &["x"], "b", &[("to", INT8)]).node("Mul", "m", &["b", "b"], "m");
    let graph = import(model.node("Add", "y", &["m", "b"], "y").output("y"));
    let x = [11.0, 12.0, -100.0];
    let expected = [132.0 - 256.0, 156.0 - 256.0, (9900i64.rem_euclid(256) - 256) as f64];
    assert_eq!(graph.evaluate(&[array(&x)]).unwrap().outputs()[0].as_slice(), Some(&expected[..]));
    assert_eq!(run(&graph, &[&x], Visibility::Public, &x).1, expected);
}

#[test]
fn a_mask_that_was_a_boolean_is_as_fine_as_reals() {
    let model = Model::default().input_of(BOOL, "x", &[Dim::Fixed(4)]).weight("w", &[4], &[0.37, -0.0123, 1.7, 0.001]);
    let model = model.node_with("Cast", "f", &["x"], "f", &[("to", FLOAT)]).node("Mul", "m", &["f", "w"], "m");
    let graph = import(model.node("Tanh", "y", &["m"], "y").output("y"));
    let samples: &[&[f64]] = &[&[1.0, 0.0, 1.0, 1.0], &[0.0, 1.0, 1.0, 1.0]];
    let (_, out) = run(&graph, samples, Visibility::Public, &[1.0, 1.0, 0.0, 1.0]);
    for (got, want) in out.iter().zip([0.37f64, -0.0123, 0.0, 0.001]) {
        assert!((got - want.tanh()).abs() < 1e-3, "{got} for {want}");
    }
}

#[test]
fn operators_that_would_round_integers_are_refused() {
    let model = Model::default().input_of(INT64, "x", &[Dim::Fixed(2)]).integers("e", &[1], &[3]);
    let model = model.node("Pow", "cube", &["x", "e"], "y").output("y");
    let error =
        load_bytes(&model.encode(), &ImportOptions::default()).expect_err("cubes are not carried exactly").to_string();
    assert!(error.contains("cube") && error.contains("integers"), "{error}");
}

#[test]
fn what_inputs_may_be_is_audited() {
    for kind in [BOOL, UINT8, INT8, INT64] {
        let graph = casts(kind, 3, &[FLOAT]);
        for inputs in [Visibility::Public, Visibility::Private] {
            let (compiled, _) = run(&graph, &[&[1.0, 0.0, 1.0]], inputs, &[1.0, 1.0, 0.0]);
            audit(&graph, &compiled.program).unwrap_or_else(|e| panic!("{kind}: {e}"));
            let mut other = compiled.program.clone();
            let input = other.inputs[0];
            other.tensors[input].scale.0 += 1;
            assert!(audit(&graph, &other).is_err(), "type {kind} at another scale");
            if kind != INT64 {
                let mut wider = compiled.program.clone();
                wider.tensors[input].interval.hi += 1;
                assert!(audit(&graph, &wider).is_err(), "type {kind} in a wider range");
            }
        }
    }
}
