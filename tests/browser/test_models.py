"""The model browser in a real notebook, with a Hub on this machine: from a search to an export, by mouse."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from playwright.sync_api import Locator, expect

from nbtrain.hub.local import LocalHub, samples
from tests.browser.conftest import Open
from tests.browser.inside import press, soon
from tests.browser.lab import Lab, Notebook

pytestmark = pytest.mark.browser

PANEL = "import nbtrain\npanel = nbtrain.ModelBrowser()\npanel"
NET = """
import torch
from PIL import Image
from nbtrain.models import architectures
torch.manual_seed(0)
net = architectures.build("mlp", inputs=3, outputs=2, hidden=[4])
nbtrain.models.import_(net, name="{name}")
"""
TOKEN = "hf_canaryCanaryCanaryCanary"  # noqa: S105 - looked for where it must not be
BIG = "nbtrain/wide-bert"
WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    """One model whose weights take a while, and three hundred that are only listed."""
    with LocalHub() as server:
        wide = {"hidden_size": 128, "intermediate_size": 512}
        samples.add(server, BIG, labels=("bad", "good"), config=wide, downloads=50_000, card="# Wide\n\nReal *words*.")
        samples.add_plain(server, 300)
        yield server


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, hub: LocalHub) -> Iterator[Lab]:
    """A server whose kernels use that Hub, and have a cache of their own."""
    folder = tmp_path_factory.mktemp("browser")
    environment = {
        **hub.environment(), "HF_TOKEN": TOKEN, "HF_HOME": str(folder / "hub"),
        "HF_HUB_CACHE": str(folder / "hub" / "cache"),
        "NBTRAIN_HOME": str(folder / "workspace"), "NBTRAIN_HUB_RETRIES": "5"}
    with Lab(folder / "lab", environment=environment) as found:
        yield found


def opened(notebooks: Open, before: str = "") -> tuple[Notebook, Locator]:
    notebook = notebooks(PANEL.replace("\n", f"\n{before}\n", 1), "")
    notebook.run(0)
    return notebook, notebook.panel(0)


def on_the_hub(panel: Locator) -> None:
    panel.get_by_role("tab", name="Hugging Face").click()


def results(panel: Locator) -> Locator:
    return panel.get_by_role("listbox", name="Models found")


def name_of(panel: Locator) -> Locator:
    """Where the chosen model says its name."""
    return panel.locator(".nbt-name h2")


def toast(panel: Locator) -> Locator:
    return panel.locator(".nbt-toast")


def drop(panel: Locator, path: Path) -> None:
    """Drop a file onto the panel, which somebody sees by then."""
    expect(panel.get_by_role("tab", name="My models")).to_be_visible()
    given = {"name": path.name, "content": base64.b64encode(path.read_bytes()).decode()}
    data = panel.page.evaluate_handle(
        """({name, content}) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], name));
            return data;
        }""", given)
    panel.locator(".nbt-models").dispatch_event("drop", {"dataTransfer": data})


def content(path: Path) -> bytes:
    """Of a file that the kernel may take away meanwhile: a lock, a journal of the database."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def starts(hub: LocalHub) -> list[int]:
    """The bytes that weights were asked for from."""
    ranges = [each.range for each in hub.log if each.range]
    return [int(each.removeprefix("bytes=").partition("-")[0]) for each in ranges]


def test_the_hub_is_searched_filtered_and_paged_through(notebooks: Open):
    _, panel = opened(notebooks)
    on_the_hub(panel)
    expect(results(panel).get_by_role("option").first).to_be_visible()
    foot = panel.locator(".nbt-models-foot").last
    expect(foot).to_contain_text("30 models, more as you scroll")
    results(panel).evaluate("list => { list.scrollTop = list.scrollHeight; }")
    expect(foot).to_contain_text("60 models, more as you scroll")

    panel.get_by_role("combobox", name="Task").select_option("image-classification")
    panel.get_by_role("combobox", name="Order").last.select_option("downloads")
    panel.get_by_role("searchbox", name="Search Hugging Face").fill("model-000")
    expect(foot).to_contain_text("that is all")
    shown = results(panel).get_by_role("option")
    expect(shown.first).to_contain_text("Image classification")
    expect(shown).to_have_count(2)
    names = [text.split()[0] for text in shown.all_inner_texts()]
    assert sorted(names) == ["many/model-0002", "many/model-0006"]

    panel.get_by_role("searchbox", name="Search Hugging Face").fill("nothing is called so")
    expect(panel.get_by_text("Nothing was found")).to_be_visible()


