"""Each fault is found where it is planted, and nothing is found where there is none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn import datasets

from nbtrain import i18n
from nbtrain.core.errors import CancelledError, DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.processing import Recipe
from nbtrain.data.quality import Report, quality, subject
from nbtrain.data.quality.checking import CHECKS
from nbtrain.data.quality.minhash import alike, plain
from nbtrain.data.quality.predictors import one_column
from nbtrain.data.splits.splitting import Part, Split, SplitSpec, split
from nbtrain.data.table import Table
from tests.data.trust import table

WORDS = [
    "river", "stone", "window", "garden", "paper", "silver", "morning", "engine", "forest", "winter", "market",
    "copper", "bridge", "candle", "signal", "harbour", "meadow", "planet", "thunder", "velvet", "orchard", "lantern",
    "mirror", "shadow", "ocean", "desert", "island", "valley", "summit"]


def prose(count, seed=0, words=14):
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, words)) for _ in range(count)]


def clean(count=600, seed=0):
    """Nothing is wrong with these rows."""
    random = np.random.default_rng(seed)
    label = random.choice(["no", "yes"], count, p=[0.4, 0.6])
    return pd.DataFrame({
        "text": prose(count, seed), "age": random.normal(40, 12, count).round(1),
        "income": random.lognormal(10, 0.8, count).round(2), "town": random.choice(["A", "B", "C"], count),
        "score": random.normal(size=count) + (label == "yes"), "label": label})


def kinds(report):
    return {finding.kind for finding in report.findings}


def only(report, kind):
    found = report.of_kind(kind)
    assert len(found) == 1, str(report)
    return found[0]


def cure(finding):
    assert finding.remedy is not None
    return finding.remedy


def cured(frame, finding):
    """The columns that the steps of a finding's remedy make of a frame."""
    return Recipe(cure(finding).steps).fit(table(frame)).apply(frame).to_pydict()


def by_hand(frame, validation=(), test=()):
    """A split of all rows but these into training."""
    parts = np.zeros(len(frame), np.uint8)
    parts[list(validation)], parts[list(test)] = Part.VALIDATION, Part.TEST
    return Split(SplitSpec(duplicates="apart"), parts)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits"])
def test_clean_sets_raise_no_alarm(name):
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    rows = table(frame)
    report = quality(rows, split=split(rows, SplitSpec("stratified", target="target")))
    # Iris holds one flower twice, digits have margins that are always white: said, and no more.
    expected = {"iris": {"duplicates"}, "digits": {"constant", "nearly_constant"}}
    assert kinds(report) <= expected.get(name, set()), str(report)
    assert all(finding.severity == "low" for finding in report.findings)


def test_made_up_clean_rows_raise_no_alarm():
    rows = table(clean())
    report = quality(rows, split=split(rows, SplitSpec("stratified", target="label")))
    assert not report.findings, str(report)
    assert report.worst is None
    assert set(report.checks) | set(report.skipped) == set(CHECKS)
    assert "group" in report.skipped["groups"]


@pytest.mark.parametrize("value", ["'infinity'", "'-infinity'", "'12020-01-01'"])
@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP", "TIMESTAMPTZ"])
def test_dates_that_python_does_not_know(tmp_path, kind, value):
    """Parquet may hold them, and infinity above all."""
    path = tmp_path / "a.parquet"
    rows = f"SELECT if(i = 5, {value}, '2020-01-01')::{kind} AS t, {value}::{kind} AS c, i FROM range(50) AS r(i)"  # noqa: S608
    duckdb.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet)")
    constant = [each for each in quality(Table.of_parquet(path, name="a")).findings if each.kind == "constant"]
    assert [each.columns for each in constant] == [("c",)]


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


