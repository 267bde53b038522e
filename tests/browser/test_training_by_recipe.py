"""A training by a recipe, from the form to what is seen and heard of it, in a real notebook."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Open
from tests.browser.inside import press, soon, state_of, states
from tests.browser.lab import Lab, Notebook
from tests.recipes.drawn import folder_of_dots, folder_of_shapes
from tests.recipes.spoken import save

pytestmark = pytest.mark.browser

PRICES = """
import numpy as np, pandas as pd, nbtrain
rows = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=1000), "price": np.sin(np.arange(1000) / 5)})
rows["label"] = np.where(rows.price > 0, "up", "down")
nbtrain.load_dataset(rows, name="shares")
panel = nbtrain.ControlPanel()
panel
"""
#: A dataset for every recipe; what is seen and heard lies in folders beside the notebook.
DATASETS = """
import numpy as np, pandas as pd, nbtrain
draw = np.random.default_rng(0)
flowers = pd.DataFrame({"petals": draw.normal(size=120), "colour": draw.choice(["red", "blue"], 120)})
flowers["kind"] = np.where(flowers.petals > 0, "rose", "daisy")
prices = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=300), "price": np.sin(np.arange(300) / 5)})
prices["label"] = np.where(prices.price > 0, "up", "down")
said = [f"{who} {how} {place} number {n}" for who in ("Anna", "Boris") for n, place in enumerate(
    ("the harbour", "the market", "the mill", "the hill", "the old bridge") * 4) for how in ("likes", "hates")]
opinions = pd.DataFrame({"text": said, "label": ["good" if "likes" in each else "bad" for each in said]})
words = pd.DataFrame({"tokens": [each.split() for each in said]})
words["tags"] = [["B-PER"] + ["O"] * (len(each) - 1) for each in words.tokens]
for name, data in {"flowers": flowers, "prices": prices, "opinions": opinions, "words": words, "shapes": "shapes",
                   "dots": "dots", "sounds": "sounds"}.items():
    nbtrain.load_dataset(data, name=name)
panel = nbtrain.ControlPanel()
panel
"""
#: By recipe: the dataset, what is said of its columns and its model, options by their group, and the model that learnt.
ASKED: dict[str, tuple[str, dict[str, str], dict[str, dict[str, str]], str]] = {
    "tabular": ("flowers", {"Target": "kind"}, {}, "tabular-mlp"),
    "timeseries": (
        "prices", {"Model": "architecture:hybrid-cnn-lstm", "Target": "label", "Time": "day"},
        {"Time series": {"Window": "16"}}, "hybrid-cnn-lstm"),
    "text-classification": (
        "opinions", {"Target": "label", "Texts": "text"}, {"Text": {"Longest sequence": "16"}}, "bert-tiny"),
    "token-classification": (
        "words", {"Target": "tags", "Texts": "tokens"}, {"Text": {"Longest sequence": "16"}}, "bert-tiny"),
    "causal-lm": ("opinions", {"Texts": "text"}, {"Text": {"Longest sequence": "16"}}, "gpt2-tiny"),
    "image-classification": ("shapes", {"Target": "label"}, {"Images": {"Image size": "16"}}, "resnet"),
    "landmarks": ("dots", {}, {"Images": {"Image size": "32"}}, "hrnet"),
    "speech": ("sounds", {"Texts": "text"}, {"Speech": {"Model size": "tiny", "Sample rate": "8000"}}, "text-to-mel"),
}
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


def fill(panel: Locator, group: str, label: str, value: str) -> None:
    """Set an option, its group opened."""
    head = panel.locator(".nbt-group").get_by_role("button").filter(has=panel.page.get_by_text(group, exact=True))
    if head.get_attribute("aria-expanded") == "false":
        head.click()
    if panel.get_by_role("combobox", name=label, exact=True).count():
        choose(panel, label, value)
    else:
        panel.get_by_role("textbox", name=label, exact=True).fill(value)


def test_every_recipe_is_started_from_the_form_on_a_dataset(notebooks: Open, lab: Lab):
    folder_of_shapes(lab.folder / "shapes", 6)
    folder_of_dots(lab.folder / "dots", 12)
    save(lab.folder / "sounds")
    notebook, panel = opened(notebooks, DATASETS)
    for count, (recipe, (dataset, chosen, options, model)) in enumerate(ASKED.items()):
        choose(panel, "Recipe", recipe)
        choose(panel, "Data", f"dataset:{dataset}")
        choose(panel, "Model", "")
        for label, value in chosen.items():
            choose(panel, label, value)
        for group, values in {"Training": {"Epochs": "1"}, **options}.items():
            for label, value in values.items():
                fill(panel, group, label, value)
        if recipe == "timeseries":
            expect(panel.get_by_role("textbox", name="Batch size")).to_have_value("128")
            press(panel, "What will happen?")
            forecast = panel.locator(".nbt-forecast dl")
            expect(forecast).to_contain_text("hybrid-cnn-lstm")
            expect(forecast).to_contain_text("to learn from")
        before = {state["run"] for state in states(panel)}
        press(panel, "New run" if count else "Start")
        soon(panel, lambda: bool({state["run"] for state in states(panel)} - before), wanted=True)  # noqa: B023 - called at once
        expect(state_of(panel)).to_have_text("Finished")
        told = notebook.ask("{'options': dict(panel.run.options()), 'origin': panel.run._trainer.given.origin,"
                            " 'name': panel.run.name, 'steps': panel.run.step}")
        assert (told["options"]["recipe"], told["options"]["epochs"]) == (recipe, 1)
        assert (told["origin"]["recipe"], told["name"]) == (recipe, model)
        assert told["steps"] > 0


def test_what_the_form_holds_is_there_after_a_reload_and_on_another_page(notebooks: Open):
    notebook, panel = opened(notebooks, PRICES)
    choose(panel, "Data", "dataset:shares")
    choose(panel, "Recipe", "timeseries")
    expect(panel.get_by_role("textbox", name="Epochs")).to_have_value("150")
    choose(panel, "Model", "architecture:tcn")
    choose(panel, "Target", "label")
    choose(panel, "Time", "day")
    fill(panel, "Training", "Batch size", "many")
    notebook.save()
    fill(panel, "Training", "Epochs", "1")
    notebook.reload()  # at once, as one does
    there = notebook.panel(0)
    expect_draft(there)
    expect(there.get_by_text("1 option needs a change")).to_be_visible()

    other = notebooks(of=notebook).panel(0)
    expect_draft(other)
    fill(other, "Training", "Batch size", "32")
    expect(there.get_by_role("textbox", name="Batch size")).to_have_value("32")
    press(there, "Start")
    expect(state_of(there)).to_have_text("Finished")
    assert notebook.ask("dict(panel.run.options())['batch_size']") == 32


def expect_draft(panel: Locator) -> None:
    for label, value in {
        "Data": "dataset:shares", "Recipe": "timeseries", "Model": "architecture:tcn", "Target": "label", "Time": "day",
    }.items():
        expect(panel.get_by_label(label, exact=True)).to_have_value(value)
    for label, value in {"Epochs": "1", "Batch size": "many"}.items():
        expect(panel.get_by_role("textbox", name=label)).to_have_value(value)


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
