//! A folder to work in, and runs of the program there.
#![allow(dead_code)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;
use zktorch_models::bundled;

/// A scratch folder.
pub struct Scratch(TempDir);

impl Scratch {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and gives its path.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.text(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Names of everything in it.
    pub fn names(&self) -> Vec<String> {
        names(self.0.path())
    }
}

pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Exit code, stdout and stderr of a run.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The JSON on stdout, which must be nothing else.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Asserts the exit code, and that stderr says all of this.
    pub fn fails(&self, code: i32, fragments: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(!self.stderr.contains("panicked") && !self.stderr.contains("internal error"), "{self:?}");
        for fragment in fragments {
            assert!(self.stderr.contains(fragment), "{fragment:?} is not in {self:?}");
        }
    }
}

/// The program with these words.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zktorch"));
    // What is kept between runs stays out of the user's cache.
    command.args(args).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// What came of a run.
pub fn ran(Output { status, stdout, stderr }: Output) -> Ran {
    Ran {
        code: status.code().unwrap(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// Runs the program.
pub fn zktorch(args: &[&str]) -> Ran {
    ran(command(args).output().unwrap())
}

/// Runs it, and expects that it does what was asked.
pub fn done(args: &[&str]) -> Ran {
    let ran = zktorch(args);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran
}

/// An ONNX model of one node `y = Op(x)` on a tensor of floats.
pub fn one_node(op: &str, dims: &[u8]) -> Vec<u8> {
    one_node_of(op, &["x"], dims)
}

/// An ONNX model of one node on tensors of floats of one shape, in protobuf's wire format. Its result is `y`.
pub fn one_node_of(op: &str, inputs: &[&str], dims: &[u8]) -> Vec<u8> {
    let inputs: Vec<(&str, &[u8])> = inputs.iter().map(|name| (*name, dims)).collect();
    node(op, &inputs, &["y"], dims)
}

/// An ONNX model of one node, with shapes of its inputs and of its first output, which is the model's.
pub fn node(op: &str, inputs: &[(&str, &[u8])], outputs: &[&str], dims: &[u8]) -> Vec<u8> {
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = match bytes.len() {
            short @ 0..128 => vec![short as u8],
            long => vec![(long & 127) as u8 | 128, u8::try_from(long >> 7).unwrap()],
        };
        [&[number << 3 | 2], length.as_slice(), bytes].concat()
    }
    let value = |name: &str, dims: &[u8]| {
        let axes: Vec<Vec<u8>> = dims.iter().map(|&d| field(1, &[1 << 3, d])).collect();
        let tensor = field(1, &[[1 << 3, 1].as_slice(), &field(2, &axes.concat())].concat());
        [field(1, name.as_bytes()), field(2, &tensor)].concat()
    };
    let reads: Vec<u8> = inputs.iter().flat_map(|(name, _)| field(1, name.as_bytes())).collect();
    let writes: Vec<u8> = outputs.iter().flat_map(|name| field(2, name.as_bytes())).collect();
    let node = [reads, writes, field(3, b"the_node"), field(4, op.as_bytes())].concat();
    let ports: Vec<u8> = inputs.iter().flat_map(|(name, dims)| field(11, &value(name, dims))).collect();
    let graph = [field(1, &node), field(2, b"g"), ports, field(12, &value(outputs[0], dims))].concat();
    let opset = field(8, &[2 << 3, 13]);
    [[1 << 3, 8].as_slice(), &field(7, &graph), &opset].concat()
}

/// Compiles the bundled MLP into a folder of the scratch, on an insecure setup, which is fast.
pub fn compile_mlp(scratch: &Scratch, name: &str, more: &[&str]) -> Ran {
    let model = scratch.file("mlp.onnx", bundled::DIGITS_MLP.onnx);
    let samples = scratch.file("samples.npy", bundled::DIGITS_CALIBRATION_NPY);
    let dir = scratch.text(name);
    let mut args = vec!["compile", &model, "-o", &dir, "--calibrate", &samples, "--setup", "insecure:10", "--bits", "9"];
    args.extend(more);
    zktorch(&args)
}

/// The compiled MLP with an input and a proof, made once for all tests of a file.
pub struct Shared {
    scratch: Scratch,
}

impl Shared {
    pub fn dir(&self) -> String {
        self.scratch.text("mlp")
    }

    pub fn key(&self) -> String {
        self.scratch.text("mlp/verifying.key")
    }

    pub fn input(&self) -> String {
        self.scratch.text("input.json")
    }

    pub fn proof(&self) -> String {
        self.scratch.text("proof")
    }
}

pub fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let shared = Shared { scratch: Scratch::new() };
        let compiled = compile_mlp(&shared.scratch, "mlp", &[]);
        assert_eq!(compiled.code, 0, "{compiled:?}");
        shared.scratch.file("input.json", bundled::DIGITS_MLP.input_json);
        let proved = zktorch(&["prove", &shared.dir(), "--input", &shared.input(), "-o", &shared.proof()]);
        assert_eq!(proved.code, 0, "{proved:?}");
        shared
    })
}
