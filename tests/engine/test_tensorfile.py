from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from nbtrain.core.errors import CheckpointError, WorkspaceError
from nbtrain.engine import tensorfile

DTYPES = sorted(tensorfile._NAMES, key=str)


def samples() -> dict[str, Tensor]:
    """A tensor of every type and of every shape that is easy to get wrong."""
    torch.manual_seed(0)
    found = {str(dtype): (torch.rand(3, 5) * 9).to(dtype) for dtype in DTYPES}
    return found | {
        "scalar": torch.tensor(3.5), "empty": torch.empty(0, 4), "transposed": torch.rand(4, 6).T,
        "slice": torch.rand(10, 10)[2:5, ::3], "expanded": torch.tensor([1.0]).expand(7), "نام": torch.tensor([True]),
        "needs grad": torch.rand(3, requires_grad=True), "special": torch.tensor([torch.nan, torch.inf, -0.0, 1e-45]),
    }


def bits(tensor: Tensor) -> tuple[torch.dtype, torch.Size, bytes]:
    return tensor.dtype, tensor.shape, tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def test_every_type_comes_back_to_the_same_bits(tmp_path: Path) -> None:
    tensors = samples()
    written = tensorfile.write(tmp_path / "a.safetensors", tensors)
    back = tensorfile.read(tmp_path / "a.safetensors", *written)
    assert {name: bits(tensor) for name, tensor in back.items()} == {name: bits(t) for name, t in tensors.items()}
    content = (tmp_path / "a.safetensors").read_bytes()
    assert written == (len(content), sha256(content).hexdigest())


def test_the_file_is_one_that_safetensors_itself_reads_and_writes(tmp_path: Path) -> None:
    tensors = {name: tensor.detach().contiguous() for name, tensor in samples().items()}
    tensorfile.write(tmp_path / "ours.safetensors", tensors)
    theirs = safetensors.torch.load_file(tmp_path / "ours.safetensors")
    assert {name: bits(tensor) for name, tensor in theirs.items()} == {name: bits(t) for name, t in tensors.items()}
    safetensors.torch.save_file({name: t.clone() for name, t in tensors.items()}, tmp_path / "theirs.safetensors")
    content = (tmp_path / "theirs.safetensors").read_bytes()
    back = tensorfile.read(tmp_path / "theirs.safetensors", len(content), sha256(content).hexdigest())
    assert {name: bits(tensor) for name, tensor in back.items()} == {name: bits(t) for name, t in tensors.items()}


def test_no_tensors_at_all(tmp_path: Path) -> None:
    written = tensorfile.write(tmp_path / "a.safetensors", {})
    assert tensorfile.read(tmp_path / "a.safetensors", *written) == {}


def test_what_was_loaded_does_not_depend_on_the_file_any_more(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    written = tensorfile.write(path, {"a": torch.arange(1000)})
    back = tensorfile.read(path, *written)
    path.write_bytes(bytes(written[0]))
    assert torch.equal(back["a"], torch.arange(1000))


def test_a_tensor_that_has_no_place_in_the_format_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"^w of the model cannot be saved: it is a torch.sparse_coo tensor"):
        tensorfile.write(tmp_path / "model.safetensors", {"w": torch.eye(3).to_sparse()})
    with pytest.raises(CheckpointError, match=r"torch\.complex128; make it a dense tensor of a common type"):
        tensorfile.write(tmp_path / "other.safetensors", {"w": torch.zeros(2, dtype=torch.complex128)})


def test_a_file_that_is_not_what_it_was_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    size, digest = tensorfile.write(path, {"a": torch.arange(5)})
    with pytest.raises(CheckpointError, match=re.escape(f"a.safetensors has {size} bytes instead of {size + 1}")):
        tensorfile.read(path, size + 1, digest)
    with pytest.raises(CheckpointError, match="was altered"):
        tensorfile.read(path, size, "0" * 64)
    with pytest.raises(WorkspaceError, match="is not there"):
        tensorfile.read(tmp_path / "gone.safetensors", size, digest)
    path.write_bytes(b"no tensors here")
    with pytest.raises(CheckpointError, match="is not a safetensors file"):
        tensorfile.read(path, 15, sha256(b"no tensors here").hexdigest())
