//! Classifiers of the zoo that tests compile, and prove where that is quick.

/// Those that are proved in seconds.
pub const SMALL: [&str; 7] = [
    "mnist_cnn_ms",
    "mnist_mlp_onnxmlir",
    "resnet20_cifar10",
    "mlperf_tiny_resnet8_cifar10",
    "mlperf_tiny_kws_dscnn",
    "mlperf_tiny_ad_autoencoder",
    "mlperf_tiny_vww_mobilenet",
];

/// Those that are not.
pub const LARGE: [&str; 3] = ["mobilenet_v1_025_128_imagenet", "mobilenet_v2_imagenet", "squeezenet11_imagenet"];
