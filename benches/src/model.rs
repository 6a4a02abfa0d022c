//! Models by name or path, with everything that is known of them beside the ONNX file.

use crate::args::Args;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use zktorch_formats::{npy, tensor_proto};
use zktorch_models::bundled;
use zktorch_models::data::{self, Dataset, preprocessing};
use zktorch_models::zoo::Zoo;

/// Samples that calibrate a model of the zoo, and that are handed to other provers.
const SAMPLES: usize = 16;

/// A model, ready to be measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// The ONNX file.
    pub onnx: PathBuf,
    /// The input to prove: `{"input_data": [[..]]}`.
    pub input: PathBuf,
    /// Sample inputs for calibration, a `.npy` file or the input itself.
    pub calibration: PathBuf,
    /// The same samples, one flat list for all, as other provers take them.
    pub calibration_json: PathBuf,
    /// Shapes of the inputs where the ONNX file leaves them open.
    pub shapes: Vec<String>,
    /// The float model's outputs.
    pub expected: Option<Vec<Vec<f64>>>,
    /// Parameters of the float model.
    pub parameters: Option<u64>,
    /// Multiply-accumulates.
    pub macs: Option<u64>,
}

/// Where names are looked up.
#[derive(Clone, Debug)]
pub struct Sources {
    exports: Option<PathBuf>,
    zoo: Option<Zoo>,
    work: PathBuf,
}

impl Sources {
    /// From the command line; files that have to be made go below `work`.
    pub fn new(args: &Args, work: &Path) -> Self {
        Self { exports: args.exports.clone(), zoo: Zoo::locate(), work: work.to_owned() }
    }

    /// Replaces the names of groups by those of their models: `digits`, `exports`, `zoo`.
    ///
    /// # Errors
    /// If a group is not there.
    pub fn expand(&self, names: &[String]) -> Result<Vec<String>> {
        let mut all = Vec::new();
        for name in names {
            match name.as_str() {
                "digits" => all.extend(bundled::ALL.iter().map(|m| m.name.to_owned())),
                "exports" => all.extend(folders(self.exports.as_deref().context("`exports` needs --exports DIR")?)?),
                "zoo" => all.extend(folders(&self.zoo.as_ref().context("`zoo` needs ZKTORCH_ZOO")?.root().join("models"))?),
                _ => all.push(name.clone()),
            }
        }
        Ok(all)
    }

    /// Finds a model: a path, else a bundled model, an export, a model of the zoo.
    ///
    /// # Errors
    /// If there is none, or it has no input.
    pub fn find(&self, name: &str) -> Result<Model> {
        let path = Path::new(name);
        if name.ends_with(".onnx") {
            if !path.is_file() {
                bail!("no file {name}");
            }
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            return self.load(&title(path), path, folder);
        }
        if let Some(model) = bundled::ALL.iter().find(|m| m.name == name) {
            return self.load(name, &self.unpacked(model)?, &self.work.join(name));
        }
        let zoo = self.zoo.as_ref().map(|zoo| zoo.root().join("models").join(name));
        let export = self.exports.as_ref().map(|exports| exports.join(name));
        let folders = [Some(path.to_owned()), export, zoo].into_iter().flatten();
        match folders.map(|folder| (folder.join("model.onnx"), folder)).find(|(onnx, _)| onnx.is_file()) {
            Some((onnx, folder)) => self.load(&title(&onnx), &onnx, &folder),
            None => bail!("no model {name}: neither a path, nor a bundled model, nor in --exports, nor in the zoo"),
        }
    }

    /// Writes a bundled model to files.
    fn unpacked(&self, model: &bundled::BundledModel) -> Result<PathBuf> {
        let folder = self.work.join(model.name);
        let onnx = folder.join("model.onnx");
        write(&onnx, model.onnx)?;
        write(&folder.join("input.json"), model.input_json.as_bytes())?;
        write(&folder.join("calibration.npy"), bundled::DIGITS_CALIBRATION_NPY)?;
        let meta = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(model.name).join("meta.json");
        if let Ok(meta) = fs::read(meta) {
            write(&folder.join("meta.json"), &meta)?;
        }
        Ok(onnx)
    }

