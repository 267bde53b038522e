"""Rows in JSON as DuckDB reads them: which columns there are, and how they come out of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from nbtrain.core.errors import DataFileError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import literal, path_literal, quoted
from nbtrain.data.duck import cursor
from nbtrain.data.reading import cells
from nbtrain.data.reading.formats import DataFile, Format
from nbtrain.data.reading.headers import unique_names
from nbtrain.data.reading.json_shape import DEEPEST, LONGEST, depth_of, rows_of
from nbtrain.data.reading.lines import numbered_lines, numbered_pieces
from nbtrain.data.reading.rejects import KEPT_TEXT, Reject, Rejects

#: Rows from which the columns are told at first: DuckDB's own figure.
_LOOKED_AT = 20_480
#: What DuckDB takes whole numbers for as soon as one of them is negative.
_HUGE = re.compile(r"\bHUGEINT(?=[,)\[]|$)")

#: As what a column is read whose cells are looked at: numbers as JSON, which tells them from texts in quotes.
_READ_AS = dict.fromkeys(("BIGINT", "DOUBLE", "BOOLEAN"), "JSON")

#: Dates and moments in a type, but not in a name: `DATE` as a name of a field stands in quotes.
_DATED = re.compile(r"(?:^|(?<= ))(?:DATE|TIMESTAMP(?:_S|_MS|_NS)?(?: WITH TIME ZONE)?)(?=[,)\[]|$)")
_NAMES = re.compile(r'"(?:[^"]|"")*"')


def json_source(file: DataFile, *, lines: bool, every_row: bool = False) -> tuple[str, dict[str, str], list[str]]:
    """What follows FROM to read rows in JSON, one in a line or in an array, and the columns with their types.

    Third come sentences on columns that are text here: of numbers with too many digits, of Jalali dates.
    With `every_row` all rows are looked at, else the first ones; a field that comes later is then no column.
    Raises duckdb.Error.
    """
    given = (f"{path_literal(file.source)}, format='{'newline_delimited' if lines else 'array'}', "
             f"hive_partitioning=false, compression='{file.packing}', maximum_object_size={LONGEST}")
    detected = (f"read_json({given}, sample_size={-1 if every_row else _LOOKED_AT}, map_inference_threshold=-1, "
                "field_appearance_threshold=0)")
    with cursor() as connection:
        found = [(name, kind) for name, kind, *_ in connection.execute(f"DESCRIBE SELECT * FROM {detected}").fetchall()]
        narrow = [(name, _HUGE.sub("BIGINT", kind)) for name, kind in found]
        if narrow != found and (not every_row or _fits(connection, given, narrow)):
            found = narrow
        rows = _as_written(connection, given, found, every_row=every_row)
        jalali = _jalali(connection, rows, found)
        found = [(name, "VARCHAR" if name in jalali else kind) for name, kind in found]
        found = _with_dates_that_fit(connection, given, rows, found, every_row=every_row)
        long = _long_numbers(connection, rows, found)
        found = [(name, "VARCHAR" if name in long else kind) for name, kind in found]
    names = unique_names([name for name, _ in found])
    notes = [f"The column {name!r:.60} was read as text: {why}." for name, why in long.items()]
    notes += [cells.JALALI.format(name) for name in jalali]
    looked_at = frozenset() if every_row else cells.LOOKED_AT  # as in a CSV: 1.5 and true would be read as 2 and 1
    listed = ", ".join(
        f"{literal(name)}: {literal(_READ_AS.get(kind, 'VARCHAR') if kind in looked_at else kind)}"
        for name, kind in found)
    read = f"read_json({given}, columns={{{listed}}})"
    typed = {name: (kind, None) for name, kind in found if kind in looked_at}
    source, values = cells.values_or_errors(
        read, [name for name, _ in found], typed, file.source) if typed else (read, {})
    chosen = []
    for (old, kind), new in zip(found, names, strict=True):
        if old in values:
            chosen.append(f"{values[old]} AS {quoted(new)}")
        elif kind == "JSON":  # values of several types; as text, a string among them has no quotes
            chosen.append(f"{quoted(old)} ->> '$' AS {quoted(new)}")
        else:
            chosen.append(f"{quoted(old)} AS {quoted(new)}")
    columns = {name: "VARCHAR" if kind == "JSON" else kind for name, (_, kind) in zip(names, found, strict=True)}
    if all(each == quoted(name) + " AS " + quoted(name) for each, (name, _) in zip(chosen, found, strict=True)):
        return read, columns, notes
    return f"(SELECT {', '.join(chosen)} FROM {source})", columns, notes


def _as_written(
    connection: duckdb.DuckDBPyConnection, given: str, columns: list[tuple[str, str]], *, every_row: bool,
) -> str:
    """What follows FROM for the cells as they are written, of the columns that are looked at for that.

    The first rows are taken in once: parsing them for each question would make the first page wait.
    """
    names = [name for name, kind in columns if kind in {"DATE", "TIMESTAMP", "DOUBLE"} | cells.LOOKED_AT]
    listed = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    read = f"read_json({given}, columns={{{listed}}})"
    if every_row or not names:
        return read
    connection.execute(f"CREATE OR REPLACE TEMP TABLE first_rows AS SELECT * FROM {read} LIMIT {_LOOKED_AT}")
    return "first_rows"


def _long_numbers(
    connection: duckdb.DuckDBPyConnection, rows: str, columns: list[tuple[str, str]],
) -> dict[str, str]:
    """The columns of numbers of which some would not be kept as they are written, and why."""
    names = [name for name, kind in columns if kind == "DOUBLE"]
    if not names:
        return {}
    asked = ", ".join(
        f"CASE WHEN bool_or({cells.is_beyond(quoted(name))}) THEN {literal(cells.TOO_LARGE)} "
        f"WHEN bool_or(regexp_full_match({quoted(name)}, {literal(cells.LONG)})) THEN {literal(cells.TOO_LONG)} END"
        for name in names)
    found = connection.execute(f"SELECT {asked} FROM {rows}").fetchone() or ()
    return {name: why for name, why in zip(names, found, strict=True) if why}


def _with_dates_that_fit(
    connection: duckdb.DuckDBPyConnection, given: str, rows: str, columns: list[tuple[str, str]], *, every_row: bool,
) -> list[tuple[str, str]]:
    """The columns with text where there are dates in a spelling that is found by looking, and not read afterwards."""
    first = None if every_row else _LOOKED_AT
    dated = [(name, kind) for name, kind in columns if _DATED.search(_NAMES.sub('""', kind))]
    if not dated:
        return columns
    bad = _no_dates(connection, rows, dated)
    # Cells that are looked at one by one anyhow need not be read in their type here.
    read = [(name, kind) for name, kind in dated if every_row or kind not in cells.LOOKED_AT]
    if read and not _fits(connection, given, read, first):
        bad |= {name for name, kind in read if not _fits(connection, given, [(name, kind)], first)}
    return [(name, _as_text(kind) if name in bad else kind) for name, kind in columns]


def _jalali(connection: duckdb.DuckDBPyConnection, rows: str, columns: list[tuple[str, str]]) -> list[str]:
    """The columns of dates whose years are those of the Solar Hijri calendar."""
    dated = [name for name, kind in columns if kind in {"DATE", "TIMESTAMP"}]
    if not dated:
        return []
    asked = ", ".join(
        f"bool_and(TRY_CAST({quoted(name)} AS DATE) BETWEEN '1200-01-01' AND '1499-12-31')" for name in dated)
    has = connection.execute(f"SELECT {asked} FROM {rows}").fetchone() or ()
    return [name for name, it in zip(dated, has, strict=True) if it]


def _no_dates(connection: duckdb.DuckDBPyConnection, rows: str, columns: list[tuple[str, str]]) -> set[str]:
    """Those of the columns of dates in which some value is none, such as infinity, and would be read as one."""
    plain = [(name, kind) for name, kind in columns if kind in cells.LOOKED_AT]
    if not plain:
        return set()
    asked = ", ".join(
        f"bool_or({quoted(name)} IS NOT NULL AND ({cells.value(quoted(name), kind)}) IS NULL)" for name, kind in plain)
    has = connection.execute(f"SELECT {asked} FROM {rows}").fetchone() or ()
    return {name for (name, _), it in zip(plain, has, strict=True) if it}


def _as_text(kind: str) -> str:
    """The type with text in the place of dates; names in quotes stay."""
    return re.sub(rf"{_NAMES.pattern}|{_DATED.pattern}", lambda match: match[0] if match[0][0] == '"' else "VARCHAR",
                  kind)


def _fits(
    connection: duckdb.DuckDBPyConnection, given: str, columns: list[tuple[str, str]], first: int | None = None,
) -> bool:
    """Whether every value can be read in these types; with `first`, in so many rows."""
    listed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns)
    try:
        read = f"SELECT * FROM read_json({given}, columns={{{listed}}})"
        connection.execute(f"SELECT count(COLUMNS(*)) FROM ({read}{f' LIMIT {first}' if first else ''})").fetchall()
    except (duckdb.ConversionException, duckdb.InvalidInputException):
        return False
    return True


def needs_tidying(columns: dict[str, str], head: str) -> bool:
    """Whether the rows must be written anew: some are no objects, or have names that DuckDB cannot tell apart."""
    if list(columns) == ["json"] and '"json"' not in head:
        return True
    lower = {name.lower() for name in columns}
    return any((match := re.fullmatch(r"(.+)_\d+", name)) and match[1].lower() in lower for name in columns)


def tidy(
    file: DataFile, target: Path, *, rejects: Rejects | None = None, progress: Progress | None = None,
) -> None:
    """Write rows in JSON one in a line, as objects whose names are not empty and differ by more than case.

    A row that is no object becomes one with ``value``. With `rejects`, what cannot be read is left out and kept there;
    of a JSON array that is all from there on.

    Raises:
        DataFileError: a row cannot be read; without `rejects`.
        OSError: `target` cannot be written.
    """
    names, done, before = _Names(), 0, len(rejects or ())
    with target.open("x", encoding="utf-8", newline="\n") as out:
        for row in _parsed(file, rejects):
            shaped = row if isinstance(row, dict) else {"value": row}
            done += out.write(json.dumps(names.tidied(shaped), ensure_ascii=False) + "\n")
            if progress is not None:
                progress.report(done, unit="bytes")
    if not done and rejects is not None and len(rejects) > before:
        raise file.wrong(f"no row of it can be read: {next(iter(rejects)).why.rstrip('.')}")


def broken_line(file: DataFile) -> tuple[int, int, str] | None:
    """The first line that is no JSON: its number, the column, and what is wrong; None where all are."""
    for number, raw in numbered_lines(file):
        if raw.strip() and (wrong := _wrong(raw)) is not None:
            return number, *wrong
    return None


def _parsed(file: DataFile, rejects: Rejects | None) -> Iterator[Any]:
    if file.format is Format.JSON:
        yield from _elements(file, rejects)
        return
    for number, raw in numbered_pieces(file, LONGEST):
        if not raw.strip():
            continue
        wrong = _wrong(raw) if len(raw) <= LONGEST else (1, f"it is longer than {LONGEST // 2**20} MiB")
        if wrong is None:
            yield json.loads(raw)
        elif rejects is None:
            column, said = wrong
            raise file.wrong(f"{said}; mend the line, or skip such rows", line=number, column=column)
        else:
            text = raw[:KEPT_TEXT].decode(errors="replace").rstrip("\r\n")
            rejects.add([Reject(str(file.path), number, "", wrong[1], text)])


def _elements(file: DataFile, rejects: Rejects | None) -> Iterator[Any]:
    try:
        for text in rows_of(file):
            yield json.loads(text)
    except DataFileError as error:
        if rejects is None:
            raise
        why = str(error).partition(": ")[2]
        rejects.add([Reject(str(file.path), error.line, "", f"All that follows is left out: {why}", "")])


def _wrong(raw: bytes) -> tuple[int, str] | None:
    """What is wrong with a line of JSON, and in which column."""
    deep = 1, f"it is nested deeper than {DEEPEST}"
    try:
        text = raw.decode("utf-8-sig")
        value = json.loads(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        return error.colno, f"it is no JSON ({error.msg})"
    except UnicodeDecodeError as error:
        return error.start + 1, "it is not UTF-8"
    except UnicodeEncodeError:
        return 1, "it holds half a character (a lone surrogate)"
    except RecursionError:
        return deep
    return deep if depth_of(text) > DEEPEST else None


class _Names:
    """One spelling for each name of a field, whatever row it is in."""

    def __init__(self) -> None:
        self._spelled: dict[str, str] = {}
        self._taken: set[str] = set()

    def tidied(self, value: Any) -> Any:
        """The value with its names so spelled, in all objects inside it."""
        if isinstance(value, dict):
            return {self._name(name): self.tidied(inner) for name, inner in value.items()}
        return [self.tidied(inner) for inner in value] if isinstance(value, list) else value

    def _name(self, name: str) -> str:
        if name not in self._spelled:
            base = name.strip() or "column"
            spelled, count = base, 1
            while spelled.lower() in self._taken:
                count += 1
                spelled = f"{base}_{count}"
            self._taken.add(spelled.lower())
            self._spelled[name] = spelled
        return self._spelled[name]
