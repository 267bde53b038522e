"""Splits keep their promises: disjoint, complete, near their shares, stable, uncut, and never ahead of time."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrain.core.errors import CancelledError, ConfigError, DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.splits.splitting import Part, Split, SplitSpec, part_of, split
from tests.data.trust import table

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
TRAIN, VALIDATION, TEST, LEFT_OUT = Part


def rows(count, seed=0):
    random = np.random.default_rng(seed)
    return {
        "id": [f"r{i}" for i in range(count)], "x": random.normal(size=count),
        "label": random.choice(["a", "b", "c"], count, p=[0.7, 0.2, 0.1]),
        "group": [f"g{i}" for i in random.integers(0, max(2, count // 8), count)],
        "day": random.integers(0, max(4, count // 2), count)}


def taken(columns, order):
    return {name: [values[i] for i in order] for name, values in columns.items()}


METHODS = [
    SplitSpec(), SplitSpec(duplicates="apart"), SplitSpec(key=("id",)), SplitSpec("stratified", target="label"),
    SplitSpec("stratified", target="x"), SplitSpec("stratified", target="label", group="group"),
    SplitSpec("group", group="group"), SplitSpec("time", time="day"), SplitSpec("time", time="day", group="label"),
    SplitSpec("kfold", folds=4, fold=2), SplitSpec("kfold", folds=4, target="label"),
    SplitSpec("kfold", folds=3, group="group"),
]


@pytest.mark.parametrize("spec", METHODS, ids=lambda spec: f"{spec.method}-{spec.target}-{spec.group}")
def test_every_row_is_in_one_part_and_the_shares_are_those_asked_for(spec):
    made = split(table(rows(4000)), spec)
    assert made.parts.dtype == np.uint8
    assert sum(made.counts) == len(made.parts) == 4000
    together = np.concatenate([made.rows(part) for part in Part])
    assert sorted(together) == list(range(4000))
    asked = spec.shares if spec.method != "kfold" else (
        (1 - spec.test) * (spec.folds - 1) / spec.folds, (1 - spec.test) / spec.folds, spec.test)
    off = 0.05 if spec.group else 0.025  # 4.5 standard deviations of a part decided by hashes; groups are fewer
    assert np.allclose(np.array(made.counts[:3]) / 4000, asked, atol=off)
    assert not made.counts[LEFT_OUT]


@pytest.mark.parametrize("spec", [
    SplitSpec(key=("id",)), SplitSpec(key=("id",), duplicates="apart"), SplitSpec(), SplitSpec("group", group="group"),
    SplitSpec("kfold", folds=3, key=("id",)), SplitSpec("kfold", folds=3, group="group", test=0)])
@settings(QUICK, max_examples=6)
@given(count=st.integers(200, 400), more=st.integers(0, 60), seed=st.integers(0, 2**32))
def test_old_rows_keep_their_part_when_rows_are_added_and_reordered(count, more, seed, spec):
    """From 200 rows on: below, a part that no hash falls into is given a row, which may go back when there are more."""
    columns = rows(count + more, seed)
    columns["group"] = [f"g{i}" for i in np.random.default_rng(seed).integers(0, count, count + more)]
    order = np.random.default_rng(seed).permutation(count + more)
    before = split(table(taken(columns, range(count))), spec)
    after = split(table(taken(columns, order)), spec)
    assert (before.parts == after.parts[np.argsort(order)[:count]]).all()


@QUICK
@given(st.integers(6, 200), st.integers(0, 40), st.integers(0, 2**32))
def test_a_stratified_split_moves_at_most_a_row_more_than_were_added_at_each_border(count, more, seed):
    columns = rows(count + more, seed)
    spec = SplitSpec("stratified", target="label", key=("id",))
    try:
        before = split(table(taken(columns, range(count))), spec).parts
        after = split(table(columns), spec).parts[:count]
    except DataError:
        return
    labels = np.array(columns["label"])
    for label in "abc":
        mine = labels[:count] == label
        added = int((labels[count:] == label).sum())
        for border in (VALIDATION, TEST):
            crossed = ((before >= border) != (after >= border)) & mine
            assert crossed.sum() <= (added + 1 if added else 0)


@QUICK
@given(st.integers(3, 120), st.integers(0, 2**32), st.booleans())
def test_groups_are_never_cut(count, seed, by_class):
    columns = rows(count, seed)
    spec = SplitSpec("stratified", target="label", group="group") if by_class else SplitSpec("group", group="group")
    try:
        parts = split(table(columns), spec).parts
    except DataError:
        return
    held: dict[str, int] = {}
    for group, part in zip(columns["group"], parts.tolist(), strict=True):
        assert held.setdefault(group, part) == part


@QUICK
@given(st.integers(4, 150), st.integers(0, 2**32), st.sampled_from([0, 1, 3, "1d", "36h"]), st.booleans())
def test_time_order_is_never_violated_and_the_gap_is_kept(count, seed, gap, by_group):
    columns = rows(count, seed)
    days = np.array(columns["day"], "datetime64[D]")
    columns["when"] = days
    group = "label" if by_group else None
    try:
        parts = split(table(columns), SplitSpec("time", time="when", gap=gap, group=group)).parts
    except DataError:
        return
    for label in set(columns["label"]) if by_group else [None]:
        mine = np.array(columns["label"]) == label if by_group else np.ones(count, bool)
        own, part = days[mine], parts[mine]
        for border in (VALIDATION, TEST):
            early, late = own[part < border], own[(part >= border) & (part != LEFT_OUT)]
            if not len(early) or not len(late):
                continue
            assert early.max() < late.min()
            if not (part == border).any():
                continue  # a group too small for all parts
            if isinstance(gap, int):
                assert ((own > early.max()) & (own < late.min())).sum() >= gap
            else:
                assert late.min() - early.max() >= np.timedelta64({"1d": 24, "36h": 36}[gap], "h")


def test_the_part_of_a_row_is_the_md5_of_its_key_and_of_nothing_else():
    """Written out by hand, so that no version of DuckDB or NumPy can change old splits unseen."""
    ids = [f"r{i}" for i in range(300)]
    made = split(table({"id": ids, "x": range(300)}), SplitSpec(key=("id",), seed=7))
    for name, part in zip(ids, made.parts.tolist(), strict=True):
        digest = hashlib.md5(f"7|{len(name)}:{name}".encode(), usedforsecurity=False).digest()
        place = int.from_bytes(digest[8:], "little") / 2**64
        assert part == (place >= 0.75) + (place >= 0.875)
    other = split(table({"id": ids, "x": range(300)}), SplitSpec(key=("id",), seed=8))
    assert (made.parts != other.parts).mean() > 0.2


def test_relabelling_a_row_does_not_move_it():
    columns = rows(500)
    before = split(table(columns), SplitSpec(target="label"))
    after = split(table({**columns, "label": ["z"] * 500}), SplitSpec(target="label"))
    assert (before.parts == after.parts).all()


def test_equal_rows_stay_together_unless_they_are_told_apart():
    columns = {"text": [f"t{i % 400}" for i in range(4000)]}
    together = split(table(columns), SplitSpec()).parts.reshape(10, 400)
    assert (together == together[0]).all()
    apart = split(table(columns), SplitSpec(duplicates="apart"))
    assert not (apart.parts.reshape(10, 400) == apart.parts[:400]).all()
    assert np.allclose(np.array(apart.counts[:3]) / 4000, (0.75, 0.125, 0.125), atol=0.025)
    assert (apart.parts[:400] == together[0]).all()


def test_classes_get_their_share_in_each_part():
    made = split(table(rows(4000)), SplitSpec("stratified", target="label"))
    for each in made.classes:
        assert np.allclose(np.array(each.counts[:3]), np.array([0.75, 0.125, 0.125]) * sum(each.counts), atol=1)
    assert {each.value for each in made.classes} == {"a", "b", "c"}
    assert np.sum([each.counts for each in made.classes], axis=0).tolist() == list(made.counts)


def test_rare_classes_train_first_and_it_is_said():
    labels = ["common"] * 60 + ["once"] + ["twice"] * 2 + ["thrice"] * 3 + [None] * 8
    made = split(table({"id": range(74), "label": labels}), SplitSpec("stratified", target="label", train=0.7,
                                                                     validation=0.2, test=0.1))
    counts = {each.value: each.counts[:3] for each in made.classes}
    assert counts["once"] == (1, 0, 0)
    assert counts["twice"] == (1, 1, 0)
    assert counts["thrice"] == (1, 1, 1)
    assert sum(counts[None]) == 8
    note = next(note for note in made.notes if note.kind == "rare")
    assert note.args["count"] == 2
    assert note.args["rows"] == 3


def test_free_text_is_no_target():
    with pytest.raises(DataError, match="too rare to be in every part"):
        split(table({"id": range(50), "text": [f"text {i}" for i in range(50)]}),
              SplitSpec("stratified", target="text"))


def test_a_measure_is_stratified_by_ranges():
    random = np.random.default_rng(0)
    made = split(table({"x": random.normal(size=1000), "y": random.lognormal(size=1000)}),
                 SplitSpec("stratified", target="y"))
    assert len(made.classes) == 10
    assert all(abs(each.counts[TRAIN] - 75) <= 1 for each in made.classes)


def test_small_tables_have_a_row_in_each_part():
    for seed in range(30):
        assert min(split(table({"x": [1, 2, 3, 4]}), SplitSpec(seed=seed)).counts[:3]) >= 1
    with pytest.raises(DataError, match="2 different rows, too few for 3 parts"):
        split(table({"x": [1, 2]}), SplitSpec())
    with pytest.raises(DataError, match="no rows"):
        split(table({"x": pa.array([], pa.int64())}), SplitSpec())
    with pytest.raises(DataError, match="2 different values of 'g', too few"):
        split(table({"x": range(40), "g": ["a", "b"] * 20}), SplitSpec("group", group="g"))


def test_a_share_of_zero_gives_an_empty_part():
    made = split(table(rows(400)), SplitSpec("stratified", target="label", train=0.8, validation=0, test=0.2))
    assert made.counts[VALIDATION] == 0
    assert abs(made.counts[TEST] - 80) <= 2


def test_folds_share_their_test_rows_and_cover_the_rest_once():
    columns = table(rows(600))
    for options in ({}, {"target": "label"}, {"group": "group"}):
        specs = [SplitSpec.from_json({"method": "kfold", "folds": 4, "fold": fold, **options}) for fold in range(4)]
        folds = [split(columns, spec) for spec in specs]
        held = folds[0].parts == TEST
        assert held.any()
        assert all(((fold.parts == TEST) == held).all() for fold in folds)
        times = np.sum([fold.parts == VALIDATION for fold in folds], axis=0)
        assert (times[~held] == 1).all()
        assert (times[held] == 0).all()


def test_each_group_is_cut_in_its_own_time_newest_first_or_not():
    """As daily prices of shares come: newest first, one share after the other, all over the same days."""
    days = np.arange("2024-01-01", "2024-04-10", dtype="datetime64[D]")
    columns = {"day": np.tile(days[::-1], 3), "share": np.repeat(["A", "B", "C"], len(days))}
    made = split(table(columns), SplitSpec("time", time="day", group="share", gap=5))
    for share in "ABC":
        mine = columns["share"] == share
        of = [columns["day"][mine & (made.parts == part)] for part in Part]
        assert [len(each) for each in of] == [70, 7, 13, 10]
        assert of[TRAIN].max() + 5 < of[VALIDATION].min()
        assert of[VALIDATION].max() + 5 < of[TEST].min()
    assert made.notes == ()


def test_groups_of_other_times_are_told_of():
    days = np.arange(200).astype("datetime64[D]")
    made = split(table({"day": days, "g": ["old"] * 100 + ["new"] * 100}), SplitSpec("time", time="day", group="g"))
    assert [note.kind for note in made.notes] == ["overlap"]


@pytest.mark.parametrize(("day", "message"), [
    (["2024-01-01", "yesterday", "2024-01-03"] * 3, "'yesterday', which is no date"),
    ([[1]] * 9, "holds nested values"),
    (pa.array([None] * 9, pa.date32()), "No row has a time"),
    (["2024-01-01"] * 9, "1 different times"),
])
def test_times_that_are_none_are_refused(day, message):
    with pytest.raises(DataError, match=message):
        split(table({"day": day}), SplitSpec("time", time="day"))


def test_dates_as_text_and_as_numbers_are_in_order():
    order = np.random.default_rng(0).permutation(100)
    text = [f"2024-{1 + i // 25:02}-{1 + i % 25:02}" for i in order]
    made = split(table({"day": text}), SplitSpec("time", time="day"))
    assert (made.parts == (order >= 75).astype(int) + (order >= 87)).mean() >= 0.99
    as_numbers = split(table({"day": order.astype(float)}), SplitSpec("time", time="day"))
    assert (as_numbers.parts == made.parts).all()
    with pytest.raises(DataError, match="plain numbers"):
        split(table({"day": order}), SplitSpec("time", time="day", gap="3d"))


def test_rows_without_a_time_or_a_group_are_told_of():
    day = pa.array([*range(90), *[None] * 10], pa.int64())
    made = split(table({"day": day}), SplitSpec("time", time="day"))
    assert made.counts[LEFT_OUT] == 10
    assert made.notes[0].kind == "no_time"
    group = pa.array([f"g{i}" for i in range(90)] + [None] * 10)
    noted = split(table({"id": range(100), "g": group}), SplitSpec("group", group="g")).notes
    assert [(note.kind, note.args["count"]) for note in noted if note.kind == "no_group"] == [("no_group", 10)]


def test_a_gap_too_long_is_refused():
    with pytest.raises(DataError, match=r"No row is left for train.*gap of 80"):
        split(table({"day": range(100)}), SplitSpec("time", time="day", gap=80))


def test_a_column_says_the_part():
    parts = ["Train ", "training", "VALID", "dev", "test", "other", None]
    made = split(table({"part": parts}), SplitSpec("column", column="part"))
    assert made.parts.tolist() == [0, 0, 1, 1, 2, 3, 3]
    assert (made.notes[0].kind, made.notes[0].args["count"]) == ("unnamed", 2)
    named = SplitSpec("column", column="part", values=(("0", "train"), ("1", "test")))
    assert split(table({"part": [0, 1, 2, 0]}), named).parts.tolist() == [0, 2, 3, 0]
    with pytest.raises(DataError, match="No value of 'part' stands for training; it holds 'x'"):
        split(table({"part": ["x"]}), SplitSpec("column", column="part"))


def test_a_part_reads_like_a_table_of_its_own(tmp_path):
    columns = rows(300)
    whole = table(columns)
    made = split(whole, SplitSpec(key=("id",)))
    for part in Part:
        one = part_of(whole, made, part)
        expected = [columns["id"][row] for row in made.rows(part)]
        assert [name for batch in one.batches(["id"], size=16) for name in batch["id"].to_pylist()] == expected
        assert one.rows() == len(expected)
        assert one.columns == whole.columns
    page = part_of(whole, made, "test").page(offset=2, limit=3)
    assert page["__row__"].to_pylist() == made.rows("test")[2:5].tolist()
    made.save(tmp_path)
    assert part_of(whole, made, "test", tmp_path).rows() == made.counts[TEST]
    with pytest.raises(DataError, match="300 rows, but rows has 299"):
        part_of(table(taken(columns, range(299))), made, "train")
    with pytest.raises(DataError, match="no part 'trian'"):
        part_of(whole, made, "trian")


def test_a_split_reads_back_as_it_was_written(tmp_path):
    made = split(table(rows(200)), SplitSpec("stratified", target="label", seed=5))
    made.save(tmp_path)
    back = Split.load(tmp_path)
    assert (back.parts == made.parts).all()
    assert (back.spec, back.classes, back.notes) == (made.spec, made.classes, made.notes)
    (tmp_path / "split.parquet").write_bytes((tmp_path / "split.parquet").read_bytes()[:-20])
    with pytest.raises(DataError, match="cannot be read"):
        Split.load(tmp_path)
    made.leaving_out([0]).save(tmp_path)
    told = json.loads((tmp_path / "split.json").read_text())
    (tmp_path / "split.json").write_text(json.dumps({**told, "counts": [1, 2, 3, 4]}))
    with pytest.raises(DataError, match="does not fit"):
        Split.load(tmp_path)


def test_rows_can_be_left_out():
    made = split(table(rows(100)), SplitSpec())
    less = made.leaving_out([3, 3, 50])
    assert less.rows("left_out").tolist() == [3, 50]
    assert made.counts[LEFT_OUT] == 0
    assert less.notes[-1].args == {"count": 2}
    with pytest.raises(DataError, match="Row 100 cannot be left out"):
        made.leaving_out([100])


def test_a_spec_says_all_that_is_wrong_at_once():
    with pytest.raises(ConfigError) as caught:
        SplitSpec.from_json({"method": "magic", "train": 75, "seed": -1, "gap": "1y", "folds": 1, "key": [3],
                             "duplicates": "maybe", "target": ""})
    fields = {problem.field for problem in caught.value.problems}
    assert fields == {"method", "train", "seed", "gap", "folds", "key", "duplicates", "target"}
    with pytest.raises(ConfigError, match=r"add up to 1, not 0\.9"):
        SplitSpec(train=0.7, validation=0.1, test=0.1)
    with pytest.raises(ConfigError, match="needs target"):
        SplitSpec("stratified")
    with pytest.raises(ConfigError, match="no option 'tset'"):
        SplitSpec.from_json({"tset": 0.1})
    SplitSpec(train=0.7, validation=0.15, test=0.15)


@QUICK
@given(st.sampled_from(METHODS), st.integers(0, 2**63 - 1), st.sampled_from([0, 5, "36h", "2.5 d"]))
def test_a_spec_reads_back_as_it_was_written(spec, seed, gap):
    given_ = {**spec.to_json(), "seed": seed, "gap": gap, "values": {"x": "train"}}
    made = SplitSpec.from_json(json.loads(json.dumps(given_)))
    assert made.to_json() == given_
    assert SplitSpec.from_json(made.to_json()) == made


def test_a_column_that_is_not_there_is_named():
    for spec in (SplitSpec("group", group="no"), SplitSpec(key=("no",)), SplitSpec("time", time="no"),
                 SplitSpec("stratified", target="no"), SplitSpec("column", column="no")):
        with pytest.raises(DataError, match="no column 'no'; it has: 'x'"):
            split(table({"x": range(9)}), spec)


def test_progress_is_told_and_a_split_can_be_called_off():
    told = []
    progress = Progress(lambda p: told.append((p.done, p.total, p.unit)))
    split(table({"x": range(200_000)}), SplitSpec(), progress=progress)
    assert told[-1] == (200_000, 200_000, "rows")
    assert len(told) > 2
    called_off = Progress(lambda p: p.cancel())
    with pytest.raises(CancelledError):
        split(table({"x": range(200_000)}), SplitSpec(), progress=called_off)


def test_a_split_says_what_it_is():
    made = Split(SplitSpec(method="stratified", target="label"), np.array([0, 0, 1, 2], np.uint8))
    assert repr(made) == "<Split stratified by label: 2 training, 1 validation, 1 test>"
    made = Split(SplitSpec(), np.array([0, 3], np.uint8))
    assert repr(made) == "<Split random: 1 training, 0 validation, 0 test, 1 left out>"
