"""ONNX models, looked through as the bytes they are: weights, inputs, and files that hold weights beside the model.

No library of ONNX reads the file before it has passed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

import numpy as np

from nbtrain.core.tasks import Progress
from nbtrain.models.importing import archives, protobuf
from nbtrain.models.importing.finite import PIECE, not_finite
from nbtrain.models.importing.protobuf import BadMessageError, Field
from nbtrain.models.importing.refusals import refused, shown
from nbtrain.models.importing.regular import opened

#: A graph in a graph in a graph…
_DEEPEST = 8
#: By the format's numbers: name, and bytes of a value (0 for text and for values packed into less than a byte).
_TYPES = {1: ("float32", 4), 2: ("uint8", 1), 3: ("int8", 1), 4: ("uint16", 2), 5: ("int16", 2), 6: ("int32", 4),
          7: ("int64", 8), 8: ("text", 0), 9: ("bool", 1), 10: ("float16", 2), 11: ("float64", 8), 12: ("uint32", 4),
          13: ("uint64", 8), 14: ("complex64", 8), 15: ("complex128", 16), 16: ("bfloat16", 2),
          17: ("float8_e4m3fn", 1), 18: ("float8_e4m3fnuz", 1), 19: ("float8_e5m2", 1), 20: ("float8_e5m2fnuz", 1),
          21: ("uint4", 0), 22: ("int4", 0), 23: ("float4", 0),
          24: ("float8_e8m0", 1), 25: ("uint2", 0), 26: ("int2", 0)}
_FLOATS = {1: "<f4", 10: "<f2", 11: "<f8", 14: "<f4", 15: "<f8"}


class Input(NamedTuple):
    """An input: its type, and the length of each dimension, None where it may be any."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(slots=True)
class _Tensor:
    """A tensor as it is described: its data lies in fields of the model, or at a place in a file beside it."""

    name: str = ""
    kind: int = 0
    values: int = 0
    data: list[Field] = field(default_factory=list)
    elsewhere: bool = False
    place: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Facts:
    """What an ONNX model says of itself, checked."""

    name: str = ""
    producer: str = ""
    inputs: list[Input] = field(default_factory=list)
    parameters: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    """Bytes of weights by type."""
    beside: dict[str, Path] = field(default_factory=dict)
    """Files with weights, by the path that the model names them with."""

    @property
    def precision(self) -> str:
        """The type that most bytes are of."""
        return max(self.sizes, key=lambda name: self.sizes[name], default="")


def read(path: Path, name: str, progress: Progress | None = None) -> Facts:
    """Check the ONNX model at `path`, and the files beside it that it names.

    Raises:
        ModelFileError: it is damaged, names a file outside its folder, or a weight is not finite or not of its size.
        CancelledError: it was called off.
    """
    facts = Facts()
    with opened(path, name) as (file, size):
        try:
            _Reader(file, name, path.parent, facts, progress).model(size)
        except BadMessageError as error:
            raise refused(name, f"the ONNX model is damaged ({error}); get it again") from None
    return facts


