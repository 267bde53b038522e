"""What `nbtrain.train` is given when its model is a name: of a registered model, an architecture, or one of the Hub.

    nbtrain.train("resnet", data)                  an architecture, with sizes that fit the data
    nbtrain.train("digits", data)                  a registered model: its version in production, else the newest
    nbtrain.train("hub:owner/name", data)          a model of the Hub
    nbtrain.train("hub:owner/name@v2", data)       at a branch, a tag or a commit of its

Where a name could mean two things, ``architecture:`` or ``model:`` before it says which. A run remembers where its
model came from, so that another kernel builds the module again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbtrain import teaching
from nbtrain.config.problems import unknown
from nbtrain.core.errors import DataError, ModelError, ModelNotFoundError
from nbtrain.core.ports import Subject
from nbtrain.feeding import Fed, classes_by_recipe, recipe_of
from nbtrain.fitting import classes_of, in_order, shown, unapplied
from nbtrain.i18n import text
from nbtrain.models import architectures, continuing
from nbtrain.models.registry import Registry
from nbtrain.recipes.small import MEANT_FOR, SMALL

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from nbtrain.models.package import About, Version

#: Before a name, where it could mean something else as well.
PREFIX, ARCHITECTURE, HUB = "model:", "architecture:", "hub:"
#: Registered models that the training form offers, the newest.
OFFERED = 100
#: By the first input of a model of transformers: how it learns classes.
_AUTO = {"input_ids": "AutoModelForSequenceClassification", "pixel_values": "AutoModelForImageClassification",
         "input_values": "AutoModelForAudioClassification"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A module to train, how it is called, and where it came from, as plain JSON."""

    module: nn.Module
    name: str
    origin: dict[str, Any]
    fed: Fed | None = None
    """The data with columns and classes in the model's order; None: as it was."""
    notes: tuple[str, ...] = ()
    """What the user should know of it, a sentence each."""


def choose(given: str, fed: Fed, validation: Any = None, *, loss: Any = None, seed: int = 0) -> Chosen:
    """The module that a name means, made to fit the data.

    Args:
        given: see above.
        fed: the data that it is to learn from.
        validation: as it was given to `feed`.
        loss: of the training; one of amounts (``mse mae huber``) asks for one output.
        seed: of the run, from which fresh weights are drawn.

    Raises:
        ModelNotFoundError: there is no such model or architecture; with the nearest name.
        ModelError: it cannot be trained, or does not fit the data.
        HubError: the Hub does not give it.
        DataError: the data does not tell how many outputs there must be.
    """
    if given.startswith(HUB):
        return _of_hub(given.removeprefix(HUB), fed, validation, loss, seed)
    version = check(given)
    if version is None:
        name = given.removeprefix(ARCHITECTURE)
        return _fresh(name, _fitted(name, fed, loss), seed)
    return _of_version(Registry(), version, fed, validation, loss, seed)


def check(given: str) -> Version | None:
    """The version of a registered model that a name means; None for an architecture, and for what the Hub is asked for.

    Raises:
        ModelNotFoundError: there is no such model or architecture; with the nearest name.
        ModelError: there is no such architecture, or it is one that only a recipe can make.
    """
    name = given.removeprefix(ARCHITECTURE)
    if given.startswith(HUB) or (not given.startswith(PREFIX) and architectures.is_architecture(name)):
        return None
    if given.startswith(ARCHITECTURE):
        raise ModelError(unknown("architecture", name, architectures.names()))
    registry = Registry()
    try:
        return registry.version(given.removeprefix(PREFIX))
    except ModelNotFoundError as missing:
        if given in SMALL:
            recipes = " or ".join(f'recipe="{recipe}"' for recipe in MEANT_FOR[SMALL[given]["model_type"]])
            raise ModelError(
                f"The model {given!r} is made by a recipe, which reads texts for it; say which: {recipes}.") from None
        known = [*SMALL, *architectures.names(), *(record.name for record in registry.list(limit=OFFERED)[0])]
        raise ModelNotFoundError(
            f"{unknown('model', given, known)} A model of the Hub is given as {HUB}owner/name.") from missing


def again(origin: Mapping[str, Any]) -> nn.Module:
    """The module of a run that another kernel began, from its `origin`; its weights come from the checkpoint.

    Raises:
        ModelNotFoundError, ModelError, HubError: what it was made from is not there any more.
    """
    if origin["from"] == "architecture":
        return _fresh(origin["name"], origin["config"], 0).module
    changes = origin.get("transformers")
    if origin["from"] == "hub":
        from nbtrain.models.fetching import fetched  # noqa: PLC0415 - loads the client of the Hub

        with fetched(origin["repository"], origin["commit"]) as package:
            return _pretrained(_folder_of(package.files), package.about, changes)
    version = Registry().version(origin["model"], origin["version"])
    return _pretrained(version.folder, version.about, changes) if changes else _loaded(version)


