"""The header of a safetensors file, read by a parser of our own that trusts nothing in it.

    8 bytes      length of the header, little-endian
    header       JSON: name → dtype, shape, data_offsets; ``__metadata__``: texts
    data         the tensors, without a gap, to the end of the file

A file that passes has every byte of its data in exactly one tensor of a known type and a size that fits its shape.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from nbtrain.core.errors import ModelFileError
from nbtrain.models.importing.refusals import refused, shown
from nbtrain.models.importing.regular import opened

#: Bytes of the longest header; as Python objects it takes some ten times that. The largest in use have a few MB.
LONGEST = 16 * 2**20
#: Tensors of one file.
MOST = 200_000
#: Characters of the longest name, and dimensions of the largest shape.
_NAME, _RANK = 1_000, 32
#: Bits of a value, by the format's names of types.
BITS: Mapping[str, int] = MappingProxyType({
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64,
    "U64": 64,
})
#: Their names in torch, of those that weights have.
_TORCH = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn",
          "F8_E5M2": "float8_e5m2", "I8": "int8", "U8": "uint8"}
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked", "rows_seen")


@dataclass(frozen=True, slots=True)
class Entry:
    """A tensor of the file; `start` and `end` are bytes from the beginning of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def count(self) -> int:
        """How many values it has."""
        return (self.end - self.start) * 8 // BITS[self.dtype]


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself, checked. Tensors are in the order of their bytes."""

    tensors: Mapping[str, Entry]
    metadata: Mapping[str, str]


def read(path: Path, name: str | None = None) -> Header:
    """The header of the file at `path`, which is called `name` in messages.

    Raises:
        ModelFileError: it is not a safetensors file, or not a sound one.
    """
    name = name or path.name
    with opened(path, name) as (file, size):
        start = file.read(8)
        if len(start) < 8:
            raise refused(name, f"it has {size} bytes, too few for a safetensors file; get it again")
        length = struct.unpack("<Q", start)[0]
        if length > LONGEST:
            raise refused(name, f"its header is said to have {length:,} bytes; at most {LONGEST:,} are read")
        if length > size - 8:
            raise refused(name, f"it is cut short: its header is said to have {length:,} bytes, and {size - 8:,} "
                                "follow; get it again")
        text = file.read(length)
    if len(text) != length:
        raise refused(name, "it became shorter while it was read; import it again when it is whole")
    return _checked(_parsed(text, name), 8 + length, size, name)


def parameters(headers: Iterable[Header]) -> int:
    """How many weights there are: values of floating types, without the statistics that normalisation keeps."""
    return sum(
        entry.count for header in headers for name, entry in header.tensors.items()
        if entry.dtype.startswith(("F", "BF", "C")) and not name.endswith(_STATISTICS))


def precision(headers: Iterable[Header]) -> str:
    """The type that most bytes are of, as torch calls it; empty where there is none."""
    sizes: dict[str, int] = {}
    for header in headers:
        for entry in header.tensors.values():
            sizes[entry.dtype] = sizes.get(entry.dtype, 0) + entry.end - entry.start
    most = max(sizes, key=lambda dtype: sizes[dtype], default="")
    return _TORCH.get(most, most.lower())


def json_object(text: bytes, name: str) -> dict[str, Any]:
    """A JSON object from outside: no key twice, no NaN, not too deep. Raises ModelFileError."""
    try:
        found = json.loads(text.decode(), object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError:
        raise refused(name, "its JSON is not UTF-8") from None
    except RecursionError:
        raise refused(name, "its JSON is nested too deeply") from None
    except ValueError as error:
        raise refused(name, f"its JSON cannot be read ({shown(error)})") from None
    if not isinstance(found, dict):
        raise refused(name, f"its JSON is {type(found).__name__} instead of an object")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {shown(twice)!r} is there twice")
    return found


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _parsed(text: bytes, name: str) -> dict[str, Any]:
    if not text.startswith(b"{"):
        raise refused(name, "it is not a safetensors file: its header does not begin with a brace")
    return json_object(text, f"{name} (header)")


def _checked(found: dict[str, Any], begin: int, size: int, name: str) -> Header:
    metadata = found.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise refused(name, "__metadata__ of its header may hold texts alone")
    if not found:
        raise refused(name, "there is no tensor in it")
    if len(found) > MOST:
        raise refused(name, f"it has {len(found):,} tensors; at most {MOST:,} are read")
    entries = [(key, _entry(key, value, begin, name)) for key, value in found.items()]
    entries.sort(key=lambda item: (item[1].start, item[1].end))
    at = begin
    for key, entry in entries:
        if entry.start != at:
            raise refused(name, f"the tensor {shown(key)!r} begins at byte {entry.start:,}, where {at:,} is next: its "
                                f"bytes {'overlap another tensor' if entry.start < at else 'leave a gap'}")
        at = entry.end
    if at != size:
        raise refused(name, f"it is cut short: its tensors need {at:,} bytes, and it has {size:,}; get it again"
                      if at > size else f"it has {size - at:,} bytes after its last tensor, which belong to nothing")
    return Header(dict(entries), metadata)


def _entry(key: str, value: Any, begin: int, name: str) -> Entry:
    def wrong(what: str) -> ModelFileError:
        return refused(name, f"the tensor {shown(key)!r} {what}")

    if len(key) > _NAME or not all(character.isprintable() for character in key):
        raise wrong("has a name that is too long or has characters nobody sees")
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise wrong("is not described by dtype, shape and data_offsets alone")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise wrong(f"is of type {shown(dtype)!r}, which is not known; there are {', '.join(BITS)}")
    if not isinstance(shape, list) or len(shape) > _RANK or not all(_whole(n) for n in shape):
        raise wrong(f"has the shape {shown(shape)}; it must be at most {_RANK} whole numbers from 0 on")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(_whole(n) for n in offsets):
        raise wrong(f"has the offsets {shown(offsets)}; they must be two whole numbers from 0 on")
    values = 1
    for n in shape:
        values *= n
    if values * BITS[dtype] != (offsets[1] - offsets[0]) * 8:
        raise wrong(f"of shape {shown(shape)} and type {dtype} needs {values * BITS[dtype] // 8:,} bytes, and its "
                    f"offsets give it {offsets[1] - offsets[0]:,}")
    return Entry(dtype, tuple(shape), begin + offsets[0], begin + offsets[1])


def _whole(number: Any) -> bool:
    return type(number) is int and 0 <= number < 2**48
