//! The engine on data: the files that the command line makes, kinds of failures, and work that somebody ends.

mod common;

use common::{Scratch, command, compile_mlp, done, names, one_node, ran, zktorch};
use serde_json::Value;
use std::path::Path;
use zktorch_engine::{
    Array, Blob, CommitmentDestination, CompileOptions, Compiled, Destination, FOLDER_FILES, Failure, Given, Kind, Model,
    ProveOptions, SetupChoice, Silent, Subject, VerifyOptions, Watch, audit, compile, inspect, strip, verify,
};
use zktorch_models::bundled;

fn bytes(name: &str, bytes: &[u8]) -> Blob {
    Blob::Bytes { name: name.into(), bytes: bytes.to_vec() }
}

/// The calibration images as one array.
fn images() -> Given {
    let all = bundled::digits_calibration().unwrap();
    Given::Arrays(vec![Array { values: all.values.to_f64(), shape: all.shape }])
}

fn image() -> Given {
    let test = bundled::digits_test().unwrap();
    Given::Arrays(vec![Array { shape: vec![1, 1, 8, 8], values: test.images[0].iter().map(|&v| v.into()).collect() }])
}

fn options() -> CompileOptions {
    CompileOptions {
        calibrate: vec![images()],
        bits: Some(9),
        setup: SetupChoice::Insecure(10),
        test_seed: Some(7),
        ..CompileOptions::default()
    }
}

fn mlp() -> Blob {
    bytes("mlp.onnx", bundled::DIGITS_MLP.onnx)
}

fn compiled(options: &CompileOptions) -> Compiled {
    compile(&mlp(), options, &mut Silent).unwrap_or_else(|e| panic!("{e}"))
}

/// The JSON of both without what a clock says.
fn timeless(mut json: Value) -> Value {
    for field in ["seconds", "total_seconds", "phases"] {
        json.as_object_mut().unwrap().remove(field);
    }
    json
}

#[test]
fn files_are_those_of_the_command_line() {
    let scratch = Scratch::new();
    let private = ["--test-seed", "7", "--input", "private"];
    assert_eq!(compile_mlp(&scratch, "by_command", &private).code, 0);
    let made = compiled(&CompileOptions { input: zktorch_blocks::program::Visibility::Private, ..options() });
    let own = scratch.path("by_engine");
    assert!(made.write(Destination::new(&own, false).unwrap()).unwrap().is_none());
    for name in FOLDER_FILES {
        let [one, two] = ["by_command", "by_engine"].map(|dir| std::fs::read(scratch.path(dir).join(name)).unwrap());
        assert!(one == two, "{name}");
    }

    // Each reads what the other made.
    let model = Model::read(&scratch.path("by_command")).unwrap();
    let proving = ProveOptions { input: Some(image()), test_seed: Some(8), ..ProveOptions::default() };
    let proved = model.prove(&proving, &mut Silent).unwrap();
    let input = scratch.file("input.json", bundled::DIGITS_MLP.input_json);
    let [dir, proof, kept] = ["by_engine", "proof", "kept"].map(|name| scratch.text(name));
    done(&["prove", &dir, "--input", &input, "-o", &proof, "--keep", &kept, "--test-seed", "8"]);
    assert!(proved.to_bytes().unwrap() == std::fs::read(&proof).unwrap());
    proved.committed.unwrap().write(CommitmentDestination::new(&scratch.path("own")).unwrap()).unwrap();
    for end in ["", ".opening"] {
        let [one, two] = ["kept", "own"].map(|name| std::fs::read(scratch.path(&format!("{name}{end}"))).unwrap());
        assert!(one == two, "{end}");
    }
    let committed = model.commit(&image(), Some(9), &mut Silent).unwrap();
    let again = scratch.text("again");
    done(&["commit", &dir, "--input", &input, "-o", &again, "--test-seed", "9"]);
    assert!(committed.to_bytes().unwrap()[0] == std::fs::read(&again).unwrap());
}

