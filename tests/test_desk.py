from __future__ import annotations

import io
import wave

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from nbtrain.core.errors import CancelledError, CommandError, ConfigError, DataError
from nbtrain.core.table_views import FirstRows
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.table import Table
from nbtrain.desk import PreviewDesk, named_tokenizer, preview_desk


def picture(size=(30, 20)):
    sink = io.BytesIO()
    Image.new("RGB", size, (9, 99, 199)).save(sink, "PNG")
    return sink.getvalue()


def sound():
    sink = io.BytesIO()
    with wave.open(sink, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(b"\x00\x01" * 100)
    return sink.getvalue()


@pytest.fixture
def table(tmp_path):
    rows = 250
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({
        "id": list(range(rows)),
        "label": ["ham" if row % 5 else "spam" for row in range(rows)],
        "text": [f"row {row}" for row in range(rows - 1)] + ["x" * 200_001],
        "photo": [{"bytes": picture(), "path": "a.png"}, None, {"bytes": b"junk", "path": ""},
                  {"bytes": None, "path": "gone.png"}, *[None] * (rows - 4)],
        "sound": [{"bytes": sound(), "path": None}, {"bytes": b"<html>", "path": "b.wav"}, *[None] * (rows - 2)],
    }), path)
    return Table.of_parquet(path, name="table", media={"photo": Kind.IMAGE, "sound": Kind.AUDIO})


@pytest.fixture
def desk(table):
    made = PreviewDesk(table)
    yield made
    made.close()


def read(page):
    return pa.ipc.open_stream(page.arrow).read_all()


def test_pages_of_a_query(desk):
    query = {"filters": [{"column": "label", "op": "eq", "value": "spam"}],
             "sort": [{"column": "id", "descending": True}]}
    assert read(desk.page(query, 1, 3, Progress()))["c0"].to_pylist() == ["240", "235", "230"]
    assert desk.rows(query, Progress()) == 50
    assert desk.page(query, 0, 3, Progress()).rows == 50, "what was counted is told with the next page"
    with pytest.raises(ConfigError, match="nothing"):
        desk.page({"sort": [{"column": "nothing"}]}, 0, 1, Progress())


def test_the_first_rows_are_plain_text_numbers_and_the_bytes_of_files(desk, tmp_path):
    first, second, third, fourth = desk.first(4, 5, Progress()).cells
    assert first[:3] == ["0", "spam", "row 0"]
    assert first[3] == len(picture())
    assert (second[3], second[4]) == (None, 6)
    assert (third[3], third[4], fourth[4]) == (4, None, None)
    assert desk.first(1, 2, Progress()) == FirstRows([["0", "spam"]], 250)
    path = tmp_path / "scores.csv"
    path.write_text("score,when\n0.25,2026-01-31\n,\n")
    of_file = preview_desk(path)
    assert of_file.first(10, 10, Progress()) == FirstRows([[0.25, "2026-01-31"], [None, None]], 2)
    of_file.close()


def test_a_cell_is_whole_up_to_what_is_shown_at_all(desk):
    cell = desk.cell({"search": "row 17"}, 1, "text", Progress())
    assert cell == {"row": 170, "text": "row 170", "length": 7, "cut": False}
    long = desk.cell({}, 249, "text", Progress())
    assert (len(long["text"]), long["length"], long["cut"]) == (200_000, 200_001, True)
    with pytest.raises(CommandError, match="no row 251"):
        desk.cell({}, 250, "text", Progress())
    with pytest.raises(DataError, match="no column 'nothing'"):
        desk.cell({}, 0, "nothing", Progress())


def test_images_are_made_small_and_what_is_none_says_so(desk):
    shown, missing, junk, gone = desk.media({}, 0, 4, "photo", edge=16, progress=Progress())
    assert (shown.item["kind"], shown.item["width"], shown.item["path"]) == ("image/png", 30, "a.png")
    assert Image.open(io.BytesIO(shown.content)).size[0] == 16
    assert (missing.item["kind"], missing.item["problem"]) == ("", "")
    assert "no image" in junk.item["problem"]
    assert "name of this file alone" in gone.item["problem"]
    assert [medium.content for medium in (missing, junk, gone)] == [b""] * 3


def test_sounds_are_played_and_pages_of_the_web_are_not(desk):
    shown, junk = desk.media({}, 0, 2, "sound", edge=16, progress=Progress())
    assert (shown.item["kind"], shown.content) == ("audio/wav", sound())
    assert (junk.item["kind"], junk.content) == ("", b"")
    assert "no sound" in junk.item["problem"]
    with pytest.raises(CommandError, match="neither images nor sounds"):
        desk.media({}, 0, 2, "text", edge=16, progress=Progress())


def test_what_was_called_off_is_not_read(desk):
    progress = Progress()
    progress.cancel()
    with pytest.raises(CancelledError):
        desk.page({}, 0, 10, progress)
    with pytest.raises(CancelledError):
        desk.rows({"search": "row"}, progress)


def test_the_profile_is_a_task_and_its_columns_a_list(desk):
    assert desk.known_profile() is None
    desk.profile("label", None).wait(60)
    told = desk.known_profile()
    assert told is not None
    assert [column["name"] for column in told["columns"]] == ["id", "label", "text", "photo", "sound"]
    assert [(count["value"], count["count"]) for count in told["classes"]] == [("ham", 200), ("spam", 50)]
    with pytest.raises(DataError, match="no column 'nothing'"):
        desk.profile("nothing", None)


def test_a_tokenizer_that_is_not_there_fails_the_task_alone(desk):
    with pytest.raises(DataError, match="tokenizer"):
        desk.profile(None, "/no/such/tokenizer").wait(60)
    assert desk.known_profile() is None
    with pytest.raises(DataError, match="tokenizer"):
        named_tokenizer("/no/such/tokenizer")


def test_tokens_are_counted_with_a_tokenizer_of_the_users(desk, tmp_path):
    words = Tokenizer(WordLevel({"row": 0, "?": 1}, unk_token="?"))  # noqa: S106 - a token of text
    words.pre_tokenizer = Whitespace()
    words.save(str(tmp_path / "tokenizer.json"))
    desk.profile(None, str(tmp_path / "tokenizer.json")).wait(60)
    told = desk.known_profile()
    assert told is not None
    tokens = next(column["tokens"] for column in told["columns"] if column["name"] == "text")
    assert (tokens["minimum"], tokens["maximum"]) == (1, 2), "a row and its number; the long word is one"


def test_only_some_rows_are_shown_under_their_numbers(table):
    desk = PreviewDesk(table, rows=[7, 3])
    assert read(desk.page({}, 0, 10, Progress()))["row"].to_pylist() == [3, 7]
    desk.close()


def test_closing_calls_the_profile_off(table):
    class Slow:
        def __call__(self, target, tokenizer, progress):
            while True:
                progress.check()

    desk = PreviewDesk(table, measure=Slow())
    task = desk.profile(None, None)
    desk.close()
    with pytest.raises(CancelledError):
        task.wait(60)
