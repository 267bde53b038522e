"""What lies in a folder, and which of it a model needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from nbtrain.core.errors import ModelFileError
from nbtrain.core.tasks import Progress
from nbtrain.models.importing import header
from nbtrain.models.importing.refusals import NeedsPermission, refused, shown
from nbtrain.models.importing.regular import LARGEST_TEXT, whole
from nbtrain.models.package import FITTED, MANIFEST

#: Entries of a folder that are looked at, and folders in folders.
MOST, DEEPEST = 10_000, 6
#: Beside the weights of `transformers` (and of sentence-transformers, which builds on it), all without code.
_TEXTS = re.compile(
    r"config\.json|generation_config\.json|tokenizer(_config)?\.json|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)|"
    r"merges\.txt|normalizer\.json|(pre)?processor_config\.json|video_preprocessor_config\.json|image_processor_config\.json|"
    r"feature_extractor_config\.json|chat_template\.(jinja|json)|additional_chat_templates/[\w-]+\.jinja|phonemizer\.json|"
    r"modules\.json|sentence_\w+_config\.json|config_sentence_transformers\.json|\d+_\w+/config\.json|model_args\.json|"
    r"README\.md|LICEN[CS]E(\.\w+)?|NOTICE(\.\w+)?|USE_POLICY\.md|emoji\.json|dict\.txt|bpe\.codes|vocab-\w+\.json")
_BINARY = re.compile(r"[\w.-]+\.(model|spm|tiktoken|bpe)")
#: A recipe of steps, and what lies beside it.
RECIPE, _TOKENIZER = "recipe.json", re.compile(r"tokenizer-[\w.-]{1,200}")
#: Endings of what lies beside models.
NO_MODELS = (".json", ".md", ".txt", ".py", ".csv", ".jinja")
#: Endings of weights of other libraries.
_OTHERS = (".h5", ".keras", ".msgpack", ".onnx", ".gguf", ".ggml", ".tflite", ".mlmodel", ".ot", ".pb", ".npz")
#: Beginnings of folders that no user means.
_HIDDEN = (".", "__MACOSX", "__pycache__")
#: How attention may be computed without code from elsewhere.
_ATTENTION = re.compile(r"[a-z0-9_|]{1,60}")
#: Layers of the deepest model that is built to be compared; in use are some hundreds.
_LAYERS = 5_000


def listing(folder: Path, name: str, progress: Progress | None = None) -> dict[str, Path]:
    """The regular files of a folder and of those in it, by path with slashes.

    Links are followed inside the folder, and from a snapshot of the Hub's cache to its blobs. Raises ModelFileError.
    """
    around = (folder.resolve(), folder.resolve().parent.parent / "blobs")
    found: dict[str, Path] = {}
    waiting = [PurePosixPath()]
    seen = 0
    while waiting:
        here = waiting.pop()
        if progress is not None:
            progress.check()
        try:
            entries = sorted((folder / here).iterdir())
        except OSError as error:
            raise refused(name, f"the folder cannot be read ({error.strerror})") from error
        for path in entries:
            seen += 1
            if seen > MOST:
                raise refused(name, f"there are more than {MOST:,} files in it; give the folder of the model alone")
            if path.name.startswith(_HIDDEN):
                continue
            if path.is_symlink() and not any(path.resolve().is_relative_to(place) for place in around):
                continue
            if path.is_file():
                found[str(here / path.name)] = path
            elif path.is_dir() and not path.is_symlink() and len(here.parts) < DEEPEST:
                waiting.append(here / path.name)
    return found


def beside(path: Path) -> dict[str, Path]:
    """What nbtrain wrote beside a single file: ``net.nbtrain.json``; ``nbtrain.json`` where there is no other model."""
    found = {name: path.with_name(f"{path.stem}.{name}") for name in (MANIFEST, RECIPE, FITTED)}
    if not any(each.is_file() for each in found.values()):
        try:
            alone = all(each == path or each.name.startswith((path.name, *_HIDDEN)) or _is_beside(each.name)
                        for each in path.parent.iterdir() if each.is_file())
        except OSError:  # who may not look into the folder may still read the file
            return {}
        found = {each.name: each for each in path.parent.iterdir() if _is_beside(each.name)} if alone else {}
    return {name: each for name, each in found.items() if each.is_file() and not each.is_symlink()}


def recipe_of(files: Mapping[str, Path]) -> dict[str, Path]:
    """How rows become inputs of a model: the recipe of steps with its tokenizers, and what the run's recipe learnt.

    Raises ModelFileError where one is not what it should be.
    """
    from nbtrain.models.fitted import Fitted  # noqa: PLC0415 - it reads with what is here

    found = {}
    if RECIPE in files:
        header.json_object(whole(files[RECIPE], 16 * 2**20, RECIPE), RECIPE)
        found = {name: path for name, path in files.items() if name == RECIPE or _TOKENIZER.fullmatch(name)}
    if FITTED in files:
        Fitted.read(files[FITTED])
        found[FITTED] = files[FITTED]
    return found


def _is_beside(name: str) -> bool:
    return name in {MANIFEST, RECIPE, FITTED} or _TOKENIZER.fullmatch(name) is not None or name.endswith(NO_MODELS)


def unwrapped(folder: Path) -> Path:
    """The folder that all lies in, where a folder has nothing but one folder, as archives often do."""
    for _ in range(DEEPEST):
        inner = [path for path in folder.iterdir() if not path.name.startswith(_HIDDEN)]
        if len(inner) != 1 or not inner[0].is_dir() or inner[0].is_symlink():
            break
        folder = inner[0]
    return folder


def config_of(files: Mapping[str, Path], name: str) -> dict[str, Any] | None:
    """`config.json` when it is one of transformers, checked for what would reach outside; None when it is not.

    Raises:
        ModelFileError: it cannot be read, or describes what no model is.
    """
    if "config.json" not in files:
        return None
    config = header.json_object(whole(files["config.json"], 16 * 2**20, name), name)
    if not any(isinstance(config.get(key), kind) for key, kind in (
            ("model_type", str), ("architectures", list), ("auto_map", dict))):
        return None
    _check_config(config, name, 0)
    return config


def without_weights(files: Mapping[str, Path]) -> ModelFileError:
    """What is said of a folder of transformers that has none of the weights that are read here."""
    others = sorted(name for name in files if name.endswith(_OTHERS))
    if others:
        return refused(
            others[0], "weights of this kind are not supported beside a config.json; there are safetensors, and "
                       "pytorch_model.bin converted to it: load the model with its own library, and save it anew with "
                       "save_pretrained" + (", or import the .onnx file alone" if others[0].endswith(".onnx") else ""))
    return refused("config.json", "there are no weights beside it: no model.safetensors, no pytorch_model.bin and no "
                                  "index of several; fetch them too")


def check_code(files: Mapping[str, Path], *, allowed: bool) -> bool:
    """Whether the model brings Python code that is needed to load it, or its tokenizer.

    Raises:
        NeedsPermission: it does, and that is not allowed.
        ModelFileError: a file of its is no JSON, or it wants code of another repository.
    """
    wanted: dict[str, str] = {}
    for file in ("config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json"):
        if file in files:
            told = header.json_object(whole(files[file], LARGEST_TEXT, file), file).get("auto_map")
            if told:
                wanted[file] = str(told)
    if not wanted:
        return False
    file, told = next(iter(wanted.items()))
    if not allowed:
        raise NeedsPermission(
            f"{file} wants Python code of the model's own ({shown(told)}), which could do anything; read it, and "
            "allow it with "
            "trust_remote_code=True if you trust where it comes from.", question="remote_code", file=file)
    for file, told in wanted.items():
        if "--" in told:
            raise refused(file, f"it wants code of another repository ({shown(told)}), which is not here; put the "
                                "code into "
                                "the folder")
    return True


def of_transformers(files: Mapping[str, Path], *, code: bool) -> dict[str, Path]:
    """The files beside the weights that go with the model; JSON of them must be readable. Raises ModelFileError."""
    taken = {}
    for name, path in files.items():
        if _TEXTS.fullmatch(name) or (code and name.endswith(".py")):
            text = whole(path, LARGEST_TEXT, name)
            if name.endswith(".json") and name != "modules.json" and len(text) <= 16 * 2**20:
                header.json_object(text, name)
            taken[name] = path
        elif _BINARY.fullmatch(name):
            taken[name] = path
    return taken | recipe_of(files)


def _check_config(config: Mapping[str, Any], name: str, depth: int) -> None:
    """No kernels from the Hub, no adapters, no endless numbers of layers."""
    for key, value in config.items():
        if key.strip("_").startswith(("attn_implementation", "experts_implementation")):
            for choice in (value.values() if isinstance(value, dict) else [value]):
                if choice is not None and not (isinstance(choice, str) and _ATTENTION.fullmatch(choice)):
                    raise refused(name, f"{key} is {shown(choice)!r}, which would be fetched and run; take that line "
                                        "out")
        elif type(value) is int and ("layer" in key or "block" in key or "depth" in key) and value > _LAYERS \
                and not key.endswith(("_dim", "_size")):
            raise refused(name, f"{shown(key)} is {value:,}; models of at most {_LAYERS:,} are taken")
        if isinstance(value, dict) and depth < DEEPEST:
            _check_config(value, name, depth + 1)
