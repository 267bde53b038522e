"""How a CSV is written and what its columns hold: found out by DuckDB, and put right where it cannot know."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import duckdb

from nbtrain.data.columns import literal, path_literal, quoted
from nbtrain.data.duck import cursor
from nbtrain.data.reading import cells
from nbtrain.data.reading.formats import Compression, DataFile, opening
from nbtrain.data.reading.headers import unique_names
from nbtrain.data.reading.read_options import ReadOptions

#: How a missing value is spelled, where it is not in quotes. A number or date may also be missing in quotes.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None")
#: Bytes of the longest row.
LONGEST = 16 * 2**20
#: Bytes of the beginning from which dialect and types are told; DuckDB looks at 20,480 rows of them.
SAMPLE = 2 * 2**20
#: Rows of the beginning that are looked at here.
LOOKED_AT = 1000
#: Rows of the beginning that DuckDB looks at.
SNIFFED = 20_480
_OF_TIME = {"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIME"}
#: Files up to this size are read whole to see whether columns at the end are empty.
_SMALL = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Dates:
    """What is known of a column of dates that do not say themselves which of their numbers is the day."""

    kind: str
    """DATE or TIMESTAMP."""
    formats: Mapping[str, str]
    """By the order of day, month and year: ``dmy``, ``mdy``, and ``ymd`` where the year has two digits."""
    fitting: tuple[str, ...]
    """The orders in which each value that was looked at is a date."""
    example: str
    misfits: int = 0
    """Values that are a date in no order."""
    all_seen: bool = False
    """Whether all rows were looked at."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """All that DuckDB needs to read a CSV without looking for it again."""

    path: Path
    """What is read: the file, or its copy in UTF-8."""
    compression: Compression
    delimiter: str
    quote: str
    escape: str
    header: bool
    skip: int
    names: tuple[str, ...]
    types: tuple[str, ...]
    kept: tuple[str, ...]
    """The columns that are not left out."""
    date_format: str | None = None
    time_format: str | None = None
    quoted_missing: bool = False
    """Whether a missing value may stand in quotes."""
    proven: bool = False
    """Whether the types were held against all rows."""
    dates: Mapping[str, Dates] = field(default_factory=dict)
    """The columns whose type and format depend on the order of day and month; see `csv_dates`."""
    empty: frozenset[str] = frozenset()
    """The columns in which nothing was found, so that their type says nothing."""
    jalali: frozenset[str] = frozenset()
    """The columns of dates of the Solar Hijri calendar, which are text."""

    def sql(self, *, skip_errors: bool = False, rejects: str = "") -> str:
        """What follows FROM. With `rejects`, bad rows go to DuckDB's table ``<rejects>_errors``."""
        # DuckDB reads 1.5 as 2, 007 as 7 and infinity as a date without a word: such columns are read as text, and
        # looked at. Where rows are left out it is DuckDB that leaves out what is no value; whole numbers are looked at.
        skips = skip_errors or bool(rejects)
        kinds = {"BIGINT"} if skips else cells.LOOKED_AT
        looked_at = set() if self.proven else {name for name, kind in self.columns.items() if kind in kinds}
        as_read = "DOUBLE" if skips else "VARCHAR"
        listed = ", ".join(
            f"{literal(name)}: {literal(as_read if name in looked_at else kind)}"
            for name, kind in zip(self.names, self.types, strict=True))
        parts = [
            path_literal(self.path), "auto_detect=false", f"delim={literal(self.delimiter)}",
            f"quote={literal(self.quote)}", f"escape={literal(self.escape)}", f"header={str(self.header).lower()}",
            f"skip={self.skip}", "comment=''", f"columns={{{listed}}}", f"nullstr={_missing()}",
            f"allow_quoted_nulls={str(self.quoted_missing).lower()}", *_common(self.compression),
        ]
        if self.date_format:
            parts.append(f"dateformat={literal(self.date_format)}")
        if self.time_format:
            parts.append(f"timestampformat={literal(self.time_format)}")
        if rejects:
            parts.append(f"store_rejects=true, rejects_table='{rejects}_errors', rejects_scan='{rejects}_scans'")
        elif skip_errors:
            parts.append("ignore_errors=true")
        read = f"read_csv({', '.join(parts)})"
        if self.kept == self.names and not looked_at:
            return read
        if skips or not looked_at:
            values = {name: cells.whole_number(name, self.path) for name in looked_at}
        else:
            typed = {name: (kind, self.form(kind)) for name, kind in self.columns.items() if name in looked_at}
            read, values = cells.values_or_errors(read, self.names, typed, self.path)
        chosen = (f"{values[name]} AS {quoted(name)}" if name in values else quoted(name) for name in self.kept)
        return f"(SELECT {', '.join(chosen)} FROM {read})"

    def form(self, kind: str) -> str | None:
        """How values of this type are written, where they are dates or points in time that are not as in ISO 8601."""
        return {"DATE": self.date_format, "TIMESTAMP": self.time_format}.get(kind)

    @property
    def columns(self) -> dict[str, str]:
        """The columns that are kept, with their types."""
        return {name: kind for name, kind in zip(self.names, self.types, strict=True) if name in self.kept}

    def with_types(self, wider: dict[str, str]) -> Dialect:
        """The same with other types for some columns."""
        types = tuple(wider.get(name, kind) for name, kind in zip(self.names, self.types, strict=True))
        return replace(self, types=types)


