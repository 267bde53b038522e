"""`Run.register`: what a run has learnt, kept as a model of the workspace with all that is known of it."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nbtrain.core.errors import (
    CheckpointError,
    ConfigError,
    ModelError,
    ModelFileError,
    ModelNotFoundError,
    NbtrainError,
    Problem,
)
from nbtrain.core.model_views import Stage
from nbtrain.data.columns import Kind
from nbtrain.data.keeping.library import Library
from nbtrain.data.pictures import Files
from nbtrain.feeding import classes_by_recipe, recipe_of
from nbtrain.models import promotion
from nbtrain.models.fitted import Fitted
from nbtrain.models.importing import open_model
from nbtrain.models.importing.objects import bare
from nbtrain.models.package import About, Package, Version
from nbtrain.models.promotion import Rule
from nbtrain.models.registry import Registry
from nbtrain.recipes.base import Columns
from nbtrain.store.model_listing import RANKS
from nbtrain.store.names import free_name, made_up
from nbtrain.store.workspace import current

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nbtrain.engine.checkpoint import Generation
    from nbtrain.engine.snapshot import Snapshot
    from nbtrain.run import Run

Weights = Literal["best", "last"]
RECIPE = "recipe.json"
#: How often a checkpoint is looked for again that a run in training replaces while it is read, or has not written yet.
_TRIES, _PAUSE = 50, 0.1
#: Files of a tokenizer or processor, which a model of transformers is of no use without.
_BESIDE = ("tokenizer", "special_tokens", "added_tokens", "vocab", "merges", "preprocessor", "processor", "spiece",
           "sentencepiece", "chat_template")
_TASKS = {
    "tabular": ("tabular-classification", "tabular-regression"), "text": ("text-classification", ""),
    "image": ("image-classification", ""), "sound": ("audio-classification", ""),
    "series": ("time-series-classification", "time-series-forecasting"),
}


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of `Run.register`."""

    name: str
    """Of the model."""
    version: Version
    promotion: str
    """Whether it was promoted and why, a sentence; empty where nobody asked."""
    notes: tuple[str, ...] = ()
    """What is to be known of it, a sentence each."""

    def __repr__(self) -> str:
        said = " ".join(filter(None, (self.promotion, *self.notes)))
        return f"<Model {self.name!r}, version {self.version.number}, stage {self.version.stage}. {said}".strip() + ">"


def register(
    run: Run, name: str | None = None, *, stage: Stage = "none", note: str = "", promote: bool | float | Rule = True,
    weights: Weights = "best", tags: Sequence[str] = (),
) -> Registered:
    """See `Run.register`."""
    rule = promotion.checked(promote)
    if stage not in RANKS or weights not in {"best", "last"}:
        field, value, known = ("stage", stage, RANKS) if stage not in RANKS else ("weights", weights, ("best", "last"))
        raise ConfigError([Problem(field, f"{field} is {value!r:.100}; there are: {', '.join(known)}.")])
    registry = Registry()
    with package_of(run, weights) as package:
        about, notes = package.about, package.notes
        promoted, said = rule.judge(about.metrics) if rule is not None and stage == "none" else (False, "")
        version = registry.add(
            package, name=_own_name(registry, run, about) if name is None else name, or_version=True, note=note,
            tags=tags, stage="production" if promoted else stage)
    model = registry.find(version.model).name
    if said:
        kind = "model promoted" if promoted else "model not promoted"
        current().database.add_activity(kind, run.id, f"{model} {version.number}: {said}")
    own = about.architecture if about.format == "module" else ""
    needed = (
        f"Its weights are kept; {own} is a class of your own, so loading needs one of it: "
        f"nbtrain.models.load({model!r}, module={own}(…)).")
    return Registered(model, version, said, (*((needed,) if own else ()), *notes))