class _Reader:
    """One pass through a model; what it finds goes to `facts`."""

    def __init__(self, file: BinaryIO, name: str, folder: Path, facts: Facts, progress: Progress | None) -> None:
        self._file, self._name, self._folder = file, name, folder
        self._facts, self._progress = facts, progress
        self._size = 0

    def model(self, size: int) -> None:
        self._size = size
        graphs = 0
        for each in protobuf.fields(self._file, 0, size):
            if each.number == 2:
                self._facts.producer = shown(protobuf.text(self._file, each))
            elif each.number == 7:
                graphs += 1
                self._graph(each, 0)
            elif each.number == 25:  # a function: its nodes
                self._nodes(each, 7, 0)
        if graphs != 1:
            raise BadMessageError(f"it has {graphs} graphs instead of one")

    def _fields(self, of: Field) -> Iterator[Field]:
        if self._progress is not None:
            self._progress.report(of.start, self._size, "bytes")
        return protobuf.fields(self._file, of.start, of.end)

    def _graph(self, graph: Field, depth: int) -> None:
        if depth > _DEEPEST:
            raise BadMessageError("its graphs are nested too deeply")
        weights: set[str] = set()
        inputs: list[Input] = []
        for each in self._fields(graph):
            if each.number == 2 and depth == 0:
                self._facts.name = shown(protobuf.text(self._file, each))
            elif each.number == 5:
                weights.add(self._tensor(each, weight=True))
            elif each.number == 11 and depth == 0:
                inputs.append(self._input(each))
            elif each.number == 15:  # a sparse one: its values, and where they are
                for part in self._fields(each):
                    if part.number in {1, 2}:
                        weights.add(self._tensor(part, weight=part.number == 1))
        self._nodes(graph, 1, depth)
        if depth == 0:
            self._facts.inputs = [each for each in inputs if each.name not in weights]

    def _nodes(self, of: Field, number: int, depth: int) -> None:
        for node in self._fields(of):
            if node.number != number:
                continue
            for attribute in protobuf.fields(self._file, node.start, node.end):
                if attribute.number != 5:
                    continue
                for part in protobuf.fields(self._file, attribute.start, attribute.end):
                    if part.number in {5, 10}:
                        self._tensor(part, weight=False)
                    elif part.number in {6, 11}:
                        self._graph(part, depth + 1)

    def _tensor(self, tensor: Field, *, weight: bool) -> str:
        """Check a tensor; its name. Constants of nodes may be infinite (a mask is), weights may not."""
        found = self._described(tensor)
        if found.kind not in _TYPES:
            raise refused(self._name, f"the tensor {shown(found.name)!r} is of the unknown type {found.kind}")
        if found.values >= 2**48:
            raise refused(self._name, f"the tensor {shown(found.name)!r} is said to have {found.values:,} values")
        if found.elsewhere:
            self._outside(found)
        else:
            self._inside(found, weight=weight)
        dtype, width = _TYPES[found.kind]
        if weight and dtype.startswith(("float", "bfloat")):
            self._facts.parameters += found.values
            self._facts.sizes[dtype] = self._facts.sizes.get(dtype, 0) + found.values * (width or 1)
        return found.name

    def _described(self, tensor: Field) -> _Tensor:
        """What a tensor says of itself."""
        found = _Tensor()
        dims: list[int] = []
        for each in self._fields(tensor):
            if each.number == 1:
                dims += protobuf.packed(self._file, each)
            elif each.number == 2:
                found.kind = each.value
            elif each.number == 8:
                found.name = protobuf.text(self._file, each)
            elif each.number in {4, 9, 10}:
                found.data.append(each)
            elif each.number == 13:
                key, value = self._entry(each)
                found.place[key] = value
            elif each.number == 14:
                found.elsewhere = each.value == 1
        found.values = prod(dims)
        return found

    def _inside(self, tensor: _Tensor, *, weight: bool) -> None:
        wanted = tensor.values * _TYPES[tensor.kind][1]
        for each in tensor.data:
            length = each.end - each.start
            if each.number == 9 and wanted and length != wanted:
                raise refused(self._name, f"the tensor {shown(tensor.name)!r} needs {wanted:,} bytes, and has "
                                          f"{length:,}")
            code = {4: "<f4", 9: _FLOATS.get(tensor.kind), 10: "<f8"}[each.number]
            if weight and code is not None:
                self._finite(self._file, tensor, (each.start, each.end), code)

    def _outside(self, tensor: _Tensor) -> None:
        """Weights in a file beside the model: inside its folder, and within the file."""
        called, location = shown(tensor.name), tensor.place.get("location", "")
        wrong = archives.wrong_name(location) if location else "is not named"
        path = self._folder.joinpath(*PurePosixPath(location).parts)
        if wrong is None and (path.is_symlink() or not path.resolve().is_relative_to(self._folder.resolve())):
            wrong = "leads out of its folder"
        if wrong:
            raise refused(self._name, f"the weights of {called!r} are said to lie in {shown(location)!r}, which {wrong}"
                                      "; nothing was read from there")
        if not path.is_file():
            raise refused(self._name, f"its weights lie in {shown(location)!r}, which is not beside it; put it there, "
                                      "or give the folder or a zip of both")
        try:
            offset, length = int(tensor.place.get("offset", "0")), int(tensor.place.get("length", "-1"))
        except ValueError:
            raise refused(self._name, f"the place of the weights of {called!r} is no number") from None
        with opened(path, location) as (file, size):
            wanted = tensor.values * _TYPES[tensor.kind][1]
            end = size if length < 0 else offset + length
            if not 0 <= offset <= end <= size or (wanted and end - offset != wanted):
                raise refused(self._name, f"the weights of {called!r} do not fit into {shown(location)!r}; get both "
                                          "again")
            if (code := _FLOATS.get(tensor.kind)) is not None:
                self._finite(file, tensor, (offset, end), code)
        self._facts.beside[location] = path

    def _finite(self, file: BinaryIO, tensor: _Tensor, place: tuple[int, int], code: str) -> None:
        bad = 0
        for at in range(*place, PIECE):
            if self._progress is not None:
                self._progress.check()
            file.seek(at)
            piece = file.read(min(PIECE, place[1] - at))
            if len(piece) % np.dtype(code).itemsize:
                raise refused(self._name, f"the tensor {shown(tensor.name)!r} ends within a value")
            bad += int(np.count_nonzero(~np.isfinite(np.frombuffer(piece, code))))
        if bad:
            raise not_finite(self._name, tensor.name, bad, tensor.values)

    def _entry(self, entry: Field) -> tuple[str, str]:
        found = {each.number: protobuf.text(self._file, each) for each in self._fields(entry)}
        return found.get(1, ""), found.get(2, "")

    def _input(self, value: Field) -> Input:
        name, kind = "", 0
        shape: list[int | None] = []
        for each in self._fields(value):
            if each.number == 1:
                name = protobuf.text(self._file, each)
            elif each.number == 2:
                for tensor in (inner for inner in self._fields(each) if inner.number == 1):
                    for part in self._fields(tensor):
                        if part.number == 1:
                            kind = part.value
                        elif part.number == 2:
                            shape = [self._dimension(dim) for dim in self._fields(part) if dim.number == 1]
        return Input(name, _TYPES.get(kind, ("", 0))[0], tuple(shape))

    def _dimension(self, dim: Field) -> int | None:
        return next((each.value for each in self._fields(dim) if each.number == 1 and each.value < 2**31), None)
