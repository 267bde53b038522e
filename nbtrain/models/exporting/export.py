"""`export`: a version of the registry as files of the user's own."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nbtrain.core.errors import ConfigError, ModelError, Problem
from nbtrain.core.model_views import ExportView, FileView
from nbtrain.core.tasks import Progress
from nbtrain.models.package import MANIFEST, WEIGHTS, About, Version
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
        overwrite: replace the file, or put files into a folder that has some.
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
    with atomic.told("write", target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        difference, note = _WRITERS[format](version, beside, module, example, progress)
        _say_about(version, beside)
        if progress is not None:
            progress.check()
        written = _placed(beside, target, single=single)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    files = [FileView(path=each.name if single else str(each.relative_to(target)), size=each.stat().st_size, safe=True)
             for each in written]
    return ExportView(
        path=str(target), files=files, bytes=sum(file["size"] for file in files), difference=difference, note=note)


def checked_target(about: About, format: str, path: str | Path, *, overwrite: bool, own: bool = False) -> Path:  # noqa: A002
    """Where an export goes. Raises ConfigError, before anything is done."""
    if format not in FORMATS:
        raise ConfigError([Problem("format", f"There is no format {format!r:.40}; there are: {', '.join(FORMATS)}.")])
    possible = formats_of(about) + (["onnx", "exported"] if own and about.format == "module" else [])
    if format not in possible:
        raise ConfigError([Problem("format", _impossible(about, format, possible))])
    given = str(path).strip()
    if not given or "\x00" in given:
        raise ConfigError([Problem("path", f"The path is {given!r:.60}; give a file or a folder to write to.")])
    target = Path(os.path.abspath(Path(given).expanduser()))  # noqa: PTH100 - resolve() would follow a link
    ending = FORMATS[format]
    if target.suffix and target.suffix != ending and target.suffix in {*FORMATS.values(), ".pt", ".bin", ".zip"}:
        wanted = f"a file ending in {ending}, or a folder" if ending else "a folder"
        raise ConfigError([Problem("path", f"{target.name} does not end as {format} does; give {wanted}.")])
    if target.suffix == ending and ending and target.is_dir():
        raise ConfigError([Problem("path", f"{target} is a folder; give the name of a file.")])
    taken = target.exists() and (target.is_file() or any(target.iterdir()))
    if taken and target.is_file() and not (ending and target.suffix == ending):
        raise ConfigError([Problem("path", f"{target} is a file; give a folder.")])
    if taken and not overwrite:
        raise ConfigError([Problem("path", (
            f"{target} is there already; give another path, or say overwrite to replace it."))])
    return target


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
        if name != RECIPE:
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
        if name not in {RECIPE, MANIFEST}:
            _copy(version.folder / name, folder / name)
    return None, ""


_WRITERS: dict[str, Callable[[Version, Path, Any, Any, Progress | None], _Said]] = {
    "safetensors": _weights, "transformers": _whole, "onnx": _onnx, "exported": _exported}


def _say_about(version: Version, folder: Path) -> None:
    """Labels, preprocessing and where it came from, for whoever uses the file."""
    about = asdict(version.about)
    about.pop("source_args")  # a path of this machine is nobody else's matter
    atomic.write_new(folder / MANIFEST, [json.dumps(about, indent=2, ensure_ascii=False, default=str).encode()])
    recipe = version.folder / RECIPE
    if recipe.is_file():
        _copy(recipe, folder / RECIPE)


def _placed(beside: Path, target: Path, *, single: bool) -> list[Path]:
    """Move what was written to where it belongs: the folder, or a file with its JSON beside it."""
    found = sorted(path for path in beside.rglob("*") if path.is_file())
    if not single:
        moves = {path: target / path.relative_to(beside) for path in found}
    else:
        main = [path for path in found if path.suffix == target.suffix]
        if len(main) != 1:
            raise ModelError(
                f"The model has {len(main)} files of weights, which {target.name} cannot hold; give a folder instead.")
        moves = {main[0]: target}
        for path in found:
            if path is not main[0]:  # model.onnx.data keeps its name, by which model.onnx knows it
                own = path.name if path.name.startswith(main[0].name) else f"{target.stem}.{path.name}"
                moves[path] = target.with_name(own)
    with atomic.told("write", target):
        for path, to in moves.items():
            to.parent.mkdir(parents=True, exist_ok=True)
            path.chmod(0o644)
            path.replace(to)
    return sorted(moves.values())


def _copy(source: Path, to: Path) -> None:
    """A copy of a file of the registry, which nobody may change through it."""
    with atomic.told("write", to):
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, to)


__all__ = ["FORMATS", "WEIGHTS", "checked_target", "export", "formats_of"]
