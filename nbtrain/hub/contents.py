"""What the files of a model's repository are, by their names: which loading needs, and which are safe to open."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

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
_OTHERS = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack", ".onnx")


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


def weights(paths: Iterable[str]) -> list[str]:
    """The files with the weights: safetensors, or else the first other format there is."""
    top = {path for path in paths if "/" not in path}
    for ending in (".safetensors", *_OTHERS):
        files = {path for path in top if path.endswith(ending) and path not in _BESIDE}
        if files:
            return sorted(_one_of(files, top, ending))
    return []


def _one_of(files: set[str], top: set[str], ending: str) -> set[str]:
    """Of files of one format: the whole model, in one file or in several, not its other variants."""
    stems = ("model", "pytorch_model", "tf_model", "flax_model", "adapter_model")
    for stem in stems:
        if f"{stem}{ending}" in files:
            return {f"{stem}{ending}"}
    for stem in stems:
        shards = {path for path in files if (shard := _SHARD.fullmatch(path)) and shard["stem"] == stem}
        if shards:
            return shards | ({f"{stem}{ending}.index.json"} & top)
    plain = {path for path in files if not path.startswith(("training_args", "optimizer", "scheduler", "rng_state"))}
    return plain or files
