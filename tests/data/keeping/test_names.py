"""What a dataset may be called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.errors import ConfigError
from nbtrain.store.names import LONGEST, checked_name, free_name, made_up


def everything(folder):
    """Every file and folder below, but for the database."""
    found = (path for path in folder.rglob("*") if not path.name.startswith("workspace.db"))
    return sorted(str(path.relative_to(folder)) for path in found)


@pytest.mark.parametrize("name", [
    "", "  ", ".", "..", "a/b", "..\\b", "../../etc/passwd", "a\x00b", "a\nb", "\x1b[31m", "abc\u202egnp", "\ufeffa",
    "con", "NUL", "lpt1.csv", "x" * (LONGEST + 1), "20261122-0931-k3f9",
])
def test_a_name_that_cannot_be_used_is_refused_and_touches_nothing(library, reviews, name):
    record = library.add(reviews).dataset
    before = everything(library.workspace.home.parent)
    with pytest.raises(ConfigError, match="cannot be used for a dataset") as caught:
        library.rename(record.id, name)
    assert caught.value.problems[0].field == "name"
    with pytest.raises(ConfigError):
        library.add(reviews, name=name)
    assert everything(library.workspace.home.parent) == before
    assert library.find(record.id) == record


@pytest.mark.parametrize("name", [
    "مجموعه‌داده", "Отзывы 2025", "<img src=x onerror=alert(1)>", "=1+1", "a'; DROP TABLE datasets", "%2e%2e", "~", "é",
])
def test_any_other_name_is_only_text(library, reviews, name):
    record = library.add(reviews).dataset
    before = everything(library.workspace.home)
    assert library.rename(record.id, f" {name} ").name == name
    assert library.find(name).id == record.id
    assert library.list()[0].name == name
    assert everything(library.workspace.home) == before


def test_names_are_unique_whatever_their_case(library, reviews):
    one = library.add(reviews, name="Straße").dataset
    two = library.add(reviews, name="other").dataset
    with pytest.raises(ConfigError, match="unique whatever their case"):
        library.rename(two.id, "STRASSE")
    assert library.rename(one.id, "STRASSE").name == "STRASSE"
    library.delete(one.id)
    assert library.rename(two.id, "strasse").name == "strasse"


@given(st.text(max_size=130))
def test_a_name_made_up_from_anything_may_be_used(text):
    name = made_up(text)
    assert checked_name(name) == name


@given(st.text(min_size=1, max_size=LONGEST), st.integers(0, 12))
def test_a_free_name_is_free_and_not_too_long(name, count):
    taken = {name, *(free_name(name, set(range(n)).__contains__) for n in range(1))}
    for _ in range(count):
        found = free_name(name, taken.__contains__)
        assert found not in taken
        assert len(found) <= LONGEST
        taken.add(found)
