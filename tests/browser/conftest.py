"""What a browser test gets: Chromium and a JupyterLab for its module, and notebooks that are listened to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.lab import SECONDS, Lab, Notebook, browser

# Nothing here is about speed, and a machine with few cores may be busy with other tests.
expect.set_options(timeout=SECONDS * 1000)

#: Opens a notebook of these cells (by keyword: its `kernel`), or one `of` another tab once more.
Open = Callable[..., Notebook]


@pytest.fixture(scope="module")
def chrome(chromium: str) -> Iterator[Browser]:
    with browser(chromium) as found:
        yield found


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server for the tests of a module, with a workspace of its own."""
    folder = tmp_path_factory.mktemp("browser")
    with Lab(folder / "lab", environment={"NBTRAIN_HOME": str(folder / "workspace")}) as found:
        yield found


@pytest.fixture
def notebooks(chrome: Browser, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens notebooks. In the end no page may have met an error, or asked for anything but what the server has."""
    opened: list[Notebook] = []
    number = itertools.count()

    def open_(*cells: str, kernel: str = "python3", of: Notebook | None = None) -> Notebook:
        if of is None:
            name = lab.write(f"{request.node.originalname}-{kernel}-{next(number)}.ipynb", cells, kernel)
            notebook = Notebook(chrome, lab, name)
        else:
            notebook = Notebook(chrome, lab, of.name, of.page.context)
        opened.append(notebook)
        return notebook

    yield open_
    for notebook in opened:  # all of them, before any kernel ends: another page of it would complain of that
        notebook.page.close()
    for notebook in opened:
        notebook.close()
    assert [line for notebook in opened for line in notebook.heard.errors] == []
    assert [url for notebook in opened for url in notebook.heard.outside(lab.base)] == []
