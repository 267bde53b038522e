"""A model of the Hub in a line, from what the Hub says of it or from what is in the cache. Nothing said is trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nbtrain.core.model_views import HubRow
from nbtrain.hub.here import Here

#: The languages of ISO 639-1. Tags of the Hub are of every kind, and those of two letters need not be languages.
_LANGUAGES = frozenset((  # noqa: SIM905 - easier to read than a list
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en "
    "eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja "
    "jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb "
    "nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq "
    "sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu").split())
#: What a model does, by the end of its architecture's name, where its card does not say.
_TASKS = {
    "ForSequenceClassification": "text-classification", "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering", "ForCausalLM": "text-generation", "LMHeadModel": "text-generation",
    "ForMaskedLM": "fill-mask", "ForImageClassification": "image-classification",
    "ForAudioClassification": "audio-classification", "ForConditionalGeneration": "text2text-generation",
    "ForCTC": "automatic-speech-recognition", "ForObjectDetection": "object-detection"}


def of_hub(said: Mapping[str, Any], *, cached: bool) -> HubRow:
    """From the Hub's own words."""
    tags = texts(said.get("tags"))
    card = said.get("cardData")
    card = card if isinstance(card, dict) else {}
    tagged = [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
    licences = tagged or texts(card.get("license"))
    languages = texts(card.get("language")) or [tag for tag in tags if tag in _LANGUAGES]
    return HubRow(
        id=text(said.get("id")), task=text(said.get("pipeline_tag")), library=text(said.get("library_name")),
        languages=languages[:100], licence=licences[0] if licences else "", parameters=parameters(said),
        downloads=number(said.get("downloads")), likes=number(said.get("likes")),
        updated=time(said.get("lastModified")), gated=_gated(said.get("gated")), cached=cached)


def of_cache(here: Here) -> HubRow:
    """From what was downloaded; what only the Hub knows is None."""
    card = here.card
    licences = texts(card.get("license"))
    library = text(card.get("library_name")) or ("transformers" if here.config.get("model_type") else "")
    return HubRow(
        id=here.repository, task=text(card.get("pipeline_tag")) or task_of(architecture(here.config)), library=library,
        languages=texts(card.get("language"))[:100], licence=licences[0] if licences else "",
        parameters=sum(here.parameters.values()) or None, downloads=None, likes=None, updated=None, gated="",
        cached=here.whole)


def architecture(config: Mapping[str, Any]) -> str:
    """The class that a config names first."""
    names = texts(config.get("architectures")) if isinstance(config.get("architectures"), list) else []
    return names[0] if names else ""


def task_of(name: str) -> str:
    """What an architecture does, as far as its name tells."""
    return next((task for end, task in _TASKS.items() if name.endswith(end)), "")


def parameters(said: Mapping[str, Any]) -> int | None:
    """How many, by the headers of safetensors or GGUF."""
    for key in ("safetensors", "gguf"):
        known = said.get(key)
        if isinstance(known, dict) and (total := number(known.get("total"))):
            return total
    return None


def _gated(said: Any) -> str:
    if said == "auto":
        return "auto"
    return "manual" if said else ""


def text(value: Any) -> str:
    """A text of a sensible length; empty where it is none."""
    return value[:200] if isinstance(value, str) else ""


def texts(value: Any) -> list[str]:
    """A text, or a list of such."""
    return [text(each) for each in (value if isinstance(value, list) else [value]) if text(each)]


def number(value: Any) -> int | None:
    """A whole number from 0 on."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return int(value) if is_one and value >= 0 else None


def time(value: Any) -> float | None:
    """Seconds since 1970."""
    try:
        return datetime.fromisoformat(text(value)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
