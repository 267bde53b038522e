"""`export`: a version of the registry as files of the user's own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.core.model_views import ExportView, FileView
from nbtrain.core.tasks import Progress
from nbtrain.models.exporting import places
from nbtrain.models.package import FITTED, MANIFEST, WEIGHTS, About, Version
from nbtrain.store import atomic

#: What there is to export to, and the ending of a single file of it; a folder where there is none.
FORMATS = {"safetensors": ".safetensors", "onnx": ".onnx", "exported": ".pt2", "transformers": ""}
RECIPE = "recipe.json"

#: The largest difference from PyTorch, None where nothing was compared; and a sentence, or nothing.
_Said = tuple[float | None, str]


def formats_of(about: About) -> list[str]:
    """What a model can be exported to without more than its registry knows."""
    if about.format == "transformers":
        return ["transformers", "safetensors", "onnx", "exported"]
    if about.format == "architecture":
        return ["safetensors", "onnx", "exported"]
    if about.format == "module":
        return ["safetensors"]  # to the others with module=…
    return ["onnx"] if about.format == "onnx" else ["exported"] if about.format == "exported" else []


def export(
    version: Version, format: str, path: str | Path, *, overwrite: bool = False, module: Any = None,  # noqa: A002 - the field's word
    example: Any = None, progress: Progress | None = None,
) -> ExportView:
    """Write a version as `format`; whole, or not at all. Labels and preprocessing lie beside it as JSON.

    Args:
        version: from the registry.
        format: ``safetensors`` (the weights), ``onnx`` (compared with PyTorch's output by onnxruntime), ``exported``
            (of `torch.export`), ``transformers`` (a folder that `from_pretrained` loads).
        path: a file with the format's ending, or a folder, which is made.
        overwrite: replace the file, or the folder of an earlier export; what else lies in a folder is never touched.
        module: where only your own code can build the model: one of its class.
        example: a batch of inputs, where nothing says what the model takes.
        progress: may call it off.

    Raises:
        ConfigError: there is no such format, the model cannot become it, or the path is taken or cannot be used.
        ModelError: it cannot be traced, or what was written gives other outputs than the model.
        WorkspaceError: there is no space, or the folder cannot be written.
    """
    target = checked_target(version.about, format, path, overwrite=overwrite, own=module is not None)
    single = bool(target.suffix) and target.suffix == FORMATS[format]
    if single:
        _check_one_file(version, format, target)
    with places.workplace(target.parent) as beside:
        difference, note = _WRITERS[format](version, beside, module, example, progress)
        _say_about(version, beside)
        if progress is not None:
            progress.check()
        written = places.as_file(beside, target, overwrite=overwrite) if single else places.as_folder(beside, target)
    files = [
        FileView(path=each.name if single else each.relative_to(target).as_posix(), size=each.stat().st_size, safe=True)
        for each in written]
    return ExportView(
        path=str(target), files=files, bytes=sum(file["size"] for file in files), difference=difference, note=note)


def checked_target(about: About, format: str, path: str | Path, *, overwrite: bool, own: bool = False) -> Path:  # noqa: A002
    """Where an export goes. Raises ConfigError, before anything is done."""
    if str(format) not in FORMATS:
        raise ConfigError([Problem("format", f"There is no format {format!r:.40}; there are: {', '.join(FORMATS)}.")])
    possible = formats_of(about) + (["onnx", "exported"] if own and about.format == "module" else [])
    if format not in possible:
        raise ConfigError([Problem("format", _impossible(about, format, possible))])
    target = places.checked_path(path)
    ending = FORMATS[format]
    if target.suffix and target.suffix != ending and target.suffix in {*FORMATS.values(), ".pt", ".bin", ".zip"}:
        wanted = f"a file ending in {ending}, or a folder" if ending else "a folder"
        raise ConfigError([Problem("path", f"{target.name} does not end as {format} does; give {wanted}.")])
    if target.suffix == ending and ending and target.is_dir():
        raise ConfigError([Problem("path", f"{target} is a folder; give the name of a file.")])
    single = bool(ending) and target.suffix == ending
    if single and target.exists() and not overwrite:
        raise places.taken(target)
    if not single:
        places.check_folder(target, overwrite=overwrite)
    return target


def _check_one_file(version: Version, format: str, target: Path) -> None:  # noqa: A002
    """Raises ConfigError for weights that one file cannot hold."""
    own = [name for name in version.files if not _is_beside(name)]
    several = len(own) > 1 if version.about.format == format else (
        format == "safetensors" and sum(name.endswith(".safetensors") for name in own) != 1)
    if several or (format == "onnx" and sum(version.files[name].size for name in own) > places.ONE_FILE):
        raise ConfigError([Problem("path", (
            f"The weights do not fit into the one file {target.name}; give a folder instead."))])


def _impossible(about: About, format: str, possible: Sequence[str]) -> str:  # noqa: A002
    if about.format == "module" and format in {"onnx", "exported"}:
        return (f"{about.architecture} is built by your own code, so it can become {format} in Python alone: "
                "nbtrain.models.export(name, format, path, module=net, example=batch).")
    if not possible:
        return f"A {about.format} model is kept as it came and cannot be exported to {format}."
    return f"A {about.format} model cannot become {format}; it can become: {', '.join(possible)}."


def _weights(version: Version, folder: Path, module: Any, example: Any, progress: Progress | None) -> _Said:  # noqa: ARG001
    """Every safetensors file as it lies."""
    for name in version.files:
        if name.endswith((".safetensors", ".safetensors.index.json")):
            _copy(version.folder / name, folder / name)
    return None, ""


def _whole(version: Version, folder: Path, module: Any, example: Any, progress: Progress | None) -> _Said:  # noqa: ARG001
    """The folder as `transformers` loads it."""
    for name in version.files:
        if not _is_beside(name):
            _copy(version.folder / name, folder / name)
    return None, ""


def _onnx(version: Version, folder: Path, module: Any, example: Any, progress: Progress | None) -> _Said:
    from nbtrain.models.exporting.onnx import write  # noqa: PLC0415 - onnx is an extra

    if version.about.format == "onnx":
        return _as_it_is(version, folder)
    return write(version, folder, module=module, example=example, progress=progress)


def _exported(version: Version, folder: Path, module: Any, example: Any, progress: Progress | None) -> _Said:
    from nbtrain.models.exporting.program import write  # noqa: PLC0415 - loads torch

    if version.about.format == "exported":
        return _as_it_is(version, folder)
    return write(version, folder, module=module, example=example, progress=progress)


def _as_it_is(version: Version, folder: Path) -> _Said:
    for name in version.files:
        if name != MANIFEST and not _is_beside(name):
            _copy(version.folder / name, folder / name)
    return None, ""


_WRITERS: dict[str, Callable[[Version, Path, Any, Any, Progress | None], _Said]] = {
    "safetensors": _weights, "transformers": _whole, "onnx": _onnx, "exported": _exported}


def _say_about(version: Version, folder: Path) -> None:
    """Labels, preprocessing and where it came from, for whoever uses the file."""
    about = asdict(version.about)
    about.pop("source_args")  # a path of this machine is nobody else's matter
    atomic.write_new(folder / MANIFEST, [json.dumps(about, indent=2, ensure_ascii=False, default=str).encode()])
    for name in version.files:
        if _is_beside(name):
            _copy(version.folder / name, folder / name)


def _is_beside(name: str) -> bool:
    """Whether a file says how rows become inputs: recipes, with their tokenizers."""
    return name in {RECIPE, FITTED} or name.startswith("tokenizer-")


def _copy(source: Path, to: Path) -> None:
    """A copy of a file of the registry, which nobody may change through it."""
    with atomic.told("write", to):
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, to)


__all__ = ["FORMATS", "WEIGHTS", "checked_target", "export", "formats_of"]
