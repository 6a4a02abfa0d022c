"""Exports one small language model for texts of several lengths: `python models/export_lengths.py OUT_DIR`.

Two blocks as LLaMA has them (RMSNorm, rotary positions, one key and value for two queries, a gated MLP) behind token and position embeddings, with
seeded weights: OUT_DIR/model_LENGTH.onnx for each of LENGTHS, and OUT_DIR/texts_LENGTH.npy with texts of that length.
Needs numpy and torch.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

SEED = 7
LENGTHS = (12, 7)
TEXTS = 12
VOCABULARY, WIDTH, HEADS, KEYS, HEAD, HIDDEN = 24, 16, 4, 2, 4, 24


class Norm(nn.Module):
    """Root mean square normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(1 + 0.1 * torch.randn(WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)


def turn(x: torch.Tensor) -> torch.Tensor:
    """Rotates pairs of channels by their token's place."""
    frequencies = 100.0 ** (-torch.arange(0, HEAD, 2).float() / HEAD)
    angles = torch.outer(torch.arange(x.shape[2]).float(), frequencies).repeat(1, 2)
    half = torch.cat((-x[..., HEAD // 2 :], x[..., : HEAD // 2]), dim=-1)
    return x * angles.cos() + half * angles.sin()


class Block(nn.Module):
    """Attention and a gated MLP."""

    def __init__(self) -> None:
        super().__init__()
        linear = lambda rows, columns: nn.Linear(rows, columns, bias=False)
        self.before, self.between = Norm(), Norm()
        self.q, self.k, self.v = linear(WIDTH, HEADS * HEAD), linear(WIDTH, KEYS * HEAD), linear(WIDTH, KEYS * HEAD)
        self.o = linear(HEADS * HEAD, WIDTH)
        self.gate, self.up, self.down = linear(WIDTH, HIDDEN), linear(WIDTH, HIDDEN), linear(HIDDEN, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = x.shape[1]
        y = self.before(x)
        split = lambda t, heads: t.view(1, tokens, heads, HEAD).transpose(1, 2)
        q, k, v = turn(split(self.q(y), HEADS)), turn(split(self.k(y), KEYS)), split(self.v(y), KEYS)
        k, v = (t.repeat_interleave(HEADS // KEYS, dim=1) for t in (k, v))
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(y.transpose(1, 2).reshape(1, tokens, HEADS * HEAD))
        y = self.between(x)
        return x + self.down(nn.functional.silu(self.gate(y)) * self.up(y))


class Model(nn.Module):
    """From ids to logits."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(max(LENGTHS), WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(2))
        self.norm, self.head = Norm(), nn.Linear(WIDTH, VOCABULARY, bias=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.tokens(ids) + 0.3 * self.places(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    model = Model().eval()
    texts = np.random.default_rng(SEED).integers(0, VOCABULARY, (TEXTS, max(LENGTHS)))
    for length in LENGTHS:
        ids = torch.tensor(texts[:1, :length])
        path = str(out / f"model_{length}.onnx")
        torch.onnx.export(model, (ids,), path, opset_version=17, dynamo=False, input_names=["ids"], output_names=["logits"])
        np.save(out / f"texts_{length}.npy", texts[:, None, :length])


if __name__ == "__main__":
    main()
