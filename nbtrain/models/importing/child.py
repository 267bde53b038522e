"""Starting the process that foreign files are opened in, watching over it, and hearing what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from nbtrain.core.errors import ModelFileError
from nbtrain.core.tasks import Progress
from nbtrain.models.importing import header, regular, sandbox
from nbtrain.models.importing.lockdown import FORBIDDEN
from nbtrain.models.importing.refusals import refused
from nbtrain.store import atomic

#: Seconds a job may take: so many, and one more for each so many bytes.
SECONDS, BYTES_A_SECOND = 180, 20_000_000
#: Bytes of memory beside those for the files: torch alone takes some.
_MEMORY = 8 * 2**30
_START = ("import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
          "from nbtrain.models.importing import sandbox; sandbox.main()")
#: All that it inherits of the environment: where the system finds libraries. No token, no home.
_INHERITED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "WINDIR")


def run(
    job: str, name: str, folder: Path, readable: Sequence[Path], *, size: int, progress: Progress | None = None,
    **request: Any,
) -> Mapping[str, Any]:
    """Let a process of its own do a job of `sandbox` with files from outside.

    Args:
        job: which.
        name: of the model's file, for messages.
        folder: the only place the process may write to; there must be nothing else of use in it.
        readable: files and folders it may read.
        size: bytes of these files, by which time and memory are measured out.
        progress: cancelling it ends the process.
        **request: what the job needs.

    Returns:
        What the job says. It comes from a process that a foreign file may have taken over: it is checked like one.

    Raises:
        ModelFileError: the job refused the model, tried what it may not, or came to no end.
        CancelledError: it was called off.
    """
    seconds = SECONDS + size // BYTES_A_SECOND
    answer, words = folder / sandbox.ANSWER, folder / "words.txt"
    asked = json.dumps({
        "job": job, "folder": str(folder), "readable": [str(path.resolve()) for path in readable],
        "memory": _MEMORY + 4 * size, "file": 4 * size + 2**26, "seconds": seconds, **request})
    with contextlib.suppress(FileNotFoundError):
        answer.unlink()
    path = json.dumps([each for each in sys.path if Path(each).is_absolute()])
    with atomic.told("write", words), words.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - this Python
            [sys.executable, "-I", "-B", "-c", _START, path],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors, cwd=folder, env=_environment(folder),
            start_new_session=True)
        try:
            _wait(process, asked.encode(), seconds, name, progress)
        finally:
            _end(process)
    return _heard(process.returncode, answer, words, name, seconds)


def _environment(folder: Path) -> dict[str, str]:
    kept = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    place = str(folder)
    return {
        **kept, "HOME": place, "USERPROFILE": place, "TMPDIR": place, "TEMP": place, "TMP": place, "HF_HOME": place,
        "XDG_CACHE_HOME": place, "TORCHINDUCTOR_CACHE_DIR": place, "USER": "nobody", "LOGNAME": "nobody",
        "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "",
        "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "HF_DEACTIVATE_ASYNC_LOAD": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TORCH_DISABLE_ADDR2LINE": "1"}


def _wait(
    process: subprocess.Popen[bytes], asked: bytes, seconds: int, name: str, progress: Progress | None,
) -> None:
    """Until it ends, is called off, or takes too long."""
    assert process.stdin is not None  # noqa: S101 - it was asked for
    with contextlib.suppress(BrokenPipeError):  # how it ended is told below
        process.stdin.write(asked)
        process.stdin.close()
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            return
        if progress is not None:
            progress.check()
        if time.monotonic() > until:
            raise refused(name, f"reading it took more than {seconds} s, so it was called off; it may be made to "
                                "never end")


def _end(process: subprocess.Popen[bytes]) -> None:
    """It and what it may have started."""
    if process.poll() is not None:
        return
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
    process.kill()
    process.wait()


def _heard(code: int, answer: Path, words: Path, name: str, seconds: int) -> Mapping[str, Any]:
    """What it said, or what its end says."""
    if code == 0 and answer.is_file() and not answer.is_symlink():
        said = header.json_object(regular.whole(answer, 16 * 2**20, name), name)
        done = said.get("done")
        if isinstance(done, dict):
            return done
        raise refused(name, str(said.get("refused", "it was read without a result")))
    raise _ended(code, words, name, seconds)


def _ended(code: int, words: Path, name: str, seconds: int) -> ModelFileError:
    tail = words.read_bytes()[-4_000:].decode(errors="replace") if words.is_file() else ""
    if code == FORBIDDEN:
        tried = next((line for line in tail.splitlines() if line.startswith("forbidden: ")), "forbidden: ?")
        return refused(name, f"while it was read it tried what a model may not do ({tried[11:]}); the process was "
                             "ended and "
                             "nothing happened")
    if code == -getattr(signal, "SIGXCPU", 0):
        return refused(name, f"reading it took more than {seconds} s of computing, so it was called off")
    if code == -getattr(signal, "SIGKILL", 0):
        return refused(name, "the system ended the process that read it, for want of memory or time")
    if "MemoryError" in tail or "bad_alloc" in tail or "Cannot allocate memory" in tail:
        return refused(name, "reading it needs more memory than there is for it")
    last = next((line for line in reversed(tail.splitlines()) if line.strip()), "no word")
    return refused(name, f"the process that read it ended with code {code} ({last.strip()}); the file is damaged or "
                         "made "
                         "to do harm")
