"""What every test gets: a workspace of its own, one torch thread, and the same examples each time in CI."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests import get_chromium, mlflow_environment, old_kernels

IN_CI = os.environ.get("CI") == "true"
BROWSER = "tests/browser/"

# Many small tests share few cores: more threads make them slower. Read when torch loads, also by child processes.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

# Started in the background, as CI may start it, Python is born deaf to interrupts, and some tests interrupt themselves.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if IN_CI else "local")


class ByFile(LoadFileScheduling):  # type: ignore[misc] # which has no types
    """With ``pytest -n``: a file is for one process, as its fixtures are; so are all files that drive a browser."""

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    config.option.loadscopereorder = False  # in the order of their names: the browser's, which take longest, come first
    return ByFile(config, log)


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path) -> Iterator[Path]:
    """An empty workspace folder, the only one that nbtrain sees during the test, in child processes too."""
    folder = tmp_path / "workspace"
    with pytest.MonkeyPatch.context() as patch:  # its own: a test may undo what it patched
        patch.setenv("NBTRAIN_HOME", str(folder))
        yield folder
        _stop_all()
    if (used := sys.modules.get("nbtrain.store.workspace")) is not None:
        used.close_all()  # a few hundred tests would else hold more files open than a process may


@pytest.fixture(autouse=True)
def recipes_as_before() -> Iterator[None]:
    """A recipe that a test registers is no choice for the data of the tests that happen to come after it."""
    before = dict(_own_recipes())
    yield
    _own_recipes().clear()
    _own_recipes().update(before)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; without one the test is skipped, in CI it fails."""
    path = get_chromium.find()
    if path is None:
        _missing("No Chromium on this machine: `make test` gets one.")
    return path


@pytest.fixture(params=old_kernels.VERSIONS)
def old_kernel(request: pytest.FixtureRequest) -> str:
    """The name of a kernel spec with an older ipykernel; its folder is `old_kernels.environment(version)`."""
    version: str = request.param
    if not old_kernels.python(version).is_file():
        _missing(f"No environment with ipykernel {version}: `make kernels` makes it.")
    return version


@pytest.fixture(scope="session")
def mlflow_python() -> str:
    """The interpreter of the environment with MLflow."""
    path = mlflow_environment.python()
    if not path.is_file():
        _missing("No environment with MLflow: `make mlflow` makes it.")
    return str(path)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A real IPython shell with the magics in it; what trains in the end is stopped."""
    from IPython.core.interactiveshell import InteractiveShell  # noqa: PLC0415 - most tests need none, nor torch yet
    from traitlets.config import Config  # noqa: PLC0415

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = InteractiveShell.instance(config=config)
    shell.run_line_magic("load_ext", "nbtrain")
    yield shell
    _stop_all()
    InteractiveShell.clear_instance()


@pytest.fixture
def answer(shell: Any, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Run a cell; what it printed. A cell that fails fails the test."""

    def run(cell: str) -> str:
        capsys.readouterr()
        result = shell.run_cell(cell)
        assert result.success, result.error_in_exec
        return capsys.readouterr().out.strip()

    return run


@pytest.fixture
def complaint(shell: Any, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Run a cell that must be refused without a traceback; the sentence."""
    from IPython.core.error import UsageError  # noqa: PLC0415 - as for `shell`

    def run(cell: str) -> str:
        capsys.readouterr()
        result = shell.run_cell(cell)
        assert isinstance(result.error_in_exec, UsageError), result.error_in_exec
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return said.err.strip().removeprefix("UsageError: ")

    return run


def _stop_all() -> None:
    """What trains in the end would be in the way of the next test: it writes, computes, and others queue behind it."""
    if (training := sys.modules.get("nbtrain.training")) is None:
        return
    from nbtrain.core.control import Stop  # noqa: PLC0415 - it is loaded, since training is
    from nbtrain.run import Run  # noqa: PLC0415

    runs = training.active()
    for run in runs:
        run.request(Stop())
    for run in runs:
        if isinstance(run, Run):  # a loop of the test's own stops when it asks for its next batch
            run._trainer.join(60)


def _own_recipes() -> dict[str, Any]:
    recipes = sys.modules.get("nbtrain.recipes")
    return {} if recipes is None else recipes._own


def _missing(what: str) -> NoReturn:
    if IN_CI:
        pytest.fail(what)
    pytest.skip(what)
