"""How the Hub is asked: the environment before the workspace, and wrong values told before anything starts."""

from __future__ import annotations

import json

import pytest

from nbtrain.core.errors import ConfigError
from nbtrain.hub import settings
from nbtrain.hub.settings import HubSettings


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for variable in settings.VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


def test_defaults():
    assert settings.current() == HubSettings(endpoint="https://huggingface.co", timeout=15.0, retries=3)


def test_the_environment_comes_before_the_workspace(workspace, monkeypatch):
    settings.keep(HubSettings(endpoint="https://mirror.example/hub", retries=5))
    assert json.loads((workspace / "settings.json").read_text()) == {
        "hub": {"endpoint": "https://mirror.example/hub", "retries": 5}}
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:8080/")
    monkeypatch.setenv("NBTRAIN_HUB_TIMEOUT", "2.5")
    assert settings.current() == HubSettings(endpoint="http://127.0.0.1:8080", timeout=2.5, retries=5)


@pytest.mark.parametrize("endpoint", [
    "https://huggingface.co", "https://mirror.example/some/path", "http://localhost:9", "http://[::1]:9",
    "http://127.1.2.3"])
def test_addresses_that_may_be(endpoint, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    assert settings.current().endpoint == endpoint


@pytest.mark.parametrize("endpoint", [
    "http://huggingface.co", "http://127.0.0.1.example", "ftp://huggingface.co", "huggingface.co", "https://",
    "https://host?x=1", "https://host#x", "https://ho st", "https://host:port", "file:///etc/passwd", "https://[::1"])
def test_addresses_that_may_not(endpoint, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(ConfigError, match=r"endpoint is .*HF_ENDPOINT.*must be an https address"):
        settings.current()


def test_a_password_in_an_address_is_not_repeated(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "https://user:canary@host")
    with pytest.raises(ConfigError, match="an address with a password") as raised:
        settings.current()
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(("kept", "said"), [
    ({"timeout": 0.5}, "timeout is 0.5 .*settings.json.*from 1 to 120"),
    ({"timeout": "soon"}, "timeout is 'soon'"),
    ({"timeout": float("nan")}, "timeout is nan"),
    ({"timeout": True}, "timeout is True"),
    ({"retries": 11}, "retries is 11 .*whole number from 0 to 10"),
    ({"retries": 2.5}, "retries is 2.5"),
    ({"retries": False}, "retries is False"),
    ({"retires": 1}, "no setting 'retires'.*there are: endpoint, timeout, retries"),
    ([], "'hub' is no object"),
])
def test_wrong_values_are_told(workspace, kept, said):
    workspace.mkdir()
    (workspace / "settings.json").write_text(json.dumps({"hub": kept}))
    with pytest.raises(ConfigError, match=said):
        settings.current()


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_a_file_that_is_no_settings_is_told(workspace, text):
    workspace.mkdir()
    (workspace / "settings.json").write_text(text)
    with pytest.raises(ConfigError, match="correct it or remove it"):
        settings.current()


def test_all_problems_are_told_at_once(monkeypatch):
    monkeypatch.setenv("NBTRAIN_HUB_TIMEOUT", "-1")
    monkeypatch.setenv("NBTRAIN_HUB_RETRIES", "many")
    with pytest.raises(ConfigError) as raised:
        settings.current()
    assert [problem.field for problem in raised.value.problems] == ["timeout", "retries"]
