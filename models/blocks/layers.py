"""What torch.nn and torch.nn.functional have: layers, multi-head attention, scaled dot products."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from . import HEADS, INNER, LENGTH, WIDTH, Block, Sample, heads, merged, padding, states

MEMORY = 6


def causal() -> torch.Tensor:
    """True where a token must not look."""
    return torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)


class Encoder(nn.Module):
    """A layer of an encoder, which may look ahead or not."""

    def __init__(self, ahead: bool = True, **options: object):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, batch_first=True, **options)
        self.ahead = ahead

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.ahead:
            return self.layer(x)
        return self.layer(x, nn.Transformer.generate_square_subsequent_mask(LENGTH), is_causal=True)


class PaddedEncoder(nn.Module):
    """A stack of two layers that must not look at what fills a text up."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, batch_first=True)
        self.stack = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.stack(x, src_key_padding_mask=attention_mask == 0)


class Decoder(nn.Module):
    def __init__(self, **options: object):
        super().__init__()
        self.layer = nn.TransformerDecoderLayer(WIDTH, HEADS, INNER, batch_first=True, **options)

    def forward(self, x: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        return self.layer(x, memory, nn.Transformer.generate_square_subsequent_mask(LENGTH), tgt_is_causal=True)


class Multihead(nn.Module):
    """Attention of a sequence to itself with a mask that is a constant."""

    def __init__(self, mask: torch.Tensor | None, weights: bool = False):
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.register_buffer("mask", mask)
        self.weights = weights

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, attn_mask=self.mask, need_weights=self.weights)[0]


class PaddedMultihead(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)

    def forward(self, x: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, key_padding_mask=attention_mask == 0, need_weights=False)[0]


class Product(nn.Module):
    """Scaled dot products of three projections, with fewer heads of keys and values where these are shared."""

    def __init__(self, mask: torch.Tensor | None = None, shared: int = 1, **options: object):
        super().__init__()
        self.q = nn.Linear(WIDTH, WIDTH)
        self.k = nn.Linear(WIDTH, WIDTH // shared)
        self.v = nn.Linear(WIDTH, WIDTH // shared)
        self.register_buffer("mask", mask)
        self.shared, self.options = shared, options

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = heads(self.q(x)), heads(self.k(x), HEADS // self.shared), heads(self.v(x), HEADS // self.shared)
        given = functional.scaled_dot_product_attention(q, k, v, attn_mask=self.mask, **self.options)
        return merged(given)


def padded_states(random: np.random.Generator) -> Sample:
    return states(x=LENGTH)(random) | {"attention_mask": padding(random)}


def infinite() -> torch.Tensor:
    return torch.zeros(LENGTH, LENGTH).masked_fill(causal(), float("-inf"))


def biases() -> torch.Tensor:
    return torch.randn(LENGTH, LENGTH, generator=torch.Generator().manual_seed(5))


BLOCKS = {
    "encoder": Block(Encoder, states(x=LENGTH)),
    "encoder_norm_first": Block(lambda: Encoder(norm_first=True, activation="gelu"), states(x=LENGTH)),
    "encoder_causal": Block(lambda: Encoder(ahead=False), states(x=LENGTH)),
    "encoder_padding": Block(PaddedEncoder, padded_states),
    "decoder": Block(Decoder, states(x=LENGTH, memory=MEMORY)),
    "decoder_norm_first": Block(lambda: Decoder(norm_first=True, activation="gelu"), states(x=LENGTH, memory=MEMORY)),
    "mha": Block(lambda: Multihead(None), states(x=LENGTH)),
    "mha_weights": Block(lambda: Multihead(causal(), weights=True), states(x=LENGTH)),
    "mha_boolean": Block(lambda: Multihead(causal()), states(x=LENGTH)),
    "mha_infinite": Block(lambda: Multihead(infinite()), states(x=LENGTH)),
    "mha_float": Block(lambda: Multihead(biases()), states(x=LENGTH)),
    "mha_padding": Block(PaddedMultihead, padded_states),
    "sdpa": Block(Product, states(x=LENGTH)),
    "sdpa_causal": Block(lambda: Product(is_causal=True), states(x=LENGTH)),
    "sdpa_boolean": Block(lambda: Product(~causal()), states(x=LENGTH)),
    "sdpa_infinite": Block(lambda: Product(infinite(), scale=0.5), states(x=LENGTH)),
    "sdpa_float": Block(lambda: Product(biases()), states(x=LENGTH)),
    "sdpa_grouped": Block(lambda: Product(shared=2, is_causal=True, enable_gqa=True), states(x=LENGTH)),
}
