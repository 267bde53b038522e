"""What the datasets panel asks for, of the real workspace with real files."""

from __future__ import annotations

import gc
import hashlib
import json
import sys
import threading
import time
import weakref
from pathlib import Path

import pandas as pd
import pytest
from torch import nn

import nbtrain
from nbtrain import dataset_desk, dataset_facts
from nbtrain.core.dataset_views import StepField
from nbtrain.core.errors import CommandError, ConfigError, DataError, DataFileError, DatasetNotFoundError
from nbtrain.data.importing import sample as samples
from nbtrain.data.keeping.library import Library
from nbtrain.dataset_desk import WorkspaceDatasets
from tests.waiting import until

SECONDS = 60


@pytest.fixture
def desk():
    return WorkspaceDatasets()


@pytest.fixture
def reviews(tmp_path):
    """Two classes, one text five times, and a column of numbers."""
    path = tmp_path / "reviews.csv"
    rows = [(f"text number {n} of a kind", n, "good" if n % 3 else "bad") for n in range(90)]
    rows += [("once more the same", 7, "good")] * 5
    pd.DataFrame(rows, columns=["text", "stars", "label"]).to_csv(path, index=False)
    return path


@pytest.fixture
def done(desk):
    """Waits for a task; gives the dataset it made."""

    def wait(task):
        desk.tasks.find(task).wait(SECONDS)
        return desk.result(task)

    return wait


@pytest.fixture
def dataset(desk, reviews, done):
    return done(desk.import_source(str(reviews), None, {}))


def test_an_import_is_a_line_of_the_list(desk, reviews, dataset):
    (row,) = desk.rows()
    assert row == {
        "id": dataset, "name": "reviews", "rows": 95, "columns": 3, "kind": "table", "source": str(reviews),
        "origin": None, "rejected": 0, "created": pytest.approx(time.time(), abs=SECONDS), "bytes": row["bytes"]}
    assert row["bytes"] > 0
    facts = desk.facts(dataset)
    assert [(column["name"], column["kind"]) for column in facts["columns"]] == [
        ("text", "text"), ("stars", "integer"), ("label", "text")]
    assert facts["target"] == "label"
    assert (facts["profile"], facts["split"], facts["quality"], facts["steps"]) == (None, None, None, [])


def test_an_import_that_fails_says_where_and_is_done_again_without_the_bad_rows(desk, tmp_path, done):
    path = tmp_path / "broken.csv"
    path.write_text("a,b\n" + "1,2\n" * 30 + "1,2,3,4\n" + "5,6\n")
    task = desk.import_source(str(path), None, {})
    with pytest.raises(DataFileError) as caught:
        desk.tasks.find(task).wait(SECONDS)
    assert caught.value.line == 32
    assert desk.result(task) is None
    assert desk.rows() == []
    made = done(desk.import_again(task, {"on_error": "skip"}))
    (row,) = desk.rows()
    assert (row["id"], row["rows"], row["rejected"]) == (made, 31, 1)
    assert "1,2,3,4" in Path(desk.facts(made)["rejected_file"]).read_text("utf-8")


def test_what_cannot_be_imported_is_refused_before_anything_begins(desk):
    with pytest.raises(ConfigError, match="empty"):
        desk.import_source("  ", None, {})
    with pytest.raises(ConfigError, match="delimiter"):
        desk.import_source("a.csv", None, {"delimiter": "too long"})
    with pytest.raises(CommandError, match="no longer known"):
        desk.import_again("task-none", {})
    assert not desk.tasks.all()


def test_a_variable_of_the_notebook_is_imported_by_its_name(desk, done, monkeypatch):
    monkeypatch.setattr(dataset_desk, "namespace", lambda: {"frame": pd.DataFrame({"a": [1, 2, 3]})})
    made = done(desk.import_source("frame", "three", {}))
    assert desk.facts(made)["row"]["rows"] == 3
    assert nbtrain.datasets()[0].frame()["a"].tolist() == [1, 2, 3]


