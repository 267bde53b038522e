from __future__ import annotations

import contextlib
from typing import Any

import pytest
import torch
from torch import nn

from nbtrain.config import PrecisionConfig
from nbtrain.core.errors import ConfigError
from nbtrain.engine.precision import Precision

CPU = torch.device("cpu")


@pytest.mark.parametrize(("name", "dtype"), [("off", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_layers_compute_in_the_precision_asked_for(name: Any, dtype: torch.dtype):
    used = Precision(PrecisionConfig(mixed_precision=name), CPU)
    model = nn.Linear(4, 4)
    with used.autocast():
        assert model(torch.randn(2, 4)).dtype is dtype
    assert model(torch.randn(2, 4)).dtype is torch.float32
    assert model.weight.dtype is torch.float32, "the weights themselves stay in full precision"


def test_off_costs_nothing():
    used = Precision(PrecisionConfig(), CPU)
    assert isinstance(used.autocast(), contextlib.nullcontext)
    assert used.autocast() is used.autocast()


def test_only_fp16_scales_the_loss():
    assert Precision(PrecisionConfig(mixed_precision="off"), CPU).scaler is None
    assert Precision(PrecisionConfig(mixed_precision="bf16"), CPU).scaler is None
    scaler = Precision(PrecisionConfig(mixed_precision="fp16"), CPU).scaler
    assert scaler is not None
    assert scaler.is_enabled()


@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_training_in_half_precision_learns_what_full_precision_does(name: Any):
    def train(mixed: Any) -> float:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
        used = Precision(PrecisionConfig(mixed_precision=mixed), CPU)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)
        x = torch.randn(64, 8)
        for _ in range(60):
            with used.autocast():
                loss = nn.functional.cross_entropy(model(x).float(), x[:, :3].argmax(1))
            optimizer.zero_grad()
            if used.scaler is None:
                loss.backward()
                optimizer.step()
            else:
                used.scaler.scale(loss).backward()
                used.scaler.step(optimizer)
                used.scaler.update()
        return loss.item()

    assert train(name) == pytest.approx(train("off"), abs=0.03)
    assert train(name) < 0.2


def test_the_scaler_saves_small_gradients_and_its_state_is_kept():
    used = Precision(PrecisionConfig(mixed_precision="fp16"), CPU)
    assert used.scaler is not None
    x = torch.full((1,), 1.0, requires_grad=True)
    (x.half() * 1e-7).sum().backward()
    plain = x.grad
    x.grad = None
    used.scaler.scale((x.half() * 1e-7).float().sum()).backward()
    assert plain is not None
    assert x.grad is not None
    assert float(x.grad) > 0
    again = Precision(PrecisionConfig(mixed_precision="fp16"), CPU).scaler
    assert again is not None
    again.load_state_dict({**used.scaler.state_dict(), "scale": 128.0})
    again.scale(torch.ones(()))
    assert again.get_scale() == 128.0


@pytest.mark.parametrize(("name", "other"), [("bf16", "fp16"), ("fp16", "bf16")])
def test_a_device_that_cannot_is_named(name: Any, other: str, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("does not support this dtype")

    monkeypatch.setattr(torch, "ones", fail)
    with pytest.raises(ConfigError, match=f"is '{name}', which the device 'mps' cannot .* use '{other}' or 'off'"):
        Precision(PrecisionConfig(mixed_precision=name), torch.device("mps"))


def test_an_old_gpu_is_asked_before_bf16_is_promised(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Tesla T4")
    with pytest.raises(ConfigError, match="is 'bf16', which Tesla T4 cannot compute; use 'fp16' or 'off'"):
        Precision(PrecisionConfig(mixed_precision="bf16"), torch.device("cuda"))
