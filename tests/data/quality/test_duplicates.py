"""Rows that are there twice, or nearly, are found where they are planted, within a part and across parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbtrain.data.quality import quality
from nbtrain.data.quality.minhash import alike, plain
from nbtrain.data.splits.splitting import SplitSpec, split
from tests.data.quality.planting import by_hand, clean, cure, kinds, only, prose
from tests.data.trust import table


def test_few_values_repeat_by_chance_and_disagree_by_nature():
    random = np.random.default_rng(0)
    frame = pd.DataFrame({name: random.integers(0, 3, 500) for name in "abc"})
    frame["label"] = random.choice(["x", "y"], 500)
    rows = table(frame)
    report = quality(rows, split=split(rows, SplitSpec(duplicates="apart")), target="label")
    assert kinds(report) == {"duplicates"}
    assert report.worst == "low"


def test_duplicates_are_counted_as_pandas_counts_them():
    frame = clean()
    frame = pd.concat([frame, frame.iloc[[3, 3, 70, 200]]], ignore_index=True)
    found = only(quality(table(frame)), "duplicates")
    assert found.count == int(frame.duplicated().sum()) == 4
    assert found.rows == tuple(np.flatnonzero(frame.duplicated()))
    assert "near_duplicates" not in kinds(quality(table(frame)))  # what is equal is not nearly equal
    assert cure(found).steps[0]["step"] == "drop_duplicates"


def test_a_column_of_row_numbers_does_not_hide_duplicates():
    frame = clean()
    frame = pd.concat([frame, frame.iloc[[3, 70]]], ignore_index=True)
    frame.insert(0, "nr", range(5, 5 + len(frame)))
    report = quality(table(frame))
    assert only(report, "duplicates").count == 2
    assert "nr" not in cure(only(report, "duplicates")).steps[0]["columns"]
    assert only(report, "id_column").columns == ("nr",)


def test_duplicates_across_parts_are_counted_and_cured_by_another_split():
    frame = clean()
    frame = pd.concat([frame, frame.iloc[:40]], ignore_index=True)
    rows = table(frame)
    made = split(rows, SplitSpec(target="label", duplicates="apart"))
    found = only(quality(rows, split=made), "duplicates_across")
    text_parts = pd.DataFrame({"text": frame.text, "part": made.parts}).groupby("text").part
    assert found.count == int((made.parts > text_parts.transform("min")).sum()) > 0
    assert found.severity == "high"
    again = split(rows, SplitSpec.from_json(cure(found).split))
    assert "duplicates_across" not in kinds(quality(rows, split=again))


def test_near_duplicates_and_those_across_parts_are_found():
    frame = clean()
    frame.loc[10, "text"] = frame.text[5].upper() + "!!"
    frame.loc[11, "text"] = frame.text[6].replace(frame.text[6].split()[7], "other", 1)
    frame.loc[12, "text"] = frame.text[7]  # the same text, but another row
    rows = table(frame)
    report = quality(rows, split=by_hand(frame, validation=[10], test=[12, 100]), target="label")
    found = only(report, "near_duplicates")
    assert {*cure(found).rows} == {10, 11, 12}
    assert {tuple(found.rows[at:at + 2]) for at in (0, 2, 4)} == {(5, 10), (6, 11), (7, 12)}
    across = only(report, "near_duplicates_across")
    assert across.rows == (10, 12)
    assert across.severity == "high"
    assert "duplicates" not in kinds(report)
    healed = by_hand(frame, validation=[10], test=[12, 100]).leaving_out(cure(across).rows)
    assert "near_duplicates_across" not in kinds(quality(rows, split=healed, target="label"))


def test_numbers_that_agree_when_rounded_are_near_duplicates():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 5)), columns=list("abcde"))
    frame.loc[399] = frame.loc[0] * 1.0001
    assert set(only(quality(table(frame)), "near_duplicates").rows) == {0, 399}


def test_pairs_are_exactly_those_that_share_enough():
    texts = [plain(text) for text in prose(300, words=20)]
    random = np.random.default_rng(1)
    for at in range(0, 100, 2):
        words = texts[at].split()
        for _ in range(at // 20):
            words[random.integers(len(words))] = "changed"
        texts[at + 1] = " ".join(words)

    def shared(one, other):
        a, b = ({text[i:i + 5] for i in range(len(text) - 4)} for text in (texts[one], texts[other]))
        return len(a & b) / len(a | b)

    expected = {(i, j) for i in range(300) for j in range(i + 1, 300) if shared(i, j) >= 0.8}
    pairs, how_much = alike(texts)
    assert {tuple(pair) for pair in pairs.tolist()} == expected
    assert len(expected) > 20
    assert how_much == pytest.approx([shared(*pair) for pair in pairs.tolist()])


def test_short_texts_and_no_texts_have_no_twins():
    assert len(alike([])[0]) == 0
    assert len(alike(["ok thanks", "ok thanks", ""])[0]) == 0
    assert alike(["ok", "a text that is long enough to say", "", "a text that is long enough to say"])[0].tolist() == [
        [1, 3]]
