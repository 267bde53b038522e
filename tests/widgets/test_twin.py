from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from nbtrain.core.control import State
from nbtrain.widgets import twin

from .conftest import FakeRun

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&</style></svg>"


class Reader(HTMLParser):
    """Tags, attributes and text of a page, as a browser finds them; void tags close themselves."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.texts, self.attributes = [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(self.texts)


@pytest.fixture
def run():
    run = FakeRun(name="digits")
    run.control.move_to(State.RUNNING)
    return run


def drawing(page):
    """The SVG of a page's one image."""
    (data,) = re.findall(r"src='data:image/svg\+xml;base64,([^']+)'", page)
    return base64.b64decode(data).decode()


def test_the_drawing_is_whole_and_says_which_curve_is_which(run):
    run.measure(loss=0.5, val_loss=0.6)
    run.measure(loss=0.4, val_loss=0.5)
    svg = ET.fromstring(drawing(twin.render([run])))  # noqa: S314 - we made it
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["0.6", "0.4", "2", "Training", "Validation"]
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}path"))) == 2


def test_hostile_strings_stay_text(run):
    run.name = run.reason = HOSTILE
    run.error = ValueError(HOSTILE)
    run.measure(**{"loss": 0.5, HOSTILE: 1.0})
    page = Reader(twin.page(run))
    assert set(page.tags) <= {
        "html", "head", "meta", "title", "body", "div", "style", "h4", "bdi", "p", "img", "table", "tr", "th",
        "td"}
    assert not [name for name in page.attributes if name.startswith("on") or name == "href"]
    assert page.attributes.count("src") == 1
    assert page.open == []
    assert page.text.count("<script>alert(1)</script>") >= 4


@pytest.mark.parametrize("count", [1, 4, 20])
def test_stays_small_at_any_length(count):
    runs = [FakeRun(f"r{i}", name="x" * 500) for i in range(count)]
    for run in runs:
        for step in range(20_000):
            run.measure(loss=1e-3 * step, accuracy=0.1234567)
        run.history.append("val_loss", 1, 1.0)
        for place in range(60):
            run.history.append(f"metric {place} {'y' * 300}", 1, 0.123456789)
        run.error = ValueError("z" * 50_000)
    page = twin.render(runs)
    assert len(page.encode()) <= 20_000


def test_curves_keep_peaks_and_lift_the_pen_at_gaps(run):
    for step in range(5000):
        run.measure(loss=float("nan") if 1000 <= step < 4000 else 9.0 if step == 500 else 0.5)
    page = twin.render([run])
    (path,) = re.findall(r"<path class='' d='([^']+)'", drawing(page))
    heights = [float(y) for y in re.findall(r",([\d.]+)", path)]
    assert min(heights) == twin.MARGIN
    assert path.count("M") == 2
    assert "nan" not in path


def test_says_how_the_run_stands(run):
    for loss in (0.9, 0.3, 0.5):
        run.measure(loss=loss)
    run.seconds = 75.0
    text = Reader(twin.render([run])).text
    for part in ("digits", "Running", "Step 3 of 1,000", "Epoch 0 of 10", "1 min 15 s", "0.5", "0.3", "0.9"):
        assert part in text
    assert twin.line(run) == "digits: Running, Step 3 of 1,000, loss 0.5"
    run.total_steps = None
    assert twin.line(run) == "digits: Running, Step 3, loss 0.5"


def test_series_are_called_what_the_charts_call_them(run):
    run.measure(loss=0.5, accuracy=0.9, val_macro_f1=0.8, my_metric=0.1, val_my_metric=0.2)
    text = Reader(twin.render([run])).text
    for title in ("Loss", "Accuracy", "F1 (macro) (validation)", "my_metric", "val_my_metric"):
        assert title in text


def test_speaks_the_language_and_reads_its_way(run):
    run.measure(loss=0.5)
    page = twin.render([run], "fa")
    assert "<div class='nbt-static' lang='fa' dir='rtl'>" in page
    assert "۱٬۰۰۰" in page
    assert "Running" not in page


def test_no_run_yet():
    assert "No run yet." in Reader(twin.render([])).text


def test_light_and_dark(run):
    run.measure(loss=0.5)
    page = twin.render([run])
    assert "prefers-color-scheme:dark" in drawing(page)
    assert "[data-jp-theme-light=false] .nbt-static{color-scheme:dark}" in page