def lines_of(file: DataFile) -> str:
    """What follows FROM to get the lines of a text as the column ``text``, whatever is in them."""
    return (
        f"read_csv({path_literal(file.source)}, auto_detect=false, delim='\x1c\x1d\x1e\x1f', quote='', escape='', "
        f"header=false, comment='', columns={{'text': 'VARCHAR'}}, force_not_null=['text'], "
        f"{', '.join(_common(file.packing))})")


def dialect_of(file: DataFile, head: str, options: ReadOptions) -> tuple[Dialect, list[str]]:
    """The dialect of a CSV in UTF-8, and sentences on what was decided, from its first `SAMPLE` bytes.

    `head` is the beginning of it.

    Raises:
        DataFileError: the delimiter that was given is not in the file.
        duckdb.Error: no dialect fits, or the file cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="nbtrain-sample-") as folder:
        # A row without end, or a packed file, would else be gone through for each dialect that is tried.
        found = _dialect_in(_sample(file, Path(folder)), head, options)
    found = replace(found, path=file.source, compression=file.packing)
    name = file.name
    rows = first_rows(head, found)
    notes = [f"The first lines of {name} are no rows and were left out: {found.skip}."] if found.skip else []
    given = [""] * len(found.types)
    if found.header:  # as they stand in the file; DuckDB has its own way with names that are empty or alike
        given = [*(rows[0] if rows else found.names), *given][:len(given)]
    names = unique_names(given)
    renamed = [f"{old!r:.60} is now {new!r:.60}" for old, new in zip(given, names, strict=True) if old and old != new]
    if renamed:
        notes.append(f"Columns of {name} were renamed: {', '.join(renamed[:20])}.")
    body = rows[1:] if found.header else rows
    types = [
        _safe(kind, [row[i] for row in body if len(row) > i], found.form(kind)) for i, kind in enumerate(found.types)]
    jalali = set() if options.date_order else {
        name for i, name in enumerate(names) if types[i] in {"VARCHAR", "DATE", "TIMESTAMP"}
        and cells.are_jalali([row[i] for row in body if len(row) > i and row[i] not in MISSING])}
    notes += [cells.JALALI.format(name) for name in names if name in jalali]
    types = ["VARCHAR" if name in jalali else kind for name, kind in zip(names, types, strict=True)]
    notes += [
        f"The column {column!r:.60} was read as text: not all of its values look like a {kind}."
        for column, kind, safe in zip(names, found.types, types, strict=True)
        if kind != safe and kind in _OF_TIME and column not in jalali]
    nothing = {
        name for i, name in enumerate(names) if body and all(len(row) <= i or row[i] in MISSING for row in body)}
    found = replace(
        found, names=tuple(names), kept=tuple(names), types=tuple(types), jalali=frozenset(jalali), empty=frozenset(
            name for name, kind in zip(names, types, strict=True) if name in nothing and kind == "VARCHAR"))
    if any(kind != "VARCHAR" for kind in found.types) and _QUOTED_MISSING.search(head):
        found = replace(found, quoted_missing=not _holds(found))
    found, left_out = _without_padding(found, given, name)
    return found, notes + left_out


def _dialect_in(file: DataFile, head: str, options: ReadOptions) -> Dialect:
    found = _sniffed(file, options)
    if len(found.types) == 1 and options.delimiter is None:
        found = _below_a_title(file, options) or found
    if options.delimiter and len(found.types) == 1 and options.delimiter not in head:
        other = _sniffed(file, replace(options, delimiter=None))
        if len(other.types) > 1:
            raise file.wrong(f"the delimiter {options.delimiter!r} is not in it, but {other.delimiter!r} is; leave the "
                             "delimiter out, or give that", line=1)
    if options.quote is None and not found.quote and '"' not in "".join(head.splitlines(keepends=True)[:SNIFFED]):
        found = replace(found, quote='"', escape='"')  # there may be quotes later
    if options.header is None and found.header and _is_data(first_rows(head, found), found.types):
        found = _sniffed(file, replace(options, header=False, delimiter=found.delimiter))
    return found


def _sample(file: DataFile, folder: Path) -> DataFile:
    """The beginning of a file, up to the end of a line, as a file; the file itself where it is no longer."""
    raw = opening(file.source, file.packing, SAMPLE)
    end = raw.rfind(b"\n") + 1
    if len(raw) < SAMPLE:
        end = len(raw)
        if file.packing is Compression.NONE:
            return file
    if not end:  # no end of line: it is for the whole file to say what is wrong
        return file
    copy = folder / "sample.csv"
    copy.write_bytes(raw[:end])
    return replace(file, copy=copy)


_QUOTED_MISSING = re.compile(
    r"""(?:^|[,;\t|])(["'])(?:""" + "|".join(map(re.escape, MISSING)) + r")\1(?=[,;\t|\r\n]|$)", re.MULTILINE)


def _common(compression: Compression) -> Iterable[str]:
    packed = "" if compression is Compression.NONE else compression.value
    # A folder called ``id=5`` would else put 5 into each cell of the column ``id``.
    return (f"compression={literal(packed or 'none')}", f"max_line_size={LONGEST}", f"buffer_size={2 * LONGEST}",
            "hive_partitioning=false")


def _missing() -> str:
    return f"[{', '.join(map(literal, MISSING))}]"


def _sniffed(file: DataFile, options: ReadOptions, *, strict: bool = False) -> Dialect:
    """What DuckDB finds, with names of no meaning."""
    # ignore_errors: a ragged row among the first would else turn the whole file into one column.
    given = [
        path_literal(file.source), f"ignore_errors={str(not strict).lower()}", "comment=''", f"nullstr={_missing()}",
        *_common(file.packing)]
    if options.delimiter is not None:
        given.append(f"delim={literal(options.delimiter)}")
    if options.quote is not None:
        given.append(f"quote={literal(options.quote)}")
    if options.header is not None:
        given.append(f"header={str(options.header).lower()}")
    with cursor() as connection:
        found = connection.execute(
            "SELECT Delimiter, Quote, Escape, HasHeader, SkipRows, [c.name FOR c IN Columns], "
            f"[c.type FOR c IN Columns], DateFormat, TimestampFormat FROM sniff_csv({', '.join(given)})").fetchone()
    if found is None:
        raise duckdb.InvalidInputException("No dialect was found.")
    delimiter, quote, escape, header, skip, given_names, types, date_format, time_format = found
    quote = "" if quote == "(empty)" else quote
    # Without a doubled quote among the first rows DuckDB finds no escape; one may come later.
    escape = (quote if escape in {"(empty)", ""} else escape) if quote else ""
    names = tuple(given_names)
    return Dialect(
        file.source, file.packing, delimiter, quote, escape, bool(header), int(skip), names, tuple(types), names,
        date_format or ("%Y-%m-%d" if "DATE" in types else None), time_format)


def _below_a_title(file: DataFile, options: ReadOptions) -> Dialect | None:
    """The dialect of a table with remarks above it, if it is one."""
    try:
        found = _sniffed(file, options, strict=True)
    except duckdb.Error:
        return None
    return found if len(found.types) > 1 else None


def first_rows(head: str, found: Dialect) -> list[list[str]]:
    """The first rows as texts, without the last, which may be cut; none where Python cannot read the dialect."""
    if len(found.delimiter) != 1:
        return []
    text = "".join(head.splitlines(keepends=True)[found.skip:])
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=found.delimiter, quotechar=found.quote or None,
        quoting=csv.QUOTE_MINIMAL if found.quote else csv.QUOTE_NONE,
        doublequote=found.escape == found.quote, escapechar=None if found.escape in {found.quote, ""} else found.escape)
    try:
        rows = [row for row in islice(reader, LOOKED_AT + 1) if row]
    except csv.Error:  # a field longer than Python's limit
        return []
    return rows[:-1] if len(rows) > 1 and not head.endswith("\n") and len(rows) <= LOOKED_AT else rows


