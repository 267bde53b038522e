"""Models of `transformers`: their own tokenizer, image processor or feature extractor makes the inputs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch

from nbtrain.core.errors import ModelError
from nbtrain.core.model_views import TryField
from nbtrain.i18n import text
from nbtrain.models.loading import quiet
from nbtrain.trying import answers, tensors
from nbtrain.trying.way import PICTURES, SOUNDS, Made, Way, field

#: Samples a second that speech models listen to, where nothing says otherwise.
_RATE = 16_000
#: A length above this is a tokenizer's way of saying that it knows none.
_NO_LENGTH = 1_000_000


class Texts(Way):
    """A text, cut where it is longer than the model reads."""

    kind = "text"

    def fields(self) -> list[TryField]:
        return [field("text", "text", example=text("try.example.masked") if self._masked else None)]

    def note(self) -> str:
        if self._masked:
            return text("try.note.masked")
        goes_on = self.version.about.architecture.endswith(("ForCausalLM", "LMHeadModel"))
        return text("try.note.next") if goes_on else ""

    def made(self, values: Mapping[str, Any], module: Any) -> Made:
        typed = answers.text(values, "text")
        tokenizer = self.tokenizer
        if self._masked:
            mask = str(tokenizer.mask_token)
            typed = typed.replace("___", mask)
            if mask not in typed:
                raise answers.wrong("text", f"The text has no gap; write ___ or {mask} where a word is missing.")
        longest = self._longest(module)
        encoded = tokenizer(typed, return_tensors="pt", truncation=longest is not None, max_length=longest)
        whole = len(tokenizer(typed)["input_ids"])
        read = int(encoded["input_ids"].shape[1])
        note = text("try.note.cut", read=read, whole=whole) if read < whole else ""
        takes = _taken(module)
        return Made({name: value for name, value in encoded.items() if name in takes}, note)

    @cached_property
    def tokenizer(self) -> Any:
        """That of the version. Raises ModelError where transformers cannot load it."""
        return _loaded("AutoTokenizer", self)

    @property
    def _masked(self) -> bool:
        return self.version.about.architecture.endswith("ForMaskedLM")

    def _longest(self, module: Any) -> int | None:
        """Tokens."""
        config = getattr(module, "config", None)
        known = [getattr(config, "max_position_embeddings", None), self.tokenizer.model_max_length]
        if config is not None and config.model_type in {"roberta", "xlm-roberta", "camembert"}:
            known[0] = known[0] and known[0] - 2  # of their positions two are no words
        lengths = [int(each) for each in known if isinstance(each, int | float) and 0 < each < _NO_LENGTH]
        return min(lengths) if lengths else None


class Images(Way):
    """An image, as the model's own processor makes it."""

    kind = "image"

    def fields(self) -> list[TryField]:
        return [field("image", "file", accept=PICTURES)]

    def made(self, values: Mapping[str, Any], module: Any) -> Made:
        image = tensors.opened(answers.file(values, "image"), "image").convert("RGB")
        if "preprocessor_config.json" in self.version.files:
            return Made({"pixel_values": self._processor(image, return_tensors="pt")["pixel_values"]})
        size = getattr(module.config, "image_size", 224)
        height, width = (size, size) if isinstance(size, int) else tuple(size)
        array, _ = tensors.picture(
            answers.file(values, "image"), "image", int(getattr(module.config, "num_channels", 3)), (height, width))
        return Made({"pixel_values": (torch.from_numpy(array)[None] - 0.5) / 0.5}, text("try.note.no_processor"))

    @cached_property
    def _processor(self) -> Any:
        return _loaded("AutoImageProcessor", self)


class Speech(Way):
    """A sound, as the model's own feature extractor makes it."""

    kind = "sound"

    def fields(self) -> list[TryField]:
        return [field("sound", "file", accept=SOUNDS)]

    def made(self, values: Mapping[str, Any], module: Any) -> Made:
        samples, rate = tensors.sound(answers.contents(answers.file(values, "sound"), "sound"), "sound")
        extractor = self._extractor if "preprocessor_config.json" in self.version.files else None
        wanted = int(getattr(extractor, "sampling_rate", _RATE))
        mono = torch.from_numpy(samples).mean(0, keepdim=True)
        note = ""
        if rate != wanted:
            length = max(1, round(mono.shape[1] * wanted / rate))
            mono = torch.nn.functional.interpolate(mono[None], size=length, mode="linear", align_corners=False)[0]
            note = text("try.note.resampled", rate=rate, to_rate=wanted)
        if extractor is None:
            return Made({"input_values": mono}, note)
        made = extractor(mono[0].numpy(), sampling_rate=wanted, return_tensors="pt")
        takes = _taken(module)
        return Made({name: value for name, value in made.items() if name in takes}, note)

    @cached_property
    def _extractor(self) -> Any:
        return _loaded("AutoFeatureExtractor", self)


def _taken(module: Any) -> set[str]:
    """What the forward pass takes, by name."""
    import inspect  # noqa: PLC0415 - here alone

    return set(inspect.signature(module.forward).parameters)


def _loaded(kind: str, way: Way) -> Any:
    """A tokenizer or processor of the version, from its own files alone. Raises ModelError."""
    import transformers  # noqa: PLC0415 - slow to import

    try:
        with quiet(transformers):
            return getattr(transformers, kind).from_pretrained(
                way.version.folder, local_files_only=True, trust_remote_code=way.version.about.remote_code)
    except (OSError, ValueError, ImportError, KeyError, TypeError, AttributeError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ModelError(f"transformers cannot load what makes the model’s inputs ({kind}): {first}.") from error
