"""Exports the benchmark models: `python models/export.py OUT_DIR [NAME...]` (all of them without a name).

Each goes to OUT_DIR/NAME: model.onnx, input.json, calibration.npy, expected.json (onnxruntime's output for input.json),
meta.json, and for a trained model test_indices.npy, the rows of MNIST t10k that it has not seen.
LeNet-5, the 784 MLP and the ViT are trained on MNIST t10k where the model zoo is present ($ZKTORCH_ZOO, by default `shared`
beside the repository); every other model, or those three without the zoo, has seeded random weights.
"""

import argparse
import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

import architectures as arch
from blocks import Size
from blocks.vit import Vit
from common import (
    Runtime,
    export_onnx,
    fit,
    flat,
    mac_count,
    parameter_count,
    seed_everything,
    sha256,
    shift_half,
    write_input,
    write_json,
)

SEED = 11
CALIBRATION_SAMPLES = 16
MNIST_HELD_OUT = 2000
CIFAR_MEAN = np.array([0.4914, 0.4822, 0.4465], dtype=np.float32)
CIFAR_STD = np.array([0.2470, 0.2435, 0.2616], dtype=np.float32)


@dataclass
class Samples:
    """Inputs for one model. `held_out` are rows of MNIST t10k, only where there are labels to train on."""

    source: str
    calibration: np.ndarray
    test: np.ndarray
    train: np.ndarray | None = None
    train_labels: np.ndarray | None = None
    test_labels: np.ndarray | None = None
    held_out: np.ndarray | None = None


def zoo() -> Path:
    beside = Path(__file__).resolve().parents[2] / "shared"
    return Path(os.environ.get("ZKTORCH_ZOO", beside))


def read_idx(path: Path, header: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress(path.read_bytes()), dtype=np.uint8, offset=header)


def uniform(shape: tuple[int, ...], low: float) -> Samples:
    count = CALIBRATION_SAMPLES + 1
    data = np.random.default_rng(SEED).uniform(low, 1.0, size=(count, *shape)).astype(np.float32)
    return Samples(f"seeded uniform [{low}, 1)", data[1:], data[:1])


def smooth_images(shape: tuple[int, ...]) -> Samples:
    """Low-frequency random images with unit variance: closer to photographs than white noise is."""
    channels, height, width = shape
    generator = torch.Generator().manual_seed(SEED)
    coarse = torch.randn(CALIBRATION_SAMPLES + 1, channels, height // 16, width // 16, generator=generator)
    data = nn.functional.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)
    data = data + 0.2 * torch.randn(data.shape, generator=generator)
    data = ((data - data.mean()) / data.std()).numpy()
    return Samples("seeded smooth noise, unit variance", data[1:], data[:1])


def mnist(shape: tuple[int, ...]) -> Samples:
    folder = zoo() / "data" / "mnist_t10k"
    if not folder.is_dir():
        return uniform(shape, 0.0)
    images = read_idx(folder / "t10k-images-idx3-ubyte.gz", 16).reshape(-1, *shape).astype(np.float32) / 255.0
    labels = read_idx(folder / "t10k-labels-idx1-ubyte.gz", 8).astype(np.int64)
    order = np.random.default_rng(SEED).permutation(len(images))
    test, train = np.sort(order[:MNIST_HELD_OUT]), order[MNIST_HELD_OUT:]
    return Samples(
        "MNIST t10k, pixel / 255",
        calibration=images[train[:CALIBRATION_SAMPLES]],
        test=images[test],
        train=images[train],
        train_labels=labels[train],
        test_labels=labels[test],
        held_out=test,
    )


def cifar(shape: tuple[int, ...]) -> Samples:
    path = zoo() / "data" / "cifar10_100" / "cifar10_test.csv"
    if not path.is_file():
        return smooth_images(shape)
    rows = np.loadtxt(path, delimiter=",", dtype=np.float32)
    images = (rows[:, 1:].reshape(-1, 32, 32, 3) / 255.0 - CIFAR_MEAN) / CIFAR_STD
    images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return Samples("CIFAR-10 test images, normalised by channel", images[1 : CALIBRATION_SAMPLES + 1], images[:1])


