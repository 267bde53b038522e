"""Every option, declared once: range, default, group, unit and help key."""

from nbtrain.config.options import (
    CheckpointConfig,
    LoopConfig,
    OptimizerConfig,
    PipelineConfig,
    PrecisionConfig,
    RegularisationConfig,
    ScheduleConfig,
    StoppingConfig,
    TrainConfig,
)
from nbtrain.config.presets import PRESETS
from nbtrain.config.schema import Field, fields

__all__ = [
    "PRESETS",
    "CheckpointConfig",
    "Field",
    "LoopConfig",
    "OptimizerConfig",
    "PipelineConfig",
    "PrecisionConfig",
    "RegularisationConfig",
    "ScheduleConfig",
    "StoppingConfig",
    "TrainConfig",
    "fields",
]
