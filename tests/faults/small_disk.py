"""What happens on a real disk that is full or read-only; `test_small_disk.py` runs this inside a mount of its own."""

from __future__ import annotations

import contextlib
import errno
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from nbtrain.core.errors import CheckpointError, DataError, WorkspaceError
from nbtrain.core.history import History
from nbtrain.data.keeping.library import Library
from nbtrain.dataset import Dataset
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.engine.checkpoint_writer import CheckpointWriter, Outcome
from nbtrain.engine.snapshot import Snapshot
from nbtrain.store import metrics
from nbtrain.store.database import RunRecord
from nbtrain.store.metrics import Recorder
from nbtrain.store.uploads import Uploads
from nbtrain.store.workspace import Workspace


def refused(action: Callable[[], object], code: int) -> str:
    """What `action` says when it fails; it must fail, with this `errno`."""
    with pytest.raises(WorkspaceError) as caught:
        action()
    assert caught.value.errno == code, caught.value
    return str(caught.value)


def snapshot(step: int, size: int) -> Snapshot:
    return Snapshot(step, {"model": {"w": torch.full((size,), float(step))}})


def full(disk: Path) -> None:
    """On 4 MiB: a checkpoint too many, then not a byte left for the database, the metrics and the journal."""
    workspace = Workspace(disk / "home")
    run_id = workspace.new_run_id()
    folder = workspace.run_folder(run_id)
    workspace.database.add_run(RunRecord(id=run_id, name="n"))
    history, told = History(), list[WorkspaceError]()
    recorder = Recorder(folder, history, told.append)
    history.append("loss", 1, 0.5)
    recorder.flush()

    checkpoints = CheckpointFolder(folder / "checkpoints", keep=3)
    outcomes: list[Outcome] = []
    writer = CheckpointWriter(checkpoints, outcomes.append)
    for step in (1, 2, 3):  # 1.6 MB each
        components = writer.buffer.take(snapshot(step, 400_000).components)
        writer.submit(Snapshot(step, components), "every", before=recorder.flush)
    writer.close()
    assert [outcome.generation is not None for outcome in outcomes] == [True, True, False]
    assert "the disk is full; free some space" in str(outcomes[2].error)
    assert checkpoints.load()[1].step == 2
    assert [path.name for path in checkpoints.folder.iterdir() if path.name.startswith(".")] == []

    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    journal = workspace.journal(run_id)
    assert "disk is full" in refused(lambda: journal.append({"text": "x" * 20_000}), errno.ENOSPC)
    history.column("loss").extend(range(2, 50_000), range(2, 50_000))
    said = refused(recorder.flush, errno.ENOSPC)
    assert "disk is full" in said, said
    workspace.database.update_run(run_id, name="x" * 3_000_000)
    refused(workspace.database.flush, errno.ENOSPC)
    refused(lambda: Workspace(disk / "other"), errno.ENOSPC)
    assert checkpoints.load()[1].step == 2
    assert workspace.database.run(run_id).name == "n"

    ballast.unlink()
    journal.append({"text": "space again"})
    assert journal.read()[-1] == {"text": "space again"}
    recorder.close()
    assert len(metrics.load(folder)["loss"].steps) == 49_999
    workspace.database.update_run(run_id, step=7)
    assert workspace.database.run(run_id).step == 7
    workspace.close()


def read_only(disk: Path) -> None:
    """A workspace on a disk that became read-only is refused before anything starts, and so is a checkpoint."""
    workspace = Workspace(disk / "home")
    run_id = workspace.new_run_id()
    workspace.database.add_run(RunRecord(id=run_id, name="n"))
    checkpoints = CheckpointFolder(workspace.run_folder(run_id) / "checkpoints")
    checkpoints.write(snapshot(1, 10), "every")
    workspace.close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    said = refused(lambda: Workspace(disk / "home"), errno.EROFS)
    assert "choose another workspace with the environment variable NBTRAIN_HOME" in said
    refused(lambda: Workspace(disk / "new"), errno.EROFS)
    refused(lambda: checkpoints.write(snapshot(2, 10), "every"), errno.EROFS)
    refused(lambda: workspace.journal(run_id).append({}), errno.EROFS)
    assert checkpoints.load()[1].step == 1
    with pytest.raises(CheckpointError):
        CheckpointFolder(disk / "none").load()


def data(disk: Path) -> None:
    """On 4 MiB: an import, an upload, an export and a profile too many; what was there before is as it was."""
    workspace = Workspace(disk / "home")
    library, uploads = Library(workspace), Uploads(workspace)
    small = library.add(pa.table({"n": range(1000)}), name="small").dataset
    noise = np.random.default_rng(0).bytes(6_000_000)
    large = pa.table({"noise": [noise[at:at + 1000] for at in range(0, len(noise), 1000)]})
    refused(lambda: library.add(large, name="large"), errno.ENOSPC)
    assert [record.name for record in library.list()] == ["small"]
    assert {path.name for path in workspace.datasets_folder.iterdir()} == {".trash", small.id}

    with pytest.raises(DataError, match="has 6,000,000 bytes, and the disk of the workspace"):
        uploads.begin("large.bin", len(noise))
    begun = uploads.begin("noise.bin", 2_000_000)
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    piece = noise[:1_000_000]
    refused(lambda: uploads.chunk(begun.id, 0, piece, sha256(piece).hexdigest()), errno.ENOSPC)
    assert uploads.status(begun.id).had == 0
    dataset = Dataset(library.find("small"), library)
    for name in ("out.arrow", "out.csv"):
        refused(partial(dataset.export, disk / name), errno.ENOSPC)
    with pytest.raises(WorkspaceError):
        dataset.split()
    assert dataset.kept_split() is None
    assert sorted(path.name for path in dataset.folder.iterdir()) == ["data.parquet", "dataset.json"]
    assert sorted(path.name for path in disk.iterdir()) == ["ballast", "home"]

    ballast.unlink()
    uploads.chunk(begun.id, 0, piece, sha256(piece).hexdigest())
    assert uploads.status(begun.id).had == len(piece)
    assert sum(dataset.split().counts) == 1000
    assert dataset.frame()["n"].tolist() == list(range(1000))
    workspace.close()


if __name__ == "__main__":
    {"full": full, "read_only": read_only, "data": data}[sys.argv[1]](Path(sys.argv[2]))