def test_columns_that_say_nothing_are_found():
    frame = clean()
    frame["blank"], frame["same"], frame["nearly"] = "  ", 7, ["x"] * 598 + ["y", None]
    rows = pa.Table.from_pandas(frame, preserve_index=False).append_column("empty", pa.nulls(600, pa.string()))
    report = quality(table(rows))
    assert {finding.columns[0] for finding in report.of_kind("empty_column")} == {"empty", "blank"}
    assert only(report, "constant").columns == ("same",)
    nearly = only(report, "nearly_constant")
    assert (nearly.columns, nearly.count, nearly.rows) == (("nearly",), 2, (598, 599))


def test_missing_and_empty_cells_are_counted():
    frame = clean()
    frame.loc[:59, "age"] = np.nan
    frame.loc[5:6, "town"] = None
    frame.loc[[8, 9], "text"] = ["", " \t\n"]
    frame.loc[7, "text"] = "ok"
    frame.loc[3, "label"] = None
    report = quality(table(frame), target="label")
    found = {finding.columns[0]: finding for finding in report.of_kind("missing")}
    assert (found["age"].count, found["age"].severity, cure(found["age"]).action) == (60, "medium", "fill_median")
    assert (found["town"].count, found["town"].rows, found["town"].severity) == (2, (5, 6), "low")
    assert only(report, "missing_label").rows == (3,)
    assert only(report, "empty_text").rows == (8, 9)
    assert only(report, "short_text").rows == (7,)


def test_empty_texts_are_those_that_their_remedy_leaves_out():
    frame = clean()
    empty = ["", " ", "\t\n", "\u00a0\u200b", "\u3000", "\x01"]
    frame["code"] = [*empty, *(["0", "20", "2a", "fee", "cafe", "u00a0"] * 99)]
    found = only(quality(table(frame)), "empty_text")
    assert found.rows == tuple(range(6))
    assert found.count == 6
    left = Recipe(cure(found).steps).fit(table(frame)).stream(table(frame))
    assert sum(batch.num_rows for batch in left) == len(frame) - 6


def test_missing_that_goes_with_the_label_is_found():
    frame = clean()
    frame.loc[(frame.label == "yes") & (np.arange(600) % 2 == 0), "age"] = np.nan
    frame.loc[np.arange(600) % 3 == 0, "income"] = np.nan
    found = only(quality(table(frame), target="label"), "missing_with_label")
    assert found.columns == ("age",)
    made = cured(frame, found)
    assert None not in made["age"]
    assert made["age_missing"] == frame["age"].isna().astype(int).tolist()
    frame = clean(6000)  # a slight lean is no news, however sure
    frame.loc[(np.arange(6000) % 10 < 3 + (frame.label == "yes")), "age"] = np.nan
    assert "missing_with_label" not in kinds(quality(table(frame), target="label"))


def test_mixed_types_are_found():
    frame = clean()
    frame["amount"] = [str(i * 1.5) for i in range(598)] + ["n/a", "12 kg"]
    frame["when"] = [f"2024-01-{1 + i % 28:02}" for i in range(580)] + [f"{1 + i}.01.2024" for i in range(20)]
    report = quality(table(frame))
    numbers = only(report, "mixed_numbers")
    assert numbers.rows == (598, 599)
    assert cured(frame, numbers)["amount"] == [*(i * 1.5 for i in range(598)), None, None]
    dates = only(report, "mixed_dates")
    assert (dates.columns, dates.count, dates.rows[0]) == (("when",), 20, 580)
    assert dates.args["forms"] == "2026-01-31, 31.01.2026"


@pytest.mark.parametrize(("odd", "decimal", "values"), [
    (["۱۲٫۵", "1,234,567", "1 234 567"], "point", [12.5, 1234567, 1234567]),
    (["12,5", "0,125", "n/a"], "comma", [12.5, 0.125, None]),
    (["n/a", "1.234,5", "2.000,5"], "comma", [None, 1234.5, 2000.5]),
    (["n/a", "1,5", "1.234"], "comma", [None, 1.5, 1234]),
    (["12.5", "12 kg", "1,234.5"], "point", [12.5, None, 1234.5]),
])
def test_numbers_are_made_of_texts_as_all_cells_are_written(odd, decimal, values):
    frame = clean()
    frame["amount"] = [str(i) for i in range(597)] + odd
    report = quality(table(frame))
    (found,) = report.of_kind("mixed_numbers") or report.of_kind("numbers_as_text")
    assert cure(found).steps[0]["decimal"] == decimal
    assert cured(frame, found)["amount"] == [*range(597), *values]
    assert found.args["lost"] == values.count(None)
    assert str(found.args["lost"]) in found.offer(i18n.text)


