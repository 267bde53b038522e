"""A tiny speech model learns sentences that espeak-ng spoke, by the steadiest settings: `optimization_level="basic"`.

Usage: ``python -m benchmarks.learning.speech [--steps N] [--level basic|normal|fast]``
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from pathlib import Path
from typing import Any

import nbtrain
from benchmarks.common import Figure, record, table
from benchmarks.learning import espeak

BATCH = 4
#: Steps whose losses are averaged, at the beginning and at the end.
WINDOW = 50
NAMES = ("loss", "mel_loss", "kl_loss", "stop_loss", "grad_norm", "val_mel_loss", "val_stop_loss")


def trained(folder: Path, steps: int, level: str) -> Any:
    """A run of about so many steps, ended; its workspace is beside the sentences."""
    os.environ["NBTRAIN_HOME"] = str(folder / "workspace")
    dataset = nbtrain.load_dataset(espeak.save(folder / "sentences"))
    epoch = math.ceil(dataset.rows * 0.85 / BATCH)
    run = nbtrain.train(
        "text-to-mel", dataset, recipe="speech", text="text", model_size="tiny", optimization_level=level,
        batch_size=BATCH, epochs=math.ceil(steps / epoch), sample_every=100, show=False)
    run.wait()
    return run


def measure(steps: int = 5000, level: str = "basic") -> list[Figure]:
    """What became of the losses."""
    with tempfile.TemporaryDirectory() as folder:
        run = trained(Path(folder), steps, level)
        series = {name: [float(value) for value in run.history[name].values] for name in NAMES}
        if run.error is not None:
            raise SystemExit(f"The run failed: {run.error}")
    every = [value for values in series.values() for value in values]
    mel, stop, norm = series["mel_loss"], series["stop_loss"], series["grad_norm"]
    return [
        Figure(f"steps at {level!r}, all losses and gradients finite", [len(mel)], limit=steps, least=True),
        Figure("figures that are NaN or infinite", [sum(not math.isfinite(value) for value in every)], limit=0),
        Figure(f"mel loss, mean of the first {WINDOW} steps", [_mean(mel[:WINDOW])]),
        Figure(f"mel loss, mean of the last {WINDOW} steps", [_mean(mel[-WINDOW:])]),
        Figure("mel loss, the last of the first", [_mean(mel[-WINDOW:]) / _mean(mel[:WINDOW])], limit=0.5),
        Figure(f"stop loss, mean of the last {WINDOW} steps", [_mean(stop[-WINDOW:])], limit=0.1),
        Figure("mel loss on sentences not learnt from, the last", [series["val_mel_loss"][-1]]),
        Figure("stop loss on sentences not learnt from, the last", [series["val_stop_loss"][-1]]),
        Figure("KL loss, mean of the last steps", [_mean(series["kl_loss"][-WINDOW:])]),
        Figure("norm of the gradient before it is clipped", norm),
    ]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def main() -> None:
    """Measure, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--level", default="basic", choices=["basic", "normal", "fast"])
    asked = parser.parse_args()
    command = "python -m benchmarks.learning.speech" + "".join(
        f" --{name} {value}" for name, value in vars(asked).items() if value != parser.get_default(name))
    record("Speech that is learnt", command, table(measure(asked.steps, asked.level)))


if __name__ == "__main__":
    main()
