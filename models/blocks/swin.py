"""Swin: attention within windows, which the second block shifts, biases by distance, and patches that are merged."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from . import HEAD, HEADS, WIDTH, Block, Sample

SIDE = 8
WINDOW = 4
PATCH = 2


def windows(x: torch.Tensor) -> torch.Tensor:
    batch, height, width, channels = x.shape
    x = x.view(batch, height // WINDOW, WINDOW, width // WINDOW, WINDOW, channels)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, WINDOW, WINDOW, channels)


def joined(x: torch.Tensor) -> torch.Tensor:
    channels = x.shape[-1]
    x = x.view(-1, SIDE // WINDOW, SIDE // WINDOW, WINDOW, WINDOW, channels)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, SIDE, SIDE, channels)


def distances() -> torch.Tensor:
    """For every two places of a window, the row of the table of biases."""
    places = torch.stack(torch.meshgrid(torch.arange(WINDOW), torch.arange(WINDOW), indexing="ij")).flatten(1)
    apart = (places[:, :, None] - places[:, None, :]).permute(1, 2, 0) + WINDOW - 1
    return apart[:, :, 0] * (2 * WINDOW - 1) + apart[:, :, 1]


class Layer(nn.Module):
    def __init__(self, shift: int):
        super().__init__()
        self.first, self.second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.key, self.value, self.dense = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, HEADS))
        self.register_buffer("distances", distances())
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.shift = shift

    def mask(self, like: torch.Tensor) -> torch.Tensor | None:
        """What a shift has brought together must not look at each other: -100, as published models have it."""
        if self.shift == 0:
            return None
        regions, count = torch.zeros((1, SIDE, SIDE, 1), dtype=like.dtype), 0
        slices = (slice(0, -WINDOW), slice(-WINDOW, -self.shift), slice(-self.shift, None))
        for rows in slices:
            for columns in slices:
                regions[:, rows, columns, :] = count
                count += 1
        regions = windows(regions).view(-1, WINDOW * WINDOW)
        apart = regions.unsqueeze(1) - regions.unsqueeze(2)
        return apart.masked_fill(apart != 0, float(-100.0)).masked_fill(apart == 0, float(0.0))

    def attend(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        count, length, _ = x.shape
        split = (count, length, HEADS, HEAD)
        q, k, v = (f(x).view(split).permute(0, 2, 1, 3) for f in (self.query, self.key, self.value))
        scores = q @ k.transpose(-1, -2) / HEAD**0.5
        biases = self.table[self.distances.view(-1)].view(length, length, -1)
        scores = scores + biases.permute(2, 0, 1).contiguous().unsqueeze(0)
        if mask is not None:
            scores = scores.view(count // mask.shape[0], mask.shape[0], HEADS, length, length)
            scores = scores + mask.unsqueeze(1).unsqueeze(0)
            scores = scores.view(-1, HEADS, length, length)
        return (functional.softmax(scores, dim=-1) @ v).permute(0, 2, 1, 3).contiguous().view(x.shape)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.first(x).view(1, SIDE, SIDE, WIDTH)
        if self.shift:
            h = torch.roll(h, shifts=(-self.shift, -self.shift), dims=(1, 2))
        h = windows(h).view(-1, WINDOW * WINDOW, WIDTH)
        h = self.dense(self.attend(h, self.mask(x)))
        h = joined(h.view(-1, WINDOW, WINDOW, WIDTH))
        if self.shift:
            h = torch.roll(h, shifts=(self.shift, self.shift), dims=(1, 2))
        x = x + h.view(1, SIDE * SIDE, WIDTH)
        return x + self.down(functional.gelu(self.up(self.second(x))))


class Swin(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.norm = nn.LayerNorm(WIDTH)
        self.layers = nn.ModuleList([Layer(0), Layer(WINDOW // 2)])
        self.merge_norm = nn.LayerNorm(4 * WIDTH)
        self.merge = nn.Linear(4 * WIDTH, 2 * WIDTH, bias=False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.patches(pixels).flatten(2).transpose(1, 2))
        for layer in self.layers:
            x = layer(x)
        x = x.view(1, SIDE, SIDE, WIDTH)
        corners = [x[:, i::2, j::2, :] for j in (0, 1) for i in (0, 1)]
        return self.merge(self.merge_norm(torch.cat(corners, dim=-1).view(1, -1, 4 * WIDTH))).mean(dim=1)


def pixels(random: np.random.Generator) -> Sample:
    return {"pixels": random.standard_normal((1, 3, PATCH * SIDE, PATCH * SIDE)).astype(np.float32)}


BLOCKS = {"swin": Block(Swin, pixels)}
