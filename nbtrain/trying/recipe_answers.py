"""What a model by a recipe gives, as `Prediction` shows it: classes, numbers, marked words, texts, pictures, sounds."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from nbtrain.config.recipe_options import LANGUAGE
from nbtrain.core.errors import ModelError
from nbtrain.core.model_views import Guess, Mark, MetricView, Shown
from nbtrain.i18n import text
from nbtrain.models.fitted import Fitted
from nbtrain.ordering import Asked
from nbtrain.recipes.spans import OUTSIDE
from nbtrain.trying.outputs import MOST_GUESSES, MOST_TOKENS, MOST_VALUES

#: Tokens that a language model adds to a text.
ADDED = 60
#: Pixels of the longer side of an image with its points.
_SIDE = 640


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said to one row."""

    guesses: list[Guess] = field(default_factory=list)
    values: list[MetricView] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    note: str = ""


def told(kept: Fitted, asked: Asked, given: Any, outputs: Any, module: nn.Module) -> list[Said]:
    """Of each row, or window, in the order of the rows.

    Args:
        kept: what lies beside the weights.
        asked: which made the rows.
        given: the rows as they came.
        outputs: of the model.
        module: that gave them.

    Raises:
        ModelError: they cannot be shown.
    """
    from nbtrain.recipes.utterance import Utterance  # noqa: PLC0415 - only speech needs it

    if kept.recipe == LANGUAGE:
        return _gone_on(asked, kept.fitted, outputs, module)
    found = asked.decoded(outputs)
    if hasattr(found, "iloc") and "prediction" in found.columns:
        return _predicted(found, str(kept.columns.get("target") or "prediction"))
    if isinstance(found, list) and found and all(isinstance(each, Utterance) for each in found):
        return [_spoken(each) for each in found]
    if isinstance(found, list) and found and all(isinstance(each, list) for each in found):
        return [_marked(words, tags) for words, tags in zip(_cells(given, kept.columns["text"]), found, strict=True)]
    if isinstance(found, Tensor) and found.ndim == 3 and "names" in kept.fitted:
        return _located(found, kept.fitted["names"], _cells(given, kept.fitted["image"]))
    if isinstance(found, Tensor) and found.ndim:
        name = str(kept.columns.get("target") or "output")
        return [Said(values=_named(name, row.reshape(-1).tolist())) for row in found]
    raise ModelError(f"The recipe {kept.recipe!r} gives a {type(found).__name__}, which cannot be shown here.")


# -- classes and amounts ------------------------------------------------------------------------------


def _predicted(answers: Any, target: str) -> list[Said]:
    """Rows of `Goal.answers`."""
    chances = [name for name in answers.columns if name.startswith("p(") and name.endswith(")")]
    if not chances:
        return [Said(values=[MetricView(name=target, value=float(value))]) for value in answers["prediction"]]
    labels = [name[2:-1] for name in chances]
    found = []
    for prediction, row in zip(answers["prediction"], answers[chances].to_numpy(), strict=True):
        guesses = [Guess(label=label, probability=float(share)) for label, share in zip(labels, row, strict=True)]
        guesses.sort(key=lambda guess: -guess["probability"])
        note = "" if guesses[0]["label"] == str(prediction) else text("try.note.threshold", label=str(prediction))
        found.append(Said(guesses=guesses[:MOST_GUESSES], note=note))
    return found


def _named(name: str, values: Sequence[float]) -> list[MetricView]:
    names = [name] if len(values) == 1 else [f"{name} {at + 1}" for at in range(len(values))]
    return [MetricView(name=each, value=value) for each, value in zip(names[:MOST_VALUES], values, strict=False)]


# -- texts --------------------------------------------------------------------------------------------


def _marked(words: Any, tags: Sequence[str | None]) -> Said:
    """The words of a row with what they were said to be."""
    listed = words.split() if isinstance(words, str) else list(words or ())
    marks = [Mark(text=str(word), label="" if tag in {None, OUTSIDE} else str(tag))
             for word, tag in zip(listed, tags, strict=True)]
    cut = sum(tag is None for tag in tags)
    note = text("try.note.cut_words", read=len(tags) - cut, whole=len(tags)) if cut else ""
    return Said(shown=[_shown("marks", marks=marks)], note=note)


