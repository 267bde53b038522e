"""Which rows of a table are wanted, and in which order: filters, a search over all columns, and sorting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nbtrain.core.errors import ConfigError, Problem
from nbtrain.data.columns import Column, Kind, quoted


class Op(StrEnum):
    """How a cell is compared with the value of a filter."""

    EQUAL = "eq"
    UNEQUAL = "ne"
    LESS = "lt"
    AT_MOST = "le"
    GREATER = "gt"
    AT_LEAST = "ge"
    BETWEEN = "between"
    """From the first of two values up to, and without, the second: a bar of a histogram."""
    IN = "in"
    CONTAINS = "contains"
    """Text, without regard to upper and lower case."""
    MISSING = "missing"
    PRESENT = "present"


_COMPARISONS = {
    Op.EQUAL: "=", Op.UNEQUAL: "IS DISTINCT FROM", Op.LESS: "<", Op.AT_MOST: "<=", Op.GREATER: ">", Op.AT_LEAST: ">=",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows whose cell in `column` compares so with `value`; a list of values for ``in``, of two for ``between``."""

    column: str
    op: Op
    value: Any = None


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of rows; missing cells come last either way."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """All filters must hold. Rows that are equal in every sorted column keep the order of the file."""

    filters: tuple[Filter, ...] = ()
    search: str = ""
    """Text that any column must contain, without regard to upper and lower case."""
    sort: tuple[Sort, ...] = ()

    @classmethod
    def parse(cls, given: Mapping[str, Any], columns: Sequence[Column]) -> Query:
        """A query from JSON: ``{filters: [{column, op, value}], search, sort: [{column, descending}]}``.

        Raises:
            ConfigError: an unknown column or comparison, or a value that does not fit; all problems in one message.
        """
        names, problems = {column.name for column in columns}, []
        filters, sort = [], []
        for item in given.get("filters") or ():
            problem = _misfit(item, names)
            if problem:
                problems.append(Problem("filters", problem))
            else:
                filters.append(Filter(item["column"], Op(item["op"]), _frozen(item.get("value"))))
        for item in given.get("sort") or ():
            if not isinstance(item, Mapping) or item.get("column") not in names:
                problems.append(Problem("sort", f"The table cannot be sorted by {item!r:.80}; it has no such column."))
            else:
                sort.append(Sort(item["column"], bool(item.get("descending"))))
        search = given.get("search") or ""
        if not isinstance(search, str):
            problems.append(Problem("search", f"The search is {search!r:.80}; it must be text."))
        if problems:
            raise ConfigError(problems)
        return cls(tuple(filters), search, tuple(sort))

    def where(self, columns: Sequence[Column]) -> tuple[str, list[Any]]:
        """The condition as SQL, empty when there is none, and its parameters."""
        parts, parameters = [], []
        for each in self.filters:
            part, values = _condition(each)
            parts.append(part)
            parameters += values
        if self.search:
            searched = [column for column in columns if column.kind not in {Kind.BINARY, Kind.IMAGE, Kind.AUDIO}]
            parts.append("(" + (" OR ".join(_contains(column.name) for column in searched) or "FALSE") + ")")
            parameters += [self.search] * len(searched)
        return (f"WHERE {' AND '.join(parts)}" if parts else ""), parameters

    def order(self, row: str) -> str:
        """The order as SQL; `row` is the expression of a row's number, which decides between equals."""
        keys = [f"{quoted(s.column)} {'DESC' if s.descending else 'ASC'} NULLS LAST" for s in self.sort]
        return f"ORDER BY {', '.join([*keys, row])}" if keys else ""


def _condition(given: Filter) -> tuple[str, list[Any]]:
    name = quoted(given.column)
    if given.op is Op.MISSING:
        return f"{name} IS NULL", []
    if given.op is Op.PRESENT:
        return f"{name} IS NOT NULL", []
    if given.op is Op.CONTAINS:
        return _contains(given.column), [str(given.value)]
    if given.op is Op.BETWEEN:
        return f"({name} >= ? AND {name} < ?)", list(given.value)
    if given.op is Op.IN:
        return f"{name} IN ({', '.join('?' for _ in given.value)})", list(given.value)
    return f"{name} {_COMPARISONS[given.op]} ?", [given.value]


def _contains(name: str) -> str:
    return f"contains(lower({quoted(name)}::VARCHAR), lower(?))"


def _misfit(item: Any, names: set[str]) -> str:
    """What is wrong with a filter as it came; empty when nothing is."""
    if not isinstance(item, Mapping) or item.get("column") not in names:
        return f"The filter {item!r:.80} names no column of the table."
    op, value = item.get("op"), item.get("value")
    if op not in set(Op):
        return f"The filter compares with {op!r:.40}; there are: {', '.join(Op)}."
    count = len(value) if isinstance(value, list | tuple) else 0
    if op == Op.BETWEEN and count != 2:
        return f"The filter between needs two values; it came with {value!r:.40}."
    if op == Op.IN and not count:
        return f"The filter in needs a list of values; it came with {value!r:.40}."
    if op not in {Op.BETWEEN, Op.IN, Op.MISSING, Op.PRESENT} and not isinstance(value, str | int | float | bool):
        return f"The filter {op} needs a text or a number; it came with {value!r:.40}."
    return ""


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
