"""The options that only some recipes look at, in groups as those of `options`.

Each names the recipes it belongs to; given to another one it is a mistake, and told as such.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from nbtrain.config.declare import Group, option
from nbtrain.core.errors import Problem

TABULAR, SERIES = "tabular", "timeseries"
TEXTS, TOKENS, LANGUAGE = "text-classification", "token-classification", "causal-lm"
IMAGES, LANDMARKS, SPEECH, CUSTOM = "image-classification", "landmarks", "speech", "custom"
#: Every recipe that comes with nbtrain.
RECIPES = (TABULAR, SERIES, TEXTS, TOKENS, LANGUAGE, IMAGES, LANDMARKS, SPEECH, CUSTOM)

_OF_TEXT = (TEXTS, TOKENS, LANGUAGE)
_OF_CLASSES = (TABULAR, SERIES, TEXTS, TOKENS, IMAGES)
_OF_PICTURES = (IMAGES, LANDMARKS)
#: A teacher tells classes apart; one can be named before the recipe is found, too.
_OF_TEACHERS = ("auto", *_OF_CLASSES, LANGUAGE, CUSTOM)


class TaskConfig(Group):
    """What is learnt, and what is shown of it."""

    recipe: str = option("auto", pattern=r"^[a-z][a-z0-9-]{0,39}$", known=("auto", *RECIPES))
    class_weights: Literal["off", "balanced"] = option("off", recipes=_OF_CLASSES)
    decision_threshold: float = option(0.5, ge=0.0, le=1.0, step=0.01, advanced=True, recipes=(TABULAR,))
    use_augmentation: bool = option(default=True, recipes=(SERIES, *_OF_PICTURES))
    sample_every: int = option(
        1, ge=0, le=1000, form=(0, 50), unit="epochs", advanced=True, recipes=(LANGUAGE, LANDMARKS, SPEECH))


class SeriesConfig(Group):
    """Windows of time series."""

    window: int = option(64, ge=2, le=100_000, form=(8, 512), unit="steps", recipes=(SERIES,))
    window_stride: int = option(1, ge=1, le=100_000, form=(1, 64), unit="steps", advanced=True, recipes=(SERIES,))
    horizon: int = option(1, ge=1, le=10_000, form=(1, 96), unit="steps", recipes=(SERIES,))
    split_gap: int = option(0, ge=0, le=1_000_000, form=(0, 512), unit="steps", advanced=True, recipes=(SERIES,))


class TextConfig(Group):
    """Texts, their tokens, and how much of a language model learns."""

    max_length: int = option(256, ge=2, le=131_072, form=(32, 2048), scale="log", unit="tokens", recipes=_OF_TEXT)
    length_buckets: bool = option(default=True, advanced=True, recipes=(TEXTS, TOKENS))
    packing: bool = option(default=True, advanced=True, recipes=(LANGUAGE,))
    vocabulary_size: int = option(
        8000, ge=64, le=1_000_000, form=(500, 64_000), scale="log", unit="tokens", advanced=True, recipes=_OF_TEXT)
    frozen_layers: int = option(0, ge=0, le=1000, form=(0, 24), advanced=True, recipes=(*_OF_TEXT, IMAGES))
    layer_decay: float = option(1.0, ge=0.1, le=1.0, step=0.05, advanced=True, recipes=(*_OF_TEXT, IMAGES))
    lora_rank: int = option(0, ge=0, le=1024, form=(0, 64), recipes=_OF_TEXT)
    lora_alpha: float = option(16.0, ge=0.1, le=1024.0, form=(1, 128), advanced=True, recipes=_OF_TEXT)


class ImageConfig(Group):
    """Pictures, and the points on them."""

    image_size: int = option(224, ge=8, le=4096, form=(32, 1024), unit="pixels", recipes=_OF_PICTURES)
    channels_last: bool = option(default=False, advanced=True, recipes=(*_OF_PICTURES, CUSTOM))
    heatmap_sigma: float = option(2.0, ge=0.5, le=50.0, form=(1, 10), step=0.5, unit="pixels", recipes=(LANDMARKS,))
    pixel_size: float = option(0.0, ge=0.0, le=100.0, form=(0, 2), step=0.01, unit="mm", recipes=(LANDMARKS,))


class SpeechConfig(Group):
    """From text to speech."""

    optimization_level: Literal["basic", "normal", "fast"] = option("normal", recipes=(SPEECH,))
    model_size: Literal["tiny", "small", "normal"] = option("small", recipes=(SPEECH,))
    mel_loss_weight: float = option(1.0, ge=0.0, le=100.0, form=(0, 5), step=0.1, advanced=True, recipes=(SPEECH,))
    kl_loss_weight: float = option(0.5, ge=0.0, le=100.0, form=(0, 5), step=0.1, advanced=True, recipes=(SPEECH,))
    stop_loss_weight: float = option(1.0, ge=0.0, le=100.0, form=(0, 5), step=0.1, advanced=True, recipes=(SPEECH,))
    sample_rate: int = option(22_050, ge=4000, le=192_000, form=(8000, 48_000), unit="Hz", recipes=(SPEECH,))


class DistillationConfig(Group):
    """What a student learns from its teacher."""

    teacher: str | None = option(None, pattern=r"^\S.{0,199}$", recipes=_OF_TEACHERS)
    distill_alpha: float = option(0.5, ge=0.0, le=1.0, step=0.05, needs={"teacher": []}, recipes=_OF_TEACHERS)
    distill_temperature: float = option(
        2.0, ge=1.0, le=20.0, form=(1, 5), step=0.5, needs={"teacher": []}, recipes=_OF_TEACHERS)


class DeviceConfig(Group):
    """What the work is shared among."""

    multi_gpu: int = option(0, ge=0, le=64, form=(0, 8), advanced=True, unit="processes")
    use_compile: bool = option(default=False, advanced=True)


def foreign(recipe: str, given: Iterable[str]) -> list[Problem]:
    """What was given, by its name, though it belongs to other recipes; of a recipe of the user's own nothing does."""
    from nbtrain.config.schema import field_of  # noqa: PLC0415 - schema imports options, which imports this module

    problems = []
    for name in given if recipe in RECIPES else ():
        field = field_of(name)
        if field is None or field["recipes"] is None or recipe in field["recipes"]:
            continue
        others = [each for each in field["recipes"] if each in RECIPES]
        whose = f"the recipe {others[0]!r}" if len(others) == 1 else f"the recipes {', '.join(map(repr, others))}"
        problems.append(Problem(name, (
            f"{name} belongs to {whose}, and this training is by {recipe!r}; leave it out, or choose another recipe.")))
    return problems