@pytest.mark.parametrize(("odd", "examples"), [
    (["1,250", "3,141"], "1,250, 3,141"), (["1.250", "n/a"], "1.250"), (["1,5", "1.5"], "1,5, 1.5"),
    (["1,234.5", "2,5"], "1,234.5, 2,5"),
])
def test_where_it_is_not_clear_what_is_before_the_fraction_no_click_is_offered(odd, examples):
    frame = clean()
    frame["amount"] = [str(i) for i in range(598)] + odd
    report = quality(table(frame))
    found = only(report, "unclear_numbers")
    assert (found.columns, found.remedy, found.args["examples"]) == (("amount",), None, examples)
    assert found.rows[0] == 598
    assert not {"mixed_numbers", "numbers_as_text"} & kinds(report)


@pytest.mark.parametrize(("cells", "decimal", "first"), [
    ([f"{i},{i % 100:02}" for i in range(1291, 1891)], "comma", 1291.91),
    (["۱۲٫۵", "۱۳"] * 300, "point", 12.5), (["36,848", "1,236,848"] * 300, "point", 36848.0),
    ([str(i) for i in range(600)], "point", 0.0),
])
def test_numbers_that_are_all_written_as_text_are_found(cells, decimal, first):
    frame = clean()
    frame["amount"] = cells
    found = only(quality(table(frame)), "numbers_as_text")
    assert (found.count, found.args["lost"], cure(found).steps[0]["decimal"]) == (600, 0, decimal)
    made = cured(frame, found)["amount"]
    assert made[0] == first
    assert None not in made


@pytest.mark.parametrize("code", [
    lambda i: f"{i:05}", lambda i: f"+49170{i:04}", lambda i: str(10**16 + i), lambda i: f"A-{i}",
    lambda i: str(i) if i % 3 else f"B{i}",
])
def test_codes_are_not_made_numbers(code):
    frame = clean()
    frame["code"] = [code(i) for i in range(599)] + ["unknown"]
    report = quality(table(frame))
    found = [each for each in report.findings if "number" in each.kind]
    assert [each.remedy for each in found] == [None] * len(found)
    frame["code"] = [code(i) for i in range(600)]
    assert not {"numbers_as_text", "unclear_numbers"} & kinds(quality(table(frame)))


@pytest.mark.parametrize(("cells", "days"), [
    (["13/04/2020", "2020-01-31", "03/04/2020", "13/14/2020"], ["2020-04-13", "2020-01-31", "2020-04-03", None]),
    (["04/13/2020", "2020-01-31", "03/04/2020"], ["2020-04-13", "2020-01-31", "2020-03-04"]),
    (["2020-01-31", "31 January 2020"], ["2020-01-31", "2020-01-31"]),
    (["۱۳۹۹/۰۱/۳۱", "1399-01-01"], ["2020-04-19", "2020-03-20"]),
])
def test_dates_of_several_forms_are_read_where_one_order_fits_all(cells, days):
    frame = clean()
    frame["when"] = (cells * 600)[:600]
    found = only(quality(table(frame)), "mixed_dates")
    made = cured(frame, found)["when"]
    assert [each and str(each.date()) for each in made[:len(cells)]] == days
    assert found.args["lost"] == made.count(None) == (150 if None in days else 0)
    assert str(found.args["lost"]) in found.offer(i18n.text)


