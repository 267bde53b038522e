from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
import torch

from nbtrain.engine.workers import Arrival, Call, Envelope, context, starting

#: A notebook as far as workers can tell: everything lies in a __main__ without a file, and training is in a thread.
NOTEBOOK = """
    import threading, torch, numpy as np, random
    from torch.utils.data import Dataset, DataLoader, IterableDataset
    from nbtrain.config import PipelineConfig
    from nbtrain.engine.batches import as_source

    SCALE = 10.0

    def augment(x):
        return x * SCALE + torch.rand(2) + np.random.rand() + random.random()

    class Pictures(Dataset):
        def __len__(self):
            return 20
        def __getitem__(self, i):
            return augment(torch.full((2,), float(i))), i

    class Stream(IterableDataset):
        def __iter__(self):
            return (Pictures()[i] for i in range(6))

    def collate(samples):
        return torch.stack([x for x, _ in samples]), torch.tensor([y for _, y in samples])

    def source(data, workers):
        return as_source(
            data, batch_size=4, seed=0, train=True, pipeline=PipelineConfig(num_workers=workers),
            device=torch.device("cpu"))

    def main():
        reference = [b.inputs for b in source(Pictures(), 0).epoch(0)]
        for data in (Pictures(), DataLoader(Pictures(), batch_size=4, shuffle=True, num_workers=2, collate_fn=collate)):
            found = source(data, 2)
            for mine, theirs in zip(found.epoch(0), reference, strict=True):
                assert torch.equal(mine.inputs, theirs)
            found.close()
        found = source(Stream(), 1)
        assert [b.target.tolist() for b in found.epoch(0)] == [[0, 1, 2, 3], [4, 5]]
        found.close()
        print("same bits")

    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
"""


@pytest.mark.parametrize("kind", ["notebook", "script"])
def test_what_a_notebook_or_an_unguarded_script_defines_reaches_the_workers(kind: str, tmp_path: Path):
    program = textwrap.dedent(NOTEBOOK)
    script = tmp_path / "train.py"
    script.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, *(["-c", program] if kind == "notebook" else [str(script)])], capture_output=True, text=True,
        timeout=120, check=False, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    assert done.stdout == "same bits\n", done.stderr


def test_the_program_is_as_it_was_after_workers_have_started():
    main = sys.modules["__main__"]
    before = main.__spec__, getattr(main, "__file__", None), signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with starting():
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        assert not hasattr(main, "__file__")
    assert (main.__spec__, getattr(main, "__file__", None), signal.pthread_sigmask(signal.SIG_BLOCK, ())) == before


def test_workers_are_never_forked():
    assert context().get_start_method() in {"forkserver", "spawn"}


def test_an_envelope_carries_what_pickle_alone_cannot():
    factor = 3
    sent = Call(lambda x: x * factor)
    assert pickle.loads(pickle.dumps(sent))(14) == 42  # noqa: S301 - packed a moment ago


def test_an_envelope_is_opened_to_what_was_put_in():
    class Local:
        value = torch.arange(3)

    packed = pickle.dumps(Envelope({"a": [1, 2], "local": Local}))
    arrived = pickle.loads(packed).content  # noqa: S301 - packed a moment ago
    assert arrived["a"] == [1, 2]
    assert torch.equal(arrived["local"].value, torch.arange(3))


def test_a_worker_ignores_interrupts_before_the_users_own_start():
    seen: list[object] = []
    before = signal.getsignal(signal.SIGINT)
    try:
        Arrival(lambda worker: seen.extend([worker, signal.getsignal(signal.SIGINT)]))(3)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [3, signal.SIG_IGN]


def _children(into: list[str]) -> None:
    into.append(context().get_start_method())


def test_the_context_can_be_asked_for_from_any_thread():
    found: list[str] = []
    thread = threading.Thread(target=_children, args=(found,))
    thread.start()
    thread.join()
    assert found == [context().get_start_method()]
