"""Folders of images and sounds: every whole file is a row, with its label; nothing else is read."""

from __future__ import annotations

import io
import os
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from PIL import Image

from nbtrain.core.errors import CancelledError, DataError, DataFileError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.importing import media, media_checks
from nbtrain.data.importing.media import is_media_folder, open_media
from nbtrain.data.importing.parquet import facts_of
from nbtrain.data.table import Table

FORMATS = {
    "png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP", "bmp": "BMP", "gif": "GIF", "tif": "TIFF",
    "tiff": "TIFF"}
SOUNDS = {"wav": "WAV", "flac": "FLAC", "ogg": "OGG", "mp3": "MP3"}


def image(ending: str = "png", size: tuple[int, int] = (6, 4)) -> bytes:
    noise = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, FORMATS[ending])
    return buffer.getvalue()


def sound(ending: str = "wav", seconds: float = 0.5, rate: int = 8_000) -> bytes:
    noise = np.random.default_rng(7).uniform(-0.5, 0.5, int(seconds * rate)).astype(np.float32)
    buffer = io.BytesIO()
    soundfile.write(buffer, noise, rate, format=SOUNDS[ending])
    return buffer.getvalue()


def write(folder: Path, **files: bytes | str) -> Path:
    """Files by name, ``__`` for a slash and ``_`` before the ending for a point."""
    for name, data in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def rows(folder: Path, to: Path) -> list[dict[str, Any]]:
    open_media(folder).import_to(to)
    return list(pq.read_table(to / "data.parquet").to_pylist())


def paths(found: list[dict[str, Any]], kind: str = "image") -> list[str]:
    return [row[kind]["path"] for row in found]


def test_a_row_holds_the_file_and_what_its_header_says(tmp_path):
    folder = write(tmp_path / "photos", **{f"a_{ending}": image(ending) for ending in FORMATS})
    found = rows(folder, tmp_path / "to")
    assert paths(found) == sorted(f"a.{ending}" for ending in FORMATS)
    for row in found:
        assert row["image"]["bytes"] == (folder / row["image"]["path"]).read_bytes()
        assert (row["width"], row["height"]) == (6, 4)
        assert row["mode"] in {"RGB", "P"}
    assert facts_of(tmp_path / "to" / "data.parquet")[0] == {"image": Kind.IMAGE}


def test_sounds_have_their_duration_and_rate(tmp_path):
    folder = write(tmp_path / "sounds", **{f"a_{ending}": sound(ending) for ending in SOUNDS})
    found = rows(folder, tmp_path / "to")
    assert paths(found, "audio") == sorted(f"a.{ending}" for ending in SOUNDS)
    for row in found:
        assert row["duration"] == pytest.approx(0.5, abs=0.15)  # MP3 pads
        assert row["sample_rate"] == 8_000
    assert facts_of(tmp_path / "to" / "data.parquet")[0] == {"audio": Kind.AUDIO}


def test_without_soundfile_the_headers_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(media_checks, "_soundfile", lambda: None)
    folder = write(tmp_path / "sounds", a_wav=sound(), b_flac=sound("flac"), c_mp3=sound("mp3"), d_ogg=sound("ogg"))
    found = rows(folder, tmp_path / "to")
    assert [list(row) for row in found] == [["audio"]] * 4
    write(folder, e_wav="text")
    with pytest.raises(DataFileError, match=r"e\.wav.*no sound"):
        rows(folder, tmp_path / "to")


def test_folders_are_classes(tmp_path):
    folder = write(tmp_path / "pets", cat__1_png=image(), cat__2_png=image(), dog__1_png=image())
    assert [row["label"] for row in rows(folder, tmp_path / "to")] == ["cat", "cat", "dog"]


def test_top_folders_may_be_parts_of_a_split(tmp_path):
    folder = write(
        tmp_path / "pets", train__cat__1_png=image(), train__dog__1_png=image(), val__cat__1_png=image())
    found = rows(folder, tmp_path / "to")
    assert [(row["split"], row["label"]) for row in found] == [
        ("train", "cat"), ("train", "dog"), ("validation", "cat")]


def test_one_folder_is_no_class(tmp_path):
    folder = write(tmp_path / "pets", images__1_png=image(), images__2_png=image())
    assert list(rows(folder, tmp_path / "to")[0]) == ["image", "width", "height", "mode"]