@pytest.mark.parametrize("cells", [
    ["03/04/2020", "2020-01-31"], ["13/04/2020", "04/13/2020", "2020-01-31"], ["2020-01-31", "1399/01/31"],
])
def test_dates_that_no_one_order_fits_have_no_click(cells):
    frame = clean()
    frame["when"] = (cells * 600)[:600]
    assert only(quality(table(frame)), "mixed_dates").remedy is None


def test_a_remedy_of_an_earlier_version_is_none():
    frame = clean(430)
    frame["label"] = ["big"] * 400 + ["small"] * 30
    told = quality(table(frame), target="label").to_json()
    for finding in told["findings"]:
        if finding["kind"] == "imbalance":
            finding["remedy"]["kind"] = "weights"
    read = Report.from_json(json.loads(json.dumps(told)))
    assert only(read, "imbalance").remedy is None


def test_outliers_are_found_and_long_tails_are_not():
    frame = clean()
    frame.loc[4, "age"] = 4000.0
    frame.loc[9, "score"] = -900.0
    found = {finding.columns[0]: finding for finding in quality(table(frame)).of_kind("outliers")}
    assert {name: finding.rows for name, finding in found.items()} == {"age": (4,), "score": (9,)}
    assert cure(found["age"]).steps[0]["step"] == "clip"


@pytest.mark.parametrize(("counts", "severity"), [((150, 50), None), ((400, 80), "low"), ((400, 30), "medium"),
                                                  ((900, 8), "high")])
def test_unequal_classes_are_told_of_by_degree(counts, severity):
    frame = clean(sum(counts))
    frame["label"] = ["big"] * counts[0] + ["small"] * counts[1]
    found = quality(table(frame), target="label").of_kind("imbalance")
    assert [finding.severity for finding in found] == ([severity] if severity else [])
    if found:
        assert cure(found[0]).options == {"use_oversampling": True}
        weights = cure(found[0]).weights
        assert weights["small"] * counts[1] == pytest.approx(weights["big"] * counts[0])
        assert found[0].args["ratio"] == round(counts[0] / counts[1], 1)


def test_one_class_and_rare_classes_are_found():
    frame = clean()
    frame["label"] = "same"
    assert only(quality(table(frame), target="label"), "one_class").args["value"] == "same"
    frame["label"] = ["a", "b"] * 298 + ["c", "d", "d", "a"]
    found = only(quality(table(frame), target="label"), "rare_classes")
    assert found.rows == (596, 597, 598)
    assert found.args["classes"] == 2


@pytest.mark.parametrize(("usual", "odd"), [
    ("spam", "Spam"), ("spam", "spam "), ("خبری", "خبري"), ("ورزشی\u200cها", "ورزشی ها"), ("ﬁne", "fine")])
def test_labels_spelt_in_several_ways_are_found(usual, odd):
    frame = clean()
    frame["label"] = np.where(frame.label == "yes", usual, "other")
    frame.loc[frame.index[frame.label == usual][:5], "label"] = odd
    found = only(quality(table(frame), target="label"), "label_spelling")
    assert found.count == 5
    assert repr(usual)[:30] in found.args["spellings"]


def test_steps_of_remedies_can_be_carried_out():
    frame = clean()
    frame = pd.concat([frame, frame.iloc[:30]], ignore_index=True)
    frame.loc[np.flatnonzero(frame.label == "yes")[100:105], "label"] = "YES "
    frame["same"], frame["copy"] = 1, frame.label
    frame.loc[100:160, "age"] = np.nan
    frame.loc[420, "income"] = 1e12
    frame.loc[470, "text"] = " "
    rows = table(frame)
    report = quality(rows, target="label")
    steps = [step for finding in report.findings if finding.remedy for step in cure(finding).steps]
    assert {step["step"] for step in steps} == {
        "drop_duplicates", "drop_columns", "missing", "clip", "drop_empty", "unicode", "whitespace", "lowercase"}
    steps.sort(key=lambda step: step["step"] == "drop_duplicates")  # rows may become equal by what is done before
    left = list(Recipe(steps).fit(rows).stream(rows))
    cured = quality(table(pa.Table.from_batches(left).drop_columns(["__row__"])), target="label")
    assert not cured.findings, str(cured)


