from __future__ import annotations

import pytest

from nbtrain import i18n
from nbtrain.commandline.reference import option_text, options_text
from nbtrain.config import fields
from nbtrain.core.errors import ConfigError


@pytest.fixture
def speak(monkeypatch):
    monkeypatch.setattr(i18n.catalogue, "_chosen", None)
    return i18n.set_current


def test_an_option_with_range_default_and_advice():
    lines = option_text("--learning-rate").splitlines()
    assert lines[0] == "--learning-rate: Learning rate"
    assert "From 1e-07 to 1" in lines
    assert "Default: 0.001" in lines
    assert "Can be changed while a run trains." in lines
    assert any(line.startswith("• Medium: 3e-4–1e-3") for line in lines)


def test_an_option_with_choices_and_a_condition():
    assert "One of: off, fp16, bf16" in option_text("mixed_precision")
    assert "Only with scheduler = exponential | step." in option_text("scheduler_gamma")
    assert "Recommended: 0.1" in option_text("label_smoothing")


def test_advice_about_a_switch_does_not_speak_of_sizes():
    assert "• Off: short runs" in option_text("no-use-ema")
    assert "Small" not in option_text("use_ema")


def test_it_speaks_the_current_language(speak):
    speak("fa")
    assert "پیش‌فرض: 0.001" in option_text("learning_rate")
    speak("ru")
    assert "По умолчанию: 0.001" in option_text("learning_rate")
    assert "Эпохи (10)" in options_text()


def test_the_list_has_every_option_once_under_its_group():
    text = options_text()
    for field in fields():
        assert text.count(f"  --{field['name'].replace('_', '-')} ") == 1
    assert text.startswith("Training\n  --epochs ")


def test_an_option_there_is_not():
    with pytest.raises(ConfigError, match="no option 'learning_rat'; did you mean 'learning_rate'"):
        option_text("--learning-rat")


@pytest.mark.parametrize("code", i18n.languages())
def test_every_option_can_be_explained_in_every_language(speak, code):
    speak(code)
    for field in fields():
        assert "option." not in option_text(field["name"])
