"""The static twin of a panel: plain HTML and an SVG image that show a run where no kernel and no JavaScript is.

All text from outside (names, metrics, errors) is escaped. Light and dark follow JupyterLab's theme, else the
reader's system. One twin takes at most about 20 kB, whatever the run's length.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from nbtrain.core.decimate import minmax
from nbtrain.core.errors import WorkspaceError
from nbtrain.core.history import History, Series
from nbtrain.core.ports import RunView
from nbtrain.i18n import catalogue
from nbtrain.widgets.story import brief, every

POINTS = 200
RUNS, METRICS, NAME_LENGTH, SAMPLES = 4, 16, 60, 4
#: Of the drawing, in its own units; the figures of the axis stand in the space on the left.
WIDTH, HEIGHT, LEFT, MARGIN, LEGEND = 640, 150, 50, 4, 14

#: Of the drawing. It is an image, as a notebook that is not trusted shows no other drawing; which of its two sets of
#: colours an image takes is told by the `color-scheme` of the page around it.
DRAWING = (
    "path,line{fill:none;stroke-width:1.5;stroke:#A16207}.v{stroke:#2563EB;stroke-dasharray:5 3}"
    "text{font:10px system-ui,sans-serif;fill:#616161}"
    "@media(prefers-color-scheme:dark){path,line{stroke:#FDE047}.v{stroke:#60A5FA}text{fill:#BDBDBD}}"
)
STYLE = (
    ".nbt-static{font:13px/1.5 var(--jp-ui-font-family,system-ui,"
    "sans-serif);color:var(--jp-content-font-color1,CanvasText);max-width:640px}"
    "[data-jp-theme-light=false] .nbt-static{color-scheme:dark}"
    "[data-jp-theme-light=true] .nbt-static{color-scheme:light}"
    ".nbt-static h4{font-size:14px;font-weight:600;margin:8px 0 0}"
    ".nbt-static p{margin:0;text-align:start}.nbt-static .nbt-quiet{opacity:.7}"
    ".nbt-static .nbt-error{white-space:pre-wrap}"
    ".nbt-static img{display:block;width:100%;height:auto;margin:4px 0}"
    ".nbt-static table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    ".nbt-static :is(th,td){padding:2px 12px;text-align:end;border-bottom:1px solid #8884}"
    ".nbt-static :is(th,td):first-child{padding-inline-start:0;text-align:start}"
    # Without its kernel the live panel is one line, that its model was not found; this copy says all there is to say.
    ".jp-OutputArea-child:has(+.jp-OutputArea-child .nbt-static)>.jupyter-widgets:not(:has(*)){display:none}"
)


def render(runs: Sequence[RunView], language: str | None = None) -> str:
    """A piece of HTML with the state, the loss and the metrics of `runs` (the last four, if there are more)."""
    language = language or catalogue.current()
    shown = list(runs)[-RUNS:]
    parts = [_run(run, language, POINTS // len(shown)) for run in shown]
    body = "".join(parts) or f"<p>{_words('twin.empty', language)}</p>"
    note = f"<p class='nbt-quiet'>{_words('twin.note', language)}</p>"
    return (
        f"<div class='nbt-static' lang='{language}' dir='{catalogue.direction(language)}'>"
        f"<style>{STYLE}</style>{body}{note}</div>")


def page(run: RunView, language: str | None = None) -> str:
    """A whole document of one run, for its folder."""
    return (
        "<!doctype html><html><head><meta charset='utf-8'><meta name='color-scheme' content='light dark'>"
        f"<title>{_outside(run.name)}</title></head><body>{render([run], language)}</body></html>\n")


def line(run: RunView, language: str | None = None) -> str:
    """A run in one line of plain text: ``digits: Running, Step 120 of 1,000, loss 0.31``."""
    words = [catalogue.text(f"state.{run.state}", language), progress(run, language)]
    loss = run.history.last("loss")
    if loss is not None:
        words.append(f"loss {loss:.4g}")
    return f"{brief(run.name, NAME_LENGTH)}: {', '.join(words)}"


def progress(run: RunView, language: str | None) -> str:
    """Steps done, of how many where that is known."""
    if run.total_steps is None:
        return catalogue.text("twin.step_only", language, step=run.step)
    return catalogue.text("twin.step", language, step=run.step, total=run.total_steps)


def _run(run: RunView, language: str, points: int) -> str:
    minutes, seconds = divmod(round(run.seconds), 60)
    facts = [
        _words(f"state.{run.state}", language), escape(progress(run, language)),
        _words("twin.epoch", language, epoch=run.epoch, epochs=run.epochs),
        _words("twin.time", language, minutes=minutes, seconds=seconds),
    ]
    parts = [f"<h4><bdi>{_outside(run.name)}</bdi></h4><p>{' · '.join(f'<bdi>{fact}</bdi>' for fact in facts)}</p>"]
    if run.reason:
        parts.append(f"<p><bdi>{_outside(run.reason, 300)}</bdi></p>")
    if run.error is not None:
        parts.append(f"<p class='nbt-error' dir='ltr'>{_outside(str(run.error), 600)}</p>")
    parts.append(_curves(run.history, language, points))
    parts.append(_table(run.history, language))
    parts.append(_samples(run, language))
    return "".join(parts)


def _samples(run: RunView, language: str) -> str:
    """What the model made last: texts as they are, of pictures and sounds what they were made of."""
    if not run.sampled:
        return ""
    epoch = run.sampled[-1]
    try:
        found = run.samples(epoch)[:SAMPLES]
    except WorkspaceError:  # gone, or not to be read: the rest of the page is worth having
        return ""
    rows = "".join(
        f"<p class='nbt-quiet' dir='auto'>{_outside(each.title, 200)}</p>"
        + (f"<p dir='auto'>{_outside(each.content.decode('utf-8', 'replace'), 600)}</p>" if each.kind == "text" else "")
        for each in found)
    title = _words("samples.title", language)
    return f"<h4>{title} · {_words('samples.epoch', language, epoch=epoch)}</h4>{rows}"


def _curves(history: History, language: str, points: int) -> str:
    """Training and validation loss in one drawing; nothing when there is no loss."""
    series = {kind: history[name] for kind, name in (("", "loss"), ("v", "val_loss")) if name in history}
    finite = [s.values[np.isfinite(s.values)] for s in series.values()]
    values = np.concatenate(finite) if finite else np.empty(0)
    if not len(values):
        return ""
    low, high = float(values.min()), float(values.max())
    start = min(int(s.steps[0]) for s in series.values() if len(s.steps))
    end = max(int(s.steps[-1]) for s in series.values() if len(s.steps))
    paths = "".join(
        f"<path class='{kind}' d='{_path(minmax(s, points), (start, end), (low, high))}'/>"
        for kind, s in series.items())
    label = _words("twin.curve", language, steps=end, last=float(f"{values[len(finite[0]) - 1]:.4g}"))
    drawing = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT + LEGEND}'><style>{DRAWING}</style>"
        f"{paths}"
        f"<text x='{LEFT - MARGIN}' y='12' text-anchor='end'>{_figure(high, language)}</text>"
        f"<text x='{LEFT - MARGIN}' y='{HEIGHT - MARGIN}' text-anchor='end'>{_figure(low, language)}</text>"
        f"<text x='{WIDTH - MARGIN}' y='{HEIGHT + 11}' text-anchor='end'>{catalogue.number(end, language)}</text>"
        f"{''.join(_legend(kind, place, language) for place, kind in enumerate(series))}</svg>")
    data = base64.b64encode(drawing.encode()).decode()
    return f"<img alt='{label}' width='{WIDTH}' height='{HEIGHT + LEGEND}' src='data:image/svg+xml;base64,{data}'>"


def _legend(kind: str, place: int, language: str) -> str:
    """A piece of the curve and its name, below the drawing."""
    x, name = LEFT + 150 * place, _words("twin.validation" if kind else "twin.training", language)
    return (
        f"<line class='{kind}' x1='{x}' x2='{x + 18}' y1='{HEIGHT + 8}' y2='{HEIGHT + 8}'/>"
        f"<text x='{x + 24}' y='{HEIGHT + 11}'>{name}</text>")


def _path(series: Series, steps: tuple[int, int], values: tuple[float, float]) -> str:
    """SVG path data; a value that is not finite lifts the pen."""
    x = LEFT + (series.steps - steps[0]) * ((WIDTH - LEFT - MARGIN) / max(1, steps[1] - steps[0]))
    y = HEIGHT - MARGIN - (series.values - values[0]) * ((HEIGHT - 2 * MARGIN) / ((values[1] - values[0]) or 1.0))
    parts, pen = [], "M"
    for across, down in zip(x.tolist(), y.tolist(), strict=True):
        if np.isfinite(down):
            parts.append(f"{pen}{across:.1f},{down:.1f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(parts)


def _table(history: History, language: str) -> str:
    rows = "".join(_rows(history, language))
    if not rows:
        return ""
    head = "".join(f"<th>{_words(f'twin.{key}', language)}</th>" for key in ("metric", "last", "lowest", "highest"))
    return f"<table><tr>{head}</tr>{rows}</table>"


def _rows(history: History, language: str) -> Iterator[str]:
    for name in history.names[:METRICS]:
        values = every(history, name)
        if len(values):
            figures = (float(values[-1]), float(values.min()), float(values.max()))
            cells = "".join(f"<td>{_figure(figure, language)}</td>" for figure in figures)
            yield f"<tr><td><bdi>{_outside(_title(name, language))}</bdi></td>{cells}</tr>"


def _title(name: str, language: str) -> str:
    """What a series is called: ``Accuracy (validation)``; a name the catalogue does not know stays as it is."""
    known = catalogue.words(language)
    if title := known.get(f"charts.metric.{name}"):
        return title
    title = known.get(f"charts.metric.{name.removeprefix('val_')}")
    return f"{title} ({known['charts.validation'].lower()})" if title else name


def _figure(value: float, language: str) -> str:
    """Four significant digits."""
    return escape(catalogue.number(float(f"{value:.4g}"), language))


def _words(key: str, language: str, **args: object) -> str:
    return escape(catalogue.text(key, language, **args))


def _outside(text: str, length: int = NAME_LENGTH) -> str:
    """Text of others: cut and escaped."""
    return escape(brief(text, length))
