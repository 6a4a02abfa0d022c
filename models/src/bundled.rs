//! The digit classifiers that ship with the crate, with their calibration and test images.
//!
//! All images are `1x8x8` floats, `pixel / 16`, ready for the models. `models/train_digits.py` made every file.

use crate::Error;
use crate::data::Labelled;
use zktorch_formats::{TensorData, npy};

/// A model embedded in the crate.
#[derive(Clone, Copy, Debug)]
pub struct BundledModel {
    /// Its name, also its folder's.
    pub name: &'static str,
    /// The ONNX file.
    pub onnx: &'static [u8],
    /// One test image as an input file: `{"input_data": [[..]]}`, one flat array for each model input.
    pub input_json: &'static str,
    /// The digit on that image.
    pub label: usize,
    /// Of the float model, on [`digits_test`].
    pub accuracy: f64,
}

/// Two convolutions and two linear layers: 3,658 parameters.
pub const DIGITS_CNN: BundledModel = BundledModel {
    name: "digits_cnn",
    onnx: include_bytes!("../digits_cnn/model.onnx"),
    input_json: include_str!("../digits_cnn/input.json"),
    label: LABEL,
    accuracy: 0.9944,
};

/// Two linear layers, 64-32-10: 2,410 parameters.
pub const DIGITS_MLP: BundledModel = BundledModel {
    name: "digits_mlp",
    onnx: include_bytes!("../digits_mlp/model.onnx"),
    input_json: include_str!("../digits_mlp/input.json"),
    label: LABEL,
    accuracy: 0.9889,
};

/// Both models.
pub const ALL: [BundledModel; 2] = [DIGITS_CNN, DIGITS_MLP];

/// The digit on the first test image, which both `input.json` hold.
const LABEL: usize = 9;

/// The calibration file: 64 training images, `[64, 1, 8, 8]` float32.
pub const DIGITS_CALIBRATION_NPY: &[u8] = include_bytes!("../digits_calibration.npy");

/// The calibration images; both models take them.
pub fn digits_calibration() -> Result<TensorData, Error> {
    embedded("digits_calibration.npy", DIGITS_CALIBRATION_NPY)
}

/// The 360 images that neither model was trained on; one image has shape `[1, 8, 8]`.
pub fn digits_test() -> Result<Labelled, Error> {
    let images = embedded("digits_test/images.npy", include_bytes!("../digits_test/images.npy"))?;
    let labels = embedded("digits_test/labels.npy", include_bytes!("../digits_test/labels.npy"))?;
    let shape = images.shape.get(1..).unwrap_or_default().to_vec();
    Labelled::from_tensors(&images, &labels, shape).map_err(Error::at("digits_test"))
}

fn embedded(name: &str, bytes: &[u8]) -> Result<TensorData, Error> {
    npy::parse(bytes).map_err(Error::at(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn shapes() {
        assert_eq!(digits_calibration().unwrap().shape, [64, 1, 8, 8]);
        assert_eq!(digits_calibration().unwrap().samples().len(), 64);
        let test = digits_test().unwrap();
        assert_eq!((test.len(), test.shape.as_slice()), (360, [1, 8, 8].as_slice()));
        assert!(test.images.iter().flatten().all(|pixel| (0.0..=1.0).contains(pixel)));
    }

    #[test]
    fn inputs_are_the_first_test_image() {
        let test = digits_test().unwrap();
        for model in ALL {
            let input: Value = serde_json::from_str(model.input_json).unwrap();
            let values = input["input_data"][0].as_array().unwrap();
            let values: Vec<f32> = values.iter().map(|value| value.as_f64().unwrap() as f32).collect();
            assert_eq!(values, test.images[0], "{}", model.name);
            assert_eq!(model.label, test.labels[0], "{}", model.name);
        }
    }

    #[test]
    fn constants_match_the_meta_files() {
        let metas = [include_str!("../digits_cnn/meta.json"), include_str!("../digits_mlp/meta.json")];
        let labels = [include_str!("../digits_cnn/label.json"), include_str!("../digits_mlp/label.json")];
        for ((model, meta), label) in ALL.iter().zip(metas).zip(labels) {
            let meta: Value = serde_json::from_str(meta).unwrap();
            let label: Value = serde_json::from_str(label).unwrap();
            assert_eq!(meta["name"], model.name);
            assert_eq!(meta["test_accuracy"], model.accuracy);
            assert_eq!(label["label"], model.label);
        }
    }
}
