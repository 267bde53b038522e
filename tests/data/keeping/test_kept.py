"""What was found out about a dataset, kept in its folder."""

from __future__ import annotations

import pytest

from nbtrain.core.errors import WorkspaceError
from nbtrain.data.keeping.kept import kept, latest
from nbtrain.store import atomic


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kept.json"


def ask(file, name, find=None):
    return kept(file, {"name": name}, find or name.upper, str, str)


def never():
    raise AssertionError("it is kept")


def test_what_was_asked_for_again_is_the_latest(file):
    ask(file, "a")
    ask(file, "b")
    assert latest(file, str) == ({"name": "b"}, "B")
    assert ask(file, "a", never) == "A"
    assert latest(file, str) == ({"name": "a"}, "A")


def test_what_is_asked_for_often_is_not_the_first_to_go(file):
    ask(file, "a")
    for i in range(40):
        ask(file, str(i))
        ask(file, "a", never)


def test_what_is_kept_is_given_where_nothing_can_be_written(file, monkeypatch):
    def full(*_):
        raise WorkspaceError("the disk is full")

    ask(file, "a")
    ask(file, "b")
    monkeypatch.setattr(atomic, "write_json", full)
    assert ask(file, "a", never) == "A"
