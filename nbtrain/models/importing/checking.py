"""One import of files: what each is, what it must pass, and what becomes of it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbtrain.core.errors import ModelFileError
from nbtrain.core.model_views import Format
from nbtrain.core.tasks import Progress
from nbtrain.models import architectures
from nbtrain.models.importing import (
    archives,
    child,
    folders,
    graph_files,
    header,
    onnx_file,
    sniffing,
    telling,
    weights,
)
from nbtrain.models.importing.refusals import NeedsPermission, refused, shown
from nbtrain.models.importing.sniffing import Kind
from nbtrain.models.importing.weights import Weights
from nbtrain.models.package import MANIFEST, WEIGHTS, About, Package
from nbtrain.store import atomic

#: What a state_dict is called whose class nobody has told.
UNKNOWN = "state_dict"
#: Names of the files that models with a graph of their own are kept as.
_KEPT_AS: Mapping[Format, str] = {"exported": "model.pt2", "torchscript": "model.pt", "onnx": "model.onnx"}
_INDEX, _PICKLE_INDEX = "model.safetensors.index.json", "pytorch_model.bin.index.json"


class Check:
    """An import under way, with what the user allowed.

    Args:
        folder: for temporary files.
        convert: pickles may be read for their tensors.
        trust: code beside the model may run.
        module: one of the class the weights are for.
        progress: how far it is; cancelling it ends the check.
    """

    def __init__(
        self, folder: Path, *, convert: bool = False, trust: bool = False, module: Any = None,
        progress: Progress | None = None,
    ) -> None:
        self._folder, self._convert, self._trust = folder, convert, trust
        self._module, self._progress = module, progress
        self._notes: list[str] = []
        self._jobs = 0

    def path(self, path: Path, called: str | None = None) -> Package:
        """The model in a file or folder, which messages call `called` or by its name. Raises as `open_model`."""
        if path.is_dir():
            return self._of_folder(path, called or path.name or path.resolve().name)
        beside = folders.beside(path)
        package = self._of_file(path, path.name, beside)
        recipe = {} if package.about.format == "transformers" else folders.recipe_of(beside)
        return replace(package, files={**package.files, **recipe})

    def _of_file(self, path: Path, name: str, beside: Mapping[str, Path], *, nested: bool = False) -> Package:
        """A single file, and those beside it that may tell of it."""
        kind = sniffing.kind_of(path, name)
        told = self._manifest(beside.get(MANIFEST))
        if kind == "zip":
            if nested:
                raise refused(name, "it is an archive in an archive or folder; unpack it first")
            target = self._new("unpacked")
            archives.unpack(path, target, name, self._progress)
            return self._of_folder(folders.unwrapped(target), name)
        if kind == "safetensors":
            return self._of_weights(self._checked({name: path}), name, told)
        if kind == "state_dict":
            return self._of_weights(self._checked({name: self._converted(path, name)}), name, told)
        if kind == "unknown":
            raise sniffing.unknown(path, name)
        return self._of_graph(kind, path, name, told)

    def _of_folder(self, folder: Path, name: str) -> Package:
        files = folders.listing(folder, name, self._progress)
        if "adapter_config.json" in files and "config.json" not in files:
            raise refused(name, "it is an adapter of PEFT, which is no model alone; merge it into its base model, and "
                                "import that")
        if "model_index.json" in files or "saved_model.pb" in files:
            what = "a pipeline of diffusers" if "model_index.json" in files else "a model of TensorFlow"
            raise refused(name, f"it is {what}, which cannot be imported")
        config = folders.config_of(files, "config.json")
        if config is not None:
            return self._of_transformers(files, config)
        candidates = {file: path for file, path in files.items() if not file.endswith(folders.NO_MODELS)}
        kinds = {file: sniffing.kind_of(path, file) for file, path in candidates.items() if path.stat().st_size}
        for wanted in ("safetensors", "onnx", "exported", "torchscript", "state_dict", "zip"):
            found = [file for file, kind in kinds.items() if kind == wanted]
            if wanted == "safetensors" and found:
                return self._of_parts(files, found, name)
            if len(found) > 1:
                raise refused(name, f"there are {len(found)} models in it ({weights.listed(found)}); give one of them")
            if found:
                package = self._of_file(candidates[found[0]], found[0], files, nested=True)
                return self._with_beside(package, files, found[0])
        if len(candidates) == 1:
            raise sniffing.unknown(next(iter(candidates.values())), next(iter(candidates)))
        raise refused(name, "there is no model in it: no safetensors, config.json with weights, ONNX or torch file")

    def _of_parts(self, files: Mapping[str, Path], found: list[str], name: str) -> Package:
        """Safetensors files that are one model: one, or those of an index."""
        index = next((file for file in files if file.endswith(".safetensors.index.json")), None)
        taken = found
        if index is not None:
            folder = files[index].parent
            parts = weights.indexed(folder, files[index], index)
            taken = [file for file in found if files[file].parent == folder and files[file].name in parts]
            if len(taken) != len(parts):
                missing = sorted(set(parts) - {files[file].name for file in taken})
                raise refused(index, f"{weights.listed(missing)} is no safetensors file; fetch it again")
        elif len(found) > 1:
            raise refused(name, f"there are {len(found)} safetensors files in it ({weights.listed(found)}) and no "
                                "index; give "
                                "one of them")
        checked = self._checked({file: files[file] for file in taken})
        if index is not None:
            weights.check_index(checked, files[index], index)
        package = self._of_weights(checked, name, self._manifest(files.get(MANIFEST)))
        return self._with_beside(package, files, *taken)

    def _with_beside(self, package: Package, files: Mapping[str, Path], *taken: str) -> Package:
        """The same with its recipe, and with what was left out in its notes."""
        kept = {**package.files, **folders.recipe_of(files)}
        passed = {MANIFEST, *taken, *(file for file in files if files[file] in kept.values())}
        self._left_out([file for file in files if file not in passed and not file.endswith(".index.json")])
        return Package(package.about, kept, tuple(self._notes))

    # -- weights alone ----------------------------------------------------------------------------

    def _checked(self, files: Mapping[str, Path]) -> Weights:
        return weights.checked(files, progress=self._progress)

    def _of_weights(self, found: Weights, name: str, told: dict[str, Any]) -> Package:
        """Weights of an architecture of ours, of the class of `module`, or of a class that nobody has told."""
        facts = {"parameters": header.parameters(found.headers), "precision": header.precision(found.headers)}
        path = next(iter(found.files.values()))[0]
        if len(found.files) > 1:
            path = weights.merged(found, self._new("merged") / WEIGHTS, self._progress)
        if self._module is not None:
            shapes = {key: tuple(tensor.shape) for key, tensor in self._module.state_dict().items()}
            if wrong := weights.differences(found.shapes, shapes):
                raise refused(name, f"its weights do not fit {type(self._module).__name__}: {wrong}")
        architecture, config = self._architecture(found, name, told)
        if architecture is not None:
            said = self._job(
                "architecture", name, [path], found.bytes, path=str(path.resolve()), architecture=architecture,
                config=config, shapes={key: list(shape) for key, shape in found.shapes.items()})
            kind = said.get("kind")
            inputs = {"kind": shown(kind)} if isinstance(kind, str) else {}
            about = self._about("architecture", {**told, **facts, "inputs": inputs | dict(told.get("inputs", {}))},
                                architecture=architecture, config=config)
        else:
            own = type(self._module).__name__ if self._module is not None else told.get("architecture") or UNKNOWN
            about = self._about("module", {**told, **facts}, architecture=own, config={})
        return Package(about, {WEIGHTS: path}, tuple(self._notes))

    def _architecture(self, found: Weights, name: str, told: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """The built-in architecture that the weights say they are of, and its config."""
        named = getattr(self._module, "name", None)
        if isinstance(named, str) and architectures.is_architecture(named):
            return named, dict(self._module.config)
        written = found.metadata.get("nbtrain.architecture")
        if written is not None and architectures.is_architecture(written):
            text = found.metadata.get("nbtrain.config", "{}").encode(errors="replace")
            return written, header.json_object(text, name)
        beside = told.get("architecture", "")
        if self._module is None and architectures.is_architecture(beside) and isinstance(told.get("config"), dict):
            return beside, told["config"]
        return None, {}

    def _converted(self, path: Path, name: str) -> Path:
        """A pickle's tensors as a safetensors file, which is then checked like any."""
        if not self._convert:
            also = ", whatever its ending says" if path.suffix == ".safetensors" else ""
            raise NeedsPermission(
                f"{shown(name)} is a pickle{also}, which could run code when it is opened; allow it to be converted "
                "(convert=True): a process of its own, without network, then reads its tensors alone and writes "
                "safetensors.",
                question="convert", file=name)
        folder = self._new("converted")
        said = self._job("convert", name, [path], path.stat().st_size, folder, path=str(path.resolve()),
                         out=str(folder / WEIGHTS))
        left = said.get("left")
        if isinstance(left, list) and left:
            self._notes.append(f"Of {shown(name)} the weights alone were taken; left out: {weights.listed(left)}.")
        out = folder / WEIGHTS
        if not out.is_file() or out.is_symlink():
            raise refused(name, "converting it gave no weights")
        return out

    # -- transformers -----------------------------------------------------------------------------

    def _of_transformers(self, files: Mapping[str, Path], config: Mapping[str, Any]) -> Package:
        code = folders.check_code(files, allowed=self._trust)
        taken, found, kept = self._weights_beside(files)
        kept |= folders.of_transformers(files, code=code)
        stage = self._staged(kept)
        model_type = config.get("model_type")
        said = self._job(
            "folder", "config.json", [stage, *kept.values()], found.bytes, path=str(stage), remote_code=code,
            elements=found.elements, bytes=found.bytes, model_type=model_type if isinstance(model_type, str) else "")
        self._notes += telling.notes(said)
        facts = telling.about(said)
        architecture = facts.get("architecture") or shown(model_type)
        kind = telling.kind_of(str(said.get("main_input")))
        inputs = {"kind": kind} if kind else {}
        told = self._manifest(files.get(MANIFEST))
        facts["precision"] = header.precision(found.headers)
        if told.get("labels"):
            facts["labels"] = told["labels"]
        self._left_out([file for file in files if file not in kept and file not in taken and file != MANIFEST])
        about = self._about(
            "transformers", {**told, **facts, "inputs": inputs | dict(told.get("inputs", {}))},
            architecture=architecture, config={}, task=telling.task_of(architecture) or told.get("task", ""), code=code)
        return Package(about, kept, tuple(self._notes), lasting=said.get("short") is not True)

    def _weights_beside(self, files: Mapping[str, Path]) -> tuple[list[str], Weights, dict[str, Path]]:
        """Of a folder of transformers: names of files with weights, the weights, and the files to keep."""
        if _INDEX in files:
            names = weights.indexed(files[_INDEX].parent, files[_INDEX], _INDEX)
            kinds: dict[str, Kind] = {file: sniffing.kind_of(files[file], file) for file in names}
            if "state_dict" not in kinds.values():
                found = self._checked({file: files[file] for file in names})
                weights.check_index(found, files[_INDEX], _INDEX)
                return [*names, _INDEX], found, {_INDEX: files[_INDEX], **{file: files[file] for file in names}}
        elif WEIGHTS in files:
            names = [WEIGHTS]
            if sniffing.kind_of(files[WEIGHTS], WEIGHTS) != "state_dict":
                return names, (found := self._checked({WEIGHTS: files[WEIGHTS]})), {WEIGHTS: found.files[WEIGHTS][0]}
        elif _PICKLE_INDEX in files:
            names = weights.indexed(files[_PICKLE_INDEX].parent, files[_PICKLE_INDEX], _PICKLE_INDEX)
        else:
            names = [file for file in ("pytorch_model.bin", "model.bin") if file in files]
        if not names:
            raise folders.without_weights(files)
        found = self._checked({file: self._converted(files[file], file) for file in names})
        path = found.files[names[0]][0] if len(names) == 1 else weights.merged(
            found, self._new("merged") / WEIGHTS, self._progress)
        return [*names, _PICKLE_INDEX], found, {WEIGHTS: path}

    def _staged(self, files: Mapping[str, Path]) -> Path:
        """A folder with these files alone, for a library that reads whatever it finds."""
        stage = self._new("stage")
        for name, path in files.items():
            target = stage / name
            with atomic.told("write", target):
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    target.symlink_to(path.resolve())
                except OSError:  # Windows, for most users
                    shutil.copyfile(path, target)
        return stage

    # -- graphs -----------------------------------------------------------------------------------

    def _of_graph(self, kind: Kind, path: Path, name: str, told: dict[str, Any]) -> Package:
        """TorchScript, torch.export or ONNX: checked as an archive, then loaded and tried elsewhere."""
        readable, size, request = [path], path.stat().st_size, dict[str, Any]()
        files, facts = dict[str, Path](), dict[str, Any]()
        if kind == "onnx":
            found = onnx_file.read(path, name, self._progress)
            readable += found.beside.values()
            size += sum(each.stat().st_size for each in found.beside.values())
            if {_KEPT_AS["onnx"], MANIFEST} & {each.casefold() for each in found.beside}:
                raise refused(name, "its weights lie in a file of a name that is kept for others; save it anew with "
                                    "its weights inside, or in model.onnx.data")
            files |= found.beside
            request["inputs"] = [{"name": each.name, "dtype": each.dtype, "shape": each.shape} for each in found.inputs]
            facts = {"parameters": found.parameters, "precision": found.precision, "architecture": found.name}
            facts["inputs"] = telling.single_input({"inputs": [
                {"shape": list(each.shape), "dtype": each.dtype} for each in found.inputs]})
        elif kind == "exported":
            request["pickles"] = graph_files.check_exported(path, name)
        else:
            graph_files.check_torchscript(path, name)
            shape, dtype = told.get("inputs", {}).get("shape"), told.get("inputs", {}).get("dtype", "float32")
            if isinstance(shape, list) and all(type(each) is int for each in shape) and dtype in {"float32", "int64"}:
                request["inputs"] = [{"shape": [2, *shape], "dtype": dtype}]
        said = self._job(str(kind), name, readable, size, path=str(path.resolve()), **request)
        if said.get("tried") is not True:
            self._notes.append(f"{shown(name)} was not tried: what goes into it is not known.")
        facts = {"inputs": telling.single_input(said)} | facts | telling.about(said)
        if isinstance(said.get("name"), str):
            facts["architecture"] = shown(said["name"])
        format_: Format = "onnx" if kind == "onnx" else "exported" if kind == "exported" else "torchscript"
        files[_KEPT_AS[format_]] = path
        inputs = {**dict(facts.get("inputs", {})), **dict(told.get("inputs", {}))}
        architecture = told.get("architecture") or facts.get("architecture") or path.stem
        about = self._about(format_, {**facts, **told, "inputs": inputs}, architecture=architecture, config={})
        return Package(about, files, tuple(self._notes))

    # -- what all have ----------------------------------------------------------------------------

    def _job(
        self, job: str, name: str, readable: list[Path], size: int, folder: Path | None = None, **request: Any,
    ) -> Mapping[str, Any]:
        place = folder or self._new("child")
        return child.run(job, name, place, readable, size=size, progress=self._progress, **request)

    def _new(self, what: str) -> Path:
        self._jobs += 1
        folder = self._folder / f"{what}-{self._jobs}"
        with atomic.told("make", folder):
            folder.mkdir()
        return folder

    def _manifest(self, path: Path | None) -> dict[str, Any]:
        """What `nbtrain.json` beside the model tells; one that cannot be read tells nothing."""
        if path is None:
            return {}
        try:
            return telling.manifest(path, MANIFEST)
        except ModelFileError as error:
            self._notes.append(f"What is written beside the model was not used: {error}")
            return {}

    def _left_out(self, files: list[str]) -> None:
        if files:
            self._notes.append(f"{len(files)} files were left out: {weights.listed(files)}.")

    def _about(
        self, format_: Format, facts: Mapping[str, Any], *, architecture: str, config: Mapping[str, Any],
        task: str | None = None, code: bool = False,
    ) -> About:
        wanted = ("labels", "inputs", "metrics", "options", "data", "parameters", "precision")
        known = {key: facts[key] for key in wanted if key in facts}
        return About(format=format_, architecture=architecture, config=config, source="file", remote_code=code,
                     task=facts.get("task", "") if task is None else task, **known)
