"""Zip archives from outside: looked at whole before anything is read, then taken out member by member.

What is refused: links and special files, names that lead out of the folder or that some system cannot have, two members
of one name, members that overlap, too many, too large, packed too tightly, encrypted, or packed in an unusual way.
"""

from __future__ import annotations

import re
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from nbtrain.core.errors import NbtrainError
from nbtrain.core.tasks import Progress
from nbtrain.models.importing.refusals import refused, shown
from nbtrain.models.importing.regular import opened
from nbtrain.store import atomic

#: Members of one archive; those that torch writes have one for each tensor.
MOST, MOST_OF_TORCH = 10_000, 100_000
#: Bytes of all members together.
LARGEST = 2**40
#: How many times its size a member may unpack to, beyond `FREE` bytes. Weights hardly pack; text does ten times.
RATIO, FREE = 100, 2**20
#: Bytes of the list of members.
_DIRECTORY = 32 * 2**20
_PIECE = 2**20
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
#: Length of what stands before each member, and where in it the lengths of its name and extra field are.
_LOCAL = 30
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1 | 0x40
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³])(\..*)?", re.IGNORECASE)
_DEEPEST, _NAME = 20, 255


@contextmanager
def archive(path: Path, name: str, most: int = MOST) -> Iterator[zipfile.ZipFile]:
    """A zip archive all of whose members were checked. Raises ModelFileError, also for what is found while reading."""
    with opened(path, name) as (file, size):
        _check_directory(file, size, name, most)
        try:
            with zipfile.ZipFile(file) as found:
                _check_members(found, file, name)
                yield found
        except NbtrainError:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OverflowError,
                struct.error) as error:
            raise refused(name, f"the archive is damaged ({shown(error)}); get it again") from error


