"""Datasets of the Hub, by its real client, against a server on this machine."""

from __future__ import annotations

import io
import json
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nbtrain.core.errors import CancelledError, DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.importing.hub import open_hub
from nbtrain.data.importing.hub_files import is_hub_name
from nbtrain.data.reading.opening import ReadOptions
from nbtrain.hub import fetching, telling
from nbtrain.hub.client import Client
from nbtrain.hub.local import LocalHub, Repository
from tests.data.importing.test_media import image

TOKEN = "hf_canaryCanaryCanaryCanary"  # noqa: S105 - looked for where it must not be
#: What keeps a connection from being opened: nobody listens there.
NOWHERE = "http://127.0.0.1:9"


def parquet(rows: list[dict[str, Any]], metadata: dict[str, Any] | None = None) -> bytes:
    table = pa.Table.from_pylist(rows)
    if metadata:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": metadata}})})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="none")
    return buffer.getvalue()


class Datasets(LocalHub):
    """What is added are datasets."""

    def add(self, name: str, content: Mapping[str, bytes] | None = None, **facts: Any) -> Repository:
        return super().add(name, content, kind="dataset", **facts)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """An empty Hub, and a cache of the client's for this test alone."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(telling, "FIRST_PAUSE", 0.0)  # before it asks again
    with Datasets() as server, server.used(tmp_path / "cache"):
        yield server


def imported(to: Path, given: str = "owner/name", **options: Any) -> list[dict[str, Any]]:
    open_hub(given, **options).import_to(to)
    return list(pq.read_table(to / "data.parquet").to_pylist())


def test_parquet_is_preferred_and_parts_become_a_column(hub, tmp_path):
    hub.add("owner/name", {
        "README.md": b"", "old.csv": b"a\n9\n", "dataset_infos.json": b"{}",
        "data/train-00000-of-00002.parquet": parquet([{"a": 1}]),
        "data/train-00001-of-00002.parquet": parquet([{"a": 2}]),
        "data/test-00000-of-00001.parquet": parquet([{"a": 3}]),
    })
    assert imported(tmp_path / "to") == [
        {"a": 1, "split": "train"}, {"a": 2, "split": "train"}, {"a": 3, "split": "test"}]
    assert imported(tmp_path / "one", "hub://owner/name", split="test") == [{"a": 3}]
    with pytest.raises(DataError, match="no part 'dev'; it has: train, test"):
        open_hub("owner/name", split="dev")


def test_the_table_can_be_looked_at(hub):
    hub.add("owner/name", {"train.csv": b"a,b\n1,x\n", "test.csv": b"a,b\n2,y\n"})
    opened = open_hub("owner/name")
    assert opened.name == "name"
    assert opened.text == "owner/name on the Hub"
    table = opened.table()
    assert table.page().to_pylist() == [
        {"__row__": 0, "a": 1, "b": "x", "split": "train"}, {"__row__": 1, "a": 2, "b": "y", "split": "test"}]


def test_labels_become_names_and_images_are_known(hub, tmp_path):
    features = {
        "image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["cat", "d'og"]},
        "text": {"_type": "Value", "dtype": "string"}}
    rows: list[dict[str, Any]] = [
        {"image": {"bytes": image(), "path": "1.png"}, "label": 1, "text": "x"},
        {"image": {"bytes": image(), "path": "2.png"}, "label": None, "text": "y"}]
    hub.add("owner/name", {"data/train-0.parquet": parquet(rows, features)})
    opened = open_hub("owner/name")
    table = opened.table()
    assert [column.kind for column in table.columns] == [Kind.IMAGE, Kind.TEXT, Kind.TEXT]
    opened.import_to(tmp_path)
    found = pq.read_table(tmp_path / "data.parquet")
    assert found["label"].to_pylist() == ["d'og", None]
    assert found["image"][0]["bytes"].as_py() == image()


def test_the_card_tells_configurations(hub, tmp_path):
    card: dict[str, Any] = {"configs": [
        {"config_name": "fa", "data_files": [{"split": "train", "path": "fa/*.csv"}]},
        {"config_name": "ru", "data_files": "ru.csv", "default": True},
    ]}
    hub.add(
        "owner/name", {"fa/1.csv": b"a\n1\n", "fa/2.csv": b"a\n2\n", "ru.csv": b"a\n3\n", "other.csv": b"a\n4\n"},
        card=card)
    assert imported(tmp_path / "default") == [{"a": 3}]
    assert imported(tmp_path / "fa", config="fa") == [{"a": 1}, {"a": 2}]
    with pytest.raises(DataError, match="no configuration 'de'; it has: fa, ru"):
        open_hub("owner/name", config="de")
    del card["configs"][1]["default"]
    with pytest.raises(DataError, match="choose one by config=…: fa, ru"):
        open_hub("owner/name")


def test_what_has_no_known_format_is_taken_from_the_hubs_own_parquet(hub, tmp_path):
    converted = {"default/train/0000.parquet": parquet([{"a": 1}])}
    hub.add(
        "owner/name", {"script.py": b"print()"}, revisions={"refs/convert/parquet": converted})
    assert imported(tmp_path) == [{"a": 1}]
    hub.add("owner/none", {"script.py": b"print()"})
    with pytest.raises(DataError, match="owner/none has no file that can be read"):
        open_hub("owner/none")


def test_a_folder_of_images_is_one_of_media(hub, tmp_path):
    hub.add("owner/name", {
        "train/cat/1.png": image(), "train/dog/2.png": image(), "test/cat/3.png": image(), "README.md": b"",
        "notes.txt": b"x"})
    found = imported(tmp_path / "to")
    assert [(row["image"]["path"], row["split"], row["label"]) for row in found] == [
        ("test/cat/3.png", "test", "cat"), ("train/cat/1.png", "train", "cat"), ("train/dog/2.png", "train", "dog")]
    assert len(imported(tmp_path / "test", split="test")) == 1
    assert not hub.downloads("notes.txt")


def test_images_with_their_metadata(hub, tmp_path):
    hub.add("owner/name", {
        "1.png": image(), "2.png": image(), "metadata.csv": b"file_name,label\n1.png,a\n2.png,b\n"})
    assert [row["label"] for row in imported(tmp_path)] == ["a", "b"]


def test_a_file_is_downloaded_once(hub, tmp_path):
    hub.add("owner/name", {"train.csv": b"a\n1\n"})
    imported(tmp_path / "one")
    imported(tmp_path / "two")
    assert hub.downloads("train.csv") == [None]


def test_a_cut_connection_goes_on_where_it_was_cut(hub):
    data = parquet([{"a": i, "t": f"row {i}"} for i in range(5_000)])
    hub.add("owner/name", {"train.parquet": data})
    hub.cut("train.parquet", [20_500, 30_999])
    seen: list[tuple[float, float | None]] = []
    progress = Progress(lambda each: seen.append((each.done, each.total)))
    client = Client("owner/name", "dataset")
    found = client.download(client.listing(None), ["train.parquet"], progress)
    assert found["train.parquet"].read_bytes() == data
    assert hub.downloads("train.parquet") == [None, "bytes=20500-", "bytes=51499-"]
    assert seen[-1] == (len(data), len(data))


def test_files_that_were_whole_stay_when_a_later_one_fails(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "AT_ONCE", 1)
    second = parquet([{"a": i} for i in range(1_000)])
    hub.add("owner/name", {"train-0.parquet": parquet([{"a": -1}]), "train-1.parquet": second})
    hub.cut("train-1.parquet", [0] * 50)
    with pytest.raises(DataError, match=r"cannot be reached.*train-1\.parquet of owner/name is not downloaded yet"):
        imported(tmp_path / "to")
    assert not (tmp_path / "to").exists()
    assert not list((tmp_path / "cache").rglob("*.incomplete"))
    hub.mend()
    assert len(imported(tmp_path / "to")) == 1_001
    assert hub.downloads("train-0.parquet") == [None]


def test_called_off_while_it_downloads_it_leaves_nothing(hub, tmp_path):
    hub.add("owner/name", {"train.parquet": parquet([{"a": i} for i in range(100_000)])})

    def cancel(progress: Progress) -> None:
        if progress.done:
            progress.cancel()

    with pytest.raises(CancelledError):
        open_hub("owner/name").import_to(tmp_path / "to", progress=Progress(cancel))
    assert not (tmp_path / "to").exists()
    assert not list((tmp_path / "cache").rglob("*.incomplete"))


@pytest.mark.parametrize(("trouble", "said"), [
    ("offline", "HF_HUB_OFFLINE is set"), ("unplugged", "cannot be reached"), ("503", "has trouble (503)"),
    ("429", "asked too often (429)")])
def test_without_the_hub_what_was_downloaded_is_used_and_said(hub, tmp_path, monkeypatch, trouble, said):
    hub.add("owner/name", {"train.csv": b"a\n1\n"})
    imported(tmp_path / "online")
    if trouble == "offline":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    elif trouble == "unplugged":
        monkeypatch.setattr("huggingface_hub.HfApi", unplugged(huggingface_hub.HfApi))
    else:
        hub.refuse("/api/", int(trouble))
    opened = open_hub("owner/name")
    assert said in opened.notes[0]
    assert "What was downloaded earlier is used" in opened.notes[0]
    opened.import_to(tmp_path / "to")
    assert pq.read_table(tmp_path / "to" / "data.parquet")["a"].to_pylist() == [1]


def unplugged(api: Any) -> Any:
    """The client's own class, with nobody at the other end."""
    return lambda endpoint: api(endpoint=NOWHERE)


