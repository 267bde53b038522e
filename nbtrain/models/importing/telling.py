"""What is known of an imported model: from the process that tried it, and from `nbtrain.json` beside it.

Neither is trusted: what is of the wrong type is dropped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbtrain.models.importing import header
from nbtrain.models.importing.refusals import shown
from nbtrain.models.importing.regular import whole

#: Ends of class names, and the task as the Hub calls it; the first that fits.
_TASKS = {
    "ForSequenceClassification": "text-classification", "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering", "ForMaskedLM": "fill-mask", "ForMultipleChoice": "multiple-choice",
    "WhisperForConditionalGeneration": "automatic-speech-recognition",
    "ForSpeechSeq2Seq": "automatic-speech-recognition", "ForConditionalGeneration": "text2text-generation",
    "ForCausalLM": "text-generation", "LMHeadModel": "text-generation",
    "ForImageClassification": "image-classification", "ForObjectDetection": "object-detection",
    "ForSemanticSegmentation": "image-segmentation", "ForAudioClassification": "audio-classification",
    "ForCTC": "automatic-speech-recognition", "ForDepthEstimation": "depth-estimation",
}
_KINDS = {"input_ids": "text", "pixel_values": "image", "input_values": "sound", "input_features": "sound"}
#: Bytes of the longest manifest; names of classes.
_LONGEST, _MOST_LABELS = 4 * 2**20, 100_000


def task_of(architecture: str) -> str:
    """The task that a class of transformers is for, as the Hub calls it; empty where its name does not say."""
    return next((task for end, task in _TASKS.items() if architecture.endswith(end)), "")


def kind_of(main_input: str) -> str:
    """What a model takes whose first input has this name: ``text image sound``, or empty."""
    return _KINDS.get(main_input, "")


def manifest(path: Path, name: str) -> dict[str, Any]:
    """What `nbtrain.json` tells that an `About` may take over, each of the right type. Raises ModelFileError."""
    told = header.json_object(whole(path, _LONGEST, name), name)
    return about(told["about"] if isinstance(told.get("about"), dict) else told)


def about(told: Mapping[str, Any]) -> dict[str, Any]:
    """Of what a file or process tells: the fields of an `About` that are of the right type. The others are dropped."""
    found: dict[str, Any] = {
        key: shown(told[key], 200) for key in ("architecture", "task", "data", "precision")
        if isinstance(told.get(key), str)}
    found |= {key: dict(told[key]) for key in ("config", "inputs", "options") if isinstance(told.get(key), dict)}
    if isinstance(told.get("labels"), list):
        found["labels"] = tuple(shown(label, 200) for label in told["labels"][:_MOST_LABELS])
    if isinstance(told.get("metrics"), dict):
        found["metrics"] = {shown(key): float(value) for key, value in told["metrics"].items() if _number(value)}
    if type(told.get("parameters")) is int and told["parameters"] >= 0:
        found["parameters"] = told["parameters"]
    return found


def single_input(told: Mapping[str, Any]) -> dict[str, Any]:
    """Shape of a sample and type, where a graph takes one tensor whose first dimension is the samples; else nothing."""
    match told.get("inputs"):
        case [{"shape": [_, *shape], "dtype": str(dtype)}] if all(each is None or type(each) is int for each in shape):
            return {"shape": shape, "dtype": shown(dtype)}
    return {}


def notes(told: Mapping[str, Any]) -> list[str]:
    """Sentences from the process that tried a model."""
    given = told.get("notes")
    return [shown(note, 500) for note in given[:20]] if isinstance(given, list) else []


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
