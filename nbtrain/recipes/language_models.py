"""Models of the recipes of texts: of the Hub, of the registry, an object of the user's, or a small one begun anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nbtrain.config import TrainConfig
from nbtrain.config.problems import unknown
from nbtrain.core.errors import DataError, ModelError, ModelNotFoundError
from nbtrain.engine.randomness import Turn
from nbtrain.hub import here
from nbtrain.models import continuing, pretrained
from nbtrain.models.package import About
from nbtrain.models.registry import Registry
from nbtrain.recipes.base import Order
from nbtrain.recipes.small import SMALL
from nbtrain.recipes.vocabulary import Vocabulary

#: Before a name, where it could mean something else as well.
HUB, MODEL = "hub:", "model:"
#: Models of transformers whose first places of text are taken: these count from behind the token that fills up.
_SHIFTED = {"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "roberta-prelayernorm", "mpnet", "longformer"}
#: Below this learning rate hardly anything is learnt from random weights.
_SLOW = 2e-4
#: Where such a model starts from instead.
_NEW = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a model is made from; one of `folder`, `small` and `module` is there."""

    name: str
    origin: dict[str, Any] | None = None
    """As `Prepared.model_origin`; None for a module."""
    folder: Path | None = None
    about: About | None = None
    small: str | None = None
    module: nn.Module | None = None

    @property
    def is_new(self) -> bool:
        """Whether its weights are random."""
        return self.small is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A module, what it was made from, and what the user should know of it."""

    module: nn.Module
    origin: dict[str, Any] | None
    notes: tuple[str, ...] = ()


# -- which model ----------------------------------------------------------------------------------------


def is_one(model: Any) -> bool:
    """Whether a model reads texts, by its name or its class, as far as that is known without loading anything."""
    if isinstance(model, nn.Module):
        return getattr(model, "main_input_name", "") == "input_ids" and hasattr(model, "config")
    if not isinstance(model, str):
        return False
    if model in SMALL or model.startswith(HUB):
        return True
    try:
        about = Registry().version(model.removeprefix(MODEL)).about
    except ModelNotFoundError:
        return False
    return about.format == "transformers" and about.inputs.get("kind", "text") == "text"


def kind_of(model: Any) -> str:
    """The class of a model, as far as it can be told; empty where not."""
    if isinstance(model, nn.Module):
        return type(model).__name__
    if model in SMALL:
        return str(SMALL[model]["model_type"])
    if isinstance(model, str) and not model.startswith(HUB):
        try:
            return Registry().version(model.removeprefix(MODEL)).about.architecture
        except ModelNotFoundError:
            return ""
    return ""


@contextmanager
def found(order: Order, recommended: str) -> Iterator[Source]:
    """What the order's model means; of a run that goes on, what it was made from then.

    Raises:
        ModelNotFoundError: there is no such model; with the nearest name.
        ModelError: it is no model of transformers.
        HubError: the Hub does not give it.
    """
    origin = order.model_origin
    model = order.model if order.model is not None else recommended
    if isinstance(model, nn.Module):
        yield Source(name=type(model).__name__, module=model)
    elif origin is not None:
        with _again(origin) as source:
            yield source
    elif model in SMALL:
        yield Source(name=model, small=model, origin={"from": "small", "name": model})
    elif model.startswith(HUB):
        with _of_hub(model.removeprefix(HUB)) as source:
            yield source
    else:
        try:
            version = Registry().version(model.removeprefix(MODEL))
        except ModelNotFoundError as missing:
            if model.startswith(MODEL) or "/" not in model:
                known = [*SMALL, *(record.name for record in Registry().list(limit=100)[0])]
                raise ModelNotFoundError(
                    f"{unknown('model', model, known)} A model of the Hub is given as {HUB}owner/name.") from missing
            with _of_hub(model) as source:
                yield source
            return
        yield _of_version(model.removeprefix(MODEL), version.model, version.number)


def _again(origin: Mapping[str, Any]) -> Any:
    if origin["from"] == "hub":
        return _of_hub(f"{origin['repository']}@{origin['commit']}")
    return _given(
        Source(name=origin["name"], small=origin["name"], origin=dict(origin)) if origin["from"] == "small"
        else _of_version(origin["model"], origin["model"], origin["version"]))


@contextmanager
def _given(source: Source) -> Iterator[Source]:
    yield source


@contextmanager
def _of_hub(given: str) -> Iterator[Source]:
    repository, at, revision = given.partition("@")
    with pretrained.of_hub(repository, revision if at else None) as package:
        _check_format(repository, package.about)
        yield Source(
            name=repository, folder=package.files["config.json"].parent, about=package.about,
            origin={"from": "hub", "repository": repository, "commit": package.about.source_args["revision"]})


def _of_version(name: str, model: str, number: int) -> Source:
    registry = Registry()
    version = registry.version(model, number)
    _check_format(name, version.about)
    return Source(
        name=registry.find(version.model).name, folder=version.folder, about=version.about,
        origin={"from": "registry", "model": version.model, "version": version.number})


def _check_format(name: str, about: About) -> None:
    if about.format != "transformers":
        raise ModelError(
            f"{name} is no model of transformers but of the format {about.format}, which this recipe cannot train; "
            f"there are small ones to begin with: {', '.join(SMALL)}.")


# -- its tokenizer --------------------------------------------------------------------------------------


def vocabulary_of(
    source: Source, order: Order, fitted: Mapping[str, Any] | None, texts: Sequence[str], *,
    words: bool = False, for_generating: bool = False,
) -> Vocabulary:
    """The model's own tokenizer; else that of the run that goes on, else one that learns from these texts.

    Raises:
        ModelError: it should have one and has not.
    """
    if fitted is not None and fitted.get("tokenizer"):
        return Vocabulary.of_json(fitted["tokenizer"], for_generating=for_generating)
    if source.folder is not None:
        return Vocabulary.of_folder(source.folder, source.name, words=words)
    config = getattr(source.module, "config", None)
    named = getattr(source.module, "name_or_path", "")
    if named:
        return Vocabulary.of_folder(named, named, words=words)
    room = int(getattr(config, "vocab_size", 0) or 0) or order.config["vocabulary_size"]
    return Vocabulary.learn(texts, min(order.config["vocabulary_size"], room), for_generating=for_generating)


def trained_with(order: Order, fitted: Mapping[str, Any], *, words: bool = False) -> Vocabulary:
    """The tokenizer of a run, for other rows. Raises ModelError or HubError where it is gone."""
    if fitted.get("tokenizer"):
        return Vocabulary.of_json(fitted["tokenizer"], for_generating=bool(fitted.get("generates")))
    origin = fitted.get("made_from")
    if origin is None:
        named = getattr(order.model, "name_or_path", "")
        return Vocabulary.of_folder(named, named, words=words)
    if origin["from"] == "hub" and (known := here.model(origin["repository"], origin["commit"])) is not None:
        return Vocabulary.of_folder(known.folder, origin["repository"], words=words)  # it was checked when it came
    with _again(origin) as source:
        assert source.folder is not None  # noqa: S101 - those without have a tokenizer that learned
        return Vocabulary.of_folder(source.folder, source.name, words=words)


# -- the module -----------------------------------------------------------------------------------------


def known_classes(source: Source, auto: str, classes: Sequence[str]) -> list[str] | None:
    """The classes of a model in its order, where it has learnt those of the data; None where its head begins anew."""
    if source.folder is not None and source.about is not None:
        config = _config(source)
        same = pretrained.class_for(auto, config, source.about.architecture) == source.about.architecture
    else:
        config, same = getattr(source.module, "config", None), True
    if config is None or not same or not hasattr(config, "id2label"):
        return None
    known = continuing.named([str(config.id2label[number]) for number in sorted(config.id2label)])
    return known if known and set(classes) <= set(known) else None


def build(
    source: Source, auto: str, vocabulary: Vocabulary, classes: Sequence[str] | None, order: Order,
) -> Built:
    """The module, with outputs for these classes.

    Args:
        source: what it is made from.
        auto: the class of transformers that learns such a task.
        vocabulary: which tokens it reads.
        classes: in the order of their numbers; None for a language model.
        order: of the run; of a run that goes on, it says what was changed then.

    Raises:
        ModelError: transformers has no such model of this kind, or it has not as many outputs, or its tokens are
            others.
    """
    # Fresh weights are drawn from generators that all threads share: a run in training must not draw meanwhile.
    with Turn(order.config["seed"], torch.device("cpu")).at("model"):
        if source.module is not None:
            made = Built(module=_checked(source.module, classes), origin=None)
        elif source.small is not None:
            made = _new(source, auto, vocabulary, classes, order)
        else:
            made = _learned(source, auto, classes, order)
    _check_tokens(source, made.module, vocabulary)
    config: Any = getattr(made.module, "config", None)
    if classes is not None and getattr(config, "pad_token_id", 0) is None:
        config.pad_token_id = vocabulary.pad  # by it some find the last token that counts
    return made


def check_length(source: Source, module: nn.Module, vocabulary: Vocabulary, longest: int) -> int | None:
    """How many tokens the model takes; None where that is not known.

    Raises:
        DataError: the longest text has more.
    """
    config: Any = getattr(module, "config", None)
    known = getattr(config, "max_position_embeddings", None)
    places = int(known) if isinstance(known, int) and known > 0 else None
    if places is not None and config.model_type in _SHIFTED:
        places -= int(config.pad_token_id or 0) + 1
    limits = [each for each in (places, None if source.is_new else vocabulary.longest) if each]
    limit = min(limits) if limits else None
    if limit is not None and longest > limit:
        raise DataError(
            f"Texts have up to {longest:,} tokens, but {source.name} takes {limit:,} at most; set "
            f"max_length={limit} to cut them, or choose a model that takes more.")
    return limit


def suited(
    source: Source, order: Order, fitted: Mapping[str, Any] | None,
) -> tuple[TrainConfig | None, list[str]]:
    """Options for a model that begins with random weights, None where they stay; and what is to be said of them.

    A recipe starts from a rate for models that have learnt already, from which a new one would learn next to nothing.
    """
    config, rate = order.config, order.config["learning_rate"]
    if not source.is_new:
        return None, []
    changed, said = None, []
    begins = f"{source.name} begins with random weights"
    if fitted is None and "learning_rate" not in order.given:
        changed = config.replace(learning_rate=_NEW)
        said.append(
            f"{begins}, so it learns by learning_rate {_NEW:g}; {rate:g} is for models that have learnt already.")
    elif rate < _SLOW:
        said.append(
            f"{begins}, from which learning_rate {rate:g} learns very slowly; 0.0005 to 0.001 and more epochs suit it.")
    if config["lora_rank"] or config["frozen_layers"]:
        option = "lora_rank" if config["lora_rank"] else "frozen_layers"
        said.append(
            f"{begins}, and with {option}={config[option]} most of them stay so; this is meant for a model that has "
            "learnt already.")
    return changed, said


def _new(
    source: Source, auto: str, vocabulary: Vocabulary, classes: Sequence[str] | None, order: Order,
) -> Built:
    import transformers  # noqa: PLC0415 - slow to load

    given = dict(SMALL[source.name])
    kind = given.pop("model_type")
    tokens = {"pad_token_id": vocabulary.pad, "bos_token_id": vocabulary.end, "eos_token_id": vocabulary.end}
    places = {"max_position_embeddings" if kind == "bert" else "n_positions": order.config["max_length"]}
    labels = {} if classes is None else {"num_labels": len(classes), **pretrained.labelled(classes)}
    config = transformers.AutoConfig.for_model(kind, **given, **tokens, **places, **labels, vocab_size=vocabulary.size)
    name = pretrained.class_for(auto, config, source.name)
    if classes is None and kind == "bert":
        raise ModelError(
            f"{source.name} reads a text in both directions, so it cannot learn to go on with one; take "
            f"{', '.join(each for each in SMALL if each.startswith('gpt2'))}, or a causal model of the Hub.")
    module: nn.Module = getattr(transformers, name)(config)
    return Built(module=module, origin=source.origin)


def _learned(source: Source, auto: str, classes: Sequence[str] | None, order: Order) -> Built:
    """Of the Hub or the registry."""
    assert source.folder is not None  # noqa: S101 - told by `Source`
    assert source.about is not None  # noqa: S101 - likewise
    stored = (order.model_origin or {}).get("transformers")
    changes, notes = (stored, ()) if stored is not None else _changes(source, auto, classes)
    module = pretrained.build(source.folder, source.about, changes, order.config["seed"])
    return Built(module=module, origin={**(source.origin or {}), "transformers": changes}, notes=notes)


def _changes(source: Source, auto: str, classes: Sequence[str] | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The class of transformers, and its head where the data asks another."""
    about, config = source.about, _config(source)
    assert about is not None  # noqa: S101 - told by `Source`
    name = pretrained.class_for(auto, config, about.architecture)
    if classes is None:
        return {"class": name, "config": {}}, ()
    labels = pretrained.labelled(classes)
    if name != about.architecture:
        return {"class": name, "config": {"num_labels": len(classes), **labels}}, ()
    known = continuing.named([str(config.id2label[number]) for number in sorted(config.id2label)])
    if known == list(classes):
        return {"class": name, "config": {}}, ()
    if not known and config.num_labels == len(classes):
        said = f"{source.name} does not name its classes, so its outputs are taken in this order: "
        return {"class": name, "config": labels}, (f"{said}{', '.join(classes):.200}.",)
    had = ", ".join(known) or f"{config.num_labels} without names"
    said = (
        f"{source.name} was made for other classes ({had:.200}), so it has a new head for {', '.join(classes):.200}, "
        "which learns from the beginning.")
    same = config.num_labels == len(classes)
    return {"class": name, "config": {"num_labels": len(classes), **labels}, "new_head": same}, (said,)


