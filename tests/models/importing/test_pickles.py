"""Pickles: refused until the user says so, then read for their tensors alone by a process that can do no harm."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import threading
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from nbtrain.core.errors import CancelledError, ModelFileError
from nbtrain.core.tasks import Progress
from nbtrain.models.importing import NeedsPermission, child, open_model
from nbtrain.models.package import WEIGHTS
from tests.models.importing import samples
from tests.models.importing.conftest import net

pytestmark = pytest.mark.usefixtures("warm")


def refusal(path, **options) -> str:
    with pytest.raises(ModelFileError) as caught, open_model(path, **options):
        pass
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


@pytest.mark.usefixtures("cold")
def test_a_state_dict_is_asked_about_and_then_converted(tmp_path, workspace):
    path = tmp_path / "weights.pt"
    state = net().state_dict()
    wrapped = OrderedDict((f"module.{key}", value) for key, value in state.items())
    torch.save({"epoch": 3, "model_state_dict": wrapped}, path)
    with pytest.raises(NeedsPermission) as caught, open_model(path):
        pass
    assert caught.value.question == "convert"
    assert str(caught.value).startswith("weights.pt is a pickle, which could run code")
    with open_model(path, convert=True, module=net()) as package:
        assert package.about.architecture == "Sequential"
        assert package.about.parameters == 67
        assert all(torch.equal(state[key], value) for key, value in load_file(package.files[WEIGHTS]).items())
        assert set(package.files) == {WEIGHTS}
        assert package.notes == ("Of weights.pt the weights alone were taken; left out: epoch.",)
        kept = package.files[WEIGHTS]
    assert not kept.exists()
    assert os.listdir(workspace / "imports") == []


@pytest.mark.parametrize("guise", [
    "model.pt", "model.safetensors", "model.onnx", "protocol 0", "archive", "torchscript", "zip", "folder", "numpy",
    "npz"])
def test_a_malicious_pickle_in_every_guise_runs_nowhere(tmp_path, guise, bert):
    canary = tmp_path / "canary"
    evil = pickle.dumps(samples.Touch(canary), protocol=0 if guise == "protocol 0" else 2)
    path = tmp_path / (guise if guise.startswith("model") else "model.bin")
    match guise:
        case "archive":
            samples.torch_archive(path, evil)
        case "torchscript":
            samples.torch_archive(path, evil, constants_dot_pkl=evil, code__net_dot_py=b"")
        case "zip":
            samples.zipped(path, {"net/weights.pt": evil})
        case "folder":
            shutil.copytree(bert, path)
            (path / WEIGHTS).unlink()
            (path / "pytorch_model.bin").write_bytes(evil)
        case "numpy" | "npz":
            buffer = io.BytesIO()
            array = np.array([samples.Touch(canary)], dtype=object)
            np.save(buffer, array, allow_pickle=True) if guise == "numpy" else np.savez(buffer, array)
            path.write_bytes(buffer.getvalue())
        case _:
            path.write_bytes(evil)
    first = refusal(path)
    if guise not in {"torchscript", "numpy", "npz"}:
        assert "which could run code" in first
    said = refusal(path, convert=True)
    if guise not in {"torchscript", "numpy", "npz"}:
        assert "system, which is code and not weights" in said  # and not: the process was ended when it tried
    assert not canary.exists()
    pickle.loads(evil)  # noqa: S301 - that it would have
    assert canary.exists()


def test_a_whole_module_is_refused_with_the_name_of_its_class(tmp_path):
    torch.save(net(), tmp_path / "net.pt")
    assert "it holds torch.nn.modules.container.Sequential" in refusal(tmp_path / "net.pt", convert=True)


@pytest.mark.parametrize(("content", "said"), [
    ({"optimizer": {"lr": 1}, "epoch": 2}, "no state_dict in it, but optimizer, epoch"), ([1, 2], "it is a list"),
    ({"a": torch.zeros(1).expand(50_000_000)}, "would have 200,000,000 bytes"),
    ({"a": torch.eye(2).to_sparse()}, "dense tensors"), ({"a": torch.tensor([1, torch.nan])}, "'a' are NaN"),
])
def test_pickles_that_are_no_weights(tmp_path, content, said):
    torch.save(content, tmp_path / "a.pt")
    assert said in refusal(tmp_path / "a.pt", convert=True)


def test_a_damaged_archive(tmp_path):
    path = tmp_path / "a.pt"
    torch.save(net().state_dict(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert "cut short" in refusal(path, convert=True)


def test_a_folder_of_transformers_with_pickled_weights(tmp_path, bert):
    shutil.copytree(bert, tmp_path / "net")
    torch.save(load_file(bert / WEIGHTS), tmp_path / "net" / "pytorch_model.bin")
    (tmp_path / "net" / WEIGHTS).unlink()
    with open_model(tmp_path / "net", convert=True) as package:
        assert package.about.format == "transformers"
        assert set(package.files) == {"config.json", "tokenizer.json", WEIGHTS}


@pytest.mark.usefixtures("cold")
def test_calling_it_off_ends_the_process(tmp_path, workspace):
    torch.save(net().state_dict(), tmp_path / "a.pt")
    progress = Progress()
    threading.Timer(0.3, progress.cancel).start()
    with pytest.raises(CancelledError), open_model(tmp_path / "a.pt", convert=True, progress=progress):
        pass
    assert os.listdir(workspace / "imports") == []


def _try_in_child(tmp_path, monkeypatch, code, *, unwatched=False, **request):
    """Run code where a foreign file is opened, as if a library had a flaw."""
    folder = tmp_path / "place"
    folder.mkdir()
    start = ("import json, sys; sys.path[:] = json.loads(sys.argv[1])\n"
             "from types import ModuleType\nfrom nbtrain.models.importing import sandbox\n"
             f"def convert(request):\n    {code}\njobs = ModuleType('pickles')\njobs.convert = convert\n"
             "sys.modules['nbtrain.models.importing.jobs.pickles'] = jobs\n"
             f"if {unwatched}:\n    sandbox.lockdown._audit = lambda *_: None\nsandbox.main()")
    monkeypatch.setattr(child, "_START", start)
    return child.run("convert", "a.pt", folder, [], size=10, canary=str(tmp_path / "canary"), place=str(folder),
                     **request)


@pytest.mark.parametrize("code", [
    "open(request['canary'], 'w')", "import os; os.system('touch ' + request['canary'])",
    "import socket; socket.socket()",
    "import os; os.open(request['canary'], os.O_CREAT | os.O_WRONLY)", "import os; os.mkdir(request['canary'])",
    "import subprocess; subprocess.run(['touch', request['canary']])", "import os; os.execv('/bin/ls', ['ls'])",
    "import ctypes; ctypes.CDLL(None)", "import os; os.fork()",
    "import os; os.rename(request['place'], request['canary'])",
    "import os; os.symlink('/etc', request['place'] + '/link')", "import os; os.kill(os.getppid(), 9)",
])
def test_what_the_process_may_not_do(tmp_path, monkeypatch, code):
    with pytest.raises(ModelFileError, match="tried what a model may not do"):
        _try_in_child(tmp_path, monkeypatch, code)
    assert not (tmp_path / "canary").exists()


def test_the_operating_system_refuses_too(tmp_path, monkeypatch):
    """Were Python's own watch passed by, as native code passes it by."""
    (tmp_path / "secret").write_text("secret")
    code = """
    import ctypes, os, socket
    tries = {
        "files": [lambda: open(request["secret"]), lambda: open(request["canary"], "w"),
                  lambda: os.mkdir(request["canary"])],
        "calls": [socket.socket, os.fork, lambda: os.execv("/bin/ls", ["ls"]), lambda: os.kill(os.getppid(), 0)]}
    came = {}
    for name, actions in tries.items():
        for number, action in enumerate(actions):
            try:
                action()
                came[f"{name} {number}"] = "done"
            except PermissionError:
                came[f"{name} {number}"] = "refused"
    return came"""
    said = _try_in_child(tmp_path, monkeypatch, code, unwatched=True, secret=str(tmp_path / "secret"))
    held = json.loads((tmp_path / "place" / "answer.json").read_text())["held"]
    if not {"files", "calls"} & set(held):
        pytest.skip("This system takes on neither.")
    assert [name for name, came in said.items() if name.split()[0] in held and came != "refused"] == []


