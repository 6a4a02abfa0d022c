"""Small transformer blocks with seeded weights, in the spellings that models are written in.

A block is a module and a function that draws one sample for it: `exporters.py` writes them all as ONNX files.
Widths are small, but every axis has another extent than its neighbours where the architecture allows it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

LENGTH = 8
WIDTH = 32
HEADS = 4
HEAD = WIDTH // HEADS
INNER = 64
VOCABULARY = 48


@dataclass(frozen=True)
class Size:
    """Extents of a language model; `keys` heads have keys and values of their own, and a text is at most `length` tokens."""

    length: int = 2 * LENGTH
    width: int = WIDTH
    heads: int = HEADS
    keys: int = HEADS // 2
    inner: int = INNER
    vocabulary: int = VOCABULARY
    layers: int = 2

    @property
    def head(self) -> int:
        return self.width // self.heads


SMALL = Size()

Sample = dict[str, np.ndarray]
Draw = Callable[[np.random.Generator], Sample]


@dataclass
class Block:
    build: Callable[[], nn.Module]
    draw: Draw


def settle(module: nn.Module, seed: int) -> nn.Module:
    """Weights that keep the size of what they are applied to, and scales and biases that are not trivial."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        with torch.no_grad():
            if parameter.dim() > 1:
                parameter.copy_(noise / parameter.shape[-1] ** 0.5)
            elif name.endswith("bias"):
                parameter.copy_(0.1 * noise)
            else:
                parameter.copy_(1 + 0.2 * noise)
    return module.eval()


def states(**lengths: int) -> Draw:
    """Hidden states, one sequence for each name."""

    def draw(random: np.random.Generator) -> Sample:
        return {n: random.standard_normal((1, length, WIDTH)).astype(np.float32) for n, length in lengths.items()}

    return draw


def padding(random: np.random.Generator, length: int = LENGTH) -> np.ndarray:
    """Ones for the tokens of a text, zeros for what fills it up."""
    kept = random.integers(length // 2, length + 1)
    return (np.arange(length) < kept).astype(np.int64)[None]


def tokens(random: np.random.Generator) -> Sample:
    return {"input_ids": random.integers(1, VOCABULARY, (1, LENGTH), dtype=np.int64)}


def padded_tokens(random: np.random.Generator) -> Sample:
    return tokens(random) | {"attention_mask": padding(random)}


def heads(x: torch.Tensor, count: int = HEADS) -> torch.Tensor:
    """Sequence by width, as heads by sequence by width of a head."""
    return x.view(x.shape[0], x.shape[1], count, -1).transpose(1, 2)


def merged(x: torch.Tensor) -> torch.Tensor:
    """The opposite of `heads`."""
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)
