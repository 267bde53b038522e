"""Safetensors: what is wrong with a header or a value is said in one sentence, and a sound file comes in."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from nbtrain.core.errors import CancelledError, ModelFileError
from nbtrain.core.tasks import Progress
from nbtrain.models.importing import header, open_model
from nbtrain.models.package import WEIGHTS
from nbtrain.store.lock import FolderLock
from tests.models.importing import samples


def refusal(path, **options) -> str:
    with pytest.raises(ModelFileError) as caught, open_model(path, **options):
        pass
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_a_sound_file_comes_in(tmp_path, workspace):
    path = samples.safetensors(tmp_path / "a.bin")
    with open_model(path) as package:
        assert package.about.format == "module"
        assert package.about.parameters == 15
        assert package.about.precision == "float32"
        assert package.files[WEIGHTS].read_bytes() == path.read_bytes()
    assert os.listdir(workspace / "imports") == []


@pytest.mark.parametrize(("told", "said"), [
    ({"a": entry(offsets=(4, 12))}, "leave a gap"),
    ({"a": entry(), "b": entry(offsets=(4, 12))}, "overlap"),
    ({"a": entry(), "b": entry(offsets=(0, 8))}, "overlap"),
    ({"a": entry(shape=(3,))}, "needs 12 bytes"),
    ({"a": entry(dtype="F31")}, "type 'F31'"),
    ({"a": entry(dtype=["F32"])}, "is not known"),
    ({"a": entry(shape=(-2, -1))}, "whole numbers"),
    ({"a": entry(shape=(2.0,))}, "whole numbers"),
    ({"a": entry(shape=(True, 2))}, "whole numbers"),
    ({"a": entry(shape=(2**62, 4, 0), offsets=(0, 0))}, "whole numbers"),
    ({"a": entry(offsets=(8, 0))}, "its offsets give it -8"),
    ({"a": entry(offsets=(0, 8, 9))}, "two whole numbers"),
    ({"a": {"dtype": "F32", "shape": [2]}}, "not described"),
    ({"a": entry() | {"code": "x"}}, "not described"),
    ({"a": "F32"}, "not described"),
    ({"a\nb": entry()}, "characters nobody sees"),
    ({"x" * 2_000: entry()}, "too long"),
    ({"__metadata__": {"a": 1}, "a": entry()}, "texts alone"),
    ({"__metadata__": {}}, "no tensor"),
    ({"a": entry(offsets=(0, 16), shape=(4,))}, "cut short"),
    ({"a": entry(offsets=(0, 4), shape=(1,))}, "after its last tensor"),
])
def test_headers_that_lie(tmp_path, told, said):
    assert said in refusal(samples.raw(tmp_path / "a.safetensors", json.dumps(told).encode(), b"\0" * 8))


@pytest.mark.parametrize(("text", "said"), [
    (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
     "twice"),
    (b'{"a":{"dtype":"F32","shape":[2],"dtype":"F16","data_offsets":[0,8]}}', "twice"),
    (b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "nested too deeply"),
    (b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}', "NaN is no JSON"),
    (b'{"a":{"dtype":"F32","shape":[' + b"9" * 6_000 + b'],"data_offsets":[0,8]}}', "cannot be read"),
    (b'{"\xff":1}', "not UTF-8"),
    (b'{"a"', "cannot be read"),
    (b'{"\\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', "characters nobody sees"),
])
def test_headers_that_are_no_json(tmp_path, text, said):
    assert said in refusal(samples.raw(tmp_path / "a.safetensors", text, b"\0" * 8))


def test_a_header_of_a_hundred_megabytes_is_not_read(tmp_path):
    path = tmp_path / "a.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 100_000_000) + b'{"a":')
        file.truncate(120_000_000)
    assert "100,000,000" in refusal(path)


@pytest.mark.parametrize("length", [0, 1, 2**63, 2**64 - 1])
def test_lengths_of_headers_that_cannot_be(tmp_path, length):
    refusal(samples.raw(tmp_path / "a.safetensors", b'{"a":1}', b"\0" * 8, length))


@pytest.mark.parametrize("kept", [0, 5, 8, 40, -1])
def test_files_that_are_cut_short(tmp_path, kept):
    path = samples.safetensors(tmp_path / "a.safetensors")
    path.write_bytes(path.read_bytes()[:kept])
    refusal(path)


@pytest.mark.parametrize("array", [
    np.array([1, np.nan, 2], np.float32), np.array([1, -np.inf, 2], np.float64), np.array([np.inf, 0, 1], np.float16),
    np.array([0, 0x7F80, 0], np.uint16), np.array([0, 0xFFC1, 0], np.uint16), np.array([0, 0x7C, 0], np.uint8),
], ids=["F32", "F64", "F16", "BF16 infinite", "BF16 NaN", "F8"])
def test_weights_that_are_no_numbers_are_named(tmp_path, array):
    said = refusal(samples.safetensors(tmp_path / "a.safetensors", {"good": np.ones(2, np.float32), "net.bad": array}))
    assert "1 of the 3 values of the tensor 'net.bad' are NaN or infinite" in said


def test_a_value_far_into_a_large_tensor(tmp_path):
    array = np.zeros(5_000_000, np.float32)
    array[-1] = np.nan
    assert "'a'" in refusal(samples.safetensors(tmp_path / "a.safetensors", {"a": array}))


def test_largest_values_that_are_numbers_pass(tmp_path):
    arrays = {"a": np.array([0x7F7F, 0xFF7F], np.uint16), "b": np.array([np.finfo(np.float16).max], np.float16)}
    with open_model(samples.safetensors(tmp_path / "a.safetensors", arrays)) as package:
        assert package.about.precision == "bfloat16"


def test_weights_are_compared_with_the_module_they_are_for(tmp_path):
    path = samples.safetensors(tmp_path / "a.safetensors")
    said = refusal(path, module=torch.nn.Linear(4, 3))
    assert "do not fit Linear" in said
    assert "missing: weight, bias" in said

    class Net(torch.nn.Module):
        def __init__(self, outputs):
            super().__init__()
            self.fc = torch.nn.Linear(4, outputs)

    assert "fc.weight [3, 4] instead of [5, 4]" in refusal(path, module=Net(5))
    with open_model(path, module=Net(3)) as package:
        assert package.about.architecture == "Net"


def test_several_files_become_one(tmp_path):
    folder = tmp_path / "net"
    folder.mkdir()
    samples.safetensors(folder / "model-1.safetensors", {"a": np.arange(3, dtype=np.float16)})
    samples.safetensors(folder / "model-2.safetensors", {"b": np.arange(4, dtype=np.float32)})
    assert "no index" in refusal(folder)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}))
    (folder / "train.py").write_text("print(1)")
    with open_model(folder) as package:
        head = header.read(package.files[WEIGHTS])
        assert {name: found.shape for name, found in head.tensors.items()} == {"a": (3,), "b": (4,)}
        assert load_file(package.files[WEIGHTS])["b"].tolist() == [0, 1, 2, 3]
        assert package.notes == ("1 files were left out: train.py.",)
    index.write_text(json.dumps({"weight_map": {"a": "model-2.safetensors", "b": "model-2.safetensors"}}))
    refusal(folder)
    index.write_text(json.dumps({"weight_map": {"a": "../model-1.safetensors"}}))
    assert "not beside it" in refusal(folder)
    index.write_text(json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-3.safetensors"}}))
    assert "fetch it too" in refusal(folder)


def test_a_tensor_in_two_files(tmp_path):
    for name in ("model-1", "model-2"):
        samples.safetensors(tmp_path / f"{name}.safetensors", {"a": np.zeros(2, np.float32)})
    (tmp_path / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}))
    assert "too" in refusal(tmp_path)


def test_memory_does_not_depend_on_the_size_of_the_weights(tmp_path):
    path = tmp_path / "a.safetensors"
    size = 400_000_000
    text = json.dumps({"a": entry(shape=(size // 4,), offsets=(0, size))}).encode()
    samples.raw(path, text, b"")
    with path.open("r+b") as file:
        file.truncate(8 + len(text) + size)
    with open_model(samples.safetensors(tmp_path / "first")):  # what is imported with the first is not counted
        pass
    tracemalloc.start()
    try:
        with open_model(path) as package:
            assert package.about.parameters == size // 4
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


def test_it_can_be_called_off(tmp_path, workspace):
    path = samples.safetensors(tmp_path / "a.safetensors", {"a": np.zeros(9_000_000, np.float32)})
    progress = Progress(lambda told: told.cancel())
    with pytest.raises(CancelledError), open_model(path, progress=progress):
        pass
    assert os.listdir(workspace / "imports") == []


def test_what_killed_imports_left_is_removed_by_a_later_one(tmp_path, workspace):
    place = workspace / "imports"
    place.mkdir(parents=True)
    for name in ("old", "held", "new"):
        (place / name).mkdir()
        (place / name / "model.safetensors").write_bytes(b"x")
    with FolderLock(place / "held", "{folder}{where}"):
        for name in ("old", "held"):
            os.utime(place / name, (1, 1))
        with open_model(samples.safetensors(tmp_path / "a.safetensors")):
            assert len(os.listdir(place)) == 3
        assert sorted(os.listdir(place)) == ["held", "new"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
def test_a_pipe_does_not_hold_it_up(tmp_path):
    os.mkfifo(tmp_path / "a.safetensors")
    assert "no regular file" in refusal(tmp_path / "a.safetensors")


def test_what_is_not_there(tmp_path):
    assert "no such file" in refusal(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize(("content", "said"), [
    (b"\x89HDF\r\n\x1a\n" + b"\0" * 50, "HDF5"), (b"GGUF" + b"\0" * 50, "GGUF"), (b"\x93NUMPY\x01\0", "NumPy"),
    (b"<!DOCTYPE html><p>Not found", "web page"), (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    (b'{"model_type": "bert"}', "folder"), (b"hello world", "no model that can be imported"),
    (b"\x1f\x8b\x08\0", "gzip"),
    (b"", "empty"),
])
def test_files_of_other_kinds_are_called_by_their_name(tmp_path, content, said):
    (tmp_path / "model.safetensors").write_bytes(content)
    assert said in refusal(tmp_path / "model.safetensors")
