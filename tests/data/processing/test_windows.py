from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.errors import CancelledError, DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.processing import PART, ROW, Recipe, Windows, ordering, rows
from nbtrain.data.table import Table

ROWS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.integers(0, 1)), max_size=40, unique_by=lambda r: r[:2])


def table(given):
    return pa.table({
        "g": pa.array([row[0] for row in given], pa.string()), "t": pa.array([row[1] for row in given], pa.int64()),
        "x": pa.array(np.arange(len(given), dtype=np.float64)), "y": pa.array(np.arange(len(given)) * 10),
    })


def expected(given, window, stride, horizon, gap):
    """By hand: the runs of each group, and each window in them."""
    found = []
    order = sorted(range(len(given)), key=lambda row: given[row][:2])
    runs: list[list[int]] = []
    last = None
    for row in order:
        group, time, part = given[row]
        if last is None or last[0] != group or last[2] != part or (gap is not None and time - last[1] > gap):
            runs.append([])
        runs[-1].append(row)
        last = given[row]
    for run in runs:
        for start in range(0, len(run) - window - horizon + 1, stride):
            seen, ahead = run[start:start + window], run[start + window:start + window + horizon]
            found.append((given[seen[0]][0], seen[-1], given[seen[0]][2], seen, [10 * row for row in ahead]))
    return found


@given(
    given=ROWS, window=st.integers(1, 4), stride=st.integers(1, 3), horizon=st.integers(1, 3),
    gap=st.none() | st.integers(1, 4), size=st.integers(1, 7), seed=st.integers(0, 3))
def test_windows_are_those_cut_by_hand(given, window, stride, horizon, gap, size, seed):
    shuffled = [given[row] for row in np.random.default_rng(seed).permutation(len(given))]
    step = Windows(
        columns="x", target="y", time="t", groups="g", window=window, stride=stride, horizon=horizon, gap=gap)
    split = SimpleNamespace(parts=np.array([row[2] for row in shuffled], np.uint8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "BATCH", size)
        patch.setattr(ordering, "BATCH", size)
        recipe = Recipe([step]).fit(table(shuffled), split)
        found = [row for each in recipe.stream(table(shuffled), split) for row in each.to_pylist()]
    ahead = [row["y_ahead"] if horizon > 1 else [row["y_ahead"]] for row in found]
    assert [(r["g"], r[ROW], r[PART], r["x"], a) for r, a in zip(found, ahead, strict=True)] == (
        expected(shuffled, window, stride, horizon, gap))


def test_new_rows_give_the_newest_window_too_and_nothing_ahead():
    given = table([("a", time, 0) for time in range(6)] + [("b", 1, 0)])
    recipe = Recipe([Windows(columns=["x", "y"], time="t", groups="g", window=3, stride=2)], target="y").fit(given)
    found = recipe.apply(given)
    assert found.schema.names == ["g", "t", "x", "y"]
    assert found["t"].to_pylist() == [3, 5]
    assert found["x"].to_pylist() == [[1, 2, 3], [3, 4, 5]]
    assert recipe.apply(given.slice(0, 2)).num_rows == 0


def test_windows_of_the_dataset_and_of_new_rows_hold_the_same_values():
    given = table([("a", time, 0) for time in range(9)])
    recipe = Recipe([Windows(columns="x", target="y", time="t", window=4)]).fit(given)
    learned = pa.Table.from_batches(recipe.stream(given))
    assert recipe.apply(given)["x"].to_pylist()[:-1] == learned["x"].to_pylist()


def test_the_past_of_the_target_is_a_feature_and_must_be_there():
    given = table([("a", time, 0) for time in range(9)])
    recipe = Recipe([Windows(time="t", groups="g", window=4)], target="y").fit(given)
    [step] = recipe.steps
    assert isinstance(step, Windows)
    assert (step.columns, step.target) == (("x", "y"), "y")
    with pytest.raises(DataError, match="no column 'y', from which windows are made"):
        recipe.apply(given.drop_columns(["y"]))


def test_a_gap_of_days_and_a_missing_time_end_a_run():
    days = [dt.date(2020, 1, day) for day in (1, 2, 3, 7, 8)]
    given = pa.table({"t": pa.array([*days, None, None], pa.date32()), "x": np.arange(7.0), "y": np.arange(7.0)})
    step = Windows(columns="x", target="y", time="t", window=1, gap=1.0)
    found = Recipe([step]).fit(given).apply(given)
    assert found.num_rows == 7
    pairs = [row["y_ahead"] for each in Recipe([step]).fit(given).stream(given) for row in each.to_pylist()]
    assert pairs == [1.0, 2.0, 4.0]


def test_a_table_is_sorted_where_it_lies_and_the_work_can_be_called_off(tmp_path):
    count = 40_000
    order = np.random.default_rng(0).permutation(count)
    pq.write_table(table([("a", int(time), 0) for time in order]), tmp_path / "t.parquet")
    lying = Table.of_parquet(tmp_path / "t.parquet", name="t")
    recipe = Recipe([Windows(columns="x", target="y", time="t", window=8, stride=8)]).fit(lying)
    found = pa.Table.from_batches(recipe.stream(lying))
    assert found.num_rows == (count - 9) // 8 + 1
    first = np.argsort(order)[:8].astype(float).tolist()
    assert found["x"][0].as_py() == first

    progress = Progress(lambda told: told.cancel() if told.done > 20_000 else None)
    with pytest.raises(CancelledError):
        list(recipe.stream(lying, progress=progress))


@pytest.mark.parametrize(("options", "message"), [
    ({"time": "g"}, "cannot order rows by column 'g', which holds text"),
    ({"time": "q"}, "needs column 'q', which is not there"),
    ({"groups": "q"}, "needs column 'q', which is not there"),
    ({"target": "g"}, "cannot work on column 'g', which holds text"),
])
def test_columns_that_do_not_fit(options, message):
    with pytest.raises(DataError, match=message):
        Recipe([Windows(**options)]).fit(table([("a", 1, 0)]))
