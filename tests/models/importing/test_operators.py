"""TorchScript and exported programs compute and do nothing else: all their graphs are looked at, however spelled."""

from __future__ import annotations

import os
import warnings
import zipfile

import pytest
import torch
from torch import nn

import nbtrain.models
from nbtrain.core.errors import ModelFileError
from nbtrain.models.importing import graph_files, open_model, operators
from nbtrain.models.importing.jobs import graphs
from nbtrain.models.importing.sandbox import RefusedError
from tests.models.importing import scripted

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit")
SCHEMAS = torch._C._jit_get_all_schemas()  # there is no public way


@pytest.fixture(scope="module")
def rich(tmp_path_factory):
    path = tmp_path_factory.mktemp("rich") / "rich.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        torch.jit.script(scripted.Rich()).save(str(path))
    return path


def planted(source, target, place, code):
    """The archive with code put into the function whose first line begins like `place`."""
    found = 0
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            if member.filename.endswith(".py"):
                lines = data.decode().split("\n")
                for number, line in enumerate(lines):
                    if line.strip().startswith(place):
                        end = next(n for n in range(number, len(lines)) if lines[n].endswith(":"))
                        indent = len(lines[end + 1]) - len(lines[end + 1].lstrip())
                        lines[end] += f"\n{' ' * indent}{code}"
                        found += 1
                        break
                data = "\n".join(lines).encode()
            new.writestr(zipfile.ZipInfo(member.filename), data)
    assert found
    return target


def test_what_people_script_is_let_in(rich):
    module = graphs.walked(str(rich))
    example = torch.ones(2, 4)
    assert torch.equal(module(example), torch.jit.load(rich)(example))
    assert module.inner.uncalled(example).shape == (2, 4)


@pytest.mark.parametrize("module", [
    nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.GRU(4, 4), nn.EmbeddingBag(5, 3),
    nn.MultiheadAttention(4, 2),
])
def test_layers_of_torch_are_let_in(tmp_path, module):
    torch.jit.script(module.eval()).save(str(tmp_path / "a.pt"))
    graphs.walked(str(tmp_path / "a.pt"))


@pytest.mark.filterwarnings("ignore")
def test_quantised_layers_are_let_in(tmp_path):
    net = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 4)), {nn.Linear}, dtype=torch.qint8)
    torch.jit.script(net).save(str(tmp_path / "a.pt"))
    graphs.walked(str(tmp_path / "a.pt"))


#: The same call, as torch reads it.
SPELLED = [
    'torch.save([1], "{}")', 'z = (torch. # (\n  save # (\n ([1], "{}"))', 'torch.\\\n    save([1], "{}")',
    'z = (ops.aten.save # (\n ([1], "{}"))',
    'x = torch.add(x, torch.sum((torch.from_file #\n ("{}", True, 9, dtype=0))))',
    'z = getattr(torch, "sa\\166e")([1], "{}")',
]


@pytest.mark.parametrize("code", SPELLED)
def test_a_call_is_found_however_it_is_spelled(rich, tmp_path, code):
    canary = tmp_path / "canary"
    path = planted(rich, tmp_path / "a.pt", "def forward(self: __torch__.tests.models.importing.scripted.Rich",
                   code.replace("{}", str(canary)))
    with pytest.raises(RefusedError, match=r"it uses aten::(save|from_file), which is none"):
        graphs.walked(str(path))
    assert not canary.exists()


@pytest.mark.parametrize("place", [
    "def uncalled(", "def go(", "def free(", "def forward(self: __torch__.tests.models.importing.scripted.Inner",
    "def __getstate__("])
def test_a_call_is_found_wherever_it_is(rich, tmp_path, place):
    path = planted(rich, tmp_path / "a.pt", place, f'torch.save([1], "{tmp_path / "canary"}")')
    with pytest.raises(RefusedError, match="it uses aten::save"):
        graphs.walked(str(path))


def test_an_operator_that_is_not_here_is_not_let_in(rich, tmp_path):
    """Else it would be looked for where the model is used, with other libraries."""
    path = planted(rich, tmp_path / "a.pt", "def uncalled(", 'ops.image.write_file("x", x)')
    with pytest.raises(RuntimeError, match="image::write_file"):
        graphs.walked(str(path))


def test_classes_written_in_cpp():
    assert operators.reaches("Tuple[int, __torch__.torch.classes.dist_c10d.Store]")
    assert operators.reaches("__torch__.torch.classes.quantized.A.B")
    assert not operators.reaches("__torch__.torch.classes.quantized.LinearPackedParamsBase")


