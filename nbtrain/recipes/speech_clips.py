"""Recordings and what is said in them, read once: spectrograms are kept on the disk, and mapped from there."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from nbtrain.core.errors import DataError, WorkspaceError
from nbtrain.data.columns import quoted
from nbtrain.data.table import ROW, Table
from nbtrain.recipes import mel
from nbtrain.recipes.mel import MelSettings
from nbtrain.recipes.speech_text import normalised
from nbtrain.recipes.telling import rows
from nbtrain.store import atomic, workspace

#: Seconds of the longest recording: sentences are shorter, and attention over more is not learnt.
LONGEST = 40.0
#: Nobody speaks more characters a second; where there are more, sound and text are not of one another.
FASTEST = 45.0
#: Characters that any recording may have beyond: marks and spaces of the shortest.
_SLACK = 5
#: Part of the key: another way to make spectrograms is another number.
_VERSION = 1
#: Sets of spectrograms that are kept in the workspace.
_KEPT = 12
_READ = 64
_FACTS, _MEL = "facts.json", "mel.npy"

Cells = Iterator[tuple[int, bytes | None]]


@dataclass(frozen=True)
class Recordings:
    """The spectrograms of one part, one after another."""

    key: str
    mel: npt.NDArray[np.float32]
    """(frames of all, bands), mapped from the disk."""
    frames: npt.NDArray[np.int64]
    """Of each recording."""
    rates: dict[int, int] = field(default_factory=dict)
    """How many were recorded at which rate."""

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self.frames)[:-1]]).astype(np.int64)


class Clips:
    """Sentences with their recordings, as the engine takes rows (`engine.rows.Rows`).

    Args:
        texts: of each row, as numbers of its characters.
        recordings: of each row.
        mean: of each band.
        deviation: of each band.
    """

    classes: list[str] | None = None
    targets: Tensor | None = None

    def __init__(
        self, texts: Sequence[npt.NDArray[np.int64]], recordings: Recordings, mean: Sequence[float],
        deviation: Sequence[float],
    ) -> None:
        self._texts = [torch.from_numpy(text) for text in texts]
        self._recordings, self._starts = recordings, recordings.starts
        self._mean, self._deviation = np.asarray(mean, np.float32), np.asarray(deviation, np.float32)
        self.lengths: Tensor | None = torch.from_numpy(recordings.frames)
        self.bucketed = True

    def __len__(self) -> int:
        return len(self._texts)

    def take(self, rows: Tensor, seed: int | None) -> tuple[dict[str, Tensor], Tensor]:  # noqa: ARG002 - nothing is by chance
        """``text`` (m, characters), ``mel`` (m, frames, bands) and ``frames`` (m,); the target is ``mel`` again."""
        chosen = rows.tolist()
        mels = pad_sequence([torch.from_numpy(self.spectrogram(row)) for row in chosen], batch_first=True)
        assert self.lengths is not None  # noqa: S101 - set above
        texts = pad_sequence([self._texts[row] for row in chosen], batch_first=True)
        return {"text": texts, "mel": mels, "frames": self.lengths[rows]}, mels

    def spectrogram(self, row: int) -> npt.NDArray[np.float32]:
        """Of one row, each band brought to mean 0 and deviation 1, (frames, bands)."""
        start = self._starts[row]
        cut = self._recordings.mel[start:start + self._recordings.frames[row]]
        return np.asarray((cut - self._mean) / self._deviation, np.float32)

    def text(self, row: int) -> Tensor:
        """Of one row, (characters,)."""
        return self._texts[row]

    def fingerprint(self) -> str:
        digest = sha256(self._recordings.key.encode())
        for text in self._texts:
            digest.update(text.numpy().tobytes())
        return f"speech:{digest.hexdigest()[:32]}"


class Sentences:
    """Sentences to be spoken, as the engine takes rows."""

    classes: list[str] | None = None
    targets: Tensor | None = None
    lengths: Tensor | None = None
    bucketed = False

    def __init__(self, texts: Sequence[npt.NDArray[np.int64]]) -> None:
        self._texts = [torch.from_numpy(text) for text in texts]

    def __len__(self) -> int:
        return len(self._texts)

    def take(self, rows: Tensor, seed: int | None) -> tuple[dict[str, Tensor], None]:  # noqa: ARG002 - as above
        """``text`` (m, characters)."""
        return {"text": pad_sequence([self._texts[row] for row in rows.tolist()], batch_first=True)}, None

    def fingerprint(self) -> str:
        digest = sha256()
        for text in self._texts:
            digest.update(text.numpy().tobytes())
        return f"sentences:{digest.hexdigest()[:32]}"


# -- texts ----------------------------------------------------------------------------------------


def sentences(table: Table, column: str) -> list[tuple[int, str]]:
    """The number of each row, from 0 as in the preview, and its text, normalised. Raises DataError for empty ones."""
    found: list[tuple[int, str]] = []
    asked = f"SELECT {ROW}, {quoted(column)}::VARCHAR AS cell FROM ({table.numbered})"  # noqa: S608 - names are quoted
    for batch in table.stream(asked):
        found += zip(batch.column(0).to_pylist(), normalised(batch.column(1).to_pylist()), strict=True)
    refuse(
        [row for row, text in found if not any(character.isalnum() for character in text)],
        lambda which: f"The text {column!r} of {table.name} has no word in {which}, so there is nothing to say; drop "
                      "these rows, or fill the text in.")
    return found


def refuse(bad: Sequence[int], sentence: Callable[[str], str]) -> None:
    """Raises DataError where there are bad rows, with what `sentence` makes of their names."""
    if bad:
        raise DataError(sentence(rows(len(bad), bad)))


# -- sounds ---------------------------------------------------------------------------------------


def recordings(table: Table, column: str, texts: Sequence[tuple[int, str]], settings: MelSettings) -> Recordings:
    """The spectrograms of every row, made where this workspace has none of the same sounds and settings.

    Args:
        table: the rows.
        column: of the sounds.
        texts: as `sentences` gives them.
        settings: of the spectrograms.

    Raises:
        DataError: a recording is missing, cannot be read, is silent, too long, or too short for its text; rows named.
        WorkspaceError: spectrograms cannot be kept.
    """
    digest = sha256(json.dumps({"version": _VERSION, "longest": LONGEST, **settings.to_json()}).encode())
    missing = []
    for row, sound in _sounds(table, column):
        digest.update(sha256(sound or b"").digest())
        if not sound:
            missing.append(row)
    refuse(missing, lambda which: f"{table.name} has no recording in {which} of {column!r}; drop these rows.")
    folder = workspace.current().home / "cache" / "speech"
    place = folder / digest.hexdigest()[:32]
    if not (place / _FACTS).is_file():
        with atomic.told("make a folder in", folder.parent):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            with atomic.new_folder(place) as beside:
                _write(_sounds(table, column), beside, f"{column!r} of {table.name}", settings)
        except WorkspaceError:
            if not (place / _FACTS).is_file():  # else another thread was faster, with the same sounds
                raise
    found = _read(place)
    _tidy(folder, place)
    _check_pace(found, texts, settings, f"{column!r} of {table.name}")
    return found


def _sounds(table: Table, column: str) -> Cells:
    asked = (
        f"SELECT {ROW}, struct_extract({quoted(column)}, 'bytes') AS bytes FROM ({table.numbered})")  # noqa: S608 - names are quoted
    for batch in table.stream(asked, size=_READ):
        yield from zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)


def _write(sounds: Cells, folder: Path, name: str, settings: MelSettings) -> None:
    """Frames go to the disk as they are made; the header, which tells how many there are, at the end."""
    frames: list[int] = []
    rates: dict[int, int] = {}
    broken: list[tuple[int, str]] = []
    silent: list[int] = []
    long: list[int] = []
    plain = folder / "frames.bin"
    with atomic.told("write", plain), plain.open("wb") as file:
        for row, sound in sounds:
            samples, rate, error = decoded(sound or b"")
            if error:
                broken.append((row, error))
                continue
            rates[rate] = rates.get(rate, 0) + 1
            if len(samples) / rate > LONGEST:
                long.append(row)
                continue
            samples = mel.trimmed(mel.resampled(samples, rate, settings.rate), settings)
            if not len(samples):
                silent.append(row)
                continue
            made = mel.log_mel(samples, settings)
            frames.append(len(made))
            file.write(made.tobytes())
    refuse([row for row, _ in broken], lambda which: (
        f"The recordings {name} cannot be read in {which} ({broken[0][1]}); drop these rows, or save them as WAV, "
        "FLAC, Ogg or MP3."))
    refuse(silent, lambda which: f"The recordings {name} are silent in {which}; drop these rows.")
    refuse(long, lambda which: (
        f"The recordings {name} are longer than {LONGEST:g} seconds in {which}; cut them into sentences."))
    with atomic.told("write", folder / _MEL):
        mapped = np.memmap(plain, np.float32, "r", shape=(sum(frames), settings.bands))
        np.save(folder / _MEL, mapped)
        del mapped  # Windows removes no file that is mapped
        plain.unlink()
    atomic.write_json(folder / _FACTS, {"frames": frames, "rates": rates})


def decoded(sound: bytes) -> tuple[npt.NDArray[np.float32], int, str]:
    """Samples of the mean of all channels, their rate, and what is wrong, or "". Raises DataError without soundfile."""
    try:
        import soundfile  # noqa: PLC0415 - an extra
    except ImportError:
        raise DataError("Reading audio needs soundfile; install it with: pip install 'nbtrain[audio]'.") from None
    try:
        samples, rate = soundfile.read(io.BytesIO(sound), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        return np.zeros(0, np.float32), 1, str(error).rstrip(".")
    if not np.isfinite(samples).all():
        return np.zeros(0, np.float32), 1, "its samples are not all finite"
    return np.ascontiguousarray(samples.mean(1)), rate, ""


def _read(place: Path) -> Recordings:
    with atomic.told("read", place):
        facts = json.loads((place / _FACTS).read_text(encoding="utf-8"))
        mapped = np.load(place / _MEL, mmap_mode="r")
    rates = {int(rate): count for rate, count in facts["rates"].items()}
    return Recordings(place.name, mapped, np.array(facts["frames"], np.int64), rates)


def _check_pace(found: Recordings, texts: Sequence[tuple[int, str]], settings: MelSettings, name: str) -> None:
    """Raises DataError where nobody could say so much in the time."""
    seconds = found.frames / settings.frames_per_second
    hasty = [
        (row, len(text), each) for (row, text), each in zip(texts, seconds.tolist(), strict=True)
        if len(text) > FASTEST * each + _SLACK]
    refuse([row for row, _, _ in hasty], lambda which: (
        f"The text is much too long for its recording {name} in {which} ({hasty[0][1]} characters in "
        f"{hasty[0][2]:.2g} seconds, the silence at both ends left out); correct or drop these rows."))


def _tidy(folder: Path, used: Path) -> None:
    """Let go of the spectrograms that were not asked for the longest."""
    with contextlib.suppress(OSError):  # a folder that another kernel is tidying, too
        used.touch()
        known = sorted((each for each in folder.iterdir() if (each / _FACTS).is_file()),
                       key=lambda each: each.stat().st_mtime, reverse=True)
        for each in known[_KEPT:]:
            shutil.rmtree(each, ignore_errors=True)


def statistics(found: Recordings) -> tuple[list[float], list[float]]:
    """Mean and deviation of each band over all frames; a band of silence has one that divides."""
    total, squares = np.zeros(found.mel.shape[1]), np.zeros(found.mel.shape[1])
    for start in range(0, len(found.mel), 100_000):
        part = np.asarray(found.mel[start:start + 100_000], np.float64)
        total += part.sum(0)
        squares += np.square(part).sum(0)
    mean = total / len(found.mel)
    deviation = np.sqrt(np.maximum(squares / len(found.mel) - mean**2, 0.0))
    return mean.tolist(), np.maximum(deviation, 0.1).tolist()