def test_the_process_knows_no_token_and_writes_in_its_folder_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    code = ("import os; open(request['place'] + '/here', 'w').close(); "
            "return {'environment': sorted(os.environ), 'memory': __import__('resource').getrlimit(9)[0] > 0}")
    said = _try_in_child(tmp_path, monkeypatch, code)
    assert not [name for name in said["environment"] if "TOKEN" in name or name.startswith("NBTRAIN")]
    assert (tmp_path / "place" / "here").exists()


def test_a_process_that_takes_too_much_or_never_ends(tmp_path, monkeypatch):
    with pytest.raises(ModelFileError, match="more memory than there is"):
        _try_in_child(tmp_path, monkeypatch, "return {'size': len(bytearray(2 ** 40))}")
    shutil.rmtree(tmp_path / "place")
    assert "the system ended the process" in str(child._ended(-9, tmp_path / "words.txt", "a.pt", 8))
    monkeypatch.setattr(child, "SECONDS", 2)
    with pytest.raises(ModelFileError, match="took more than 2 s"):
        _try_in_child(tmp_path, monkeypatch, "import time; time.sleep(1_000)")


def test_an_archive_that_is_two_things(tmp_path):
    """Safetensors in front, a torch archive behind: it is one thing or nothing."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02N.")
    sound = samples.safetensors(tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(sound + inner.getvalue())
    assert "belong to nothing" in refusal(tmp_path / "a.safetensors")
    size = len(inner.getvalue())
    text = json.dumps({"a": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}})
    samples.raw(tmp_path / "b.pt", text.encode(), inner.getvalue())
    with open_model(tmp_path / "b.pt") as package:  # only ever read as safetensors
        assert set(package.files) == {WEIGHTS}
