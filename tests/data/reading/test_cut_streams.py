from __future__ import annotations

import io
from itertools import pairwise

import pyarrow as pa
import pytest

from nbtrain.core.errors import DataFileError
from nbtrain.data.reading.opening import ReadOptions, open_source


def streamed() -> list[bytes]:
    """An Arrow stream in pieces: its schema with a batch, nine batches, and its end."""
    out, table, places = io.BytesIO(), pa.table({"n": range(100)}), [0]
    with pa.ipc.new_stream(out, table.schema) as writer:
        for batch in table.to_batches(10):
            writer.write_batch(batch)
            places.append(out.tell())
    places.append(len(out.getvalue()))
    return [out.getvalue()[start:end] for start, end in pairwise(places)]


def test_a_stream_that_is_cut_between_two_batches_is_noticed(tmp_path):
    path, pieces = tmp_path / "a.arrows", streamed()
    path.write_bytes(b"".join(pieces))
    assert open_source(path).rows() == 100
    for kept in (1, 4, 10):
        path.write_bytes(b"".join(pieces[:kept]))
        with pytest.raises(DataFileError, match=r"a\.arrows ends without the mark that ends an Arrow stream"):
            open_source(path)
        table = open_source(path, ReadOptions(on_error="skip"))
        assert table.rows() == 10 * kept
        assert "rows may be missing" in table.notes[0]


def test_a_stream_without_batches_is_whole(tmp_path):
    out = io.BytesIO()
    pa.ipc.new_stream(out, pa.schema([("n", pa.int64())])).close()
    (tmp_path / "a.arrows").write_bytes(out.getvalue())
    assert open_source(tmp_path / "a.arrows").rows() == 0
