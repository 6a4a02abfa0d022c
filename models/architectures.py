"""The benchmark architectures of `export.py`, in plain torch.nn."""

from collections.abc import Sequence

import torch
from torch import nn


def mlp(widths: Sequence[int]) -> nn.Sequential:
    """Linear layers of the given widths, ReLU between them."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(widths, widths[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def lenet5() -> nn.Sequential:
    """LeNet-5 with ReLU and max pooling, no padding: 28 -> 24 -> 12 -> 8 -> 4."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        *mlp([16 * 4 * 4, 120, 84, 10]),
    )


def vgg16_cifar() -> nn.Sequential:
    """VGG-16 (configuration D) with batch norm for 32x32 images, and a head of three linear layers of 512."""
    layers: list[nn.Module] = []
    channels = 3
    for width, repeats in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]:
        for _ in range(repeats):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), *mlp([512, 512, 512, 10]))


def conv_norm(fan_in: int, fan_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(fan_in, fan_out, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(fan_out))


class Residual(nn.Module):
    """`relu(branch(x) + shortcut(x))`, the shortcut projected where the shape changes."""

    def __init__(self, branch: nn.Module, fan_in: int, fan_out: int, stride: int):
        super().__init__()
        same_shape = fan_in == fan_out and stride == 1
        self.branch = branch
        self.shortcut = nn.Identity() if same_shape else conv_norm(fan_in, fan_out, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.branch(x) + self.shortcut(x))


def basic_block(fan_in: int, width: int, stride: int) -> Residual:
    branch = nn.Sequential(conv_norm(fan_in, width, 3, stride), nn.ReLU(), conv_norm(width, width, 3))
    return Residual(branch, fan_in, width, stride)


def bottleneck(fan_in: int, width: int, stride: int) -> Residual:
    branch = nn.Sequential(
        conv_norm(fan_in, width, 1),
        nn.ReLU(),
        conv_norm(width, width, 3, stride),
        nn.ReLU(),
        conv_norm(width, 4 * width, 1),
    )
    return Residual(branch, fan_in, 4 * width, stride)


def resnet18_cifar() -> nn.Sequential:
    """ResNet-18 with the CIFAR stem: one 3x3 convolution, no pooling before the stages."""
    layers: list[nn.Module] = [conv_norm(3, 64, 3), nn.ReLU()]
    channels = 64
    for stage, width in enumerate([64, 128, 256, 512]):
        for block in range(2):
            layers.append(basic_block(channels, width, 2 if stage > 0 and block == 0 else 1))
            channels = width
    return nn.Sequential(*layers, nn.AvgPool2d(4), nn.Flatten(), nn.Linear(512, 10))


def resnet50_224() -> nn.Sequential:
    """ResNet-50 for 224x224 images and 1000 classes, the stride in the 3x3 convolution."""
    layers: list[nn.Module] = [conv_norm(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1)]
    channels = 64
    for stage, (width, blocks) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)]):
        for block in range(blocks):
            layers.append(bottleneck(channels, width, 2 if stage > 0 and block == 0 else 1))
            channels = 4 * width
    return nn.Sequential(*layers, nn.AvgPool2d(7), nn.Flatten(), nn.Linear(2048, 1000))


def initialise(model: nn.Module) -> None:
    """Kaiming-normal weights before ReLUs, plain fan-in for the last layer, small biases; transformers keep what PyTorch gives them."""
    if any(isinstance(layer, nn.LayerNorm) for layer in model.modules()):
        return
    weighted = [layer for layer in model.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    for layer in weighted:
        gain = "linear" if layer is weighted[-1] else "relu"
        nn.init.kaiming_normal_(layer.weight, nonlinearity=gain)
        if layer.bias is not None:
            nn.init.normal_(layer.bias, std=0.05)


def settle_batch_norm(model: nn.Module, batches: Sequence[torch.Tensor]) -> None:
    """Gives each batch norm a mild affine part and running statistics averaged over the batches."""
    norms = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.8, 1.2)
        nn.init.normal_(norm.bias, std=0.1)
        norm.momentum = None
        norm.reset_running_stats()
    if norms:
        model.train()
        with torch.no_grad():
            for batch in batches:
                model(batch)
    model.eval()
