"""How long `import nbtrain` takes, in fresh interpreters, and what it leaves for later.

Usage: ``python -m benchmarks.imports [rounds]``
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from benchmarks.common import ROOT, Figure, in_turns, record, seconds, table

SECONDS = 0.2
HEAVY = (
    "torch", "torchmetrics", "safetensors", "pandas", "numpy", "scipy", "sklearn", "pydantic", "sqlite3", "IPython",
    "ipywidgets", "anywidget", "traitlets", "plotly", "psutil", "pynvml",
)


def interpreter(code: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def main(arguments: list[str]) -> None:
    rounds = int(arguments[0]) if arguments else 15
    starts = {"bare": "pass", "nbtrain": "import nbtrain", "torch": "import torch"}
    taken = in_turns({name: partial(seconds, partial(interpreter, code)) for name, code in starts.items()}, rounds)
    beyond = {
        name: [mine - bare for mine, bare in zip(taken[name], taken["bare"], strict=True)]
        for name in ("nbtrain", "torch")}
    loaded = set(interpreter(f"import sys, nbtrain; print(*(set({HEAVY}) & sys.modules.keys()))").split())
    figures = [
        Figure("`import nbtrain`, beyond a bare interpreter", beyond["nbtrain"], "s", SECONDS),
        Figure("`import torch`, for comparison", beyond["torch"], "s"),
    ]
    later = ", ".join(name for name in HEAVY if name not in loaded)
    text = f"Loaded by it: {', '.join(sorted(loaded)) or 'none of these'}. Not before they are needed: {later}."
    record("Import", "python -m benchmarks.imports", [*table(figures), "", text])


if __name__ == "__main__":
    main(sys.argv[1:])
