"""ViT: patches by a convolution as wide as its stride, a token for the class in front, learned places, norms before each part."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from . import SMALL, Block, Sample, Size, heads, merged

SIDE = 12
PATCH = 4
CHANNELS = 3
CLASSES = 5


class Layer(nn.Module):
    def __init__(self, size: Size):
        super().__init__()
        self.first, self.second = nn.LayerNorm(size.width, eps=1e-6), nn.LayerNorm(size.width, eps=1e-6)
        self.qkv, self.project = nn.Linear(size.width, 3 * size.width), nn.Linear(size.width, size.width)
        self.up, self.down = nn.Linear(size.width, size.inner), nn.Linear(size.inner, size.width)
        self.heads = size.heads

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (heads(part, self.heads) for part in self.qkv(self.first(x)).chunk(3, dim=-1))
        x = x + self.project(merged(functional.scaled_dot_product_attention(q, k, v)))
        return x + self.down(functional.gelu(self.up(self.second(x))))


class Vit(nn.Module):
    def __init__(self, size: Size = SMALL, channels: int = CHANNELS, side: int = SIDE, patch: int = PATCH, classes: int = CLASSES):
        super().__init__()
        self.patches = nn.Conv2d(channels, size.width, patch, patch)
        self.first = nn.Parameter(torch.zeros(1, 1, size.width))
        self.places = nn.Parameter(0.02 * torch.randn(1, 1 + (side // patch) ** 2, size.width))
        self.layers = nn.ModuleList(Layer(size) for _ in range(size.layers))
        self.norm = nn.LayerNorm(size.width, eps=1e-6)
        self.head = nn.Linear(size.width, classes)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = self.patches(pixels).flatten(2).transpose(1, 2)
        x = torch.cat((self.first.expand(x.shape[0], -1, -1), x), dim=1) + self.places
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)[:, 0])


def pixels(random: np.random.Generator) -> Sample:
    return {"pixels": random.standard_normal((1, CHANNELS, SIDE, SIDE)).astype(np.float32)}


BLOCKS = {"vit": Block(Vit, pixels)}
