"""A run's curves as a plotly figure: at rest, or as a FigureWidget that follows the run.

Live panels use a canvas chart that takes deltas; this is for those who want plotly's own tools. One
figure with subplots, at most 2,000 min–max points a trace in float32 arrays, updated twice a second.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nbtrain.core.decimate import minmax
from nbtrain.core.ports import RunView
from nbtrain.i18n import text, words

POINTS = 2000
#: Seconds between two updates of a live figure.
INTERVAL = 0.5

YELLOW, BLUE = "#CA8A04", "#2563EB"
#: Drawn after the metrics.
_LAST = ("learning_rate", "samples_per_second", "grad_norm")

#: Chart → series in it: ``{"loss": ["loss", "val_loss"], "accuracy": ["val_accuracy"], …}``.
Charts = dict[str, list[str]]


def figure(run: RunView, *, live: bool = False) -> go.Figure:
    """The curves of `run`: loss first, then each metric, then learning rate, throughput and gradient norm.

    With `live` it is a FigureWidget whose traces follow the run from a thread, until the run has ended.
    """
    ended = run.state.ended  # read first: then all there will be is drawn
    charts = _charts(run.history.names)
    drawn = _draw(run, charts)
    if not live:
        return drawn
    widget = go.FigureWidget(drawn)
    if not ended:
        threading.Thread(
            target=_follow, args=(run, widget, charts), name=f"nbtrain-figure-{run.id}", daemon=True).start()
    return widget


def _charts(names: list[str]) -> Charts:
    charts: Charts = {"loss": ["loss", "val_loss"]}
    for name in names:
        if name not in {"loss", "val_loss", "train_loss", *_LAST}:  # train_loss is loss, averaged over the epoch
            charts.setdefault(name.removeprefix("val_"), []).append(name)
    return charts | {name: [name] for name in _LAST}


def _points(run: RunView, name: str) -> tuple[Any, Any]:
    """Steps as int32 and values as float32, which travel as buffers; lists would travel as text."""
    if name not in run.history:
        return np.empty(0, np.int32), np.empty(0, np.float32)
    steps, values = minmax(run.history[name], POINTS)
    return steps.astype(np.int32), values.astype(np.float32)


def _draw(run: RunView, charts: Charts) -> go.Figure:
    rows = -(-len(charts) // 2)
    known = words()
    titles = [known.get(f"charts.metric.{chart}", chart) for chart in charts]
    drawn = make_subplots(
        rows=rows, cols=2, subplot_titles=[_plain(title) for title in titles], horizontal_spacing=0.09,
        vertical_spacing=0.32 / rows)
    for place, names in enumerate(charts.values()):
        row, column = place // 2 + 1, place % 2 + 1
        for name in names:
            steps, values = _points(run, name)
            validation = name.startswith("val_")
            drawn.add_trace(
                go.Scatter(
                    x=steps, y=values, mode="lines+markers" if validation and name != "val_loss" else "lines",
                    name=text("charts.validation" if validation else "charts.training"), marker={"size": 5},
                    line={
                        "color": BLUE if validation else YELLOW, "width": 1.5,
                        "dash": "dot" if validation else "solid",
                    }),
                row=row, col=column)
    drawn.update_layout(
        height=280 * rows, margin={"l": 56, "r": 16, "t": 48, "b": 48}, showlegend=False, hovermode="x unified",
        uirevision=run.id)  # as long as it stays the same, the zoom is kept while data flows
    return drawn


def _plain(title: str) -> str:
    """A title as text: plotly reads tags in titles, and a metric's name comes from outside."""
    return title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _follow(run: RunView, widget: go.FigureWidget, charts: Charts) -> None:
    """Update the traces until the run has ended; then once more."""
    while True:
        time.sleep(INTERVAL)  # first, too: what comes while a page still draws the figure breaks its drawing
        ended = run.state.ended
        now = _charts(run.history.names)
        with widget.batch_update():
            if now != charts:  # the first validation brought metrics that had no place yet
                drawn = _draw(run, now)
                _zoom(drawn, now, _zoomed(widget, charts))
                charts = now
                widget.data = []
                widget.add_traces(drawn.data)
                widget.layout = drawn.layout
            for trace, name in zip(widget.data, [name for names in charts.values() for name in names], strict=True):
                trace.x, trace.y = _points(run, name)
        if ended:
            return


def _zoomed(widget: go.FigureWidget, charts: Charts) -> dict[tuple[str, str], Any]:
    """The ranges that a person chose, by chart and axis."""
    found = {}
    for place, chart in enumerate(charts, start=1):
        for letter in "xy":
            # What is set, not what plotly worked out, which it would report as well.
            chosen = widget.layout[_axis(letter, place)].to_plotly_json()
            if "range" in chosen and not chosen.get("autorange"):
                found[chart, letter] = chosen["range"]
    return found


def _zoom(drawn: go.Figure, charts: Charts, ranges: dict[tuple[str, str], Any]) -> None:
    """Give the charts these ranges, wherever they stand now."""
    for place, chart in enumerate(charts, start=1):
        for letter in "xy":
            if (chart, letter) in ranges:
                drawn.layout[_axis(letter, place)].update(range=ranges[chart, letter], autorange=False)


def _axis(letter: str, place: int) -> str:
    """Plotly counts its axes from 1 and does not say the 1."""
    return f"{letter}axis{place if place > 1 else ''}"
