//! Labelled test sets of the zoo, and how its classifiers want their pixels.

mod csv;
mod idx;
mod npz;
mod preprocess;

use std::io::Read;
use std::path::Path;

pub use preprocess::{Layout, Preprocess, preprocessing};

use crate::Error;
use crate::error::read;
use crate::zoo::Zoo;
use zktorch_formats::{FormatError, TensorData, Values};

/// The most that a compressed file may unpack to.
const UNPACKED_LIMIT: u64 = 256 << 20;

/// Samples with their classes, as stored: image bytes are floats from 0 to 255, not yet scaled.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// One flat row-major sample each.
    pub images: Vec<Vec<f32>>,
    /// The class of each sample.
    pub labels: Vec<usize>,
    /// The axes of one sample: `[height, width, channels]` for the zoo's images, `[features]` for tables.
    pub shape: Vec<usize>,
}

impl Labelled {
    /// Checks that there is one label a sample and that every sample has the shape.
    pub(crate) fn new(images: Vec<Vec<f32>>, labels: Vec<usize>, shape: Vec<usize>) -> Result<Self, FormatError> {
        if images.len() != labels.len() {
            return Err(FormatError::unexpected("number of labels", images.len(), labels.len()));
        }
        let size: usize = shape.iter().product();
        match images.iter().find(|image| image.len() != size) {
            Some(image) => Err(FormatError::unexpected("values in a sample", size, image.len())),
            None => Ok(Self { images, labels, shape }),
        }
    }

    /// Samples along the first axis of one tensor, labels from another.
    pub(crate) fn from_tensors(images: &TensorData, labels: &TensorData, shape: Vec<usize>) -> Result<Self, FormatError> {
        let Values::I64(classes) = &labels.values else {
            return Err(FormatError::unexpected("labels", "integers", "floats"));
        };
        let classes = classes
            .iter()
            .map(|&class| usize::try_from(class).map_err(|_| FormatError::unexpected("label", "a class", class)));
        Self::new(images.samples(), classes.collect::<Result<_, _>>()?, shape)
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Each sample with its class.
    pub fn iter(&self) -> impl Iterator<Item = (&[f32], usize)> {
        self.images.iter().map(Vec::as_slice).zip(self.labels.iter().copied())
    }
}

/// A test set of the zoo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dataset {
    /// The 10,000 test images of MNIST.
    MnistT10k,
    /// The first 100 of them.
    Mnist100,
    /// 100 test images of CIFAR-10.
    Cifar10Sample,
    /// scikit-learn's digits, 1,797 images with values from 0 to 16.
    Digits,
    /// Iris: 150 rows of 4 features.
    Iris,
    /// Wine: 178 rows of 13 features.
    Wine,
    /// Breast cancer: 569 rows of 30 features.
    BreastCancer,
}

/// Reads a test set.
pub fn load(zoo: &Zoo, dataset: Dataset) -> Result<Labelled, Error> {
    let npz = |name: &str, shape: &[usize]| {
        let path = zoo.data(name).join(format!("{name}.npz"));
        npz::parse(read(&path)?, shape).map_err(Error::at(path))
    };
    let csv = |path: &Path, shape: &[usize]| csv::parse(&read(path)?, shape).map_err(Error::at(path));
    match dataset {
        Dataset::MnistT10k => mnist(&zoo.data("mnist_t10k")),
        Dataset::Mnist100 => csv(&zoo.data("mnist_100").join("mnist_test.csv"), &[28, 28, 1]),
        Dataset::Cifar10Sample => csv(&zoo.data("cifar10_100").join("cifar10_test.csv"), &[32, 32, 3]),
        Dataset::Digits => npz("digits", &[8, 8, 1]),
        Dataset::Iris => npz("iris", &[4]),
        Dataset::Wine => npz("wine", &[13]),
        Dataset::BreastCancer => npz("breast_cancer", &[30]),
    }
}

fn mnist(folder: &Path) -> Result<Labelled, Error> {
    let images = folder.join("t10k-images-idx3-ubyte.gz");
    let labels = folder.join("t10k-labels-idx1-ubyte.gz");
    let (unpacked_images, unpacked_labels) = (gunzip(&images)?, gunzip(&labels)?);
    let (shape, pixels) = idx::images(&unpacked_images).map_err(Error::at(images))?;
    let classes = idx::labels(&unpacked_labels).map_err(Error::at(labels))?;
    Labelled::new(pixels, classes, shape).map_err(Error::at(folder))
}

fn gunzip(path: &Path) -> Result<Vec<u8>, Error> {
    let packed = read(path)?;
    let unpacked = unpack(flate2::read::GzDecoder::new(packed.as_slice()));
    unpacked.map_err(Error::at(path))
}

/// Everything from a decompressor, up to the limit.
fn unpack(reader: impl Read) -> Result<Vec<u8>, FormatError> {
    let mut bytes = Vec::new();
    let result = reader.take(UNPACKED_LIMIT + 1).read_to_end(&mut bytes);
    result.map_err(|error| FormatError::unexpected("compressed data", "a whole stream", error))?;
    if bytes.len() as u64 > UNPACKED_LIMIT {
        return Err(FormatError::unexpected("unpacked size", format!("at most {UNPACKED_LIMIT}"), "more"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
