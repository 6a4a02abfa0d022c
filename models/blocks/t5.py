"""T5: biases by the distance of two tokens in buckets, scores that are not scaled, gated GELU, attention to an encoder."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from . import HEAD, HEADS, INNER, LENGTH, VOCABULARY, WIDTH, Block, Sample, heads, merged, padded_tokens, padding, states, tokens

BUCKETS = 8
FURTHEST = 16
MEMORY = 6
LEAST = torch.finfo(torch.float32).min


def bucket(distance: torch.Tensor, both_ways: bool) -> torch.Tensor:
    """Small distances have buckets of their own, larger ones share them by their logarithm."""
    buckets, of = BUCKETS, 0
    if both_ways:
        buckets //= 2
        of = (distance > 0).to(torch.long) * buckets
        distance = torch.abs(distance)
    else:
        distance = -torch.min(distance, torch.zeros_like(distance))
    exact = buckets // 2
    share = torch.log(distance.float() / exact) / math.log(FURTHEST / exact)
    large = exact + (share * (buckets - exact)).to(torch.long)
    large = torch.min(large, torch.full_like(large, buckets - 1))
    return of + torch.where(distance < exact, distance, large)


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        variance = x.to(torch.float32).pow(2).mean(-1, keepdim=True)
        return self.weight * (x * torch.rsqrt(variance + 1e-6))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))

    def forward(self, x: torch.Tensor, to: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        q, k, v = heads(self.q(x)), heads(self.k(to)), heads(self.v(to))
        scores = torch.matmul(q, k.transpose(3, 2)) * HEAD**-0.5
        scores = scores + bias
        return self.o(merged(functional.softmax(scores.float(), dim=-1).type_as(scores) @ v))


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.up = (nn.Linear(WIDTH, INNER, bias=False) for _ in range(2))
        self.down = nn.Linear(INNER, WIDTH, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(functional.gelu(self.gate(x), approximate="tanh") * self.up(x))


class T5(nn.Module):
    """What the encoder and the decoder have both."""

    def __init__(self, both_ways: bool):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.bias = nn.Embedding(BUCKETS, HEADS)
        self.attention, self.gated = Attention(), Gated()
        self.norms = nn.ModuleList(Norm() for _ in range(4))
        self.both_ways = both_ways

    def biases(self, length: int) -> torch.Tensor:
        here, there = torch.arange(length)[:, None], torch.arange(length)[None, :]
        return self.bias(bucket(there - here, self.both_ways)).permute(2, 0, 1).unsqueeze(0)


class Encoder(T5):
    def __init__(self):
        super().__init__(both_ways=True)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        x = self.embedding(input_ids)
        mask = (1.0 - attention_mask[:, None, None, :].to(x.dtype)) * LEAST
        normed = self.norms[0](x)
        x = x + self.attention(normed, normed, self.biases(input_ids.shape[1]) + mask)
        x = x + self.gated(self.norms[1](x))
        return self.norms[2](x)


class Decoder(T5):
    def __init__(self):
        super().__init__(both_ways=False)
        self.cross = Attention()
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)

    def forward(self, input_ids: torch.Tensor, memory: torch.Tensor, memory_mask: torch.Tensor) -> torch.Tensor:
        x, length = self.embedding(input_ids), input_ids.shape[1]
        places = torch.arange(length)
        causal = places[None, None, :].repeat(1, length, 1) <= places[None, :, None]
        mask = (1.0 - causal[:, None, :, :].to(x.dtype)) * LEAST
        normed = self.norms[0](x)
        x = x + self.attention(normed, normed, self.biases(length) + mask)
        seen = (1.0 - memory_mask[:, None, None, :].to(x.dtype)) * LEAST
        x = x + self.cross(self.norms[1](x), memory, torch.zeros(1, HEADS, length, memory.shape[1]) + seen)
        x = x + self.gated(self.norms[2](x))
        return self.head(self.norms[3](x) * WIDTH**-0.5)


def asked(random: np.random.Generator) -> Sample:
    return tokens(random) | states(memory=MEMORY)(random) | {"memory_mask": padding(random, MEMORY)}


BLOCKS = {
    "t5_encoder": Block(Encoder, padded_tokens),
    "t5_decoder": Block(Decoder, asked),
}