def test_a_report_reads_back_and_is_said_in_every_language():
    frame = clean()
    frame = pd.concat([frame, frame.iloc[:30]], ignore_index=True)
    frame["copy"] = frame.label
    rows = table(frame)
    report = quality(rows, split=split(rows, SplitSpec(target="label", duplicates="apart")))
    back = Report.from_json(json.loads(json.dumps(report.to_json())))
    assert back == report
    assert "target copy in copy" in str(report)
    for language in i18n.languages():
        for finding in report.findings:
            for said in (finding.sentence, finding.help, finding.offer):
                words = said(lambda key, **args: i18n.text(key, language, **args))  # noqa: B023 - called here
                assert "finding." not in words
                assert "{" not in words


def test_every_kind_of_finding_and_every_remedy_has_words():
    source = "".join(path.read_text("utf-8") for path in Path(subject.__file__).parent.glob("*.py"))
    found = set(re.findall(r'(?:Finding\(\s*|"m\{len\(drafts\)\}", |, twins, )"(\w+)"', source))
    found |= {"missing", "missing_label", "leak", "target_copy", "near_duplicates_across", "near_disagreement"}
    known = i18n.words()
    assert {key.split(".")[1] for key in known if key.startswith("finding.")} == found
    assert {f"finding.{kind}.help" for kind in found} <= set(known)
    actions = set(re.findall(r'(?:Remedy\(\s*"\w+", |_again\(subject, )"(\w+)"', source))
    assert {key.split(".")[1] for key in known if key.startswith("remedy.")} >= actions


def test_a_table_of_nothing_and_columns_of_all_kinds_are_checked():
    assert not quality(table({"x": pa.array([], pa.int64())})).findings
    kinds_of_all = {
        "t": pa.array([None, "a"] * 20), "n": pa.array([1.5, float("inf")] * 20), "b": pa.array([True, False] * 20),
        "d": pa.array(range(40), pa.int32()).cast(pa.date32()), "s": pa.array([{"a": 1}] * 40),
        "l": pa.array([[1, 2]] * 40),
        "y": pa.array([b"x", b"y"] * 20), "u": pa.array(np.arange(40), pa.timestamp("us", "UTC")),
        "v": pa.array(np.arange(40), pa.duration("s")), "w": pa.array(np.arange(40), pa.time64("us")),
        "c": pa.array([1, 2] * 20, pa.decimal128(10, 2)), 'od"d': pa.array(["x", "y"] * 20)}
    rows = table(kinds_of_all)
    for target in ("t", "b", "d", 'od"d', "c", "n"):
        assert quality(rows, target=target).rows == 40
    assert "nested" in quality(rows, target="s").skipped["leakage"]
    rare = Table(
        "(SELECT uuid() AS u, 'a'::ENUM('a', 'b') AS e, '{\"a\": 1}'::JSON AS j, 5::UHUGEINT + i AS h, "
        "(i || ' of many long texts')::VARCHAR AS t, i % 2 AS y FROM range(40) AS r(i))", name="rare")
    assert quality(rare, target="y").rows == 40


def test_what_does_not_fit_is_refused():
    rows = table(clean())
    with pytest.raises(DataError, match="no column 'lable'"):
        quality(rows, target="lable")
    with pytest.raises(DataError, match="2 rows, but rows has 600"):
        quality(rows, split=Split(SplitSpec(), np.zeros(2, np.uint8)))


def test_the_check_can_be_called_off():
    told = []
    quality(table(clean(100)), progress=Progress(lambda p: told.append((p.done, p.total))))
    assert told[0] == (0, len(CHECKS))
    assert told[-1] == (len(CHECKS), len(CHECKS))
    with pytest.raises(CancelledError):
        quality(table(clean(100)), progress=Progress(lambda p: p.cancel()))