@contextmanager
def package_of(run: Run, weights: Weights) -> Iterator[Package]:
    """The files of what a run has learnt, and all that is known of it. Raises as `Run.register`."""
    snapshot, generation = _snapshot(run, weights)
    with _package(run, snapshot) as package, _fitted(run) as (learned, said):
        about = replace(
            package.about, **_known(run, package.about), metrics=_metrics(run, generation),
            options=dict(run.options()), data=str(snapshot.state["fingerprint"]), source="run",
            source_args={"run": run.id, "name": run.name})
        yield Package(about, {**_recipe(run), **learned, **package.files}, said)


def _own_name(registry: Registry, run: Run, about: About) -> str:
    """A name for a run without one: of the model that this one goes on with, else one that is free."""
    return free_name(made_up(run.name, "model"), lambda name: _is_another(registry, name, about))


def _is_another(registry: Registry, name: str, about: About) -> bool:
    """Whether there is such a model, of another architecture, or for other inputs or classes."""
    try:
        held = registry.versions(name)[0].about
    except ModelNotFoundError:
        return False
    same = (held.format, held.architecture, held.labels) == (about.format, about.architecture, about.labels)
    return not same or any(held.inputs.get(key) != about.inputs.get(key) for key in ("kind", "shape", "features"))


# -- the weights ------------------------------------------------------------------------------------


def _snapshot(run: Run, weights: Weights) -> tuple[Snapshot, Generation]:
    """The checkpoint with the best weights, or the newest. A run in training may replace it while it is read."""
    from nbtrain.engine.checkpoint import CheckpointFolder  # noqa: PLC0415 - loads torch
    from nbtrain.engine.saver import CHECKPOINTS  # noqa: PLC0415

    folder = CheckpointFolder(run.folder / CHECKPOINTS)
    tries = 0
    while True:
        best = [each for each in folder.generations() if each.best][-1:] if weights == "best" else []
        try:
            snapshot, generation, _ = folder.load(best[0].step if best else None)
        except CheckpointError:
            tries += 1
            if run.state.ended or tries == _TRIES:
                raise
            time.sleep(_PAUSE)
        else:
            return snapshot, generation


def _state(module: nn.Module, whole: nn.Module, snapshot: Snapshot) -> dict[str, Tensor]:
    """The weights by the names of the bare module; averaged ones where the run averaged, as it was judged by them."""
    components = snapshot.components
    found: Mapping[str, Tensor] = components["model"]
    if "ema" in components:
        start = "model."
        found = {name.removeprefix(start): each for name, each in components["ema"].items() if name.startswith(start)}
    names = dict(zip(whole.state_dict(), module.state_dict(), strict=True))  # torch.compile and others put a prefix
    missing = [name for name in names if name not in found]
    if missing:
        raise ModelError(f"The checkpoint has no {missing[0]}: the model was changed since it was written.")
    return {plain: found[name] for name, plain in names.items()}


@contextmanager
def _package(run: Run, snapshot: Snapshot) -> Iterator[Package]:
    """The files of the run's model with the weights of a checkpoint."""
    from nbtrain.engine import job, recompute  # noqa: PLC0415 - loads torch
    from nbtrain.models.architectures.base import Architecture  # noqa: PLC0415
    from nbtrain.recipes import adapters, vocabulary  # noqa: PLC0415

    module = bare(run.model)
    state = _state(module, run.model, snapshot)
    if not _is_pretrained(module):
        with open_model(state) as package:
            own = isinstance(module, Architecture)
            about = replace(
                package.about, format="architecture" if own else "module",
                architecture=module.name if own else type(module).__name__, config=module.config if own else {})
            yield replace(package, about=about)
        return
    copied = job.copy_of(module).cpu()
    if run.config["gradient_checkpointing"]:
        recompute.forget(copied)
    copied.load_state_dict(state)
    adapters.merge(copied)
    fitted = (run._trainer.given.origin or {}).get("fitted", {})  # noqa: SLF001 - a Run is the trainer's face
    with open_model(copied.eval()) as package, vocabulary.files(fitted) as learned:
        yield replace(package, files={**_tokenizer(run), **learned, **package.files})


