"""Files from the browser, piece by piece."""

from __future__ import annotations

import errno
import os
import random
import shutil
import zlib
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.errors import DataError, DatasetNotFoundError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.data.keeping.library import Library
from nbtrain.store.uploads import LARGEST_CHUNK, STALE_SECONDS, Uploads, harmless

CONTENT = random.Random(0).randbytes(100_000)  # noqa: S311 - not for secrets


@pytest.fixture
def uploads():
    return Uploads()


def digest(data):
    return sha256(data).hexdigest()


def send(uploads, upload_id, content=CONTENT, start=0, size=30_000):
    for offset in range(start, len(content), size):
        piece = content[offset:offset + size]
        uploads.chunk(upload_id, offset, piece, digest(piece))


def test_a_file_arrives_as_it_was_sent(uploads, workspace):
    begun = uploads.begin("reviews.csv", len(CONTENT))
    assert (begun.name, begun.size, begun.had) == ("reviews.csv", 100_000, 0)
    assert uploads.chunk(begun.id, 0, CONTENT[:60_000], digest(CONTENT[:60_000])).had == 60_000
    rest = memoryview(CONTENT)[60_000:]
    assert uploads.chunk(begun.id, 60_000, rest, f"{zlib.crc32(rest):08X}").had == 100_000
    arrived = uploads.finish(begun.id, digest(CONTENT))
    assert arrived.path.name == "reviews.csv"
    assert arrived.path.is_relative_to(workspace)
    assert arrived.path.read_bytes() == CONTENT
    assert arrived.sha256 == digest(CONTENT)
    assert uploads.finish(begun.id) == arrived
    assert Uploads().finish(begun.id) == arrived
    uploads.remove(begun.id)
    assert list((workspace / "uploads").iterdir()) == []


def test_it_is_imported_and_its_source_is_what_it_was_called(uploads):
    content = b"a,b\n1,2\n3,4\n"
    begun = uploads.begin("C:\\data\\my table.csv", len(content))
    send(uploads, begun.id, content)
    library = Library()
    done = library.add(uploads.finish(begun.id).path, said_source="my table.csv (upload)")
    uploads.remove(begun.id)
    assert (done.dataset.name, done.dataset.rows, done.dataset.source) == ("my table", 2, "my table.csv (upload)")
    assert library.table(done.dataset.id).page()["b"].to_pylist() == [2, 4]


def test_it_goes_on_after_a_reload_of_the_page_or_of_the_kernel(uploads):
    begun = uploads.begin("a.csv", len(CONTENT), "changed at 12:00")
    send(uploads, begun.id, CONTENT[:60_000])
    again = Uploads()
    assert again.begin("a.csv", len(CONTENT), "changed at 12:00") == again.status(begun.id)
    assert again.status(begun.id).had == 60_000
    assert [each.id for each in again.all()] == [begun.id]
    send(again, begun.id, start=60_000)
    assert again.finish(begun.id, digest(CONTENT)).path.read_bytes() == CONTENT


def seal(content, piece, digest=digest):
    """The digest of the digests of its pieces."""
    return digest("".join(digest(content[at:at + piece]) for at in range(0, len(content), piece)).encode())


def crc(data):
    return f"{zlib.crc32(data):08x}"


def test_another_file_of_the_same_name_size_time_beginning_and_end_does_not_go_on_with_it(uploads, workspace):
    other = CONTENT[:45_000] + b"?" + CONTENT[45_001:]
    for how in (digest, crc):
        begun = uploads.begin("a.csv", len(CONTENT), "7 ends")
        send(uploads, begun.id, CONTENT[:60_000])
        assert uploads.begin("a.csv", len(other), "7 ends").had == 60_000
        uploads.check(begun.id, 60_000, 25_000, seal(CONTENT[:60_000], 25_000, how))
        uploads.check(begun.id, 40_000, 25_000, seal(other[:40_000], 25_000, how))
        assert uploads.status(begun.id).had == 60_000
        with pytest.raises(DataError, match=r"^a\.csv is not the file whose upload .* upload this one again"):
            uploads.check(begun.id, 60_000, 25_000, seal(other[:60_000], 25_000, how))
        assert list((workspace / "uploads").iterdir()) == []
    begun = uploads.begin("a.csv", len(other), "7 ends")
    send(uploads, begun.id, other)
    assert uploads.finish(begun.id).path.read_bytes() == other


def test_two_files_that_are_sent_at_once_as_one_are_not_mixed(uploads):
    other = CONTENT[:45_000] + b"?" + CONTENT[45_001:]
    begun = uploads.begin("a.csv", len(CONTENT), "7 ends")
    send(uploads, begun.id, CONTENT[:60_000])
    with pytest.raises(DataError, match="is not what is here; the file has changed"):
        send(uploads, begun.id, other, start=30_000)
    send(uploads, begun.id, start=60_000)
    assert uploads.finish(begun.id).path.read_bytes() == CONTENT


