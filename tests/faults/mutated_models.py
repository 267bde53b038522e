"""Files of models, mutated by chance, are imported; a canary watches that nothing happens outside the workspace.

    python -m tests.faults.mutated_models --files 10000 [--seed 0] [--convert 40]

Half of the files are safetensors, half are zip archives (of safetensors, of pickles that would touch the canary, with
names that lead out, and archives as torch writes them). Every `--convert`-th is imported with the permission to convert
pickles, so that what is left of them reaches the process that reads them. One JSON object says what came of it: files
let in, files refused, everything else (which must be nothing), what changed around the workspace (as well), and the
most memory that was used.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import random
import resource
import struct
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from nbtrain.core.errors import ModelFileError
from nbtrain.models.importing import open_model
from tests.models.importing import samples

Chance = random.Random
#: What headers are mutated with.
NUMBERS: tuple[Any, ...] = (0, 1, -1, 2, 8, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64, 10**30, 0.5,
                            1e308, True, None, "1", [], {})
TEXTS = ("F32", "F64", "BF16", "F8_E4M3", "I64", "BOOL", "F4", "", "f32", "__metadata__", "\ud800", "a\0b",
         "x" * 5_000)
NAMES = ("../canary/x", "../../../../canary/x", "..\\canary\\x", "a/../../canary/x", "con", "a:b", "\u202ea", "x" * 300,
         "a//b", "./a")


def seeds(folder: Path, canary: Path) -> tuple[list[bytes], list[bytes]]:
    """Sound safetensors, and archives that are sound or hostile."""
    generator = np.random.default_rng(0)
    plain = [
        samples.safetensors(folder / "seed").read_bytes(),
        samples.safetensors(folder / "seed", {f"layer.{n}.weight": generator.random((4, n + 1)).astype(np.float32)
                                              for n in range(12)}, {"format": "pt"}).read_bytes(),
        samples.safetensors(folder / "seed", {"half": np.ones(5, np.float16), "whole": np.arange(6, dtype=np.int64),
                                              "brain": np.zeros(3, np.uint16)}).read_bytes(),
        samples.safetensors(folder / "seed", {"scalar": np.ones((), np.float32), "none": np.zeros((0, 3), np.float64)},
                            {"nbtrain.config": "{}"}).read_bytes(),
    ]
    evil = pickle.dumps(samples.Touch(canary / "touched"), protocol=2)
    archives = [
        samples.zipped(folder / "seed", {"model.safetensors": plain[1], "README.md": b"words " * 50}).read_bytes(),
        samples.zipped(folder / "seed", {"net/model.safetensors": plain[0], "net/nbtrain.json": b"{}"}).read_bytes(),
        samples.zipped(folder / "seed", {"weights.pt": evil}).read_bytes(),
        samples.zipped(folder / "seed", {"config.json": b'{"model_type": "b"}', "model.bin": evil}).read_bytes(),
        samples.torch_archive(folder / "seed", evil, data__0=b"\0" * 64).read_bytes(),
        samples.torch_archive(folder / "seed", evil, constants_dot_pkl=evil).read_bytes(),
        *(samples.zipped(folder / "seed", {"a.safetensors": plain[0], name: b"out"}).read_bytes() for name in NAMES),
    ]
    return plain, archives


def mutated(data: bytes, chance: Chance, others: list[bytes]) -> bytes:
    """One to four changes to bytes: flipped, overwritten, cut, doubled, taken from elsewhere, or a header's field."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        data = chance.choice((_flip, _overwrite, _cut, _insert, _splice, _double, _number))(data, chance, others)
    return data


def rewritten(data: bytes, chance: Chance) -> bytes:
    """A safetensors file whose header says something else, in good JSON."""
    size = struct.unpack("<Q", data[:8])[0]
    told = json.loads(data[8:8 + size])
    for _ in range(chance.choice((1, 1, 2))):
        name = chance.choice(list(told))
        entry = told[name]
        what = chance.randrange(6)
        if what == 0 or not entry or "dtype" not in entry:
            told[chance.choice(TEXTS)] = told.pop(name)
        elif what == 1:
            entry["dtype"] = chance.choice(TEXTS)
        elif what == 2:
            entry["shape"] = [chance.choice(NUMBERS) for _ in range(chance.randrange(5))]
        elif what == 3:
            entry["data_offsets"][chance.randrange(2)] = chance.choice(NUMBERS)
        elif what == 4:
            told[name] = chance.choice((*NUMBERS, *TEXTS))
            break
        else:
            entry[chance.choice(TEXTS)] = chance.choice(NUMBERS)
    text = json.dumps(told).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + size:]


def rezipped(data: bytes, chance: Chance, others: list[bytes]) -> bytes:
    """An archive with good structure, one member of which is mutated, renamed, or of another kind."""
    target = Path(tempfile.gettempdir()) / f"rezipped-{os.getpid()}"
    source = target.with_suffix(".from")
    source.write_bytes(data)
    with (zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
          warnings.catch_warnings(action="ignore")):  # of two members of one name
        for member in old.infolist():
            content, name = old.read(member), member.filename
            if chance.random() < 0.5:
                content = mutated(content, chance, others)
            if chance.random() < 0.1:
                name = chance.choice(NAMES)
            info = zipfile.ZipInfo(name)
            info.external_attr = chance.choice((0, 0, 0, 0o120777 << 16, 0o010777 << 16, 0o100644 << 16))
            new.writestr(info, content)
    result = target.read_bytes()
    target.unlink()
    source.unlink()
    return result


