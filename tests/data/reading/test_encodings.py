from __future__ import annotations

import gzip

import pytest

from nbtrain.core.errors import DataFileError
from nbtrain.data.reading.encodings import encoding_of, guessed
from nbtrain.data.reading.opening import ReadOptions, open_source, read_whole

PERSIAN = ["سلام، این متن فارسی است", "کتاب خوب و ارزان", "هوا امروز سرد بود", "من به خانه برگشتم"]
RUSSIAN = ["Привет, как дела", "Это хороший фильм", "Цена книги слишком высокая", "Погода сегодня холодная"]
WESTERN = ["Le café était très bon", "Größe und Straße", "mañana será otro día", "déjà vu à la crème"]


def texts(path, **options):
    table = open_source(path, ReadOptions(**options))
    rows, _ = read_whole(table, lambda whole: [row["text"] for batch in whole.batches() for row in batch.to_pylist()])
    return rows, table


def cp1256(lines):
    """As Persian was written before Unicode: with the Arabic letters yeh and kaf."""
    return [line.replace("ی", "ي") for line in lines]


@pytest.mark.parametrize(("lines", "encoding"), [
    (cp1256(PERSIAN), "cp1256"), (RUSSIAN, "cp1251"), (WESTERN, "cp1252"), (RUSSIAN, "koi8_r"),
])
def test_an_encoding_is_guessed(lines, encoding):
    assert guessed("\n".join(lines).encode(encoding)) == encoding


@pytest.mark.parametrize("word", ["été", "señor", "Straße", "naïve idea"])
def test_one_western_word_is_enough(word):
    assert guessed(word.encode("cp1252")) == "cp1252"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("lines", [PERSIAN, RUSSIAN, WESTERN])
@pytest.mark.parametrize("ending", ["csv", "txt", "jsonl"])
def test_unicode_in_all_its_forms_is_read(tmp_path, encoding, lines, ending):
    path = tmp_path / f"a.{ending}"
    rows = [f'"{line}",1' for line in lines] if ending == "csv" else lines
    if ending == "jsonl":
        rows = [f'{{"text": "{line}"}}' for line in lines]
    path.write_bytes("\n".join((["text,n"] if ending == "csv" else []) + rows).encode(encoding) + "\n".encode(
        encoding.removesuffix("-sig") if encoding != "utf-16" else "utf-16-le"))
    assert texts(path)[0] == lines


@pytest.mark.parametrize(("lines", "encoding"), [(cp1256(PERSIAN), "cp1256"), (RUSSIAN, "cp1251"), (WESTERN, "cp1252")])
def test_an_old_encoding_is_found_and_said(tmp_path, lines, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes(("text,n\n" + "".join(f'"{line}",1\n' for line in lines)).encode(encoding))
    rows, table = texts(path)
    assert rows == lines
    assert encoding in table.notes[-1]


def test_lines_of_several_encodings_stand_in_one_file(tmp_path):
    path = tmp_path / "a.tsv"
    lines = [line for three in zip(cp1256(PERSIAN) * 5, RUSSIAN * 5, WESTERN * 5, strict=True) for line in three]
    encodings = ["utf-8", "cp1251", "utf-8"] * 20
    path.write_bytes(b"text\tn\n" + b"".join(
        f"{line}\t1\n".encode(encoding) for line, encoding in zip(lines, encodings, strict=True)))
    assert texts(path)[0] == lines


def test_even_two_old_encodings_in_one_file(tmp_path):
    path = tmp_path / "a.txt"
    lines = [line for two in zip(cp1256(PERSIAN) * 5, RUSSIAN * 5, strict=True) for line in two]
    encodings = ["cp1256", "cp1251"] * 20
    path.write_bytes(b"".join(f"{line}\n".encode(encoding) for line, encoding in zip(lines, encodings, strict=True)))
    assert texts(path)[0] == lines


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "jsonl", "txt"])
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_bad_byte_far_into_a_file_is_noticed(tmp_path, ending, on_error):
    path = tmp_path / f"a.{ending}"
    line = '{"n": 1, "text": "plain %d"}\n' if ending == "jsonl" else "1,plain %d\n"
    head = "n,text\n" if "csv" in ending else ""
    last = line.replace("plain %d", RUSSIAN[1]).encode("cp1251")
    raw = (head + "".join(line % n for n in range(60_000))).encode() + last
    path.write_bytes(gzip.compress(raw) if ending.endswith("gz") else raw)
    table = open_source(path, ReadOptions(on_error=on_error))
    assert not table.notes
    rows, _ = texts(path, on_error=on_error)
    assert len(rows) == 60_001
    assert rows[-1].endswith(RUSSIAN[1])


def test_a_page_sees_the_bad_byte_too(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(("n,text\n" + "1,plain\n" * 60_000).encode() + f"2,{RUSSIAN[1]}\n".encode("cp1251"))
    table = open_source(path)
    page = table.page(offset=60_000, limit=10)
    assert page["text"].to_pylist() == [RUSSIAN[1]]


def test_a_given_encoding_is_taken_at_its_word(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("Привет\nмир".encode("cp866"))
    assert texts(path, encoding="cp866")[0] == ["Привет", "мир"]
    path.write_bytes(b"good\nnot \xff good\n")
    with pytest.raises(DataFileError, match="not in utf-8") as caught:
        open_source(path, ReadOptions(encoding="utf-8"))
    assert (caught.value.line, caught.value.column) == (2, 5)


def test_the_copy_goes_with_the_table(tmp_path, monkeypatch):
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(copies))
    path = tmp_path / "a.txt"
    path.write_bytes("Привет\n".encode("cp1251"))
    table = open_source(path)
    assert any(copies.glob("nbtrain-copies-*/*"))
    del table
    assert not any(copies.glob("nbtrain-copies-*"))


def test_a_character_cut_at_the_end_of_what_is_looked_at_is_no_fault():
    assert encoding_of("aя".encode()[:-1]) == "utf-8"
    assert encoding_of(b"a\xff") is None
