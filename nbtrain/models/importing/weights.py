"""Weights in safetensors files: one, or several that belong together; checked, and where it is wanted made into one."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors

from nbtrain.core.tasks import Progress
from nbtrain.models.importing import finite, header
from nbtrain.models.importing.header import Entry, Header
from nbtrain.models.importing.refusals import refused, shown
from nbtrain.models.importing.regular import opened, whole
from nbtrain.store import atomic

_PIECE = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Weights:
    """Checked files, by the names messages call them."""

    files: Mapping[str, tuple[Path, Header]]

    @property
    def headers(self) -> list[Header]:
        return [found for _, found in self.files.values()]

    @property
    def tensors(self) -> dict[str, Entry]:
        """All tensors by name; no name is there twice."""
        return {name: entry for found in self.headers for name, entry in found.tensors.items()}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: entry.shape for name, entry in self.tensors.items()}

    @property
    def metadata(self) -> Mapping[str, str]:
        """Of the first file that says something."""
        return next((found.metadata for found in self.headers if found.metadata), {})

    @property
    def elements(self) -> int:
        return sum(entry.count for entry in self.tensors.values())

    @property
    def bytes(self) -> int:
        return sum(entry.end - entry.start for entry in self.tensors.values())


def checked(files: Mapping[str, Path], *, progress: Progress | None = None) -> Weights:
    """Check safetensors files that belong together: headers first, then every value.

    Raises:
        ModelFileError: one is damaged, has a value that is no number, or a tensor is in two of them.
        CancelledError: it was called off.
    """
    found = Weights({name: (path, header.read(path, name)) for name, path in files.items()})
    seen: dict[str, str] = {}
    for file, (_, head) in found.files.items():
        for tensor in head.tensors:
            if tensor in seen:
                raise refused(file, f"the tensor {shown(tensor)!r} is in {shown(seen[tensor])} too")
            seen[tensor] = file
    done = 0
    for name, (path, head) in found.files.items():
        finite.check(path, head, name, progress=progress, done=done, total=found.bytes)
        done += sum(entry.end - entry.start for entry in head.tensors.values())
        try:  # the library that will read it later has the last word
            with safetensors.safe_open(path, framework="np") as second:
                agreed = set(second.keys()) == set(head.tensors)
        except (safetensors.SafetensorError, OSError, ValueError) as error:
            raise refused(name, f"safetensors cannot read it ({shown(error)})") from error
        if not agreed:
            raise refused(name, "safetensors finds other tensors in it than its header has")
    return found


def indexed(folder: Path, index: Path, name: str) -> list[str]:
    """The files that an index names, all in the folder. Raises ModelFileError."""
    places = header.json_object(whole(index, header.LONGEST * 4, name), name).get("weight_map")
    if not isinstance(places, dict) or not places or not all(isinstance(file, str) for file in places.values()):
        raise refused(name, "it has no weight_map that tells which tensor is in which file")
    files = sorted(set(places.values()))
    for file in files:
        if Path(file).name != file or "\\" in file:
            raise refused(name, f"it names the file {shown(file)!r}, which is not beside it; nothing was read from "
                                "there")
        if not (folder / file).is_file():
            raise refused(name, f"it names {shown(file)!r}, which is not in the folder; fetch it too")
    return files


def check_index(weights: Weights, index: Path, name: str) -> None:
    """Raises ModelFileError when an index puts a tensor elsewhere than it is."""
    places = header.json_object(whole(index, header.LONGEST * 4, name), name)["weight_map"]
    there = {tensor: Path(file).name for file, (_, head) in weights.files.items() for tensor in head.tensors}
    for tensor, file in places.items():
        if there.get(tensor) != file:
            raise refused(name, f"it says that the tensor {shown(tensor)!r} is in {shown(file)!r}, which it is not")


def merged(weights: Weights, target: Path, progress: Progress | None = None) -> Path:
    """One file of all of them, copied piece by piece."""
    tensors = [(name, entry, path) for path, head in weights.files.values() for name, entry in head.tensors.items()]
    tensors.sort(key=lambda each: (-header.BITS[each[1].dtype], each[0]))  # widest first, so that all are aligned
    told: dict[str, object] = {"__metadata__": {"format": "pt", **weights.metadata}}
    at = 0
    for name, entry, _ in tensors:
        size = entry.end - entry.start
        told[name] = {"dtype": entry.dtype, "shape": list(entry.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(told, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic.told("write", target), target.open("xb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        done = 0
        for _, entry, path in tensors:
            with opened(path) as (source, _size):
                source.seek(entry.start)
                for begin in range(entry.start, entry.end, _PIECE):
                    done += file.write(source.read(min(_PIECE, entry.end - begin)))
                    if progress is not None:
                        progress.report(done, at, "bytes")
    return target


def differences(given: Mapping[str, Sequence[int]], expected: Mapping[str, Sequence[int]]) -> str:
    """What of names and shapes does not agree with what a model has, in words; empty when all does."""
    missing = [name for name in expected if name not in given]
    more = [name for name in given if name not in expected]
    wrong = [f"{name} {list(given[name])} instead of {list(shape)}" for name, shape in expected.items()
             if name in given and tuple(given[name]) != tuple(shape)]
    return "; ".join(f"{what}: {listed(names)}" for what, names in (
        ("missing", missing), ("not known", more), ("of another shape", wrong)) if names)


def listed(names: Sequence[str]) -> str:
    """The first few of many names."""
    return ", ".join(shown(name) for name in names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
