"""GPT-2: one projection for queries, keys and values, GELU by tanh, logits by the embedding's own table."""

import torch
from torch import nn
from torch.nn import functional

from . import HEAD, INNER, LENGTH, VOCABULARY, WIDTH, Block, heads, merged, tokens


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
    def __init__(self, fused: bool):
        super().__init__()
        self.first, self.second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.project = Conv1D(WIDTH, 3 * WIDTH), Conv1D(WIDTH, WIDTH)
        self.up, self.down = Conv1D(WIDTH, INNER), Conv1D(INNER, WIDTH)
        kept = torch.tril(torch.ones(2 * LENGTH, 2 * LENGTH, dtype=torch.bool))
        self.register_buffer("kept", kept[None, None])
        self.fused = fused

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (heads(part) for part in self.qkv(x).split(WIDTH, dim=2))
        if self.fused:
            return functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        scores = q @ k.transpose(-1, -2)
        scores = scores / torch.full([], HEAD**0.5, dtype=scores.dtype)
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
    def __init__(self, fused: bool):
        super().__init__()
        self.word, self.place = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(2 * LENGTH, WIDTH)
        self.layers = nn.ModuleList(Layer(fused) for _ in range(2))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.head.weight = self.word.weight

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        places = torch.arange(0, input_ids.shape[1], dtype=torch.long)[None]
        x = self.word(input_ids) + self.place(places)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x))


BLOCKS = {
    "gpt2": Block(lambda: Gpt2(fused=False), tokens),
    "gpt2_sdpa": Block(lambda: Gpt2(fused=True), tokens),
}