@pytest.mark.parametrize(("size", "piece"), [(101, 10), (-1, 10), (10, 0), (10, LARGEST_CHUNK + 1)])
def test_no_more_is_compared_than_is_here(uploads, size, piece):
    begun = uploads.begin("a.csv", 200)
    uploads.chunk(begun.id, 0, CONTENT[:100], digest(CONTENT[:100]))
    with pytest.raises(DataError, match=rf"^{size} bytes of a.csv shall be compared .* and 100 are here"):
        uploads.check(begun.id, size, piece, digest(b""))
    assert uploads.status(begun.id).had == 100


@pytest.mark.parametrize(("name", "size", "stamp"), [
    ("b.csv", 5, "x"), ("a.csv", 6, "x"), ("a.csv", 5, "y"), ("a.csv", 5, None),
])
def test_another_file_is_another_upload(uploads, name, size, stamp):
    first = uploads.begin("a.csv", 5, "x")
    assert uploads.begin(name, size, stamp).id != first.id
    assert uploads.begin("a.csv", 5, "x").id == first.id


def test_one_that_is_whole_is_not_gone_on_with(uploads):
    first = uploads.begin("a.csv", len(CONTENT), "x")
    send(uploads, first.id)
    arrived = uploads.finish(first.id)
    other = CONTENT[::-1]
    second = uploads.begin("a.csv", len(other), "x")
    assert (second.id == first.id, second.had) == (False, 0)
    send(uploads, second.id, other)
    assert uploads.finish(second.id).path.read_bytes() == other
    assert arrived.path.read_bytes() == CONTENT


def test_a_piece_whose_answer_was_lost_may_come_again(uploads):
    begun = uploads.begin("a.csv", len(CONTENT))
    send(uploads, begun.id, CONTENT[:50_000])
    assert uploads.chunk(begun.id, 30_000, CONTENT[30_000:50_000], digest(CONTENT[30_000:50_000])).had == 50_000
    overlapping = CONTENT[40_000:70_000]
    assert uploads.chunk(begun.id, 40_000, overlapping, digest(overlapping)).had == 70_000
    send(uploads, begun.id, start=70_000)
    assert uploads.finish(begun.id, digest(CONTENT)).path.read_bytes() == CONTENT


@pytest.mark.parametrize(("offset", "data", "given", "said"), [
    (10, b"damaged", digest(b"other"), "was damaged on the way"),
    (10, b"damaged", f"{zlib.crc32(b'other'):08x}", "was damaged on the way"),
    (10, b"damaged", "", "was damaged on the way"),
    (11, b"late", digest(b"late"), "10 are here; go on from byte 10"),
    (-1, b"early", digest(b"early"), "10 are here"),
    (10, b"x" * 91, digest(b"x" * 91), "said to have 100 bytes"),
    (5, b"other bytes", digest(b"other bytes"), "is not what is here"),
    (10, b"x" * (LARGEST_CHUNK + 1), digest(b"x"), "at most"),
])
def test_a_wrong_piece_is_refused_and_nothing_of_it_is_kept(uploads, offset, data, given, said):
    begun = uploads.begin("a.csv", 100)
    uploads.chunk(begun.id, 0, b"0123456789", digest(b"0123456789"))
    with pytest.raises(DataError, match=said):
        uploads.chunk(begun.id, offset, data, given)
    assert uploads.status(begun.id).had == 10


def test_what_is_not_whole_is_not_finished(uploads):
    begun = uploads.begin("a.csv", 100)
    with pytest.raises(DataError, match="0 of 100 bytes are here"):
        uploads.finish(begun.id)


def test_what_arrived_differently_is_thrown_away(uploads, workspace):
    begun = uploads.begin("a.csv", len(CONTENT))
    send(uploads, begun.id)
    with pytest.raises(DataError, match="SHA-256 differs"):
        uploads.finish(begun.id, digest(b"another file"))
    assert list((workspace / "uploads").iterdir()) == []


def test_the_hash_is_of_what_is_on_the_disk_where_another_kernel_took_pieces(uploads):
    begun = uploads.begin("a.csv", len(CONTENT))
    send(uploads, begun.id, CONTENT[:50_000])
    other = Uploads()
    send(other, begun.id, CONTENT[:80_000], start=50_000)
    send(uploads, begun.id, start=80_000)
    progress = Progress()
    assert uploads.finish(begun.id, progress=progress).sha256 == digest(CONTENT)
    assert (progress.done, progress.unit) == (100_000, "bytes")


