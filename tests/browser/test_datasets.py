"""The datasets panel in a real notebook: import, look, split, process, check, delete with undo, a large upload."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Open
from tests.browser.inside import press
from tests.browser.lab import Lab, Notebook

pytestmark = pytest.mark.browser

PANEL = "import nbtrain\npanel = nbtrain.DatasetsPanel()\npanel"
MIB = 2**20


def opened(notebooks: Open) -> tuple[Notebook, Locator]:
    notebook = notebooks(PANEL, "")
    notebook.run(0)
    return notebook, notebook.panel(0)


def name_of(panel: Locator) -> Locator:
    """Where the chosen dataset says its name."""
    return panel.locator(".nbt-name h2")


def add_data(panel: Locator) -> None:
    """Go where data is added; without datasets the panel is there."""
    add = panel.get_by_role("button", name="Add data", exact=True)
    expect(add.or_(panel.locator(".nbt-drop")).first).to_be_visible()
    if add.count():
        add.click()


def bring(panel: Locator, source: str) -> None:
    """Import from a path."""
    add_data(panel)
    panel.get_by_role("textbox", name="Or say where the data lies").fill(source)
    press(panel, "Import")


def reviews(lab: Lab, name: str = "reviews.csv") -> str:
    """A file with two classes, one row three times, and markup in a cell."""
    rows = [f"text number {n} of its kind,{n},{'good' if n % 3 else 'bad'}" for n in range(120)]
    rows += ["once more,7,good"] * 3 + ["<img src=x onerror=document.title='hacked'>,8,good"]
    (lab.folder / name).write_text("text,stars,label\n" + "\n".join(rows) + "\n")
    return name


def test_from_the_first_file_to_a_corrected_dataset(notebooks: Open, lab: Lab):
    notebook, panel = opened(notebooks)
    expect(panel.get_by_text("No datasets yet")).to_be_visible()
    bring(panel, "nowhere.csv")
    expect(panel.locator(".nbt-failed")).to_contain_text("nowhere.csv")
    press(panel, "Dismiss")
    bring(panel, reviews(lab))
    expect(name_of(panel)).to_have_text("reviews")
    expect(panel.locator(".nbt-detail-preview")).to_contain_text("text number 3 of its kind")
    expect(panel.locator(".nbt-detail-facts")).to_contain_text("124 rows")

    panel.get_by_role("tab", name="Profile").click()
    expect(panel.locator(".nbt-class-list li")).to_have_count(2)
    expect(panel.locator(".nbt-profile-columns tbody tr")).to_have_count(3)

    panel.get_by_role("tab", name="Split").click()
    press(panel, "Split")
    counts = panel.locator(".nbt-parts-count")
    expect(counts).to_have_count(3)
    assert sum(int(count) for count in counts.all_inner_texts()) == 124

    panel.get_by_role("tab", name="Quality").click()
    press(panel, "Check the quality")
    finding = panel.locator(".nbt-finding", has_text="repeat an earlier row")
    expect(finding).to_be_visible()
    finding.get_by_role("button", name="Show 2 examples").click()
    expect(panel.locator(".nbt-detail-child").last).to_contain_text("once more")
    expect(panel.locator(".nbt-detail-child").last).not_to_contain_text("text number 3 of its kind")
    press(panel, "Show all rows")
    panel.get_by_role("tab", name="Quality").click()
    finding.locator("button").first.click()
    expect(name_of(panel)).not_to_have_text("reviews")
    expect(panel.locator(".nbt-detail-facts")).to_contain_text("122 rows")
    assert notebook.ask("sorted(d.rows for d in nbtrain.datasets())") == [122, 124]
    assert "hacked" not in notebook.page.title()


def test_steps_are_tried_before_they_are_applied_and_a_deletion_is_taken_back(notebooks: Open, lab: Lab):
    notebook, panel = opened(notebooks)
    bring(panel, reviews(lab, "stars.csv"))
    expect(name_of(panel)).to_have_text("stars")
    panel.get_by_role("tab", name="Process").click()
    panel.get_by_role("combobox", name="Add a step…").select_option("scale")
    after = panel.locator(".nbt-trial").nth(1)
    expect(after.locator("thead th.nbt-changed")).to_have_text("stars")
    panel.get_by_role("textbox", name="Into a new dataset called").fill("scaled stars")
    press(panel, "Apply")
    expect(name_of(panel)).to_have_text("scaled stars")
    assert abs(notebook.ask("float(nbtrain.load_dataset('scaled stars').frame()['stars'].mean())")) < 0.2

    press(panel, "Rename")
    field = panel.get_by_role("textbox", name="New name")
    field.fill("stars")
    field.press("Enter")
    expect(panel.locator(".nbt-name .nbt-field-problem")).to_contain_text("stars")
    field.fill("ستاره‌ها")
    field.press("Enter")
    expect(name_of(panel)).to_have_text("ستاره‌ها")

    press(panel, "Delete")
    expect(name_of(panel)).not_to_have_text("ستاره‌ها")
    names = "[d.name for d in nbtrain.datasets()]"
    assert "ستاره‌ها" not in notebook.ask(names)
    press(panel, "Undo")
    expect(name_of(panel)).to_have_text("ستاره‌ها")
    assert "ستاره‌ها" in notebook.ask(names)


def test_a_file_with_bad_rows_is_imported_without_them(notebooks: Open, lab: Lab):
    notebook, panel = opened(notebooks)
    (lab.folder / "broken.csv").write_text("a,b\n" + "1,2\n" * 40 + "1,2,3,4,5\n" + "3,4\n" * 4)
    bring(panel, "broken.csv")
    failed = panel.locator(".nbt-failed")
    expect(failed).to_contain_text("42")
    press(panel, "Skip bad rows and keep them in a file")
    expect(name_of(panel)).to_have_text("broken")
    expect(panel.locator(".nbt-detail-rejected")).to_contain_text("rejected.csv")
    assert notebook.ask("nbtrain.load_dataset('broken').rows") == 44


@pytest.mark.slow
def test_two_hundred_megabytes_go_up_survive_a_reload_and_arrive_whole(notebooks: Open, tmp_path: Path):
    notebook, panel = opened(notebooks)
    path = tmp_path / "large.csv"
    line = b"%07d," + b"the quick brown fox jumps over the lazy dog and comes home late at night " * 10 + b"\n"
    with path.open("wb") as file:
        file.write(b"id,text\n")
        count = 0
        while file.tell() < 200 * MIB:
            file.write(b"".join(line % number for number in range(count, count + 10_000)))
            count += 10_000
    add_data(panel)
    panel.locator("input[type=file]").set_input_files(path)
    card = panel.locator(".nbt-task", has_text="Uploading large.csv")
    expect(card).to_contain_text("a second")

    notebook.save()
    notebook.reload()
    panel = notebook.panel(0)
    add_data(panel)
    half = panel.locator(".nbt-half")
    expect(half).to_contain_text("Choose the same file again")
    panel.locator("input[type=file]").set_input_files(path)
    expect(name_of(panel)).to_have_text("large")
    assert notebook.ask("nbtrain.load_dataset('large').rows") == count
    ids = "nbtrain.load_dataset('large').frame(['id'])['id'].astype(int).tolist()"
    assert notebook.ask(f"{ids} == list(range({count}))")
