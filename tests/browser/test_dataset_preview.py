"""The preview of a table in a real browser: four million rows, Persian, images, and cells that mean harm."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Open
from tests.browser.inside import press
from tests.browser.test_hostile_text import ATTACKS, nothing_happened

pytestmark = pytest.mark.browser

BIG = """
import duckdb, nbtrain
duckdb.sql('''COPY (
    SELECT i AS id, (i * 7919) % 1000 AS amount, 'class ' || (i % 3) AS label, md5(i::VARCHAR) AS text
    FROM range(4_000_000) t(i)) TO 'big.parquet' (FORMAT parquet)''')
"""
PERSIAN = """
import nbtrain
from pathlib import Path
lines = ["متن,count"] + [f"سلام شماره {i} از یک متن فارسی،{i}" if i % 2 else f"Hello {i},{i}" for i in range(40)]
Path("fa.csv").write_text("\\n".join(lines).replace("،", ","), encoding="utf-8")
nbtrain.set_language("fa")
"""
IMAGES = """
import nbtrain
from pathlib import Path
from PIL import Image
for place, name in enumerate(("cats", "dogs")):
    Path("pictures", name).mkdir(parents=True)
    for number in range(20):
        Image.new("RGB", (120, 80), (90 * place, 8 * number, 120)).save(f"pictures/{name}/{number}.png")
"""
HOSTILE = f"""
import nbtrain, pandas as pd
ATTACKS = {[attack for attack in ATTACKS if "outside" not in attack]!r}
frame = pd.DataFrame({{
    **{{attack: [f"{{ATTACKS[(row + column) % len(ATTACKS)]}} {{row}}" for row in range(100)]
       for column, attack in enumerate(ATTACKS)}},
    "formula": ["=HYPERLINK('http://outside.test')"] * 100,
    "nested": [{{"<img src=x onerror=window.pwned=1>": ATTACKS[row % len(ATTACKS)]}} for row in range(100)]}})
