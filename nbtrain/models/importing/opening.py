"""`open_model`: whatever a model comes as, checked, as files that the registry keeps."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nbtrain.core.errors import ModelError
from nbtrain.core.tasks import Progress
from nbtrain.models.importing.checking import Check
from nbtrain.models.importing.refusals import refused, shown
from nbtrain.models.package import Package
from nbtrain.store import atomic, lock
from nbtrain.store import workspace as workspaces

#: Of the workspace: where imports under way have their files, each in a folder of its own, which it holds.
PLACE = "imports"
#: Seconds after which a folder that no kernel holds is taken for what a crash left.
ABANDONED_SECONDS = 3600.0


@contextmanager
def open_model(
    source: Any, *, convert: bool = False, trust_remote_code: bool = False, module: Any = None,
    called: str | None = None, progress: Progress | None = None,
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
        called: what messages call a path that nobody gave, such as that of a snapshot; None takes its name.
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
            path = located(source)
            check = Check(folder, convert=convert, trust=trust_remote_code, module=module, progress=progress)
            yield check.path(path, called)
        elif source is None or isinstance(source, int | float | bytes | list | tuple):
            raise ModelError(f"A {type(source).__name__} is no model; give a path, an nn.Module or a state_dict.")
        else:
            from nbtrain.models.importing import objects  # noqa: PLC0415 - needs torch, which files need not

            yield objects.package(source, folder, progress)


def located(source: str | os.PathLike[str]) -> Path:
    """The path that is there, with ``~`` resolved. Raises ModelFileError for one that is not, or cannot be."""
    given = os.fsdecode(source)
    try:
        given.encode()
        path = Path(given).expanduser()
        path.stat()
    except FileNotFoundError:
        raise refused(shown(given), "there is no such file or folder; look at the spelling") from None
    except (RuntimeError, ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it has a character that no path has"
        if isinstance(error, RuntimeError):
            reason = "there is no such user"
        raise refused(shown(given), f"this cannot be the path of a model ({reason}); look at the spelling") from None
    return path


@contextmanager
def _workplace() -> Iterator[Path]:
    """A folder of the workspace that is removed; by a later import when its kernel was killed."""
    place = workspaces.current().home / PLACE
    with atomic.told("make a folder in", place):
        place.mkdir(exist_ok=True)
        _sweep(place)
        folder = Path(tempfile.mkdtemp(dir=place)).resolve()
    try:
        with lock.FolderLock(folder, "Another import works in {folder}{where}."):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove what imports left whose kernels died, on whatever machine."""
    for left in place.iterdir():
        with suppress(OSError):  # it has just been removed by its own import, or by another kernel
            if time.time() - left.stat().st_mtime > ABANDONED_SECONDS and not lock.is_held(left):
                shutil.rmtree(left, ignore_errors=True)
