"""A version of the registry as a module: built from its architecture, by transformers, or by its owner's code."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from nbtrain.core.errors import ConfigError, ModelError, ModelFileError, Problem
from nbtrain.models import architectures
from nbtrain.models.package import WEIGHTS, About, Version

#: Differences that are named in a message.
_NAMED = 3


def load(version: Version, *, module: nn.Module | None = None, device: str | torch.device = "cpu") -> nn.Module:
    """The model of a version, in evaluation mode.

    Args:
        version: from the registry.
        module: where only your own code can build the model: one of its class, whose weights are replaced.
        device: where it is put.

    Raises:
        ModelFileError: a file is missing or damaged.
        ModelError: `module` is needed, or the weights do not fit it; transformers does not know the architecture; or
            a library that is needed is not installed.
        ConfigError: there is no such device.
    """
    about, device = version.about, _checked_device(device)
    if module is not None and about.format not in {"module", "architecture"}:
        raise ModelError(
            f"A model of the format {about.format} builds itself; leave module out.")
    try:
        found = _LOADERS[about.format](version, module)
    except OSError as error:
        raise ModelFileError(
            f"Version {version.number} of {about.architecture} cannot be loaded: {_first(error)}; look with "
            f"nbtrain.models.verify({version.model!r}, {version.number}).") from error
    return found.to(device).eval()


def _checked_device(given: str | torch.device) -> torch.device:
    """A device that is here. Raises ConfigError, before anything is read."""
    try:
        device = torch.device(given)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        here = ["cpu", *(["cuda"] if torch.cuda.is_available() else []), *(
            ["mps"] if torch.backends.mps.is_available() else [])]
        raise ConfigError([Problem("device", (
            f"device is {str(given)!r:.60}, which is not here; there are: {', '.join(here)}."))]) from error
    return device


def put_weights(module: nn.Module, state: Mapping[str, Tensor], what: str) -> None:
    """Give a module these weights. Raises ModelError when names or shapes differ, with the first that do."""
    own = module.state_dict()
    differing = [
        f"{name} is {tuple(own[name].shape)} in the module and {tuple(state[name].shape)} in the weights"
        for name in own if name in state and own[name].shape != state[name].shape]
    differing += [f"{name} has no weights" for name in own if name not in state]
    differing += [f"{name} is not in the module" for name in state if name not in own]
    if differing:
        more = f" and {len(differing) - _NAMED} more" if len(differing) > _NAMED else ""
        raise ModelError(
            f"The weights of {what} do not fit this {type(module).__name__}: {'; '.join(differing[:_NAMED])}{more}.")
    module.load_state_dict(dict(state))


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, in CPU memory. Raises ModelFileError when it is missing or damaged."""
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise ModelFileError(
            f"{path.name} cannot be read as safetensors ({_first(error)}): {path}.", file=path.name) from error


def _architecture(version: Version, module: nn.Module | None) -> nn.Module:
    about = version.about
    with torch.random.fork_rng(devices=[]):  # fresh weights are drawn and thrown away: nobody's seed should notice
        built: nn.Module = module if module is not None else architectures.build(about.architecture, **about.config)
    put_weights(built, read_weights(version.folder / WEIGHTS), about.architecture)
    return built


def _module(version: Version, module: nn.Module | None) -> nn.Module:
    name = version.about.architecture
    if module is None:
        raise ModelError(
            f"Only the weights of this model are kept, because {name} is a class of your own: hand in one of them to "
            f"put the weights into, as module={name}(…).")
    if not isinstance(module, nn.Module):
        raise ModelError(f"module is a {type(module).__name__}; it must be a torch.nn.Module instance of {name}.")
    put_weights(module, read_weights(version.folder / WEIGHTS), name)
    return module


def _transformers(version: Version, _: nn.Module | None) -> nn.Module:
    return from_pretrained(version.folder, version.about)


def from_pretrained(folder: Path, about: About, **config: Any) -> nn.Module:
    """A model of transformers, by the class its config names; nothing is fetched, and its code runs where allowed.

    Args:
        folder: where its files lie.
        about: what is known of it.
        **config: entries of its config that shall differ, such as ``num_labels``; layers of other sizes begin anew.

    Raises:
        ModelError: transformers does not know the class, or weights are missing.
    """
    transformers = _library("transformers", "load this model")
    kind = getattr(transformers, about.architecture, None) if not about.remote_code else None
    if kind is None or not hasattr(kind, "from_pretrained"):
        if not about.remote_code and about.architecture and not hasattr(transformers, about.architecture):
            raise ModelError(
                f"transformers {transformers.__version__} has no {about.architecture}; update it, or choose another "
                "model.")
        kind = _auto_class(transformers, folder)
    with quiet(transformers):
        try:
            model, told = kind.from_pretrained(
                folder, local_files_only=True, trust_remote_code=about.remote_code, output_loading_info=True,
                use_safetensors=True, **({"ignore_mismatched_sizes": True, **config} if config else {}))
        except (ValueError, RuntimeError, KeyError, ImportError, TypeError, AttributeError) as error:
            raise ModelError(f"transformers cannot load {about.architecture}: {_first(error)}.") from error
    missing = sorted(told.get("missing_keys") or ())
    if missing and not config:
        raise ModelError(
            f"The weights of {about.architecture} are not whole; missing are: {', '.join(missing[:_NAMED])}"
            f"{f' and {len(missing) - _NAMED} more' if len(missing) > _NAMED else ''}. Fetch or import it anew.")
    loaded: nn.Module = model
    return loaded


