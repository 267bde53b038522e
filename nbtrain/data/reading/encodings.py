"""In which encoding a file is written, also where it changes from line to line; and the same text as UTF-8."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

import charset_normalizer

from nbtrain.core.tasks import Progress
from nbtrain.data.reading.formats import DataFile, wide_order
from nbtrain.data.reading.lines import chunks, line_chunks

#: Encodings that are told apart, likely ones first; a second choice where none of the first fits.
_LIKELY = (("cp1256", "cp1251", "cp1252"), ("koi8_r", "cp866", "gb18030", "shift_jis", "euc_kr", "big5"))
#: Lines that are not UTF-8 and are looked at to tell their encoding.
_SAMPLE = 200
#: Share of them that must agree, for one encoding to be taken for all; else each line is looked at.
_AGREED = 0.9
_CHUNK = 2**20


def encoding_of(head: bytes) -> str | None:
    """What the first bytes of a file are written in: ``"utf-8"``, a kind of UTF-16, or None, where they are neither."""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    if (wide := wide_order(head)) is not None:
        return wide
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return None
    return "utf-8"


def guessed(raw: bytes) -> str:
    """The one-byte or Asian encoding that text which is not UTF-8 is most likely written in."""
    # Cyrillic and Arabic words are of such bytes throughout; in a Western word they stand among plain letters.
    mixed = len(re.findall(rb"[A-Za-z][\x80-\xff]|[\x80-\xff][A-Za-z]", raw))
    if mixed > len(re.findall(rb"[\x80-\xff]{3,}", raw)):
        return "cp1252"
    for candidates in _LIKELY:
        best = charset_normalizer.from_bytes(raw, cp_isolation=list(candidates)).best()
        if best is not None:
            return best.encoding
    return "latin-1"


def to_utf8(file: DataFile, encoding: str | None, target: Path, *, progress: Progress | None = None) -> str:
    """Write the text of `file`, unpacked, as UTF-8 to `target`; gives a sentence on what was found.

    With None, lines in UTF-8 are left as they are and the others are decoded as what they look like.

    Raises:
        DataFileError: the text is not in this encoding, a line is longer than 64 MiB, or unpacking fails.
        OSError: `target` cannot be written.
    """
    if encoding is not None:
        decoded = _decoded(file, encoding)
        note = f"{file.name} is in {encoding}."
    else:
        fallback = _fallback(file)
        decoded = (_mended(chunk, fallback or _guessed_line) for chunk in line_chunks(file))
        note = (f"{file.name} has lines that are not UTF-8; they were read as {fallback or 'what each looks like'}. "
                "If letters look wrong, give the encoding.")
    done = 0
    with target.open("xb") as out:
        for piece in decoded:
            out.write(piece)
            done += len(piece)
            if progress is not None:
                progress.report(done, unit="bytes")
    return note


def _decoded(file: DataFile, encoding: str) -> Iterator[bytes]:
    """The text in UTF-8, from one encoding for all of it."""
    decoder, lines, first = codecs.getincrementaldecoder(encoding)("strict"), 0, True
    for raw in chunks(file):
        try:
            text = decoder.decode(raw, final=not raw)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(encoding, "replace")
            line = lines + before.count("\n") + 1
            raise file.wrong(
                f"it is not in {encoding} (byte {error.object[error.start]:#04x}); give another, or none",
                line=line, column=len(before.rpartition("\n")[2]) + 1) from error
        lines += text.count("\n")
        yield (text.removeprefix("\ufeff") if first else text).encode("utf-8", "replace")
        first = first and not text


def _mended(chunk: bytes, encoding: str | Callable[[bytes], str]) -> bytes:
    """Whole lines in UTF-8; those that are not are decoded."""
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return b"".join(_mended_line(line, encoding) for line in chunk.splitlines(keepends=True))
    return chunk


def _mended_line(line: bytes, encoding: str | Callable[[bytes], str]) -> bytes:
    if _is_utf8(line):
        return line
    name = encoding if isinstance(encoding, str) else encoding(line)
    try:
        return line.decode(name).encode()
    except UnicodeDecodeError:  # not even that; latin-1 has a character for each byte
        return line.decode("latin-1").encode()


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _fallback(file: DataFile) -> str | None:
    """The encoding of the lines that are not UTF-8; None where they differ."""
    broken = list(islice(_broken(file), _SAMPLE))
    telling = sorted(broken, key=lambda line: sum(byte > 127 for byte in line), reverse=True)[:40]
    votes = Counter(map(_guessed_line, telling))
    if not votes:
        return "latin-1"
    name, count = votes.most_common(1)[0]
    if count >= _AGREED * votes.total():
        return name
    whole = guessed(b"".join(broken)[:_CHUNK])
    # Two alphabets of which each has many lines are a mixture; a few strays among many are wrong guesses.
    return None if votes.most_common(2)[1][1] >= 3 else whole


@lru_cache(4096)
def _guessed_line(line: bytes) -> str:
    return guessed(line[:4096])


def _broken(file: DataFile) -> Iterator[bytes]:
    for chunk in line_chunks(file):
        try:
            chunk.decode()
        except UnicodeDecodeError:
            yield from (line for line in chunk.splitlines() if not _is_utf8(line))