#[test]
fn a_verdict_on_bytes_is_that_on_files() {
    let scratch = Scratch::new();
    let made = compiled(&options());
    made.write(Destination::new(&scratch.path("mlp"), false).unwrap()).unwrap();
    let proving = ProveOptions { input: Some(image()), test_seed: Some(8), ..ProveOptions::default() };
    let proof = made.model.prove(&proving, &mut Silent).unwrap().to_bytes().unwrap();
    let path = scratch.file("proof", &proof);
    let [key, model_proof] = ["verifying.key", "model.proof"].map(|name| made.bytes(name).unwrap().to_vec());
    let subject = Subject {
        key: bytes("verifying.key", &key),
        proof: bytes(&path, &proof),
        model_proof: Some(bytes("model.proof", &model_proof)),
    };
    let options = VerifyOptions { remember: false, ..VerifyOptions::default() };
    let verdict = verify(std::slice::from_ref(&subject), &options, &mut Silent).unwrap();
    let key_path = scratch.text("mlp/verifying.key");
    // With nothing remembered of a model that is the same each time.
    let mut by_command = command(&["verify", "--key", &key_path, &path, "--format", "json"]);
    let by_command = ran(by_command.env("XDG_CACHE_HOME", scratch.path("cache")).output().unwrap()).json();
    assert!(verdict.accepted());
    assert_eq!(timeless(verdict.json()), timeless(by_command));
    assert!(verdict.json()["warning"].as_str().unwrap().contains("fixed seed"));

    // One byte makes it a rejection, with the same reason.
    let mut bad = made.model.prove(&proving, &mut Silent).unwrap().proof;
    let middle = bad.bytes.len() / 2;
    bad.bytes[middle] ^= 1;
    let bad = bad.to_bytes().unwrap();
    let bad_path = scratch.file("bad", &bad);
    let rejected = verify(&[Subject { proof: bytes(&bad_path, &bad), ..subject.clone() }], &options, &mut Silent).unwrap();
    let by_command = zktorch(&["verify", "--key", &key_path, &bad_path, "--format", "json"]);
    assert_eq!(by_command.code, 1);
    assert_eq!(timeless(rejected.json()), timeless(by_command.json()));
    // What cannot be read decides nothing, and no proof at all is not an accepted one.
    let undecided = |subjects: &[Subject]| verify(subjects, &options, &mut Silent).unwrap_err();
    assert_eq!(undecided(&[Subject { proof: bytes("x", &[0xa5; 99]), ..subject.clone() }]).kind(), Kind::File);
    assert_eq!(undecided(&[]).kind(), Kind::Usage);
}

#[test]
fn failures_are_of_a_kind() {
    let fails = |model: &Blob, options: &CompileOptions| compile(model, options, &mut Silent).err().expect("it fails");
    let unsupported = fails(&bytes("strange.onnx", &one_node("Det", &[3])), &CompileOptions::default());
    assert_eq!((unsupported.kind(), unsupported.exit_code()), (Kind::Unsupported, 1));
    let node = &unsupported.nodes()[0];
    assert!(node.name == "the_node" && node.op == "Det" && !node.why.is_empty(), "{node:?}");
    let inexact = fails(&mlp(), &CompileOptions { max_error: 1e-6, ..options() });
    assert_eq!((inexact.kind(), inexact.exit_code()), (Kind::Inexact, 1));
    let short = Given::Arrays(vec![Array { shape: vec![2], values: vec![1.0, 2.0] }]);
    assert_eq!(fails(&mlp(), &CompileOptions { calibrate: vec![short.clone()], ..options() }).kind(), Kind::Input);
    assert_eq!(fails(&bytes("noise", &[0xa5; 200]), &CompileOptions::default()).kind(), Kind::File);
    assert_eq!(fails(&mlp(), &CompileOptions { bits: Some(7), ..options() }).kind(), Kind::Usage);

    let scratch = Scratch::new();
    for (name, seed) in [("one", 1), ("two", 2)] {
        let made = compiled(&CompileOptions { test_seed: Some(seed), ..options() });
        made.write(Destination::new(&scratch.path(name), false).unwrap()).unwrap();
    }
    std::fs::copy(scratch.path("two/proving.key"), scratch.path("one/proving.key")).unwrap();
    let foreign: Failure = Model::read(&scratch.path("one")).err().expect("the keys do not belong together");
    assert_eq!(foreign.kind(), Kind::Mismatch);
    let model = Model::read(&scratch.path("two")).unwrap();
    let proving = |input| ProveOptions { input: Some(input), ..ProveOptions::default() };
    let far = Given::Arrays(vec![Array { shape: vec![64], values: vec![5e3; 64] }]);
    let prove = |input| model.prove(&proving(input), &mut Silent).err().expect("it fails");
    assert_eq!((prove(short).kind(), prove(far).kind()), (Kind::Input, Kind::Input));
    assert_eq!(model.commit(&image(), None, &mut Silent).err().map(|e| e.kind()), Some(Kind::Usage));
}