@pytest.mark.parametrize(("name", "table"), [
    ("labels_csv", "file_name,label\nb.png,dog\nin/a.png,cat\n"),
    ("metadata_tsv", "file_name\tlabel\nb.png\tdog\nin/a.png\tcat\n"),
    ("metadata_jsonl", '{"file_name": "b.png", "label": "dog"}\n{"file_name": "in/a.png", "label": "cat"}\n'),
    ("labels_csv", "label,photo\ndog,b\ncat,a\n"),
    ("labels_csv", "label,photo\ndog,./b.png\ncat,in/a.png\n"),
])
def test_a_table_of_labels_beside_the_files_is_found(tmp_path, name, table):
    folder = write(tmp_path / "pets", **{"in__a_png": image(), "b_png": image(), name: table})
    found = rows(folder, tmp_path / "to")
    assert [(row["image"]["path"], row["label"]) for row in found] == [("b.png", "dog"), ("in/a.png", "cat")]
    assert not {"file_name", "photo"} & set(found[0])


def test_each_folder_may_have_its_table(tmp_path):
    folder = write(
        tmp_path / "pets", train__a_png=image(), test__a_png=image(),
        train__metadata_csv="file_name,legs\na.png,4\n", test__metadata_csv="file_name,legs\na.png,2\n")
    found = rows(folder, tmp_path / "to")
    assert [(row["image"]["path"], row["legs"]) for row in found] == [("test/a.png", 2), ("train/a.png", 4)]


def test_a_table_may_lie_elsewhere_and_what_does_not_match_is_said(tmp_path):
    folder = write(tmp_path / "pets", **{f"{i}_png": image() for i in range(3)})
    (tmp_path / "labels.csv").write_text("id,label\n0,zero\n2,two\n9,nine\n")
    opened = open_media(folder, labels=tmp_path / "labels.csv")
    opened.import_to(tmp_path / "to")
    assert pq.read_table(tmp_path / "to" / "data.parquet")["label"].to_pylist() == ["zero", None, "two"]
    assert opened.notes == (
        "1 rows of labels.csv name no file that is there.",
        "1 files are in no table of labels, the first of them is 1.png.")


def test_a_name_that_two_files_have_names_neither(tmp_path):
    folder = write(
        tmp_path / "pets", x__a_png=image(), y__a_png=image(), b_png=image(),
        labels_csv="file_name,label\na.png,which\nb.png,this\n")
    found = rows(folder, tmp_path / "to")
    assert [(row["image"]["path"], row["label"]) for row in found] == [
        ("b.png", "this"), ("x/a.png", None), ("y/a.png", None)]


def test_a_table_without_names_of_files_is_refused(tmp_path):
    folder = write(tmp_path / "pets", a_png=image(), labels_csv="x,y\n1,2\n")
    with pytest.raises(DataError, match=r"labels\.csv.*file_name.*'a\.png'"):
        open_media(folder)


