"""BERT: embeddings of words, places and types, two layers, the pooled first token or all tokens; with either spelling of padding."""

import torch
from torch import nn
from torch.nn import functional

from . import SMALL, Block, Size, heads, merged, padded_tokens

LEAST = torch.finfo(torch.float32).min


class Embeddings(nn.Module):
    def __init__(self, size: Size):
        super().__init__()
        self.word = nn.Embedding(size.vocabulary, size.width)
        self.place = nn.Embedding(size.length, size.width)
        self.kind = nn.Embedding(2, size.width)
        self.norm = nn.LayerNorm(size.width, eps=1e-12)
        self.register_buffer("places", torch.arange(size.length)[None])

    def forward(self, ids: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        return self.norm(self.word(ids) + self.kind(types) + self.place(self.places[:, : ids.shape[1]]))


class Layer(nn.Module):
    def __init__(self, size: Size, fused: bool):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(size.width, size.width) for _ in range(3))
        self.dense, self.norm = nn.Linear(size.width, size.width), nn.LayerNorm(size.width, eps=1e-12)
        self.up, self.down = nn.Linear(size.width, size.inner), nn.Linear(size.inner, size.width)
        self.last = nn.LayerNorm(size.width, eps=1e-12)
        self.heads, self.fused = size.heads, fused

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        q, k, v = (heads(projected(x), self.heads) for projected in (self.query, self.key, self.value))
        if self.fused:
            attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            scores = q @ k.transpose(-1, -2) / k.shape[-1] ** 0.5
            attended = functional.softmax(scores + mask, dim=-1) @ v
        x = self.norm(self.dense(merged(attended)) + x)
        return self.last(self.down(functional.gelu(self.up(x))) + x)


class Bert(nn.Module):
    def __init__(self, size: Size = SMALL, fused: bool = False, pooled: bool = True):
        super().__init__()
        self.embeddings = Embeddings(size)
        self.layers = nn.ModuleList(Layer(size, fused) for _ in range(size.layers))
        self.pooler = nn.Linear(size.width, size.width) if pooled else None
        self.fused = fused

    def mask(self, attention_mask: torch.Tensor) -> torch.Tensor:
        length = attention_mask.shape[1]
        if self.fused:
            inverted = 1.0 - attention_mask[:, None, None, :].expand(1, 1, length, length).to(torch.float32)
            return inverted.masked_fill(inverted.to(torch.bool), LEAST)
        return (1.0 - attention_mask[:, None, None, :].to(torch.float32)) * LEAST

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        x, mask = self.embeddings(input_ids, types), self.mask(attention_mask)
        for layer in self.layers:
            x = layer(x, mask)
        return x if self.pooler is None else torch.tanh(self.pooler(x[:, 0]))


BLOCKS = {
    "bert": Block(Bert, padded_tokens),
    "bert_sdpa": Block(lambda: Bert(fused=True), padded_tokens),
}
