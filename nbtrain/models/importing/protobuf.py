"""Protocol buffers as they lie in a file: numbers and places of fields, found without reading what is in them.

No message class is needed, and memory does not depend on the size of the file: a field's bytes are read when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

#: Fields of one message; a model's graph has one for each node and weight.
MOST = 2_000_000
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


class BadMessageError(Exception):
    """The bytes are no message."""


class Field(NamedTuple):
    """A field: its number, its value where that is a number, and where its bytes lie."""

    number: int
    value: int
    start: int
    end: int


def fields(file: BinaryIO, start: int, end: int) -> Iterator[Field]:
    """The fields of the message between two places of a file. Raises BadMessageError."""
    at = start
    for _ in range(MOST):
        if at == end:
            return
        key, at = _varint(file, at, end)
        number, wire = key >> 3, key & 7
        value = 0
        if number == 0:
            raise BadMessageError("a field has no number")
        if wire == _VARINT:
            begin = at
            value, at = _varint(file, at, end)
        elif wire == _BYTES:
            length, begin = _varint(file, at, end)
            at = begin + length
        elif wire in {_EIGHT, _FOUR}:
            begin = at
            at += 8 if wire == _EIGHT else 4
        else:
            raise BadMessageError(f"a field is of the unknown kind {wire}")
        if at > end:
            raise BadMessageError("a field runs over its end")
        yield Field(number, value, begin, at)
    raise BadMessageError(f"it has more than {MOST:,} fields")


def content(file: BinaryIO, field: Field, most: int = 10_000) -> bytes:
    """The bytes of a field of at most `most` bytes. Raises BadMessageError."""
    if field.end - field.start > most:
        raise BadMessageError(f"a field has {field.end - field.start:,} bytes, where at most {most:,} are taken")
    file.seek(field.start)
    return file.read(field.end - field.start)


def text(file: BinaryIO, field: Field) -> str:
    """A field that is text. Raises BadMessageError."""
    try:
        return content(file, field).decode()
    except UnicodeDecodeError:
        raise BadMessageError("a text is not UTF-8") from None


def packed(file: BinaryIO, field: Field, most: int = 64) -> list[int]:
    """A field that is whole numbers one after the other, or one of them. Raises BadMessageError."""
    if field.end == field.start:
        return []
    at, found = field.start, []
    while at < field.end:
        value, at = _varint(file, at, field.end)
        found.append(value)
        if len(found) > most:
            raise BadMessageError(f"a list has more than {most} numbers")
    return found


def _varint(file: BinaryIO, at: int, end: int) -> tuple[int, int]:
    """The number at a place, and where it ends."""
    file.seek(at)
    value = 0
    for index, byte in enumerate(file.read(min(10, end - at))):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & (2**64 - 1), at + index + 1
    raise BadMessageError("a number is cut short")
