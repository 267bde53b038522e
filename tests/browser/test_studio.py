"""The studio: panels made when first opened, three languages, two themes, the keyboard, and names for everything."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.cells import RUN, SLOW
from tests.browser.conftest import Open
from tests.browser.inside import press, state_of
from tests.browser.lab import Lab, Notebook

pytestmark = pytest.mark.browser

PANELS = {"control_panel": "Train", "live_charts": "Charts", "kitchen": "Kitchen", "hardware_monitor": "Hardware"}
STUDIO = "studio = nbtrain.Studio()\nstudio"
OPENED = "list(studio.opened)"


def tab(studio: Locator, name: str) -> Locator:
    return studio.get_by_role("tab", name=name, exact=True)


def inner(studio: Locator) -> Locator:
    """The panel that is shown inside the studio."""
    return studio.locator("[role=tabpanel]:not([hidden]) .nbt-live")


def test_panels_are_made_when_they_are_first_opened(notebooks: Open):
    notebook = notebooks(RUN.replace('name="slow"', 'name="slow", show=False'), STUDIO, "")
    notebook.run(0)
    notebook.run(1)
    studio = notebook.panel(1)
    expect(state_of(studio)).to_have_text("Running")
    opened = []
    for name, title in PANELS.items():
        tab(studio, title).click()
        expect(inner(studio)).to_be_visible()
        opened.append(name)
        assert notebook.ask(OPENED) == opened
    tab(studio, "Train").click()
    expect(state_of(studio)).to_be_visible()
    assert notebook.ask(OPENED) == list(PANELS)
    assert inner(studio).count() == 1

    # What runs is seen in each of them.
    tab(studio, "Charts").click()
    expect(inner(studio).get_by_role("img", name="Loss (Training) of slow")).to_be_visible()
    tab(studio, "Kitchen").click()
    expect(inner(studio).locator(".nbt-kitchen-name")).to_have_text("slow")
    tab(studio, "Hardware").click()
    expect(inner(studio)).to_contain_text("Memory")


def test_language_is_switched_live(notebooks: Open):
    notebook = notebooks(RUN, STUDIO, "run.pause();")
    notebook.run(0)
    notebook.run(1)
    studio, beside = notebook.panel(1), notebook.panel(0)
    expect(state_of(studio)).to_have_text("Running")
    language = studio.locator(".nbt-studio-language select")
    language.select_option("fa")
    expect(studio).to_have_attribute("dir", "rtl")
    for panel in (inner(studio), beside):  # open panels change too, those outside of the studio as well
        expect(panel).to_have_attribute("dir", "rtl")
        expect(panel).to_have_attribute("lang", "fa")
        expect(state_of(panel)).to_have_text("در حال اجرا")
        figures = panel.locator(".nbt-figures")
        expect(figures).to_contain_text("۱٬۰۰۰")
        assert not set("0123456789") & set(figures.inner_text())
    start, end = (studio.locator(place).bounding_box() for place in (".nbt-form-side", ".nbt-run-side"))
    assert start
    assert end
    assert start["x"] > end["x"]  # the form stands where reading begins
    language.select_option("ru")
    expect(studio).to_have_attribute("dir", "ltr")
    expect(state_of(beside)).to_have_text("Идёт обучение")
    notebook.run(2)
    expect(state_of(beside)).to_have_text("Пауза")
    language.select_option("en")
    expect(state_of(beside)).to_have_text("Paused")


def test_the_keyboard_reaches_everything(notebooks: Open):
    notebook = notebooks(SLOW, STUDIO, "")
    notebook.run(0)
    notebook.run(1)
    studio = notebook.panel(1)
    keys = notebook.page.keyboard
    expect(button(inner(studio), "Start")).to_be_enabled()

    # Arrows walk the tabs, and the panel follows.
    tab(studio, "Train").focus()
    expect(tab(studio, "Train")).to_be_focused()
    for name in ("Datasets", "Models", "Charts"):
        keys.press("ArrowRight")
        expect(tab(studio, name)).to_be_focused()
        expect(tab(studio, name)).to_have_attribute("aria-selected", "true")
    keys.press("End")
    expect(tab(studio, "Hardware")).to_be_focused()
    keys.press("ArrowRight")
    expect(tab(studio, "Train")).to_be_focused()
    expect(inner(studio).locator(".nbt-train")).to_be_visible()

    # Tab walks from there to an explanation, to each field, and to the button.
    panel = inner(studio)
    tab_to(panel.get_by_role("button", name="Explain: Epochs"))
    tooltip = studio.get_by_role("tooltip")
    expect(tooltip).to_contain_text("training set")
    keys.press("Escape")
    expect(tooltip).to_have_count(0)
    tab_to(panel.get_by_role("textbox", name="Epochs", exact=True))
    tab_to(button(panel, "Start"))
    keys.press("Enter")
    expect(state_of(studio)).to_have_text("Running")
    # A screen reader tells the change by itself: the state stands in a live region, which is not replaced.
    expect(state_of(studio)).to_have_attribute("role", "status")
    state_of(studio).evaluate("region => { region.known = true; }")
    tab(studio, "Train").focus()
    tab_to(button(panel, "Pause"))
    keys.press("Space")
    expect(state_of(studio)).to_have_text("Paused")
    assert state_of(studio).evaluate("region => region.known") is True

    # Stop asks, the harmless answer has the focus, Escape takes it back.
    tab(studio, "Train").focus()
    tab_to(button(panel, "Stop"))
    keys.press("Enter")
    expect(button(studio.get_by_role("alertdialog"), "Keep training")).to_be_focused()
    keys.press("Escape")
    expect(studio.get_by_role("alertdialog")).to_have_count(0)
    expect(button(panel, "Stop")).to_be_focused()


def test_every_control_has_a_name(notebooks: Open):
    notebook = notebooks(RUN.replace('name="slow"', 'name="slow", show=False'), STUDIO, "")
    notebook.run(0)
    notebook.run(1)
    studio = notebook.panel(1)
    for title in PANELS.values():
        tab(studio, title).click()
        expect(inner(studio)).to_be_visible()
    tab(studio, "Train").click()
    press(inner(studio), "Stop")
    press(inner(studio), "Stop the run")
    expect(state_of(studio)).to_have_text("Stopped")
    folded = inner(studio).locator("h3 button[aria-expanded=false]")
    while folded.count():
        folded.first.click()
    controls = studio.locator("button, input, select, [role=img], [role=progressbar], [role=tabpanel]")
    assert controls.count() > 30
    # In one look: what comes and goes between two would be missed, or waited for.
    assert controls.evaluate_all(f"nodes => nodes.filter(node => !({NAME})(node)).map(node => node.outerHTML)") == []
    assert studio.evaluate("""root => {
        const ids = [...root.querySelectorAll('[id]')].map(node => node.id);
        return ids.filter((id, place) => ids.indexOf(id) !== place);
    }""") == []


def test_colours_follow_the_theme(notebooks: Open, lab: Lab):
    notebook = notebooks(RUN, STUDIO, "")
    notebook.run(0)
    notebook.run(1)
    panel = notebook.panel(0)
    expect(panel.get_by_role("img", name="Loss (Training)")).to_be_visible()
    light = colours(panel)
    switch_theme(notebook, "JupyterLab Dark")
    try:
        expect(panel).to_have_attribute("data-nbt-theme", "dark")
        expect(notebook.panel(1)).to_have_attribute("data-nbt-theme", "dark")
        dark = colours(panel)
        assert light["loss"].upper() == "#A16207"
        assert dark["loss"].upper() == "#FDE047"
        assert luminance(light["ground"]) > 0.8 > luminance(light["text"]) + 0.6
        assert luminance(dark["text"]) > 0.8 > luminance(dark["ground"]) + 0.6
        # The lines on the canvas too, not only what has a style.
        loss = panel.get_by_role("img", name="Loss (Training)")
        notebook.page.wait_for_function(BRIGHT_LINE, arg=loss.locator("canvas").first.element_handle())
    finally:
        switch_theme(notebook, "JupyterLab Light")
    expect(panel).to_have_attribute("data-nbt-theme", "light")


#: The accessible name of a control, by the ways that panels use.
NAME = """node => {
    const text = of => of?.textContent?.trim();
    const by = (node.getAttribute('aria-labelledby') ?? '').split(' ').filter(Boolean);
    return node.getAttribute('aria-label') || by.map(id => text(document.getElementById(id))).join(' ')
        || [...(node.labels ?? [])].map(text).join(' ') || (node.tagName === 'BUTTON' && text(node)) || '';
}"""

BRIGHT_LINE = """canvas => {
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.length; i += 4)
        if (data[i + 3] > 200 && data[i] > 240 && data[i + 1] > 210 && data[i + 2] < 120) return true;
    return false;
}"""


def button(panel: Locator, name: str) -> Locator:
    return panel.get_by_role("button", name=name, exact=True)


def tab_to(control: Locator) -> None:
    """Press Tab until this control has the focus. While a command waits for its answer, Tab passes the buttons by."""
    expect(control).to_be_enabled()
    for _ in range(60):
        control.page.keyboard.press("Tab")
        if control.evaluate("node => node === document.activeElement"):
            return
    pytest.fail(f"Tab does not come to {control}.")


def colours(panel: Locator) -> dict[str, str]:
    found: dict[str, str] = panel.evaluate("""root => {
        const style = getComputedStyle(root);
        let ground = root;
        while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
        return {loss: style.getPropertyValue('--nbt-loss').trim(), text: style.color,
            ground: getComputedStyle(ground).backgroundColor};
    }""")
    return found


def luminance(colour: str) -> float:
    """Of ``rgb(…)``, roughly: 0 is black, 1 white."""
    parts: list[Any] = colour[colour.index("(") + 1:-1].split(",")
    return sum(float(part) for part in parts[:3]) / (3 * 255)


def switch_theme(notebook: Notebook, name: str) -> None:
    """Settings → Theme → `name`, as a person does it."""
    page = notebook.page
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Theme").first.hover()
    page.locator(".lm-Menu-itemLabel").get_by_text(name, exact=True).click()
