"""The kernel's one DuckDB: cancelling, threads, forks, and what it may not do."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import duckdb
import pytest

from nbtrain.core.errors import CancelledError
from nbtrain.core.tasks import Progress
from nbtrain.data.duck import cursor

ENDLESS = "SELECT count(*) FROM range(100_000_000_000) AS a(i) WHERE i % 7 = 3"


def test_cancelling_interrupts_a_query_that_runs():
    progress = Progress()
    threading.Timer(0.2, progress.cancel).start()
    with pytest.raises(CancelledError, match="called off"), cursor(progress) as connection:
        connection.sql(ENDLESS).fetchall()


def test_work_that_was_called_off_before_does_not_begin():
    progress = Progress()
    progress.cancel()
    with pytest.raises(CancelledError), cursor(progress) as connection:
        connection.sql("SELECT 1").fetchall()


def test_cancelling_what_is_over_is_no_error():
    progress = Progress()
    with cursor(progress) as connection:
        connection.sql("SELECT 1").fetchall()
    progress.cancel()


def test_cancelling_one_leaves_another_alone():
    progress, found = Progress(), []

    def other():
        with cursor() as connection:
            found.append(connection.sql("SELECT count(*) FROM range(30_000_000) AS a(i) WHERE i % 7 = 3").fetchall())

    thread = threading.Thread(target=other)
    thread.start()
    threading.Timer(0.1, progress.cancel).start()
    with pytest.raises(CancelledError), cursor(progress) as connection:
        connection.sql(ENDLESS).fetchall()
    thread.join()
    assert found == [[(4_285_714,)]]


def test_each_thread_asks_for_itself():
    found = {}

    def ask(i):
        with cursor() as connection:
            found[i] = connection.sql("SELECT sum(range) + ? FROM range(1000)", params=[i]).fetchall()[0][0]

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: 499_500 + i for i in range(8)}


def test_nothing_is_fetched_from_the_network():
    with cursor() as connection, pytest.raises(duckdb.Error, match=r"(?i)extension|httpfs"):
        connection.sql("SELECT * FROM read_csv('https://example.invalid/a.csv')").fetchall()


def test_points_in_time_are_of_utc():
    with cursor() as connection:
        assert connection.sql("SELECT TIMESTAMPTZ '2026-01-01 00:00:00+02:00'::VARCHAR").fetchall() == [
            ("2025-12-31 22:00:00+00",)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_its_own():
    with cursor() as connection:
        connection.sql("SELECT 1").fetchall()
    child = os.fork()
    if child == 0:
        try:
            with cursor() as connection:
                os._exit(0 if connection.sql("SELECT 42").fetchall() == [(42,)] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_calling_off_between_two_queries_ends_the_second():
    progress = Progress()

    def called_off_before_it_asks():
        with cursor(progress) as connection:
            progress.cancel()
            connection.sql(ENDLESS).fetchall()

    with pytest.raises(CancelledError):
        called_off_before_it_asks()


SPILLS = """
import os, sys
from pathlib import Path
from nbtrain.data.duck import cursor
with cursor() as connection:
    folder = connection.sql("SELECT current_setting('temp_directory')").fetchall()[0][0]
if hasattr(os, "fork") and (child := os.fork()) == 0:
    sys.exit(0)
elif hasattr(os, "fork"):
    os.waitpid(child, 0)
print(folder, Path(folder).is_dir(), oct(Path(folder).stat().st_mode & 0o777))
"""


@pytest.mark.skipif(os.name == "nt", reason="no modes there")
def test_what_it_spills_is_its_own_and_goes_with_it(tmp_path):
    guessed = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SPILLS], env={**os.environ, "TMPDIR": str(tmp_path)}, check=True,
            capture_output=True, text=True)
        folder, there, mode = done.stdout.split()
        assert Path(folder).parent == tmp_path
        assert (there, mode) == ("True", "0o700")
        guessed.append(Path(folder).name)
    assert not any(name.removeprefix("nbtrain-").isdigit() for name in guessed)
    assert list(tmp_path.iterdir()) == []


CHILD = """
import multiprocessing, os, sys
from nbtrain.data.duck import cursor

def spill(queue):
    with cursor() as connection:
        queue.put(connection.sql("SELECT current_setting('temp_directory')").fetchall()[0][0])

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    queue = context.SimpleQueue()
    spill(queue)
    mine = queue.get()
    child = context.Process(target=spill, args=(queue,))
    child.start()
    theirs = queue.get()
    child.join()
    print(mine, theirs, child.exitcode, os.listdir(os.environ["TMPDIR"]))
"""


@pytest.mark.parametrize("how", multiprocessing.get_all_start_methods())
def test_a_child_process_takes_what_it_spilled_with_it_and_leaves_its_parents(tmp_path, how):
    script = tmp_path / "child.py"
    script.write_text(CHILD, "utf-8")
    # Not tmp_path: the fork server keeps a socket in the temporary folder, and the path of a
    # socket may have 107 bytes, fewer than pytest's folders come to in its numbered workers.
    with tempfile.TemporaryDirectory(prefix="spill-") as folder:
        spilled = Path(folder)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", script, how],
            env={**os.environ, "TMPDIR": folder, "PYTHONPATH": str(Path.cwd())},
            check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        left_over = [path for path in spilled.iterdir() if path.name.startswith("nbtrain-")]
    mine, theirs, code, *listed = done.stdout.split()
    assert (mine != theirs, code) == (True, "0")
    left = " ".join(listed)
    assert Path(mine).name in left
    assert Path(theirs).name not in left
    assert not left_over
