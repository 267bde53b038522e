"""Sound to spectrograms and back."""

from __future__ import annotations

import numpy as np
import pytest

from nbtrain.recipes import mel, speech_text
from nbtrain.recipes.mel import MelSettings
from tests.recipes.spoken import sound


@pytest.mark.parametrize(("rate", "wanted"), [
    (48_000, 22_050), (44_100, 16_000), (8000, 22_050), (22_050, 48_000), (16_000, 16_000)])
def test_a_tone_stays_the_same_tone_at_another_rate(rate, wanted):
    tone = np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate).astype(np.float32)
    made = mel.resampled(tone, rate, wanted)
    assert abs(len(made) - wanted // 2) <= 1
    expected = np.sin(2 * np.pi * 440 * np.arange(len(made)) / wanted)
    assert np.abs(made - expected)[wanted // 20:-wanted // 20].max() < 1e-3


def test_what_a_lower_rate_cannot_hold_is_left_out():
    tone = np.sin(2 * np.pi * 15_000 * np.arange(24_000) / 48_000).astype(np.float32)
    assert np.abs(mel.resampled(tone, 48_000, 16_000))[500:-500].max() < 1e-2


@pytest.mark.parametrize("rate", [4000, 8000, 16_000, 22_050, 44_100, 48_000, 192_000])
def test_no_band_is_empty_at_any_rate(rate):
    settings = MelSettings.of_rate(rate)
    assert (settings.filters.max(0) > 0).all()
    assert settings.frames_per_second == pytest.approx(80, rel=0.01)


def test_a_tone_is_in_its_band():
    settings = MelSettings.of_rate(16_000)
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    found = mel.log_mel(tone, settings)
    assert found.shape == (81, 80)
    assert set(found[5:-5].argmax(1)) == {int(settings.filters[round(1000 * settings.fft / 16_000)].argmax())}


def test_silence_at_both_ends_is_cut_and_that_within_stays():
    settings = MelSettings.of_rate(8000)
    said, gap = sound("ab cd"), np.zeros(4000, np.float32)
    assert abs(len(mel.trimmed(np.concatenate([gap, said, gap]), settings)) - len(said)) <= 6 * settings.hop
    assert len(mel.trimmed(np.concatenate([said, gap, said]), settings)) > 2 * len(said) + 3500
    assert not len(mel.trimmed(gap, settings))


def test_what_is_heard_has_the_spectrogram_it_was_made_of():
    settings = MelSettings.of_rate(16_000)
    wanted = mel.log_mel(sound("a calm day", 16_000), settings)
    heard = mel.griffin_lim(wanted, settings)
    again = mel.log_mel(heard, settings)
    assert len(again) == len(wanted)
    loud = wanted > -6
    rough = mel.log_mel(mel.griffin_lim(wanted, settings, rounds=0), settings)
    assert np.abs(again - wanted)[loud].mean() < 0.6 * np.abs(rough - wanted)[loud].mean()
    assert np.array_equal(heard, mel.griffin_lim(wanted, settings))


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_hardly_a_frame_is_no_trouble(frames):
    settings = MelSettings.of_rate(8000)
    assert np.isfinite(mel.griffin_lim(np.full((frames, 80), -2.0, np.float32), settings)).all()
    assert mel.log_mel(np.ones(frames, np.float32), settings).shape[1] == 80


def test_texts_have_one_spelling():
    assert speech_text.normalised([
        "Hello, WORLD", "كتاب  يك\u200cي ۱۲", "«Ёлка» — и\u0306", None, "it\u2019s…...", "دَر"]) == [
        "hello, world", "کتاب یک\u200cی 12", '"ёлка" - й', "", "it's……", "دَر"]
    known = speech_text.alphabet(["cab", "bad"])
    assert known == "abcd"
    assert speech_text.numbers("bad", known).tolist() == [3, 2, 5, 1]
    assert speech_text.unknown(["xxa", "y"], known) == ["x", "y"]
