"""Sound and mel spectrograms: from samples to the logarithms that a model learns, and back to something to hear."""

from __future__ import annotations

import io
import math
import warnings
import wave
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

Samples = npt.NDArray[np.float32]

#: Magnitudes below are silence; its logarithm is about −11.5.
FLOOR = 1e-5
#: How many mel bands there may be; the most that leave none empty are taken.
_BANDS = (80, 64, 40, 24, 16)
#: Times a second that a frame begins, and how long it is.
_FRAMES, _FRAME_SECONDS = 80, 0.05
#: Silence at both ends is cut where it is so much softer than the loudest frame (decibels), but for this much (frames).
_SOFT, _KEPT = 40.0, 2
#: Zero crossings of the resampling filter to either side, and the share of the band it lets through.
_CROSSINGS, _ROLL_OFF = 16, 0.95


@dataclass(frozen=True)
class MelSettings:
    """How a spectrogram is made of samples of one rate."""

    rate: int
    """Samples a second."""
    bands: int
    hop: int
    """Samples from the beginning of a frame to that of the next."""
    frame: int
    """Samples of a frame."""
    fft: int

    @classmethod
    def of_rate(cls, rate: int) -> Self:
        """Frames of 50 ms, 80 a second, at this rate."""
        hop, frame = round(rate / _FRAMES), round(rate * _FRAME_SECONDS)
        fft = 1 << (frame - 1).bit_length()
        bands = next(bands for bands in _BANDS if bands == _BANDS[-1] or (_filters(rate, fft, bands).max(0) > 0).all())
        return cls(rate, bands, hop, frame, fft)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def frames_per_second(self) -> float:
        return self.rate / self.hop

    @cached_property
    def filters(self) -> npt.NDArray[np.float64]:
        """(frequencies, bands)."""
        return _filters(self.rate, self.fft, self.bands)

    @cached_property
    def window(self) -> npt.NDArray[np.float64]:
        from transformers.audio_utils import window_function  # noqa: PLC0415 - transformers takes a while

        made: npt.NDArray[np.float64] = window_function(self.frame, "hann")
        return made


@lru_cache(maxsize=32)
def _filters(rate: int, fft: int, bands: int) -> npt.NDArray[np.float64]:
    from transformers.audio_utils import mel_filter_bank  # noqa: PLC0415 - as above

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a band that is empty: `of_rate` looks
        made: npt.NDArray[np.float64] = mel_filter_bank(
            fft // 2 + 1, bands, 0.0, rate / 2, rate, norm="slaney", mel_scale="slaney")
    return made


def log_mel(samples: Samples, settings: MelSettings) -> Samples:
    """Natural logarithms of mel magnitudes, (frames, bands)."""
    from transformers.audio_utils import spectrogram  # noqa: PLC0415 - as above

    if len(samples) <= settings.fft // 2:  # too short to be mirrored at its ends
        samples = np.pad(samples, (0, settings.fft // 2 + 1 - len(samples)))
    made: Samples = spectrogram(
        samples, settings.window, settings.frame, settings.hop, settings.fft, power=1.0,
        mel_filters=settings.filters, mel_floor=FLOOR, log_mel="log")
    return np.ascontiguousarray(made.T, dtype=np.float32)


def trimmed(samples: Samples, settings: MelSettings) -> Samples:
    """Without the silence at both ends; empty where there is nothing but silence."""
    loudness = np.sqrt(np.mean(_framed(samples, settings.hop) ** 2, axis=1))
    loudest = float(loudness.max(initial=0.0))
    if loudest < FLOOR:
        return samples[:0]
    loud = np.flatnonzero(loudness > loudest * 10 ** (-_SOFT / 20))
    first, last = max(0, int(loud[0]) - _KEPT), int(loud[-1]) + 1 + _KEPT
    return samples[first * settings.hop:last * settings.hop]


def _framed(samples: Samples, size: int) -> Samples:
    return np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """The same sound at another rate, by a windowed sinc in as many phases as the rates ask for."""
    if rate == wanted or not len(samples):
        return samples
    common = math.gcd(rate, wanted)
    bank, reach = _phases(rate // common, wanted // common)
    step, phases = rate // common, wanted // common
    given = functional.pad(torch.from_numpy(samples)[None, None], (reach, reach + step))
    made = functional.conv1d(given, bank, stride=step)[0].T.reshape(-1)  # (steps, phases), in the order of time
    return made[:-(-len(samples) * phases // step)].numpy().copy()


@lru_cache(maxsize=8)
def _phases(step: int, phases: int) -> tuple[Tensor, int]:
    """A filter for each phase, (phases, 1, taps), and samples it reaches back."""
    cut = min(1.0, phases / step) * _ROLL_OFF  # of the band of what is given
    reach = math.ceil(_CROSSINGS / cut)
    taps = torch.arange(-reach, reach + step, dtype=torch.float64)
    times = taps[None] - torch.arange(phases, dtype=torch.float64)[:, None] * step / phases
    window = torch.cos((times / (reach + 1)).clamp(-1, 1) * math.pi / 2).square()
    return (torch.sinc(times * cut) * cut * window).float()[:, None], reach


def griffin_lim(mel: Samples, settings: MelSettings, rounds: int = 32) -> Samples:
    """Samples whose spectrogram is about this one; phases are found in so many rounds (Perraudin et al. 2013).

    The same spectrogram gives the same samples. Without a frame there is none.
    """
    if not len(mel):
        return np.zeros(0, np.float32)
    wanted, least = (len(mel) - 1) * settings.hop + 1, settings.fft // settings.hop + 2
    mel = np.pad(mel, ((0, max(0, least - len(mel))), (0, 0)), constant_values=math.log(FLOOR))
    inverse = torch.from_numpy(np.linalg.pinv(settings.filters.T)).float()
    loud = torch.from_numpy(np.clip(mel, math.log(FLOOR), 8.0)).float().exp()
    magnitudes = (inverse @ loud.T).clamp(min=1e-8)
    window = torch.from_numpy(settings.window).float()
    shape: dict[str, Any] = {
        "n_fft": settings.fft, "hop_length": settings.hop, "win_length": settings.frame, "window": window}
    length = (len(mel) - 1) * settings.hop + 1
    turns = torch.rand(magnitudes.shape, generator=torch.Generator().manual_seed(0)) * (2 * math.pi)
    phases = torch.polar(torch.ones_like(turns), turns)
    before = torch.zeros_like(phases)
    for _ in range(rounds):
        samples = torch.istft(magnitudes * phases, length=length, **shape)
        again = torch.stft(samples, return_complex=True, **shape)[:, :len(mel)]
        ahead = again - 0.99 / 1.99 * before
        before = again
        phases = ahead / ahead.abs().clamp(min=1e-8)
    samples = torch.istft(magnitudes * phases, length=length, **shape)[:wanted]
    peak = float(samples.abs().max())
    return (samples / max(peak, 1e-4) * 0.9).numpy() if peak > 0.9 else samples.numpy()


def wav(samples: Samples, rate: int) -> bytes:
    """A file of 16 bits and one channel."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes((np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())
    return file.getvalue()