def files(number: int, chance: Chance, folder: Path, canary: Path) -> Iterator[bytes]:
    """So many mutated files, half of each sort."""
    plain, archives = seeds(folder, canary)
    everything = plain + archives
    for index in range(number):
        if index % 2 == 0:
            data = chance.choice(plain)
            yield rewritten(data, chance) if chance.random() < 0.5 else mutated(data, chance, everything)
        else:
            data = chance.choice(archives)
            yield rezipped(data, chance, everything) if chance.random() < 0.3 else mutated(data, chance, everything)


def outcome(path: Path, *, convert: bool = False) -> str:
    """What an import comes to: ``let in``, ``refused``, or the name of what it should not have raised."""
    try:
        with open_model(path, convert=convert) as package:
            return "let in" if package.files else "nothing let in"
    except ModelFileError as error:
        said = str(error)
        return "refused" if said.endswith((".", "?", "!")) and "\n" not in said else f"said badly: {said!r}"
    except Exception as error:  # noqa: BLE001 - which is what is looked for
        return f"{type(error).__name__}: {error!r:.200}"


def state(folder: Path) -> dict[str, str]:
    """Everything in a folder, with its content."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))}


def run(
    number: int, seed: int, convert: int, around: Path, take: Callable[[Path, bool], str] | None = None,
) -> dict[str, Any]:
    """Import so many mutated files in a workspace in `around`, with `take` in place of `outcome`; what came of it."""
    take = take or (lambda path, allowed: outcome(path, convert=allowed))
    canary, made = around / "canary", around / "files"
    for folder in (canary, made):
        folder.mkdir()
    (canary / "precious.txt").write_text("not to be touched")
    (around / "beside.txt").write_text("nor this")
    os.environ["NBTRAIN_HOME"] = str(around / "workspace")
    chance = Chance(seed)
    came: Counter[str] = Counter()
    changed: list[str] = []
    before = _watched(around)
    began = time.monotonic()
    path = made / "model"
    for index, data in enumerate(files(number, chance, made, canary)):
        path.write_bytes(data)
        came[take(path, bool(convert) and index % convert == 1)] += 1
        if (index % 100 == 0 or index == number - 1) and (now := _watched(around)) != before:
            changed.append(f"{index}: {sorted(set(now.items()) ^ set(before.items()))[:4]}")
            before = now
    left = list((around / "workspace" / "imports").glob("*"))
    return {
        "files": number, "let in": came.pop("let in", 0), "refused": came.pop("refused", 0), "else": dict(came),
        "changed outside": changed, "left in the workspace": len(left), "seconds": round(time.monotonic() - began),
        "memory MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def _watched(around: Path) -> dict[str, str]:
    """All around the workspace, but for the file that is imported."""
    return {name: content for name, content in state(around).items() if not name.startswith(("workspace", "files"))}


def _flip(data: bytes, chance: Chance, _: list[bytes]) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1:]


def _overwrite(data: bytes, chance: Chance, _: list[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    new = chance.choice((b"\0", b"\xff", b"{", b"}", b'"', b"PK\3\4", b"\x80\x02", b"NaN", b"-1", b"\0\0\xc0\x7f"))
    return data[:at] + new + data[at + len(new):]


def _cut(data: bytes, chance: Chance, _: list[bytes]) -> bytes:
    first, last = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    return data[:first] if chance.random() < 0.5 else data[:first] + data[last:]


def _insert(data: bytes, chance: Chance, _: list[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.choice((1, 2, 8, 100))) + data[at:]


def _splice(data: bytes, chance: Chance, others: list[bytes]) -> bytes:
    other = chance.choice(others)
    return data[:chance.randrange(len(data) + 1)] + other[chance.randrange(len(other)):]


def _double(data: bytes, chance: Chance, _: list[bytes]) -> bytes:
    first, last = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    return data[:last] + data[first:]


def _number(data: bytes, chance: Chance, _: list[bytes]) -> bytes:
    """A number of one, two, four or eight bytes: zero, one, largest, nearly largest, or chance."""
    size = chance.choice((1, 2, 4, 8))
    at = chance.choice((0, 4, chance.randrange(len(data) + 1)))
    most = 256**size - 1
    value = chance.choice((0, 1, most, most // 2, most - 7, chance.randrange(most)))
    return data[:at] + value.to_bytes(size, "little") + data[at + size:]


def main(arguments: list[str], say: Callable[[str], object] = print) -> int:
    """The command; 1 when something came of it that should not."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--convert", type=int, default=40)
    given = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as around:
        found = run(given.files, given.seed, given.convert, Path(around).resolve())
    say(json.dumps(found, indent=1))
    return 1 if found["else"] or found["changed outside"] or found["left in the workspace"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
