"""Models to the Hub: a repository of the user's, with the files, a card, and what is needed to use them."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.core.tasks import Progress
from nbtrain.hub import settings as hub_settings
from nbtrain.hub.client import is_repository
from nbtrain.hub.telling import check_online, told
from nbtrain.models.exporting.export import export
from nbtrain.models.package import About, Version
from nbtrain.store import atomic

#: What a commit says.
MESSAGE = "Upload from nbtrain"
#: Weights of what was there before: beside the new ones, `transformers` could take them for the model.
WEIGHTS_OF_OLD = (
    "*.safetensors", "*.safetensors.index.json", "pytorch_model*.bin", "pytorch_model*.bin.index.json", "model.pt",
    "model.pt2", "model.onnx", "model.onnx.data")


def push(
    version: Version, repository: str, *, private: bool = True, name: str = "", progress: Progress | None = None,
) -> str:
    """Upload a version as ``owner/name``, which is made where it is not there; gives the address of its page.

    A repository that has a card keeps it.

    Args:
        version: from the registry.
        repository: ``owner/name``.
        private: of a new repository.
        name: what the model is called in the card; empty takes the repository's name.
        progress: may call it off before files are sent.

    Raises:
        ConfigError: `repository` is no such name.
        HubError: the Hub cannot be reached, or does not let you (log in with a token that may write).
    """
    if not is_repository(repository) or repository.count("/") != 1:
        raise ConfigError([Problem("repository", (
            f"{repository!r:.120} is no name of a repository; names look like owner/name."))])
    from huggingface_hub import HfApi  # noqa: PLC0415 - a panel without a Hub need not load it

    endpoint = hub_settings.current().endpoint
    api = HfApi(endpoint=endpoint)
    with tempfile.TemporaryDirectory(prefix="nbtrain-push-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary) / "model"
        if version.about.format in {"transformers", "architecture", "module"}:
            export(version, "transformers" if version.about.format == "transformers" else "safetensors", folder)
        else:
            _as_kept(version, folder)
        with told(repository, endpoint):
            check_online()
            if progress is not None:
                progress.check()
            api.create_repo(repository, private=private, exist_ok=True)
            if not (folder / "README.md").exists() and not api.file_exists(repository, "README.md"):
                atomic.write_new(folder / "README.md", [card(version.about, name or repository.split("/")[1]).encode()])
            if progress is not None:
                progress.check()
            api.upload_folder(
                repo_id=repository, folder_path=folder, commit_message=MESSAGE, delete_patterns=list(WEIGHTS_OF_OLD))
    return f"{endpoint}/{repository}"


def card(about: About, name: str) -> str:
    """A model card: facts for machines above, the same for people below. Nothing of it is made up."""
    facts: dict[str, Any] = {"library_name": "transformers" if about.format == "transformers" else "nbtrain"}
    if about.task:
        facts["pipeline_tag"] = about.task
    facts["tags"] = ["nbtrain", about.architecture]
    lines = ["---", *(f"{key}: {json.dumps(value)}" for key, value in facts.items()), "---", "", f"# {name}", ""]
    size = "" if about.parameters is None else f" with {about.parameters:,} parameters"
    lines += [f"A `{about.architecture}`{size}, trained or kept with nbtrain.", ""]
    if about.labels:
        lines += ["Classes: " + ", ".join(f"`{label}`" for label in about.labels), ""]
    if about.metrics:
        lines += ["| metric | value |", "|---|---|"]
        lines += [f"| {metric} | {value:.6g} |" for metric, value in about.metrics.items()] + [""]
    return "\n".join(lines)


def _as_kept(version: Version, folder: Path) -> None:
    """The files as they lie in the registry."""
    for name in version.files:
        with atomic.told("write", folder / name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(version.folder / name, folder / name)
