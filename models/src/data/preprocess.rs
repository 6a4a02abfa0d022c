//! From stored pixels to a classifier's input.

use zktorch_formats::FormatError;

/// The order of an image's axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Channels, height, width.
    Chw,
    /// Height, width, channels: as stored.
    Hwc,
}

/// `(pixel / scale - mean[channel]) / deviation[channel]`, then the axes in `layout`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preprocess {
    /// Divides the stored pixel, 0 to 255.
    pub scale: f32,
    /// By channel.
    pub mean: &'static [f32],
    /// By channel.
    pub deviation: &'static [f32],
    /// Of the model's input.
    pub layout: Layout,
}

impl Preprocess {
    const fn grey(scale: f32, mean: &'static [f32], deviation: &'static [f32]) -> Self {
        Self { scale, mean, deviation, layout: Layout::Chw }
    }

    /// The model's input for a stored image of shape `[height, width, channels]`.
    pub fn apply(&self, image: &[f32], shape: &[usize]) -> Result<Vec<f32>, FormatError> {
        let channels = self.mean.len();
        let [height, width, found] = *shape else {
            return Err(FormatError::unexpected("image shape", "[height, width, channels]", format!("{shape:?}")));
        };
        let area = height.checked_mul(width);
        if found != channels || area.and_then(|area| area.checked_mul(channels)) != Some(image.len()) {
            let got = format!("{} pixels of shape {shape:?}", image.len());
            return Err(FormatError::unexpected("image", format!("{channels} channels"), got));
        }
        let normal = |channel: usize, pixel: f32| {
            let (mean, deviation) = (self.mean[channel], self.deviation[channel]);
            (pixel / self.scale - mean) / deviation
        };
        Ok(match self.layout {
            Layout::Hwc => image.iter().enumerate().map(|(at, &pixel)| normal(at % channels, pixel)).collect(),
            Layout::Chw => (0..channels)
                .flat_map(|channel| {
                    let plane = image.iter().skip(channel).step_by(channels);
                    plane.map(move |&pixel| normal(channel, pixel))
                })
                .collect(),
        })
    }
}

/// How a classifier wants MNIST or CIFAR-10 images; `None` for a model that takes neither.
///
/// Each formula for the zoo gives the accuracy that the zoo states; those after it are of `models/export.py`.
pub fn preprocessing(model: &str) -> Option<Preprocess> {
    const IMAGENET_MEAN: &[f32] = &[0.485, 0.456, 0.406];
    const IMAGENET_DEVIATION: &[f32] = &[0.229, 0.224, 0.225];
    const CIFAR_MEAN: &[f32] = &[0.4914, 0.4822, 0.4465];
    const CIFAR_DEVIATION: &[f32] = &[0.2470, 0.2435, 0.2616];
    let (zero, one) = (&[0.0; 3], &[1.0; 3]);
    let colour = |mean, deviation| Preprocess { scale: 255.0, mean, deviation, layout: Layout::Chw };
    Some(match model {
        "mnist_cnn_ms" => Preprocess::grey(1.0, &[0.0], &[1.0]),
        "mnist_mlp_onnxmlir" => Preprocess::grey(255.0, &[0.1307], &[0.3081]),
        "resnet20_cifar10" => colour(IMAGENET_MEAN, IMAGENET_DEVIATION),
        "mlperf_tiny_resnet8_cifar10" => Preprocess { scale: 1.0, mean: zero, deviation: one, layout: Layout::Hwc },
        "lenet5" | "mlp_784_128_64_10" => Preprocess::grey(255.0, &[0.0], &[1.0]),
        "vgg16_cifar" | "resnet18_cifar" => colour(CIFAR_MEAN, CIFAR_DEVIATION),
        _ => return None,
    })
}
