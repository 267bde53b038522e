"""Landmarks on drawn radiographs of hands (`hands`), 256 × 256 pixels, noisy, blurred, covered in places.

Usage: ``python -m benchmarks.learning.landmarks [--seeds N] [--epochs N] [--images N]``

Each seed trains anew on the same images; what is measured is the mean radial error on 100 others, in pixels.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from benchmarks.common import Figure, record, table
from benchmarks.learning import hands

#: Number of the first hand that is tested on; those before are learnt from.
TESTED, COUNT = 100_000, 100


def main() -> None:
    """Train and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("seeds", 3), ("epochs", 25), ("images", 400)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    import nbtrain

    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NBTRAIN_HOME"] = f"{folder}/home"
        learnt = nbtrain.load_dataset(hands.save(Path(folder) / "learnt", given.images), name="hands")
        tested = nbtrain.load_dataset(hands.save(Path(folder) / "tested", COUNT, TESTED), name="hands to test with")
        for seed in range(given.seeds):
            began = time.perf_counter()
            run = nbtrain.train(
                "hrnet", learnt, recipe="landmarks", seed=seed, epochs=given.epochs, learning_rate=2e-3,
                heatmap_sigma=1.5, test=0.0, validation=0.1, early_stopping=False, num_workers=0, sample_every=0,
                show=False)
            run.wait()
            for name, value in (run.evaluate(tested) | {"seconds": time.perf_counter() - began}).items():
                found.setdefault(name, []).append(value)
    record(
        "Landmarks on drawn radiographs of hands",
        f"python -m benchmarks.learning.landmarks --seeds {given.seeds} --epochs {given.epochs} "
        f"--images {given.images}", table([
            Figure("mean radial error at 256 × 256", found["mre_px"], "px", limit=1.5),
            Figure("found within 2 pixels", found["sdr_2px"]), Figure("found within 4 pixels", found["sdr_4px"]),
            Figure("training", found["seconds"], "s")]))


if __name__ == "__main__":
    main()
