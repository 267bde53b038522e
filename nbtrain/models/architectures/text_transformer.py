"""`text-transformer`: a small encoder for texts as token numbers, read in both directions.

After Vaswani et al., Attention Is All You Need (2017), with the norm before each part (Xiong et al., On Layer
Normalization in the Transformer Architecture, 2020), which trains without a long warm-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from nbtrain.models.architectures.attention import SelfAttention
from nbtrain.models.architectures.base import Architecture, Sizes


class TextTransformerConfig(Sizes):
    """Sizes of a `TextTransformer`."""

    vocabulary: int = Field(ge=1, le=10_000_000)
    length: int = Field(512, ge=1, le=131_072)
    """Tokens of the longest text; longer ones are cut."""
    width: int = Field(128, ge=2, le=16_384)
    layers: int = Field(2, ge=1, le=96)
    heads: int = Field(4, ge=1, le=256)
    dropout: float = Field(0.1, ge=0.0, le=0.9)

    @model_validator(mode="after")
    def _heads_divide(self) -> TextTransformerConfig:
        if self.width % self.heads:
            raise ValueError(f"heads is {self.heads}; it must divide width, which is {self.width}")
        return self


class TextTransformer(Architecture[TextTransformerConfig]):
    """Token numbers (rows, tokens) with a mask → outputs (rows, outputs), from the mean over the tokens that count."""

    name = "text-transformer"
    kind = "text"
    Config: ClassVar[type[Sizes]] = TextTransformerConfig

    def __init__(self, config: TextTransformerConfig) -> None:
        super().__init__(config)
        self.tokens = nn.Embedding(config.vocabulary, config.width)
        self.places = nn.Embedding(config.length, config.width)
        nn.init.normal_(self.tokens.weight, std=0.02)
        nn.init.normal_(self.places.weight, std=0.02)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.outputs)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None,  # noqa: ARG002 - tokenizers give it
    ) -> Tensor:
        """`input_ids` (rows, tokens), `attention_mask` the same with 1 where a token counts → (rows, outputs)."""
        longest = self.places.num_embeddings
        input_ids = input_ids[:, :longest]
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask[:, :longest]
        counts = mask.bool()
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.dropout(self.tokens(input_ids) + self.places(places))
        # A text without a token at all looks at everything, as nothing to look at would give NaN.
        seen = (counts | ~counts.any(1, keepdim=True))[:, None, None, :]
        for layer in self.layers:
            x = layer(x, seen)
        weight = counts.unsqueeze(-1).to(x.dtype)
        mean = (self.norm(x) * weight).sum(1) / weight.sum(1).clamp(min=1)
        out: Tensor = self.head(self.dropout(mean))
        return out

    @classmethod
    def sizes(cls, inputs: Any) -> dict[str, Any]:
        ids = inputs.get("input_ids") if isinstance(inputs, Mapping) else inputs
        if not isinstance(ids, Tensor) or ids.ndim != 2 or ids.is_floating_point():
            raise cls.refuse(ids, "token numbers of shape (rows, tokens); process the texts with the step tokenise")
        return {"vocabulary": int(ids.max()) + 1 if ids.numel() else 1, "length": max(1, ids.shape[1])}

    @classmethod
    def example(cls, config: TextTransformerConfig, rows: int) -> dict[str, Tensor]:
        length = min(16, config.length)
        return {
            "input_ids": torch.randint(config.vocabulary, (rows, length)),
            "attention_mask": torch.ones(rows, length, dtype=torch.long)}


class _Layer(nn.Module):
    """Attention among the tokens, then two wholly connected layers for each."""

    def __init__(self, config: TextTransformerConfig) -> None:
        super().__init__()
        self.first = nn.LayerNorm(config.width)
        self.attention = SelfAttention(config.width, config.heads, config.dropout)
        self.second = nn.LayerNorm(config.width)
        self.feed = nn.Sequential(
            nn.Linear(config.width, 4 * config.width), nn.GELU(), nn.Dropout(config.dropout),
            nn.Linear(4 * config.width, config.width), nn.Dropout(config.dropout))

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """`x` (rows, tokens, width); `seen` (rows, 1, 1, tokens) is True where a token may be looked at."""
        x = x + self.attention(self.first(x), seen)
        out: Tensor = x + self.feed(self.second(x))
        return out
