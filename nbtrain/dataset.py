"""The public `Dataset`: a handle on a dataset of the workspace. What it finds out is kept, for the next kernel too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.keeping.kept import hashed, kept, split_key, tokenizer_key
from nbtrain.data.keeping.library import DATA, Library
from nbtrain.data.keeping.stamps import expanded
from nbtrain.data.keeping.waiting import waited
from nbtrain.store.datasets import DatasetRecord

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from nbtrain.data.columns import Column
    from nbtrain.data.looking.profile import Profile
    from nbtrain.data.processing import Recipe, Step
    from nbtrain.data.quality import Report
    from nbtrain.data.query import Query
    from nbtrain.data.splits.splitting import Split, SplitSpec
    from nbtrain.data.table import Table
    from nbtrain.widgets.dataset_preview import DatasetPreview

PROFILES, REPORTS = "profile.json", "quality.json"


class Dataset:
    """A dataset of the workspace, from `nbtrain.load_dataset` or `nbtrain.datasets`.

    Long work (a profile, a split, an export…) can be interrupted; nothing half-made is left. Where a method takes
    `progress`, the work is done in the thread that calls, and told there; without, Kernel → Interrupt ends it.

    Raises:
        DatasetNotFoundError: from every method that reads, when the dataset was deleted.
    """

    def __init__(self, record: DatasetRecord, library: Library | None = None) -> None:
        self._record = record
        self._library = library or Library()
        self._table: Table | None = None
        self._path: Path | None = None

    # -- what is known of it --------------------------------------------------------------------

    @property
    def id(self) -> str:
        return self._record.id

    @property
    def name(self) -> str:
        return self._record.name

    @property
    def rows(self) -> int:
        return self._record.rows

    @property
    def columns(self) -> tuple[Column, ...]:
        """Name, kind and type of each."""
        return self.table.columns

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits; see `nbtrain.data.importing.fingerprint`."""
        return self._record.fingerprint

    @property
    def bytes(self) -> int:
        """Size of the file of its rows."""
        return self._record.bytes

    @property
    def source(self) -> str:
        """Where it came from."""
        return self._record.source

    @property
    def rejected(self) -> int:
        """Rows of the source that were left out; they are in ``folder/rejected.csv``."""
        return self._record.rejected

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided when its source was read, in sentences: a column read as text, an encoding guessed."""
        return self._library.notes(self.id)

    @property
    def created(self) -> float:
        """Seconds since 1970."""
        return self._record.created

    @property
    def folder(self) -> Path:
        return self._library.folder(self.id)

    @property
    def same_as(self) -> tuple[str, ...]:
        """Names of other datasets with the same content."""
        others = self._library.list()
        return tuple(each.name for each in others if each.fingerprint == self.fingerprint and each.id != self.id)

    @property
    def parent(self) -> Dataset | None:
        """The dataset it was processed from; None for one that was imported. Raises DatasetNotFoundError."""
        parent = self._library.facts(self.id).get("parent")
        return None if parent is None else Dataset(self._library.find(parent), self._library)

    @property
    def recipe(self) -> Recipe | None:
        """The fitted steps that made it from what was imported, for new rows; None where it was not processed."""
        from nbtrain.data.processing import Recipe  # noqa: PLC0415 - what reads loads when it is asked for

        return Recipe.load(self.folder) if (self.folder / "recipe.json").is_file() else None

    # -- its rows -------------------------------------------------------------------------------

    @property
    def table(self) -> Table:
        """All rows, read where they lie."""
        path = self.folder / DATA
        if self._table is None or self._path != path or not path.is_file():
            self._table, self._path = self._library.table(self.id), path
        return self._table

    def part(self, part: str) -> Table:
        """The rows of a part: ``"train"``, ``"validation"``, ``"test"`` or ``"left_out"``. Raises DataError."""
        from nbtrain.data.splits.splitting import part_of  # noqa: PLC0415 - as above

        return part_of(self.table, self.split(), part)  # with a copy of its own: the split may be made anew

    def page(
        self, query: Query | Mapping[str, Any] | None = None, *, offset: int = 0, limit: int = 100,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Some rows, with their numbers as the column ``__row__``.

        Args:
            query: filters, search and order: a `Query`, or ``{"filters": [{"column", "op", "value"}], "search": "…",
                "sort": [{"column", "descending"}]}``.
            offset: of what the query finds, leave out so many.
            limit: at most so many.
            columns: only these.

        Raises:
            ConfigError: the query names a column there is not, or compares it with what it is not.
        """
        from nbtrain.data.query import Query  # noqa: PLC0415 - as above

        asked = query if isinstance(query, Query) else Query.parse(query or {}, self.columns)
        return self.table.page(asked, offset=offset, limit=limit, columns=columns)

    def arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Everything in memory, as Arrow."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        def work(progress: Progress) -> pa.Table:
            empty = self.table.page(limit=0, columns=columns).drop_columns(["__row__"])
            batches = list(self.table.batches(columns, progress=progress))
            return pa.Table.from_batches(batches) if batches else empty

        return waited("read", self.name, work)

    def frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Everything in memory, as a pandas data frame."""
        frame: pd.DataFrame = self.arrow(columns).to_pandas()
        return frame

    def export(
        self, path: str | Path, *, overwrite: bool = False, formulas: Literal["keep", "escape"] = "keep",
        progress: Progress | None = None,
    ) -> Path:
        """Write all rows to a file; gives its path.

        Args:
            path: its ending says the format: .csv .tsv .json .jsonl (each also with .gz or .zst), .parquet .arrow.
            overwrite: replace a file that is there.
            formulas: of CSV and TSV: ``"escape"`` puts an apostrophe before texts that a spreadsheet would compute.
            progress: see `Dataset`.

        Raises:
            DataError: the ending is unknown, the file is there already, or the format cannot hold the columns.
            WorkspaceError: the file cannot be written.
        """
        from nbtrain.data.importing.exporting import export  # noqa: PLC0415 - as above

        target = expanded(path)
        waited("export", target.name, lambda p: export(
            self.table, target, overwrite=overwrite, formulas=formulas, progress=p), progress)
        return target

    # -- what is found out, and kept ------------------------------------------------------------

    def profile(
        self, target: str | None = None, tokenizer: Any = None, *, progress: Progress | None = None,
    ) -> Profile:
        """What each column holds: missing, distinct, mean, quantiles, classes of `target`, lengths in tokens.

        Args:
            target: column whose classes are counted.
            tokenizer: counts tokens; a profile with one that has no name and cannot be written down is not kept.
            progress: see `Dataset`.

        Raises:
            DataError: there is no column `target`.
        """
        from nbtrain.data.looking.profile import Profile, profile  # noqa: PLC0415 - as above

        known = tokenizer_key(tokenizer)
        arguments = None if tokenizer is not None and known is None else {"target": target, "tokenizer": known}
        return kept(
            self.folder / PROFILES, arguments,
            lambda: waited("profile", self.name, lambda p: profile(
                self.table, target=target, tokenizer=tokenizer, progress=p), progress),
            Profile.to_json, Profile.from_json)

    def split(
        self, method: str | SplitSpec | None = None, *, progress: Progress | None = None, **options: Any,
    ) -> Split:
        """Divide the rows into training, validation and test. The last split that was made is kept, and used.

        Args:
            method: ``random``, ``stratified``, ``group``, ``time``, ``column`` or ``kfold``; or a whole `SplitSpec`.
                With nothing given at all it is the split that is kept; a random one where there is none.
            progress: see `Dataset`.
            options: the options of `SplitSpec`: ``train=0.8, validation=0.1, test=0.1, target="label", seed=1`` …

        Raises:
            ConfigError: options that are unknown or wrong; all in one message.
            DataError: a column is not there, or there are too few rows.
        """
        from nbtrain.data.splits.splitting import SplitSpec, split  # noqa: PLC0415 - as above

        before = self.kept_split()
        if method is None and not options and before is not None:
            return before
        spec = method if isinstance(method, SplitSpec) else SplitSpec.from_json(
            ({} if method is None else {"method": method}) | options)
        if before is not None and before.spec == spec:
            return before
        made = waited("split", self.name, lambda p: split(self.table, spec, progress=p), progress)
        made.save(self.folder)
        return made

    def kept_split(self) -> Split | None:
        """The split that is kept; None where there is none yet, or it was damaged."""
        from nbtrain.data.splits.splitting import Split  # noqa: PLC0415 - as above

        if not (self.folder / "split.json").is_file():
            return None
        try:
            found = Split.load(self.folder)
        except DataError:  # it can be made again
            return None
        return found if len(found.parts) == self.rows else None

    def quality(
        self, target: str | None = None, *, group: str | None = None, time: str | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Whether it is fit to train on: duplicates, leakage, labels, gaps; with the split that is kept, if one is.

        Args:
            target: column with the label; None takes that of the split.
            group: column whose equal values belong together; None takes that of the split.
            time: column with the time; None takes that of the split.
            progress: see `Dataset`.

        Raises:
            DataError: a column is not there.
        """
        from nbtrain.data.quality import Report, quality  # noqa: PLC0415 - as above

        made = self.kept_split()
        arguments = {"target": target, "group": group, "time": time, "split": split_key(made)}
        return kept(
            self.folder / REPORTS, arguments,
            lambda: waited("quality", self.name, lambda p: quality(
                self.table, split=made, target=target, group=group, time=time, progress=p), progress),
            Report.to_json, Report.from_json)

    # -- making another of it -------------------------------------------------------------------

    def process(
        self, *steps: Step | Mapping[str, Any] | Sequence[Step | Mapping[str, Any]], target: str | None = None,
        name: str | None = None, progress: Progress | None = None,
    ) -> Dataset:
        """A new dataset: this one, cleaned, scaled, encoded… Steps learn from the rows of the training part alone.

        The split is taken over row by row; where none was made, a random one is made first. The fitted steps are
        kept as `recipe`, and `nbtrain` applies them alike to new rows.

        Args:
            steps: steps, or their JSON: ``{"step": "scale", "columns": ["age"]}``; one by one or as a list.
            target: column to predict, which steps leave alone; None takes that of the split, or one that is called
                `label`, `target` or `y`.
            name: of the new dataset; None calls it ``<name> · processed``.
            progress: see `Dataset`.

        Raises:
            ConfigError: steps that are unknown or have wrong options; or `name` is taken.
            DataError: a column is missing, or of a kind that a step cannot work on.
        """
        from nbtrain.data.examples import target_of  # noqa: PLC0415 - as above
        from nbtrain.data.keeping.processed import process  # noqa: PLC0415

        given = _one_by_one(steps)
        split = self.split(progress=progress)
        goal = target or split.spec.target or target_of(self.table)
        parts = sha256(split.parts.tobytes()).hexdigest()
        stamp = hashed([self.id, self.fingerprint, split.to_json(), parts, [step.to_json() for step in given], goal])
        if (known := self._library.known(stamp, name)) is None:
            known = waited("process", self.name, lambda p: self._library.write(
                lambda folder: process(self.table, given, split, folder, target=goal, before=self.recipe,
                    dates=self._library.reading(self.id).get("dates"), progress=p),
                name=name, else_name=self.name.removesuffix(_PROCESSED) + _PROCESSED, source=self.name, stamp=stamp,
                distinct=True, parent=self.id), progress).dataset
        return Dataset(known, self._library)

    # -- the workspace --------------------------------------------------------------------------

    def preview(self) -> DatasetPreview:
        """The table to look at in a notebook: scroll, sort, filter, search."""
        from nbtrain.studio import DatasetPreview  # noqa: PLC0415 - only notebooks need it

        return DatasetPreview(self)

    def rename(self, name: str) -> None:
        """Give another name. Raises ConfigError when it cannot be used, or another dataset has it."""
        self._record = self._library.rename(self.id, name)

    def delete(self) -> None:
        """Delete it; for 30 days ``%nbtrain data undo`` or `restore` brings it back."""
        self._library.delete(self.id)

    def restore(self) -> None:
        """Bring it back after `delete`. Raises DatasetNotFoundError when it is gone for good, or was not deleted."""
        self._record = self._library.restore(self.id)

    def verify(self) -> None:
        """Read everything and compare it with what was imported. Raises DataError when it is not the same."""
        waited("verify", self.name, lambda p: self._library.verify(self.id, progress=p))

    def __len__(self) -> int:
        return self.rows

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dataset) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return "\n".join(_lines(self))


