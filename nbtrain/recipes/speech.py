"""`speech`: an acoustic model that learns to speak sentences from recordings of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from nbtrain.config.problems import unknown as not_among
from nbtrain.config.recipe_options import SPEECH
from nbtrain.core.errors import ConfigError, DataError, Problem
from nbtrain.core.samples import Sample, Sign
from nbtrain.data.columns import Column, Kind
from nbtrain.data.splits.spec import SplitSpec
from nbtrain.i18n import text as say
from nbtrain.models.architectures.text_to_mel import Spoken, TextToMel
from nbtrain.recipes import speech_clips, speech_steps, speech_text
from nbtrain.recipes.base import Columns, Order, Prepared
from nbtrain.recipes.building import built
from nbtrain.recipes.judging import speech as judging
from nbtrain.recipes.judging.verdict import Judge
from nbtrain.recipes.mel import MelSettings
from nbtrain.recipes.speech_clips import Clips, Sentences
from nbtrain.recipes.utterance import Utterance, attention_png, compared_png

if TYPE_CHECKING:
    from nbtrain.data.table import Table

_MODEL = TextToMel.name
#: Of the model, by `model_size`.
SIZES: Mapping[str, Mapping[str, int]] = {
    "tiny": {"width": 160, "layers": 2, "latent": 8, "group": 5, "narrow": 64},
    "small": {"width": 256, "layers": 3, "latent": 16, "group": 4, "narrow": 96},
    "normal": {"width": 512, "layers": 5, "latent": 32, "group": 3, "narrow": 128},
}
#: Columns that hold what is said, where there are several of text, the likeliest first.
_TEXTS = ("text", "sentence", "transcript", "transcription", "normalized_text", "utterance")
#: Between what the figures of a healthy run lie.
SIGNS = (Sign(name="loss", low=1.0, high=10.0), Sign(name="grad_norm", low=0.0, high=1.0))
#: Characters of a text that a sample is called by.
_TITLE = 60


class Speech:
    """Sentences, and how they sound."""

    name: ClassVar[str] = SPEECH

    def suits(self, model: str | nn.Module | None, table: Table, columns: Columns) -> bool:
        """Whether the model is one that speaks, or none is named and a text and sounds are."""
        if not any(column.kind is Kind.AUDIO for column in table.columns):
            return False
        if model is None:
            return columns.text is not None
        return isinstance(model, TextToMel) or (
            isinstance(model, str) and model.removeprefix("architecture:") == _MODEL)

    def split(self, table: Table, columns: Columns, config: Any) -> SplitSpec:
        """Sentences at random, those of a group together; a sentence that was recorded twice is in one part."""
        shares = {"train": 1 - config["validation"] - config["test"], "validation": config["validation"],
                  "test": config["test"], "seed": config["seed"]}
        if columns.group is not None:
            return SplitSpec(method="group", group=columns.group, **shares)
        return SplitSpec(method="random", key=(_text(table, columns).name,), **shares)

    def prepare(self, order: Order, fitted: Mapping[str, Any] | None = None) -> Prepared:
        """See `Recipe.prepare`."""
        config, parts = order.config, order.parts
        weights = speech_steps.weights(config)
        if not any(weights.values()):
            raise ConfigError([Problem("mel_loss_weight", (
                "mel_loss_weight, kl_loss_weight and stop_loss_weight are all 0, so there is nothing to learn."))])
        audio, text = _audio(parts.whole, order.columns), _text(parts.whole, order.columns)
        tables = {name: getattr(parts, name) for name in ("train", "validation", "test")}
        known = _alphabet(parts.whole, text.name) if fitted is None else fitted["alphabet"]
        settings = MelSettings.of_rate(config["sample_rate"]) if fitted is None else MelSettings(**fitted["mel"])
        read: dict[str, tuple[list[tuple[int, str]], speech_clips.Recordings]] = {}
        for name, table in tables.items():
            if table is not None:
                said = speech_clips.sentences(table, text.name)
                _check_known(table, text.name, said, known)
                read[name] = said, speech_clips.recordings(table, audio.name, said, settings)
        if fitted is None:
            mean, deviation = speech_clips.statistics(read["train"][1])
            fitted = {"alphabet": known, "mel": settings.to_json(), "mean": mean, "deviation": deviation,
                      "pace": _pace(*read["train"])}
        voice = Voice.of(fitted)
        made = {name: voice.clips(*found) for name, found in read.items()}
        model = built(order, (_MODEL,), {_MODEL: _sizes(order, voice, fitted["pace"])})
        heard = next(name for name in ("validation", "train") if name in made)
        return Prepared(
            model=model.module, name=model.name, model_origin=model.origin, train=made["train"],
            validation=made.get("validation"), test=made.get("test"),
            columns=replace(order.columns, target=audio.name, text=text.name), fitted=fitted,
            step=speech_steps.SpeechStep(
                voice.deviation.tolist(), huber=config["optimization_level"] != "basic",
                smoothing=config["label_smoothing"]),
            loss_weights=weights, samples=Preview(voice, made[heard], read[heard][0][0][1]), signs=SIGNS,
            notes=[*model.notes, *_notes(read, settings)])

    def rows(self, order: Order, fitted: Mapping[str, Any], table: Table, *, labelled: bool) -> Clips | Sentences:
        """See `Recipe.rows`: sentences to speak, or with `labelled` their recordings beside them."""
        assert order.columns.text is not None  # noqa: S101 - `prepare` found it out
        assert order.columns.target is not None  # noqa: S101 - as above
        voice = Voice.of(fitted)
        text = _named(table, order.columns.text)
        said = speech_clips.sentences(table, text.name)
        _check_known(table, text.name, said, voice.alphabet)
        if not labelled:
            return Sentences([speech_text.numbers(each, voice.alphabet) for _, each in said])
        audio = _named(table, order.columns.target)
        return voice.clips(said, speech_clips.recordings(table, audio.name, said, voice.settings))

    def decode(self, order: Order, fitted: Mapping[str, Any], outputs: Any) -> list[Utterance]:  # noqa: ARG002 - a recipe's
        """An `Utterance` for each text: its spectrogram, its attention, and its sound."""
        voice = Voice.of(fitted)
        return [utterance for batch in outputs for utterance in voice.utterances(batch)]

    def judge(self, order: Order, fitted: Mapping[str, Any], rows: Clips, table: Table | None) -> Judge:
        """See `Judges.judge`."""
        voice, text = Voice.of(fitted), order.columns.text
        if table is None or text is None:
            said = [(row, "") for row in range(len(rows))]
        else:
            said = speech_clips.sentences(table, text)
        return judging.Spoken(said, voice.mean, voice.deviation)


@dataclass(frozen=True)
class Voice:
    """What was learnt from the training part beside the model."""

    alphabet: str
    settings: MelSettings
    mean: np.ndarray[Any, np.dtype[np.float32]]
    deviation: np.ndarray[Any, np.dtype[np.float32]]

    @classmethod
    def of(cls, fitted: Mapping[str, Any]) -> Voice:
        return cls(fitted["alphabet"], MelSettings(**fitted["mel"]), np.array(fitted["mean"], np.float32),
                   np.array(fitted["deviation"], np.float32))

    def clips(self, said: Sequence[tuple[int, str]], recordings: speech_clips.Recordings) -> Clips:
        """Rows as a model takes them."""
        texts = [speech_text.numbers(text, self.alphabet) for _, text in said]
        return Clips(texts, recordings, self.mean.tolist(), self.deviation.tolist())

    def utterances(self, said: Spoken) -> Iterator[Utterance]:
        """Of each row of a batch."""
        group = -(-said.mel.shape[1] // max(1, said.stop.shape[1]))
        frames = said.frames.tolist()
        for mel, attention, count in zip(_array(said.mel), _array(said.attention), frames, strict=True):
            there = int((attention.sum(0) > 0).sum())
            yield Utterance(
                mel[:count] * self.deviation + self.mean, attention[:-(-count // group), :there], self.settings)


class Preview:
    """Samples of a run: one sentence as it sounds by now, what is looked at meanwhile, and how it should look.

    Args:
        voice: of the run.
        clips: whose first sentence it is.
        text: that sentence.
    """

    def __init__(self, voice: Voice, clips: Clips, text: str) -> None:
        self._voice, self._clips, self._text = voice, clips, text

    def __call__(self, model: nn.Module, epoch: int) -> Iterator[Sample]:  # noqa: ARG002 - as the engine calls it
        device = next(model.parameters()).device
        [said] = self._voice.utterances(model(text=self._clips.text(0)[None].to(device)))
        truth = self._clips.spectrogram(0) * self._voice.deviation + self._voice.mean
        title = self._text if len(self._text) <= _TITLE else f"{self._text[:_TITLE]}…"
        yield Sample(title=title, kind="audio", content=said.wav(), mime="audio/wav")
        yield Sample(title=say("speech.sample.attention", text=title), kind="image",
                     content=attention_png(said.attention), mime="image/png")
        yield Sample(title=say("speech.sample.mel", text=title), kind="image",
                     content=compared_png(truth, said.log_mel), mime="image/png")


# -- columns --------------------------------------------------------------------------------------


def _named(table: Table, name: str) -> Column:
    if name not in {column.name for column in table.columns}:
        raise DataError(f"The rows do not fit: {not_among('column', name, [c.name for c in table.columns])}")
    return table.column(name)


def _audio(table: Table, columns: Columns) -> Column:
    """The recordings: the target, or the only column of sounds. Raises DataError."""
    sounds = [column for column in table.columns if column.kind is Kind.AUDIO]
    if columns.target is not None:
        found = _named(table, columns.target)
        if found.kind is not Kind.AUDIO:
            hint = f"target={sounds[0].name!r}" if sounds else "give a folder of sounds with a table of their texts"
            raise DataError(
                f"The target {found.name!r} of {table.name} holds {found.kind} values; what a speech model learns are "
                f"recordings: {hint}.")
        return found
    if len(sounds) != 1:
        listed = ", ".join(repr(column.name) for column in sounds)
        raise DataError(
            f"{table.name} has several columns of recordings ({listed}); say which: target=…." if sounds else
            f"{table.name} has no column of recordings; give a folder of sounds with a table of their texts.")
    return sounds[0]


def _text(table: Table, columns: Columns) -> Column:
    """What is said: the column that is named, the only one of text, or one of a usual name. Raises DataError."""
    named = columns.text or (columns.features[0] if columns.features and len(columns.features) == 1 else None)
    if named is not None:
        found = _named(table, named)
        if found.kind is not Kind.TEXT:
            raise DataError(
                f"The text {found.name!r} of {table.name} holds {found.kind} values; it must hold what is said.")
        return found
    texts = [column for column in table.columns if column.kind is Kind.TEXT and column.name != columns.group]
    usual = [column for name in _TEXTS for column in texts if column.name.lower() == name]
    if len(texts) != 1 and not usual:
        listed = ", ".join(repr(column.name) for column in texts)
        raise DataError(
            f"{table.name} has several columns of text ({listed}); say which is spoken: text=…." if texts else
            f"{table.name} has no column of text, so it is not known what is said; put a table of texts beside the "
            "sounds, with the columns file_name and text.")
    return (usual or texts)[0]


# -- texts ----------------------------------------------------------------------------------------


def _alphabet(table: Table, column: str) -> str:
    """Of all rows, so that all parts number it alike. Raises DataError for characters that nobody could say."""
    said = speech_clips.sentences(table, column)
    bad = [(row, speech_text.strange(text)) for row, text in said]
    found = list(dict.fromkeys(character for _, characters in bad for character in characters))
    speech_clips.refuse([row for row, characters in bad if characters], lambda which: (
        f"The text {column!r} of {table.name} has characters that cannot be said: {speech_text.said(found)} in "
        f"{which}; write them as words, or leave them out."))
    return speech_text.alphabet(text for _, text in said)


def _check_known(table: Table, column: str, said: Sequence[tuple[int, str]], known: str) -> None:
    """Raises DataError for characters that were in no sentence of the training data."""
    found = speech_text.unknown((text for _, text in said), known)
    speech_clips.refuse([row for row, text in said if found and set(text) - set(known)], lambda which: (
        f"The text {column!r} of {table.name} has characters that the model has never seen: "
        f"{speech_text.said(found)} in {which}; it knows: {known!r:.200}."))


def _pace(said: Sequence[tuple[int, str]], recordings: speech_clips.Recordings) -> float:
    """Frames a character."""
    return float(recordings.frames.sum()) / sum(len(text) + 1 for _, text in said)


def _sizes(order: Order, voice: Voice, pace: float) -> dict[str, Any]:
    """What the data decides of the model; of a fresh one also how large it is."""
    sizes: dict[str, Any] = {
        "outputs": voice.settings.bands, "vocabulary": speech_text.FIRST + len(voice.alphabet),
        "alphabet": voice.alphabet}
    name = order.model
    if name is None or (isinstance(name, str) and name.removeprefix("architecture:") == _MODEL):
        sizes |= {"pace": round(pace, 4), **SIZES[order.config["model_size"]]}
    return sizes


def _notes(
    read: Mapping[str, tuple[Sequence[tuple[int, str]], speech_clips.Recordings]], settings: MelSettings,
) -> list[str]:
    """What the user should know before it begins."""
    rates: dict[int, int] = {}
    for _, recordings in read.values():
        for rate, count in recordings.rates.items():
            rates[rate] = rates.get(rate, 0) + count
    notes = []
    others = {rate: count for rate, count in sorted(rates.items()) if rate != settings.rate}
    if others:
        listed = ", ".join(f"{count:,} of {rate:,} Hz" for rate, count in others.items())
        notes.append(
            f"{sum(others.values()):,} of {sum(rates.values()):,} recordings are brought to {settings.rate:,} Hz: "
            f"{listed}.")
    digits = sum(any(each.isdigit() for each in text) for said, _ in read.values() for _, text in said)
    if digits:
        notes.append(
            f"{digits:,} texts have numbers in digits, which are learnt as characters; spelt out they sound better.")
    return notes


def _array(tensor: Tensor) -> Any:
    return tensor.detach().to("cpu", torch.float32).numpy()
