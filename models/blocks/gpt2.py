"""GPT-2: one projection for queries, keys and values, GELU by tanh, logits by the embedding's own table: for all tokens, or the last."""

import torch
from torch import nn
from torch.nn import functional

from . import SMALL, Block, Size, heads, merged, tokens


class Conv1D(nn.Module):
    """A linear layer whose weight lies the other way round."""

    def __init__(self, given: int, made: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(given, made))
        self.bias = nn.Parameter(torch.zeros(made))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight)
        return rows.view(x.size()[:-1] + (self.bias.numel(),))


class Layer(nn.Module):
    def __init__(self, size: Size, fused: bool):
        super().__init__()
        self.first, self.second = nn.LayerNorm(size.width), nn.LayerNorm(size.width)
        self.qkv, self.project = Conv1D(size.width, 3 * size.width), Conv1D(size.width, size.width)
        self.up, self.down = Conv1D(size.width, size.inner), Conv1D(size.inner, size.width)
        kept = torch.tril(torch.ones(size.length, size.length, dtype=torch.bool))
        self.register_buffer("kept", kept[None, None])
        self.heads, self.fused = size.heads, fused

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (heads(part, self.heads) for part in self.qkv(x).split(x.shape[2], dim=2))
        if self.fused:
            return functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        scores = q @ k.transpose(-1, -2)
        scores = scores / torch.full([], k.size(-1) ** 0.5, dtype=scores.dtype)
        asked, known = q.size(-2), k.size(-2)
        kept = self.kept[:, :, known - asked : known, :known]
        least = torch.full([], torch.finfo(scores.dtype).min, dtype=scores.dtype)
        return functional.softmax(torch.where(kept, scores, least), dim=-1) @ v

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.project(merged(self.attend(self.first(x))))
        h = self.up(self.second(x))
        h = 0.5 * h * (1.0 + torch.tanh((2.0 / torch.pi) ** 0.5 * (h + 0.044715 * torch.pow(h, 3.0))))
        return x + self.down(h)


class Gpt2(nn.Module):
    def __init__(self, size: Size = SMALL, fused: bool = False, last: bool = False):
        super().__init__()
        self.word, self.place = nn.Embedding(size.vocabulary, size.width), nn.Embedding(size.length, size.width)
        self.layers = nn.ModuleList(Layer(size, fused) for _ in range(size.layers))
        self.norm = nn.LayerNorm(size.width)
        self.head = nn.Linear(size.width, size.vocabulary, bias=False)
        self.head.weight = self.word.weight
        self.last = last

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        places = torch.arange(0, input_ids.shape[1], dtype=torch.long)[None]
        x = self.word(input_ids) + self.place(places)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x[:, -1:] if self.last else x))


BLOCKS = {
    "gpt2": Block(Gpt2, tokens),
    "gpt2_sdpa": Block(lambda: Gpt2(fused=True), tokens),
}
