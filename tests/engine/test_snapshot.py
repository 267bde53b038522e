from __future__ import annotations

import json
import threading
from collections import OrderedDict
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from nbtrain.core.errors import CheckpointError
from nbtrain.engine import snapshot
from nbtrain.engine.snapshot import SnapshotBuffer, flatten, unflatten


def trained(optimizer: type[torch.optim.Optimizer], **options: Any) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    made = optimizer(model.parameters(), **options)
    for _ in range(3):
        made.zero_grad()
        model(torch.rand(8, 4)).sum().backward()
        made.step()
    return model, made


def equal(one: Any, other: Any) -> bool:
    """Same values of the same types, tensors to the bit, dicts in the same order."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and (one == other or str(one) == str(other) == "nan")


@pytest.mark.parametrize(("optimizer", "options"), [
    (torch.optim.Adam, {}), (torch.optim.AdamW, {"fused": True}), (torch.optim.SGD, {}),
    (torch.optim.SGD, {"momentum": 0.9}), (torch.optim.RMSprop, {"centered": True}), (torch.optim.Adafactor, {}),
    (torch.optim.Adam, {"lr": torch.tensor(0.1), "capturable": False}),
])
def test_an_optimizer_goes_on_to_the_same_bits(optimizer: type[torch.optim.Optimizer], options: dict[str, Any]) -> None:
    model, made = trained(optimizer, **options)
    tensors, tree = flatten(made.state_dict())
    back = unflatten({name: tensor.clone() for name, tensor in tensors.items()}, json.loads(json.dumps(tree)))
    assert equal(back, made.state_dict())
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def go_on() -> list[Tensor]:
        made.zero_grad()
        model(torch.ones(8, 4)).square().sum().backward()
        made.step()
        return [p.detach().clone() for p in model.parameters()]

    first = go_on()
    model.load_state_dict(weights)
    made.load_state_dict(back)
    assert equal(first, go_on())


keys = st.text(max_size=6) | st.integers() | st.sampled_from(["$tensor", "$tuple", "$items", "a.b", "a"])
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.builds(torch.arange, st.integers(0, 3)))
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple)
    | st.dictionaries(keys, inner, max_size=3), max_leaves=12)


@given(trees)
def test_any_state_comes_back_through_json(tree: Any) -> None:
    tensors, flat = flatten(tree)
    assert equal(unflatten(tensors, json.loads(json.dumps(flat))), tree)


def test_an_ordered_dict_comes_back_in_its_order() -> None:
    tensors, tree = flatten(OrderedDict(b=torch.ones(1), a=2))
    assert list(unflatten(tensors, tree)) == ["b", "a"]


@pytest.mark.parametrize(("state", "named"), [
    ({"state": {0: {"hook": print}}}, "state.0.hook is a builtin_function_or_method"),
    ({"groups": [1, {2, 3}]}, "groups.1 is a set"),
    (object(), "The state is a object"),
    ({(1, 2): 3}, "The state is a dict"),
])
def test_what_a_checkpoint_cannot_hold_is_named(state: Any, named: str) -> None:
    with pytest.raises(CheckpointError, match=named):
        flatten(state)


def test_a_tensor_that_is_missing_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"no tensor 'state\.0\.exp_avg'"):
        unflatten({}, {"$tensor": "state.0.exp_avg"})


def test_a_copy_does_not_follow_the_training() -> None:
    model = nn.Linear(3, 3)
    buffer = SnapshotBuffer()
    taken = buffer.take({"model": model.state_dict()})
    before = taken["model"]["weight"].clone()
    nn.init.zeros_(model.weight)
    assert torch.equal(taken["model"]["weight"], before)
    assert not torch.equal(before, torch.zeros(3, 3))


@pytest.mark.parametrize("many", [0, 10**9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.bool])
def test_copies_in_one_thread_and_in_several_are_the_same_to_the_bit(
    monkeypatch: pytest.MonkeyPatch, many: int, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(snapshot, "_MANY", many)
    monkeypatch.setattr(snapshot, "_SHARE", 1000)
    large = (torch.rand(110, 110) * 3 - 1).to(dtype)
    given = {
        "plain": large, "turned": large.T, "learns": nn.Parameter(large.float()), "scalar": torch.tensor(3.5),
        "empty": torch.empty(0), "slice": large[3:50, ::2]}
    taken = SnapshotBuffer().take({"model": given})["model"]
    assert all(torch.equal(taken[name], tensor) for name, tensor in given.items())
    assert not taken["learns"].requires_grad
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("nbtrain-snapshot")]


def test_memory_is_used_again() -> None:
    buffer = SnapshotBuffer()
    tensors = {"model": {"a": torch.rand(100), "b": torch.rand(3)}}
    first = buffer.take(tensors)
    address = {name: tensor.data_ptr() for name, tensor in first["model"].items()}
    second = buffer.take({"model": {"a": torch.rand(100), "b": torch.rand(4)}})
    assert second["model"]["a"].data_ptr() == address["a"]
    assert second["model"]["b"].shape == (4,)


def test_room_made_before_is_the_room_that_is_used() -> None:
    buffer = SnapshotBuffer()
    tensors = {"model": {"a": torch.rand(100)}}
    buffer.prepare(tensors)
    address = buffer._slots[0].components["model"]["a"].data_ptr()
    taken = buffer.take(tensors)
    assert taken["model"]["a"].data_ptr() == address
    assert torch.equal(taken["model"]["a"], tensors["model"]["a"])


def test_what_is_held_is_not_overwritten_and_a_third_waits() -> None:
    buffer = SnapshotBuffer()
    taken = []
    for value in (1.0, 2.0):
        taken.append(buffer.take({"model": {"a": torch.full((3,), value)}}))
        buffer.hold(taken[-1])
    third: list[Any] = []
    thread = threading.Thread(target=lambda: third.append(buffer.take({"model": {"a": torch.full((3,), 3.0)}})))
    thread.start()
    thread.join(0.1)
    assert not third
    assert [one["model"]["a"].tolist() for one in taken] == [[1.0] * 3, [2.0] * 3]
    buffer.release(taken[0])
    thread.join(60)
    assert third[0]["model"]["a"].tolist() == [3.0] * 3
    assert taken[1]["model"]["a"].tolist() == [2.0] * 3


def test_tied_weights_are_copied_once_and_apart_when_they_are_tied_no_more() -> None:
    buffer = SnapshotBuffer()
    tied = torch.rand(4)
    first = buffer.take({"model": {"a": tied, "b": tied}})
    assert first["model"]["a"] is first["model"]["b"]
    second = buffer.take({"model": {"a": torch.zeros(4), "b": torch.ones(4)}})
    assert second["model"]["a"].tolist() == [0.0] * 4
    assert second["model"]["b"].tolist() == [1.0] * 4


def test_views_of_one_memory_that_differ_are_not_taken_for_tied() -> None:
    memory = torch.arange(6.0)
    views = {"all": memory, "half": memory[:3], "table": memory.view(2, 3), "turned": memory.view(2, 3).T,
             "none": memory[:0], "whole": memory.view(torch.int32)}
    taken = SnapshotBuffer().take({"model": views})
    assert all(torch.equal(taken["model"][name], view) for name, view in views.items())
    assert len({id(tensor) for tensor in taken["model"].values()}) == 6


@pytest.mark.skipif(not torch.cuda.is_available(), reason="No CUDA device here.")
def test_copies_from_cuda_arrive_in_pinned_memory() -> None:
    tensor = torch.rand(1000, 1000, device="cuda")
    taken = SnapshotBuffer().take({"model": {"a": tensor}})["model"]["a"]
    assert taken.is_pinned()
    assert torch.equal(taken, tensor.cpu())


def test_a_tensor_that_cannot_be_saved_is_named_when_it_is_taken() -> None:
    with pytest.raises(CheckpointError, match=r"w of the model cannot be saved: it is a torch\.sparse_coo tensor"):
        SnapshotBuffer().take({"model": {"w": torch.eye(3).to_sparse()}})


def test_preparing_never_waits_for_what_is_held() -> None:
    buffer = SnapshotBuffer()
    tensors = {"model": {"w": torch.ones(3)}}
    first = buffer.take(tensors)
    buffer.hold(first)
    second = buffer.take(tensors)
    buffer.hold(second)
    buffer.prepare(tensors)  # the thread that calls this is the one that will release them
    with buffer._copying:
        buffer.prepare(tensors)
    assert first["model"]["w"].tolist() == second["model"]["w"].tolist() == [1, 1, 1]
