"""Small language models, by their names, which are known before torch is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrain.config.recipe_options import LANGUAGE, TEXTS, TOKENS

#: Sizes that train on two cores; each is of transformers, and begins with random weights.
SMALL: Mapping[str, Mapping[str, Any]] = {
    "bert-tiny": {"model_type": "bert", "hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
                  "intermediate_size": 512},
    "bert-mini": {"model_type": "bert", "hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4,
                  "intermediate_size": 1024},
    "gpt2-tiny": {"model_type": "gpt2", "n_embd": 128, "n_layer": 2, "n_head": 2},
    "gpt2-mini": {"model_type": "gpt2", "n_embd": 256, "n_layer": 4, "n_head": 4},
}
#: What each kind of them is meant for.
MEANT_FOR: Mapping[str, tuple[str, ...]] = {"bert": (TEXTS, TOKENS), "gpt2": (LANGUAGE,)}