def test_a_download_survives_cuts_a_stop_and_a_restart_of_the_kernel(notebooks: Open, hub: LocalHub, lab: Lab):
    notebook, panel = opened(notebooks)
    hub.cut(WEIGHTS, [100_000, 150_000])
    hub.pace(WEIGHTS, 60_000)  # what is left after both cuts takes half a minute: Stop comes before that
    on_the_hub(panel)
    panel.get_by_role("searchbox", name="Search Hugging Face").fill("wide")
    results(panel).get_by_role("option", name=BIG).click()
    expect(panel.get_by_text("Real words.")).to_be_visible()
    panel.get_by_role("button", name="Download ").last.click()
    panel.locator(".nbt-models-head").get_by_role("button", name="1 download under way").click()
    entry = panel.locator(".nbt-download")
    expect(entry.locator(".nbt-download-facts")).to_contain_text("a second")
    soon(panel, lambda: max(starts(hub), default=0) >= 250_000, wanted=True)  # both cuts were met
    press(entry, "Stop")
    expect(entry).to_have_attribute("data-phase", "stopped")
    assert notebook.ask("len(nbtrain.models.list())") == 0

    hub.mend()
    hub.log.clear()
    lab.restart(notebook.name)
    expect(panel.get_by_text("The kernel is gone")).to_be_visible()
    notebook.run(0)
    panel = notebook.panel(0)
    press(panel, "Downloads")
    entry = panel.locator(".nbt-download")
    expect(entry).to_have_attribute("data-phase", "stopped")
    press(entry, "Go on")
    expect(entry).to_have_attribute("data-phase", "done")
    assert min(starts(hub)) >= 250_000  # not from the start again
    press(entry, "Show")
    expect(name_of(panel)).to_have_text("wide-bert")

    panel.get_by_role("tab", name="Try it").click()
    panel.locator(".nbt-try-field textarea").fill("a good film")
    press(panel, "Predict")
    expect(panel.locator(".nbt-guess")).to_have_count(2)
    said = notebook.ask("nbtrain.models.predict('wide-bert', {'text': 'a good film'})['guesses'][0]['label']")
    expect(panel.locator(".nbt-guess-label").first).to_have_text(said)

    notebook.save()
    assert f"Bearer {TOKEN}" in hub.tokens
    files = [path for path in lab.folder.parent.rglob("*") if path.is_file()]
    assert lab.folder / notebook.name in files
    assert not [path for path in files if TOKEN.encode() in content(path)]


def test_a_file_is_dropped_named_tagged_deleted_and_brought_back(notebooks: Open, tmp_path: Path):
    notebook, panel = opened(notebooks)
    path = tmp_path / "dropped.pt"
    torch.save(torch.nn.Linear(3, 2).state_dict(), path)
    drop(panel, path)
    failed = panel.locator(".nbt-failed")
    expect(failed).to_contain_text("is a pickle. Convert it?")
    press(failed, "Convert it safely")
    expect(name_of(panel)).to_have_text("dropped")

    press(panel, "Rename")
    field = panel.get_by_role("textbox", name="Name of the model")
    field.fill("مدل من")
    field.press("Enter")
    expect(name_of(panel)).to_have_text("مدل من")
    tag = panel.get_by_label("+ tag")
    tag.fill("<img src=x onerror=document.title='hacked'>")
    tag.press("Enter")
    expect(panel.locator(".nbt-model-taglist li")).to_have_count(1)
    category = panel.locator(".nbt-model-category input")
    category.fill("toys")
    category.press("Enter")
    expect(toast(panel)).to_contain_text("toys")
    models = "[[m.name, m.category, len(m.tags)] for m in nbtrain.models.list('', category='toys')]"
    assert notebook.ask(models) == [["مدل من", "toys", 1]]

    press(panel, "Delete")
    panel.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(name_of(panel)).not_to_be_visible()
    assert notebook.ask(models) == []
    press(panel, "Undo")
    expect(name_of(panel)).to_have_text("مدل من")
    assert notebook.ask(models) == [["مدل من", "toys", 1]]
    assert "hacked" not in notebook.page.title()


