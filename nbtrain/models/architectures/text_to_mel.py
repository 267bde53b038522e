"""`text-to-mel`: speech from text, as mel spectrograms that are written from left to right with an eye on the text.

Of Tacotron (Wang et al. 2017) it has the groups of frames and the narrow way by which the last frame comes back; of
DCTTS (Tachibana et al. 2017) the attention that hears before it looks, so that all steps are trained at once; of Deep
Voice 3 (Ping et al. 2018) that attention begins on the diagonal, at the pace of the data. One latent for each utterance
(Kingma and Welling 2014) takes up what the text does not tell: speaker, mood, loudness.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from nbtrain.models.architectures.base import Architecture, Sizes

#: Number of what fills up a text, and of its end.
PADDING, END = 0, 1
#: Logarithms of variances stay within: beyond, their exponential is too much for 16 bits.
_LOG_VARIANCE = 6.0
#: Characters that attention sees to either side of where the pace says it is, at first.
_SPREAD = 3.0
#: How much slower or faster than the pace of the data an utterance may be, as a logarithm.
_PACE = 0.7
#: Steps that a text may take, as a multiple of what the pace says, and beside it.
_PATIENCE, _MORE = 2.0, 8

_State = tuple[Tensor, Tensor]
"""Of a recurrent layer after its last step."""


class TextToMelConfig(Sizes):
    """Sizes of a `TextToMel`; its `outputs` are the bands of the spectrogram."""

    vocabulary: int = Field(ge=2, le=100_000)
    """Characters and the two marks: 0 fills up, 1 ends a text."""
    alphabet: str = Field("", max_length=100_000)
    """The characters, in the order of their numbers from 2 on; "" where only the owner knows."""
    pace: float = Field(6.0, gt=0.0, le=10_000.0)
    """Frames a character takes in the data."""
    width: int = Field(192, ge=8, le=4096)
    layers: int = Field(3, ge=1, le=32)
    """Convolutions over the text."""
    latent: int = Field(16, ge=1, le=1024)
    group: int = Field(3, ge=1, le=32)
    """Frames a step."""
    narrow: int = Field(64, ge=2, le=4096)
    """Of the way by which the last frame comes back: too narrow to copy it."""
    dropout: float = Field(0.1, ge=0.0, le=0.9)


class Spoken(NamedTuple):
    """What a `TextToMel` gives for a batch of texts."""

    mel: Tensor
    """(rows, frames, bands)."""
    stop: Tensor
    """Logit of each step to be the last, (rows, steps)."""
    attention: Tensor
    """How much each step looks at each character, (rows, steps, characters); the last is the mark of the end."""
    frames: Tensor
    """How many of the frames are of the utterance, int64 (rows,)."""
    mean: Tensor
    """Of the latent, (rows, latent)."""
    log_variance: Tensor
    """Of the latent, (rows, latent)."""


class _Steps(NamedTuple):
    """What is known before the first step."""

    keys: Tensor
    values: Tensor
    there: Tensor
    """(rows, 1, characters): which are of the text."""
    ends: Tensor
    """(rows, 1, characters): which is the mark of the end."""
    pace: Tensor
    """(rows, 1): steps a character."""
    latent: Tensor
    """(rows, 1, latent)."""


class TextToMel(Architecture[TextToMelConfig]):
    """Numbers of characters (rows, characters) → mel spectrograms (rows, frames, outputs)."""

    name = "text-to-mel"
    kind = "speech"
    Config: ClassVar[type[Sizes]] = TextToMelConfig

    def __init__(self, config: TextToMelConfig) -> None:
        super().__init__(config)
        width, bands = config.width, config.outputs
        self.bands, self.group, self.pace = bands, config.group, config.pace / config.group
        self.characters = nn.Embedding(config.vocabulary, width, padding_idx=PADDING)
        self.reading = nn.ModuleList(_Convolution(width, config.dropout) for _ in range(config.layers))
        self.read = nn.LayerNorm(width)
        self.listening = nn.Sequential(nn.Linear(bands, width), nn.GELU(), nn.Linear(width, width), nn.GELU())
        self.latent = nn.Linear(width, 2 * config.latent)
        self.back = nn.Sequential(
            nn.Linear(bands, config.narrow), nn.ReLU(), nn.Dropout(config.dropout),
            nn.Linear(config.narrow, config.narrow), nn.ReLU(), nn.Dropout(config.dropout))
        self.hearing = nn.LSTM(config.narrow + config.latent, width, batch_first=True)
        self.ask = nn.Linear(width, width)
        self.keys = nn.Linear(width, width)
        self.values = nn.Linear(width, width)
        self.own_pace = nn.Linear(width + config.latent, 1)
        self.spread = nn.Parameter(torch.zeros(()))
        self.speaking = nn.LSTM(2 * width + config.latent, width, batch_first=True)
        given = 2 * width + config.narrow
        self.said = nn.Sequential(nn.LayerNorm(given), nn.Linear(given, 6 * width), nn.GELU())
        self.dropout = nn.Dropout(config.dropout)
        self.mel = nn.Linear(6 * width, config.group * bands)
        self.stop = nn.Linear(6 * width + 1, 1)
        # The latent begins as its prior, the pace as that of the data, each frame as the mean of all.
        for layer in (self.latent, self.own_pace, self.mel):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.constant_(self.stop.bias, -2.0)  # few steps are the last

    def forward(self, text: Tensor, mel: Tensor | None = None, frames: Tensor | None = None) -> Spoken:
        """Speak.

        Args:
            text: int64 (rows, characters), each row with `END` after its last character, then `PADDING`.
            mel: what is said, (rows, frames, bands): each step is told the frames before it, and the latent is that of
                the utterance. None: each step hears itself, and the latent is the mean of its prior.
            frames: how many of them are real, int64 (rows,); all where not given.
        """
        if mel is None:
            return self._speak(text)
        if frames is None:
            frames = torch.full((len(mel),), mel.shape[1], dtype=torch.long, device=mel.device)
        mean, log_variance = self._posterior(mel, frames)
        latent = mean
        if self.training:
            latent = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        known = self._known(text, latent)
        steps = -(-mel.shape[1] // self.group)
        last = functional.pad(mel, (0, 0, 0, steps * self.group - mel.shape[1]))[:, self.group - 1::self.group]
        before = functional.pad(last, (0, 0, 1, 0))[:, :steps]
        back, heard, _ = self._hear(before, known)
        attention = self._look(heard, known, torch.arange(steps, device=mel.device))
        spoken, stop, _ = self._say(back, heard, attention, known)
        return Spoken(spoken[:, :mel.shape[1]], stop, attention, frames, mean, log_variance)

    def _speak(self, text: Tensor) -> Spoken:
        """Step by step, until all have come to their end or are long past it."""
        rows = len(text)
        latent = torch.zeros(rows, self.latent.out_features // 2, device=text.device)
        known = self._known(text, latent)
        expected = (text != PADDING).sum(1) * known.pace[:, 0]
        most = int(expected.max().clamp(max=1e5) * _PATIENCE) + _MORE
        limits = (expected * _PATIENCE).long() + _MORE
        before = torch.zeros(rows, 1, self.bands, device=text.device)
        heard_so_far: _State | None = None
        said_so_far: _State | None = None
        mels, stops, looks = [], [], []
        ended = torch.full((rows,), most, device=text.device)
        for step in range(most):
            back, heard, heard_so_far = self._hear(before, known, heard_so_far)
            attention = self._look(heard, known, torch.full((1,), step, device=text.device))
            mel, stop, said_so_far = self._say(back, heard, attention, known, said_so_far)
            before = mel[:, -1:].float()
            mels.append(mel)
            stops.append(stop)
            looks.append(attention)
            ending = (stop[:, 0] > 0) | (step + 1 >= limits)
            ended = torch.where(ending & (ended == most), step + 1, ended)
            if bool((ended <= step + 1).all()):
                break
        frames = ended.clamp(max=len(mels)) * self.group
        return Spoken(
            torch.cat(mels, 1), torch.cat(stops, 1), torch.cat(looks, 1), frames, latent, torch.zeros_like(latent))

    # -- what is known of a row -----------------------------------------------------------------

    def _posterior(self, mel: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of each utterance's latent, float32."""
        real = (torch.arange(mel.shape[1], device=mel.device) < frames[:, None]).unsqueeze(-1)
        seen = (self.listening(mel).float() * real).sum(1) / frames.clamp(min=1)[:, None]
        with torch.autocast(mel.device.type, enabled=False):  # its square must not be too much for 16 bits
            mean, log_variance = self.latent(seen).chunk(2, 1)
        return mean, log_variance.clamp(-_LOG_VARIANCE, _LOG_VARIANCE)

    def _known(self, text: Tensor, latent: Tensor) -> _Steps:
        there = text != PADDING
        x = self.characters(text)
        for layer in self.reading:
            x = layer(x, there.unsqueeze(-1))
        x = self.read(x).float() * there.unsqueeze(-1)
        mean = x.sum(1) / there.sum(1, keepdim=True).clamp(min=1)
        with torch.autocast(text.device.type, enabled=False):
            own = torch.tanh(self.own_pace(torch.cat([mean, latent], 1)))
        ends = (text == END)[:, None].float()
        return _Steps(
            self.keys(x), self.values(x), there[:, None], ends, self.pace * torch.exp(_PACE * own), latent[:, None])

    # -- a step, or all of them -----------------------------------------------------------------

    def _hear(
        self, before: Tensor, known: _Steps, state: _State | None = None,
    ) -> tuple[Tensor, Tensor, _State]:
        """What comes back of the last frame before each step, what was said so far, and the state after the last step.

        The first is (rows, steps, narrow), the second (rows, steps, width).
        """
        back = self.back(before).float()
        given = torch.cat([back, known.latent.expand(-1, back.shape[1], -1)], 2)
        return back, *_in_full(self.hearing, given, state)

    def _look(self, heard: Tensor, known: _Steps, steps: Tensor) -> Tensor:
        """Which characters each step is about: those that fit what was heard, near where the pace says it is."""
        likeness = self.ask(heard).float() @ known.keys.float().transpose(1, 2) / math.sqrt(heard.shape[2])
        last = (known.there.sum(2) - 1).clamp(min=0)
        here = torch.minimum(steps[None] / known.pace, last.float()).unsqueeze(-1)
        spread = _SPREAD * torch.exp(self.spread.float().clamp(-1.5, 1.5)) * (1 + here / 50)
        places = torch.arange(known.there.shape[2], device=heard.device)
        near = -0.5 * ((places - here) / spread).square()
        scores = (likeness + near.clamp(min=-60.0)).masked_fill(~known.there, -1e4)
        return torch.softmax(scores, 2)

    def _say(
        self, back: Tensor, heard: Tensor, attention: Tensor, known: _Steps, state: _State | None = None,
    ) -> tuple[Tensor, Tensor, _State]:
        """Frames (rows, steps × group, bands), logits of the end (rows, steps), and the state after the last step."""
        context = attention @ known.values.float()
        latent = known.latent.expand(-1, heard.shape[1], -1)
        said, state = _in_full(self.speaking, torch.cat([heard, context, latent], 2), state)
        given = self.dropout(self.said(torch.cat([said, context, back], 2)))
        mel = self.mel(given).view(len(heard), -1, self.bands)
        at_end = (attention * known.ends).sum(2, keepdim=True)
        stop = self.stop(torch.cat([given, at_end], 2)).squeeze(2)
        return mel, stop, state

    @classmethod
    def sizes(cls, inputs: Any) -> dict[str, Any]:
        text, mel = (inputs.get("text"), inputs.get("mel")) if isinstance(inputs, Mapping) else (inputs, None)
        if not isinstance(text, Tensor) or text.ndim != 2 or not isinstance(mel, Tensor) or mel.ndim != 3:
            raise cls.refuse(text, "texts as numbers (rows, characters) with mel spectrograms; train it with "
                                   "recipe='speech'")
        frames = inputs.get("frames")
        said = mel.shape[0] * mel.shape[1] if frames is None else int(frames.sum())
        characters = int((text != PADDING).sum())
        return {"vocabulary": max(2, int(text.max()) + 1), "pace": max(said, 1) / max(characters, 1)}

    @classmethod
    def example(cls, config: TextToMelConfig, rows: int) -> dict[str, Tensor]:
        text = torch.randint(END, config.vocabulary, (rows, 12))
        text[:, -1] = END
        frames = max(1, round(12 * config.pace))
        return {"text": text, "mel": torch.randn(rows, frames, config.outputs)}


class _Convolution(nn.Module):
    """Each character with its neighbours."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.convolution = nn.Conv1d(width, 2 * width, 5, padding=2)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        """`x` (rows, characters, width) → the same; what is not `there` (rows, characters, 1) is not looked at."""
        seen = self.convolution((self.norm(x) * there).transpose(1, 2)).transpose(1, 2)
        out: Tensor = x + self.dropout(functional.glu(seen, 2))
        return out


def _in_full(layer: nn.LSTM, given: Tensor, state: _State | None) -> tuple[Tensor, _State]:
    """A recurrent layer in float32, whatever precision is around: errors of 16 bits would add up step by step."""
    with torch.autocast(given.device.type, enabled=False):
        out: tuple[Tensor, _State] = layer(given.float(), state)
    return out
