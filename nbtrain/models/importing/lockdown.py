"""What a process does to itself before it looks at a foreign file: limits, no network, no other program, no writing.

Linux gives the most: the kernel itself refuses (Landlock for files, seccomp for calls). Everywhere, an audit hook of
Python ends the process at the first try. All of it is for the case that a library has a flaw: the files themselves are
read in ways that run none of their code.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import os
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

#: How the process ends when it tries what it may not.
FORBIDDEN = 77
_NO_NEW_PRIVS, _SECCOMP, _FILTER = 38, 22, 2
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
#: By machine: its number for seccomp, and calls that are refused: sockets, other programs, other processes, mounts,
#: keys, modules of the kernel, io_uring (which goes round the filter).
_CALLS = {
    "x86_64": (0xC000003E, (
        *range(41, 48), 49, 50, 53, 57, 58, 59, 62, 101, 129, 155, 161, *range(163, 172), 175, 176, 179, 200, 234, 246,
        248, 249, 250, 272, 288, 297, 298, 299, 303, 304, 307, 308, 310, 311, 313, *range(320, 324), *range(424, 435),
        438, 440, 442)),
    "aarch64": (0xC00000B7, (
        39, 40, 41, 51, 60, 89, 97, 104, 105, 106, 117, 129, 130, 131, 138, 142, 161, 162, 170, *range(198, 204), 206,
        207, 211, 212, 217, 218, 219, 221, 224, 225, 240, 241, 242, 243, 264, 265, *range(268, 272), 273, 280, 281,
        282, 294, *range(424, 435), 438, 440, 442)),
}
#: `clone3` hides its flags from a filter, so it is said not to be there; `clone` may make threads alone.
_CLONE3, _CLONE = 435, {"x86_64": 56, "aarch64": 220}
_THREAD = 0x00010000
_EPERM, _ENOSYS = 1, 38
_X32 = 0x40000000

#: Rights of Landlock: to read a file or folder; and all that its versions can refuse.
_READ = 1 << 2 | 1 << 3
_ALL = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
#: Of the operating system: what libraries look at.
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc", "/proc", "/sys", "/dev", "/opt", "/nix/store",
           "/run/opengl-driver")

#: What Python says of itself (see its audit events) when it does what is not for a model.
_FORBIDDEN_EVENTS = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.startfile",
    "os.kill", "os.chmod", "os.chown", "os.link", "os.symlink", "os.setxattr", "pty.", "winreg.", "webbrowser.",
    "ftplib.", "smtplib.", "syslog.",
    "signal.pthread_kill")
#: Writing, by the place of its paths.
_WRITING_EVENTS = {"os.remove": 1, "os.rename": 2, "os.mkdir": 1, "os.rmdir": 1, "os.truncate": 1, "os.utime": 1}


def limit(memory: int, file: int, seconds: int) -> None:
    """Bound the process: bytes of its memory, bytes of a file it writes, seconds of computing; no core, few files."""
    if resource is None:
        return
    limits = [(resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, file), (resource.RLIMIT_NOFILE, 1_024),
              (resource.RLIMIT_CORE, 0)]
    if sys.platform == "linux":  # elsewhere libraries ask for more than they use, or the limit is not looked at
        limits += [(resource.RLIMIT_DATA, memory), (resource.RLIMIT_AS, 4 * memory)]  # libraries for GPUs map a lot
    for which, value in limits:
        hard = resource.getrlimit(which)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # one limit that cannot be set leaves the others
            resource.setrlimit(which, (bound, bound))


def lock(writable: Path, readable: Iterable[Path], *, libraries: bool = False) -> list[str]:
    """From here on, the process reads `readable` and what Python needs, and writes in `writable` alone.

    Args:
        writable: a folder.
        readable: files and folders.
        libraries: shared libraries may still be loaded, as large packages do when they are first used.

    Returns:
        What the operating system took on: ``network``, ``files``, ``calls``.
    """
    held: list[str] = []
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_NEW_USER | _NEW_NETWORK) == 0:
            held.append("network")
        libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
        if _landlock(libc, writable, readable):
            held.append("files")
        if _seccomp(libc):
            held.append("calls")
    _audit(writable, _FORBIDDEN_EVENTS if libraries else (*_FORBIDDEN_EVENTS, "ctypes."))
    return held


def _landlock(libc: Any, writable: Path, readable: Iterable[Path]) -> bool:
    """Let the kernel refuse files elsewhere. False where it does not know how."""
    version = libc.syscall(444, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rights = _ALL[min(version, 5)]
    network = 3 if version >= 4 else 0
    rules = struct.pack("<QQ", rights, network) if version >= 4 else struct.pack("<Q", rights)
    ruleset = libc.syscall(444, ctypes.c_char_p(rules), ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return False
    own = (sys.prefix, sys.base_prefix, sys.exec_prefix, *(path for path in sys.path if path))
    allowed = [(Path(path), _READ) for path in (*_SYSTEM, *own)]
    allowed += [(path, _READ) for path in readable]
    allowed += [(writable, rights), (Path(os.devnull), rights & (_READ | 1 << 1 | 1 << 14))]
    for path, right in allowed:
        _allow(libc, ruleset, path, right)
    return bool(libc.syscall(446, ruleset, 0) == 0)


def _allow(libc: Any, ruleset: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not path.is_dir():
        rights &= 1 << 1 | 1 << 2 | 1 << 14  # of files: write, read, truncate
    rule = struct.pack("<Qi", rights, opened)
    libc.syscall(445, ruleset, 1, ctypes.c_char_p(rule), 0)
    os.close(opened)


def _seccomp(libc: Any) -> bool:
    """Let the kernel refuse calls. False where it does not, or for a machine whose calls are not listed."""
    machine = platform.machine()
    if machine not in _CALLS or sys.maxsize < 2**32:
        return False
    code = _program(machine)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("<HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    return bool(libc.prctl(_SECCOMP, _FILTER, ctypes.c_char_p(program), 0, 0) == 0)


def _program(machine: str) -> bytes:
    """The filter: instructions of eight bytes each (code, where to go if so, if not, and a number)."""
    load, equal, above, anyof, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    refuse, allow = 0x00050000, 0x7FFF0000
    architecture, calls = _CALLS[machine]
    lines = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, refuse | _EPERM), (load, 0, 0, 0),
             (above, 0, 1, _X32), (answer, 0, 0, refuse | _EPERM)]
    for call in calls:
        lines += [(equal, 0, 1, call), (answer, 0, 0, refuse | _EPERM)]
    lines += [(equal, 0, 1, _CLONE3), (answer, 0, 0, refuse | _ENOSYS)]
    # clone: its flags are the first argument
    lines += [(equal, 0, 3, _CLONE[machine]), (load, 0, 0, 16), (anyof, 1, 0, _THREAD), (answer, 0, 0, refuse | _EPERM)]
    lines.append((answer, 0, 0, allow))
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def _audit(writable: Path, forbidden: tuple[str, ...]) -> None:
    """Let Python end the process at the first try of what it may not."""
    inside = os.path.realpath(writable) + os.sep
    devnull = os.path.realpath(os.devnull)

    def within(path: object) -> bool:
        if isinstance(path, int):  # a file that is open already
            return True
        real = os.path.realpath(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else ""
        return (real + os.sep).startswith(inside) or real == devnull

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = set(mode or "") & set("wax+") or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            wrong = bool(writes) and not within(path)
        elif event in _WRITING_EVENTS:
            wrong = not all(within(path) for path in arguments[:_WRITING_EVENTS[event]])
        else:
            wrong = event.startswith(forbidden)
        if wrong:
            os.write(2, f"forbidden: {event} {arguments!r:.200}\n".encode(errors="replace"))
            os._exit(FORBIDDEN)

    sys.addaudithook(hook)