def test_an_empty_file_arrives_too(uploads):
    begun = uploads.begin("empty.txt", 0)
    assert uploads.finish(begun.id, digest(b"")).path.read_bytes() == b""


def test_it_can_be_given_up(uploads, workspace):
    begun = uploads.begin("a.csv", 5)
    uploads.cancel(begun.id)
    uploads.cancel(begun.id)
    assert list((workspace / "uploads").iterdir()) == []
    for ask in (uploads.status, uploads.finish, uploads.remove):
        with pytest.raises(DatasetNotFoundError, match="no upload"):
            ask(begun.id)
    with pytest.raises(DatasetNotFoundError):
        uploads.chunk(begun.id, 0, b"x", digest(b"x"))


def test_an_old_one_is_given_up_by_itself(uploads, workspace):
    old, young = uploads.begin("old.csv", 5), uploads.begin("young.csv", 5)
    folder = workspace / "uploads" / old.id
    for path in (*folder.iterdir(), folder):
        os.utime(path, (1, path.stat().st_mtime - STALE_SECONDS - 60))
    uploads.begin("new.csv", 5)
    assert not folder.exists()
    assert uploads.status(young.id).had == 0


def test_a_disk_without_so_much_space_is_told_before_anything_is_sent(uploads, workspace, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    with pytest.raises(DataError, match=r"has 11 bytes, and the disk .* has 10 left"):
        uploads.begin("a.csv", 11)
    assert uploads.begin("a.csv", 10).had == 0


def test_a_piece_that_does_not_fit_is_taken_back_and_may_come_again(uploads, workspace, monkeypatch):
    begun = uploads.begin("a.csv", 20)
    uploads.chunk(begun.id, 0, b"0123456789", digest(b"0123456789"))
    part = workspace / "uploads" / begun.id / "part"
    opened = Path.open

    class Full:
        """A file on a disk that takes three bytes more."""

        def __init__(self, file):
            self.file, self.left = file, 3

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            if not self.left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = self.file.write(bytes(data[:self.left]))
            self.left -= written
            return written

    monkeypatch.setattr(Path, "open", lambda path, *how, **named: (
        Full(opened(path, *how, **named)) if path == part else opened(path, *how, **named)))
    with pytest.raises(WorkspaceError, match="disk is full"):
        uploads.chunk(begun.id, 10, b"abcdefghij", digest(b"abcdefghij"))
    assert part.read_bytes() == b"0123456789"
    monkeypatch.setattr(Path, "open", opened)
    uploads.chunk(begun.id, 10, b"abcdefghij", digest(b"abcdefghij"))
    assert uploads.finish(begun.id, digest(b"0123456789abcdefghij")).path.read_bytes() == b"0123456789abcdefghij"


@pytest.mark.parametrize("upload_id", ["..", "../datasets", "/etc", "a/b", "", "con", "a\x00b"])
def test_a_hostile_id_leads_nowhere(uploads, upload_id):
    uploads.begin("a.csv", 1)
    for ask in (uploads.status, uploads.finish, uploads.remove):
        with pytest.raises(DatasetNotFoundError):
            ask(upload_id)


@pytest.mark.parametrize(("name", "kept"), [
    ("../../etc/passwd", "passwd"), ("C:\\Users\\me\\data.csv", "data.csv"), ("..", "file_"), ("", "file_"),
    (".bashrc", "bashrc"), ("con.csv", "file_con.csv"), ("part", "file_part"), ("upload.json", "file_upload.json"),
    ("a\x00b\nc.csv", "a_b_c.csv"), ("داده.csv", "داده.csv"), ("x.csv.gz", "x.csv.gz"), ("a:b?.csv", "a_b_.csv"),
])
def test_a_file_name_is_made_harmless(name, kept):
    assert harmless(name) == kept


@given(st.text(max_size=300))
def test_no_file_name_leads_out_of_its_folder(name):
    kept = harmless(name)
    assert os.path.normpath(f"folder/{kept}") == f"folder/{kept}"
    assert 0 < len(kept.encode(errors="surrogatepass")) <= 130
    assert not kept.startswith(".")


def test_an_ending_survives_a_long_name():
    assert harmless("x" * 400 + ".csv.gz").endswith("x.csv.gz")


def test_uploads_of_another_purpose_are_not_seen_nor_gone_on_with(uploads):
    own = Uploads(purpose="models")
    begun = own.begin("net.safetensors", len(CONTENT), "7")
    other = uploads.begin("net.safetensors", len(CONTENT), "7")
    assert begun.id != other.id
    assert [each.id for each in own.all()] == [begun.id]
    assert [each.id for each in uploads.all()] == [other.id]
    assert own.begin("net.safetensors", len(CONTENT), "7").id == begun.id
