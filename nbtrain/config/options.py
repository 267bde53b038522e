"""The options of a training, in small groups, and `TrainConfig`, which holds the groups.

Every option may be given flat (``epochs=5``) wherever options are taken; the groups keep the code that
reads them small. All problems of one call are reported together, as one `ConfigError`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, field_validator, model_validator

from nbtrain.config.declare import Group, option
from nbtrain.config.problems import explain, unknown
from nbtrain.config.recipe_defaults import DEFAULTS
from nbtrain.config.recipe_defaults import beneath as beneath_recipe
from nbtrain.config.recipe_options import (
    DeviceConfig,
    DistillationConfig,
    ImageConfig,
    SeriesConfig,
    SpeechConfig,
    TaskConfig,
    TextConfig,
)
from nbtrain.core.errors import ConfigError, Problem


class LoopConfig(Group):
    """How much work there is, and on what."""

    epochs: int = option(10, ge=1, le=1000, scale="log", live=True)
    batch_size: int = option(32, ge=1, le=65_536, form=(1, 256), scale="log", unit="samples")
    gradient_accumulation_steps: int = option(1, ge=1, le=16)
    validation: float = option(0.15, ge=0.0, le=0.5, step=0.01, unit="share")
    test: float = option(0.0, ge=0.0, le=0.5, step=0.01, unit="share", advanced=True)
    seed: int = option(0, ge=0, le=2**32 - 1, advanced=True)
    device: str = option("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", advanced=True)


class OptimizerConfig(Group):
    """How the weights move."""

    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "lamb", "adafactor"] = option("adamw")
    learning_rate: float = option(1e-3, ge=1e-7, le=1.0, form=(1e-4, 0.1), scale="log", live=True)
    weight_decay: float = option(0.01, ge=0.0, le=0.1, step=0.001, live=True)
    max_grad_norm: float = option(1.0, ge=0.0, le=10.0, step=0.1, live=True)
    momentum: float = option(0.9, ge=0.0, le=0.999, step=0.01, advanced=True, needs={"optimizer": ["sgd", "rmsprop"]})


class ScheduleConfig(Group):
    """How the learning rate changes over the run."""

    scheduler: Literal[
        "constant", "linear", "cosine", "cosine_with_restarts", "exponential", "step", "polynomial", "inverse_sqrt"
    ] = option("cosine")
    warmup_steps: int = option(0, ge=0, le=5000, unit="steps")
    warmup_epochs: float = option(0.0, ge=0.0, le=100.0, form=(0, 10), step=0.5, unit="epochs", advanced=True)
    scheduler_t_0: int = option(
        10, ge=1, le=1000, form=(1, 50), unit="epochs", advanced=True, needs={"scheduler": ["cosine_with_restarts"]})
    scheduler_t_mult: int = option(2, ge=1, le=10, advanced=True, needs={"scheduler": ["cosine_with_restarts"]})
    scheduler_step_size: int = option(
        10, ge=1, le=1000, form=(1, 50), unit="epochs", advanced=True, needs={"scheduler": ["step"]})
    scheduler_gamma: float = option(
        0.5, ge=0.01, le=1.0, step=0.01, advanced=True, needs={"scheduler": ["exponential", "step"]})
    scheduler_power: float = option(2.0, ge=0.1, le=10.0, step=0.1, advanced=True, needs={"scheduler": ["polynomial"]})


class PrecisionConfig(Group):
    """What the numbers look like, and what memory is traded for."""

    mixed_precision: Literal["off", "fp16", "bf16"] = option("off")
    gradient_checkpointing: bool = option(default=False)


class StoppingConfig(Group):
    """When to end before the last epoch."""

    early_stopping: bool = option(default=False)
    patience: int = option(3, ge=1, le=1000, form=(1, 10), unit="epochs", live=True, needs={"early_stopping": [True]})
    threshold: float = option(
        1e-4, ge=0.0, le=1.0, form=(1e-4, 1e-2), scale="log", advanced=True, needs={"early_stopping": [True]})
    monitor: str = option("val_loss", pattern=r"^[A-Za-z_][\w.]{0,63}$", advanced=True)


class CheckpointConfig(Group):
    """When the run is saved, and how much of it is kept."""

    checkpoint_every: int = option(1000, ge=0, le=10_000_000, form=(0, 10_000), unit="steps", live=True)
    save_frequency: int = option(0, ge=0, le=1000, form=(0, 50), unit="epochs", advanced=True)
    keep_checkpoints: int = option(3, ge=1, le=1000, form=(1, 20), advanced=True)


class TrackingConfig(Group):
    """Where else a run is written down, beside the workspace."""

    mlflow: str | None = option(None, pattern=r"^\S.{0,199}$", advanced=True)

    @field_validator("mlflow", mode="before")
    @classmethod
    def _switch(cls, value: Any) -> Any:
        if isinstance(value, str) and "://" in value:  # which may say a password, so it is not repeated
            raise ConfigError([Problem("mlflow", (
                "mlflow is an address; it must be the name of an experiment of MLflow, and where MLflow is, is said by "
                "the environment variable MLFLOW_TRACKING_URI."))])
        return value if not isinstance(value, bool) else "nbtrain" if value else None


class RegularisationConfig(Group):
    """What keeps the model from learning the training data by heart."""

    dropout: float | None = option(None, ge=0.0, le=0.95, step=0.05, advanced=True, recommended=0.1)
    label_smoothing: float = option(0.0, ge=0.0, le=0.5, step=0.01, recommended=0.1)
    use_focal_loss: bool = option(default=False)
    focal_gamma: float = option(2.0, ge=0.0, le=10.0, step=0.1, needs={"use_focal_loss": [True]})
    gaussian_noise_std: float = option(0.0, ge=0.0, le=1.0, step=0.005, advanced=True, recommended=0.01)
    use_oversampling: bool = option(default=False)
    oversample_ratio: float = option(0.5, ge=0.0, le=1.0, step=0.05, needs={"use_oversampling": [True]})
    use_ema: bool = option(default=False)
    ema_decay: float = option(0.999, ge=0.0, le=0.99999, step=0.001, live=True, needs={"use_ema": [True]})


class PipelineConfig(Group):
    """How batches get to the model when the data does not lie in memory."""

    num_workers: int = option(0, ge=0, le=64, form=(0, 16), advanced=True)
    prefetch_factor: int = option(2, ge=1, le=64, form=(1, 16), unit="batches", advanced=True)
    persistent_workers: bool = option(default=True, advanced=True)
    pin_memory: bool = option(default=True, advanced=True)


class TrainConfig(BaseModel):
    """Every option of a training. Frozen; `replace` gives an edited copy.

    ``TrainConfig(epochs=5)``, ``TrainConfig(loop={"epochs": 5})`` and JSON of either form are the same.

    Raises:
        ConfigError: with every problem there is, one line each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    loop: LoopConfig = LoopConfig()
    optimization: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    precision: PrecisionConfig = PrecisionConfig()
    stopping: StoppingConfig = StoppingConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    regularisation: RegularisationConfig = RegularisationConfig()
    pipeline: PipelineConfig = PipelineConfig()
    task: TaskConfig = TaskConfig()
    series: SeriesConfig = SeriesConfig()
    text: TextConfig = TextConfig()
    image: ImageConfig = ImageConfig()
    speech: SpeechConfig = SpeechConfig()
    distillation: DistillationConfig = DistillationConfig()
    devices: DeviceConfig = DeviceConfig()
    tracking: TrackingConfig = TrackingConfig()

    def __init__(self, **options: Any) -> None:
        try:
            super().__init__(**options)
        except ValidationError as error:
            raise ConfigError(explain(error)) from None

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, given: Any, build: ModelWrapValidatorHandler[Self]) -> Self:
        """Sort flat options into their groups, a preset beneath them, and find every problem there is at once."""
        grouped = gather(given) if isinstance(given, Mapping) else given
        try:
            config = build(grouped)
        except ValidationError as error:
            problems = explain(error)
            values = readable(grouped, wrong={problem.field for problem in problems})
        else:
            problems, values = [], config.flat()
        problems += contradictions(values)
        if problems:
            raise ConfigError(problems)
        return config

    @classmethod
    def model_validate(cls, obj: Any, **kwargs: Any) -> Self:
        """A config from a mapping of options, flat or grouped. Raises ConfigError."""
        try:
            return super().model_validate(obj, **kwargs)
        except ValidationError as error:
            raise ConfigError(explain(error)) from None

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **kwargs: Any) -> Self:
        """A config from `to_json`'s text, or from flat JSON. Raises ConfigError."""
        try:
            return super().model_validate_json(json_data, **kwargs)
        except ValidationError as error:
            raise ConfigError(explain(error)) from None

    def flat(self) -> dict[str, Any]:
        """Every option by its flat name."""
        return {name: getattr(getattr(self, group), name) for name, group in groups().items()}

    def to_json(self) -> str:
        """Flat JSON, sorted as declared; `model_validate_json` reads it back."""
        import json  # noqa: PLC0415 - only here

        return json.dumps(self.flat(), indent=2)

    def replace(self, **changes: Any) -> Self:
        """A copy with some options changed, validated as a whole. Raises ConfigError."""
        return type(self)(**{**self.flat(), **changes})

    def __getitem__(self, name: str) -> Any:
        """An option by its flat name. Raises KeyError."""
        return getattr(getattr(self, groups()[name]), name)

    @classmethod
    def for_recipe(cls, recipe: str) -> Self:
        """The defaults of a recipe: ``custom``, your own model on your own data, or one of those that come with us.

        Raises:
            ConfigError: there is no recipe of this name.
        """
        if recipe not in DEFAULTS:
            raise ConfigError([Problem("recipe", unknown("recipe", recipe, list(DEFAULTS)))])
        return cls(recipe=recipe)