def _is_data(rows: Sequence[Sequence[str]], types: Sequence[str]) -> bool:
    """Whether the first row, which looks like names among columns of text, is a row like the others."""
    if len(rows) < 3 or any(kind != "VARCHAR" for kind in types):
        return False
    first = rows[0]
    seen = Counter((i, cell) for row in rows[1:] if list(row) != list(first) for i, cell in enumerate(row))
    return any(cell and seen[i, cell] >= 2 for i, cell in enumerate(first))


def _safe(kind: str, values: Sequence[str], form: str | None) -> str:
    """Text instead of a type that would lose characters of these cells: ``00123``, ``+33``, yes and no."""
    if kind.endswith("HUGEINT"):
        return "VARCHAR"
    return kind if all(cell in MISSING or cells.is_value(cell, kind, form) for cell in values) else "VARCHAR"


def _holds(found: Dialect) -> bool:
    """Whether the first rows can be read as it says."""
    try:
        with cursor() as connection:
            connection.execute(f"SELECT * FROM {replace(found, proven=True).sql()} LIMIT {SNIFFED}").fetchall()
    except duckdb.ConversionException:
        return False
    except duckdb.Error:  # another fault, which reading will tell
        return True
    return True


def _without_padding(found: Dialect, given: Sequence[str], name: str) -> tuple[Dialect, list[str]]:
    """Without columns at the end that have no name and nothing in them: delimiters too many in each row.

    One stray value among a thousand rows is left out too, and said. Only a file small enough to be read is judged.
    """
    end = len(given)
    while end and not given[end - 1]:
        end -= 1
    if end == len(given) or len(given) == 1:
        return found, []
    if found.compression is not Compression.NONE or found.path.stat().st_size > _SMALL:
        return found, []
    filled_cells = ", ".join(f"count({quoted(each)})" for each in found.names)
    with cursor() as connection:
        counted = connection.execute(f"SELECT count(*), {filled_cells} FROM {found.sql(skip_errors=True)}").fetchone()
    if counted is None:
        return found, []
    rows, *filled = counted
    last = len(given)
    while last > max(end, 1) and sum(filled[last - 1:]) * 1000 <= min(rows, 1000):
        last -= 1
    if last == len(given) or not rows:
        return found, []
    strays = sum(filled[last:])
    said = f"{len(given) - last} columns without a name at the end of {name} are empty and were left out"
    return replace(found, kept=found.names[:last]), [f"{said}{f', with {strays} stray values' if strays else ''}."]
