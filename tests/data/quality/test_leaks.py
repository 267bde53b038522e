"""What gives the label away, or contradicts it, is found where it is planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbtrain.data.quality import quality
from nbtrain.data.quality.predictors import one_column
from nbtrain.data.splits.splitting import Part, Split, SplitSpec, split
from tests.data.quality.planting import clean, cure, kinds, only
from tests.data.trust import table


def test_equal_inputs_with_different_labels_are_found():
    frame = clean()
    extra = frame.iloc[[1, 1, 2]].copy()
    turned = {"no": "yes", "yes": "no"}
    extra["label"] = [frame.label[1], turned[frame.label[1]], turned[frame.label[2]]]
    frame = pd.concat([frame, extra], ignore_index=True)
    found = only(quality(table(frame), target="label"), "label_disagreement")
    assert found.count == 5
    assert found.args["groups"] == 2
    assert set(found.rows) == {1, 600, 601, 2, 602}
    assert set(cure(found).rows) == {601, 2, 602}  # the minority of three, and both of two


@pytest.mark.parametrize(("leak", "kind"), [
    (lambda f: f.label.map({"yes": 1, "no": 0}), "target_copy"),
    (lambda f: f.label.map({"yes": "Q", "no": "R"}), "target_copy"),
    (lambda f: np.where(f.label == "yes", 5.0, -5.0) + f.age / 40, "leak"),
    (lambda f: f.label + "/" + f.town, "leak"),
    (lambda f: pd.to_datetime(np.where(f.label == "yes", "2024-01-01", "2023-01-01")) + pd.to_timedelta(f.age, "D"),
     "leak"),
])
def test_a_column_that_gives_the_label_away_is_found(leak, kind):
    frame = clean()
    frame["other"] = leak(frame)
    found = only(quality(table(frame), target="label"), kind)
    assert found.columns == ("other",)
    assert found.severity == "high"
    assert cure(found).steps[0] == {"step": "drop_columns", "columns": ["other"]}
    assert not {"leak", "target_copy"} & kinds(quality(table(frame.drop(columns="other")), target="label"))


def test_a_leak_of_a_measure_is_found():
    frame = clean().drop(columns="label")
    frame["price"] = frame.income * 1.2 + 3
    assert only(quality(table(frame), target="price"), "target_copy").columns == ("income",)
    frame["price"] = np.log(frame.income)
    assert only(quality(table(frame), target="price"), "leak").columns == ("income",)
    frame["price"] = frame.income * np.random.default_rng(0).lognormal(0, 0.3, len(frame))
    assert not {"leak", "target_copy"} & kinds(quality(table(frame), target="price"))


def test_a_rule_is_scored_on_rows_it_was_not_made_from():
    labels, folds = np.tile([0, 1], 500), np.arange(1000) % 5
    assert one_column(labels, labels, folds) == 1
    assert one_column(np.arange(1000), labels, folds) == pytest.approx(0.5)  # learned by heart, and worth nothing
    unequal = (np.arange(1000) % 50 == 0).astype(int)
    assert one_column(np.zeros(1000, int), unequal, folds) == 0.5  # 98 % right, and still one class of two


def test_only_columns_that_name_the_row_are_ids():
    frame = clean()
    frame["serial"] = [f"SN-{i:05}" for i in range(600)]
    frame["order_id"] = np.random.default_rng(0).permutation(100_000)[:600]
    frame["salary"] = np.random.default_rng(1).permutation(100_000)[:600]
    frame["code"] = [f"C{i % 590}" for i in range(600)]
    frame["word"] = ["".join(chr(97 + int(digit)) for digit in str(i)) for i in range(600)]
    assert {finding.columns[0] for finding in quality(table(frame)).of_kind("id_column")} == {"serial", "order_id"}


def test_rows_sorted_by_class_give_it_away_by_their_number():
    frame = clean().sort_values("label", ignore_index=True)
    frame["row"] = range(len(frame))
    assert {"id_column", "leak"} <= kinds(quality(table(frame), target="label"))


def test_groups_in_several_parts_are_found_and_cured():
    frame = clean()
    frame["patient"] = [f"p{i % 60}" for i in range(len(frame))]
    rows = table(frame)
    made = split(rows, SplitSpec(target="label"))
    found = only(quality(rows, split=made, group="patient"), "group_across")
    firsts = pd.Series(made.parts).groupby(frame.patient).transform("min")
    assert found.count == int((made.parts > firsts).sum())
    again = split(rows, SplitSpec.from_json(cure(found).split))
    assert "group_across" not in kinds(quality(rows, split=again))


def test_the_future_in_training_is_found_and_cured():
    frame = clean()
    frame["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(frame))[::-1] // 3, "D")
    frame["share"] = np.tile(["A", "B", "C"], len(frame) // 3)
    rows = table(frame)
    made = split(rows, SplitSpec())
    found = only(quality(rows, split=made, time="day", group="share"), "future_in_training")
    assert found.count > 300
    again = split(rows, SplitSpec.from_json(cure(found).split))
    assert again.spec.method == "time"
    assert "future_in_training" not in kinds(quality(rows, split=again))
    cheated = again.parts.copy()
    cheated[0] = Part.TRAIN  # the newest row of all
    assert only(quality(rows, split=Split(again.spec, cheated)), "future_in_training").rows[0] == 0