def files(found: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members that are files, by name."""
    return {member.filename: member for member in found.infolist() if not member.is_dir()}


def read(found: zipfile.ZipFile, member: zipfile.ZipInfo, most: int, name: str) -> bytes:
    """A member of at most `most` bytes. Raises ModelFileError."""
    if member.file_size > most:
        raise refused(name, f"{shown(member.filename)} in it has {member.file_size:,} bytes; at most {most:,} are read")
    with found.open(member) as source:
        return source.read(most + 1)


def unpack(path: Path, folder: Path, name: str, progress: Progress | None = None) -> list[Path]:
    """Take all files out into an empty folder, which is refused when it lacks room. Their paths, as in the archive.

    Raises:
        ModelFileError: the archive is not safe or damaged.
        WorkspaceError: the disk does not take it.
        CancelledError: it was called off.
    """
    with archive(path, name) as found, atomic.told("unpack into", folder):
        members = files(found)
        needed, free = sum(member.file_size for member in members.values()), shutil.disk_usage(folder).free
        if needed > free:
            raise refused(name, f"it unpacks to {needed:,} bytes, and {free:,} are free on the disk; free some space")
        done = 0
        taken = []
        for inner, member in members.items():
            target = folder.joinpath(*PurePosixPath(inner).parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with found.open(member) as source, target.open("xb") as file:
                while piece := source.read(_PIECE):
                    done += len(piece)
                    if done > needed:
                        raise refused(name, f"{shown(inner)} in it unpacks to more than the archive says")
                    file.write(piece)
                    if progress is not None:
                        progress.report(done, needed, "bytes")
            taken.append(target)
    return taken


def _check_directory(file: BinaryIO, size: int, name: str, most: int) -> None:
    """The end of the archive, before a library reads a list of members that may be endless."""
    file.seek(max(0, size - _END.size - 65_535))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        raise refused(name, "the archive is cut short: its list of members is missing; get it again")
    _, disk, first, _, count, length, start, comment = _END.unpack_from(tail, at)
    if disk or first:
        raise refused(name, "it is one part of an archive in several parts; put them together first")
    if at + _END.size + comment != len(tail):
        raise refused(name, "something follows the end of the archive, so it is not what it seems")
    if count == 0xFFFF or 0xFFFFFFFF in {length, start}:
        count, length = _large(file, size - len(tail) + at, name)
    if count > most:
        raise refused(name, f"it has {count:,} members; at most {most:,} are read")
    if length > _DIRECTORY:
        raise refused(name, f"its list of members has {length:,} bytes; at most {_DIRECTORY:,} are read")
    file.seek(0)


def _large(file: BinaryIO, end: int, name: str) -> tuple[int, int]:
    """Number of members and length of their list, as archives above 4 GiB say it."""
    file.seek(max(0, end - 20))
    locator = file.read(20)
    if len(locator) == 20 and locator.startswith(b"PK\6\7"):
        file.seek(int(struct.unpack_from("<Q", locator, 8)[0]) % 2**63)
        found = file.read(_END64.size)
        if len(found) == _END64.size and found.startswith(b"PK\6\6"):
            fields = _END64.unpack(found)
            return fields[7], fields[8]
    raise refused(name, "the archive is damaged: the end of a large one is not complete; get it again")


def _check_members(found: zipfile.ZipFile, file: BinaryIO, name: str) -> None:
    members = found.infolist()
    if not any(not member.is_dir() for member in members):
        raise refused(name, "the archive is empty")
    seen: dict[str, str] = {}
    total = packed = 0
    for member in members:
        what = _wrong(member)
        if what:
            raise refused(name, f"{shown(member.filename or '?')!r} in it {what}; nothing was taken from it")
        key = unicodedata.normalize("NFC", member.filename.rstrip("/")).casefold()
        if key in seen:
            raise refused(name, f"{shown(member.filename)!r} is in it twice; nothing was taken from it")
        seen[key] = member.filename
        total += member.file_size
        packed += member.compress_size
    for key in seen:
        for parent in PurePosixPath(key).parents:
            if str(parent) in seen and not seen[str(parent)].endswith("/"):
                raise refused(name, f"{shown(seen[str(parent)])!r} in it is a file and a folder at once")
    if total > LARGEST or total > FREE * 10 + RATIO * packed:
        raise refused(name, f"it unpacks from {packed:,} to {total:,} bytes, as archives do that are made to fill a "
                            "disk; "
                            "unpack it yourself if you trust it")
    _check_places(members, file, name, found.start_dir)


def _wrong(member: zipfile.ZipInfo) -> str | None:  # noqa: PLR0911 - one for each thing that can be wrong
    """What is wrong with one member."""
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return "is a link" if stat.S_ISLNK(mode) else "is a special file"
    if member.orig_filename != member.filename or not member.filename:
        return "has a name that is not the same to everyone"
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in _METHODS:
        return "is packed in a way that is not read (only stored and deflated are)"
    if member.file_size > LARGEST or member.file_size > FREE + RATIO * member.compress_size:
        return f"unpacks from {member.compress_size:,} to {member.file_size:,} bytes"
    if member.is_dir() and member.file_size:
        return "is a folder with content"
    return wrong_name(member.filename)


def wrong_name(name: str) -> str | None:  # noqa: PLR0911 - as above
    """What is wrong with a path, so that it may lead elsewhere or cannot be everywhere; None for a plain one."""
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        return "has an absolute path"
    if "\\" in name or ":" in name:
        return "has a backslash or colon in its name"
    parts = name.rstrip("/").split("/")
    if ".." in parts:
        return "leads out of its folder"
    if any(part in {"", "."} for part in parts) or len(parts) > _DEEPEST:
        return "has a path that is not plain"
    if not all(character.isprintable() for character in name):
        return "has characters in its name that nobody sees"
    for part in parts:
        if _DEVICES.fullmatch(part) or part.endswith((".", " ")):
            return "has a name that Windows reserves"
        if len(part.encode(errors="replace")) > _NAME:
            return "has a name that is too long"
    return None


def _check_places(members: list[zipfile.ZipInfo], file: BinaryIO, name: str, end: int) -> None:
    """Members lie one after the other: none over another (which makes bombs), none in the list of members."""
    at = 0
    for member in sorted(members, key=lambda each: each.header_offset):
        file.seek(max(0, member.header_offset))
        local = file.read(_LOCAL)
        if member.header_offset < at or len(local) < _LOCAL or not local.startswith(b"PK\3\4"):
            raise refused(name, f"{shown(member.filename)!r} in it does not lie where the archive says, or over "
                                "another "
                                "member; nothing was taken from it")
        if at == 0 and member.header_offset:
            raise refused(name, "something stands before the archive, so it is not what it seems")
        lengths = struct.unpack_from("<2H", local, 26)
        at = member.header_offset + _LOCAL + sum(lengths) + member.compress_size
    if at > end:
        raise refused(name, "its last member runs into the list of members; get it again")
