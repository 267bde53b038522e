"""``%load_ext nbtrain``: the `%nbtrain` line magic, the `%%nbtrain` cell magic, and their completion."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class

from nbtrain.commandline.completion import complete
from nbtrain.commandline.flags import read, split
from nbtrain.commandline.reference import columns, option_text, options_text, value_text
from nbtrain.commandline.summary import summary
from nbtrain.commandline.verbs import TRAINING, verb_of, verbs
from nbtrain.core.control import State
from nbtrain.core.errors import CommandError, ConfigError, NbtrainError, Problem
from nbtrain.i18n import printed, text
from nbtrain.subjects import is_array, is_data, is_model

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbtrain.run import Run
    from nbtrain.tracking.run import TrackedRun

_IDENTIFIER = "nbtrain"
_MAGIC = re.compile(r"(?:^|[=\s])%{1,2}nbtrain(?=\s)")


@magics_class
class NbtrainMagics(Magics):
    """The verbs of `%nbtrain`, each a method ``_<verb>``; what they take is declared in `commandline.verbs`."""

    @line_cell_magic
    def nbtrain(self, line: str, cell: str | None = None) -> Any:
        """Train models from the notebook, and steer them while they train.

        %nbtrain train --model net --data X,y --epochs 5 --learning-rate 1e-3
        %nbtrain status | pause | resume | stop | runs | show
        %nbtrain set --learning-rate 3e-4
        %nbtrain data import reviews.csv
        %nbtrain models list
        %nbtrain help [option]

        As a cell magic, %%nbtrain, the options may go on over several lines.
        """
        try:
            words = split(line if cell is None else f"{line}\n{cell}")
            verb = verb_of(words[0] if words else "help")
            if verb.name == "data":
                return self._data_action(words[1:])
            if verb.name == "models":
                self._models_action(words[1:])
                return None
            plain, values = read(words[1:], verb.flags, f"%nbtrain {verb.name}")
            self._take_bare_word(plain, values, verb.name, verb.word)
            handler: Callable[..., Run | None] = getattr(self, f"_{verb.name}")
            return handler(**values)
        except NbtrainError as error:
            raise UsageError(str(error)) from None

    @staticmethod
    def _take_bare_word(plain: list[str], values: dict[str, Any], verb: str, word: str | None) -> None:
        """``pause ID`` is ``pause --run ID``."""
        if word is not None and plain and word not in values:
            values[word] = plain.pop(0)
        if plain:
            raise ConfigError([Problem(verb, f"%nbtrain {verb} does not know what to do with {plain[0]!r}.")])

    # -- the verbs ------------------------------------------------------------------------------

    def _train(self, *, model: str | None = None, data: str | None = None, **values: Any) -> Run:
        from nbtrain import training  # noqa: PLC0415 - loading the extension loads no trainer

        needed = [("--data", data)]
        if model is None and not self._recommends_model(values.get("recipe", "auto"), data):
            needed.insert(0, ("--model", model))
        missing = " and ".join(flag for flag, name in needed if name is None)
        if missing:
            raise ConfigError([Problem(
                "command", f"%nbtrain train needs {missing}: the names of variables of this notebook.")])
        if "validation" in values:
            values["validation"] = self._validation(values["validation"])
        return training.train(self._model(model), self._data(str(data)), **values)

    def _status(self, *, run: str | None = None) -> None:
        from nbtrain import training  # noqa: PLC0415 - as above

        active = training.active()
        if run is not None:
            _say(summary(training.find(run)))
        elif active:
            _say(summary(active[-1]))
        else:
            rows = training.runs()
            _say(printed(text("show.newest" if rows else "show.empty")))
            if rows:
                _say(summary(training.find(rows[0]["id"])))

    def _pause(self, *, run: str | None = None) -> None:
        _say(summary(self._live(run, "pause").pause()))

    def _resume(
        self, *,
        run: str | None = None, model: str | None = None, data: str | None = None, validation: str | None = None,
    ) -> Run | None:
        """Go on after a pause, or with a run that ended: the newest, where none is named and none is active."""
        from nbtrain import training  # noqa: PLC0415 - as above

        active = {found.id: found for found in training.active()}
        if run is None:
            paused = [found.id for found in active.values() if found.state is State.PAUSED]
            run = next(reversed(paused or active), None) or next((row["id"] for row in training.runs()), None)
        if run is None:
            raise CommandError(text("show.empty"))
        if run in active:
            _say(summary(active[run].resume()))
            return None
        return training.resume(
            run,
            model=None if model is None else self._variable(model, "--model"),
            data=None if data is None else self._data(data),
            validation=None if validation is None else self._validation(validation),
        )

    def _stop(self, *, run: str | None = None) -> None:
        _say(summary(self._live(run, "stop").stop()))

    def _set(self, *, run: str | None = None, **changes: Any) -> None:
        live = self._live(run, "set")
        live.set(**changes)
        for name in changes:
            value = value_text(live.options()[name])
            _say(printed(text("magic.set", option=name, value=value, step=live.step + 1)))

    def _runs(self) -> None:
        from nbtrain import training  # noqa: PLC0415 - as above

        _say(repr(training.runs()))

    def _show(self, *, run: str | None = None) -> None:
        from nbtrain import studio, training  # noqa: PLC0415 - as above

        studio.show(None if run is None else training.find(run))

    def _data_action(self, words: list[str]) -> Any:
        """A dataset or a panel is the cell's result; a text is printed."""
        from nbtrain.data_verbs import answer  # noqa: PLC0415 - as above

        found = answer(words, "%nbtrain data", self._namespace())
        if not isinstance(found, str):
            return found
        _say(found)
        return None

    def _models_action(self, words: list[str]) -> None:
        from nbtrain.model_verbs import answer  # noqa: PLC0415 - as above

        _say(answer(words, "%nbtrain models", self._namespace()))

    def _help(self, *, option: str | None = None) -> None:
        _say(overview() if option is None else option_text(option))

    # -- what they look up ----------------------------------------------------------------------

    def _live(self, run_id: str | None, verb: str) -> Run | TrackedRun:
        """A run of this kernel that has not ended."""
        from nbtrain import training  # noqa: PLC0415 - as above

        active = {run.id: run for run in training.active()}
        if run_id is None and active:
            return next(reversed(active.values()))
        if run_id in active:
            return active[run_id]
        if run_id is None:
            raise CommandError(f"Nothing is running, so there is nothing to {verb}.")
        found = training.find(run_id)
        here = "has ended" if found.state.ended else "is not training in this kernel"
        raise CommandError(f"Run {run_id} {here} (it is {found.state}), so %nbtrain {verb} cannot reach it.")

    def _variable(self, name: str, flag: str) -> Any:
        namespace = self._namespace()
        if name in namespace:
            return namespace[name]
        offered = ", ".join(_of_kind(namespace, "model" if flag == "--model" else "data"))
        hint = f"there are: {offered}." if offered else "make it in a cell first."
        raise ConfigError([Problem(flag, f"{flag} names {name!r}, and this notebook has no such variable; {hint}")])

    def _recommends_model(self, recipe: str, data: str | None) -> bool:
        """Whether a recipe is meant that has a model of its own to recommend."""
        from nbtrain import feeding  # noqa: PLC0415 - as above

        named = data is not None and data not in self._namespace() and feeding.says_where(data)
        return named if recipe == "auto" else recipe != "custom"

    def _model(self, name: str | None) -> Any:
        """A variable; what is none may name a model that is registered, built in, or on the Hub."""
        if name is None or name in self._namespace():
            return None if name is None else self._variable(name, "--model")
        from nbtrain import model_verbs, modelling  # noqa: PLC0415 - as above
        from nbtrain.models import architectures  # noqa: PLC0415

        if modelling.means_model(name) or architectures.is_architecture(name):
            return name
        return name if name in model_verbs.offered("registered") else self._variable(name, "--model")

    def _data(self, names: str, flag: str = "--data") -> Any:
        """``Xy`` is that variable, ``X,y`` a tuple of two; what is no variable may name a dataset, or a file."""
        from nbtrain import feeding  # noqa: PLC0415 - as above

        parts = [name.strip() for name in names.split(",")]
        if parts[0] not in self._namespace() and feeding.says_where(names):
            return names
        found = tuple(self._variable(name, flag) for name in parts)
        return found if len(found) > 1 else found[0]

    def _validation(self, given: str) -> Any:
        """A share to hold out, or data of its own."""
        try:
            return float(given)
        except ValueError:
            return self._data(given, "--validation")

    def _namespace(self) -> Mapping[str, Any]:
        return {} if self.shell is None else dict(self.shell.user_ns)

    # -- completion -----------------------------------------------------------------------------

    def offers(self, kind: str) -> list[str]:
        """What the notebook or the workspace holds of a kind, for completion."""
        if kind in {"dataset", "deleted"}:
            from nbtrain.data_verbs import offered  # noqa: PLC0415 - as above

            return offered(kind)
        if kind in {"registered", "deleted_model"}:
            from nbtrain import model_verbs  # noqa: PLC0415 - as above

            return model_verbs.offered(kind)
        if kind == "run":
            from nbtrain import training  # noqa: PLC0415 - as above

            return [row["id"] for row in training.runs()]
        found = _of_kind(self._namespace(), kind)
        if kind == "model":
            from nbtrain import model_verbs  # noqa: PLC0415 - as above
            from nbtrain.models import architectures  # noqa: PLC0415

            found += [*model_verbs.offered("registered"), *architectures.names()]
        return found


