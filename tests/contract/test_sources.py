"""Rules of the house that a reader would else have to check by eye."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "nbtrain"
PANELS = ROOT / "frontend" / "src"
SOURCES = sorted(
    path
    for folder in (PACKAGE, PANELS)
    for path in folder.rglob("*")
    if path.suffix in {".py", ".ts", ".tsx", ".css"} and ".test." not in path.name and "static" not in path.parts
)
LONGEST = 400
"""Lines; a longer file has two subjects."""

RAW_HTML = re.compile(
    r"""
      \binnerHTML\b | \bouterHTML\b | \binsertAdjacentHTML\b | \bdangerouslySetInnerHTML\b | \bdocument\.write
    | \bcreateContextualFragment\b | \bDOMParser\b | (?<![.\w])eval\( | \bnew\ Function\b
    | \bwidgets\.HTML(Math)?\b | \bfrom\ ipywidgets\ import\b.*\bHTML
    """,
    re.VERBOSE,
)
"""Ways for text from outside to become markup or code. Text goes through textContent, or html.escape in Python."""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_file_is_short_and_makes_no_raw_html(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST
    assert [(number, line) for number, line in enumerate(lines, 1) if RAW_HTML.search(line)] == []


@pytest.mark.parametrize("line", [
    "node.innerHTML = name;", "<p dangerouslySetInnerHTML={{ __html: name }} />", "widgets.HTML(name)",
    "from ipywidgets import Box, HTML", "eval(code)", "node.insertAdjacentHTML('beforeend', name)",
])
def test_raw_html_is_recognised(line: str) -> None:
    assert RAW_HTML.search(line)


@pytest.mark.parametrize("line", ["model.eval()", "node.textContent = name;", "retrieval(name)"])
def test_harmless_code_is_not_taken_for_raw_html(line: str) -> None:
    assert not RAW_HTML.search(line)


def test_core_needs_the_standard_library_and_numpy_alone() -> None:
    allowed = {*sys.stdlib_module_names, "numpy", "nbtrain"}
    found = {name for path in (PACKAGE / "core").glob("*.py") for name in _imported(path, top_level=True)}
    assert found <= allowed
    ours = {name for path in (PACKAGE / "core").glob("*.py") for name in _modules(path) if name.startswith("nbtrain")}
    assert all(name.startswith("nbtrain.core") for name in ours)


def test_each_panel_is_a_triplet_of_python_typescript_and_css() -> None:
    named = {path.stem: list(_panels(path)) for path in (PACKAGE / "widgets").glob("*.py")}
    in_python = {module: panels for module, panels in named.items() if panels}
    assert in_python == {path.parent.name: [path.parent.name] for path in PANELS.glob("*/index.ts*")}
    assert [panel for panel in in_python if not any((PANELS / panel).glob("*.css"))] == []


def _panels(path: Path) -> Iterator[str]:
    """Values of ``name: ClassVar[str] = "…"`` in the classes of a widget module: what their bundle is called."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.AnnAssign(
                target=ast.Name(id="name"),
                annotation=ast.Subscript(value=ast.Name(id="ClassVar")),
                value=ast.Constant(value=str(panel)),
            ):
                yield panel


def _modules(path: Path, *, top_level: bool = False) -> Iterator[str]:
    """Names of the modules that a file imports, those for type checkers left out where only `top_level` counts."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if top_level else ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module


def _imported(path: Path, *, top_level: bool) -> set[str]:
    return {name.partition(".")[0] for name in _modules(path, top_level=top_level)}
