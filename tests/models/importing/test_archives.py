"""Zip archives: taken out member by member, and refused whole for one member that is not plain."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile

import numpy as np
import pytest

from nbtrain.core.errors import ModelFileError
from nbtrain.models.importing import archives, open_model
from nbtrain.models.package import WEIGHTS
from tests.models.importing import samples


def refusal(path, **options) -> str:
    with pytest.raises(ModelFileError) as caught, open_model(path, **options):
        pass
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


@pytest.fixture
def sound(tmp_path) -> bytes:
    return samples.safetensors(tmp_path / "sound.safetensors").read_bytes()


@pytest.mark.parametrize("inside", ["model.safetensors", "net/model.safetensors", "a/b/weights.bin"])
def test_a_model_in_an_archive(tmp_path, sound, workspace, inside):
    path = samples.zipped(tmp_path / "net.zip", {inside: sound, "__MACOSX/._x": b"x", "train.py": b"print(1)"}
                          if "/" not in inside else {inside: sound})
    with open_model(path) as package:
        assert package.files[WEIGHTS].read_bytes() == sound
        assert package.files[WEIGHTS].is_relative_to(workspace)
    assert os.listdir(workspace / "imports") == []


@pytest.mark.parametrize(("name", "said"), [
    ("../model.safetensors", "leads out of its folder"), ("a/../../model.safetensors", "leads out of its folder"),
    ("/net/model.safetensors", "absolute path"), ("C:/model.safetensors", "absolute path"),
    ("C:model.safetensors", "absolute path"), ("a\\..\\..\\b", "backslash"), ("\\\\server\\share", "absolute path"),
    ("con.safetensors", "Windows reserves"), ("a/LPT1", "Windows reserves"), ("aux", "Windows reserves"),
    ("a./b", "Windows reserves"), ("a/./b", "not plain"), ("a//b", "not plain"), ("ab:c", "backslash or colon"),
    ("a\u202eb", "nobody sees"), ("a\nb", "nobody sees"), ("x" * 300, "too long"), ("a/" * 30 + "b", "not plain"),
])
def test_names_that_lead_elsewhere(tmp_path, sound, name, said):
    path = samples.zipped(tmp_path / "net.zip", {"model.safetensors": sound, name: sound})
    assert said in refusal(path)
    assert sorted(each.name for each in tmp_path.iterdir() if each.name != "workspace") == [
        "net.zip", "sound.safetensors"]


@pytest.mark.parametrize(("kind", "said"), [(stat.S_IFLNK, "is a link"), (stat.S_IFIFO, "special file")])
def test_links_and_special_files(tmp_path, sound, kind, said):
    path = tmp_path / "net.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.safetensors", sound)
        link = zipfile.ZipInfo("config.json")
        link.external_attr = (kind | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert said in refusal(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("a", "A"), ("\u00e9", "e\u0301"), ("a", "a/b")])
def test_two_members_of_one_name(tmp_path, sound, names):
    path = tmp_path / "net.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, sound)
    said = refusal(path)
    assert "twice" in said or "file and a folder" in said


def test_a_bomb(tmp_path):
    path = samples.zipped(tmp_path / "net.zip", {"model.safetensors": b"\0" * 300_000_000})
    assert path.stat().st_size < 400_000
    assert "unpacks from" in refusal(path)


def test_many_small_bombs(tmp_path):
    path = samples.zipped(tmp_path / "net.zip", {f"{n}.bin": b"\0" * 900_000 for n in range(60)})
    assert "made to fill a disk" in refusal(path)


def test_members_that_share_their_bytes(tmp_path, sound):
    """As the densest bombs are made: a list of members that all point to one."""
    path = samples.zipped(tmp_path / "net.zip", {"a": sound, "b": sound})
    raw = bytearray(path.read_bytes())
    second = raw.rfind(b"PK\1\2")
    struct.pack_into("<I", raw, second + 42, 0)
    path.write_bytes(raw)
    assert "over another member" in refusal(path)


def test_an_archive_in_an_archive_is_not_opened(tmp_path):
    inner = samples.zipped(tmp_path / "inner.zip", {"model.safetensors": b"\0" * 100_000}).read_bytes()
    path = samples.zipped(tmp_path / "net.zip", {"inner.zip": inner})
    assert "archive in an archive" in refusal(path)


def test_too_many_members(tmp_path):
    path = samples.zipped(tmp_path / "net.zip", {f"{n}.txt": b"" for n in range(archives.MOST + 1)})
    assert "10,001 members" in refusal(path)


def test_a_wrong_checksum(tmp_path, sound):
    path = tmp_path / "net.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.safetensors", sound)
    raw = bytearray(path.read_bytes())
    raw[60] ^= 1
    path.write_bytes(raw)
    assert "damaged" in refusal(path)


def test_an_archive_that_lies_about_a_size(tmp_path, sound):
    path = tmp_path / "net.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.safetensors", sound + b"\0" * 5_000)
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, raw.rfind(b"PK\1\2") + 24, len(sound))
    path.write_bytes(raw)
    refusal(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_archives_that_are_cut_short(tmp_path, sound, share):
    path = samples.zipped(tmp_path / "net.zip", {"a/model.safetensors": sound, "a/b.txt": b"x" * 100})
    raw = path.read_bytes()
    path.write_bytes(raw[:int(len(raw) * share)])
    assert "cut short" in refusal(path)


def test_something_before_or_behind_an_archive(tmp_path, sound):
    path = samples.zipped(tmp_path / "net.zip", {"model.safetensors": sound})
    raw = path.read_bytes()
    path.write_bytes(raw + b"more")
    assert "follows the end" in refusal(path)
    first = io.BytesIO(raw)
    path.write_bytes(first.getvalue()[:4] + first.getvalue())
    refusal(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing(tmp_path, sound, method):
    path = tmp_path / "net.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("model.safetensors", sound)
    assert "only stored and deflated" in refusal(path)


def test_an_encrypted_member(tmp_path, sound):
    path = samples.zipped(tmp_path / "net.zip", {"model.safetensors": sound})
    raw = bytearray(path.read_bytes())
    raw[raw.rfind(b"PK\1\2") + 8] |= 1
    path.write_bytes(raw)
    assert "encrypted" in refusal(path)


def test_an_archive_without_files_and_one_without_a_model(tmp_path):
    assert "empty" in refusal(samples.zipped(tmp_path / "a.zip", {}))
    assert "no model in it" in refusal(samples.zipped(tmp_path / "b.zip", {"README.md": b"hello"}))


def test_two_models_in_one_archive(tmp_path, sound):
    path = samples.zipped(tmp_path / "net.zip", {"a.safetensors": sound, "b.safetensors": sound})
    assert "there are 2 safetensors files" in refusal(path)


def test_a_large_archive_is_unpacked_piece_by_piece(tmp_path):
    sound = samples.safetensors(tmp_path / "a", {"w": np.random.default_rng(0).random(3_000_000).astype(np.float32)})
    path = samples.zipped(tmp_path / "net.zip", {"model.safetensors": sound.read_bytes()})
    with open_model(path) as package:
        assert package.about.parameters == 3_000_000