@dataclass
class Spec:
    """A model; `training` is how, where its samples have labels."""

    shape: tuple[int, ...]
    build: Callable[[], nn.Module]
    samples: Callable[[tuple[int, ...]], Samples]
    training: dict = field(default_factory=lambda: {"epochs": 4, "rate": 2e-3})


def vit_tiny() -> nn.Module:
    return Vit(Size(width=96, heads=3, inner=384, layers=6), channels=1, side=28, patch=7, classes=10)


def shift_twice(images: torch.Tensor) -> torch.Tensor:
    return shift_half(images, most=2)


def signed(shape: tuple[int, ...]) -> Samples:
    return uniform(shape, -1.0)


MODELS = {
    "lenet5": Spec((1, 28, 28), arch.lenet5, mnist),
    "mlp_784_128_64_10": Spec((784,), lambda: arch.mlp([784, 128, 64, 10]), mnist),
    "vit_tiny_mnist": Spec((1, 28, 28), vit_tiny, mnist, {"epochs": 20, "rate": 1e-3, "augment": shift_twice}),
    "mlp_4x1024": Spec((1024,), lambda: arch.mlp([1024] * 5), signed),
    "mlp_18m": Spec((1024,), lambda: arch.mlp([1024] + [2048] * 4 + [1024] * 2 + [128, 10]), signed),
    "vgg16_cifar": Spec((3, 32, 32), arch.vgg16_cifar, cifar),
    "resnet18_cifar": Spec((3, 32, 32), arch.resnet18_cifar, cifar),
    "resnet50_224": Spec((3, 224, 224), arch.resnet50_224, smooth_images),
}


def prepare(spec: Spec, samples: Samples) -> nn.Module:
    """The model, trained where the samples have labels, else with settled random weights."""
    model = spec.build()
    arch.initialise(model)
    arch.settle_batch_norm(model, torch.from_numpy(samples.calibration).split(8))
    if samples.train is not None:
        fit(model, samples.train, samples.train_labels, batch=64, **spec.training)
    return model


def export(name: str, out: Path) -> None:
    spec = MODELS[name]
    seed_everything(SEED)
    samples = spec.samples(spec.shape)
    model = prepare(spec, samples)

    folder = out / name
    path = folder / "model.onnx"
    export_onnx(model, spec.shape, path)
    runtime = Runtime(path)
    expected = runtime(samples.test[0])
    with torch.no_grad():
        reference = model(torch.from_numpy(samples.test[:1])).numpy()
    np.testing.assert_allclose(expected, reference, rtol=1e-3, atol=1e-3)

    write_input(folder, samples.test[0])
    write_json(folder / "expected.json", {"output_data": [flat(expected)]})
    np.save(folder / "calibration.npy", samples.calibration)
    meta = {
        "name": name,
        "weights": "seeded random" if samples.train is None else f"trained on {len(samples.train)} rows of MNIST t10k",
        "seed": SEED,
        "samples": samples.source,
        "input_shape": [1, *spec.shape],
        "output_shape": list(expected.shape),
        "parameters": parameter_count(model),
        "macs": mac_count(model, spec.shape),
        "sha256": sha256(path),
    }
    if samples.held_out is not None:
        np.save(folder / "test_indices.npy", samples.held_out)
        meta["test_accuracy"] = round(runtime.accuracy(samples.test, samples.test_labels), 4)
        meta["input_label"] = int(samples.test_labels[0])
    write_json(folder / "meta.json", meta, indent=1)
    print(f"{name}: {meta['parameters']:,} parameters, {meta['macs']:,} MACs, {meta['weights']}", meta.get("test_accuracy", ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MODELS))
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(MODELS))
    if unknown:
        parser.error(f"unknown model {', '.join(unknown)}; known: {', '.join(MODELS)}")
    for name in arguments.names or MODELS:
        export(name, arguments.out)


if __name__ == "__main__":
    main()