    /// Gathers what lies beside an ONNX file.
    fn load(&self, name: &str, onnx: &Path, folder: &Path) -> Result<Model> {
        let mut model = Model { name: name.into(), onnx: onnx.into(), ..Model::default() };
        if let Some(meta) = json_file(&folder.join("meta.json"))? {
            model.describe(&meta);
        }
        let work = self.work.join(name);
        let sample = folder.join("test_data_set_0");
        model.input = folder.join("input.json");
        if !model.input.is_file() {
            let inputs = numbered(&sample, "input")?;
            if inputs.is_empty() {
                bail!("{} has neither input.json nor test_data_set_0/input_0.pb", folder.display());
            }
            model.input = work.join("input.json");
            write(&model.input, json!({ "input_data": inputs }).to_string().as_bytes())?;
        }
        model.expected = match json_file(&folder.join("expected.json"))? {
            Some(expected) => serde_json::from_value(expected["output_data"].clone()).ok(),
            None => Some(numbered(&sample, "output")?).filter(|outputs| !outputs.is_empty()),
        };
        model.calibration = folder.join("calibration.npy");
        if !model.calibration.is_file() {
            model.calibration = self.labelled(name, &work)?.unwrap_or_else(|| model.input.clone());
        }
        model.calibration_json = flat_samples(&model.calibration, &work)?.unwrap_or_else(|| model.input.clone());
        Ok(model)
    }

    /// Calibration samples for a model that takes images of a labelled set.
    fn labelled(&self, name: &str, work: &Path) -> Result<Option<PathBuf>> {
        let (Some(zoo), Some(how)) = (&self.zoo, preprocessing(name)) else { return Ok(None) };
        let dataset = if how.mean.len() == 1 { Dataset::Mnist100 } else { Dataset::Cifar10Sample };
        let Ok(set) = data::load(zoo, dataset) else { return Ok(None) };
        let samples =
            set.images.iter().take(SAMPLES).map(|image| how.apply(image, &set.shape)).collect::<Result<Vec<_>, _>>()?;
        let [height, width, channels] = *set.shape.as_slice() else { return Ok(None) };
        let axes = match how.layout {
            data::Layout::Chw => [channels, height, width],
            data::Layout::Hwc => [height, width, channels],
        };
        let path = work.join("calibration.npy");
        write(&path, &npy_file(&samples, &axes))?;
        Ok(Some(path))
    }
}

impl Model {
    /// Takes over what `meta.json` says, in the zoo's words or the exports'.
    fn describe(&mut self, meta: &Value) {
        let first = |names: &[&str]| names.iter().find_map(|name| meta.pointer(name)?.as_u64());
        self.parameters = first(&["/parameters", "/params_float"]);
        self.macs = first(&["/macs", "/macs/macs"]);
        let inputs = meta["inputs"].as_array().map(Vec::as_slice).unwrap_or_default();
        if inputs.iter().any(|input| input["shape"] != input["used_shape"]) {
            let axis = |axis: &Value| axis.to_string();
            let shape = |input: &Value| {
                input["used_shape"].as_array().map(|axes| axes.iter().map(axis).collect::<Vec<_>>().join("x"))
            };
            self.shapes = inputs.iter().filter_map(shape).collect();
        }
    }
}

/// The file's name without its ending, or the folder's for a `model.onnx`.
fn title(onnx: &Path) -> String {
    let text = |name: Option<&std::ffi::OsStr>| name.map(|n| n.to_string_lossy().into_owned());
    match text(onnx.file_stem()) {
        Some(stem) if stem != "model" => stem,
        _ => text(onnx.parent().and_then(Path::file_name)).unwrap_or_else(|| "model".into()),
    }
}

/// Names of the folders with a `model.onnx`.
fn folders(root: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(root).with_context(|| format!("cannot read {}", root.display()))?;
    let models = entries.flatten().filter(|entry| entry.path().join("model.onnx").is_file());
    let mut names: Vec<String> = models.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// `PREFIX_0.pb`, `PREFIX_1.pb` and so on, each flat.
fn numbered(folder: &Path, prefix: &str) -> Result<Vec<Vec<f64>>> {
    let paths = (0..).map(|i| folder.join(format!("{prefix}_{i}.pb"))).take_while(|path| path.is_file());
    paths
        .map(|path| {
            let tensor = tensor_proto::parse(&fs::read(&path)?).map_err(zktorch_models::Error::at(&path))?;
            Ok(tensor.values.to_f32().into_iter().map(f64::from).collect())
        })
        .collect()
}

fn json_file(path: &Path) -> Result<Option<Value>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| format!("{} is not JSON", path.display())),
        Err(_) => Ok(None),
    }
}

