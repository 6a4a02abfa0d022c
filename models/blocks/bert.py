"""BERT: embeddings of words, places and types, two layers, the pooled first token; with either spelling of padding."""

import torch
from torch import nn
from torch.nn import functional

from . import HEAD, INNER, LENGTH, VOCABULARY, WIDTH, Block, heads, merged, padded_tokens

LEAST = torch.finfo(torch.float32).min


class Embeddings(nn.Module):
    def __init__(self):
        super().__init__()
        self.word = nn.Embedding(VOCABULARY, WIDTH)
        self.place = nn.Embedding(2 * LENGTH, WIDTH)
        self.kind = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.register_buffer("places", torch.arange(2 * LENGTH)[None])

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        types = torch.zeros_like(ids)
        return self.norm(self.word(ids) + self.kind(types) + self.place(self.places[:, : ids.shape[1]]))


class Layer(nn.Module):
    def __init__(self, fused: bool):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.dense, self.norm = nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH, eps=1e-12)
        self.up, self.down = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.last = nn.LayerNorm(WIDTH, eps=1e-12)
        self.fused = fused

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        q, k, v = heads(self.query(x)), heads(self.key(x)), heads(self.value(x))
        if self.fused:
            attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            scores = q @ k.transpose(-1, -2) / HEAD**0.5
            attended = functional.softmax(scores + mask, dim=-1) @ v
        x = self.norm(self.dense(merged(attended)) + x)
        return self.last(self.down(functional.gelu(self.up(x))) + x)


class Bert(nn.Module):
    def __init__(self, fused: bool):
        super().__init__()
        self.embeddings = Embeddings()
        self.layers = nn.ModuleList(Layer(fused) for _ in range(2))
        self.pooler = nn.Linear(WIDTH, WIDTH)
        self.fused = fused

    def mask(self, attention_mask: torch.Tensor) -> torch.Tensor:
        length = attention_mask.shape[1]
        if self.fused:
            inverted = 1.0 - attention_mask[:, None, None, :].expand(1, 1, length, length).to(torch.float32)
            return inverted.masked_fill(inverted.to(torch.bool), LEAST)
        return (1.0 - attention_mask[:, None, None, :].to(torch.float32)) * LEAST

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        x, mask = self.embeddings(input_ids), self.mask(attention_mask)
        for layer in self.layers:
            x = layer(x, mask)
        return torch.tanh(self.pooler(x[:, 0]))


BLOCKS = {
    "bert": Block(lambda: Bert(fused=False), padded_tokens),
    "bert_sdpa": Block(lambda: Bert(fused=True), padded_tokens),
}
