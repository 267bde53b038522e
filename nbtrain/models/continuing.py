"""A model that has learnt already goes on with other data: which columns in which order, and which classes.

Its weights know columns and classes by their places alone, so data whose places differ would be learnt wrongly in
silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nbtrain.core.errors import DataError, ModelError
from nbtrain.models.package import About

_UNNAMED = re.compile(r"LABEL_\d+")


def columns(name: str, about: About, given: Sequence[str] | None) -> list[str] | None:
    """The columns in the order the model learned them; None where they are in it, or where it is not known.

    Raises DataError when they are not the same columns.
    """
    known = [str(each) for each in about.inputs.get("features") or ()]
    if about.inputs.get("kind") not in {"tabular", "series"} or not known or given is None or list(given) == known:
        return None
    if len(known) == len(given) == 1:
        return None  # a single series may be called otherwise
    missing, extra = [each for each in known if each not in given], [each for each in given if each not in known]
    if missing or extra:
        lacks = f"lacks {_listed(missing)}" if missing else ""
        has = f"has {_listed(extra)} beside" if extra else ""
        raise DataError(
            f"The model {name!r} learned from the columns {_listed(known)}, and the data "
            f"{' and '.join(filter(None, (lacks, has)))}; give it the same ones (features=[…] chooses among more), or "
            f"train a new model: nbtrain.train('architecture:{about.architecture}', …).")
    return known


def classes(known: Sequence[str], given: Sequence[str] | None) -> list[str] | None:
    """The model's classes in its order, where those of the data are among them and numbered otherwise; else None."""
    fits = bool(given) and set(given or ()) <= set(known)
    return list(known) if fits and list(given or ()) != list(known) else None


def check_classes(name: str, about: About, given: Sequence[str] | None) -> None:
    """Raises ModelError when the data has classes for which the model has no output."""
    new = [each for each in given or () if each not in about.labels]
    if about.labels and new:
        raise ModelError(
            f"The model {name!r} knows the classes {_listed(about.labels)}, and the data has {_listed(new)} beside, "
            "for which it has no outputs; leave these rows out, or train a new model: "
            f"nbtrain.train('architecture:{about.architecture}', …).")


def named(labels: Sequence[str]) -> list[str]:
    """Names of classes that mean something; none where transformers made them up."""
    return [] if all(_UNNAMED.fullmatch(label) for label in labels) else list(labels)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:20])) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
