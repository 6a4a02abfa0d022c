"""Trains the two bundled digit classifiers and writes everything that the crate embeds.

Run as `python models/train_digits.py`; it takes about twenty seconds on one core.
The CNN's epochs and augmentation were chosen by 4-fold cross-validation inside the training split.
"""

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from common import (
    Runtime,
    export_onnx,
    fit,
    mac_count,
    parameter_count,
    seed_everything,
    sha256,
    shift_half,
    unchanged,
    write_input,
    write_json,
)

HERE = Path(__file__).resolve().parent
SEED = 7
SHAPE = (1, 8, 8)
CALIBRATION_SAMPLES = 64


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 2 * 2, 32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def split() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32).reshape(-1, *SHAPE)
    labels = digits.target.astype(np.int64)
    return train_test_split(images, labels, test_size=0.2, random_state=SEED, stratify=labels)


def main() -> None:
    train_images, test_images, train_labels, test_labels = split()
    test_folder = HERE / "digits_test"
    test_folder.mkdir(exist_ok=True)
    np.save(test_folder / "images.npy", test_images)
    np.save(test_folder / "labels.npy", test_labels)
    np.save(HERE / "digits_calibration.npy", train_images[:CALIBRATION_SAMPLES])

    for name, build, epochs, augment in [("digits_cnn", cnn, 150, shift_half), ("digits_mlp", mlp, 100, unchanged)]:
        seed_everything(SEED)
        model = build()
        fit(model, train_images, train_labels, epochs=epochs, rate=5e-3, batch=64, augment=augment)
        folder = HERE / name
        path = folder / "model.onnx"
        export_onnx(model, SHAPE, path)
        accuracy = Runtime(path).accuracy(test_images, test_labels)
        write_input(folder, test_images[0])
        write_json(folder / "label.json", {"label": int(test_labels[0])})
        meta = {
            "name": name,
            "input_shape": [1, *SHAPE],
            "input_scale": "pixel / 16",
            "parameters": parameter_count(model),
            "macs": mac_count(model, SHAPE),
            "test_accuracy": round(accuracy, 4),
            "test_samples": len(test_labels),
            "seed": SEED,
            "sha256": sha256(path),
        }
        write_json(folder / "meta.json", meta, indent=1)
        print(f"{name}: {meta['parameters']} parameters, accuracy {accuracy:.4f} on {len(test_labels)} held-out images")


if __name__ == "__main__":
    main()
