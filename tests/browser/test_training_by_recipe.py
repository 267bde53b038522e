"""A training by a recipe, from the form to what is seen and heard of it, in a real notebook."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Open
from tests.browser.inside import press
from tests.browser.lab import Notebook

pytestmark = pytest.mark.browser

PRICES = """
import numpy as np, pandas as pd, nbtrain
rows = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=1000), "price": np.sin(np.arange(1000) / 5)})
rows["label"] = np.where(rows.price > 0, "up", "down")
nbtrain.load_dataset(rows, name="prices")
panel = nbtrain.ControlPanel()
panel
"""
#: A run that has ended, whose folder holds two epochs of samples, and what its figures should be.
SAMPLED = """
import gc, io, struct, wave, zlib
import numpy as np, torch, nbtrain
from nbtrain.core.samples import Sample, Sign
from nbtrain.store import samples
X = np.random.default_rng(0).normal(size=(100, 4)).astype("float32")
run = nbtrain.train(torch.nn.Linear(4, 2), (X, (X[:, 0] > 0).astype("int64")), epochs=2, show=False)
run.wait()
def png():
    line = b"\\0" + bytes(v for x in range(64) for v in (x * 4, 128, 255 - x * 4))
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    start, pixels = b"\\x89PNG\\r\\n\\x1a\\n", zlib.compress(line * 64)
    return start + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
def wav():
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1); sound.setsampwidth(2); sound.setframerate(8000)
        sound.writeframes((np.sin(np.arange(8000) / 3) * 9000).astype("<i2").tobytes())
    return file.getvalue()
for epoch in (1, 2):
    samples.keep(run.folder, epoch, epoch * 3, [
        Sample(title="Once upon a time", kind="text", content=f"there was <b>epoch</b> {epoch}".encode()),
        Sample(title="یکی بود", kind="text", content="یکی نبود، غیر از خدا هیچ‌کس نبود.".encode()),
        Sample(title="a face", kind="image", content=png(), mime="image/png"),
        Sample(title="a sentence", kind="audio", content=wav(), mime="audio/wav")])
samples.keep_signs(run.folder, [
    Sign(name="loss", low=0.0, high=10.0), Sign(name="grad_norm", low=100.0, high=200.0)])
found, run = run.id, None
gc.collect()
nbtrain.show(found)
"""


def choose(panel: Locator, label: str, value: str) -> None:
    panel.get_by_label(label, exact=True).select_option(value)


def opened(notebooks: Open, cell: str) -> tuple[Notebook, Locator]:
    notebook = notebooks(cell, "")
    notebook.run(0)
    return notebook, notebook.panel(0)


def test_a_recipe_is_started_from_the_form_on_a_dataset(notebooks: Open):
    notebook, panel = opened(notebooks, PRICES)
    choose(panel, "Data", "dataset:prices")
    choose(panel, "Recipe", "timeseries")
    expect(panel.get_by_role("textbox", name="Epochs")).to_have_value("150")
    expect(panel.get_by_label("Model", exact=True)).to_have_value("")
    choose(panel, "Model", "architecture:hybrid-cnn-lstm")
    choose(panel, "Target", "label")
    choose(panel, "Time", "day")
    panel.get_by_role("textbox", name="Epochs").fill("1")
    press(panel, "What will happen?")
    forecast = panel.locator(".nbt-forecast dl")
    expect(forecast).to_contain_text("hybrid-cnn-lstm")
    expect(forecast).to_contain_text("to learn from")
    press(panel, "Start")
    expect(panel.get_by_text("Finished", exact=True)).to_be_visible()
    options = notebook.ask("dict(panel.run.options())")
    assert (options["recipe"], options["epochs"], options["window"]) == ("timeseries", 1, 64)
    assert notebook.ask("panel.run._trainer.given.origin['columns']['time']") == "day"


def test_samples_and_signs_are_seen_and_heard_also_after_a_reload(notebooks: Open):
    notebook, panel = opened(notebooks, SAMPLED)
    samples = panel.locator(".nbt-samples")
    expect(samples).to_contain_text("there was <b>epoch</b> 2")
    expect(samples.locator("audio")).to_have_js_property("duration", 1)
    samples.get_by_role("button", name="Enlarge a face").click()
    large = panel.page.get_by_role("dialog", name="a face")
    expect(large.locator("img")).to_be_visible()
    panel.page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    samples.get_by_label("Samples of which epoch").select_option("1")
    expect(samples).to_contain_text("there was <b>epoch</b> 1")
    expect(panel.locator(".nbt-signs li").nth(0)).to_contain_text("Well")
    expect(panel.locator(".nbt-signs li").nth(1)).to_contain_text("Look here")
    notebook.save()
    notebook.reload()
    expect(notebook.panel(0).locator(".nbt-samples")).to_contain_text("there was <b>epoch</b> 2")
