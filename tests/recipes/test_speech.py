"""The recipe `speech`, from a folder of recordings to sentences that are heard."""

from __future__ import annotations

import io
import json
import math
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

import nbtrain
import nbtrain.ordering
import nbtrain.recipes.base
from nbtrain.config import TrainConfig
from nbtrain.core.errors import ConfigError, DataError, ModelError
from nbtrain.data.keeping.library import Library
from nbtrain.engine.batch import Batch
from nbtrain.models.architectures.text_to_mel import END, TextToMel
from nbtrain.recipes import mel, speech_clips
from nbtrain.recipes.mel import MelSettings
from nbtrain.recipes.speech import SIZES, Speech
from nbtrain.recipes.speech_steps import FREE, SpeechStep
from tests.halves import stopped
from tests.recipes.spoken import SENTENCES, save, sound
from tests.test_resuming import in_another_kernel

PARTS = ("mel_loss", "kl_loss", "stop_loss")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(tmp_path / "sounds")


def train(data, model="text-to-mel", **options):
    return nbtrain.train(model, data, show=False, **{
        "recipe": "speech", "text": "text", "model_size": "tiny", "sample_rate": 8000, "epochs": 2, "batch_size": 6,
        "validation": 0.2, **options})


def prepared(data, model="text-to-mel", **options):
    columns = nbtrain.recipes.base.Columns(target=options.pop("target", None), text=options.pop("text", "text"))
    made = nbtrain.ordering.ordered(model, data, columns, {"recipe": "speech", "sample_rate": 8000, **options})
    assert made is not None
    return made.prepared()


def put(folder: Path, number: int, samples, rate: int = 8000) -> None:
    soundfile.write(folder / f"{number:02}.wav", np.asarray(samples, np.float32), rate)