def loaded(given: str, origin: Mapping[str, Any] | None = None) -> nn.Module:
    """A model with its weights as they are, to teach another, by its name: of a registered one, or ``hub:owner/name``.

    Args:
        given: the name.
        origin: of the run that it is to teach, whose rows it must read, and whose classes it must number, alike.

    Raises:
        ModelNotFoundError, HubError: there is none.
        ModelError: it cannot be loaded, learned from other inputs, or its classes are others.
    """
    classes = None if origin is None else origin.get("classes")
    if given.startswith(HUB):
        from nbtrain.models import pretrained  # noqa: PLC0415 - loads torch and the client of the Hub

        repository, at, revision = given.removeprefix(HUB).partition("@")
        with pretrained.of_hub(repository, revision if at else None) as package:
            teaching.check_classes(given, package.about, classes)
            return pretrained.build(_folder_of(package.files), package.about, None)
    version = Registry().version(given.removeprefix(PREFIX))
    teaching.check_classes(given, version.about, classes)
    teaching.check_inputs(given, version, origin)
    return _loaded(version)


def subjects() -> list[Subject]:
    """The registered models that can be trained, as a person would choose among them, newest first."""
    return [
        Subject(name=PREFIX + record.name, kind="model", recipes=None, text=text(
            "subject.registered", architecture=record.architecture, parameters=record.parameters or 0))
        for record in Registry().list(limit=OFFERED)[0] if record.format in {"architecture", "transformers"}]


def means_model(name: str) -> bool:
    """Whether a choice of the form is a model by its name, rather than a variable."""
    return name.startswith((PREFIX, ARCHITECTURE, HUB)) or name in SMALL


# -- of each kind -----------------------------------------------------------------------------------


def _fresh(name: str, config: Mapping[str, Any], seed: int) -> Chosen:
    import torch  # noqa: PLC0415 - torch loads when the first run starts

    with _alone(seed), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = architectures.build(name, **config)
    return Chosen(module, name, {"from": "architecture", "name": name, "config": dict(config)})


def _of_version(  # noqa: PLR0917 - what `choose` was given
    registry: Registry, version: Version, fed: Fed, validation: Any, loss: Any, seed: int,
) -> Chosen:
    name = registry.find(version.model).name
    origin = {"from": "registry", "model": version.model, "version": version.number}
    if version.about.format == "transformers":
        fed = in_order(name, version.about, fed, validation, loss)
        changes, notes = _changes(name, version.folder, version.about, fed, loss)
        return Chosen(
            _pretrained(version.folder, version.about, changes, seed), name, {**origin, "transformers": changes}, fed,
            (*notes, *unapplied(name, version, fed)))
    if version.about.format != "architecture":
        what = {
            "module": "only its weights are kept, so load it with your own class and train that: "
                      f"nbtrain.models.load({name!r}, module=…)"}.get(
            version.about.format, "it only predicts; register the model it was made from")
        raise ModelError(f"The model {name!r} cannot be trained by its name: {what}.")
    fed = in_order(name, version.about, fed, validation, loss)
    continuing.check_classes(name, version.about, classes_of(fed, loss))
    return Chosen(_loaded(version), name, origin, fed, unapplied(name, version, fed))


def _of_hub(given: str, fed: Fed, validation: Any, loss: Any, seed: int) -> Chosen:
    from nbtrain.models.pretrained import of_hub  # noqa: PLC0415 - loads torch and the client of the Hub

    repository, at, revision = given.partition("@")
    with of_hub(repository, revision if at else None) as package:
        if package.about.format != "transformers":
            raise ModelError(
                f"{repository} is no model of transformers but {package.about.format}, so it cannot be trained by its "
                "name; nbtrain.models.download(…) registers it.")
        folder = _folder_of(package.files)
        fed = in_order(repository, package.about, fed, validation, loss)
        changes, notes = _changes(repository, folder, package.about, fed, loss)
        origin = {"from": "hub", "repository": repository, "commit": package.about.source_args["revision"],
                  "transformers": changes}
        return Chosen(_pretrained(folder, package.about, changes, seed), repository, origin, fed, notes)


def _loaded(version: Version) -> nn.Module:
    from nbtrain.models import loading  # noqa: PLC0415 - loads torch

    return loading.load(version)


def _pretrained(folder: Path, about: About, changes: Mapping[str, Any] | None, seed: int = 0) -> nn.Module:
    from nbtrain.models import pretrained  # noqa: PLC0415 - loads torch

    with _alone(seed):
        return pretrained.build(folder, about, changes, seed)


def _alone(seed: int) -> AbstractContextManager[None]:
    """While weights are drawn no run draws: the generators are those of all threads."""
    import torch  # noqa: PLC0415 - torch loads when the first run starts

    from nbtrain.engine.randomness import Turn  # noqa: PLC0415 - likewise

    return Turn(seed, torch.device("cpu")).at("model")


