"""The files of one table together, and how they are mended when reading shows what their beginning did not."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from nbtrain.core.errors import DataFileError, NbtrainError
from nbtrain.core.tasks import Progress
from nbtrain.data.reading.complaints import Fault, as_said, explained, fault_of, part_at_fault
from nbtrain.data.reading.csv_dates import agreed, undecided, with_dates_of_all_rows
from nbtrain.data.reading.csv_dialect import LOOKED_AT, SAMPLE, Dialect
from nbtrain.data.reading.csv_types import of_one_type, proven, with_spelling_kept
from nbtrain.data.reading.formats import Compression, DataFile, Format, opening
from nbtrain.data.reading.lines import has_both_ends, has_lone_cr, verify
from nbtrain.data.reading.parts import Care, Part, csv_part, part_of
from nbtrain.data.reading.read_options import ReadOptions
from nbtrain.data.reading.rejects import Reject, Rejects
from nbtrain.data.reading.scratch import Scratch

_JSON = {Format.JSON, Format.JSONL}
_CSV = {Format.CSV, Format.TSV}
#: What is done for a file with this fault.
_CARES: dict[Fault, dict[str, bool]] = {
    Fault.ENCODING: {"decode": True}, Fault.TYPE: {"every_row": True}, Fault.JSON: {"tidy": True, "every_row": True},
    Fault.QUOTE: {"sound": True}, Fault.NEWLINES: {"newlines": True},
}


class Pool:
    """The parts of a table; any thread may read them, or have one mended.

    Raises:
        DataFileError: a file is broken in a way that is seen at once, or has other columns than the first.
        CancelledError: `progress` was called off.
    """

    def __init__(
        self, files: Sequence[DataFile], options: ReadOptions, *, progress: Progress | None = None,
    ) -> None:
        self.options = options
        self._left_out: dict[int, Rejects] = {}
        self._scratch = Scratch()
        self.files = tuple(files)
        self._lock = threading.RLock()
        self._cares = [Care() for _ in files]
        self._mended: set[tuple[int, Fault]] = set()
        self._looked_through: set[Path] = set()
        self.parts: list[Part] = []
        for number in range(len(files)):
            self.parts.append(self._made(number, progress))
        self._check_columns()
        self._date_notes: list[str] = []
        self._type_notes: dict[str, str] = {}
        self._agree()

    @property
    def notes(self) -> tuple[str, ...]:
        return (*(note for part in self.parts for note in part.notes), *self._date_notes,
                *self._type_notes.values())

    @property
    def has_row_numbers(self) -> bool:
        """Whether the rows come with their numbers, as ``file_row_number``."""
        return len(self.parts) == 1 and self.parts[0].sql.startswith("read_parquet(")

    def source(self, *, rejects: bool = False) -> str:
        """What follows FROM; with `rejects`, the rows of part n that are left out go to ``nbtrain_<n>_errors``."""
        found = []
        for number, part in enumerate(self.parts):
            if rejects and part.dialect is not None:
                found.append(part.dialect.sql(rejects=f"nbtrain_{number}"))
            else:
                found.append(part.sql)
        if self.has_row_numbers:
            return f"{found[0].removesuffix(')')}, file_row_number=true)"
        if len(found) == 1:
            return found[0]
        return f"({' UNION ALL BY NAME '.join(f'SELECT * FROM {each}' for each in found)})"

    def left_out(self) -> Iterator[Reject]:
        """Rows that copies were made without."""
        for _, rejects in sorted(self._left_out.items()):
            yield from rejects

    def can_mend(self, error: duckdb.Error) -> bool:
        """Whether the table can be read in another way, so that this error does not come."""
        part, fault = part_at_fault(error, self.parts), fault_of(error)
        return (self._index(part), fault) not in self._mended and self._helps(part.file.format, fault, str(error))

    def mend(self, error: duckdb.Error, progress: Progress | None = None) -> bool:
        """Have the file at fault read in another way, which takes a pass over it. False where nothing helps.

        Raises as the class does.
        """
        with self._lock:
            if not self.can_mend(error):
                return False
            number, fault = self._index(part_at_fault(error, self.parts)), fault_of(error)
            again = any(of is Fault.TYPE for _, of in self._mended)
            self._mend(number, fault, progress)
            if fault is Fault.TYPE and again:  # the second file: rather than beginning anew for each of many
                self._prove_types(progress)
            self._agree()
            return True

    def mend_part(self, number: int, fault: Fault, progress: Progress | None = None) -> bool:
        """As `mend`, for a fault that rows left out have shown."""
        with self._lock:
            if (number, fault) in self._mended or not self._helps(self.parts[number].file.format, fault, ""):
                return False
            self._mend(number, fault, progress)
            self._agree()
            return True

    def prove(self, progress: Progress | None = None) -> None:
        """See all rows where reading on shows no fault.

        That is: a field of JSON that comes late; the date that tells day from month; and, where rows are left out, a
        late ``007`` or ``infinity`` in a CSV.
        """
        skip = self.options.on_error == "skip"
        with self._lock:
            for number, part in enumerate(self.parts):
                if part.file.format in _JSON and (number, Fault.TYPE) not in self._mended and _is_long(part):
                    self._mend(number, Fault.TYPE, progress)
                elif skip and part.dialect is not None and part.file.source not in self._looked_through and (
                        _goes_on(part)):
                    self._looked_through.add(part.file.source)
                    self._keep_spelling(number, part, part.dialect, progress)
            self._see_dates(progress)
            self._agree()

    def verify(self) -> None:
        """Unpack to their end files that are read packed: DuckDB does not notice all damage. Raises DataFileError."""
        for part in self.parts:
            if part.file.packing is not Compression.NONE:
                verify(part.file)

    def explain(self, error: duckdb.Error) -> NbtrainError:
        return explained(error, self.parts)

    def _keep_spelling(self, number: int, part: Part, dialect: Dialect, progress: Progress | None) -> None:
        try:
            found, notes = with_spelling_kept(dialect, progress=progress)
        except duckdb.InterruptException:
            raise
        except (duckdb.Error, UnicodeDecodeError):  # reading will tell it, and have it put right
            return
        if notes:
            self.parts[number] = replace(
                csv_part(part, found, skip=self.options.on_error == "skip"), notes=(*part.notes, *notes))

    def _prove_types(self, progress: Progress | None) -> None:
        """Hold the types of all CSVs against all of their rows."""
        for number, part in enumerate(self.parts):
            if part.dialect is not None and (number, Fault.TYPE) not in self._mended:
                with contextlib.suppress(DataFileError):  # reading will tell it
                    self._mend(number, Fault.TYPE, progress)

    def _see_dates(self, progress: Progress | None) -> None:
        """Look at all rows for the order of day and month, where the first ones do not tell it.

        Where rows are left out also when they do: those that show that the order is another would be left out.
        """
        order, skip = self.options.date_order, self.options.on_error == "skip"
        dialects = [part.dialect for part in self.parts if part.dialect is not None]
        doubtful = {name for each in dialects for name in each.dates} if skip and order is None else undecided(
            dialects, order)
        for number, part in enumerate(self.parts):
            if part.dialect is None:
                continue
            names = [name for name, each in part.dialect.dates.items() if name in doubtful and not each.all_seen]
            try:
                dialect = with_dates_of_all_rows(part.dialect, names, progress)
            except duckdb.InterruptException:
                raise
            except (duckdb.Error, UnicodeDecodeError):  # reading will tell it, and have it put right
                continue
            self.parts[number] = replace(part, dialect=dialect)

    def _agree(self) -> None:
        """Give each column of a CSV the same type in all files, where one of them says that it is text or a date."""
        every = [(number, part.dialect) for number, part in enumerate(self.parts) if part.dialect is not None]
        skip = self.options.on_error == "skip"
        dialects, self._date_notes = agreed(
            [dialect for _, dialect in every], self.options.date_order, skip=skip)
        dialects, notes = of_one_type(dialects, [self.parts[number].file.name for number, _ in every])
        told = [note.partition(":")[0] for note in self.notes]
        self._type_notes |= {name: note for name, note in notes.items() if note.partition(":")[0] not in told}
        for (number, before), dialect in zip(every, dialects, strict=True):
            if before.proven and not dialect.proven:  # of another type now, so that it may not fit again
                self._mended.discard((number, Fault.TYPE))
            if dialect != before or dialect.columns != self.parts[number].columns:
                self.parts[number] = csv_part(self.parts[number], dialect, skip=skip)

    def _mend(self, number: int, fault: Fault, progress: Progress | None) -> None:
        part = self.parts[number]
        skip = self.options.on_error == "skip"
        self._mended.add((number, fault))
        if fault is Fault.TYPE and part.dialect is not None:
            try:
                dialect, notes = proven(part.dialect, progress=progress)
            except duckdb.InterruptException:
                raise
            except (duckdb.Error, UnicodeDecodeError) as error:
                raise self.explain(as_said(error)) from error
            self.parts[number] = replace(
                csv_part(part, dialect, skip=skip), notes=(*part.notes, *notes))
            return
        care = self._cares[number]
        if fault in {Fault.ENCODING, Fault.QUOTE, Fault.NEWLINES}:
            self._mended.discard((number, Fault.TYPE))
        self._cares[number] = replace(care, **_CARES[fault])
        self.parts[number] = self._made(number, progress)

    def _made(self, number: int, progress: Progress | None) -> Part:
        """One part, mended as often as its beginning needs."""
        file, skip = self.files[number], self.options.on_error == "skip"
        while True:
            rejects = Rejects() if skip else None
            try:
                part = part_of(
                    file, self.options, self._scratch, self._cares[number], rejects=rejects, progress=progress)
            except duckdb.InterruptException:
                raise
            except (duckdb.Error, UnicodeDecodeError) as error:
                said = as_said(error)
                fault = _fault_at_once(said, file)
                care = replace(self._cares[number], **_CARES.get(fault, {}))
                if care == self._cares[number] or not self._helps(file.format, fault, str(said)):
                    raise explained(said, [Part(file, "", {}, lines=file.format is Format.JSONL)]) from error
                self._cares[number] = care
            else:
                if rejects is not None:
                    self._left_out[number] = rejects
                return part

    def _helps(self, form: Format, fault: Fault, said: str) -> bool:
        """Whether a file of this format can be read so that this fault does not matter."""
        skip = self.options.on_error == "skip"
        if fault is Fault.ENCODING:
            return form.is_text and self.options.encoding is None
        if fault is Fault.JSON:
            return form in _JSON and (skip or "duplicate key" in said)
        if fault is Fault.NEWLINES:
            return form in _CSV
        return (fault is Fault.TYPE and form in _CSV | _JSON) or (fault is Fault.QUOTE and form in _CSV and skip)

    def _index(self, part: Part) -> int:
        return next((number for number, each in enumerate(self.parts) if each is part), 0)

    def _check_columns(self) -> None:
        first = self.parts[0]
        for part in self.parts[1:]:
            if part.file.format in _JSON and first.file.format in _JSON:
                continue  # a field that is missing in all rows of a file is missing in its rows
            missing = [name for name in first.columns if name not in part.columns]
            more = [name for name in part.columns if name not in first.columns]
            if missing or more:
                said = " and ".join(
                    [f"lacks {', '.join(map(repr, missing[:5]))}"] * bool(missing)
                    + [f"has {', '.join(map(repr, more[:5]))} more"] * bool(more))
                raise DataFileError(
                    f"{part.file.name} {said} than {first.file.name}; read files with the same columns together.",
                    file=str(part.file.path))


def _fault_at_once(error: duckdb.Error, file: DataFile) -> Fault:
    """What went wrong before a row was read; lines that end in two ways fit no dialect."""
    if file.format in _CSV and "sniffing" in str(error) and fault_of(error) is Fault.OTHER:
        raw = opening(file.path, file.compression, SAMPLE)
        return Fault.NEWLINES if has_both_ends(raw) or has_lone_cr(raw) else Fault.OTHER
    return fault_of(error)


def _is_long(part: Part) -> bool:
    """Whether a file may have more rows than were looked at."""
    return part.file.packing is not Compression.NONE or part.file.source.stat().st_size > 2**20


def _goes_on(part: Part) -> bool:
    """Whether a CSV may have rows after those that were looked at one by one."""
    head, source = part.file.head, part.file.source
    longer = part.file.packing is not Compression.NONE or source.stat().st_size > len(head)
    return longer or len(head.splitlines()) > LOOKED_AT