def _config(source: Source) -> Any:
    import transformers  # noqa: PLC0415 - slow to load

    assert source.folder is not None  # noqa: S101 - asked of such alone
    return transformers.AutoConfig.from_pretrained(
        source.folder, local_files_only=True, trust_remote_code=bool(source.about and source.about.remote_code))


def _checked(module: Any, classes: Sequence[str] | None) -> nn.Module:
    """A module of the user's, whose classes get the names of the data's where they have none."""
    config: Any = getattr(module, "config", None)
    outputs = getattr(config, "num_labels", None)
    if classes is not None and isinstance(outputs, int):
        if outputs != len(classes):
            raise ModelError(
                f"{type(module).__name__} has {outputs} outputs, and the data has {len(classes)} classes "
                f"({', '.join(classes):.200}); build it with num_labels={len(classes)}.")
        if not continuing.named([str(config.id2label[number]) for number in sorted(config.id2label)]):
            config.id2label = dict(enumerate(classes))
            config.label2id = {label: number for number, label in enumerate(classes)}
    checked: nn.Module = module
    return checked


def _check_tokens(source: Source, module: Any, vocabulary: Vocabulary) -> None:
    embeddings = getattr(module, "get_input_embeddings", lambda: None)()
    count = getattr(embeddings, "num_embeddings", None)
    if count is not None and vocabulary.largest >= count:
        raise ModelError(
            f"The tokenizer does not fit the model: it has tokens up to number {vocabulary.largest:,}, and "
            f"{source.name} knows {count:,}; put the model's own tokenizer beside it, or make room with "
            "model.resize_token_embeddings(…).")