_PROCESSED = " · processed"


def binary(size: float) -> str:
    """Bytes as people read them: ``3.4 MiB``."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} bytes" if unit == "bytes" else f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} TiB"


def _lines(dataset: Dataset) -> Iterator[str]:
    count = dataset._record.columns  # noqa: SLF001 - same module
    yield f"Dataset {dataset.name!r} ({dataset.id}): {dataset.rows:,} rows, {count} columns, {binary(dataset.bytes)}"
    try:
        columns = dataset.columns
    except LookupError:
        yield "  It was deleted; its restore() brings it back."
        return
    names = [column.name if len(column.name) <= 40 else column.name[:39] + "…" for column in columns[:20]]
    width = max(map(len, names), default=0)
    yield from (f"  {name:{width}}  {column.kind}" for name, column in zip(names, columns, strict=False))
    if len(columns) > 20:
        yield f"  … and {len(columns) - 20} more"
    yield f"from {dataset.source}"
    if dataset.rejected:
        yield f"{dataset.rejected:,} rows could not be read and were left out: {dataset.folder / 'rejected.csv'}"
    yield from dataset.notes
    if same := dataset.same_as:
        yield f"It has the same content as {', '.join(map(repr, same))}."


def _one_by_one(given: Sequence[Any]) -> tuple[Step, ...]:
    """Steps, their JSON, and lists of these as steps. Raises ConfigError."""
    from nbtrain.data.processing import Recipe  # noqa: PLC0415 - as above

    return Recipe(step for each in given for step in (each if isinstance(each, list | tuple) else [each])).steps
