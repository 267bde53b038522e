"""10,000 registered models: listed, searched, filtered and sorted, as the panel asks for them.

The rows are made directly, two versions of every third model; the folders are there, so that looking for folders that
are not known costs what it costs. Each query is taken as the panel takes it: a page of 60 rows, with the total and all
categories and tags.

Usage: ``python -m benchmarks.models [rounds]``
"""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.common import Figure, in_turns, record, seconds, table
from nbtrain.models.registry import Registry
from nbtrain.store import model_rows as rows
from nbtrain.store.datasets import name_key
from nbtrain.store.model_rows import MODEL, ModelRecord, VersionRecord
from nbtrain.store.workspace import Workspace

MODELS, SECONDS, PAGE = 10_000, 0.2, 60
QUERIES: dict[str, dict[str, Any]] = {
    "the newest": {},
    "by name": {"sort": "name"},
    "by parameters": {"sort": "parameters"},
    "by metric": {"sort": "metric", "descending": False},
    "searched": {"search": "resnet طبقه‌بند"},
    "filtered by stage, tag, category and task": {
        "stage": "production", "tag": "small", "category": "images", "task": "image-classification"},
    "searched, filtered and sorted": {
        "search": "classifier", "tag": "baseline", "category": "text", "sort": "bytes"},
}
WORDS = ("classifier", "طبقه‌بند", "классификатор", "detector", "sentiment", "digits", "churn", "weather")


def fill(workspace: Workspace) -> None:
    """Rows and folders of all models."""
    chance = random.Random(0)  # noqa: S311 - models, not secrets

    def version(model: str, number: int) -> VersionRecord:
        task = chance.choice(["text-classification", "image-classification", "tabular-regression"])
        about = {
            "format": "architecture", "architecture": chance.choice(["mlp", "resnet", "lstm", "text_transformer"]),
            "config": {"inputs": 64, "outputs": 10, "hidden": [128, 128]}, "task": task, "labels": ["a", "b", "c"],
            "inputs": {"kind": "tabular", "features": [f"feature {n}" for n in range(20)]}, "source": "run",
            "parameters": chance.randrange(10**9), "precision": "float32", "metrics": {"accuracy": chance.random()},
            "options": {f"option {n}": n for n in range(40)}, "data": "blake2b:0", "source_args": {"run": model}}
        files = {"model.safetensors": {"size": chance.randrange(10**9), "sha256": "0" * 64}}
        stage = chance.choice(["none", "staging", "production", "archived"])
        return VersionRecord(model=model, number=number, stage=stage, about=about, files=files)  # type: ignore[arg-type]

    def work(connection: sqlite3.Connection) -> None:
        for number in range(MODELS):
            model = f"20261122-{number // 100:04}-{chr(97 + number % 100 // 26)}{chr(97 + number % 26)}aa"
            name = f"{chance.choice(WORDS)} {chance.choice(WORDS)} {number}"
            made = ModelRecord(
                id=model, name=name, created=time.time(), updated=time.time() - number,
                category=chance.choice(["", "text", "images", "series"]),
                tags=tuple(chance.sample(["small", "baseline", "مقاله", "demo", "best"], chance.randrange(4))))
            connection.execute(
                f"INSERT INTO models ({', '.join(MODEL)}, name_key, search, stage_rank, tag_keys, category_key) "  # noqa: S608 - our names
                f"VALUES ({rows.marks(MODEL)}, ?, '', 0, '', '')", (*rows.values(made, MODEL), name_key(name)))
            for at in range(1, 3 if number % 3 == 0 else 2):
                rows.insert(connection, version(model, at))
            rows.refresh(connection, model)
            (workspace.models_folder / model / "v1").mkdir(parents=True)

    workspace.database.transact(work)


def page(registry: Registry, query: dict[str, Any]) -> int:
    """What the panel asks for; how many models were found."""
    _, total = registry.list(query, 0, PAGE)
    registry.labels()
    return total


def look_anew(workspace: Workspace) -> float:
    """A page after a model came or went: the folders are looked through again."""
    os.utime(workspace.models_folder)
    return seconds(partial(page, Registry(workspace), {}))


def main(arguments: list[str]) -> None:
    rounds = int(arguments[0]) if arguments else 15
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        fill(workspace)
        time.sleep(3)  # what has just changed is not taken for settled
        registry = Registry(workspace)
        found = {name: page(registry, query) for name, query in QUERIES.items()}
        contenders = {name: partial(seconds, partial(page, registry, query)) for name, query in QUERIES.items()}
        taken = in_turns({**contenders, "anew": partial(look_anew, workspace)}, rounds)
        size = (workspace.home / "workspace.db").stat().st_size / 1e6
        workspace.close()
    figures = [Figure(f"a page {name} ({found[name]:,} found)", taken[name], "s", SECONDS) for name in QUERIES]
    figures.append(Figure("the first page after a model came or went", taken["anew"], "s", SECONDS))
    about = f"{MODELS:,} models, pages of {PAGE} with total, categories and tags; the database has {size:,.0f} MB."
    record("Registered models", "python -m benchmarks.models", [about, "", *table(figures)])


if __name__ == "__main__":
    main(sys.argv[1:])
