"""What a file is, from its content: its ending is not asked."""

from __future__ import annotations

import io
import pickletools
import struct
from pathlib import Path
from typing import Literal

from nbtrain.core.errors import ModelFileError
from nbtrain.models.importing import archives, protobuf
from nbtrain.models.importing.refusals import refused
from nbtrain.models.importing.regular import opened

#: ``state_dict`` is a pickle, in a torch archive or bare; ``zip`` an archive of none of these.
Kind = Literal["safetensors", "state_dict", "torchscript", "exported", "onnx", "zip", "unknown"]
#: Beginnings of what is known, but not as a model that can be imported.
_OTHERS = (
    (b"\x89HDF\r\n\x1a\n", "it is an HDF5 file, as Keras writes; export it to ONNX, and import that"),
    (b"GGUF", "it is a GGUF file, whose weights are packed for llama.cpp; take the safetensors of the same model"),
    (b"\x93NUMPY", "it is an array of NumPy, not a model; save weights with safetensors.numpy.save_file"),
    *((start, f"it is packed with {packer}; unpack it first") for start, packer in (
        (b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bzip2"), (b"\xfd7zXZ", "xz"),
        (b"7z\xbc\xaf", "7-Zip"), (b"Rar!", "RAR"))),
    (b"<", "it is a web page or XML, perhaps a download that failed; get it again"),
    (b"version https://git-lfs", "it is a pointer of Git LFS, not the file itself; fetch it with git lfs pull"),
)
_LOOKED_AT = 2**16


def kind_of(path: Path, name: str | None = None) -> Kind:
    """What the file at `path` is, which messages call `name`. Raises ModelFileError for what cannot be opened."""
    name = name or path.name
    with opened(path, name) as (file, size):
        head = file.read(_LOOKED_AT)
    if not head:
        raise refused(name, "the file is empty; get it again")
    if head.startswith((b"PK\3\4", b"PK\5\6", b"PK\6\6")):
        return _zip_kind(path, name)
    if _is_safetensors(head, size):
        return "safetensors"
    if _is_pickle(head) or head[257:262] == b"ustar":  # torch once wrote tar archives of pickles
        return "state_dict"
    return "onnx" if _is_onnx(path) else "unknown"


def unknown(path: Path, name: str) -> ModelFileError:
    """What is said of a file that is none of these."""
    with opened(path, name) as (file, _):
        head = file.read(512)
    for start, said in _OTHERS:
        if head.lstrip().startswith(start) or head.startswith(start):
            return refused(name, said)
    if head.lstrip().startswith((b"{", b"[")):
        return refused(name, "it is JSON, not weights; give the folder that it lies in")
    return refused(name, "it is no model that can be imported; there are safetensors, folders of transformers, "
                         "state_dicts, "
                         "TorchScript, torch.export, ONNX, and zip archives of these")


def _zip_kind(path: Path, name: str) -> Kind:
    with archives.archive(path, name, archives.MOST_OF_TORCH) as found:
        members = archives.files(found)
        tops = {member.split("/", 1)[0] for member in members}
        inner = {member.split("/", 1)[1] for member in members if "/" in member} if len(tops) == 1 else set()
        if "archive_format" in inner or "serialized_exported_program.json" in members:
            return "exported"
        if "data.pkl" in inner:
            script = "constants.pkl" in inner or any(member.startswith("code/") for member in inner)
            return "torchscript" if script else "state_dict"
        if all(member.endswith(".npy") for member in members):
            raise refused(name, "it holds arrays of NumPy, not a model; save weights with safetensors.numpy.save_file")
        if "model.weights.h5" in members:
            raise refused(name, "it is a model of Keras; export it to ONNX, and import that")
    return "zip"


def _is_safetensors(head: bytes, size: int) -> bool:
    """Whether it means to be: eight bytes of a length that could be, and a brace. Whether it is, the header tells."""
    if len(head) < 9 or head[8:9] != b"{":
        return False
    return int(struct.unpack_from("<Q", head)[0]) < max(2**40, size)


def _is_pickle(head: bytes) -> bool:
    """Whether it reads as the instructions of a pickle, of any protocol. None of them is carried out."""
    if head[:1] == b"\x80" and head[1:2] in {b"\2", b"\3", b"\4", b"\5"}:
        return True
    number, stream = 0, io.BytesIO(head)
    try:
        for number, (code, _, _) in enumerate(pickletools.genops(stream)):
            if code.name == "STOP":
                return number > 0
    except Exception:  # noqa: BLE001 -
        return number >= 20 and stream.tell() >= len(head) - 2
    return number >= 20


def _is_onnx(path: Path) -> bool:
    """Whether its outermost fields are those of an ONNX model."""
    try:
        with opened(path) as (file, size):
            numbers = {field.number for field in protobuf.fields(file, 0, size)}
    except (protobuf.BadMessageError, ModelFileError):
        return False
    return {1, 7} <= numbers <= {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26}