"""


def table(panel: Locator) -> Locator:
    return panel.locator(".nbt-table")


def cell(panel: Locator, row: int, column: int) -> Locator:
    """The cell in the row with this number (from 1) and the column at this place (from 0)."""
    rows = panel.locator(".nbt-row").filter(has=panel.page.locator(f".nbt-row-number:text-is('{row:,}')"))
    return rows.locator(f"[data-column='{column}']")


def scroll(panel: Locator, share: float) -> None:
    table(panel).evaluate("(table, share) => { table.scrollTop = share * table.scrollHeight; }", share)


def test_four_million_rows_are_scrolled_sorted_filtered_and_searched(notebooks: Open):
    notebook = notebooks(BIG, "nbtrain.DatasetPreview('big.parquet', target='label')")
    notebook.run(0)
    notebook.run(1)
    panel = notebook.panel(1)
    count = panel.locator(".nbt-row-count")
    expect(count).to_have_text("4,000,000 rows")
    expect(cell(panel, 1, 0)).to_have_text("0")

    scroll(panel, 1)
    expect(cell(panel, 4_000_000, 0)).to_have_text("3999999")
    scroll(panel, 0.5)
    expect(panel.locator(".nbt-row-number").nth(15)).to_have_text(re.compile(r"(2,000|1,999),\d{3}"))
    box = table(panel).bounding_box()
    assert box is not None
    notebook.page.mouse.move(box["x"] + 200, box["y"] + 250)
    first = panel.locator(".nbt-row-number").nth(15)
    before = int(first.inner_text().replace(",", ""))
    notebook.page.mouse.wheel(0, 56)
    expect(first).to_have_text(f"{before + 2:,}")  # two rows, though one pixel of the scrollbar stands for eleven

    panel.get_by_title("Sort by amount").click()
    panel.get_by_title("Sort by amount").click()
    expect(panel.locator("[aria-sort=descending]")).to_contain_text("amount")
    expect(cell(panel, 322, 1)).to_have_text("999")  # 321 · 7919 ends in 999
    scroll(panel, 1)
    expect(cell(panel, 3_999_001, 1)).to_have_text("0")

    expect(panel.locator(".nbt-classes-legend")).to_contain_text("1,333,334 · 33%")
    press(panel.locator(".nbt-classes-legend"), "class 1 1,333,333 · 33%")
    expect(count).to_have_text("1,333,333 of 4,000,000 rows")
    press(panel.locator(".nbt-chips"), "Remove this filter")
    panel.get_by_role("searchbox").fill("c4ca4238a0b923820dcc509a6f75849b")  # the hash of 1
    expect(count).to_have_text("1 of 4,000,000 rows")
    expect(cell(panel, 2, 0)).to_have_text("1")


def test_a_press_on_a_bar_filters_and_the_keyboard_opens_a_cell(notebooks: Open):
    notebook = notebooks(BIG.replace("4_000_000", "3_000"), "nbtrain.DatasetPreview('big.parquet')")
    notebook.run(0)
    notebook.run(1)
    panel = notebook.panel(1)
    bars = panel.locator(".nbt-head").nth(2).locator(".nbt-bars-bar")
    expect(bars).to_have_count(3)
    bars.first.click()
    expect(panel.locator(".nbt-row-count")).to_have_text("1,000 of 3,000 rows")
    expect(bars.first).to_have_attribute("aria-pressed", "true")
    table(panel).focus()
    for key in ("ArrowDown", "ArrowDown", "End", "Enter"):
        notebook.page.keyboard.press(key)
    pane = panel.locator(".nbt-pane")
    expect(pane).to_contain_text("32 characters")
    expect(pane).to_contain_text("Row 4")
    notebook.page.keyboard.press("Escape")
    expect(pane).to_have_count(0)
    panel.locator(".nbt-head-kind").nth(1).click()
    expect(pane.locator(".nbt-facts")).to_contain_text("999")
    assert notebook.cells.count() == 2, "no key went to the notebook"

    head = panel.locator(".nbt-head").first
    width, grip = head.bounding_box(), panel.locator(".nbt-head-grip").first.bounding_box()
    assert width is not None
    assert grip is not None
    notebook.page.mouse.move(grip["x"] + 3, grip["y"] + 20)
    notebook.page.mouse.down()
    notebook.page.mouse.move(grip["x"] + 63, grip["y"] + 20, steps=4)
    notebook.page.mouse.up()
    expect(head).to_have_css("inline-size", f"{width['width'] + 60:g}px")


def test_persian_reads_right_to_left_and_its_digits_are_the_interfaces_own(notebooks: Open):
    notebook = notebooks(PERSIAN, "nbtrain.DatasetPreview('fa.csv')")
    notebook.run(0)
    notebook.run(1)
    panel = notebook.panel(1)
    expect(panel.locator(".nbt-row-count")).to_contain_text("۴۰")
    rows = panel.locator(".nbt-row")
    expect(rows.nth(1).locator(".nbt-row-number")).to_have_text("۲")
    persian = rows.nth(1).locator("[data-column='0'] span")
    expect(persian).to_contain_text("سلام شماره 1")
    assert persian.evaluate("span => getComputedStyle(span).direction") == "rtl"
    english = rows.nth(2).locator("[data-column='0'] span")
    assert english.evaluate("span => getComputedStyle(span).direction") == "ltr"
    number = rows.nth(12).locator("[data-column='1']")
    expect(number).to_have_text("12")
    left = table(panel).evaluate("table => table.getBoundingClientRect().left")
    row = rows.nth(1).locator(".nbt-row-number").bounding_box()
    assert row is not None
    assert row["x"] > left + 400, "the first column is on the right"


def test_images_of_a_folder_are_shown_as_such(notebooks: Open):
    notebook = notebooks(IMAGES, "nbtrain.DatasetPreview('pictures')")
    notebook.run(0)
    notebook.run(1)
    panel = notebook.panel(1)
    picture = panel.locator("img.nbt-cell-picture").first
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", 48)  # it has its place on the page before it is decoded
    assert picture.evaluate("image => image.src.slice(0, 5)") == "blob:"
    picture.click()
    large = panel.locator(".nbt-pane img")
    expect(large).to_be_visible()
    expect(large).to_have_js_property("naturalWidth", 120)
    expect(panel.locator(".nbt-pane figcaption")).to_contain_text("120 × 80")
    panel.get_by_role("button", name="Close").click()
    expect(panel.locator(".nbt-pane")).to_have_count(0)


def test_a_thousand_hostile_cells_stay_text(notebooks: Open):
    notebook = notebooks(HOSTILE, "nbtrain.DatasetPreview(frame)")
    notebook.run(0)
    notebook.run(1)
    panel = notebook.panel(1)
    expect(panel.locator(".nbt-row-count")).to_have_text("100 rows")
    seen = 0
    for left in range(0, 4000, 400):
        table(panel).evaluate("(table, left) => { table.scrollLeft = left; }", left)
        for share in (0, 0.5, 1):
            scroll(panel, share)
            expect(panel.locator(".nbt-cell-waiting")).to_have_count(0)
            seen += panel.get_by_role("gridcell").count()
    assert seen > 1000
    table(panel).evaluate("table => { table.scrollTop = 0; table.scrollLeft = 0; }")
    cell(panel, 1, 0).dblclick()
    expect(panel.locator(".nbt-pane-text")).to_contain_text(ATTACKS[0])
    panel.locator(".nbt-head-kind").first.click()
    expect(panel.locator(".nbt-facts")).to_be_visible()
    table(panel).evaluate("table => { table.scrollLeft = table.scrollWidth; }")
    panel.locator(f"[data-column='{len(ATTACKS) - 1}']").first.dblclick()
    expect(panel.locator(".nbt-tree-name")).to_have_text("<img src=x onerror=window.pwned=1>")
    nothing_happened(notebook)


def test_a_previewed_file_is_imported_in_place_and_its_rows_are_seen_without_a_kernel(notebooks: Open):
    notebook = notebooks(
        PERSIAN.replace('set_language("fa")', 'set_language("en")'), 'nbtrain.DatasetPreview("fa.csv")',
        "nbtrain.DatasetsPanel()", "")
    for place in range(3):
        notebook.run(place)
    twins = [notebook.cells.nth(place).locator(".nbt-static") for place in (1, 2)]
    expect(cell(notebook.panel(1), 1, 0)).to_contain_text("Hello 0")
    expect(notebook.panel(2).get_by_text("No datasets yet")).to_be_visible()
    press(notebook.panel(1), "Import")
    expect(notebook.panel(1).get_by_text("It is now in the workspace as")).to_contain_text("fa")
    expect(notebook.panel(2).locator(".nbt-dataset-name")).to_have_text("fa")
    expect(twins[0]).to_contain_text("40 rows")
    expect(twins[1]).to_contain_text("fa")
    for twin in twins:
        expect(twin).to_be_hidden()
    assert notebook.ask("nbtrain.datasets()[0].rows") == 40
    notebook.save()
    notebook.close()

    later = notebooks(of=notebook)
    twin = later.cells.nth(1).locator(".nbt-static")
    expect(twin).to_be_visible()
    expect(twin).to_contain_text("40 rows")
    expect(twin.get_by_role("row")).to_have_count(11)
    expect(twin.get_by_role("row").nth(2).locator("[dir=auto]").first).to_contain_text("سلام شماره 1")
    expect(later.cells.nth(2).locator(".nbt-static").get_by_role("row").nth(1)).to_contain_text("fa")
    later.heard.excused = "widget model not found"
