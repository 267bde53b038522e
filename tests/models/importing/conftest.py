"""Small real models as files, made once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import transformers
from torch import nn

from nbtrain.models.importing import child
from tests.models.importing import warm as warmed

os.environ.setdefault("HF_HUB_OFFLINE", "1")


COLD = child._START


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).eval()


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `save_pretrained` writes it. Not to be changed."""
    folder = tmp_path_factory.mktemp("bert")
    config = transformers.BertConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, vocab_size=50,
        id2label={0: "bad", 1: "fair", 2: "good"}, label2id={"bad": 0, "fair": 1, "good": 2})
    torch.manual_seed(0)
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_text("{}")
    return folder


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | None]:
    """What starts processes for foreign files as forks of one that is begun; None where a system has no such thing."""
    if not hasattr(os, "fork") or not hasattr(socket, "send_fds"):
        yield None
        return
    folder = tmp_path_factory.mktemp("begun")
    # The path of a socket may have 107 bytes, fewer than pytest's folders may come to.
    with tempfile.TemporaryDirectory(prefix="begun-") as short, (folder / "words.txt").open("wb") as words, (
            subprocess.Popen(
                [sys.executable, "-I", "-B", warmed.__file__, address := str(Path(short) / "socket")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words, cwd=folder,
                env=child._environment(folder))) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([path for path in sys.path if Path(path).is_absolute()]).encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"ready\n", (folder / "words.txt").read_text()
        yield warmed.CLIENT.format(address=address)
        process.kill()


@pytest.fixture
def warm(begun: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Foreign files are opened in processes that need not load torch anew."""
    if begun is not None:
        monkeypatch.setattr(child, "_START", begun)


@pytest.fixture
def cold(warm: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at a user's: each process begins with nothing."""
    del warm  # which would else come after
    monkeypatch.setattr(child, "_START", COLD)
