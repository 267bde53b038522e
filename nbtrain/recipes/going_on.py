"""What a language model makes of a text as it learns: samples to look at, and how well it foresees the next token."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from nbtrain.core.errors import ModelError
from nbtrain.core.samples import Sample
from nbtrain.engine import sampler
from nbtrain.engine.forward import call, evaluation_mode
from nbtrain.engine.tasks import IGNORED
from nbtrain.models.loading import quiet
from nbtrain.recipes.vocabulary import Vocabulary

#: Texts that are gone on with, and tokens of each that are given and added at most.
PROMPTS, GIVEN, ADDED = 3, 12, 40
#: Of the sampled ones: a softer choice than the most likely token, among so many.
_TEMPERATURE, _AMONG = 0.8, 50


class Samples:
    """Goes on with the beginnings of some texts, once with the likeliest token each time and once by chance.

    Args:
        vocabulary: of the model.
        prompts: tokens of the beginnings.
        room: tokens that the model takes.
        seed: of the run.
    """

    def __init__(self, vocabulary: Vocabulary, prompts: Sequence[Sequence[int]], room: int, seed: int) -> None:
        self._vocabulary, self._prompts, self._room, self._seed = vocabulary, prompts, room, seed

    def __call__(self, model: nn.Module, epoch: int) -> Iterator[Sample]:
        """A sample for each beginning and each way, of the epoch just done."""
        for number, prompt in enumerate(self._prompts):
            begun = self._vocabulary.decode(prompt)
            for way, options in (
                    ("greedy", {"do_sample": False}),
                    ("sampled", {"do_sample": True, "temperature": _TEMPERATURE, "top_k": _AMONG})):
                text = self._gone_on(model, prompt, sampler.mix(self._seed, epoch, number), options)
                yield Sample(title=f"{begun} … ({way})", kind="text", content=text.encode())

    def _gone_on(self, model: Any, prompt: Sequence[int], seed: int, options: dict[str, Any]) -> str:
        device = next(model.parameters()).device
        ids = torch.tensor([list(prompt)], device=device)
        cuda = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=cuda), torch.no_grad():
            torch.manual_seed(seed)
            made = model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=max(1, min(ADDED, self._room - len(prompt))),
                pad_token_id=self._vocabulary.pad, eos_token_id=self._vocabulary.end, **options)
        return self._vocabulary.decode(made[0].tolist())


class Perplexity:
    """e to the mean of −log p of the next token, over all tokens that count."""

    __name__ = "perplexity"
    higher_is_better = False

    def __init__(self) -> None:
        self.reset()

    def __call__(self, output: Any, target: Any) -> float:
        """Of one batch."""
        fresh = Perplexity()
        fresh.update(output, target)
        return fresh.compute()

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in one batch: logits (rows, tokens, vocabulary) and the next tokens (rows, tokens)."""
        self._sum += F.cross_entropy(output.flatten(0, -2), target.flatten(), ignore_index=IGNORED, reduction="sum")
        self._count += (target != IGNORED).sum()

    def compute(self) -> float:
        """Since `reset`; infinite where it is past what a number can say."""
        try:
            return math.exp(float(self._sum) / max(1, int(self._count)))
        except OverflowError:
            return math.inf

    def reset(self) -> None:
        """Begin anew."""
        self._sum: Any = 0.0
        self._count: Any = 0


class Accuracy:
    """How many of the next tokens were held likeliest.

    That of torchmetrics takes the probabilities of all tokens, which of a large vocabulary cost more than the model.
    """

    __name__ = "accuracy"
    higher_is_better = True

    def __init__(self) -> None:
        self.reset()

    def __call__(self, output: Any, target: Any) -> float:
        """Of one batch."""
        fresh = Accuracy()
        fresh.update(output, target)
        return fresh.compute()

    def update(self, output: Tensor, target: Tensor) -> None:
        """As `Perplexity.update`."""
        counts = target != IGNORED
        self._right += ((output.argmax(-1) == target) & counts).sum()
        self._count += counts.sum()

    def compute(self) -> float:
        """Between 0 and 1."""
        return int(self._right) / max(1, int(self._count))

    def reset(self) -> None:
        """Begin anew."""
        self._right: Any = 0
        self._count: Any = 0


def check_causal(module: nn.Module, name: str, largest: int) -> None:
    """A model that sees the token it is to foresee learns nothing. Raises ModelError.

    Args:
        module: takes tokens (rows, tokens) and gives logits (rows, tokens, vocabulary).
        name: how it is called in messages.
        largest: number of a token.
    """
    import transformers  # noqa: PLC0415 - slow to load

    device = next(module.parameters()).device
    ids = torch.arange(8, device=device).remainder(max(2, largest))[None].repeat(2, 1)
    ids[1, -1] = (ids[1, -1] + 1) % max(2, largest)
    with torch.no_grad(), evaluation_mode(module), quiet(transformers):  # which would rather have a mask
        output = call(module, {"input_ids": ids})
    if not isinstance(output, Tensor) or output.ndim != 3 or not torch.allclose(
            output[0, :-1].float(), output[1, :-1].float(), rtol=1e-4, atol=1e-6):
        raise ModelError(
            f"{name} reads a text in both directions or gives no token by token output, so it cannot learn to go on "
            "with one; take a causal language model, such as gpt2-tiny.")
