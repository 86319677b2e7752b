"""The policy: a decoder that writes tactics.

A pre-norm transformer (Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture") with learnt positions. It
keeps keys and values of what it has read, so that a new token costs one position.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Shape:
    """Of a transformer: sizes in numbers."""

    vocab: int
    width: int = 192
    layers: int = 4
    heads: int = 6
    context: int = 320


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.heads, self.head = shape.heads, shape.width // shape.heads
        self.before = nn.LayerNorm(shape.width)
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.between = nn.LayerNorm(shape.width)
        self.up = nn.Linear(shape.width, 4 * shape.width)
        self.down = nn.Linear(4 * shape.width, shape.width)

    def forward(self, x, allowed, past, drop):
        """x (batch, new, width); allowed (batch, 1, new, all), additive; past: keys and values (batch, heads, old, head)."""
        batch, new, _ = x.shape
        q, k, v = self.qkv(self.before(x)).view(batch, new, 3, self.heads, self.head).permute(2, 0, 3, 1, 4)
        if past is not None:
            k = torch.cat([past[0], k], dim=2)
            v = torch.cat([past[1], v], dim=2)
        scores = q @ k.transpose(-1, -2) / math.sqrt(self.head) + allowed
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, new, self.heads * self.head)
        x = x + F.dropout(self.out(mixed), drop, self.training)
        x = x + F.dropout(self.down(F.gelu(self.up(self.between(x)))), drop, self.training)
        return x, (k, v)


class Policy(nn.Module):
    """Logits of the next token."""

    def __init__(self, shape, drop=0.1):
        super().__init__()
        self.shape, self.drop = shape, drop
        self.token = nn.Embedding(shape.vocab, shape.width)
        self.place = nn.Embedding(shape.context, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.last = nn.LayerNorm(shape.width)
        self.apply(start)

    def forward(self, input_ids, attention_mask, position_ids, past=None):
        """ids, positions (batch, new); mask (batch, old + new), 1 for tokens that count. Logits (batch, new, vocab), past."""
        new, everything = input_ids.shape[1], attention_mask.shape[1]
        column = torch.arange(everything, device=input_ids.device)
        row = torch.arange(new, device=input_ids.device) + (everything - new)
        # (batch, 1, new, all), true where a token may look.
        seen = (column[None, :] <= row[:, None])[None, None] & (attention_mask[:, None, None, :] > 0)
        allowed = (~seen).to(self.token.weight.dtype) * -1e9
        x = self.token(input_ids) + self.place(position_ids)
        present = []
        for number, layer in enumerate(self.layers):
            x, kept = layer(x, allowed, None if past is None else past[number], self.drop)
            present.append(kept)
        return self.last(x) @ self.token.weight.t(), present


def start(module):
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)


def positions(mask):
    return (mask.cumsum(1) - 1).clamp(min=0)
