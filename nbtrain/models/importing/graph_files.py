"""TorchScript and torch.export archives, looked through before torch opens them.

There must be no compiled code, no hidden pickle, no reach into the file system, and nothing that torch would evaluate
as Python but formulas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nbtrain.models.importing import archives, expressions, header, operators
from nbtrain.models.importing.refusals import refused, shown

#: Bytes of the largest graph as JSON, and of the largest piece of TorchScript.
_GRAPH, _CODE = 256 * 2**20, 64 * 2**20
#: Members of an archive of torch.export; all else (compiled libraries, above all) is refused.
_EXPORTED = re.compile(
    r"archive_format|archive_version|byteorder|version|\.data/(version|serialization_id)|\.format_version|\.storage_alignment|"
    r"models/model\.json|data/sample_inputs/model\.pt|data/(weights|constants)/model_(weights|constants)_config\.json|"
    r"data/weights/weight_\d+|data/constants/(tensor|constant)_\d+|extra/[\w.-]+")
_NAME, _PATH, _KEY = (re.compile(pattern, re.ASCII) for pattern in (r"\w{0,500}", r"[\w.]{0,500}", r"[\w. -]{0,500}"))
_SPEC = re.compile(r"""[\w\s.,:\[\]{}"\\-]*""", re.ASCII)
#: What nodes may compute beside operators: arithmetic on sizes. Not all of `operator`: some of it calls.
_ARITHMETIC = re.compile(
    r"_operator\.(eq|ne|le|ge|lt|gt|neg|pos|abs|not_|and_|or_|xor|invert|add|sub|mul|floordiv|truediv|mod|pow|lshift|rshift|"
    r"getitem)|math\.[a-z0-9]+|torch\._?sym_\w+", re.ASCII)
#: Operators with their overloads, without which anything that can be called would do.
_OPERATOR = re.compile(r"torch\.ops\.(?:(\w+)\.(\w+)\.(?!__)\w+|(higher_order)\.(\w+))", re.ASCII)
#: Of TorchScript that runs while it is loaded, before its graphs can be looked at: words it must not have at all.
_AT_ONCE = re.compile(rb"\b(from_file|save|load\w*|rpc_\w+|getattr)\b", re.ASCII)


def check_torchscript(path: Path, name: str) -> None:
    """Raises ModelFileError for a TorchScript archive that is damaged, or whose loading could reach beyond computing.

    What it computes is looked at by the process that loads it, graph by graph.
    """
    with archives.archive(path, name, archives.MOST_OF_TORCH) as found:
        codes = [archives.read(found, info, _CODE, name) for member, info in archives.files(found).items()
                 if member.endswith(".py")]
    if any(b"__setstate__" in code for code in codes):
        for code in codes:
            if (reach := _AT_ONCE.search(code)) is not None:
                raise refused(name, f"its TorchScript runs while it is loaded, and has the word {reach[1].decode()!r}, "
                                    "which may reach for files, other machines or libraries; a model need not")


def check_exported(path: Path, name: str) -> list[str]:
    """The members that are pickles and must be read as weights alone first.

    Raises:
        ModelFileError: the archive is damaged, of an old format, or would run more than the graph it should be.
    """
    with archives.archive(path, name, archives.MOST_OF_TORCH) as found:
        members = archives.files(found)
        if "serialized_exported_program.json" in members:
            raise refused(name, "it was saved by torch.export of torch 2.7 or earlier, which kept pickles; load it "
                                "there, and "
                                "save it with a newer torch")
        top = next(iter(members)).split("/", 1)[0] + "/"
        inner = {member.removeprefix(top): info for member, info in members.items()}
        for member in inner:
            if not _EXPORTED.fullmatch(member):
                raise refused(name, f"{shown(member)!r} in it is no part of an exported graph (it may be compiled "
                                    "code); export "
                                    "the model anew with torch.export.save")
        if "models/model.json" not in inner:
            raise refused(name, "there is no graph called model in it; save one program with torch.export.save")
        for member, info in inner.items():
            if member.endswith("_config.json"):
                _check_payload(header.json_object(archives.read(found, info, _GRAPH, name), f"{name} ({member})"), name)
        graph = archives.read(found, inner["models/model.json"], _GRAPH, name)
        _check_graph(header.json_object(graph, f"{name} (graph)"), name)
        return [top + member for member in inner if member.startswith("data/sample_inputs/")]


def _check_payload(config: Mapping[str, Any], name: str) -> None:
    """The list of weights, or of constants: raw tensors all of them."""
    entries = config.get("config")
    if not isinstance(entries, dict):
        raise refused(name, "the archive is damaged: a list of weights is missing; get it again")
    for key, entry in entries.items():
        if not isinstance(entry, dict) or entry.get("use_pickle") is not False or not isinstance(
                entry.get("tensor_meta"), dict):
            raise refused(name, f"{shown(key)!r} in it is kept as a pickle, which can run code; export the model from "
                                "plain "
                                "tensors")
        if not isinstance(entry.get("path_name"), str) or not _PATH.fullmatch(entry["path_name"]):
            raise refused(name, f"{shown(key)!r} in it lies in a file of an unusual name")


def _check_graph(graph: Mapping[str, Any], name: str) -> None:
    """Whatever torch makes code of must be a plain name, a known operator, or a formula."""
    for key, value in _texts(graph, ""):
        if key == "(key)":
            right = _KEY.fullmatch(value) is not None
        elif key in {"expr_str", "guards_code"}:
            right = expressions.is_plain(value)
        elif key in {"target", "as_operator"}:
            right = computes(value)
        elif key in {"in_spec", "out_spec"}:
            right = _SPEC.fullmatch(value) is not None
        elif key in {"name", "forward_arg_names"}:
            right = _NAME.fullmatch(value) is not None
        elif key == "fqn" or key.endswith("_name"):
            right = _PATH.fullmatch(value) is not None
        else:
            right = key not in {"class_fqn", "as_custom_obj"}
        if not right:
            raise refused(name, f"its graph has {shown(value)!r} as {shown(key)}, which torch would run as code or "
                                "cannot be "
                                "checked; export the model anew")


def computes(target: str) -> bool:
    """Whether what a node names as its target only computes."""
    if _ARITHMETIC.fullmatch(target):
        return True
    operator = _OPERATOR.fullmatch(target)
    return operator is not None and operators.computes(operator[1] or operator[3], operator[2] or operator[4])


def _texts(found: Any, key: str) -> Iterator[tuple[str, str]]:
    """All texts, with the key they stand at (those of a list at its key), and the keys themselves at ``(key)``."""
    waiting = [(key, found)]
    while waiting:
        key, here = waiting.pop()
        if isinstance(here, str):
            yield key, here
        elif isinstance(here, dict):
            for inner, value in here.items():
                yield "(key)", inner
                waiting.append((inner, value))
        elif isinstance(here, list):
            waiting += [(key, value) for value in here]
