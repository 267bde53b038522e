"""Text from outside stays text: in panels, the static twin, and plotly's figure."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.cells import SLOW
from tests.browser.conftest import Open
from tests.browser.inside import press, state_of
from tests.browser.lab import Notebook

pytestmark = pytest.mark.browser

#: Each would set `window.pwned`, or ask a host that is not ours, if anything took it for markup or code.
ATTACKS = [
    "<img src=x onerror=window.pwned=1>",
    "<img src=http://outside.test/a.png>",
    "<script>window.pwned=1</script>",
    "</style><script>window.pwned=1</script>",
    "</title></svg><svg onload=window.pwned=1>",
    "<a href=javascript:window.pwned=1>click</a>",
    "'\" onmouseover=window.pwned=1 x='",
    "<b>bold</b><br><a href='http://outside.test/'>link</a>",
    "{step} $x^2$ [a](javascript:window.pwned=1)",
    "\u202egnihtemos \u2066",
    "nul \x00 bell \x07",
]
ALL = " ".join(ATTACKS)
HOSTILE = SLOW + f"""
ATTACKS = {ATTACKS!r}
LONG = {ALL!r} + "x" * 10_000
Slow.__name__ = Slow.__qualname__ = ATTACKS[0]
"""
#: All is there before the run ends: the static copy is drawn at the end, and then no more.
TRAIN = """
import threading
there = threading.Event()
def metric(output, target):
    if threading.current_thread() is not threading.main_thread():
        there.wait(60)
    return (output.argmax(1) == target).float().mean()
metric.__name__ = metric.__qualname__ = ATTACKS[0]
run = nbtrain.train(net, (X, y), name=LONG, epochs=1, metrics=[metric])
for name in ATTACKS:  # metrics are renamed where they are taken in; here they come as if they were not
    for epoch in (1, 2, 3):
        run.history.append(name, epoch * 25, 0.1 * epoch)
        run.history.append("val_" + name, epoch * 25, 0.2 * epoch)
there.set()
run.wait()
"""
FIGURE = "run.figure(live=True)"
#: A panel whose words from the kernel are hostile: names of variables and classes, and an error's message.
CHOOSERS = """
for place, name in enumerate(ATTACKS):
    globals()[name] = net
    globals()[f"net{place}"] = net
nbtrain.ControlPanel()
"""
FAILING = """
class Failing(Slow):
    def forward(self, x):
        if self.training and run_of and run_of[0].step > 20:
            raise type(ATTACKS[2], (RuntimeError,), {})(LONG)
        return super().forward(x)