def _folder_of(files: Mapping[str, Path]) -> Path:
    return files["config.json"].parent


# -- what follows from the data ---------------------------------------------------------------------


def _changes(name: str, folder: Path, about: About, fed: Fed, loss: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What a model of transformers needs to learn this data: its class, and the number and names of its outputs.

    And what the user should know of it: that its head begins anew, or that its outputs had no names.
    """
    import transformers  # noqa: PLC0415 - slow to load

    from nbtrain.models.pretrained import class_for, labelled  # noqa: PLC0415 - loads torch

    _check_tokenizer(about, fed)
    config = transformers.AutoConfig.from_pretrained(
        folder, local_files_only=True, trust_remote_code=about.remote_code)
    inputs, outputs, classes = shown(fed, loss)
    _check_tokens(inputs, config, about)
    classes = classes or classes_by_recipe(fed.origin)[:outputs]
    classifies = "Classification" in about.architecture
    known = continuing.named([str(config.id2label[number]) for number in sorted(config.id2label)]) if classifies else []
    kept = classifies and outputs == config.num_labels and (not known or not classes or known == list(classes))
    if kept:
        unnamed = f"{name} does not name its classes, so its outputs are taken in this order: {', '.join(classes)}."
        return ({"class": about.architecture, "config": labelled(classes) if classes else {}},
                (unnamed,) if classes and not known else ())
    kind = getattr(transformers, about.architecture, None)
    auto = _AUTO.get(getattr(kind, "main_input_name", ""), "")
    if not auto or outputs is None:
        return {"class": about.architecture, "config": {}}, ()
    kind = class_for(auto, config, about.architecture)
    labels = classes or [f"LABEL_{number}" for number in range(outputs)]
    changes = {"class": kind, "config": {"num_labels": outputs, **labelled(labels)}}
    if not classifies:
        return changes, ()
    had = ", ".join(known) or f"{config.num_labels} without names"
    said = (
        f"{name} was made for other classes ({had:.200}), so it has a new head for {', '.join(labels):.200}, which "
        "learns from the beginning.")
    return {**changes, "new_head": outputs == config.num_labels}, (said,)


def _check_tokens(inputs: Any, config: Any, about: About) -> None:
    ids = inputs.get("input_ids") if isinstance(inputs, Mapping) else None
    size = getattr(config, "vocab_size", None)
    if ids is not None and size is not None and ids.numel() and int(ids.max()) >= size:
        raise DataError(
            f"The data has the token {int(ids.max())}, but {about.architecture} knows {size:,} tokens: it was "
            "tokenised for another model; process the text anew with the step tokenize and this model's tokenizer.")


def _check_tokenizer(about: About, fed: Fed) -> None:
    """A text in tokens that were learnt from it means nothing to a model that was trained with others."""
    from nbtrain.data.processing import Tokenize  # noqa: PLC0415 - loads Arrow

    recipe = recipe_of(fed.origin)
    for step in recipe.steps if recipe is not None else ():
        if isinstance(step, Tokenize) and step.algorithm != "pretrained":
            raise DataError(
                f"The texts were tokenised with a tokenizer that learned from them, which {about.architecture} does "
                "not know; process them with the model's own: "
                '{"step": "tokenize", "algorithm": "pretrained", "tokenizer": "owner/name"}.')


def _fitted(name: str, fed: Fed, loss: Any) -> dict[str, Any]:
    """The config of an architecture for this data."""
    inputs, outputs, _ = shown(fed, loss)
    if outputs is None:
        raise DataError(
            f"How many outputs {name} must have cannot be told from a {type(fed.data).__name__} that does not tell its "
            f"labels; build the model: nbtrain.models.architectures.build({name!r}, outputs=…).")
    config = architectures.fit_to(name, inputs, outputs)
    if "vocabulary" in config:
        config["vocabulary"] = max(config["vocabulary"], _vocabulary(fed))
    return config


def _vocabulary(fed: Fed) -> int:
    """Tokens that texts of this kind may have: those the tokenizer knows, and those of the validation data."""
    from nbtrain.engine import arrays  # noqa: PLC0415 - loads torch

    found = 0
    if fed.validation is not None:
        prepared = arrays.prepare(fed.validation)
        ids = getattr(prepared, "inputs", None)
        ids = ids.get("input_ids") if isinstance(ids, Mapping) else ids
        found = int(ids.max()) + 1 if ids is not None and hasattr(ids, "numel") and ids.numel() else 0
    from nbtrain.data.processing import Tokenize  # noqa: PLC0415 - loads Arrow

    recipe = recipe_of(fed.origin)
    sizes = [step.encoder.size for step in recipe.steps if isinstance(step, Tokenize)] if recipe is not None else []
    return max([found, *sizes])
