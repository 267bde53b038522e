"""Good starting points under one name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

#: Mixed precision is bf16: it needs no loss scaling, and every GPU since 2020 and most CPUs have it.
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "fast": MappingProxyType({
        "epochs": 5, "batch_size": 64, "learning_rate": 1e-3, "mixed_precision": "bf16",
        "optimizer": "adamw", "scheduler": "cosine",
    }),
    "careful": MappingProxyType({
        "epochs": 20, "batch_size": 32, "learning_rate": 3e-4, "mixed_precision": "bf16",
        "early_stopping": True, "patience": 5, "scheduler": "cosine_with_restarts",
    }),
    "small_gpu": MappingProxyType({
        "epochs": 10, "batch_size": 8, "gradient_accumulation_steps": 4, "learning_rate": 5e-4,
        "mixed_precision": "bf16", "gradient_checkpointing": True,
    }),
})

#: The one a form marks as the place to start.
RECOMMENDED = "careful"