#[test]
fn models_are_stripped_and_audited_in_memory() {
    let made = compiled(&options());
    let stripped = strip(&mlp(), None).unwrap();
    let key = bytes("verifying.key", made.bytes("verifying.key").unwrap());
    assert!(audit(&bytes("stripped.onnx", stripped.bytes()), &key).unwrap().accepted());
    assert!(!audit(&bytes("cnn.onnx", bundled::DIGITS_CNN.onnx), &key).unwrap().accepted());
    assert_eq!(inspect(&key).unwrap().json()["kind"], "verifying key");
}

/// Notes what it is told.
#[derive(Default)]
struct Notes {
    predicted: Vec<f64>,
    parts: Vec<f64>,
}

impl Watch for Notes {
    fn expect(&mut self, seconds: f64) {
        self.predicted.push(seconds);
    }

    fn part(&mut self, done: f64) {
        self.parts.push(done);
    }
}

#[test]
fn a_compilation_says_how_much_of_it_is_done() {
    let mut notes = Notes::default();
    compile(&mlp(), &CompileOptions { bits: None, ..options() }, &mut notes).unwrap();
    assert!(notes.predicted.len() == 1 && (0.01..60.0).contains(&notes.predicted[0]), "{:?}", notes.predicted);
    // It never goes back, and is told more than once a phase.
    assert!(notes.parts.is_sorted() && notes.parts.len() > 20, "{:?}", notes.parts);
    assert!(notes.parts[0] < 0.2 && notes.parts.last().is_some_and(|&done| done > 0.5), "{:?}", notes.parts);
}

/// Wants no more after so many steps of a search.
struct Steps(usize);

impl Watch for Steps {
    fn part(&mut self, _done: f64) {
        self.0 = self.0.saturating_sub(1);
    }

    fn cancelled(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn a_search_is_cancelled_between_its_runs() {
    let fails = |steps| compile(&mlp(), &options(), &mut Steps(steps)).err().map(|e| e.kind());
    assert_eq!((fails(5), fails(1 << 20)), (Some(Kind::Cancelled), None));
}

/// Wants no more once a phase begins.
struct Until(&'static str, bool);

impl Watch for Until {
    fn begin(&mut self, phase: &'static str) {
        self.1 |= phase == self.0;
    }

    fn cancelled(&self) -> bool {
        self.1
    }
}

#[test]
fn work_that_is_cancelled_leaves_nothing() {
    let scratch = Scratch::new();
    let ended = |phase: &'static str, place: &Path| {
        let place = Destination::new(place, false).unwrap();
        let failure = compile(&mlp(), &options(), &mut Until(phase, false)).err().expect("it is cancelled");
        drop(place);
        failure.kind()
    };
    for phase in ["reading samples", "quantising", "committing to the weights", "proving the weights"] {
        assert_eq!(ended(phase, &scratch.path("mlp")), Kind::Cancelled, "{phase}");
        assert!(names(&scratch.path("")).is_empty(), "{phase}");
    }
    // A phase that never comes ends nothing, and a proof is cancelled as well.
    let made = compile(&mlp(), &options(), &mut Until("no phase", false)).unwrap();
    let proving = ProveOptions { input: Some(image()), ..ProveOptions::default() };
    let cancelled = made.model.prove(&proving, &mut Until("witness", false)).err().expect("it is cancelled");
    assert_eq!(cancelled.kind(), Kind::Cancelled);
    assert!(made.model.prove(&proving, &mut Silent).is_ok());
}
