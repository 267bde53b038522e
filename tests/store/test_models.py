from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbtrain.core.errors import ConfigError, ModelNotFoundError
from nbtrain.store import database as databases
from nbtrain.store import sqlite
from nbtrain.store.database import Database
from nbtrain.store.model_listing import RANKS, folded
from nbtrain.store.models import ModelRecord, ModelRecords, VersionRecord

ABOUT = {
    "architecture": "mlp", "format": "architecture", "task": "text-classification", "parameters": 5, "metrics": {},
    "source": "file", "source_args": {"path": "a"}}


@pytest.fixture
def records(tmp_path: Path) -> Iterator[ModelRecords]:
    database = Database(tmp_path / "workspace.db")
    yield ModelRecords(database)
    database.close()


def add(records: ModelRecords, number: int, name: str, *, tags: tuple[str, ...] = (), category: str = "",
        stage: str = "none", size: int = 1, **about: object) -> str:
    model = f"20261122-{number:04}-aaaa"
    records.add(
        ModelRecord(id=model, name=name, created=float(number), updated=float(number), tags=tags, category=category),
        [VersionRecord(model=model, number=1, stage=stage, about=ABOUT | about,  # type: ignore[arg-type]
                       files={"a": {"size": size, "sha256": "0"}})])
    return model


def names(records: ModelRecords, **query: object) -> list[str]:
    found, total = records.page(query)
    assert total == len(found)
    return [record.name for record in found]


def test_names_are_compared_without_case_and_forms(records: ModelRecords) -> None:
    add(records, 1, "Straße")
    add(records, 2, "other")
    with pytest.raises(ConfigError, match="'STRASSE' already") as caught:
        add(records, 3, "STRASSE")
    assert caught.value.problems[0].field == "name"
    with pytest.raises(ConfigError):
        records.rename("20261122-0002-aaaa", "strasse")
    assert records.find("strasse").name == "Straße"
    with pytest.raises(ModelNotFoundError, match="did you mean 'other'"):
        records.find("oter")


@pytest.mark.parametrize("word", [
    "طبقه‌بند", "طبقه بند", "فارسي", "فارسی", "۱۲", "12", "كتاب", "کتاب", "CAFÉ", "cafe", "Cafe\u0301", "MLP",
    "class text", "ﬁne", "FINE", "ёлка", "елка", "لا"])
def test_a_search_finds_what_a_person_would_call_the_same(records: ModelRecords, word: str) -> None:
    add(records, 1, "طبقه‌بندِ فارسی ۱۲ café", tags=("کتاب", "Fine", "Ёлка", "ﻻ"))
    add(records, 2, "another", architecture="bert", task="")
    assert names(records, search=word) == ["طبقه‌بندِ فارسی ۱۲ café"]
    assert names(records, search=f"{word} nothing") == []


def test_text_of_any_kind_is_looked_for_as_it_is(records: ModelRecords) -> None:
    add(records, 1, "a%b_c'; DROP TABLE models; --")
    add(records, 2, "axbyc")
    assert names(records, search="%b_") == names(records, search="drop table") == ["a%b_c'; DROP TABLE models; --"]


def test_filters_meet(records: ModelRecords) -> None:
    add(records, 1, "a", tags=("small", "x"), category="Text", stage="production")
    add(records, 2, "b", tags=("smaller",), category="text", task="image-classification")
    assert names(records, tag="SMALL") == ["a"]
    assert names(records, category="TEXT") == ["b", "a"]
    assert names(records, stage="production") == names(records, task="text-classification") == ["a"]
    assert names(records, category="text", stage="none", tag="smaller", search="mlp") == ["b"]
    assert names(records, tag="", stage=None, search="  ") == ["b", "a"]
    assert records.labels() == (2, ["Text", "text"], ["small", "smaller", "x"])


@pytest.mark.parametrize(("query", "field"), [
    ({"sort": "size"}, "sort"), ({"stage": "live"}, "stage"), ({"nonsense": 1}, "nonsense")])