run_of = []
failing = Failing()
run_of.append(nbtrain.train(failing, (X, y), name=ATTACKS[3], epochs=5))
"""


def nothing_happened(notebook: Notebook) -> None:
    """No text of ours became an element, or ran."""
    page = notebook.page
    for _ in range(3):
        page.mouse.move(400, 300)
        page.mouse.move(700, 600)
    assert page.evaluate("window.pwned") is None
    made = page.evaluate("""() => [...document.querySelectorAll(
        '.jp-OutputArea :is(img:not(.nbt-static img[src^="data:image/svg+xml;base64,"]), ' +
        'script, a[href^=javascript], [onerror], [onload], [onmouseover]), ' +
        '.jp-OutputArea .nbt b, .jp-OutputArea .nbt-static :is(b, br, a)')].map(found => found.outerHTML)""")
    assert made == []


def test_the_watch_notices_what_it_is_there_for(notebooks: Open):
    notebook = notebooks("""
        from IPython.display import HTML, display
        display(HTML("<img src=http://outside.test/a.png onerror=window.pwned=1>"))
    """.replace("        ", ""))
    notebook.run(0)
    notebook.page.wait_for_function("window.pwned === 1")
    with pytest.raises(AssertionError):
        nothing_happened(notebook)
    assert set(notebook.heard.outside(notebook.page.url)) == {"http://outside.test/a.png"}
    notebook.page.evaluate("document.querySelectorAll('[onerror]').forEach(found => found.remove())")
    notebook.page.wait_for_timeout(500)  # what the page asked for before that is still told
    notebook.heard.requested.clear()
    notebook.heard.console.clear()


def test_names_of_runs_metrics_and_classes_stay_text(notebooks: Open):
    notebook = notebooks(HOSTILE + TRAIN, "nbtrain.LiveCharts(run)", "nbtrain.Kitchen(run)", FIGURE, "")
    notebook.run(0)
    panel = notebook.panel(0)
    expect(state_of(panel)).to_have_text("Finished")
    expect(panel.locator(".nbt-run-name")).to_contain_text(ATTACKS[0])
    for place in (1, 2):
        notebook.run(place)
        expect(notebook.panel(place)).to_be_visible()
    charts = notebook.panel(1)
    for attack in ATTACKS[:9]:
        expect(charts.locator("h3", has_text=attack).first).to_be_attached()
    expect(notebook.panel(2).locator(".nbt-kitchen-name")).to_contain_text(ATTACKS[0])
    twin = notebook.cells.nth(0).locator(".nbt-static")
    expect(twin.locator("h4")).to_contain_text(ATTACKS[0][:30])
    expect(twin.locator("table")).to_contain_text(ATTACKS[2])
    notebook.run(3)
    figure = notebook.cells.nth(3)
    expect(figure.locator(".main-svg").first).to_be_visible()
    for attack in (ATTACKS[2], ATTACKS[5], ATTACKS[7]):  # plotly itself makes bold text and links of some tags
        expect(figure.locator(".annotation-text", has_text=attack).first).to_be_attached()
    figure.locator(".nsewdrag").first.hover()  # a label that grows out of the names
    nothing_happened(notebook)
    notebook.page.evaluate("document.querySelectorAll('.nbt-live').forEach(panel => panel.remove())")
    expect(twin).to_be_visible()
    nothing_happened(notebook)


def test_variables_errors_and_answers_stay_text(notebooks: Open):
    notebook = notebooks(HOSTILE + CHOOSERS, FAILING, "")
    notebook.run(0)
    panel = notebook.panel(0)
    model = panel.get_by_label("Model", exact=True)
    expect(model.locator("option", has_text=ATTACKS[0]).first).to_be_attached()
    expect(model.locator("option", has_text=ATTACKS[2]).first).to_be_attached()
    model.select_option(index=1)
    panel.get_by_label("Data", exact=True).select_option(index=1)
    # A browser that was tampered with sends what no form would.
    refused = panel.evaluate("""async (root, attacks) => {
        const find = node => node?.props?.panel ?? (node?.__k ?? []).map(find).find(Boolean);
        const panel = find(root.__k);
        const said = [];
        const wrong = Object.fromEntries(attacks.map(attack => [attack, attack]));
        for (const [kind, fields] of [
            ["check", {options: {optimizer: attacks[2], epochs: attacks[0]}}],
            ["check", {options: wrong}],
            ["start", {options: {}, model: attacks[3], data: attacks[4]}],
            ["resume_run", {run: attacks[0]}],
            ["range", {run: attacks[1], name: attacks[2], first: 0, last: 1, points: 9}],
            ["language", {language: attacks[5]}],
            [attacks[6], {}],
        ]) {
            try {
                await panel.rpc.request(kind, fields);
                said.push(null);
            } catch (error) {
                panel.error.set(error);
                said.push(error.message);
                await new Promise(requestAnimationFrame);
            }
        }
        return said;
    }""", ATTACKS)
    assert [message for message in refused if not message] == []
    expect(panel.get_by_role("alert")).to_contain_text("onmouseover=window.pwned=1")
    nothing_happened(notebook)
    press(panel.get_by_role("alert"), "Dismiss")

    notebook.run(1)
    failed = notebook.panel(1)
    expect(state_of(failed)).to_have_text("Failed")
    expect(failed.get_by_role("alert")).to_contain_text(ATTACKS[2])
    expect(notebook.cells.nth(1).locator(".nbt-static .nbt-error")).to_contain_text(ATTACKS[2])
    nothing_happened(notebook)

