"""Which files of a Hub dataset hold its rows: as its card says, or as their names tell."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from nbtrain.core.errors import DataError
from nbtrain.data.importing.media_checks import ENDINGS

if TYPE_CHECKING:
    from nbtrain.hub.client import Listing

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
#: Formats of rows, the preferred ones first.
_ROWS = ((".parquet",), (".arrow",), (".jsonl", ".ndjson"), (".json",), (".csv",), (".tsv",), (".txt",))
_COMPRESSIONS = (".gz", ".zst")
_PARTS = {
    "train": ("train", "training"), "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
#: Files that are about the dataset, not of it.
_ABOUT = frozenset({
    "dataset_infos.json", "dataset_info.json", "config.json", "state.json", "license.txt", "readme.txt",
})


@dataclass(frozen=True)
class Picked:
    """The files to read."""

    parts: Mapping[str, Sequence[str]]
    """Part (train, test, …) → its files, in order."""
    is_media: bool = False
    """Whether they are images or sounds (with their tables of labels), not files of rows."""

    @property
    def files(self) -> list[str]:
        return [file for files in self.parts.values() for file in files]


def is_hub_name(given: Any) -> bool:
    """Whether this is ``hub://owner/name``, or ``owner/name`` that is no path of a file here."""
    if not isinstance(given, str):
        return False
    if given.startswith("hub://"):
        return True
    owner, _, name = given.partition("/")
    return is_repository(given) and not Path(owner).exists() and not is_data(name)


def is_repository(name: str) -> bool:
    """Whether a text looks like ``owner/name``."""
    return _NAME.fullmatch(name) is not None and ".." not in name and "--" not in name


def is_data(name: str) -> bool:
    """Whether a name ends like a file of rows, an image or a sound."""
    path = PurePosixPath(name.lower())
    ending = path.with_suffix("").suffix if path.suffix in _COMPRESSIONS else path.suffix
    return ending in ENDINGS or any(ending in endings for endings in _ROWS)


def pick(listing: Listing, config: str | None, split: str | None) -> Picked | None:
    """The files of a configuration and part; all parts when `split` is None. None when no file has a known format.

    Raises:
        DataError: there is no such configuration or part, or one has to be chosen; the sentence names those there are.
    """
    files = [file for file in listing.files if not PurePosixPath(file).name.startswith(".")]
    configs = _configs(listing.card, files)
    if configs:
        parts = configs[_chosen(listing.repository, configs, config, listing.card)]
    elif config is not None:
        raise DataError(f"{listing.repository} has no configurations; leave out config={config!r}.")
    else:
        parts = _by_names(_rows(files))
    picked = Picked({part: found for part, found in parts.items() if found})
    media = [file for file in files if PurePosixPath(file).suffix.lower() in ENDINGS]
    if not picked.parts and not media:
        return None
    if media and not any(file.endswith(".parquet") for file in picked.files) and len(media) > len(picked.files):
        tables = [file for file in files if PurePosixPath(file).stem == "metadata"]
        return _of_media(listing.repository, sorted({*media, *tables}), split)
    if split is not None:
        if split not in picked.parts:
            raise DataError(f"{listing.repository} has no part {split!r}; it has: {', '.join(picked.parts)}.")
        picked = Picked({split: picked.parts[split]})
    return picked


def _of_media(repository: str, files: list[str], split: str | None) -> Picked:
    if split is None:
        return Picked({"": files}, is_media=True)
    chosen = [file for file in files if _part(file) == split]
    if not chosen:
        raise DataError(f"{repository} has no part {split!r}.")
    return Picked({split: chosen}, is_media=True)


def _rows(files: Iterable[str]) -> list[str]:
    """The files of the first format of rows there is."""
    files = [file for file in files if PurePosixPath(file).name.lower() not in _ABOUT]
    for endings in _ROWS:
        all_endings = (*endings, *(ending + packed for ending in endings for packed in _COMPRESSIONS))
        found = sorted(file for file in files if file.lower().endswith(all_endings))
        if found:
            return found
    return []


def _by_names(files: Sequence[str]) -> dict[str, list[str]]:
    """Files by the part that their names tell; all are ``train`` when none tells."""
    parts: dict[str, list[str]] = {part: [] for part in _PARTS}
    for file in files:
        part = _part(file)
        if part is not None:
            parts[part].append(file)
    return {part: found for part, found in parts.items() if found} or {"train": list(files)}


def _part(file: str) -> str | None:
    words = re.split(r"[^a-z]+", file.lower())
    return next((part for word in reversed(words) for part, said in _PARTS.items() if word in said), None)


def _configs(card: Any, files: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Configuration → part → files, as the card says, or as the folders of the Hub's own Parquet do."""
    said = card.get("configs") if isinstance(card, Mapping) else None
    found: dict[str, dict[str, list[str]]] = {}
    for entry in said if isinstance(said, list) else []:
        if isinstance(entry, Mapping) and entry.get("data_files"):
            found[str(entry.get("config_name", "default"))] = _told(entry, files)
    if found:
        return found
    folders = [PurePosixPath(file).parts for file in files if file.endswith(".parquet")]
    if folders and all(len(parts) == 3 and re.fullmatch(r"\d{4}\.parquet", parts[2]) for parts in folders):
        for name, part, number in sorted(folders):
            found.setdefault(name, {}).setdefault(part.removeprefix("partial-"), []).append(f"{name}/{part}/{number}")
    return found


def _told(entry: Mapping[str, Any], files: Sequence[str]) -> dict[str, list[str]]:
    """The files of one configuration of the card."""
    folder = str(entry.get("data_dir") or "").strip("/")
    said = entry["data_files"]
    if isinstance(said, str) or (isinstance(said, list) and all(isinstance(each, str) for each in said)):
        said = [{"split": "train", "path": said}]
    if isinstance(said, Mapping):
        said = [{"split": part, "path": path} for part, path in said.items()]
    parts: dict[str, list[str]] = {}
    for each in said:
        paths = each.get("path") or []
        for pattern in [paths] if isinstance(paths, str) else paths:
            whole = f"{folder}/{pattern}" if folder else str(pattern)
            parts.setdefault(str(each.get("split", "train")), []).extend(
                file for file in sorted(files) if fnmatch.fnmatchcase(file, whole.removeprefix("./")))
    return parts


def _chosen(repository: str, configs: Mapping[str, Any], config: str | None, card: Any) -> str:
    """The configuration that is meant. Raises DataError."""
    if config is not None:
        if config in configs:
            return config
        raise DataError(f"{repository} has no configuration {config!r}; it has: {', '.join(configs)}.")
    if len(configs) == 1:
        return next(iter(configs))
    marked = [
        str(entry.get("config_name")) for entry in (card or {}).get("configs", [])
        if isinstance(entry, Mapping) and entry.get("default")] + ["default"]
    chosen = next((name for name in marked if name in configs), None)
    if chosen is None:
        raise DataError(f"{repository} has several configurations; choose one by config=…: {', '.join(configs)}.")
    return chosen