def _is_pretrained(module: Any) -> bool:
    library = sys.modules.get("transformers")
    return library is not None and isinstance(module, library.PreTrainedModel)


def _tokenizer(run: Run) -> dict[str, Path]:
    """The tokenizer of the model that the run began with, so that plain transformers loads it from the same folder."""
    origin = run._trainer.given.model_origin or {}  # noqa: SLF001 - a Run is the trainer's face
    if origin.get("from") == "registry":
        folder = Registry().version(origin["model"], origin["version"]).folder
    elif origin.get("from") == "hub":
        from nbtrain.hub import here  # noqa: PLC0415 - loads the client of the Hub

        found = here.model(origin["repository"], origin["commit"])
        if found is None:
            return {}
        folder = found.folder
    else:
        return {}
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_file() and path.name.startswith(_BESIDE)}


# -- what is known ----------------------------------------------------------------------------------


def _metrics(run: Run, generation: Generation) -> dict[str, float]:
    """What was measured when the checkpoint was written: the figures of its epoch, or of the last one before."""
    if generation.metrics:
        return dict(generation.metrics)
    found: dict[str, float] = {}
    for name in run.history.names:
        if name.startswith(("val_", "train_")):
            steps, values = run.history[name]
            before = values[steps <= generation.step]
            if len(before):
                found[name] = float(before[-1])
    return found


def _known(run: Run, about: About) -> dict[str, Any]:
    """Inputs, labels and task, as they follow from the data and from what the run was."""
    trainer = run._trainer  # noqa: SLF001 - a Run is the trainer's face
    origin: Mapping[str, Any] = trainer.given.origin or {}
    inputs = {**about.inputs, **_shape(run)}
    known = ("target", "features", "grey", "recipe")
    inputs |= {key: origin[key] for key in known if origin.get(key) is not None}
    learnt = trainer.evaluation.task
    classes = origin.get("classes") or trainer.evaluation.classes or about.labels
    if not classes and learnt in {"classification", "binary"}:
        classes = _by_recipe(run)
    if learnt == "multilabel":
        inputs["multi_label"] = True  # classes that do not exclude one another
    index = 0 if learnt in {"classification", "binary", "multilabel"} else 1 if learnt == "regression" else None
    task = about.task or ("" if index is None else _TASKS.get(inputs.get("kind", ""), ("", ""))[index])
    return {"inputs": inputs, "labels": tuple(map(str, classes)), "task": task}


def _by_recipe(run: Run) -> list[str]:
    """The classes of a target that the recipe numbered, as many as the model has outputs: the last is of all others."""
    known = classes_by_recipe(run._trainer.given.origin)  # noqa: SLF001 - a Run is the trainer's face
    config: Any = getattr(bare(run.model), "config", None)
    outputs = config.get("outputs") if isinstance(config, Mapping) else getattr(config, "num_labels", None)
    return known if outputs is None else known[:max(outputs, 2)]  # one output tells two classes


def _range(given: Any) -> str:
    """``0-255`` where the values of pictures exceed 1, else ``0-1``; those below 0 were scaled around it."""
    from nbtrain.engine import nest  # noqa: PLC0415 - loads torch

    found = [each for each in nest.tensors(given) if each.numel()]
    return "0-255" if any(float(each.max()) > 1 and float(each.min()) >= 0 for each in found) else "0-1"


