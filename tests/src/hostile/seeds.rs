//! Honest files to begin from.

use super::{COMPILED, HONEST, PROVER, TRANSPARENT, toy};
use crate::fixture::Fixture;
use crate::tamper::ALL;
use crate::toy::{ProgramBuilder, Toy};
use ark_serialize::CanonicalSerialize;
use std::collections::BTreeMap;
use zktorch_accumulator::setup::hash::insecure_tau;
use zktorch_accumulator::setup::import::to_container;
use zktorch_accumulator::setup::{Generators, Setup, VerifierSetup, second_group_powers, write_tau};
use zktorch_blocks::execute::Weights;
use zktorch_blocks::program::{
    Advice, AxisGroup, Column, Einsum, Element, GroupMap, Program, Role, Scale, Source, Table, TensorId, View, Visibility,
};
use zktorch_compiler::Port;
use zktorch_compiler::import::strip;
use zktorch_engine::{KeyFiles, ProgramFile};
use zktorch_models::bundled::DIGITS_MLP;
use zktorch_verifier::codec::{Kind, canonical, open};
use zktorch_verifier::key::VerifyingKey;

/// The seeds of a fuzz target by name; none for a name that is not a target.
///
/// # Panics
/// If an honest file cannot be made.
pub fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let named = |name: &str, bytes: Vec<u8>| (name.to_owned(), bytes);
    match target {
        "proof" => {
            let honest = payload(Kind::Proof, &HONEST.proved.proof.to_bytes().expect("encodes"));
            let edits = (0..ALL.len() as u8).map(|what| (format!("mutation-{what}"), vec![1, what, 0, 9, what, 1, 7]));
            edits.chain([named("toy", [&[0], honest.as_slice()].concat())]).collect()
        }
        "verifying_key" => keys().into_iter().map(|(name, key)| (name.to_owned(), key_payload(&key))).collect(),
        "prover_files" => vec![
            named("program", [&[0], program_payload(&toy().program()).as_slice()].concat()),
            named("program-of-everything", [&[0], program_payload(&everything()).as_slice()].concat()),
            named(
                "key",
                [&[1], payload(Kind::ProvingKey, &PROVER.0.proving.to_bytes().expect("encodes")).as_slice()].concat(),
            ),
        ],
        "setup" => setups(),
        "inputs" => vec![
            named("json", [&[0], &br#"{"input_data": [[1, 2.5, -3e2, 4, 5, 6]]}"#[..]].concat()),
            named("json-two", [&[0], &br#"{"input_data": [[[1], [2]], [[1, 2, 3, 4]]]}"#[..]].concat()),
            named("npy", [&[1], npy(&[1, 2, 3]).as_slice()].concat()),
            named("npz", [&[2], archive(&npy(&[1, 2, 3])).as_slice()].concat()),
            // dims 1, 2, 3; float; raw data.
            named("pb", [&[3, 8, 1, 8, 2, 8, 3, 16, 1, 74, 24], [0u8; 24].as_slice()].concat()),
        ],
        "onnx" => vec![
            named("mlp", DIGITS_MLP.onnx.to_vec()),
            named("mlp-without-weights", strip(DIGITS_MLP.onnx, None).expect("a model").bytes),
        ],
        _ => Vec::new(),
    }
}

fn payload(kind: Kind, file: &[u8]) -> Vec<u8> {
    open(kind, file).expect("a file of ours").to_vec()
}

fn key_payload(key: &VerifyingKey) -> Vec<u8> {
    canonical(key).expect("encodes")
}

/// Keys of all setups, and of a program with every kind of tensor.
fn keys() -> Vec<(&'static str, VerifyingKey)> {
    let honest = HONEST.fixture.verifying.clone();
    let transparent = VerifierSetup::Transparent { columns: 16, generators: TRANSPARENT.digest() };
    let powers = second_group_powers(insecure_tau(), 3);
    let tau = write_tau(powers[1], powers[2]).expect("two points");
    let small = PROVER.0.verifying.clone();
    let with = |setup: VerifierSetup| VerifyingKey { setup, ..small.clone() };
    let square = Toy { square: true, public_input: true, ..toy() };
    let everything = everything();
    let weights: Weights = BTreeMap::from([(TensorId(1), [1, -2, 3].into())]);
    let setup = Setup::insecure(5).expect("in range");
    vec![
        ("transparent", with(transparent)),
        ("ethereum", with(VerifierSetup::Ethereum)),
        ("imported", with(VerifierSetup::Imported { columns: 32, tau })),
        ("square", Fixture::toy(&square, 5).0.verifying),
        ("everything", Fixture::new(everything, weights, &setup, 5).verifying),
        ("toy", honest),
        ("compiled", compiled()),
    ]
}

/// A key of a compiled model, whose commitments are to nothing.
fn compiled() -> VerifyingKey {
    let program = COMPILED.1.clone();
    let weights = program.with_role(Role::Weight).map(|id| (id, vec![0; program.tensors[id].shape.len()].into()));
    let weights: Weights = weights.collect();
    Fixture::new(program, weights, &Setup::insecure(10).expect("in range"), 10).verifying
}

fn program_payload(program: &Program) -> Vec<u8> {
    let port = |&id: &TensorId| Port {
        name: program.tensors[id].name.clone(),
        shape: program.tensors[id].shape.dims().to_vec(),
        element: Element::Real,
        scale: Scale(0),
        columns: Vec::new(),
        interval: program.tensors[id].interval,
    };
    let [inputs, outputs] = [&program.inputs, &program.outputs].map(|ids| ids.iter().map(port).collect());
    let file = ProgramFile { program: program.clone(), inputs, outputs, keys: KeyFiles::default() };
    canonical(&file).expect("encodes")
}

/// A program with every source, every rule of advice, every map of views and every column; it need not mean anything.
fn everything() -> Program {
    let mut b = ProgramBuilder::default();
    let x = b.tensor("x", &[2, 3], Source::Input(0), 4);
    let w = b.tensor("w", &[3], Source::Weight, 3);
    let one = b.tensor("one", &[2, 3], Source::Fill(1), 4);
    let known = b.tensor("known", &[3, 2], Source::Constant(vec![1, -2, 3, 4, 5, -6]), 4);
    let group =
        |out: &[usize], source: &[usize], map| AxisGroup { out_axes: out.to_vec(), source_axes: source.to_vec(), map };
    let view = |source, groups| Source::View(View { source, groups });
    let flat = b.tensor("flat", &[6], view(x, vec![group(&[0], &[0, 1], GroupMap::Reshape)]), 4);
    let list = GroupMap::List(vec![Some(5), None, Some(0)]);
    b.tensor("list", &[3], view(flat, vec![group(&[0], &[0], list)]), 4);
    let affine = GroupMap::Affine { strides: vec![1, 1], offset: -1 };
    let windows = b.tensor(
        "windows",
        &[2, 3, 2],
        view(x, vec![group(&[0], &[0], GroupMap::Reshape), group(&[1, 2], &[1], affine)]),
        4,
    );
    let spread = vec![group(&[1], &[0], GroupMap::Reshape), group(&[0], &[], GroupMap::Broadcast)];
    let wide = b.tensor("wide", &[2, 3], view(w, spread), 4);
    let einsum = |lhs, l: &[u8], rhs, r: &[u8], o: &[u8]| {
        Source::Einsum(Einsum { lhs, rhs, lhs_labels: l.to_vec(), rhs_labels: r.to_vec(), out_labels: o.to_vec() })
    };
    b.tensor("matmul", &[2, 2], einsum(x, b"mk", known, b"kn", b"mn"), 12);
    b.tensor("batched", &[2, 3, 2], einsum(windows, b"byk", wide, b"by", b"byk"), 12);
    let sum = b.tensor("sum", &[2, 3], Source::Linear { terms: vec![(2, x), (1, wide), (-1, one)], constant: 1 }, 8);
    let tables = [
        Table { name: "relu".into(), rows: 11, columns: vec![Column::Count { start: -5 }, Column::Relu { start: -5 }] },
        Table { name: "data".into(), rows: 3, columns: vec![Column::Data(vec![-1, 0, 1])] },
        Table::range("range", -64, 128),
    ];
    let tables = tables.map(|table| b.table(table));
    for (name, advice) in [
        ("round", Advice::Round { source: sum, divisor: 4 }),
        ("floor", Advice::Floor { source: sum, divisor: 3 }),
        ("gap", Advice::Gap { reference: one, source: sum, divisor: 2 }),
        ("first", Advice::FirstZero { source: x, axes: vec![0, 1] }),
        ("divide", Advice::Divide { numerator: sum, denominator: one, scale: 2 }),
        ("exponent", Advice::Exponent { source: sum, bits: 2 }),
        ("excess", Advice::Excess { source: sum, divisor: 2, lo: -2, hi: 2, step: 2 }),
        ("root", Advice::SquareRoot { source: one }),
        ("sign", Advice::Sign { source: sum }),
        ("descent", Advice::Descent { bits: one, parents: vec![0, 1, 2] }),
    ] {
        let id = b.tensor(name, &[2, 3], Source::Advice(advice), 7);
        b.lookup(&[id], tables[if name == "sign" { 1 } else { 2 }]);
    }
    let after = TensorId(b.program.tensors.len());
    let carry = Advice::Carry { source: TensorId(after.0 + 2), divisor: 2 };
    b.tensor("after", &[2, 3], Source::Advice(carry), 7);
    b.lookup(&[after], tables[2]);
    let earlier = GroupMap::Affine { strides: vec![1], offset: -1 };
    let earlier = vec![group(&[0], &[0], earlier), group(&[1], &[1], GroupMap::Reshape)];
    let before = b.tensor("before", &[2, 3], view(after, earlier), 7);
    b.tensor("next", &[2, 3], Source::Linear { terms: vec![(1, before), (1, x)], constant: 0 }, 8);
    let relu = Advice::Table { source: one, table: tables[0], column: 1 };
    let relu = b.tensor("relu", &[2, 3], Source::Advice(relu), 4);
    b.lookup(&[one, relu], tables[0]);
    let max = b.tensor("max", &[2], Source::Advice(Advice::Max { source: sum, axes: vec![1], divisor: 1 }), 8);
    let copy = b.tensor("y", &[2], Source::Advice(Advice::Copy { source: max }), 8);
    let same = b.tensor("same", &[2], Source::Linear { terms: vec![(1, max), (-1, copy)], constant: 0 }, 10);
    b.program.tensors[copy].visibility = Visibility::Public;
    b.program.zeros = vec![same];
    b.program.inputs = vec![x];
    b.program.outputs = vec![copy];
    b.program
}

/// Four powers of tau in the three formats.
fn setups() -> Vec<(String, Vec<u8>)> {
    let g1 = Generators::powers_of(insecure_tau(), 4).g;
    let g2 = second_group_powers(insecure_tau(), 3);
    let hex = |point: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        point(&mut bytes);
        bytes.iter().fold("\"0x".to_owned(), |text, byte| format!("{text}{byte:02x}")) + "\""
    };
    fn write(point: &impl CanonicalSerialize, bytes: &mut Vec<u8>) {
        point.serialize_compressed(bytes).expect("a vector takes all");
    }
    let first: Vec<String> = g1.iter().map(|p| hex(&|bytes| write(p, bytes))).collect();
    let second: Vec<String> = g2.iter().map(|p| hex(&|bytes| write(p, bytes))).collect();
    let (first, second) = (first.join(","), second.join(","));
    let consensus = format!(r#"{{"g1_monomial":[{first}],"g2_monomial":[{second}]}}"#);
    let ceremony = format!(r#"{{"transcripts":[{{"powersOfTau":{{"G1Powers":[{first}],"G2Powers":[{second}]}}}}]}}"#);
    let container = to_container(&g1, &g2);
    vec![
        ("container".into(), container.expect("encodes")),
        ("consensus".into(), consensus.into_bytes()),
        ("ceremony".into(), ceremony.into_bytes()),
    ]
}

/// A float array of zeros.
fn npy(shape: &[usize]) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}\n", axes.join(", "));
    let data = vec![0u8; 4 * shape.iter().product::<usize>()];
    [b"\x93NUMPY\x01\x00", (header.len() as u16).to_le_bytes().as_slice(), header.as_bytes(), &data].concat()
}

/// A zip archive with one stored file, `x.npy`.
fn archive(file: &[u8]) -> Vec<u8> {
    let crc = file
        .iter()
        .fold(u32::MAX, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1))));
    let length = (file.len() as u32).to_le_bytes();
    // Version, flags, method, time, date, checksum, sizes, lengths of the name and of extra fields.
    let common = [&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0], &(!crc).to_le_bytes()[..], &length, &length, &[5, 0, 0, 0]].concat();
    let local = [b"PK\x03\x04", common.as_slice(), b"x.npy", file].concat();
    let central = [b"PK\x01\x02\x14\x00", common.as_slice(), &[0; 14], b"x.npy"].concat();
    let places = [(central.len() as u32).to_le_bytes(), (local.len() as u32).to_le_bytes()].concat();
    [&local, &central, b"PK\x05\x06\0\0\0\0\x01\0\x01\0".as_slice(), &places, &[0, 0]].concat()
}
