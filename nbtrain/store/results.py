"""What a run did on rows it did not learn from, in its folder: ``results/results.json`` and the pictures it names."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from nbtrain.core.outcomes import Outcome
from nbtrain.store import atomic

FOLDER, LIST = "results", "results.json"


def keep(folder: Path, outcome: Outcome) -> None:
    """Keep it in a run's `folder`, in the place of what was there; that is read until this is whole.

    Raises WorkspaceError.
    """
    home = folder / FOLDER
    with atomic.told("write", home):
        home.mkdir(parents=True, exist_ok=True)
    names = [f"{sha256(image).hexdigest()[:24]}.img" if image else "" for image in outcome.images]
    for name, image in zip(names, outcome.images, strict=True):
        if name and not (home / name).is_file():
            atomic.write_bytes(home / name, image)
    atomic.write_json(home / LIST, {"outcome": outcome.to_json(), "images": names})
    for old in home.glob("*.img"):
        if old.name not in names:
            old.unlink(missing_ok=True)


def kept(folder: Path) -> Outcome | None:
    """What was kept; None where nothing was, or a hand was at the files."""
    home = folder / FOLDER
    try:
        told = json.loads((home / LIST).read_text("utf-8"))
        images = [_image(home / Path(name).name) if name else b"" for name in told["images"]]
        return Outcome.from_json(told["outcome"], images)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _image(path: Path) -> bytes:
    """Empty where it is gone: two who looked at once may have tidied up after one another."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