def contradictions(values: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with flat options that are each in order: pydantic sees one field at a time."""
    problems = []
    steps, epochs = values["warmup_steps"], values["warmup_epochs"]
    if steps and epochs:
        problems.append(Problem("warmup_epochs", (
            f"warmup_epochs is {epochs:g} and warmup_steps is {steps}: give one of the two, "
            "and leave the other at 0.")))
    validation, test = values["validation"], values["test"]
    if validation + test > 0.8:
        problems.append(Problem("test", (
            f"validation ({validation:g}) and test ({test:g}) together leave less than a fifth of the data "
            "to train on: their sum may be at most 0.8.")))
    return problems


def readable(grouped: Any, wrong: Collection[str]) -> dict[str, Any]:
    """Flat options as far as they can be read: the default where one is wrong, or not given as a number."""
    values = TrainConfig().flat()
    for group in grouped.values() if isinstance(grouped, Mapping) else ():
        if isinstance(group, Mapping):
            values.update({
                name: value for name, value in group.items()
                if name in values and name not in wrong and isinstance(value, int | float)})
    return values


@cache
def groups() -> dict[str, str]:
    """Flat option name → name of its group in `TrainConfig`, as declared."""
    found: dict[str, str] = {}
    for group, info in TrainConfig.model_fields.items():
        model = info.annotation
        assert isinstance(model, type)  # noqa: S101 - every field of TrainConfig is a Group
        assert issubclass(model, Group)  # noqa: S101
        found.update(dict.fromkeys(model.model_fields, group))
    return found


def gather(given: Mapping[str, Any]) -> dict[str, Any]:
    """``{"epochs": 5, "schedule": {…}}`` → ``{"loop": {"epochs": 5}, "schedule": {…}}``, over the preset's options.

    What has no home stays where it is, for pydantic to report beside everything else that is wrong.
    """
    from nbtrain.config.presets import PRESETS  # noqa: PLC0415 - a test checks presets with this module's models

    home = groups()
    grouped: dict[str, Any] = {}
    preset = given.get("preset")
    beneath = PRESETS.get(preset) if isinstance(preset, str) else None
    for source in (beneath_recipe(given), beneath or {}, given):
        for name, value in source.items():
            if name in home:
                continue
            if isinstance(value, Group):
                grouped.setdefault(name, {}).update(value.model_dump())
            elif name in TrainConfig.model_fields and isinstance(value, Mapping):
                grouped.setdefault(name, {}).update(value)
            elif name != "preset" or (preset is not None and beneath is None):
                grouped[name] = value
        for name, value in source.items():
            if name in home and isinstance(grouped.setdefault(home[name], {}), dict):
                grouped[home[name]][name] = value
    return grouped
