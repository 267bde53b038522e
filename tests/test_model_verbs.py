"""`%nbtrain models …` in a real IPython shell, and `nbtrain models …` as a command: the same answers."""

from __future__ import annotations

import pytest
import torch

import nbtrain
from nbtrain import cli, i18n, model_verbs, trying
from nbtrain.commandline.models import TOPIC
from nbtrain.core.errors import ConfigError
from nbtrain.hub import telling
from nbtrain.hub.local import LocalHub, samples
from nbtrain.models import architectures
from tests.shell import complete


@pytest.fixture(autouse=True)
def nothing_held():
    yield
    trying.forget()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(telling, "FIRST_PAUSE", 0.0)  # before it asks again
    with LocalHub() as server, server.used(tmp_path / "cache"):
        samples.add(server, "nbtrain/tiny-bert", labels=("bad", "good"), downloads=1234)
        yield server


@pytest.fixture
def net():
    torch.manual_seed(0)
    return architectures.build("mlp", inputs=4, outputs=2, hidden=[3])


def test_every_action_does_something():
    assert set(model_verbs._ACTIONS) == set(TOPIC.actions) - {"help"}


@pytest.mark.usefixtures("hub")
def test_a_day_with_models_of_the_hub(answer, complaint):
    assert answer("%nbtrain models list").startswith("No models yet.")
    found = answer("%nbtrain models search bert --sort downloads").splitlines()
    assert [line.split()[0] for line in found] == ["name", "nbtrain/tiny-bert"]
    assert "1,234" in found[1]
    said = answer("%nbtrain models details nbtrain/tiny-bert")
    assert "BertForSequenceClassification" in said
    assert answer("%nbtrain models downloads") == "No download is under way or left to go on with."
    said = answer("%nbtrain models download nbtrain/tiny-bert --name reviews")
    assert said.startswith("Downloaded as reviews, version 1 (BertForSequenceClassification, ")
    assert "reviews" in answer("%nbtrain models list --task text-classification")
    assert answer("%nbtrain models search --language tlh") == "No model was found; try fewer words or filters."
    assert answer("%nbtrain models predict reviews") == "It asks for:\n  text=…  (text)"
    guesses = answer("%nbtrain models predict reviews a good film").splitlines()
    assert sorted(line.split()[1] for line in guesses) == ["bad", "good"]
    assert answer("%nbtrain models predict reviews 'text=a good film'").splitlines() == guesses
    assert "is not on the Hub" in complaint("%nbtrain models download nbtrain/nothing")


def test_a_day_with_a_model_of_ones_own(answer, complaint, shell, net, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shell.user_ns["net"] = net
    assert answer("%nbtrain models import net --name digits --note 'first try'").startswith(
        "Imported as digits, version 1 (mlp, ")
    assert "There is a model 'digits' already" in complaint("%nbtrain models import net --name digits")
    assert answer("%nbtrain models import net --model digits").startswith("Imported as digits, version 2")
    assert answer("%nbtrain models versions digits").splitlines()[2].endswith("first try")
    assert answer("%nbtrain models move digits production --version 1") == "digits, version 1: Production."
    assert answer("%nbtrain models move digits production") == (
        "digits, version 2: Production. Version 1 was archived.")
    assert answer("%nbtrain models tag digits fast 'on paper'") == "Tags of digits: fast, on paper."
    assert answer("%nbtrain models tag digits") == "digits has no tags now."
    assert answer("%nbtrain models category digits vision") == "digits is in the category vision now."
    assert "digits" in answer("%nbtrain models list --category vision --sort metric")
    assert answer("%nbtrain models rename digits numbers") == "digits is called numbers now."
    assert answer("%nbtrain models verify numbers") == "numbers is as it was kept; files compared: 2."
    assert answer("%nbtrain models predict numbers inputs='1 2 3 4'").startswith("output 1  ")
    lines = answer("%nbtrain models export numbers onnx out.onnx").splitlines()
    assert lines[0].startswith("numbers was exported to ")
    assert lines[1].startswith("Largest difference from PyTorch: ")
    assert (tmp_path / "out.onnx").is_file()
    assert "there already" in complaint("%nbtrain models export numbers onnx out.onnx")
    assert answer("%nbtrain models delete numbers --version 1") == (
        "Version 1 of numbers was deleted; models undo numbers --version 1 brings it back.")
    assert answer("%nbtrain models undo numbers --version 1") == "numbers is back."
    assert answer("%nbtrain models delete numbers") == "numbers was deleted; models undo numbers brings it back."
    assert "numbers" in answer("%nbtrain models list --deleted")
    assert complete(shell, "%nbtrain models undo nu") == ["numbers"]
    assert answer("%nbtrain models undo") == "numbers is back."
    assert complete(shell, "%nbtrain models export nu") == ["numbers"]
    assert answer("%nbtrain models list --deleted") == "No model can be brought back."


def test_a_run_is_registered(answer, complaint, shell, net):
    assert "run" in complaint("%nbtrain models register").lower()
    x = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    run = nbtrain.train(net, (x, (x[:, 0] > 0).long()), epochs=2, show=False)
    shell.user_ns["run"] = run
    run.wait()
    said = answer(f"%nbtrain models register {run.id} --name digits --stage staging")
    assert said.startswith("Registered as digits, version 1 (mlp, ")
    assert nbtrain.models.get("digits").stage == "staging"


@pytest.mark.parametrize(("line", "sentence"), [
    ("models exprot", "did you mean 'export'"),
    ("models rename a", "Usage: %nbtrain models rename MODEL NAME"),
    ("models versions nothing", "no model"),
    ("models move digits", "Usage: %nbtrain models move MODEL STAGE"),
    ("models predict digits 1 2", "no model"),
])
def test_a_wrong_line_is_one_sentence(complaint, line, sentence):
    assert sentence in complaint(f"%nbtrain {line}")


def test_the_command_gives_the_same_answers(net, capsys):
    nbtrain.models.import_(net, name="digits")
    assert cli.main(["models", "list"]) == 0
    assert capsys.readouterr().out.strip() == repr(nbtrain.models.list())
    assert cli.main(["models", "predict", "digits", "nonsense", "=="]) == 2
    assert "'inputs' holds 'nonsense', which is no number" in capsys.readouterr().err
    assert cli.main(["models"]) == 0
    assert "nbtrain models export MODEL FORMAT PATH" in capsys.readouterr().out


def test_the_answers_are_in_the_users_language(net, capsys):
    nbtrain.models.import_(net, name="digits")
    i18n.set_current("ru")
    try:
        cli.main(["models", "tag", "digits", "цифры"])
        assert capsys.readouterr().out.strip() == "Метки digits: цифры."
    finally:
        i18n.set_current("en")


@pytest.mark.parametrize("wrong", [None, 5, [5]])
def test_an_argument_of_another_type_is_said(net, tmp_path, wrong):
    nbtrain.models.import_(net, name="mine")
    with pytest.raises(ConfigError, match="must be a text"):
        nbtrain.models.tag("mine", wrong)
    with pytest.raises(ConfigError, match="There is no format"):
        nbtrain.models.export("mine", wrong, tmp_path / "a")
    with pytest.raises(ConfigError, match="no name of a repository"):
        nbtrain.models.push("mine", wrong)