def retell(folder: Path, number: int, text: str) -> None:
    lines = (folder / "texts.csv").read_text(encoding="utf-8").splitlines()
    lines[number + 1] = f'{number:02}.wav,"{text}"'
    (folder / "texts.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


# -- a run ------------------------------------------------------------------------------------------


def test_sentences_are_learnt_and_new_ones_heard(folder):
    run = train(folder, epochs=30, batch_size=3, learning_rate=3e-3, warmup_steps=0, sample_every=15)
    assert run.wait() == "finished"
    first, last = run.history["mel_loss"].values[0], run.history["mel_loss"].values[-4:].mean()
    assert last < 0.7 * first
    for name in PARTS:
        values = run.history[name].values
        assert len(values) == run.step
        assert np.isfinite(values).all()
        assert f"val_{name}" in run.history
    weighted = (1.0, 0.5, 1.0)
    total = sum(weight * run.history[name].values for weight, name in zip(weighted, PARTS, strict=True))
    np.testing.assert_allclose(total, run.history["loss"].values, rtol=1e-5)
    assert set(run.evaluate()) == {"loss", *PARTS}

    said = run.predict(["a bad day", "باد آمد"])
    assert [len(each.attention[0]) for each in said] == [10, 8]  # the characters, and the end
    for each in said:
        assert each.log_mel.shape[1] == 80
        np.testing.assert_allclose(each.attention.sum(1), 1, rtol=1e-3)
        assert 0 < each.seconds < 5
        with wave.open(io.BytesIO(each.wav())) as heard:
            assert heard.getframerate() == 8000
            assert heard.getnframes() == len(each.samples)
        assert each._repr_html_().startswith("<audio controls")
    [again] = run.predict(["a bad day"])
    np.testing.assert_allclose(again.log_mel, said[0].log_mel, atol=1e-3)


def test_after_an_epoch_there_is_something_to_hear_and_to_see(folder):
    made = prepared(folder, model_size="tiny")
    kinds = [(each.kind, each.mime) for each in made.samples(made.model.eval(), 1)]
    assert kinds == [("audio", "audio/wav"), ("image", "image/png"), ("image", "image/png")]
    audio, attention, compared = made.samples(made.model.eval(), 1)
    assert audio.title in {text.lower() for text in SENTENCES}
    assert soundfile.read(io.BytesIO(audio.content))[1] == 8000
    for each in (attention, compared):
        picture = Image.open(io.BytesIO(each.content))
        assert picture.width >= 500
        colours = picture.getcolors(maxcolors=2**24)
        assert colours is not None
        assert len(colours) > 20


def test_a_run_that_was_stopped_goes_on_in_another_kernel_bit_by_bit(folder):
    whole = train(folder, epochs=3, name="whole")
    whole.wait()
    run = stopped(train, folder, after=2, epochs=3, name="cut")
    done = in_another_kernel("""
        run = nbtrain.resume(run_id, show=False)
        run.wait()
        print(json.dumps({"resumed": run.resumed, "sum": [p.double().sum().item() for p in run.model.parameters()],
                          "said": run.predict(["a bad cab"])[0].log_mel.sum().item()}))
    """, run_id=run.id)
    assert done["resumed"] == {"exact": True, "reasons": []}
    assert done["sum"] == [p.double().sum().item() for p in whole.model.parameters()]
    assert done["said"] == whole.predict(["a bad cab"])[0].log_mel.sum().item()


def test_what_was_learnt_is_registered_and_gone_on_with(folder, tmp_path):
    run = train(folder, epochs=1)
    run.wait()
    run.register("voice", promote=False)
    more = train(folder, "voice", epochs=1)
    assert more.wait() == "finished"
    other = save(tmp_path / "other", ["a bad cab", "dad had a bag", "a fat cab", "a tab"])
    with pytest.raises(ModelError, match="was made for other data"):
        train(other, "voice", validation=0.0)


def test_it_is_chosen_where_a_model_that_speaks_meets_sounds(folder):
    run = nbtrain.train("text-to-mel", folder, text="text", model_size="tiny", sample_rate=8000, epochs=1, show=False,
                        validation=0.0)
    assert run.wait() == "finished"
    assert run.options()["recipe"] == "speech"


def test_signs_and_sizes(folder):
    made = prepared(folder, model_size="small")
    assert [(sign.name, sign.low, sign.high) for sign in made.signs] == [("loss", 1, 10), ("grad_norm", 0, 1)]
    assert made.model.config["width"] == SIZES["small"]["width"]
    assert made.loss_weights == {"mel_loss": 1.0, "kl_loss": 0.5, "stop_loss": 1.0}
    assert made.model_origin["config"]["alphabet"] == made.fitted["alphabet"]
    json.dumps(made.fitted)


@pytest.mark.parametrize(("level", "rate", "clip", "decay", "warmup"), [
    ("basic", 1e-5, 0.5, 1e-7, 3000), ("normal", 5e-5, 1.0, 1e-6, 2000), ("fast", 1e-4, 1.0, 1e-6, 1000)])
def test_levels_have_their_values(level, rate, clip, decay, warmup):
    config = TrainConfig(recipe="speech", optimization_level=level)
    assert [config[name] for name in ("learning_rate", "max_grad_norm", "weight_decay", "warmup_steps")] == [
        rate, clip, decay, warmup]
    assert config["label_smoothing"] == 0


# -- what cannot be used ------------------------------------------------------------------------------


def test_an_empty_text_is_named(folder):
    retell(folder, 3, " … ")
    with pytest.raises(DataError, match="has no word in row 3"):
        prepared(folder)


def test_characters_that_cannot_be_said_are_named(folder):
    retell(folder, 2, "100 € for a cab")
    retell(folder, 5, "a cab ☺")
    with pytest.raises(DataError, match=r"'€' \(U\+20AC\), '☺' \(U\+263A\) in 2 rows \(2, 5\)"):
        prepared(folder)


def test_characters_that_were_not_learnt_are_named(folder):
    run = train(folder, epochs=1)
    run.wait()
    with pytest.raises(DataError, match=r"never seen: 'z' \(U\+007A\) in row 1"):
        run.predict(["a cab", "a zoo"])
    with pytest.raises(DataError, match="has no word in row 0"):
        run.predict([""])


def test_a_recording_that_cannot_be_read_is_named(folder):
    dataset = nbtrain.load_dataset(folder)
    (folder / "04.wav").write_bytes((folder / "04.wav").read_bytes()[:30])
    with pytest.raises((DataError, nbtrain.core.errors.DataFileError), match=r"04\.wav"):  # the import looks already
        nbtrain.load_dataset(folder, name="again")
    table = Library().table(dataset.id)
    sounds = [(4, b"RIFF0000WAVE")]
    with pytest.raises(DataError, match="cannot be read in row 4"):
        speech_clips._write(iter(sounds), folder, f"'audio' of {table.name}", MelSettings.of_rate(8000))


def test_a_silent_recording_is_named(folder):
    put(folder, 7, np.zeros(8000))
    with pytest.raises(DataError, match="are silent in row 7; drop these rows"):
        prepared(folder)


def test_a_recording_that_is_too_long_is_named(folder):
    put(folder, 1, np.tile(sound("a bad cab"), 100))
    with pytest.raises(DataError, match="longer than 40 seconds in row 1; cut them into sentences"):
        prepared(folder)


def test_a_text_that_is_too_long_for_its_recording_is_named(folder):
    retell(folder, 6, "мама мыла раму " * 8)
    with pytest.raises(DataError, match=r"much too long for its recording .* in row 6 \(119 characters in 0\.\d+ sec"):
        prepared(folder)


def test_mixed_rates_are_brought_to_one_and_told(folder):
    put(folder, 0, sound(SENTENCES[0], 16_000), 16_000)
    put(folder, 1, sound(SENTENCES[1], 11_025), 11_025)
    made = prepared(folder, validation=0.0)
    assert made.notes == ["2 of 15 recordings are brought to 8,000 Hz: 1 of 11,025 Hz, 1 of 16,000 Hz."]
    assert abs(int(made.train.lengths[0]) - 43) < 3  # 9 letters of 60 ms, 80 frames a second


def test_digits_are_told(folder):
    retell(folder, 0, "room ۱۲")
    assert "1 texts have numbers in digits" in prepared(folder).notes[0]


@pytest.mark.parametrize(("options", "said"), [
    ({"target": "text"}, "The target 'text' of sounds holds text values"),
    ({"text": "txet"}, "did you mean 'text'"),
    ({"text": "duration"}, "The text 'duration' of sounds holds number values"),
])
def test_columns_of_another_kind_are_refused(folder, options, said):
    with pytest.raises(DataError, match=said):
        prepared(folder, **options)


def test_weights_of_nothing_are_refused(folder):
    with pytest.raises(ConfigError, match="are all 0"):
        prepared(folder, mel_loss_weight=0, kl_loss_weight=0, stop_loss_weight=0)


def test_rows_without_recordings_are_refused():
    with pytest.raises(DataError, match="has no column of recordings"):
        prepared([{"text": "a cab"}, {"text": "a bag"}] * 4)


# -- parts ------------------------------------------------------------------------------------------


def test_spectrograms_are_made_once_and_mapped(folder, workspace, monkeypatch):
    made = prepared(folder, validation=0.0)
    monkeypatch.setattr(mel, "log_mel", None)  # a second time nothing is computed
    again = prepared(folder, validation=0.0, model_size="tiny")
    assert isinstance(again.train._recordings.mel, np.memmap)
    assert torch.equal(again.train.take(torch.arange(3), None)[1], made.train.take(torch.arange(3), None)[1])
    assert again.train.fingerprint() == made.train.fingerprint()
    rows = [np.asarray(made.train.spectrogram(row)) for row in range(len(made.train))]
    np.testing.assert_allclose(np.concatenate(rows).mean(0), 0, atol=1e-3)


def step(model: Any, texts: Any, mels: Any, frames: Any, **kind: Any) -> Any:
    made = SpeechStep([1.0] * mels.shape[2], **{"huber": False, **kind})
    return made(model, Batch({"text": texts, "mel": mels, "frames": frames}, mels, len(mels)))


def tiny(**config):
    torch.manual_seed(0)
    return TextToMel.build(outputs=16, vocabulary=30, pace=4.0, **SIZES["tiny"], **config).eval()


def batch():
    torch.manual_seed(1)
    text = torch.randint(2, 30, (2, 9))
    text[:, -1] = END
    return text, torch.randn(2, 37, 16), torch.tensor([37, 31])


@pytest.mark.parametrize("huber", [False, True])
def test_padding_counts_in_no_loss(huber):
    model, (text, mels, frames) = tiny(), batch()
    torch.nn.init.normal_(model.mel.weight)
    longer, more = torch.cat([mels, torch.full((2, 13, 16), 7.0)], 1), torch.cat([text, torch.zeros(2, 4).long()], 1)
    plain, padded = step(model, text, mels, frames, huber=huber), step(model, more, longer, frames, huber=huber)
    for name in PARTS:
        torch.testing.assert_close(plain[name], padded[name], rtol=1e-5, atol=1e-6)


def test_losses_are_those_of_closed_forms():
    model, (text, mels, frames) = tiny(), batch()
    torch.nn.init.zeros_(model.stop.weight)
    torch.nn.init.constant_(model.latent.bias, 0.5)  # mean and logarithm of the variance
    found = step(model, text, mels, frames)
    real = torch.cat([mels[0], mels[1, :31]])
    torch.testing.assert_close(found["mel_loss"], real.abs().mean() + real.square().mean())
    assert found["kl_loss"].item() == pytest.approx(0.5 * (0.25 + math.exp(0.5) - 1 - 0.5), rel=1e-5)
    last, other = 5 * math.log1p(math.exp(2)), math.log1p(math.exp(-2))  # steps are 8 and 7, the logit −2
    assert found["stop_loss"].item() == pytest.approx((2 * last + 13 * other) / 15, rel=1e-5)


def test_the_end_of_a_short_recording_is_in_its_own_group_of_frames():
    """Six frames in groups of five are two steps, five are one."""
    model, (text, _, _) = tiny(), batch()
    torch.nn.init.zeros_(model.stop.weight)
    found = step(model, text, torch.randn(2, 6, 16), torch.tensor([6, 5]))
    last, other = 5 * math.log1p(math.exp(2)), math.log1p(math.exp(-2))  # the logit is −2
    assert found["stop_loss"].item() == pytest.approx((2 * last + other) / 3, rel=1e-5)


@pytest.mark.parametrize("size", [0.1, 0.4, 1.0])
def test_what_the_latent_tells_counts_always_and_pulls_only_beyond_what_is_free(size):
    model, (text, mels, frames) = tiny(), batch()
    torch.nn.init.constant_(model.latent.bias, size)
    found = step(model, text, mels, frames)["kl_loss"]
    told = 0.5 * (size**2 + math.exp(size) - 1 - size)
    assert found.item() == pytest.approx(told, rel=1e-5)
    found.backward()
    assert bool((model.latent.bias.grad != 0).all()) == (told > FREE)


def test_what_is_free_is_the_same_for_a_batch_and_its_pieces():
    model, (text, mels, frames) = tiny(), batch()
    torch.nn.init.normal_(model.latent.weight, std=2.0)
    step(model, text, mels, frames)["kl_loss"].backward()
    whole = model.latent.weight.grad.clone()
    model.zero_grad()
    for row in ([0], [1]):
        (step(model, text[row], mels[row], frames[row])["kl_loss"] / 2).backward()
    torch.testing.assert_close(model.latent.weight.grad, whole)
    assert whole.abs().max() > 0


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 50.0])
def test_nothing_is_nan_in_any_precision(precision, scale):
    model, (text, mels, frames) = tiny().train(), batch()
    with torch.no_grad():
        model.latent.weight.normal_(std=100.0)
        model.ask.weight.normal_(std=3.0)
    with torch.autocast("cpu", precision, enabled=precision is not torch.float32):
        found = step(model, text, mels * scale, frames)
    assert all(part.isfinite() for part in found.values())
    sum(found.values()).backward()
    # Gradients of 16 bits may overflow: the engine scales the loss until they do not.
    assert precision is torch.float16 or all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
    with torch.no_grad(), torch.autocast("cpu", precision, enabled=precision is not torch.float32):
        said = model.eval()(text)
    assert said.mel.isfinite().all()


def test_it_says_alone_what_it_says_among_others():
    model, (text, _, _) = tiny(), batch()
    torch.nn.init.normal_(model.mel.weight, std=0.1)
    text[1, 4:] = torch.tensor([END, 0, 0, 0, 0])
    together, alone = model(text), model(text[1:, :5])
    assert together.frames[1] == alone.frames[0]
    count = int(alone.frames[0])
    torch.testing.assert_close(together.mel[1, :count], alone.mel[0, :count], rtol=1e-4, atol=1e-5)


def test_a_model_that_gives_something_else_is_refused(folder):
    class Other(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(80, 80)

        def forward(self, text, mel, frames):
            return self.layer(mel)

    with pytest.raises(ModelError, match="Other gives no 'mel'"):
        train(folder, Other())


def test_suits_only_what_can_mean_nothing_else(folder):
    table = Library().table(nbtrain.load_dataset(folder).id)
    columns = nbtrain.recipes.base.Columns
    assert Speech().suits("text-to-mel", table, columns())
    assert Speech().suits(None, table, columns(text="text"))
    assert not Speech().suits(None, table, columns())
    assert not Speech().suits("mlp", table, columns(text="text"))