def test_what_a_query_does_not_know_is_told(records: ModelRecords, query: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        records.page(query)
    assert [problem.field for problem in caught.value.problems] == [field]


def test_a_thousand_models_are_sorted_filtered_and_paged(records: ModelRecords) -> None:
    chance = random.Random(0)  # noqa: S311 - reproducible, not secret
    made: list[dict[str, Any]] = []
    for number in range(1000):
        one: dict[str, Any] = {
            "name": f"model {chance.randrange(10**6):06}-{number}", "architecture": chance.choice(["mlp", "resnet"]),
            "parameters": chance.choice([None, chance.randrange(10**9)]), "size": chance.randrange(10**6),
            "stage": chance.choice(RANKS), "tags": tuple(chance.sample(["a", "b", "c"], chance.randrange(3))),
            "metrics": {"accuracy": chance.random()} if chance.random() < 0.7 else {}, "number": number}
        made.append(one)
        add(records, **one)

    def expected(key: str, down: bool) -> list[int]:
        def value(one: dict[str, Any]) -> Any:
            stage = RANKS.index(one["stage"])
            derived = {"metric": one["metrics"].get("accuracy"), "bytes": one["size"], "stage": stage}
            return derived.get(key, one.get(key))

        newest = sorted(made, key=lambda one: -one["number"])
        there = [one for one in newest if value(one) is not None]
        there.sort(key=value, reverse=down)  # equals stay in their order
        return [one["number"] for one in [*there, *(one for one in newest if value(one) is None)]]

    for key in ("name", "parameters", "bytes", "metric", "stage"):
        for down in (False, True):
            pages = [records.page({"sort": key, "descending": down}, offset, 130) for offset in range(0, 1000, 130)]
            assert {total for _, total in pages} == {1000}
            found = [int(record.created) for page, _ in pages for record in page]
            assert found == expected(key, down), (key, down)
    matching = {one["name"] for one in made
                if "resnet" in one["architecture"] and "a" in one["tags"] and one["stage"] == "staging"}
    assert matching
    assert set(names(records, search="resnet", tag="a", stage="staging")) == matching
    assert [record.name for record in records.page({"search": "-77"}, 0, 5)[0]] == [
        one["name"] for one in reversed(made) if "-77" in one["name"]][:5]


def test_a_row_follows_its_versions(records: ModelRecords) -> None:
    model = add(records, 1, "a", metrics={"accuracy": 0.5})
    records.add_version(VersionRecord(
        model=model, number=2, about=ABOUT | {"architecture": "resnet", "metrics": {"loss": 2.0}},
        files={"a": {"size": 7, "sha256": "0"}}))
    found = records.find("a")
    assert (found.versions, found.architecture, found.bytes, found.metric_name) == (2, "resnet", 7, "loss")
    assert found.updated > found.created
    records.mark_version_deleted(model, 2, lambda: None)
    assert (records.find("a").architecture, records.find("a").metric_value) == ("mlp", 0.5)
    assert names(records, search="resnet") == []


def test_the_database_itself_holds_one_version_in_production(records: ModelRecords, tmp_path: Path) -> None:
    model = add(records, 1, "a", stage="production")
    with sqlite3.connect(tmp_path / "workspace.db") as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO model_versions VALUES (?, 2, 0, NULL, 'production', '', '{}', '{}')", (model,))
    connection.close()


def test_a_folder_that_cannot_be_moved_leaves_the_record(records: ModelRecords) -> None:
    model = add(records, 1, "a")

    def fail() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        records.mark_deleted(model, fail)
    assert records.find("a").deleted is None
    records.mark_deleted(model, lambda: None)
    with pytest.raises(ModelNotFoundError, match="another kernel was faster"):
        records.rename(model, "b")
    with pytest.raises(ModelNotFoundError):
        records.move(model, 1, "staging")


def test_a_workspace_of_the_second_version_gets_its_tables_of_models(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    sqlite.connect(path, databases._MIGRATIONS[:2]).close()
    database = Database(path)
    assert ModelRecords(database).page() == ([], 0)
    database.close()


def test_folding_twice_changes_nothing() -> None:
    for text in ("İstanbul ﷺ", "ΐ", "ǅ", "طبقه‌بندِ", "Ёлка", "ℌ ①"):
        assert folded(folded(text)) == folded(text)
