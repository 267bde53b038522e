"""The process that foreign files are opened in: it limits and locks itself, does one job, writes an answer, and ends.

    python -I -B -c "…; sandbox.main()" < request.json

The request is JSON: ``job``, ``folder`` (the only place to write), ``readable``, ``memory``, ``file``, ``seconds``,
and what the job needs. The answer is ``answer.json`` in the folder: ``{"done": …}`` or ``{"refused": "a sentence"}``.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

from nbtrain.models.importing import lockdown

#: What came of the job.
ANSWER = "answer.json"
#: Where each job is.
_JOBS = {
    "convert": "pickles", "torchscript": "graphs", "exported": "graphs", "onnx": "graphs", "folder": "networks",
    "architecture": "networks",
}


class RefusedError(Exception):
    """The model is not let in; the message says why, without the name of the file."""


def main() -> None:
    """Do the job that is asked for on the standard input."""
    request: dict[str, Any] = json.loads(sys.stdin.buffer.read())
    folder = Path(request["folder"])
    lockdown.limit(request["memory"], request["file"], request["seconds"])
    warnings.simplefilter("ignore")
    faulthandler.enable()
    job = getattr(import_module(f"nbtrain.models.importing.jobs.{_JOBS[request['job']]}"), request["job"])
    held = lockdown.lock(folder, [Path(path) for path in request["readable"]],
                         libraries=_JOBS[request["job"]] == "networks")
    try:
        answer = {"done": job(request), "held": held}
    except RefusedError as error:
        answer = {"refused": str(error)}
    except MemoryError:
        answer = {"refused": "it needs more memory than there is for it"}
    except Exception as error:  # noqa: BLE001 - whatever a library says of a foreign file
        answer = {"refused": f"it cannot be read ({type(error).__name__}: {error})"[:2_000]}
    (folder / ANSWER).write_text(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)  # nothing of what was loaded is asked again
