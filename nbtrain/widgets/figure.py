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

POINTS = 2000
#: Seconds between two updates of a live figure.
INTERVAL = 0.5

YELLOW, BLUE = "#CA8A04", "#2563EB"
_LOG = frozenset({"learning_rate"})
_LAST = ("learning_rate", "samples_per_second", "grad_norm")
_TITLES = {
    "loss": "Loss", "learning_rate": "Learning rate", "samples_per_second": "Samples per second", "grad_norm": "Gradient norm",
}


def figure(run: RunView, *, live: bool = False) -> go.Figure:
    """The curves of `run`: loss first, then each metric beside its validation twin, then the run's own figures."""
    charts = _charts(run.history.names)
    drawn = _draw(run, charts)
    if not live:
        return drawn
    widget = go.FigureWidget(drawn)
    thread = threading.Thread(
        target=_follow, args=(run, widget, charts), name=f"nbtrain-figure-{run.id}", daemon=True)
    thread.start()
    return widget


def _charts(names: list[str]) -> dict[str, list[str]]:
    """Chart → series in it: ``{"loss": ["loss", "val_loss"], "accuracy": ["val_accuracy"], …}``."""
    charts: dict[str, list[str]] = {"loss": ["loss", "val_loss"]}
    for name in sorted(names, key=lambda n: (n in _LAST, names.index(n))):
        if name not in {"loss", "val_loss", "train_loss"}:
            charts.setdefault(name.removeprefix("val_"), []).append(name)
    for name in _LAST:  # a live figure that starts before the first step has a place for them
        charts.setdefault(name, [name])
    return charts


def _points(run: RunView, name: str) -> tuple[Any, Any]:
    if name not in run.history:
        return np.empty(0, np.int32), np.empty(0, np.float32)
    steps, values = minmax(run.history[name], POINTS)
    return steps.astype(np.int32), values.astype(np.float32)


def _draw(run: RunView, charts: dict[str, list[str]]) -> go.Figure:
    rows = -(-len(charts) // 2)
    titles = [_TITLES.get(chart, chart) for chart in charts]
    drawn = make_subplots(rows=rows, cols=2, subplot_titles=titles, horizontal_spacing=0.09, vertical_spacing=0.32 / rows)
    for place, (chart, names) in enumerate(charts.items()):
        row, column = place // 2 + 1, place % 2 + 1
        for name in names:
            steps, values = _points(run, name)
            validation = name.startswith("val_")
            drawn.add_trace(
                go.Scatter(
                    x=steps, y=values, name=name, mode="lines+markers" if validation else "lines", marker={"size": 5},
                    line={"color": BLUE if validation else YELLOW, "width": 1.5, "dash": "dot" if validation else "solid"}),
                row=row, col=column)
        drawn.update_xaxes(title_text="step", row=row, col=column)
        if chart in _LOG:
            drawn.update_yaxes(exponentformat="power", row=row, col=column)
    drawn.update_layout(
        height=280 * rows, margin={"l": 56, "r": 16, "t": 48, "b": 48}, showlegend=False, title_text=None,
        hovermode="x unified", uirevision=run.id)  # a constant uirevision keeps the zoom while data flows
    return drawn


def _follow(run: RunView, widget: go.FigureWidget, charts: dict[str, list[str]]) -> None:
    """Update the traces until the run has ended; then once more."""
    while True:
        ended = run.state.ended
        with widget.batch_update():
            for trace, name in zip(widget.data, [n for names in charts.values() for n in names], strict=True):
                trace.x, trace.y = _points(run, name)
        if ended:
            return
        time.sleep(INTERVAL)

