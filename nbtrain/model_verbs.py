"""What `%nbtrain models …` and `nbtrain models …` do: each action a function that gives a text."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from nbtrain import models, training, trying
from nbtrain.commandline.models import TOPIC
from nbtrain.core.errors import CommandError, ConfigError, Problem
from nbtrain.core.model_views import DownloadView, HubRow, Stage
from nbtrain.core.ports import OWN_LOOP
from nbtrain.dataset import binary
from nbtrain.i18n import printed, text
from nbtrain.loading import aligned
from nbtrain.model_desk import WorkspaceModels
from nbtrain.models.package import Version
from nbtrain.models.registry import Registry
from nbtrain.models.verbs import ModelList
from nbtrain.run import Run

#: Characters of a note or a name in a table, and blocks of a card that are printed.
_CELL, _BLOCKS = 40, 6


def answer(words: Sequence[str], command: str, variables: Mapping[str, Any] | None = None) -> str:
    """Do what the words behind `command` ask; gives what there is to say.

    Args:
        words: an action, and what it takes.
        command: ``%nbtrain models`` or ``nbtrain models``, for messages.
        variables: of the notebook, which can be imported by name.

    Raises:
        ConfigError: there is no such action or flag, or a word is missing. What the actions raise.
    """
    action, plain, values = TOPIC.parse(words, command)
    if action.name == "help":
        return TOPIC.help_text(command, plain.get("action"))
    if action.name == "import" and variables is not None:
        plain["source"] = _variable(plain["source"], variables)
    return _ACTIONS[action.name](**plain, **values)


def offered(kind: str) -> list[str]:
    """Names for completion: of registered models, or of those that can be brought back."""
    registry = Registry()
    records = registry.deleted() if kind == "deleted_model" else registry.list()[0]
    return [record.name for record in records]


# -- looking ----------------------------------------------------------------------------------------


def _list(*, search: str = "", deleted: bool = False, **query: Any) -> str:
    if not deleted:
        return repr(models.list(search, **query))
    gone = ModelList(Registry().deleted())
    return repr(gone) if gone else _say("none_deleted")


def _versions(*, model: str) -> str:
    return repr(models.versions(model))


def _search(*, search: str = "", limit: int = 30, **query: Any) -> str:
    page = models.search(search, limit=limit, **query)
    heads = ("name", "task", "parameters", "downloads", "likes", "licence", "")
    lines = aligned([heads, *map(_hub_line, page["rows"])], right={2, 3, 4}) if page["rows"] else [_say("none_found")]
    return "\n".join([*([page["note"]] if page["note"] else []), *lines])


def _details(*, repository: str, revision: str | None = None) -> str:
    facts = models.details(repository, revision)
    row, fit = facts["row"], facts["fit"]
    lines = [f"{row['id']}  {facts['commit'][:12]}"]
    lines += [
        f"{name:12}  {value}" for name, value in (
            ("task", row["task"]), ("architecture", facts["architecture"]), ("licence", row["licence"]),
            ("parameters", "" if row["parameters"] is None else f"{row['parameters']:,} {facts['precision']}".strip()),
            ("download", f"{binary(facts['download'])}, {binary(facts['have'])} here"),
            ("gated", row["gated"]),
            ("inference", _memory(fit["inference"], fit["inference_verdict"])),
            ("training", _memory(fit["training"], fit["training_verdict"]))) if value]
    lines += [f"! {each}" for each in (facts["problem"], facts["note"]) if each]
    if facts["remote_code"]:
        lines.append("! " + _say("remote_code"))
    for block in facts["card"][:_BLOCKS]:
        said = block["text"] or "".join(span["text"] for span in block["spans"])
        lines += ["", said] if said else []
    return "\n".join(lines)


def _downloads() -> str:
    found = WorkspaceModels().downloads()
    if not found:
        return _say("no_downloads")
    heads = ("id", "model", "state", "arrived", "")
    return "\n".join(aligned([heads, *map(_download_line, found)], right={3}))


# -- getting ----------------------------------------------------------------------------------------


def _download(
    *, repository: str, revision: str | None = None, name: str | None = None, convert: bool = False,
    trust_remote_code: bool = False,
) -> str:
    """Through the queue, so that what has arrived is kept when it is interrupted."""
    from nbtrain.models import fetching  # noqa: PLC0415 - loads the client of the Hub

    fetching.known(Registry(), repository, name)  # a name that is taken is told before anything is fetched
    desk = WorkspaceModels()
    before = {record.id for record in Registry().list()[0]}
    begun = desk.download(repository, revision, trust_remote_code=trust_remote_code, convert=convert)
    try:
        while True:
            now = next(each for each in desk.downloads() if each["id"] == begun)
            task = desk.tasks.find(now["task"])
            if task is not None:
                task.wait()
            elif now["phase"] not in {"waiting", "running"}:
                break
            else:
                time.sleep(0.2)  # another kernel is at it
    except KeyboardInterrupt:
        desk.stop_download(begun)
        raise
    if now["phase"] != "done":
        raise CommandError(now["error"] or _say("download_stopped", name=repository))
    desk.drop_download(begun)
    if name is not None and now["model"] not in before:
        Registry().rename(now["model"], name)
    return _here("downloaded", Registry().version(now["model"]))


def _import(*, source: Any, **options: Any) -> str:
    return _here("imported", models.import_(source, **options))


def _register(*, run: str | None = None, **options: Any) -> str:
    active = training.active()
    if run is None and not active and not training.runs():
        raise CommandError(text("show.empty"))
    found = active[-1] if run is None and active else training.find(run or training.runs()[0]["id"])
    if OWN_LOOP in found.options():
        raise CommandError(
            f"Run {found.id} is a loop of your own, which keeps no weights; keep the model itself: "
            "nbtrain.models.import_(model).")
    if not isinstance(found, Run):
        raise CommandError(
            f"Run {found.id} is not in this kernel any more; open it with nbtrain.resume, or register it where it "
            "was trained.")
    done = found.register(**options)
    return "\n".join([_here("registered", done.version), *filter(None, (done.promotion, *done.notes))])


# -- giving -----------------------------------------------------------------------------------------


def _export(*, model: str, format: str, path: str, version: int | None = None, overwrite: bool = False) -> str:  # noqa: A002 - the field's word
    done = models.export(model, format, path, version=version, overwrite=overwrite)
    lines = [_say("exported", name=Registry().find(model).name, path=done["path"], size=binary(done["bytes"]))]
    if done["difference"] is not None:
        lines.append(_say("difference", value=f"{done['difference']:.2g}"))
    return "\n".join([*lines, *([done["note"]] if done["note"] else [])])


def _push(*, model: str, repository: str, version: int | None = None, public: bool = False) -> str:
    address = models.push(model, repository, version=version, private=not public)
    return _say("pushed", name=Registry().find(model).name, address=address)


def _predict(*, model: str, values: Sequence[str] = (), version: int | None = None) -> str:
    found = Registry().version(model, version)
    fields = trying.form(found)["fields"]
    if not values:
        asked = "\n".join(f"  {each['name']}=…  ({each['type']}) {', '.join(each['choices'][:10])}".rstrip()
                          for each in fields)
        return f"{_say('predict')}\n{asked}"
    said = trying.predict(found, _told(values, [each["name"] for each in fields]))
    lines = [f"{guess['probability']:7.1%}  {guess['label']}" for guess in said["guesses"][:10]]
    lines += [f"{value['name']}  {value['value']:.6g}" for value in said["values"]]
    return "\n".join([*lines, *([said["note"]] if said["note"] else [])])


# -- keeping ----------------------------------------------------------------------------------------


def _rename(*, model: str, name: str) -> str:
    before = Registry().find(model).name
    return _say("renamed", before=before, name=models.rename(model, name).name)


def _tag(*, model: str, tags: Sequence[str] = ()) -> str:
    kept = models.tag(model, *tags)
    return _say("tagged" if kept.tags else "untagged", name=kept.name, tags=", ".join(kept.tags))


def _category(*, model: str, category: str = "") -> str:
    kept = Registry().categorise(model, category)
    return _say("categorised" if kept.category else "uncategorised", name=kept.name, category=kept.category)


def _move(*, model: str, stage: str, version: int | None = None) -> str:
    registry = Registry()
    number = registry.versions(model)[0].number if version is None else version
    before = registry.move(model, number, cast("Stage", stage))
    said = _say("moved", name=registry.find(model).name, number=number, stage=text(f"stage.{stage}"))
    return said if not before else f"{said} {_say('archived', number=before[0])}"


def _delete(*, model: str, version: int | None = None) -> str:
    gone = Registry().delete(model, version)
    trying.forget(gone.id, version)
    if version is None:
        return _say("deleted", name=gone.name, command=f"models undo {shlex.quote(gone.name)}")
    return _say("deleted_version", name=gone.name, number=version,
                command=f"models undo {shlex.quote(gone.name)} --version {version}")


def _undo(*, deleted: str | None = None, version: int | None = None) -> str:
    return _say("restored", name=models.undo(deleted, version).name)


def _verify(*, model: str, version: int | None = None) -> str:
    models.verify(model, version)
    checked = Registry().versions(model) if version is None else [Registry().version(model, version)]
    return _say("verified", name=Registry().find(model).name, files=sum(len(each.files) for each in checked))


_ACTIONS: Mapping[str, Callable[..., str]] = {
    "list": _list, "search": _search, "details": _details, "download": _download, "downloads": _downloads,
    "import": _import, "export": _export, "push": _push, "register": _register, "versions": _versions,
    "rename": _rename, "tag": _tag, "category": _category, "move": _move, "delete": _delete, "undo": _undo,
    "verify": _verify, "predict": _predict,
}


# -- in words ---------------------------------------------------------------------------------------


def _say(key: str, **args: object) -> str:
    return printed(text(f"command.models.{key}", None, **args))


def _here(key: str, version: Version) -> str:
    """What came in, and under which name."""
    about = version.about
    said = _say(key, name=Registry().find(version.model).name, number=version.number)
    size = "" if about.parameters is None else f", {about.parameters:,} parameters"
    return f"{said} ({about.architecture}{size}, {binary(version.bytes)})"


def _told(values: Sequence[str], fields: Sequence[str]) -> dict[str, str]:
    """``age=30`` by its name; without one, where only one field is asked for, all of it. Raises ConfigError."""
    found: dict[str, str] = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if equals and name in fields:
            found[name] = rest
        elif len(fields) == 1 and not found:
            found[fields[0]] = " ".join(values)
            break
        else:
            raise ConfigError([Problem(
                "values", f"{value!r:.60} is for no field; write NAME=VALUE, with one of: {', '.join(fields)}.")])
    return found


def _hub_line(row: HubRow) -> tuple[str, ...]:
    here = "here" if row["cached"] else row["gated"] and "gated"
    figures = (row["parameters"], row["downloads"], row["likes"])
    return (row["id"], row["task"], *("" if each is None else f"{each:,}" for each in figures), row["licence"], here)


def _download_line(view: DownloadView) -> tuple[str, ...]:
    share = f"{view['have'] / view['total']:.0%}" if view["total"] else ""
    return (view["id"], view["repository"], view["phase"], share, view["error"][:80])


def _memory(count: int | None, verdict: str) -> str:
    return "" if count is None else f"{binary(count)} ({verdict})"


def _variable(source: str, variables: Mapping[str, Any]) -> Any:
    """The variable of that name, where no file is called so."""
    known = source in variables and not source.startswith("_") and not Path(source).exists()
    return variables[source] if known else source
