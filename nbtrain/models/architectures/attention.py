"""Attention of a sequence to itself, as several architectures need it.

Not torch's `MultiheadAttention`, whose shortcuts ask for the length of the sequence while it runs, so that it cannot be
exported for any length.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class SelfAttention(nn.Module):
    """(rows, steps, width) → the same, each step a mixture of all that may be seen.

    Args:
        width: of each step; `heads` divides it.
        heads: mixtures made beside one another.
        dropout: of the weights, while training.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.ask = nn.Linear(width, 3 * width)
        self.give = nn.Linear(width, width)

    def forward(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        """`seen` (rows, 1, 1, steps) is True where a step may be looked at; None lets all be."""
        rows, length, width = x.shape
        query, key, value = self.ask(x).view(rows, length, 3, self.heads, width // self.heads).unbind(2)
        mixed = functional.scaled_dot_product_attention(
            query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), attn_mask=seen,
            dropout_p=self.dropout if self.training else 0.0)
        out: Tensor = self.give(mixed.transpose(1, 2).reshape(rows, length, width))
        return out
