"""Whether all weights are finite: tensor by tensor, a piece at a time, so that memory does not depend on their size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from nbtrain.core.errors import ModelFileError
from nbtrain.core.tasks import Progress
from nbtrain.models.importing.header import Header
from nbtrain.models.importing.refusals import refused, shown
from nbtrain.models.importing.regular import opened

#: Bytes looked at in one go; whole values of every type.
PIECE = 8 * 2**20
Bad = Callable[[npt.NDArray[Any]], npt.NDArray[np.bool_]]


def _not_finite(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = ~np.isfinite(values)
    return found


#: How values of a type are read, and which of them are no numbers: by their bits where NumPy has no such type.
_TESTS: Mapping[str, tuple[str, Bad]] = MappingProxyType({
    "F64": ("<f8", _not_finite), "F32": ("<f4", _not_finite), "F16": ("<f2", _not_finite), "C64": ("<f4", _not_finite),
    "BF16": ("<u2", lambda bits: (bits & 0x7F80) == 0x7F80),
    "F8_E5M2": ("u1", lambda bits: (bits & 0x7C) == 0x7C), "F8_E4M3": ("u1", lambda bits: (bits & 0x7F) == 0x7F),
    "F8_E8M0": ("u1", lambda bits: bits == 0xFF), "F8_E4M3FNUZ": ("u1", lambda bits: bits == 0x80),
    "F8_E5M2FNUZ": ("u1", lambda bits: bits == 0x80),
})


def check(path: Path, header: Header, name: str | None = None, *, progress: Progress | None = None,
          done: int = 0, total: int | None = None) -> None:
    """Look at every value of a safetensors file whose header was checked.

    Args:
        path: the file.
        header: its header.
        name: what messages call it.
        progress: told the bytes looked at, `done` of `total` before this file.
        done: bytes of files before this one.
        total: bytes of all files.

    Raises:
        ModelFileError: a value is NaN or infinite; says of which tensor, and how many.
        CancelledError: it was called off.
    """
    name = name or path.name
    with opened(path, name) as (file, size):
        buffer = memoryview(bytearray(PIECE))
        for key, entry in header.tensors.items():
            if entry.dtype not in _TESTS:
                continue
            bad = 0
            file.seek(entry.start)
            for at in range(entry.start, entry.end, PIECE):
                piece = buffer[:min(PIECE, entry.end - at)]
                if file.readinto(piece) != len(piece):  # type: ignore[attr-defined]  # a buffered reader has it
                    raise refused(name, "it became shorter while it was read; import it again when it is whole")
                bad += _bad(entry.dtype, piece)
                if progress is not None:
                    progress.report(done + at + len(piece), total or size, "bytes")
            if bad:
                raise not_finite(name, key, bad, entry.count)


def not_finite(name: str, tensor: str, bad: int, count: int) -> ModelFileError:
    """What is said of a tensor that has values that are no numbers."""
    return refused(name, f"{bad:,} of the {count:,} values of the tensor {shown(tensor)!r} are NaN or infinite, so the "
                         "model would predict nothing; take weights from before its training diverged")


def _bad(dtype: str, piece: memoryview) -> int:
    code, bad = _TESTS[dtype]
    return int(np.count_nonzero(bad(np.frombuffer(piece, code))))
