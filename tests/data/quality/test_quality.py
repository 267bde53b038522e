"""A report as a whole: no false alarm on clean rows, remedies that work, words for all it says."""

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
from nbtrain.data.splits.splitting import Split, SplitSpec, split
from nbtrain.data.table import Table
from tests.data.quality.planting import clean, cure, kinds
from tests.data.trust import table


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