/// The samples of a `.npy` file as one flat list.
fn flat_samples(calibration: &Path, work: &Path) -> Result<Option<PathBuf>> {
    if calibration.extension().is_none_or(|e| e != "npy") {
        return Ok(None);
    }
    let samples = npy::parse(&fs::read(calibration)?).map_err(zktorch_models::Error::at(calibration))?.samples();
    let flat: Vec<f32> = samples.into_iter().take(SAMPLES).flatten().collect();
    let path = work.join("calibration.json");
    write(&path, json!({ "input_data": [flat] }).to_string().as_bytes())?;
    Ok(Some(path))
}

/// A NumPy file of float samples.
fn npy_file(samples: &[Vec<f32>], axes: &[usize]) -> Vec<u8> {
    let axes: Vec<String> = axes.iter().map(usize::to_string).collect();
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", samples.len(), axes.join(", "));
    // Magic, version, length, header and newline fill a multiple of 64 bytes.
    let padding = 63 - (10 + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(samples.iter().flatten().flat_map(|value| value.to_le_bytes()));
    bytes
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).with_context(failed)?;
    fs::write(path, bytes).with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(folder: &Path) -> Sources {
        Sources { exports: Some(folder.join("exports")), zoo: None, work: folder.join("work") }
    }

    #[test]
    fn bundled_models() {
        let folder = tempfile::tempdir().unwrap();
        let model = sources(folder.path()).find("digits_mlp").unwrap();
        assert_eq!((model.name.as_str(), model.parameters, model.macs), ("digits_mlp", Some(2410), Some(2368)));
        assert!(model.onnx.is_file() && model.input.is_file() && model.calibration.is_file());
        let flat = json_file(&model.calibration_json).unwrap().unwrap();
        assert_eq!(flat["input_data"][0].as_array().unwrap().len(), SAMPLES * 64);
        assert_eq!(
            sources(folder.path()).expand(&["digits".into(), "x".into()]).unwrap(),
            ["digits_cnn", "digits_mlp", "x"]
        );
    }

    #[test]
    fn exports() {
        let folder = tempfile::tempdir().unwrap();
        let one = folder.path().join("exports/one");
        write(&one.join("model.onnx"), b"").unwrap();
        let sources = sources(folder.path());
        assert!(sources.find("one").unwrap_err().to_string().contains("input.json"));
        write(&one.join("input.json"), b"{}").unwrap();
        write(&one.join("expected.json"), br#"{"output_data": [[1, 2.5]]}"#).unwrap();
        write(&one.join("meta.json"), br#"{"parameters": 3, "macs": 4}"#).unwrap();
        let model = sources.find("one").unwrap();
        assert_eq!((model.parameters, model.macs, model.expected), (Some(3), Some(4), Some(vec![vec![1.0, 2.5]])));
        assert_eq!((&model.calibration, &model.calibration_json), (&model.input, &model.input));
        assert_eq!(sources.find(one.join("model.onnx").to_str().unwrap()).unwrap().name, "one");
        assert_eq!(sources.find(one.to_str().unwrap()).unwrap().name, "one");
        assert!(sources.find("two").is_err() && sources.find("two.onnx").is_err());
    }

    #[test]
    fn open_shapes() {
        let mut model = Model::default();
        let open = json!({ "shape": ["N", 3], "used_shape": [1, 3] });
        model.describe(&json!({ "inputs": [open], "params_float": 7, "macs": { "macs": 8 } }));
        assert_eq!((model.shapes, model.parameters, model.macs), (vec!["1x3".to_owned()], Some(7), Some(8)));
        let mut model = Model::default();
        model.describe(&json!({ "inputs": [{ "shape": [1, 3], "used_shape": [1, 3] }] }));
        assert!(model.shapes.is_empty());
    }

    #[test]
    fn numpy_files_are_read_back() {
        let samples = [vec![1.0, 2.0, 3.0, 4.0], vec![5.0, 6.0, 7.0, 8.0]];
        let bytes = npy_file(&samples, &[1, 2, 2]);
        let tensor = npy::parse(&bytes).unwrap();
        assert_eq!((tensor.shape.as_slice(), tensor.samples()), ([2, 1, 2, 2].as_slice(), samples.to_vec()));
        assert_eq!((bytes.len() - 32) % 64, 0);
    }
}
