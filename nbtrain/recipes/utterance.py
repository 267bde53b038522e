"""What a speech model said: its spectrogram, what it looked at meanwhile, and its sound, heard in a notebook."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nbtrain.recipes import mel
from nbtrain.recipes.mel import MelSettings
from nbtrain.store import atomic

Picture = npt.NDArray[np.float32]

#: Colours from least to most, that also differ in lightness alone.
_COLOURS = np.array([(8, 8, 28), (58, 22, 98), (148, 40, 108), (226, 92, 62), (250, 180, 74), (255, 250, 215)], float)
#: Pixels that a picture is wide and high at least.
_WIDE, _HIGH = 640, 160


@dataclass(frozen=True, eq=False)
class Utterance:
    """One sentence, spoken. At the end of a cell it can be heard."""

    log_mel: npt.NDArray[np.float32]
    """Natural logarithms of mel magnitudes, (frames, bands)."""
    attention: npt.NDArray[np.float32]
    """How much each step looked at each character, (steps, characters); the last is the mark of the end."""
    settings: MelSettings

    @property
    def rate(self) -> int:
        """Samples a second."""
        return self.settings.rate

    @property
    def seconds(self) -> float:
        return len(self.log_mel) / self.settings.frames_per_second

    @cached_property
    def samples(self) -> npt.NDArray[np.float32]:
        """The sound, in −1–1, made by the algorithm of Griffin and Lim when first asked for."""
        return mel.griffin_lim(self.log_mel, self.settings)

    def wav(self) -> bytes:
        """The sound as a file."""
        return mel.wav(self.samples, self.rate)

    def save(self, path: str | Path) -> None:
        """Write the sound to a WAV file. Raises WorkspaceError."""
        atomic.write_bytes(Path(path), self.wav())

    def __repr__(self) -> str:
        return f"Utterance({self.seconds:.2f} s, {len(self.log_mel)} frames of {self.log_mel.shape[1]} bands)"

    def _repr_html_(self) -> str:
        return f'<audio controls src="data:audio/wav;base64,{base64.b64encode(self.wav()).decode()}"></audio>'


def attention_png(attention: Picture) -> bytes:
    """Characters upwards, steps to the right."""
    return _png(np.sqrt(np.clip(attention, 0, 1)).T[::-1])


def compared_png(truth: Picture, said: Picture) -> bytes:
    """The spectrogram of the recording above that of the model, low bands at the bottom, time to the right."""
    length = max(len(truth), len(said))
    low, high = float(truth.min(initial=0)), float(truth.max(initial=1))
    both = [np.pad(each.T[::-1], ((0, 0), (0, length - len(each))), constant_values=low) for each in (truth, said)]
    line = np.full((2, length), high, np.float32)
    return _png((np.concatenate([both[0], line, both[1]]) - low) / max(high - low, 1e-6))


def _png(shades: npt.NDArray[Any]) -> bytes:
    """Shades from 0 to 1, (rows, columns), each as a square."""
    from PIL import Image  # noqa: PLC0415 - pictures are drawn once an epoch

    places = np.clip(np.nan_to_num(shades), 0, 1) * (len(_COLOURS) - 1)
    below = np.minimum(places.astype(int), len(_COLOURS) - 2)
    share = (places - below)[..., None]
    pixels = (_COLOURS[below] * (1 - share) + _COLOURS[below + 1] * share).round().astype(np.uint8)
    high, wide = (max(1, -(-least // max(1, size))) for least, size in zip((_HIGH, _WIDE), shades.shape, strict=True))
    file = io.BytesIO()
    Image.fromarray(pixels.repeat(high, 0).repeat(wide, 1)).save(file, "PNG")
    return file.getvalue()
