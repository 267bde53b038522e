from __future__ import annotations

import pytest

from nbtrain import i18n
from nbtrain.core.errors import ConfigError
from nbtrain.i18n import catalogue


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    monkeypatch.setattr(catalogue, "_chosen", None)
    monkeypatch.delenv("NBTRAIN_LANGUAGE", raising=False)


@pytest.fixture
def books(monkeypatch):
    """Small catalogues in the place of the real ones."""
    found = {
        "en": {"greeting": "Hello {name}", "runs.one": "{count} run", "runs.other": "{count} runs", "only": "English"},
        "fa": {"greeting": "سلام {name}", "runs.one": "{count} اجرا", "runs.other": "{count} اجرا"},
        "ru": {
            "greeting": "Привет, {name}", "runs.one": "{count} запуск", "runs.few": "{count} запуска",
            "runs.many": "{count} запусков", "runs.other": "{count} запуска",
        },
    }
    monkeypatch.setattr(catalogue, "_catalogue", found.__getitem__)
    return found


@pytest.mark.parametrize(("language", "count", "expected"), [
    ("en", 1, "1 run"), ("en", 0, "0 runs"), ("en", 2, "2 runs"), ("en", 1500, "1,500 runs"),
    ("ru", 1, "1 запуск"), ("ru", 21, "21 запуск"), ("ru", 3, "3 запуска"), ("ru", 12, "12 запусков"),
    ("ru", 1.5, "1,5 запуска"), ("fa", 0, "۰ اجرا"), ("fa", 12, "۱۲ اجرا"),
])
@pytest.mark.usefixtures("books")
def test_the_count_chooses_the_form(language, count, expected):
    assert i18n.text("runs", language, count=count) == expected


@pytest.mark.usefixtures("books")
def test_arguments_are_put_in_once_and_as_they_are():
    assert i18n.text("greeting", name="{name} <b>") == "Hello {name} <b>"
    assert i18n.text("greeting", "fa", name="1e-3") == "سلام 1e-3"
    assert i18n.text("greeting") == "Hello {name}"


def test_what_a_language_lacks_is_there_in_english(books):
    assert i18n.text("only", "fa") == "English"
    assert i18n.words("fa") == {**books["en"], **books["fa"]}


@pytest.mark.usefixtures("books")
def test_a_key_without_words_comes_back():
    assert i18n.text("no.such.key") == "no.such.key"


def test_the_language_is_english_until_another_is_chosen(monkeypatch):
    assert i18n.current() == "en"
    monkeypatch.setenv("NBTRAIN_LANGUAGE", "ru")
    assert i18n.current() == "ru"
    i18n.set_current("fa")
    assert i18n.current() == "fa"
    assert i18n.direction() == "rtl"
    assert i18n.text("button.stop") == i18n.words("fa")["button.stop"] != i18n.words("en")["button.stop"]


def test_a_language_there_is_not_is_refused_with_those_there_are(monkeypatch):
    with pytest.raises(ConfigError, match=r"'de'; it must be one of en \(English\), fa \(فارسی\), ru"):
        i18n.set_current("de")
    assert i18n.current() == "en"
    monkeypatch.setenv("NBTRAIN_LANGUAGE", "klingon")
    with pytest.raises(ConfigError, match="NBTRAIN_LANGUAGE is 'klingon'"):
        i18n.current()


def test_directions():
    assert {code: i18n.direction(code) for code in i18n.languages()} == {"en": "ltr", "fa": "rtl", "ru": "ltr"}


def test_printed_words_keep_their_order_in_a_left_to_right_place():
    assert i18n.printed("From 1e-07 to 1", "en") == "From 1e-07 to 1"
    assert i18n.printed("از 1e-07 تا 1", "fa") == "\N{RIGHT-TO-LEFT ISOLATE}از 1e-07 تا 1\N{POP DIRECTIONAL ISOLATE}"
    assert i18n.printed("", "fa") == ""
