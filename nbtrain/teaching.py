"""Whether a registered model can teach another: it must read rows, and number classes, as the one that learns does.

A teacher is given the inputs that were made for the one that learns. Where a recipe makes them by what it learnt of the
training part (means, categories, tokens), a teacher that learnt by others would be asked about rows it never saw the
like of, and would answer all the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrain.config.recipe_options import LANGUAGE, SERIES, TABULAR, TEXTS, TOKENS
from nbtrain.core.errors import ModelError
from nbtrain.models import continuing
from nbtrain.models.fitted import Fitted
from nbtrain.models.package import FITTED

if TYPE_CHECKING:
    from nbtrain.models.package import About, Version

#: Of what a recipe learns: that by which rows become inputs.
_READ_BY: Mapping[str, tuple[str, ...]] = {
    TABULAR: ("encoding", "form"), SERIES: ("encoding",), TEXTS: ("tokenizer",), TOKENS: ("tokenizer",),
    LANGUAGE: ("tokenizer",)}
#: Recipes whose inputs only they can make: models of texts and images may come from elsewhere.
ALONE = {TABULAR, SERIES}


def check_classes(name: str, about: About, classes: Sequence[str] | None) -> None:
    """Raises ModelError where both have names for their classes, and these are not the same in the same order."""
    known = continuing.named(about.labels)
    if known and classes and known != list(classes):
        raise ModelError(
            f"The model {name!r} knows the classes {', '.join(known)[:200]}, and the data has "
            f"{', '.join(map(str, classes))[:200]}; they must be the same in the same order for one to teach "
            "the other.")


def check_inputs(name: str, version: Version, origin: Mapping[str, Any] | None) -> None:
    """Look whether a model reads rows as a run does that has this origin; None: one of data that only it knows.

    Raises:
        ModelError: it learnt by another recipe, from other columns, or by other means, categories or tokens.
    """
    own = version.about.inputs.get("recipe")
    recipe = None if origin is None or "fitted" not in origin else origin["recipe"]
    if own != recipe and (own is not None or recipe in ALONE):
        raise ModelError(
            f"The model {name!r} learned by {_by(own)}, and the one that it is to teach learns by {_by(recipe)}, which "
            "makes other inputs; train both alike, or, where you know that the inputs are the same, hand in the "
            "teacher as a module.")
    keys = _READ_BY.get(recipe or "", ())
    if own is None or origin is None or not keys:
        return
    theirs, ours = _fitted(version), origin["fitted"]
    if theirs is not None and not all(_alike(theirs.get(key), ours.get(key)) for key in keys):
        raise ModelError(
            f"The model {name!r} cannot teach here: it learned from other columns, or from other rows, whose "
            f"{_WHAT[keys[0]]} are not those of the training part here. Train it on the same parts of the same "
            "dataset, with the same columns in the same order.")


#: What is learnt under a name, in words.
_WHAT = {"encoding": "means and categories", "tokenizer": "tokens"}


def _by(recipe: str | None) -> str:
    return "no recipe" if recipe is None else f"the recipe {recipe!r}"


def _fitted(version: Version) -> Mapping[str, Any] | None:
    """What the recipe learnt for a model; None where that was not kept. Raises ModelFileError."""
    return Fitted.read(version.folder / FITTED).fitted if FITTED in version.files else None


def _alike(one: Any, other: Any) -> bool:
    """Whether two pieces of JSON say the same; sums in another order may differ in their last digits."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, Sequence) and isinstance(other, Sequence) and not isinstance(one, str):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-6)
    return bool(one == other)
