"""`%nbtrain data …` in a real IPython shell, and `nbtrain data …` as a process: the same answers."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import nbtrain
from nbtrain import cli, data_verbs, i18n
from nbtrain.commandline.data import TOPIC
from tests.shell import complete

CSV = "id,label,text\n" + "".join(f"{n},{'good' if n % 3 else 'bad'},note {n % 40}\n" for n in range(200))


@pytest.fixture
def reviews(tmp_path, monkeypatch):
    """A file in the folder where one works."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "reviews.csv"
    path.write_text(CSV, "utf-8")
    return path


@pytest.fixture
def data(reviews):
    return nbtrain.load_dataset(reviews)


# -- in a notebook ------------------------------------------------------------------------------


def test_a_day_with_a_dataset(answer, shell, reviews, tmp_path):
    assert answer("%nbtrain data list").startswith("No datasets yet.")
    answer("data = %nbtrain data import reviews.csv")
    data = shell.user_ns["data"]
    assert (data.name, data.rows) == ("reviews", 200)
    assert "reviews" in answer("%nbtrain data list")

    lines = answer("%nbtrain data preview reviews --rows 2").splitlines()
    assert [line.split() for line in lines] == [
        ["id", "label", "text"], ["0", "0", "bad", "note", "0"], ["1", "1", "good", "note", "1"]]
    answer("panel = %nbtrain data preview reviews")
    assert type(shell.user_ns["panel"]).__name__ == "DatasetPreview"

    profile = answer("%nbtrain data profile reviews --target label")
    assert profile.startswith("200 rows, 3 columns, ")
    assert "label: good 133, bad 67" in profile
    assert [line.split()[0] for line in profile.splitlines()[1:5]] == ["column", "id", "label", "text"]

    shares = "--train 0.8 --validation 0.1 --test 0.1"
    split = answer(f"%nbtrain data split reviews --method stratified --target label {shares}")
    made = data.split()
    assert split.splitlines()[1].split() == ["rows", *map(str, made.counts)]
    assert (made.spec.method, made.spec.train) == ("stratified", 0.8)
    assert answer("%nbtrain data split reviews").splitlines() == split.splitlines()
    assert answer("%nbtrain data quality reviews").startswith("200 rows, ")

    answer("clean = %nbtrain data process reviews --steps whitespace,lowercase --name clean")
    assert shell.user_ns["clean"].parent == data
    answer("robust = %nbtrain data process reviews --steps 'whitespace, scale(columns=id, method=robust)'")
    assert shell.user_ns["robust"].recipe.steps[1].method == "robust"
    assert abs(shell.user_ns["robust"].frame()["id"].median()) < 0.1
    (tmp_path / "recipe.json").write_text(json.dumps([{"step": "scale", "columns": ["id"]}]), "utf-8")
    answer("scaled = %nbtrain data process reviews --recipe recipe.json")
    assert abs(shell.user_ns["scaled"].frame()["id"].mean()) < 1

    assert answer('%nbtrain data rename clean "my clean reviews"') == "clean is called my clean reviews now."
    assert answer("%nbtrain data delete 'my clean reviews'") == (
        "my clean reviews was deleted. For 30 days it can be brought back: data undo 'my clean reviews'")
    assert "my clean reviews" not in answer("%nbtrain data list")
    assert "my clean reviews" in answer("%nbtrain data list --deleted")
    assert answer("%nbtrain data undo") == "my clean reviews is back."
    answer("%nbtrain data delete 'my clean reviews'")
    assert answer("%nbtrain data undo 'my clean reviews'") == "my clean reviews is back."
    assert answer("%nbtrain data list --deleted") == "No deleted dataset is kept."

    assert answer("%nbtrain data export reviews out.jsonl") == "reviews was written to out.jsonl."
    assert len((tmp_path / "out.jsonl").read_text("utf-8").splitlines()) == 200
    answer("%nbtrain data export reviews out.jsonl --overwrite")
    nbtrain.load_dataset({"text": ["=1+1", "plain"]}, name="formulas")
    answer("%nbtrain data export formulas out.csv --formulas escape")
    assert "\n=" not in (tmp_path / "out.csv").read_text("utf-8").replace('"', "")


def test_a_variable_is_imported_by_its_name(answer, shell, reviews):
    answer("import pandas; frame = pandas.DataFrame({'n': [1, 2, 3]}); reviews = frame.head(1)")
    answer("found = %nbtrain data import frame --name numbers")
    assert shell.user_ns["found"].frame()["n"].tolist() == [1, 2, 3]
    answer("found = %nbtrain data import reviews.csv --no-header --on-error skip")
    assert shell.user_ns["found"].rows == 201


def test_several_lines(answer, shell, reviews):
    answer("%%nbtrain data import reviews.csv\n# as it was sent\n--name \"by hand\"\n--delimiter ','")
    assert [each.name for each in nbtrain.datasets()] == ["by hand"]