def test_offline_a_file_that_is_missing_is_named(hub, tmp_path, monkeypatch):
    hub.add("owner/name", {"train.csv": b"a\n1\n"})
    open_hub("owner/name")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError, match=r"HF_HUB_OFFLINE is set.*train\.csv of owner/name is not downloaded"):
        imported(tmp_path)
    with pytest.raises(DataError, match="Nothing of owner/other was downloaded earlier"):
        open_hub("owner/other")


@pytest.mark.parametrize(("refusal", "said"), [
    ((401, "RepoNotFound"), r"not on the Hub at http.* is private: check the name.*log in"),
    ((403, "GatedRepo"), "accept its conditions"),
    ((403, ""), r"may not be read \(403\): log in"),
    ((404, "RepoNotFound"), "not on the Hub"),
    ((404, "RevisionNotFound"), "has no revision 'v9'"),
    ((429, ""), r"asked too often \(429\); wait"),
    ((500, ""), r"has trouble \(500\)"),
    ((418, ""), r"refused owner/name \(418\)"),
])
def test_refusals_are_told_in_a_sentence_without_the_token(hub, refusal, said):
    hub.refuse("/api/", *refusal)
    with pytest.raises(DataError, match=said) as raised:
        open_hub("owner/name", revision="v9")
    assert TOKEN not in "".join(traceback.format_exception(raised.value))
    assert f"Bearer {TOKEN}" in hub.tokens


