"""`open_model`: whatever a model comes as, checked, as files that the registry keeps."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from nbtrain.core.errors import ModelError
from nbtrain.core.tasks import Progress
from nbtrain.models.importing.checking import Check
from nbtrain.models.importing.refusals import refused
from nbtrain.models.package import Package
from nbtrain.store import atomic
from nbtrain.store import workspace as workspaces

#: Of the workspace: where imports under way have their files, each in a folder that begins with its process.
PLACE = "imports"


@contextmanager
def open_model(
    source: Any, *, convert: bool = False, trust_remote_code: bool = False, module: Any = None,
    progress: Progress | None = None,
) -> Iterator[Package]:
    """Check a model and give it as files, which are gone, as far as they are temporary, when the block ends.

    What a file is follows from its content. Files from outside that are more than tensors are opened in a process of
    their own, which is limited and reaches nothing.

    Args:
        source: the path of a file (safetensors, a state_dict, TorchScript, torch.export, ONNX, a zip of these) or of a
            folder (of transformers, of safetensors in parts, of any of these); or an object of the notebook: an
            nn.Module, a state_dict, a TorchScript module, an exported program.
        convert: a pickle may be read, in a process of its own, for its tensors alone.
        trust_remote_code: Python code that lies beside the model may run.
        module: one of the class that weights are for; their names and shapes are compared with it.
        progress: cancelling it ends the check, and leaves nothing.

    Raises:
        NeedsPermission: `convert` or `trust_remote_code` is needed.
        ModelFileError: it is not a model, damaged, not safe, or its weights do not fit or are not finite.
        ModelError: an object that is no model.
        WorkspaceError: the workspace cannot be written to.
        CancelledError: it was called off.
    """
    with _workplace() as folder:
        if isinstance(source, str | os.PathLike):
            path = Path(source).expanduser()
            if not path.exists():
                raise refused(str(path), "there is no such file or folder; look at the spelling")
            check = Check(folder, convert=convert, trust=trust_remote_code, module=module, progress=progress)
            yield check.path(path)
        elif source is None or isinstance(source, int | float | bytes | list | tuple):
            raise ModelError(f"A {type(source).__name__} is no model; give a path, an nn.Module or a state_dict.")
        else:
            from nbtrain.models.importing import objects  # noqa: PLC0415 - needs torch, which files need not

            yield objects.package(source, folder, progress)


@contextmanager
def _workplace() -> Iterator[Path]:
    """A folder of the workspace that is removed, also when its process was killed: by the next import."""
    place = workspaces.current().home / PLACE
    with atomic.told("make a folder in", place):
        place.mkdir(exist_ok=True)
        for left in place.iterdir():
            owner = left.name.split("-", 1)[0]
            if owner.isdigit() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(left, ignore_errors=True)  # another kernel may be at it too
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=place)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another import is under way
            place.rmdir()
