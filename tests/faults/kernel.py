"""A kernel that writes to the workspace for ever, and says on its output what it was promised is written.

It is told how many steps a run has.
"""

from __future__ import annotations

import json
import os
import sys

from nbtrain.core.control import State
from nbtrain.core.history import History
from nbtrain.store.database import RunRecord
from nbtrain.store.lock import RunLock
from nbtrain.store.metrics import Recorder
from nbtrain.store.workspace import current


def promise(**what: object) -> None:
    """One line, by one call: a kill cannot leave half of it in the pipe."""
    os.write(sys.stdout.fileno(), (json.dumps(what) + "\n").encode())


def main(steps: int) -> None:
    """Start run after run; of each, tell the id, then every step that is safe."""
    workspace = current()
    while True:
        run_id = workspace.new_run_id()
        workspace.database.add_run(RunRecord(id=run_id, name="kernel", state=State.RUNNING))
        promise(run=run_id, recorded=0, measured=0)
        history = History()
        recorder = Recorder(workspace.run_folder(run_id), history)
        with RunLock(workspace.run_folder(run_id)):
            for step in range(1, steps + 1):
                history.append("loss", step, 1 / step)
                workspace.database.update_run(run_id, step=step, metrics={"loss": 1 / step})
                workspace.journal(run_id).append({"step": step})
                if step % 5 == 0:
                    workspace.database.add_activity("step", run_id, str(step))
                    workspace.database.flush()
                    promise(run=run_id, recorded=step)
                    recorder.flush()
                    promise(run=run_id, measured=step)
        recorder.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
