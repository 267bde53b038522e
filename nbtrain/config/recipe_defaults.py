"""Where a recipe starts from, as far as that differs from the general defaults."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from nbtrain.config import recipe_options as names

#: Defaults by the name of a recipe.
DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    names.CUSTOM: {},
    names.TABULAR: {"epochs": 30, "batch_size": 64, "early_stopping": True, "patience": 10},
    names.SERIES: {
        "epochs": 150, "batch_size": 128, "learning_rate": 5e-5, "weight_decay": 0.01, "dropout": 0.4,
        "label_smoothing": 0.1, "use_focal_loss": True, "focal_gamma": 2.5, "gaussian_noise_std": 0.01,
        "use_oversampling": True, "oversample_ratio": 0.5, "scheduler": "cosine_with_restarts", "scheduler_t_0": 10,
        "scheduler_t_mult": 2, "early_stopping": True, "patience": 20,
    },
    names.TEXTS: {"epochs": 3, "batch_size": 32, "learning_rate": 5e-5, "warmup_epochs": 0.1},
    names.TOKENS: {"epochs": 3, "batch_size": 32, "learning_rate": 5e-5, "warmup_epochs": 0.1},
    names.LANGUAGE: {"epochs": 3, "batch_size": 8, "learning_rate": 5e-5, "warmup_epochs": 0.1},
    names.IMAGES: {"epochs": 20, "batch_size": 32, "learning_rate": 1e-3, "label_smoothing": 0.1},
    names.LANDMARKS: {
        "epochs": 100, "batch_size": 8, "learning_rate": 5e-4, "image_size": 256, "early_stopping": True,
        "patience": 20, "warmup_epochs": 1.0,
    },
    names.SPEECH: {"epochs": 100, "batch_size": 16},
})

#: What the optimization levels of the speech recipe set, from the slowest and steadiest on.
LEVELS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "basic": {"learning_rate": 1e-5, "max_grad_norm": 0.5, "weight_decay": 1e-7, "warmup_steps": 3000},
    "normal": {"learning_rate": 5e-5, "max_grad_norm": 1.0, "weight_decay": 1e-6, "warmup_steps": 2000},
    "fast": {"learning_rate": 1e-4, "max_grad_norm": 1.0, "weight_decay": 1e-6, "warmup_steps": 1000},
})


def beneath(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The defaults of the recipe that flat or grouped options name; none where they name none."""
    task = given.get("task")
    named = {**task, **given} if isinstance(task, Mapping) else given
    recipe = named.get("recipe")
    found = dict(DEFAULTS.get(recipe, {})) if isinstance(recipe, str) else {}
    if recipe == names.SPEECH:
        speech = given.get("speech")
        level = {**(speech if isinstance(speech, Mapping) else {}), **given}.get("optimization_level", "normal")
        found |= LEVELS.get(level, {}) if isinstance(level, str) else {}
        steps_given = any(name in given for name in ("warmup_epochs", "warmup_steps"))
        if steps_given and "warmup_steps" not in given:
            found.pop("warmup_steps", None)
    elif "warmup_steps" in given:
        found.pop("warmup_epochs", None)
    return found