@pytest.mark.parametrize(("line", "said"), [
    ("data lst", "There is no action of data 'lst'; did you mean 'list'?"),
    ("data preview", "Usage: %nbtrain data preview DATASET"),
    ("data rename reviews", "Usage: %nbtrain data rename DATASET NAME"),
    ("data rename reviews my reviews", "Usage: %nbtrain data rename DATASET NAME; put quotation marks around"),
    ("data split reviews --metod random", "%nbtrain data split has no option --metod; did you mean --method?"),
    ("data split reviews --train 3", "train is 3; it must be a share from 0 to 1"),
    ("data profile review", "There is no dataset 'review'; did you mean 'reviews'?"),
    ("data profile reviews --target lable", "has no column 'lable'"),
    ("data rename reviews ../x", "it has a slash"),
    ("data import nowhere.csv", "nowhere.csv"),
    ("data export reviews out", "does not say a format"),
    ("data export reviews out.csv --formulas no", "it must be keep or escape"),
    ("data process reviews", "--steps 'whitespace, scale(method=robust)'"),
    ("data process reviews --steps whitespace --recipe a.json", "one of them"),
    ("data process reviews --steps 'scale(method=robust'", "needs a comma or a closing parenthesis at its end"),
    ("data process reviews --steps 'scale(method=rubust)'", "method is 'rubust'"),
    ("data process reviews --recipe nowhere.json", "nowhere.json cannot be read"),
    ("data process reviews --steps whitspace", "did you mean 'whitespace'?"),
    ("data undo", "There is no dataset to bring back"),
    ("data undo reviews", "no deleted dataset 'reviews'"),
    ("data help lst", "did you mean 'list'?"),
])
def test_what_is_wrong_is_one_sentence(complaint, data, line, said):
    assert said in complaint(f"%nbtrain {line}")
    assert [each.name for each in nbtrain.datasets()] == ["reviews"]


def test_help(answer):
    everything = answer("%nbtrain data help")
    assert all(f"%nbtrain data {name}" in everything for name in TOPIC.actions)
    assert answer("%nbtrain data") == everything
    one = answer("%nbtrain data help split")
    assert one.startswith("%nbtrain data split DATASET: divide")
    assert "--train 0.8" in one
    assert "%nbtrain data " in answer("%nbtrain help")


@pytest.mark.parametrize("language", ["fa", "ru"])
def test_help_speaks_the_language(answer, language):
    english = answer("%nbtrain data help import")
    i18n.set_current(language)
    try:
        assert answer("%nbtrain data help import") != english
        assert "--on-error" in answer("%nbtrain data help import")
    finally:
        i18n.set_current("en")


def test_completion(shell, data, tmp_path):
    data.rename("reviews of 2025")
    nbtrain.load_dataset({"n": [1]}, name="ryes")
    (tmp_path / "sub folder").mkdir()
    assert complete(shell, "%nbtrain data pr") == ["preview", "process", "profile"]
    assert set(complete(shell, "%nbtrain data profile r")) == {"ryes", "'reviews of 2025'"}
    assert complete(shell, "%nbtrain data profile Rev") == ["'reviews of 2025'"]
    assert complete(shell, "%nbtrain data profile 'reviews") == ["'reviews of 2025'"]
    assert complete(shell, "%nbtrain data import rev") == ["reviews.csv"]
    assert "'sub folder/'" in complete(shell, "%nbtrain data import ")
    assert complete(shell, "%nbtrain data import reviews.csv --on-error ") == ["raise", "skip"]
    assert complete(shell, "%nbtrain data split ryes --method=st") == ["stratified"]
    assert "--test" in complete(shell, "%nbtrain data split ryes --train 0.8 --")
    assert "--train" not in complete(shell, "%nbtrain data split ryes --train 0.8 --")
    assert "'reviews of 2025'" not in complete(shell, "%nbtrain data undo ")
    data.delete()
    assert complete(shell, "%nbtrain data undo ") == ["'reviews of 2025'"]
    shell.run_cell("import pandas; table = pandas.DataFrame({'n': [1]})")
    assert complete(shell, "%nbtrain data import tab") == ["table"]


# -- cells --------------------------------------------------------------------------------------


def test_cells_are_text_on_one_line(data, capsys):
    hostile = "\x1b[2J\x1b]0;title\x07line\nbreak\u202eright<b>" + "x" * 100
    nbtrain.load_dataset({"n": [hostile, None], hostile: ["سلام", "می‌روم"]}, name="hostile")
    for action in ("preview hostile --rows 5", "profile hostile"):
        said = data_verbs.answer(action.split(), "nbtrain data")
        assert all(character.isprintable() or character in "\n\u200c" for character in said)
        assert "\\x1b[2J" in said
        assert "می‌روم" in data_verbs.answer(["preview", "hostile"], "nbtrain data")
    assert len(data_verbs.answer(["preview", "hostile"], "nbtrain data").splitlines()) == 3


def test_what_is_missing_or_a_file_is_shown_so():
    files = [{"bytes": b"x" * 2048, "path": "a.bin"}, None]
    nbtrain.load_dataset({"file": files, "raw": [b"abc", None]}, name="files")
    lines = data_verbs.answer(["preview", "files"], "nbtrain data").splitlines()
    assert lines[1].split() == ["0", "a.bin", "(2", "KiB)", "3", "bytes"]
    assert lines[2].split() == ["1", "–", "–"]


# -- on the command line ------------------------------------------------------------------------


def run(*words):
    return subprocess.run(
        [sys.executable, "-m", "nbtrain.cli", "data", *words], capture_output=True, text=True, check=False)


def test_the_command_line_does_the_same(reviews):
    made = run("import", "reviews.csv", "--name", "from the shell")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith("Dataset 'from the shell' (")
    assert "from the shell" in run("list").stdout
    shown = run("preview", "From the shell", "--rows", "1").stdout.splitlines()
    assert shown[1].split() == ["0", "0", "bad", "note", "0"]
    wrong = run("preview", "nothing")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "There is no dataset 'nothing'; there are: from the shell.\n"
    assert run().stdout.startswith("Datasets are named by")


def test_it_is_listed_with_the_other_commands(capsys):
    assert cli.main([]) == 0
    assert "nbtrain data ACTION" in capsys.readouterr().out
    assert cli.main(["data", "list"]) == 0
    assert capsys.readouterr().out.startswith("No datasets yet.")


def test_ctrl_c_ends_it_as_shells_have_it(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(data_verbs, "answer", interrupted)
    assert cli.main(["data", "list"]) == 130