def test_a_data_frame_is_not_kept_alive_by_its_import(desk, done, monkeypatch):
    held = {"frame": pd.DataFrame({"a": [1, 2, 3]})}
    monkeypatch.setattr(dataset_desk, "namespace", lambda: held)
    known = weakref.ref(held["frame"])
    done(desk.import_source("frame", "three", {}))
    held.clear()
    until(lambda: gc.collect() >= 0 and known() is None, "nobody holds the data frame")


def test_a_data_frame_whose_import_failed_is_let_go_of_once_it_is_done_again(desk, done, monkeypatch):
    held = {"frame": pd.DataFrame({"a": [1, 2, 3], "b": [{"x": 1}, 7, {"x": 2}]})}
    monkeypatch.setattr(dataset_desk, "namespace", lambda: held)
    first = desk.import_source("frame", "three", {})
    with pytest.raises(DataError):
        desk.tasks.find(first).wait(SECONDS)
    second = desk.import_again(first, {})
    with pytest.raises(DataError):
        desk.tasks.find(second).wait(SECONDS)
    assert desk._imports.failed(first).source is held["frame"], "whoever asks again may do so with the first task too"
    held["frame"]["b"] = [7, 8, 9]
    done(desk.import_again(second, {}))
    for task in (first, second):
        with pytest.raises(CommandError, match="no longer known"):
            desk.import_again(task, {})


