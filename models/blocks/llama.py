"""LLaMA: RMSNorm, rotary places, shared keys and values, SwiGLU; a causal mask alone, with padding, or as booleans."""

import torch
from torch import nn
from torch.nn import functional

from . import SMALL, Block, Size, heads, merged, padded_tokens, tokens

LEAST = torch.finfo(torch.float32).min


class RMSNorm(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.to(torch.float32)
        x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)
        return self.weight * x


class Rotary(nn.Module):
    """Cosines and sines for places, computed when the model runs."""

    def __init__(self, head: int):
        super().__init__()
        self.register_buffer("frequencies", 1.0 / 10000.0 ** (torch.arange(0, head, 2).float() / head))

    def forward(self, places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        frequencies = self.frequencies[None, :, None].float().expand(places.shape[0], -1, 1)
        angles = (frequencies @ places[:, None, :].float()).transpose(1, 2)
        angles = torch.cat((angles, angles), dim=-1)
        return angles.cos().unsqueeze(1), angles.sin().unsqueeze(1)


def rotate_half(x: torch.Tensor) -> torch.Tensor:
    return torch.cat((-x[..., x.shape[-1] // 2 :], x[..., : x.shape[-1] // 2]), dim=-1)


def repeated(x: torch.Tensor, times: int) -> torch.Tensor:
    batch, count, length, width = x.shape
    x = x[:, :, None, :, :].expand(batch, count, times, length, width)
    return x.reshape(batch, count * times, length, width)


class Layer(nn.Module):
    def __init__(self, size: Size, fused: bool):
        super().__init__()
        width, inner = size.width, size.inner
        self.first, self.second = RMSNorm(width), RMSNorm(width)
        self.q, self.o = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.k, self.v = (nn.Linear(width, size.keys * size.head, bias=False) for _ in range(2))
        self.gate, self.up = (nn.Linear(width, inner, bias=False) for _ in range(2))
        self.down = nn.Linear(inner, width, bias=False)
        self.heads, self.keys, self.head, self.fused = size.heads, size.keys, size.head, fused

    def attend(self, x: torch.Tensor, turn: tuple[torch.Tensor, torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
        cos, sin = turn
        q, k, v = heads(self.q(x), self.heads), heads(self.k(x), self.keys), heads(self.v(x), self.keys)
        q, k = q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
        k, v = (repeated(x, self.heads // self.keys) for x in (k, v))
        if self.fused:
            return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=self.head**-0.5)
        scores = (q @ k.transpose(2, 3)) * self.head**-0.5 + mask[:, :, :, : k.shape[-2]]
        return functional.softmax(scores, dim=-1, dtype=torch.float32) @ v

    def forward(self, x: torch.Tensor, turn: tuple[torch.Tensor, torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
        x = x + self.o(merged(self.attend(self.first(x), turn, mask)))
        h = self.second(x)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h))


class Llama(nn.Module):
    def __init__(self, size: Size = SMALL, fused: bool = False):
        super().__init__()
        self.embedding = nn.Embedding(size.vocabulary, size.width)
        self.rotary = Rotary(size.head)
        self.layers = nn.ModuleList(Layer(size, fused) for _ in range(size.layers))
        self.norm = RMSNorm(size.width)
        self.head = nn.Linear(size.width, size.vocabulary, bias=False)

    def causal(self, length: int) -> torch.Tensor:
        """What is far ahead is lowered by the smallest float."""
        places = torch.arange(length)
        mask = torch.full((length, length), fill_value=LEAST)
        mask = torch.triu(mask, diagonal=1)
        mask = mask * (places > places.reshape(-1, 1))
        return mask[None, None, :, :].expand(1, 1, -1, -1)

    def logits(self, input_ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.embedding(input_ids)
        turn = self.rotary(torch.arange(input_ids.shape[1])[None])
        for layer in self.layers:
            x = layer(x, turn, mask)
        return self.head(self.norm(x))

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.logits(input_ids, self.causal(input_ids.shape[1]))


class PaddedLlama(Llama):
    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        length = input_ids.shape[1]
        mask = self.causal(length).clone()
        padded = mask[:, :, :, :length] + attention_mask[:, None, None, :]
        mask[:, :, :, :length] = mask[:, :, :, :length].masked_fill(padded == 0, LEAST)
        return self.logits(input_ids, mask)


class ChosenLlama(Llama):
    """The smallest float where a token is padding, else the causal mask."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        pad = attention_mask[:, None, None, :] == 0
        return self.logits(input_ids, torch.where(pad, LEAST, self.causal(input_ids.shape[1])))


class BooleanLlama(Llama):
    """A mask of booleans: what is not ahead and not padding."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        places = torch.arange(input_ids.shape[1])
        kept = places[None, None, None, :] <= places[None, None, :, None]
        return self.logits(input_ids, kept & attention_mask.to(torch.bool)[:, None, None, :])


BLOCKS = {
    "llama": Block(Llama, tokens),
    "llama_padding": Block(PaddedLlama, padded_tokens),
    "llama_chosen": Block(ChosenLlama, padded_tokens),
    "llama_sdpa": Block(lambda: BooleanLlama(fused=True), padded_tokens),
}
