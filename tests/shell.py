"""What the tests of the magics ask of the IPython shell that `conftest.py` gives them."""

from __future__ import annotations

import warnings


def complete(shell, cell):
    """What the Tab key offers at the end of the cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # IPython calls its own interface provisional
        return [found.text for found in shell.Completer.completions(cell, len(cell))]