def _gone_on(asked: Asked, fitted: Mapping[str, Any], outputs: Any, module: Any) -> list[Said]:
    """How each text goes on with the likeliest token each time, and which tokens could come next."""
    from nbtrain.recipes import language_models  # noqa: PLC0415 - loads the client of the Hub
    from nbtrain.recipes.tokens import IDS  # noqa: PLC0415

    vocabulary = language_models.trained_with(asked.order, fitted)
    room = int(fitted["max_length"])
    found = []
    scores = (row for batch in ([outputs] if isinstance(outputs, Tensor) else outputs) for row in batch)
    for at, row in enumerate(scores):
        ids = asked.made.take(torch.tensor([at]), None)[0][IDS][0].tolist()
        shares = torch.softmax(row[len(ids) - 1].float(), 0)
        best = torch.topk(shares, min(MOST_TOKENS, len(shares)))
        guesses = [Guess(label=vocabulary.decode([token]) or "·", probability=float(share))
                   for share, token in zip(best.values.tolist(), best.indices.tolist(), strict=True)]
        shown = []
        if hasattr(module, "generate"):
            given = torch.tensor([list(ids)])
            with torch.no_grad():
                made = module.generate(
                    given, attention_mask=torch.ones_like(given), do_sample=False, pad_token_id=vocabulary.pad,
                    max_new_tokens=max(1, min(ADDED, room - len(ids))), eos_token_id=vocabulary.end)
            shown = [_shown("text", said=vocabulary.decode(made[0].tolist()))]
        found.append(Said(guesses=guesses, shown=shown))
    return found


# -- pictures and sounds ------------------------------------------------------------------------------


def _located(points: Tensor, names: Sequence[str], cells: Sequence[Any]) -> list[Said]:
    """Where the points of each image are, in its pixels, and the image with them."""
    found = []
    for places, cell in zip(points.double().tolist(), cells, strict=True):
        values = [MetricView(name=f"{name} {axis}", value=value)
                  for name, place in zip(names, places, strict=True) for axis, value in zip("xy", place, strict=True)]
        content = cell.get("bytes") if isinstance(cell, Mapping) else None
        shown = [] if content is None else [_shown("image", content=_drawn(content, places), mime="image/png")]
        found.append(Said(values=values[:MOST_VALUES], shown=shown))
    return found


def _drawn(content: bytes, places: Sequence[Sequence[float]]) -> bytes:
    """An image with a cross at each point."""
    import numpy as np  # noqa: PLC0415 - only images need them
    from PIL import Image  # noqa: PLC0415

    from nbtrain.recipes.decoding import square  # noqa: PLC0415
    from nbtrain.recipes.localising import overlay  # noqa: PLC0415

    pixels, (factor, right, down) = square(content, size=_SIDE, grey=False, deep=False, fit="pad")
    image = Image.fromarray(pixels.transpose(1, 2, 0))
    there = (np.array(places) + 0.5) * factor + np.array([right, down])
    overlay(image, np.full_like(there, np.nan), there)
    image = image.crop((round(right), round(down), _SIDE - round(right), _SIDE - round(down)))
    held = io.BytesIO()
    image.save(held, "PNG")
    return held.getvalue()


def _spoken(said: Any) -> Said:
    """What is heard, and what the model looked at meanwhile."""
    from nbtrain.recipes.utterance import attention_png  # noqa: PLC0415 - as above

    if not len(said.log_mel):
        raise ModelError("The model stops before it says anything; train it for longer.")
    return Said(shown=[
        _shown("audio", content=said.wav(), mime="audio/wav"),
        _shown("image", title=text("try.attention"), content=attention_png(said.attention), mime="image/png")])


# -- parts --------------------------------------------------------------------------------------------


def _shown(
    kind: str, *, title: str = "", said: str = "", marks: Sequence[Mark] = (), mime: str = "", content: bytes = b"",
) -> Shown:
    return Shown(kind=kind, title=title, text=said, marks=list(marks), mime=mime,
                 content=base64.b64encode(content).decode())


def _cells(given: Any, column: str) -> list[Any]:
    """A column of the rows as they came."""
    if hasattr(given, "iloc"):
        return list(given[column])
    if isinstance(given, Mapping):
        given = [given]
    return [row[column] for row in given]