def test_a_file_that_is_refused_is_told(hub, tmp_path):
    hub.add("owner/name", {"train.csv": b"a\n1\n"})
    hub.refuse("/resolve/", 403, "GatedRepo")
    with pytest.raises(DataError, match=r"train\.csv of owner/name is only for those who accept its conditions"):
        imported(tmp_path)


def test_the_token_is_kept_nowhere(hub, tmp_path, workspace):
    hub.add("owner/name", {"train.csv": b"a\n1\n"})
    opened = open_hub("owner/name", revision="main")
    opened.import_to(tmp_path / "to")
    assert TOKEN not in json.dumps(opened.recipe)
    assert opened.recipe == {
        "kind": "hub", "dataset": "owner/name", "config": None, "split": None, "revision": "main",
        "commit": hub.repositories["datasets/owner/name"].head}
    for folder in (workspace, tmp_path / "to", tmp_path / "cache"):
        for file in folder.rglob("*"):
            assert not file.is_file() or TOKEN.encode() not in file.read_bytes()


def test_read_options_reach_the_files(hub, tmp_path):
    hub.add("owner/name", {"train.csv": b"1|2\n3|4\n"})
    found = imported(tmp_path, options=ReadOptions(delimiter="|", header=False))
    assert [list(row.values()) for row in found] == [[1, 2], [3, 4]]


def test_parts_of_text_whose_types_show_late(hub, tmp_path):
    hub.add("owner/name", {
        "train.csv": b"a,b\n" + b"1,x\n" * 60_000 + b"later,y\n", "test.csv": b"a,b\n2,z\n"})
    assert imported(tmp_path)[59_999:] == [
        {"a": "1", "b": "x", "split": "train"}, {"a": "later", "b": "y", "split": "train"},
        {"a": "2", "b": "z", "split": "test"}]


def test_rows_left_out_of_all_parts_are_kept(hub, tmp_path):
    hub.add("owner/name", {
        "train.csv": b"a,b\n" + b"1,x\n" * 9 + b"1,2,3\n", "test.csv": b"a,b\n2,z\n" + b"2,y\n" * 9 + b"4,5,6\n"})
    result = open_hub("owner/name", ReadOptions(on_error="skip")).import_to(tmp_path)
    assert (result.rows, result.rejected) == (19, 2)
    kept = (tmp_path / "rejected.csv").read_text()
    assert kept.count("1,2,3") == kept.count("4,5,6") == 1


@pytest.mark.parametrize(("given", "is_one"), [
    ("hub://owner/name", True), ("owner/name", True), ("owner/na.me-1_2", True), ("name", False), ("a/b/c", False),
    ("data/train.csv", False), ("data/train.csv.gz", False), ("../name", False), ("owner/..", False), ("/a/b", False),
    (7, False), ("owner/name\n", False), ("owner/*.parquet", False)])
def test_names_of_the_hub(given, is_one):
    assert is_hub_name(given) is is_one


def test_a_folder_here_comes_before_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner").mkdir()
    assert not is_hub_name("owner/name")


@pytest.mark.parametrize("given", [
    "hub://", "hub://a", "hub://../../etc", "hub://a/b/c", "hub://a/b?x=1", "hub://a/b\n",
    "hub://a/b..c", "hub://a/b--c"])
def test_names_that_lead_elsewhere_are_refused(hub, given):
    with pytest.raises(DataError, match="no name of a Hub dataset"):
        open_hub(given)
    assert not hub.log
