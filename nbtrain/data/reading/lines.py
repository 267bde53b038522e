"""The lines of a file, read in large pieces, none of them ever longer than memory bears."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nbtrain.core.tasks import Progress
from nbtrain.data.reading.formats import DataFile, Format

_CHUNK = 2**20
_GLANCE = 2**16
#: Bytes of the longest line.
LONGEST = 16 * 2**20


def chunks(file: DataFile) -> Iterator[bytes]:
    """The bytes of a file, unpacked, and an empty piece at the end. Raises DataFileError."""
    with file.unpacked() as stream:
        while True:
            try:
                raw = bytes(stream.read(_CHUNK))
            except OSError as error:
                raise file.cut_short() from error
            yield raw
            if not raw:
                return


def line_chunks(file: DataFile) -> Iterator[bytes]:
    """The file in pieces that end where a line ends. Raises DataFileError, also for a line longer than `LONGEST`."""
    kept, lines = bytearray(), 0
    for raw in chunks(file):
        end = raw.rfind(b"\n") + 1
        if raw and not end:
            kept += raw
            if len(kept) > LONGEST:
                raise file.wrong(f"it is longer than {LONGEST // 2**20} MiB; break it up", line=lines + 1)
            continue
        if kept or raw:
            piece = bytes(kept) + raw[:end]
            lines += piece.count(b"\n")
            yield piece
        kept = bytearray(raw[end:])


def numbered_lines(file: DataFile) -> Iterator[tuple[int, bytes]]:
    """Each line with its number from 1, without its end. Raises DataFileError."""
    number = 0
    for piece in line_chunks(file):
        for line in piece.removesuffix(b"\n").split(b"\n"):
            number += 1
            yield number, line.removesuffix(b"\r")


def numbered_pieces(file: DataFile, longest: int) -> Iterator[tuple[int, bytes]]:
    """Each line with its number from 1 and its end; of a line over `longest` bytes that many and one more."""
    kept, number, over = bytearray(), 1, False
    for raw in chunks(file):
        begun = 0
        while (end := raw.find(b"\n", begun) + 1) > 0:
            yield number, raw[begun:end] if not kept else bytes(kept) + (b"" if over else raw[begun:end])
            kept, number, over, begun = bytearray(), number + 1, False, end
        if not over:
            kept += raw[begun:]
            if len(kept) > longest:
                kept, over = kept[:longest + 1], True
    if kept:
        yield number, bytes(kept)


def lines_at(file: DataFile, positions: list[int]) -> list[int]:
    """The lines, from 1, in which these bytes of the unpacked file lie; `positions` rise. Raises DataFileError."""
    found: list[int] = []
    begun, lines = 0, 1
    for raw in chunks(file):
        while len(found) < len(positions) and (positions[len(found)] < begun + len(raw) or not raw):
            found.append(lines + raw.count(b"\n", 0, max(0, positions[len(found)] - begun)))
        if len(found) == len(positions):
            break
        lines += raw.count(b"\n")
        begun += len(raw)
    return found


def write_unix(file: DataFile, target: Path, *, lone: bool = False, progress: Progress | None = None) -> bool:
    """Write the bytes of a file, unpacked, with CR LF made LF, with `lone` CR too; whether it has CR LF and LF.

    Raises DataFileError, OSError.
    """
    held, pairs, ends, done = b"", 0, 0, 0
    with target.open("xb") as out:
        for raw in chunks(file):
            piece = held + raw
            held = b"\r" if raw and piece.endswith(b"\r") else b""  # its LF may come with the next piece
            piece = piece.removesuffix(held)
            pairs += piece.count(b"\r\n")
            ends += piece.count(b"\n")
            piece = piece.replace(b"\r\n", b"\n")
            done += out.write(piece.replace(b"\r", b"\n") if lone else piece)
            if progress is not None:
                progress.report(done, unit="bytes")
    return 0 < pairs < ends


def ends_in_cr(head: bytes) -> bool:
    """Whether the lines of a file that begins so end in CR alone, as those of an old Macintosh."""
    return b"\r" in head and b"\n" not in head


def has_both_ends(raw: bytes) -> bool:
    """Whether some lines end in CR LF and others in LF alone."""
    raw = raw.replace(b"\0", b"")  # UTF-16
    return 0 < raw.count(b"\r\n") < raw.count(b"\n")


def has_lone_cr(raw: bytes) -> bool:
    """Whether a CR stands where no line ends, in a file whose lines end in LF."""
    raw = raw.replace(b"\0", b"").removesuffix(b"\r")  # UTF-16; and an end of line that is cut
    return b"\n" in raw and raw.count(b"\r") > raw.count(b"\r\n")


def is_endless(file: DataFile) -> bool:
    """Whether a file, read as it lies, has a line that DuckDB may lose without a word: one of twice `LONGEST` or more.

    Such a line covers a whole block of `LONGEST`, so that it is enough to find an end of line in each. Raises OSError.
    """
    size = file.source.stat().st_size
    with file.source.open("rb") as raw:
        for start in range(0, size - LONGEST, LONGEST):
            raw.seek(start)
            if not any(b"\n" in raw.read(_GLANCE) for _ in range(LONGEST // _GLANCE)):
                return True
    return False


def verify(file: DataFile) -> None:
    """Unpack a file to its end, which checks what its packing says of its content.

    Raises:
        DataFileError: it is damaged or cut short, or a line of a text is longer than `LONGEST`.
    """
    told = {Format.JSON, Format.JSONL}  # DuckDB tells a row of them that is too long, or reads it
    for _ in line_chunks(file) if file.format.is_text and file.format not in told else chunks(file):
        pass
