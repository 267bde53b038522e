"""Text made into tokens, against the tokenizers library itself.

The library's `encode_batch` leaves one object for each text. nbtrain's step takes an Arrow batch and gives an Arrow
batch with the numbers in it, ready to be trained on; so does a stream from a Parquet file into the memory-mapped file
that training reads. All use the same tokenizer and the library's own threads.

Usage: ``python -m benchmarks.tokenize [rounds]``
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import tokenizers

from benchmarks.common import Figure, in_turns, ratios, record, seconds, table
from nbtrain.data.processing import Recipe, Tokenize, cached
from nbtrain.data.processing.rows import BATCH
from nbtrain.data.processing.tokenizer_files import Algorithm
from nbtrain.data.table import Table

ROWS, LENGTH = BATCH, 128
#: The least share of the library's speed that is kept.
LEAST = 0.95


def texts(count: int, seed: int = 0) -> list[str]:
    """Lines of 5 to 60 made-up words, of which a few are frequent and most are rare, in two scripts."""
    rng = random.Random(seed)  # noqa: S311 - words, not secrets
    letters = ("etaoinshrdlucmfwypvbgk", "اندرهمیبتسشکخ")
    words = ["".join(rng.choices(letters[rng.random() < 0.3], k=rng.randint(2, 9))) for _ in range(20_000)]
    weights = [1 / (rank + 1) for rank in range(len(words))]  # Zipf's law
    drawn = iter(rng.choices(words, weights, k=count * 33))
    return [" ".join(next(drawn) for _ in range(rng.randint(5, 60))) for _ in range(count // 2)] * 2


def measure(algorithm: Algorithm, rounds: int) -> tuple[dict[str, list[float]], int]:
    """Seconds of each contender, round by round, and how many tokens they made."""
    lines = texts(ROWS)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        pq.write_table(pa.table({"text": lines}), folder / "t.parquet")
        source = Table.of_parquet(folder / "t.parquet", name="t")
        recipe = Recipe([Tokenize(columns="text", algorithm=algorithm, max_length=LENGTH)]).fit(
            pa.table({"text": lines[:5000]}))
        [step] = recipe.steps
        [content] = recipe.files().values()
        library = tokenizers.Tokenizer.from_str(content.decode())
        library.enable_truncation(LENGTH)
        batches = list(source.batches(size=BATCH))
        tokens = sum(sum(step.apply(batch).column("length").to_pylist()) for batch in batches)

        def alone() -> float:
            return sum(seconds(partial(library.encode_batch, given)) for given in slices)

        def ours() -> float:
            return sum(seconds(partial(step.apply, batch)) for batch in batches)

        def mapped() -> float:
            taken = seconds(lambda: cached(recipe, source, folder, "t"))
            for made in folder.glob("*/"):
                shutil.rmtree(made)
            return taken

        slices = [lines[start:start + BATCH] for start in range(0, ROWS, BATCH)]
        return in_turns({"library": alone, "step": ours, "mapped": mapped}, rounds), tokens


def main(arguments: list[str]) -> None:
    rounds = next((int(argument) for argument in arguments if argument.isdigit()), 11)
    figures = []
    algorithm: Algorithm
    for algorithm in ("bpe", "wordpiece", "unigram"):
        taken, tokens = measure(algorithm, rounds)
        speed = {name: [1 / share for share in values] for name, values in ratios(taken, "library").items()}
        figures += [
            Figure(f"{algorithm}: encode_batch alone", [tokens / each / 1e6 for each in taken["library"]],
                   "million tokens/s"),
            Figure(f"{algorithm}: nbtrain's step, Arrow to Arrow, of that", speed["step"], limit=LEAST, least=True),
            Figure(f"{algorithm}: Parquet file to memory-mapped file, of that", speed["mapped"]),
        ]
    record(
        f"Tokens: {ROWS:,} texts of 5–60 words, at most {LENGTH} tokens", "python -m benchmarks.tokenize",
        table(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
