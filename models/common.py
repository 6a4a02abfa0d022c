"""What `train_digits.py` and `export.py` share: seeding, training, the ONNX export and the files beside a model."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

OPSET = 17


def seed_everything(seed: int) -> None:
    """One thread and fixed seeds, so that two runs on one machine write the same files."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    np.random.seed(seed)


def shift_half(images: torch.Tensor, most: int = 1) -> torch.Tensor:
    """On half of the batches, at random, moves each image by up to `most` pixels along each axis."""
    if torch.rand(()) >= 0.5:
        return images
    height, width = images.shape[2:]
    padded = nn.functional.pad(images, [most] * 4)
    offsets = torch.randint(0, 2 * most + 1, (len(images), 2)).tolist()
    moved = [image[:, r : r + height, c : c + width] for image, (r, c) in zip(padded, offsets)]
    return torch.stack(moved)


def unchanged(images: torch.Tensor) -> torch.Tensor:
    return images


def fit(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    epochs: int,
    rate: float,
    batch: int,
    augment: Callable[[torch.Tensor], torch.Tensor] = unchanged,
) -> None:
    """Adam with a cosine schedule on the cross-entropy; leaves the model in eval mode."""
    inputs, targets = torch.from_numpy(images), torch.from_numpy(labels)
    steps = epochs * -(-len(inputs) // batch)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    model.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(inputs)).split(batch):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(augment(inputs[chosen])), targets[chosen]).backward()
            optimiser.step()
            schedule.step()
    model.eval()


def export_onnx(model: nn.Module, input_shape: tuple[int, ...], path: Path) -> None:
    """Writes a static batch-1 graph with its weights embedded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    model.eval()
    torch.onnx.export(
        model,
        (torch.zeros(1, *input_shape),),
        str(path),
        opset_version=OPSET,
        input_names=["input"],
        output_names=["logits"],
        dynamo=False,
    )
    onnx.checker.check_model(str(path), full_check=True)


class Runtime:
    """A model in onnxruntime, one sample at a time."""

    def __init__(self, path: Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def __call__(self, sample: np.ndarray) -> np.ndarray:
        return self.session.run(None, {self.input: sample[None].astype(np.float32)})[0]

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        guesses = [int(self(image).argmax()) for image in images]
        return float(np.mean(np.array(guesses) == labels))


def write_json(path: Path, value: object, indent: int | None = None) -> None:
    path.write_text(json.dumps(value, indent=indent) + "\n")


def flat(array: np.ndarray) -> list[float]:
    """The values with the fewest digits that still round to the same float32."""
    return [float(str(value)) for value in array.astype(np.float32).ravel()]


def write_input(folder: Path, sample: np.ndarray) -> None:
    """`input.json`: one flat array for each model input."""
    write_json(folder / "input.json", {"input_data": [flat(sample)]})


def parameter_count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def mac_count(model: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of the convolutions and linear layers for one sample."""
    total = 0

    def count(layer: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        nonlocal total
        total += output.numel() * layer.weight[0].numel()

    layers = [layer for layer in model.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        model.eval()(torch.zeros(1, *input_shape))
    for hook in hooks:
        hook.remove()
    return total


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
