"""`form` and `predict`: which way a version is tried, and one forward pass."""

from __future__ import annotations

import time
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, ModelError, NbtrainError, Problem
from nbtrain.core.model_views import Prediction, TryForm
from nbtrain.models.package import About, Version
from nbtrain.trying import answers
from nbtrain.trying.held import Held
from nbtrain.trying.learned import Learned, is_known
from nbtrain.trying.rows import RECIPE, Rows
from nbtrain.trying.tensors import Numbers, Pictures, Sounds, picture_shape, shape_of
from nbtrain.trying.way import Way

#: Ends of the classes of transformers whose outputs are told.
_TEXTS = ("ForSequenceClassification", "ForMaskedLM", "ForCausalLM", "LMHeadModel")
_TOKENIZERS = frozenset({
    "tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "tokenizer.model", "sentencepiece.bpe.model"})
HELD = Held()
#: Rows of a data frame in one forward pass.
_AT_ONCE = 256


def is_tryable(version: Version) -> bool:
    """Whether it is known what to ask for. Looks at nothing but what the registry knows."""
    return _kind_of_way(version) is not None


def form(version: Version) -> TryForm:
    """What to ask for.

    Raises:
        ModelError: nothing says what the model takes.
    """
    return _way(version).form()


def predict(version: Version, values: Mapping[str, Any]) -> Prediction:
    """What a version says to one input, made as the inputs were that it learned from.

    Args:
        version: from the registry. It stays in memory for the next time.
        values: an answer to each field of `form`; a file is its path.

    Raises:
        ConfigError: a value is missing, or cannot be used; with its field.
        DataError: the recipe cannot take it.
        ModelError: nothing says what the model takes; or it does not take this input.
        ModelFileError: a file of the model is missing or damaged.
    """
    from nbtrain.models.loading import load  # noqa: PLC0415 - loads torch, and a form needs none
    from nbtrain.trying.outputs import told  # noqa: PLC0415

    values = answers.named(values)
    with HELD.use(version, lambda: _way(version), load) as (way, module):
        for name in values:
            if name not in way.known():
                raise ConfigError([Problem(str(name), unknown("field", str(name), sorted(way.known())))])
        if isinstance(way, Learned):
            return way.answer(values, module)
        made = way.made(values, module)
        inputs = _as_taken(version, made.inputs)
        output, seconds = _output(version, module, inputs)
        guesses, numbers = told(way, inputs, output, module)
    return Prediction(guesses=guesses, values=numbers, shown=[], seconds=seconds, note=made.note)


def ask(version: Version, given: Any) -> Any:
    """As `predict`; of several inputs a list of predictions; and of one that stands by itself, for a form of one field.

    Args:
        version: from the registry.
        given: a dict; a list of dicts, or a data frame, a row for each input; or the value of the only field.

    Raises:
        ConfigError: as `predict`; or there are several fields, and nothing says which is meant.
    """
    if isinstance(given, Mapping):
        return predict(version, {str(name): value for name, value in given.items()})
    if hasattr(given, "iloc") and hasattr(given, "columns"):
        return _of_frame(version, given)
    rows = given
    if isinstance(rows, list | tuple) and rows and all(isinstance(row, Mapping | str | Path) for row in rows):
        return [predict(version, row if isinstance(row, Mapping) else _named(version, row)) for row in rows]
    return predict(version, _named(version, given))


def _of_frame(version: Version, frame: Any) -> list[Prediction]:
    """A prediction for each row, or each window, of a data frame; columns that are not known are not looked at."""
    from nbtrain.engine import nest  # noqa: PLC0415 - loads torch
    from nbtrain.models.loading import load  # noqa: PLC0415
    from nbtrain.trying.outputs import told  # noqa: PLC0415

    found: list[Prediction] = []
    with HELD.use(version, lambda: _way(version), load) as (way, module):
        if isinstance(way, Learned):
            return way.answers(frame, module)
        known = [name for name in frame.columns if str(name) in way.known()]
        if not isinstance(way, Rows) or not way.takes_frames:
            return [predict(version, row) for row in frame[known].to_dict("records")]
        made = _as_taken(version, way.of_frame(frame, module).inputs)
        rows = len(next(nest.tensors(made)))
        for start in range(0, rows, _AT_ONCE):
            inputs = nest.over(itemgetter(slice(start, start + _AT_ONCE)), made)
            output, seconds = _output(version, module, inputs)
            count = min(_AT_ONCE, rows - start)
            for row in range(count):
                one = nest.over(itemgetter(slice(row, row + 1)), output)
                guesses, numbers = told(way, inputs, one, module)
                found.append(Prediction(guesses=guesses, values=numbers, shown=[], seconds=seconds / count, note=""))
    return found


def _output(version: Version, module: Any, inputs: Any) -> tuple[Any, float]:
    """What the model gives, and how many seconds that took. Raises ModelError where it does not take the input."""
    import torch  # noqa: PLC0415 - a form needs none

    from nbtrain.engine.forward import call  # noqa: PLC0415

    began = time.perf_counter()
    try:
        with torch.inference_mode():
            output = call(module, inputs)
    except NbtrainError:
        raise
    except Exception as error:  # whatever a foreign model raises
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300].rstrip(".")
        raise ModelError(f"{version.about.architecture} cannot take this input: {first}.") from error
    return output, time.perf_counter() - began


def _named(version: Version, value: Any) -> dict[str, Any]:
    """A value by the name of the only field."""
    names = [each["name"] for each in form(version)["fields"]]
    if len(names) != 1:
        raise ConfigError([Problem("values", (
            f"{value!r:.60} is not said to be for which field; give a dict with {', '.join(names)[:200]}."))])
    return {names[0]: value}


def forget(model: str | None = None, number: int | None = None) -> None:
    """Let go of the model in memory; with an id, only where it is that one."""
    HELD.forget(model, number)


def _kind_of_way(version: Version) -> str | None:
    """A word for the way; None where nothing is known."""
    about, files = version.about, version.files
    prepared = about.inputs.get("recipe")  # made inputs of rows in a way of its own
    if about.format == "module":
        return None  # only its owner's code can build it
    if prepared and (is_known(version) or about.format != "transformers"):
        return "learned" if is_known(version) else None
    if not prepared and (RECIPE in files or about.inputs.get("features")):
        return "rows"
    return _of_transformers(version) if about.format == "transformers" else _of_tensors(about)


def _of_tensors(about: About) -> str | None:
    """Of a model that takes one tensor."""
    kind, shape = about.inputs.get("kind"), shape_of(about)
    if picture_shape(about):
        return "pictures"
    if kind == "sound":
        return "sounds"
    return "numbers" if shape and kind != "text" else None


def _of_transformers(version: Version) -> str | None:
    name, kind = version.about.architecture, version.about.inputs.get("kind")
    if name.endswith("ForImageClassification"):
        return "images"
    if name.endswith("ForAudioClassification") or (kind == "sound" and name.endswith("ForSequenceClassification")):
        return "speech"
    if name.endswith(_TEXTS) and not _TOKENIZERS.isdisjoint(version.files):
        return "texts"
    return None


def _way(version: Version) -> Way:
    name = _kind_of_way(version)
    own: dict[str, type[Way]] = {
        "learned": Learned, "rows": Rows, "pictures": Pictures, "sounds": Sounds, "numbers": Numbers}
    if name in own:
        return own[name](version)
    if name is None:
        raise ModelError(_unknown(version))
    from nbtrain.trying import pretrained  # noqa: PLC0415 - loads torch

    foreign: dict[str, type[Way]] = {
        "texts": pretrained.Texts, "images": pretrained.Images, "speech": pretrained.Speech}
    return foreign[name](version)


def _unknown(version: Version) -> str:
    about = version.about
    if about.format == "module":
        return (f"Only your own code can build {about.architecture}, so it cannot be tried here; in Python: "
                f"nbtrain.models.load(name, module={about.architecture}(…)).")
    if recipe := about.inputs.get("recipe"):
        return (f"{about.architecture} learned by the recipe {recipe!r}, which prepares its inputs, so it cannot be "
                "tried here; ask the run that learned it: run.predict(rows).")
    return (f"Nothing says what {about.architecture} takes, so it cannot be tried here; load it with "
            "nbtrain.models.load(name) and call it.")


def _as_taken(version: Version, inputs: Any) -> Any:
    """In the type that was kept, where a graph takes no other."""
    import torch  # noqa: PLC0415 - a form needs none

    dtype = getattr(torch, str(version.about.inputs.get("dtype", "")), None)
    if isinstance(inputs, torch.Tensor) and isinstance(dtype, torch.dtype):
        return inputs.to(dtype)
    return inputs