def _shape(run: Run) -> dict[str, Any]:
    """Kind, shape and type of one sample, where it can be looked at without disturbing the run."""
    from nbtrain.engine import arrays, nest  # noqa: PLC0415 - loads torch

    given = run._trainer.given  # noqa: SLF001 - a Run is the trainer's face
    data = arrays.prepare(given.data, arrays.Reading.of(run.model))
    kind = ""
    if isinstance(data, Files):
        kind = "image" if data.kind is Kind.IMAGE else "sound"
    if isinstance(data, arrays.Arrays):
        sample = nest.over(lambda x: x[0], data.inputs)
    elif run.state.ended and hasattr(data, "__getitem__") and hasattr(data, "__len__") and len(data):
        sample = data[0]  # its owner may draw at random, which a run in training would notice
        sample = sample[0] if isinstance(sample, tuple) else sample
    else:
        return {"kind": kind} if kind else {}
    if isinstance(sample, Mapping):
        return {"kind": "text"} if "input_ids" in sample else {}
    if not hasattr(sample, "shape"):
        return {"kind": kind} if kind else {}
    shape = [int(length) for length in sample.shape]
    kind = kind or {1: "tabular", 2: "series", 3: "image"}.get(len(shape), "")
    found: dict[str, Any] = {"kind": kind, "shape": shape, "dtype": str(sample.dtype).removeprefix("torch.")}
    if kind == "image":
        whole = data.inputs if isinstance(data, arrays.Arrays) else sample
        found |= {"range": _range(whole), "channels_last": len(shape) == 3 and _are_last(shape)}
    return found


def _are_last(shape: Sequence[int]) -> bool:
    """Whether the channels of a picture are the last of its three lengths: there is one, or there are three or four."""
    return shape[2] in {1, 3, 4} and shape[0] not in {1, 3, 4}


@contextmanager
def _fitted(run: Run) -> Iterator[tuple[dict[str, Path], tuple[str, ...]]]:
    """What the recipe of the run learnt, so that its model predicts without the run; and a sentence where it cannot."""
    origin = run._trainer.given.origin or {}  # noqa: SLF001 - a Run is the trainer's face
    if "recipe" not in origin:
        yield {}, ()
        return
    try:
        made = _learnt(run, origin)
    except NbtrainError as error:  # it was deleted since, say; the weights are there all the same
        said = str(error).rstrip(".")
        said = f"The dataset of the run cannot be read ({said}). The model is kept without it, so it answers no rows."
        yield {}, (said,)
        return
    with tempfile.TemporaryDirectory(prefix="nbtrain-fitted-") as folder:
        try:
            path = made.write(Path(folder))
        except ModelFileError as error:  # of a recipe of the user's own: the weights are worth keeping all the same
            yield {}, (f"{error} The model is kept without it, so only the run predicts rows.",)
            return
        yield {path.name: path}, ()


def _learnt(run: Run, origin: Mapping[str, Any]) -> Fitted:
    """What the recipe learnt, and what its columns hold. Raises DatasetNotFoundError, and whatever the library does."""
    columns = Columns.from_json(origin["columns"])
    needed = {*(columns.features or ()), *filter(None, (columns.text, columns.time, columns.group, columns.target))}
    table, processing = Library().table(origin["dataset"]), recipe_of(origin)
    kinds = {column.name: str(column.kind) for column in table.columns if column.name in needed}
    before = {} if processing is None else processing.types or {}
    kinds |= {name: str(Kind.TEXT) for name in kinds if before.get(name, "").startswith("string")}
    return Fitted(
        recipe=origin["recipe"], columns=columns.to_json(), kinds=kinds, options=dict(run.options()),
        fitted={**origin["fitted"], "made_from": None},  # its tokenizer lies beside the weights
        media={name: str(kind) for name, kind in table.media.items()})


def _recipe(run: Run) -> dict[str, Path]:
    """The recipe that new rows go through, with the files it needs, where the run's dataset was processed."""
    origin = run._trainer.given.origin  # noqa: SLF001 - a Run is the trainer's face
    if origin is None:
        return {}
    folder = Library().folder(origin["dataset"])
    if not (folder / RECIPE).is_file():
        return {}
    from nbtrain.data.processing import Recipe  # noqa: PLC0415 - loads Arrow

    return {name: folder / name for name in (RECIPE, *Recipe.load(folder).files())}