BROKEN = {
    "it is empty": b"",
    "no image": b"hello",
    **{f"{ending} that is cut": image(ending, (200, 200))[:-20_000] for ending in FORMATS},
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_image_is_refused_by_name_or_left_out(tmp_path, what):
    ending = what.split()[0] if what.split()[0] in FORMATS else "png"
    folder = write(tmp_path / "photos", **{"a_png": image(), f"broken_{ending}": BROKEN[what], "c_png": image()})
    with pytest.raises(DataFileError, match=rf"broken\.{ending} cannot be used: .*skip") as raised:
        rows(folder, tmp_path / "to")
    assert raised.value.file == str(folder / f"broken.{ending}")
    assert not (tmp_path / "to").exists()
    imported = open_media(folder, on_error="skip").import_to(tmp_path / "to")
    assert (imported.rows, imported.rejected) == (2, 1)
    assert f"broken.{ending}" in (tmp_path / "to" / "rejected.csv").read_text()


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
def test_a_cut_sound_is_noticed(tmp_path, ending):
    whole = sound(ending, 3.0)
    folder = write(tmp_path / "sounds", **{f"a_{ending}": sound(ending), f"cut_{ending}": whole[: len(whole) // 2]})
    with pytest.raises(DataFileError, match=rf"cut\.{ending} cannot be used"):
        rows(folder, tmp_path / "to")


def test_a_recorder_that_never_learnt_its_length_is_read(tmp_path):
    path = tmp_path / "sounds" / "a.wav"
    path.parent.mkdir()
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(b"\0\0" * 800)
    data = bytearray(path.read_bytes())
    data[4:8] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert len(rows(path.parent, tmp_path / "to")) == 1


def test_a_decompression_bomb_is_not_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    folder = write(tmp_path / "photos", a_png=image(size=(2, 2)), bomb_png=image(size=(50, 50)))
    with pytest.raises(DataFileError, match=r"bomb\.png cannot be used: it has too many pixels"):
        rows(folder, tmp_path / "to")


def test_links_out_of_the_folder_and_pipes_are_left_out(tmp_path):
    outside = write(tmp_path / "outside", secret_png=image(), deep__b_png=image())
    folder = write(tmp_path / "photos", a_png=image(), sub__c_png=image())
    (folder / "link.png").symlink_to(outside / "secret.png")
    (folder / "linked").symlink_to(outside / "deep")
    (folder / "loop").symlink_to(folder)
    (folder / "inside.png").symlink_to(folder / "a.png")
    (folder / "gone.png").symlink_to(folder / "nothing.png")
    os.mkfifo(folder / "pipe.png")
    opened = open_media(folder)
    opened.import_to(tmp_path / "to")
    found = pq.read_table(tmp_path / "to" / "data.parquet").to_pylist()
    assert paths(found) == ["a.png", "inside.png", "sub/c.png"]
    assert len(opened.notes) == 1
    assert opened.notes[0].startswith("5 entries lead out of the folder")


def test_a_pipe_with_nobody_at_its_end_holds_nothing_up(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(media_checks.BrokenError, match="no file"):
        media._read(tmp_path / "a.png")


def test_files_are_read_a_few_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(media, "BATCH_BYTES", 1)
    folder = write(tmp_path / "photos", **{f"{i:02}_png": image() for i in range(20)})
    seen: list[tuple[float, float | None, str]] = []
    progress = Progress(lambda each: seen.append((each.done, each.total, each.unit)))
    open_media(folder).import_to(tmp_path / "to", progress=progress)
    assert seen[-1] == (20, 20, "rows")


def test_called_off_it_leaves_nothing(tmp_path):
    progress = Progress(lambda each: each.cancel())
    folder = write(tmp_path / "photos", a_png=image())
    with pytest.raises(CancelledError):
        open_media(folder).import_to(tmp_path / "to", progress=progress)
    assert not (tmp_path / "to" / "data.parquet").exists()


def test_the_majority_decides_and_the_others_are_said(tmp_path):
    folder = write(tmp_path / "mixed", a_png=image(), b_png=image(), c_wav=sound(), d_wav="")
    write(folder, e_png=image())
    opened = open_media(folder)
    assert len(opened.files) == 3
    assert opened.notes == ("2 files in mixed are no image and were left out.",)


def test_what_is_a_folder_of_media(tmp_path):
    assert is_media_folder(write(tmp_path / "photos", cat__a_png=image(), b_png=image(), labels_csv="x"))
    assert not is_media_folder(write(tmp_path / "tables", a_csv="x", b_csv="y", logo_png=image()))
    assert not is_media_folder(tmp_path / "nothing")
    assert not is_media_folder(tmp_path / "photos" / "b.png")
    assert not is_media_folder(7)
    with pytest.raises(DataError, match="no image and no sound"):
        open_media(write(tmp_path / "texts", a_txt="x"))


def test_the_folder_of_a_user_is_found_by_its_sign(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "photos", a_png=image(), b_png=image())
    (tmp_path / "labels.csv").write_text("file_name,label\na.png,cat\nb.png,dog\n")
    assert is_media_folder("~/photos")
    opened = open_media("~/photos", labels="~/labels.csv")
    opened.import_to(tmp_path)
    assert pq.read_table(tmp_path / "data.parquet")["label"].to_pylist() == ["cat", "dog"]
    assert opened.recipe["path"] == str(tmp_path / "photos")


def test_it_can_be_looked_at_without_being_imported(tmp_path):
    folder = write(tmp_path / "pets", cat__1_png=image(), dog__1_png=image())
    opened = open_media(folder)
    table = opened.table()
    assert isinstance(table, Table)
    assert [column.kind for column in table.columns][:2] == [Kind.IMAGE, Kind.TEXT]
    assert table.page(limit=1, columns=["label"]).to_pylist() == [{"__row__": 0, "label": "cat"}]
    (folder / "cat" / "1.png").unlink()  # what was shown is what is imported
    assert opened.import_to(tmp_path / "to").rows == 2