def overview() -> str:
    """The verbs, and every option of `train`, in the current language."""
    commands = {f"%nbtrain {name}": text(f"magic.help.{name}") for name in verbs()}
    own = {f"{flag.text} {flag.example}".rstrip(): text(f"flag.{flag.name}") for flag in TRAINING}
    return "\n".join([
        printed(text("magic.help.title")), "", *columns(commands), "", printed(text("magic.help.several")), "",
        "%nbtrain train", *columns(own), "", options_text(),
    ])


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Called by ``%load_ext nbtrain``."""
    magics = NbtrainMagics(shell=shell)
    shell.register_magics(magics)

    @context_matcher(identifier=_IDENTIFIER)  # type: ignore[untyped-decorator]
    def matcher(context: CompletionContext) -> SimpleMatcherResult:
        return complete_context(context, magics.offers)

    shell.Completer.custom_matchers.append(matcher)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Called by ``%unload_ext nbtrain``: takes out what loading put in."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [found for found in matchers if getattr(found, "matcher_identifier", None) != _IDENTIFIER]
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("nbtrain", None)


def complete_context(context: CompletionContext, offers: Callable[[str], Iterable[str]]) -> SimpleMatcherResult:
    """Completions where the cursor is behind `%nbtrain`, or in a cell that begins with `%%nbtrain`."""
    lines = context.full_text.split("\n")
    before = context.line_with_cursor[: context.cursor_position]
    if lines[0].startswith("%%nbtrain") and context.cursor_line:
        before = "\n".join([*lines[: context.cursor_line], before])
    found = _MAGIC.search(before)
    if found is None:
        return {"completions": [], "suppress": False}
    names, fragment = complete(before[found.end():], offers)
    return {
        "completions": [SimpleCompletion(name, type="param") for name in names],
        "matched_fragment": fragment,
        "suppress": True,
    }


def _of_kind(namespace: Mapping[str, Any], kind: str) -> list[str]:
    """Variables that are models, or data (whole, or a part of it: ``X``)."""
    wanted = is_model if kind == "model" else lambda value: is_data(value) or is_array(value)
    return [name for name, value in namespace.items() if not name.startswith("_") and wanted(value)]


def _say(sentence: str) -> None:
    print(sentence)  # noqa: T201 - a magic answers on the cell's output