def test_a_version_is_promoted_exported_and_tried(notebooks: Open, lab: Lab):
    notebook, panel = opened(notebooks, NET.format(name="small"))
    panel.get_by_role("listbox", name="My models").get_by_role("option", name="small").click()
    expect(name_of(panel)).to_have_text("small")
    panel.get_by_role("combobox", name="Stage", exact=True).last.select_option("production")
    expect(panel.locator(".nbt-model-title .nbt-stage")).to_have_text("Production")
    assert notebook.ask("nbtrain.models.get('small').stage") == "production"
    press(panel, "Verify the files")
    expect(toast(panel)).to_contain_text("unchanged")

    panel.get_by_role("tab", name="Export").click()
    panel.get_by_role("combobox", name="Format").select_option("onnx")
    panel.get_by_role("textbox", name="File or folder").fill("out/small.onnx")
    panel.locator(".nbt-out").first.get_by_role("button", name="Export").click()
    expect(panel.locator(".nbt-written")).to_contain_text("Largest difference from PyTorch")
    assert (lab.folder / "out" / "small.onnx").is_file()
    panel.locator(".nbt-out").first.get_by_role("button", name="Export").click()
    expect(panel.locator(".nbt-out .nbt-field-problem")).to_contain_text("there already")

    panel.get_by_role("tab", name="Try it").click()
    field = panel.locator(".nbt-try-field textarea")
    field.fill("1, 2")
    press(panel, "Predict")
    expect(panel.locator(".nbt-try-field .nbt-field-problem")).to_contain_text("2 numbers were given")
    field.fill("۱ ۲ ۳")
    press(panel, "Predict")
    expect(panel.locator(".nbt-figures dt")).to_have_text(["output 1", "output 2"])


def test_a_model_is_chosen_in_the_training_form(notebooks: Open):
    form = "import nbtrain" + NET.format(name="chosen") + "form = nbtrain.ControlPanel()\nform"
    notebook = notebooks(form, PANEL, "")
    notebook.run(0)
    notebook.run(1)
    panel = notebook.panel(1)
    panel.get_by_role("listbox", name="My models").get_by_role("option", name="chosen").click()
    press(panel, "Train this model")
    expect(toast(panel)).to_contain_text("uses")
    expect(notebook.panel(0).locator(".nbt-choosers select").first).to_have_value("model:chosen")


def test_an_image_is_chosen_and_tried(notebooks: Open, tmp_path: Path):
    before = """
from nbtrain.models import architectures
net = architectures.build("resnet", channels=1, outputs=2, width=4, blocks=[1])
nbtrain.models.import_(net, name="sees")
"""
    _, panel = opened(notebooks, before)
    panel.get_by_role("listbox", name="My models").get_by_role("option", name="sees").click()
    panel.get_by_role("tab", name="Try it").click()
    Image.new("L", (12, 12), 90).save(tmp_path / "grey.png")
    chosen = panel.locator(".nbt-try-pick")
    press(panel, "Predict")
    expect(panel.locator(".nbt-try-field .nbt-field-problem")).to_contain_text("fill it in")
    for _ in range(2):  # what was looked at is gone, and comes once more
        chosen.set_input_files(tmp_path / "grey.png")
        press(panel, "Predict")
        expect(panel.locator(".nbt-figures dt")).to_have_text(["output 1", "output 2"])
    (tmp_path / "bad.png").write_text("no image")
    chosen.set_input_files(tmp_path / "bad.png")
    press(panel, "Predict")
    expect(panel.locator(".nbt-try-field .nbt-field-problem")).to_contain_text("no image that can be decoded")