def _auto_class(transformers: Any, folder: Path) -> Any:
    """The Auto class that the model's own code registers, the most particular first."""
    told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    named = [name for name in told.get("auto_map", {}) if name.startswith("AutoModel") and hasattr(transformers, name)]
    return getattr(transformers, max(named, key=len)) if named else transformers.AutoModel


def _exported(version: Version, _: nn.Module | None) -> nn.Module:
    data = _as_checked(version, "model.pt2")
    told = logging.getLogger("torch.export")
    told.addFilter(_nothing)  # what it would print is in the error
    try:
        program: nn.Module = torch.export.load(data).module()
    except Exception as error:  # its errors, zipfile's and the deserialiser's have no common class
        raise ModelFileError(f"model.pt2 cannot be read by torch.export: {_first(error)}.", file="model.pt2") from error
    finally:
        told.removeFilter(_nothing)
    return Still(program)


def _nothing(record: logging.LogRecord) -> bool:
    del record
    return False


def _as_checked(version: Version, name: str) -> io.BytesIO:
    """A file that torch runs, read once: what is loaded is what was looked through when it came in, or nothing is.

    Raises:
        ModelFileError: it has changed since.
    """
    data = (version.folder / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != version.files[name].sha256:
        raise ModelFileError(
            f"{name} of version {version.number} is not what was checked when it was imported, so it was not loaded; "
            "import the model anew.", file=name)
    return io.BytesIO(data)


def _torchscript(version: Version, _: nn.Module | None) -> nn.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch would rather have torch.export
            script: nn.Module = torch.jit.load(_as_checked(version, "model.pt"), map_location="cpu")
    except RuntimeError as error:
        raise ModelFileError(f"model.pt cannot be read as TorchScript: {_first(error)}.", file="model.pt") from error
    return script


def _onnx(version: Version, _: nn.Module | None) -> nn.Module:
    runtime = _library("onnxruntime", "run ONNX models")
    path = version.folder / "model.onnx"
    try:
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common class of their own
        raise ModelFileError(f"model.onnx cannot be run by onnxruntime: {_first(error)}.", file=path.name) from error
    return Onnx(session)


_LOADERS = {
    "architecture": _architecture, "module": _module, "transformers": _transformers, "exported": _exported,
    "torchscript": _torchscript, "onnx": _onnx,
}


class Still(nn.Module):
    """A program of `torch.export`: it predicts, and cannot be trained or switched between modes."""

    def __init__(self, program: nn.Module) -> None:
        super().__init__()
        self.program = program
        for parameter in self.parameters():
            parameter.requires_grad = False

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """As the program that was exported."""
        return self.program(*inputs, **named)

    def train(self, mode: bool = True) -> Still:  # noqa: FBT001, FBT002 - torch's signature
        """It has one mode only."""
        del mode
        return self


class Onnx(nn.Module):
    """A session of onnxruntime as a module that predicts, on the CPU. One output as a tensor, several as a tuple."""

    def __init__(self, session: Any) -> None:
        super().__init__()
        self._session = session
        self.inputs = [each.name for each in session.get_inputs()]

    def forward(self, *inputs: Tensor, **named: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Tensors in the order of the graph's inputs, or by their names."""
        given = {**dict(zip(self.inputs, inputs, strict=False)), **named}
        found = self._session.run(None, {name: tensor.detach().cpu().numpy() for name, tensor in given.items()})
        outputs = tuple(torch.from_numpy(each) for each in found)
        return outputs[0] if len(outputs) == 1 else outputs


def _library(name: str, purpose: str) -> Any:
    """A library that an extra installs. Raises ModelError where it is not there."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModelError(
            f"{name} is needed to {purpose} and is not installed; install it with: pip install {name}.") from error


@contextlib.contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Without the library's bars and hints: what matters is raised."""
    own = transformers.utils.logging
    level, bars = own.get_verbosity(), own.is_progress_bar_enabled()
    own.set_verbosity_error()
    own.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        own.set_verbosity(level)
        if bars:
            own.enable_progress_bar()


def _first(error: BaseException) -> str:
    """Of its message; a library's may run to a page."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
