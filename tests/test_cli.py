from __future__ import annotations

import subprocess
import sys

import pytest
import torch

import nbtrain
from nbtrain import cli, training


def run(*words):
    return subprocess.run([sys.executable, "-m", "nbtrain.cli", *words], capture_output=True, text=True, check=False)


@pytest.fixture
def ended():
    """A run that has finished, with an option that is not the default."""
    torch.manual_seed(0)
    data = torch.randn(32, 3), torch.randn(32, 1)
    run = training.train(torch.nn.Linear(3, 1), data, epochs=2, learning_rate=0.01, name="small", show=False)
    run.wait(60)
    return run


def test_without_words_it_tells_what_it_can(capsys):
    assert cli.main([]) == 0
    assert "nbtrain show RUN" in capsys.readouterr().out


def test_runs_of_a_workspace_without_any(capsys):
    assert cli.main(["runs"]) == 0
    assert capsys.readouterr().out.startswith("No runs yet.")


def test_a_run_is_seen_from_another_process(ended):
    listed = run("runs")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert ended.id in listed.stdout
    shown = run("show", ended.id)
    assert shown.stdout.startswith(f"small ({ended.id}) has finished.")
    assert "learning_rate  0.01" in shown.stdout
    assert "batch_size" not in shown.stdout


def test_options_and_one_of_them(capsys):
    assert cli.main(["options"]) == 0
    assert "--early-stopping" in capsys.readouterr().out
    assert cli.main(["options", "--early-stopping"]) == 0
    assert "Default: False" in capsys.readouterr().out


def test_the_language_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("NBTRAIN_LANGUAGE", "ru")
    assert "По умолчанию: 0.001" in run("options", "learning_rate").stdout


@pytest.mark.parametrize("words", [["version"], ["--version"]])
def test_version(capsys, words):
    assert cli.main(words) == 0
    assert capsys.readouterr().out.strip() == nbtrain.__version__


@pytest.mark.parametrize(("words", "sentence"), [
    (["run"], "There is no command 'run'; did you mean 'runs'?"),
    (["show"], "Usage: nbtrain show RUN"),
    (["show", "none"], "There is no run 'none'"),
    (["options", "epoch"], "There is no option 'epoch'; did you mean 'epochs'?"),
])
def test_what_cannot_be_done_is_one_sentence(capsys, words, sentence):
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert said.err.startswith(sentence)
    assert said.out == ""


def test_a_reader_that_goes_away_is_no_error():
    piped = f"{sys.executable} -m nbtrain.cli options | true"
    assert subprocess.run(["bash", "-c", piped], capture_output=True, text=True, check=True).stderr == ""