def test_an_import_ends_at_the_operator_and_writes_nothing(tmp_path, workspace):
    canary = tmp_path / "canary"
    torch.jit.script(nn.Linear(2, 2)).save(str(tmp_path / "sound.pt"))
    path = planted(tmp_path / "sound.pt", tmp_path / "a.pt", "def forward(", SPELLED[1].replace("{}", str(canary)))
    with pytest.raises(ModelFileError, match=r"a\.pt: it uses aten::save, which is none") as caught, open_model(path):
        pass
    assert "\n" not in str(caught.value)
    assert not canary.exists()
    assert os.listdir(workspace / "imports") == []


@pytest.mark.parametrize("code", [SPELLED[0], SPELLED[1], SPELLED[4], SPELLED[5]])
def test_code_that_would_run_while_it_is_loaded(rich, tmp_path, code):
    """No process has loaded it: elsewhere than on Linux only Python's own watch would see what it did."""
    path = planted(rich, tmp_path / "a.pt", "def __setstate__(", code)
    with pytest.raises(ModelFileError, match="runs while it is loaded, and has the word"), open_model(path):
        pass


def test_only_the_archive_that_was_looked_at_is_loaded(rich, tmp_path):
    version = nbtrain.models.import_(rich)
    example = torch.ones(2, 4)
    assert torch.equal(nbtrain.models.load("rich")(example), torch.jit.load(rich)(example))
    canary = tmp_path / "canary"
    other = planted(rich, tmp_path / "a.pt", "def __setstate__(", f'torch.save([1], "{canary}")')
    (version.folder / "model.pt").unlink()
    (version.folder / "model.pt").write_bytes(other.read_bytes())
    with pytest.raises(ModelFileError, match=r"model\.pt of version 1 is not what was checked when it was imported"):
        nbtrain.models.load("rich")
    assert not canary.exists()


# -- the list ---------------------------------------------------------------------------------------


def _allowed(name):
    try:
        graphs.check_operator(name)
    except RefusedError:
        return False
    return True


def test_no_operator_of_this_torch_that_takes_a_path_is_on_the_list():
    names = {schema.name for schema in SCHEMAS}
    allowed = {name for name in names if _allowed(name)}
    assert len(allowed) > 2_000
    words = ("file", "path", "url", "host", "addr", "library")
    taking = {schema.name for schema in SCHEMAS for argument in schema.arguments
              if any(word in argument.name for word in words) and "str" in str(argument.type)}
    assert taking >= {"aten::save", "aten::from_file"}
    assert not taking & allowed
    spaces = {name.split("::")[0] for name in allowed}
    assert spaces <= {"aten", "prim", "prims", "quantized", "_quantized", "sparse", "profiler", "quantized_decomposed",
                      "torchvision"}
    assert not allowed & {"prim::rpc_async", "prim::rpc_sync", "prim::rpc_remote", "prim::PythonOp"}


def test_an_operator_that_torch_may_get_one_day():
    """One with a text that nobody has said is harmless."""
    library = torch.library.Library("aten", "FRAGMENT")
    try:
        library.define("nbtrain_spill(Tensor self, str where) -> Tensor")
        library.define("nbtrain_sum(Tensor self) -> Tensor")
        assert not _allowed("aten::nbtrain_spill")
        assert _allowed("aten::nbtrain_sum")
    finally:
        library._destroy()


@pytest.mark.parametrize("target", [
    "torch.ops.aten.from_file.out", "torch.ops.aten.from_file.default", "torch.ops.aten.from_file",
    "torch.ops.aten.relu", "torch.ops.aten.save.default", "torch.ops.aten.relu.__class__",
    "torch.ops.image.write_file.default",
    "torch.ops.higher_order.aoti_call_delegate", "torch.ops.higher_order.call_torchbind", "_operator.methodcaller",
    "_operator.attrgetter", "_operator.call", "torch.load", "torch.ops.aten.relu.default\n", "torch.sym_max.__class__"])
def test_targets_of_an_exported_graph_that_do_more(target):
    assert not graph_files.computes(target)
    assert graph_files.computes("torch.ops.aten.relu.default")
    assert graph_files.computes("_operator.getitem")


def test_an_exported_program_is_looked_at_once_more_when_it_is_loaded(tmp_path):
    class Reading(nn.Module):
        def forward(self, x):
            read = torch.empty(4, dtype=torch.uint8)
            torch.ops.aten.from_file.out(str(tmp_path / "made"), True, 4, out=read)
            return x + read.sum()

    program = torch.export.export(Reading(), (torch.ones(4),))
    with pytest.raises(RefusedError, match="it uses aten::from_file"):
        graphs.check_nodes(program)
    graphs.check_nodes(torch.export.export(nn.Linear(4, 2), (torch.ones(4),)))
