"""Processes for foreign files that begin as forks of one that has loaded the libraries: it takes seconds but once.

    python -I -B warm.py ADDRESS < the path of Python, as JSON

From the fork on, all is as ever: the process limits and locks itself, does its job, answers, ends. That a process
finds its libraries by itself is for the tests that have `cold`.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from importlib import import_module

#: In place of what starts a process: hands its files and its environment to the fork, and ends as that does.
CLIENT = """
import json, os, signal, socket
link = socket.socket(socket.AF_UNIX)
link.connect({address!r})
socket.send_fds(link, [json.dumps([os.getcwd(), dict(os.environ)]).encode()], [0, 1, 2])
code = int(link.recv(16) or b"70")
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
    os.kill(os.getpid(), -code)
os._exit(code)
"""


def main() -> None:
    """Wait for clients, one after the other."""
    sys.path[:] = json.loads(sys.stdin.buffer.readline())
    for job in ("pickles", "graphs", "networks"):
        import_module(f"nbtrain.models.importing.jobs.{job}")
    import transformers  # noqa: PLC0415 - the path is known now

    for name in ("AutoConfig", "AutoModel", "BertForSequenceClassification", "BertConfig"):
        getattr(transformers, name)
    from nbtrain.models.importing import sandbox  # noqa: PLC0415

    waiting = socket.socket(socket.AF_UNIX)
    waiting.bind(sys.argv[1])
    waiting.listen()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        link, _ = waiting.accept()
        with link:
            told, files, _, _ = socket.recv_fds(link, 2**20, 3)
            if (process := os.fork()) == 0:
                _become(told, files)
                sandbox.main()
                os._exit(70)
            for file in files:
                os.close(file)
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            link.sendall(str(code).encode())


def _become(told: bytes, files: list[int]) -> None:
    folder, environment = json.loads(told)
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin = os.fdopen(0, closefd=False)


if __name__ == "__main__":
    main()
