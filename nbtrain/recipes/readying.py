"""A model of texts made ready to learn: how many tokens it takes, what learns beside them."""

from __future__ import annotations

from typing import Any

from nbtrain.recipes import adapters, language_models
from nbtrain.recipes.base import Order
from nbtrain.recipes.language_models import Built, Source
from nbtrain.recipes.vocabulary import Vocabulary, compact


def ready(
    source: Source, built: Built, vocabulary: Vocabulary, order: Order, longest: int, *, head: bool,
) -> dict[str, Any]:
    """Put adapters into a model, as the options say.

    Args:
        source: what the model was made from.
        built: the model, which is changed.
        vocabulary: which tokens it reads.
        order: of the run.
        longest: tokens of the longest text to learn from.
        head: whether it has one that learns whole, as that of a classifier must.

    Returns:
        What another kernel must know to read other rows: ``made_from``, ``tokenizer`` and ``max_length``, plain JSON.

    Raises:
        DataError: the longest text has more tokens than the model takes.
        ModelError: peft is not installed, or finds nothing to put adapters beside.
    """
    module, config = built.module, order.config
    limit = language_models.check_length(source, module, vocabulary, longest)
    adapters.add(module, rank=config["lora_rank"], alpha=config["lora_alpha"], seed=config["seed"], head=head)
    return {
        "made_from": built.origin, "max_length": min(config["max_length"], limit or config["max_length"]),
        "tokenizer": compact(vocabulary.content) if vocabulary.learned else None}
