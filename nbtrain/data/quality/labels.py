"""The label itself: how unequal its classes are, which are too rare, and which are one class spelt in several ways."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from math import log

import numpy as np

from nbtrain.data.quality.report import Finding, Remedy
from nbtrain.data.quality.subject import Subject, first
from nbtrain.data.splits.labels import MISSING

#: How many times the largest class is the smallest, from which it is worth a word, costs quality, and decides.
#: The sets that people learn on go up to 3; at 10 a model that never says the small class is 91 % right.
UNEQUAL: dict[str, float] = {"low": 4, "medium": 10, "high": 100}
#: A class of fewer rows cannot be in training, validation and test.
RAREST = 3
#: More classes than this are not weighed one by one.
MOST_WEIGHTS = 1000

#: Letters that are one letter to a reader: Arabic and Persian yeh and kaf, and what joins or lengthens.
_LETTERS = str.maketrans({
    "\u064a": "\u06cc", "\u0649": "\u06cc", "\u0643": "\u06a9", "\u0640": None, "\u200c": " ", "\u200b": None,
    "\ufeff": None, "\u200d": None, "\u200e": None, "\u200f": None})
_MARKS = re.compile("[\u064b-\u0652\u0670]")


def classes(subject: Subject) -> Iterator[Finding]:
    """One class only, classes of very unequal size, and classes too rare for three parts."""
    if subject.classes is None or subject.codes is None:
        return
    names = subject.classes.names
    counts = np.bincount(subject.codes[subject.codes != MISSING], minlength=len(names))
    total = int(counts.sum())
    columns = (subject.target or "",)
    if len(names) == 1:
        yield Finding("one_class", "high", total, 1.0, columns, args={"value": names[0][:40]})
    if len(names) < 2 or len(names) > total / 2:  # as many classes as rows: no classes at all
        return
    few = np.flatnonzero(counts < RAREST)
    if len(few):
        rows = np.flatnonzero(np.isin(subject.codes, few))
        yield Finding(
            "rare_classes", "medium", len(rows), len(rows) / total, columns, first(rows),
            {"classes": len(few), "names": ", ".join(names[code][:40] for code in few[:5].tolist())})
    yield from _unequal(counts, names, columns)


def _unequal(counts: np.ndarray, names: tuple[str, ...], columns: tuple[str, ...]) -> Iterator[Finding]:
    total, least, most = int(counts.sum()), int(counts.argmin()), int(counts.argmax())
    ratio = float(counts[most] / counts[least])
    severity = next((name for name in ("high", "medium", "low") if ratio >= UNEQUAL[name]), None)
    if severity is None:
        return
    shares = counts / total
    evenness = float(-(shares * np.log(shares)).sum() / log(len(names)))
    weights = {
        name: float(total / (len(names) * count))
        for name, count in zip(names, counts.tolist(), strict=True) if len(names) <= MOST_WEIGHTS}
    yield Finding(
        "imbalance", severity, int(counts[least]), float(shares[least]), columns,  # type: ignore[arg-type]  # one of three
        args={"ratio": round(ratio, 1), "evenness": round(evenness, 3), "smallest": names[least][:40],
              "largest": names[most][:40], "largest_percent": float(f"{100 * shares[most]:.3g}")},
        remedy=Remedy("options", "oversample", options={"use_oversampling": True}, weights=weights))


def spellings(subject: Subject) -> Iterator[Finding]:
    """Labels that differ by case, white space or letter forms alone."""
    if subject.classes is None or subject.codes is None or subject.target is None:
        return
    alike: dict[str, list[int]] = defaultdict(list)
    for code, name in enumerate(subject.classes.names):  # the most frequent first
        alike[plain(name)].append(code)
    several = [codes for codes in alike.values() if len(codes) > 1]
    if not several:
        return
    odd = np.isin(subject.codes, [code for codes in several for code in codes[1:]])
    shown = "; ".join(" = ".join(repr(subject.classes.names[code][:30]) for code in codes) for codes in several[:5])
    told = [subject.classes.names[code] for codes in several for code in codes]
    steps = [{"step": "unicode", "form": "NFKC"}, {"step": "whitespace"}]
    if any(name.translate(_LETTERS) != name or _MARKS.search(name) for name in told):
        steps.append({"step": "persian"})
    if any(name.casefold() != name for name in told):
        steps.append({"step": "lowercase"})
    yield Finding(
        "label_spelling", "high", int(odd.sum()), float(odd.mean()), (subject.target,), first(np.flatnonzero(odd)),
        {"spellings": shown},
        Remedy("steps", "one_spelling", tuple({**step, "columns": [subject.target]} for step in steps)))


def plain(label: str) -> str:
    """A label without what readers do not see: case, white space, letter forms, marks, and what is invisible."""
    text = _MARKS.sub("", unicodedata.normalize("NFKC", label).translate(_LETTERS))
    return " ".join(text.casefold().split())
