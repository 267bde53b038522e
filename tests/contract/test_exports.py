"""What `import nbtrain` promises: the names, and that it costs next to nothing."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import nbtrain

PACKAGE = Path(nbtrain.__file__).parent


def test_visible_names_are_the_promised_ones_sorted() -> None:
    visible = [name for name in dir(nbtrain) if not name.startswith("_")]
    assert list(nbtrain.__all__) == visible == sorted(visible)


@pytest.mark.parametrize("name", nbtrain.__all__)
def test_each_promised_name_is_there(name: str) -> None:
    assert getattr(nbtrain, name) is not None


def test_type_checkers_see_the_same_names_as_the_interpreter() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    guarded = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.asname or alias.name for block in guarded for node in ast.walk(block)
            if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(nbtrain.__all__)


def test_no_promised_name_hides_a_module() -> None:
    modules = {path.stem for path in PACKAGE.glob("*.py")} | {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    hidden = [name for name in modules & set(nbtrain.__all__)
              if getattr(nbtrain, name) is not importlib.import_module(f"nbtrain.{name}")]
    assert not hidden


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        nbtrain.trian  # noqa: B018 - the look-up is the test


@pytest.mark.parametrize(("module", "unwanted"), [
    ("nbtrain", ["torch", "numpy", "pandas", "pydantic", "plotly", "ipywidgets", "IPython"]),
    ("nbtrain.widgets", ["torch", "plotly", "pandas", "nbtrain.engine", "nbtrain.store", "nbtrain.monitor"]),
])
def test_importing_it_loads_nothing_heavy(module: str, unwanted: list[str]) -> None:
    code = f"import {module}, sys; print(*sorted(set({unwanted!r}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