def test_the_sample_is_real_where_scikit_learn_is_and_says_so_where_not(desk, done, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    made = samples.sample()
    assert "random" in made.source
    assert made.frame["label"].value_counts().to_dict() == {"first": 50, "second": 50, "third": 50}
    first = done(desk.sample())
    assert done(desk.sample()) == first
    (row,) = desk.rows()
    assert (row["name"], row["rows"], row["source"]) == ("made-up flowers", 150, made.source)


def test_an_upload_arrives_in_pieces_is_imported_and_taken_away(desk, reviews, done, workspace):
    content = reviews.read_bytes()
    begun = desk.upload("reviews.csv", len(content), "7")
    for start in range(0, len(content), 1000):
        if start == 2000:  # the page was loaded anew
            assert desk.upload("reviews.csv", len(content), "7") == {**begun, "have": 2000}
            assert desk.uploads() == [{**begun, "have": 2000}]
        piece = content[start:start + 1000]
        have = desk.chunk(begun["upload"], start, memoryview(piece), hashlib.sha256(piece).hexdigest())
        assert have == start + len(piece)
    assert desk.uploads() == []
    task, sha256 = desk.uploaded(begun["upload"], None, {})
    assert sha256 == hashlib.sha256(content).hexdigest()
    made = done(task)
    row = desk.facts(made)["row"]
    assert (row["name"], row["source"], row["rows"]) == ("reviews", "reviews.csv", 95)
    assert list((workspace / "uploads").iterdir()) == []


def test_an_upload_is_imported_once_also_where_it_is_said_to_be_whole_twice(desk, reviews, done, monkeypatch):
    content, may_end, add = reviews.read_bytes(), threading.Event(), Library.add

    def slow(*given, **more):
        assert may_end.wait(SECONDS)
        return add(*given, **more)

    monkeypatch.setattr(Library, "add", slow)
    begun = desk.upload("reviews.csv", len(content), "7")
    desk.chunk(begun["upload"], 0, memoryview(content), hashlib.sha256(content).hexdigest())
    first = desk.uploaded(begun["upload"], None, {})
    assert desk.uploaded(begun["upload"], None, {}) == first
    other = desk.upload("reviews.csv", len(content), "7")
    assert (other["upload"] == begun["upload"], other["have"]) == (False, 0), "it may be another file"
    may_end.set()
    assert desk.facts(done(first[0]))["row"]["rows"] == 95
    assert [task.kind for task in desk.tasks.all()] == ["import"]
    assert desk.uploaded(begun["upload"], None, {}) == first, "the answer was lost, and all is done"
    assert [row["rows"] for row in desk.rows()] == [95]


def test_an_upload_whose_import_failed_may_be_imported_again_and_then_no_more(desk, done):
    content = b"a,b\n" + b"1,2\n" * 30 + b"1,2,3,4\n"
    begun = desk.upload("broken.csv", len(content), "7")
    desk.chunk(begun["upload"], 0, memoryview(content), hashlib.sha256(content).hexdigest())
    first, _ = desk.uploaded(begun["upload"], None, {})
    with pytest.raises(DataFileError):
        done(first)
    again, sha256 = desk.uploaded(begun["upload"], None, {"on_error": "skip"})
    assert again != first
    assert desk.facts(done(again))["row"]["rows"] == 30
    assert desk.uploaded(begun["upload"], None, {}) == (again, sha256)


def test_of_two_files_that_look_the_same_only_the_one_that_was_begun_goes_on(desk, workspace):
    desk.upload("a.csv", 10, "7")
    half = desk.upload("a.csv", 10, "7")["upload"]
    desk.chunk(half, 0, memoryview(b"a,b\n1"), hashlib.sha256(b"a,b\n1").hexdigest())

    def seal(content):
        pieces = [hashlib.sha256(content[at:at + 4]).hexdigest() for at in range(0, len(content), 4)]
        return hashlib.sha256("".join(pieces).encode()).hexdigest()

    desk.check_upload(half, 5, 4, seal(b"a,b\n1"))
    with pytest.raises(DataError, match="is not the file whose upload was begun"):
        desk.check_upload(half, 5, 4, seal(b"a,b\n2"))
    assert desk.upload("a.csv", 10, "7")["have"] == 0


def test_an_upload_that_is_called_off_leaves_nothing(desk, workspace):
    begun = desk.upload("a.csv", 10, "7")
    desk.drop_upload(begun["upload"])
    assert desk.uploads() == []
    with pytest.raises(DatasetNotFoundError):
        desk.chunk(begun["upload"], 0, memoryview(b"x"), hashlib.sha256(b"x").hexdigest())
    assert list((workspace / "uploads").iterdir()) == []


def test_profile_split_and_quality_are_kept_and_shown(desk, dataset, done):
    done(desk.profile(dataset, "label"))
    done(desk.split(dataset, {"method": "stratified", "target": "label"}))
    done(desk.quality(dataset, None))
    facts = json.loads(json.dumps(desk.facts(dataset), allow_nan=False))
    assert sorted(facts["running"]) == ["profile", "quality", "split"]
    assert facts["profile"]["classes"] == [{"value": "good", "count": 65}, {"value": "bad", "count": 30}]
    stars = next(column for column in facts["profile"]["columns"] if column["name"] == "stars")
    assert (stars["min"], stars["max"], stars["missing"]) == (0, 89, 0)
    assert sum(facts["split"]["counts"]) == 95
    assert sum(sum(each["parts"]) for each in facts["split"]["classes"]) == 95
    (found,) = [each for each in facts["quality"]["findings"] if each["kind"] == "duplicates"]
    assert (found["count"], found["remedy"]) == (4, "drop_duplicates")
    assert facts["quality"]["stale"] is False
    done(desk.split(dataset, {"method": "random", "seed": 1}))
    assert desk.facts(dataset)["quality"]["stale"] is True
    seen = WorkspaceDatasets().facts(dataset)["split"]  # by another kernel
    assert seen is not None
    assert seen["spec"]["seed"] == 1


def test_a_remedy_makes_a_dataset_that_is_cured(desk, dataset, done):
    done(desk.quality(dataset, None))
    finding = next(
        each["index"] for each in desk.facts(dataset)["quality"]["findings"] if each["kind"] == "duplicates")
    made = done(desk.remedy(dataset, finding, "duplicates", 4)["task"])
    assert made != dataset
    assert desk.facts(made)["row"]["rows"] == 91
    assert desk.facts(made)["steps"][0]["step"] == "drop_duplicates"
    with pytest.raises(CommandError, match="no longer known"):
        desk.remedy(dataset, 99, "duplicates", 4)


def test_classes_of_unequal_size_are_a_matter_of_the_training_form(desk, done, tmp_path):
    path = tmp_path / "unequal.csv"
    rows = (f"text {n} here,{'usual' if n % 30 else 'rare'}\n" for n in range(300))
    path.write_text("text,label\n" + "".join(rows))
    dataset = done(desk.import_source(str(path), None, {}))
    done(desk.quality(dataset, "label"))
    finding = next(each for each in desk.facts(dataset)["quality"]["findings"] if each["kind"] == "imbalance")
    assert finding["remedy"] == "oversample"
    told = []

    def take(options):
        told.append(dict(options))
        return True

    asked = dataset, finding["index"], "imbalance", finding["count"]
    code = "nbtrain.train(model, 'unequal', target='label', use_oversampling=True)"
    assert desk.remedy(*asked) == {"task": None, "taken": False, "code": code}
    assert WorkspaceDatasets(on_options=take).remedy(*asked) == {"task": None, "taken": True, "code": code}
    assert told == [{"use_oversampling": True}]
    nbtrain.TrainConfig(**told[0])  # the options are those there are


def test_the_code_of_a_remedy_trains_on_the_column_that_was_checked(desk, done):
    rows = pd.DataFrame({"a": [n / 300 for n in range(300)], "spa'm": [int(n % 30 == 0) for n in range(300)]})
    dataset = nbtrain.load_dataset(rows, name="o'neil")
    done(desk.quality(dataset.id, "spa'm"))
    finding = next(each for each in desk.facts(dataset.id)["quality"]["findings"] if each["kind"] == "imbalance")
    code = desk.remedy(dataset.id, finding["index"], "imbalance", finding["count"])["code"]
    run = eval(code.replace(")", ", epochs=1, show=False)"), {"nbtrain": nbtrain, "model": nn.Linear(1, 2)})  # noqa: S307 - the code a user would run
    assert run.wait() == "finished"


@pytest.mark.parametrize(("kind", "count"), [("duplicates", 5), ("imbalance", 4)])
def test_a_remedy_is_refused_where_the_report_has_another_finding_there_by_now(desk, dataset, done, kind, count):
    done(desk.quality(dataset, None))
    finding = next(
        each["index"] for each in desk.facts(dataset)["quality"]["findings"] if each["kind"] == "duplicates")
    with pytest.raises(CommandError, match="no longer known"):
        desk.remedy(dataset, finding, kind, count)
    assert len(desk.rows()) == 1


def test_what_was_asked_for_last_is_shown_also_when_it_was_kept(desk, dataset, done):
    for target in ("label", "text", "label"):
        done(desk.profile(dataset, target))
        assert desk.facts(dataset)["profile"]["target"] == target


def test_rows_are_left_out_of_every_part(desk, dataset):
    found = desk._dataset(dataset)
    dataset_facts.leave_out(found, [0, 5], nbtrain.core.tasks.Progress())
    assert desk.facts(dataset)["split"]["counts"][3] == 2
    assert desk.facts(dataset)["split"]["notes"][-1] == {"kind": "left_out", "args": {"count": 2}}


def test_a_report_is_made_anew_after_rows_were_left_out(desk, dataset, done):
    found = desk._dataset(dataset)
    halves = {"method": "random", "train": 0.5, "validation": 0.25, "test": 0.25, "duplicates": "apart"}
    done(desk.split(dataset, halves))
    done(desk.quality(dataset, None))
    quality = desk.facts(dataset)["quality"]
    assert quality["stale"] is False
    assert "duplicates_across" in {each["kind"] for each in quality["findings"]}
    dataset_facts.leave_out(found, range(90, 95), nbtrain.core.tasks.Progress())
    assert desk.facts(dataset)["quality"]["stale"] is True
    done(desk.quality(dataset, None))
    quality = desk.facts(dataset)["quality"]
    assert quality["stale"] is False
    assert "duplicates_across" not in {each["kind"] for each in quality["findings"]}


def test_steps_are_tried_on_a_few_rows_and_applied_into_a_new_dataset(desk, dataset, done):
    steps = [{"step": "scale", "columns": ["stars"], "method": "min_max"}]
    shown = desk.before_after(dataset, steps, 0)
    assert shown["before"]["columns"] == shown["after"]["columns"] == ["text", "stars", "label"]
    assert len(shown["before"]["rows"]) == dataset_desk.TRIED
    for before, after in zip(shown["before"]["rows"], shown["after"]["rows"], strict=True):
        assert float(after[1]) == pytest.approx(int(before[1]) / 89, rel=1e-4)
    dropped = desk.before_after(dataset, [{"step": "drop_empty"}, {"step": "drop_duplicates"}], 1)
    assert dropped["dropped"] == len(dropped["before"]["rows"]) - len(dropped["after"]["rows"])
    made = done(desk.process(dataset, steps, "scaled"))
    assert [row["name"] for row in desk.rows()] == ["scaled", "reviews"]
    assert desk.facts(made)["steps"][0]["step"] == "scale"


def test_steps_that_are_wrong_or_a_name_that_is_taken_begin_nothing(desk, dataset):
    begun = len(desk.tasks.all())
    for steps, name in (([{"step": "scal"}], "x"), ([{"step": "html"}], "REVIEWS"), ([{"step": "html"}], "a/b")):
        with pytest.raises(ConfigError):
            desk.process(dataset, steps, name)
    with pytest.raises(CommandError, match="no step 3"):
        desk.before_after(dataset, [{"step": "html"}], 3)
    with pytest.raises(ConfigError):
        desk.split(dataset, {"method": "by magic"})
    assert len(desk.tasks.all()) == begun


def test_every_step_has_a_form(desk):
    steps = desk.steps()
    assert {"scale", "html", "drop_duplicates"} <= {step["name"] for step in steps}
    for step in steps:
        for field in step["fields"]:
            assert set(field) == set(StepField.__required_keys__), (step["name"], field)


def test_it_is_renamed_deleted_and_brought_back(desk, dataset):
    desk.rename(dataset, "opinions")
    desk.delete(dataset)
    assert desk.rows() == []
    with pytest.raises(DatasetNotFoundError):
        desk.facts(dataset)
    desk.undelete(dataset)
    assert [row["name"] for row in desk.rows()] == ["opinions"]


def test_it_is_written_to_a_file_but_never_over_one(desk, dataset, done, tmp_path):
    path = tmp_path / "out.jsonl"
    assert done(desk.export(dataset, f" {path} ")) is None
    assert len(path.read_text().splitlines()) == 95
    task = desk.export(dataset, str(path))
    with pytest.raises(ValueError, match="already"):
        desk.tasks.find(task).wait(SECONDS)


def test_training_is_told_which_to_use(dataset):
    used: list[str] = []

    def take(name: str) -> bool:
        used.append(name)
        return True

    assert WorkspaceDatasets(on_use=take).use(dataset)
    assert used == ["reviews"]
    assert not WorkspaceDatasets().use(dataset), "nobody was there to take it"


def test_a_dataset_whose_facts_are_damaged_is_listed_all_the_same(desk, dataset):
    (Library().folder(dataset) / "dataset.json").write_text("{")
    assert [row["name"] for row in desk.rows()] == ["reviews"]
    assert desk.facts(dataset)["columns"] == []
