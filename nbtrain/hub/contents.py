"""What the files of a model's repository are, by their names: which loading needs, and which are safe to open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

#: Endings of what could run code when it is loaded or opened.
_UNSAFE = frozenset({
    ".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill", ".npy", ".npz", ".h5", ".hdf5", ".keras",
    ".pb", ".nemo", ".mar", ".t7", ".py", ".pyc", ".ipynb", ".sh", ".bat", ".ps1", ".so", ".dll", ".dylib", ".exe",
    ".jar", ".js", ".whl", ".tar", ".gz", ".tgz", ".zip", ".7z", ".rar", ".llamafile"})
#: Beside the weights: configuration, tokenizer and processor of `transformers`, and the card.
_BESIDE = frozenset({
    "config.json", "generation_config.json", "adapter_config.json", "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "dict.txt",
    "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json", "chat_template.json",
    "chat_template.jinja", "normalizer.json", "bpe.codes", "README.md", "labels.txt"})
_TOKENIZERS = (".model", ".spm", ".vocab", ".tiktoken")
_SHARD = re.compile(r"(?P<stem>.+)-\d{5}-of-\d{5}(?P<ending>\.\w+)")
#: Where no safetensors are: what else weights are kept as, the first that there is.
_OTHERS = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".onnx", ".h5", ".msgpack")
#: What transformers says of a model, and what it calls the weights.
CONFIG = "config.json"
_USUAL = frozenset({
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
    "model.bin"})
#: Of those, what is a pickle.
_USUAL_PICKLES = re.compile(r"(pytorch_)?model(-\d{5}-of-\d{5})?\.bin")
_INDEX = ".index.json"
#: Weights that no PyTorch model has.
_FOREIGN = {".h5": "Keras", ".msgpack": "Flax"}


def is_safe(path: str) -> bool:
    """False for what could run code when it is loaded; by its name, so that more is called unsafe than is."""
    return PurePosixPath(path).suffix.lower() not in _UNSAFE


def needed(paths: Iterable[str], *, code: bool = False) -> list[str]:
    """The files that loading needs, of all files of a repository: weights of one format, and what lies beside them.

    Args:
        paths: of all files.
        code: modules too, because the user allowed code of the repository's own.
    """
    top = sorted(path for path in paths if "/" not in path)
    chosen = {path for path in top if path in _BESIDE or path.endswith(_TOKENIZERS) or (code and path.endswith(".py"))}
    return sorted(chosen | set(weights(top)))


def problem(paths: Iterable[str], config: Mapping[str, Any] | None = None) -> str:
    """Why importing would refuse a model whatever its files hold, as the end of a sentence; empty where it may not.

    Args:
        paths: of all files.
        config: its ``config.json``; None where it has none, or that was not read.
    """
    top = {path for path in paths if "/" not in path}
    found = weights(top)
    usual = not _USUAL.isdisjoint(found)
    if "adapter_config.json" in top and not (usual and CONFIG in top):
        return "is an adapter of PEFT, which is no model alone; choose the model that it was merged into"
    if not found:
        return _nothing(top)
    foreign = _FOREIGN.get(PurePosixPath(found[0]).suffix)
    if foreign:
        return f"has weights for {foreign} alone ({found[0]}); choose a model with safetensors"
    if config is not None and CONFIG in top and is_of_transformers(config):
        said = f"has a configuration of transformers, and its weights are called {found[0]}"
        return "" if usual else f"{said}, not model.safetensors or pytorch_model.bin; choose another model"
    own = [path for path in found if path.endswith((".safetensors", *_OTHERS))]
    whole = any(path.endswith(f".safetensors{_INDEX}") for path in found)
    if len(own) > 1 and not whole and not (config is None and is_doubtful(top)):
        return f"has {len(own)} files with weights ({own[0]}, {own[1]}…), and nothing says that they are one model"
    return ""


def is_doubtful(paths: Iterable[str]) -> bool:
    """Whether only its ``config.json`` tells if a model can be imported: its weights are not called as is usual."""
    top = {path for path in paths if "/" not in path}
    found = weights(top)
    return CONFIG in top and bool(found) and _USUAL.isdisjoint(found)


def is_of_transformers(config: Mapping[str, Any]) -> bool:
    """Whether a ``config.json`` is one of transformers; others use the name too."""
    return any(isinstance(config.get(key), kind) for key, kind in (
        ("model_type", str), ("architectures", list), ("auto_map", dict)))


def pickles(paths: Iterable[str]) -> list[str]:
    """The files with the weights where they are pickles for sure: transformers writes nothing else under this name."""
    return [path for path in weights(paths) if _USUAL_PICKLES.fullmatch(path)]


def _nothing(top: set[str]) -> str:
    """Why there are no weights."""
    if "model_index.json" in top:
        return "is a pipeline of diffusers, which cannot be imported"
    if "saved_model.pb" in top:
        return "is a model of TensorFlow, which cannot be imported; choose a model with safetensors"
    if any(path.endswith(".gguf") for path in top):
        return "has its weights as GGUF alone, packed for llama.cpp; choose the model they were made from"
    return ("has no weights that can be loaded: neither safetensors nor another known format at its top; choose "
            "another model")


def weights(paths: Iterable[str]) -> list[str]:
    """The files with the weights: safetensors, or else the first other format there is."""
    top = {path for path in paths if "/" not in path}
    for ending in (".safetensors", *_OTHERS):
        files = {path for path in top if path.endswith(ending) and path not in _BESIDE}
        if files:
            chosen = _one_of(files, top, ending)
            return sorted(chosen | (_data_of(chosen, top) if ending == ".onnx" else set()))
    return []


def _data_of(files: set[str], top: set[str]) -> set[str]:
    """What lies beside ONNX models of more than 2 GB: their weights, in files that only the models name."""
    beside = tuple(f"{file}{joint}" for file in files for joint in "_.")
    return {path for path in top if path.endswith((".onnx_data", ".onnx.data")) or path.startswith(beside)}


def _one_of(files: set[str], top: set[str], ending: str) -> set[str]:
    """Of files of one format: the whole model, in one file or in several, not its other variants."""
    stems = ("model", "pytorch_model", "tf_model", "flax_model", "adapter_model")
    for stem in stems:
        if f"{stem}{ending}" in files:
            return {f"{stem}{ending}"}
    indexed = sorted(path.removesuffix(f"{ending}{_INDEX}") for path in top if path.endswith(f"{ending}{_INDEX}"))
    for stem in (*stems, *indexed):
        shards = {path for path in files if (shard := _SHARD.fullmatch(path)) and shard["stem"] == stem}
        if shards:
            return shards | ({f"{stem}{ending}{_INDEX}"} & top)
    plain = {path for path in files if not path.startswith(("training_args", "optimizer", "scheduler", "rng_state"))}
    return plain or files
