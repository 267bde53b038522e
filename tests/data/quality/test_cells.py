"""What is wrong with the cells of a column, or with its classes, is found where it is planted."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from nbtrain import i18n
from nbtrain.data.processing import Recipe
from nbtrain.data.quality import Report, quality
from tests.data.quality.planting import clean, cure, cured, kinds, only
from tests.data.trust import table


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
