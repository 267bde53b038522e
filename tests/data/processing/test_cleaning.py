from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.data.processing import Digits, Emoji, Html, Links, Lowercase, Persian, Unicode, Whitespace

ZWNJ = "\u200c"
WORD, GROUP = "<word>", "\\1"
#: Text in which the steps find something: letters of three scripts, marks, joiners, emoji, markup, addresses.
PIECES = st.sampled_from([
    "a", "É", "e\u0301", "ي", "ك", "ى", "ة", "ۀ", "ه\u0654", "\u0640", "\u064e", ZWNJ, "\u200d", "\ufe0f", " ", "\t",
    "\r", "\n", "\u00a0", "\u2028", "\u200b", "۴", "٤", "4", "😀", "👍🏽", "👩‍👧", "🇮", "🇷", "❤️", "1️⃣", "\u20e3",
    "©", "#",
    "http://", "www.", "x.org", "me@x.org", "@", ".", "-", "ﬁ", "ﷲ", "İ",
])
TEXTS = st.lists(PIECES | st.characters(codec="utf-8"), max_size=20).map("".join)
CLEANERS = [
    Whitespace(), Whitespace(line_breaks=True), Unicode(), Unicode(form="NFKC"), Lowercase(), Digits(),
    Digits(to="persian"), Digits(to="arabic"), Persian(), Persian(heh=True, zwnj="space"), Persian(zwnj="keep"),
    Persian(zwnj="remove"),
    Emoji(), Emoji(token=WORD), Links(url_token=WORD, email_token=WORD),
]


def cleaned(step, *texts):
    found = step.settled(pa.schema([("t", pa.string())])).apply(pa.RecordBatch.from_pydict({"t": pa.array(texts)}))
    return found.column("t").to_pylist()


@pytest.mark.parametrize("step", CLEANERS, ids=repr)
@given(text=TEXTS)
def test_cleaning_twice_is_cleaning_once(step, text):
    [once] = cleaned(step, text)
    assert cleaned(step, once) == [once]


@pytest.mark.parametrize("step", [*CLEANERS, Html()], ids=repr)
def test_missing_and_empty_texts_stay(step):
    assert cleaned(step, None, "") == [None, ""]


@given(text=TEXTS)
def test_white_space_is_one_blank_between_words(text):
    [found] = cleaned(Whitespace(), text)
    assert found == found.strip(" ")
    assert "  " not in found
    assert not any(sign.isspace() and sign != " " for sign in found)
    assert not any(unicodedata.category(sign) == "Cc" and sign < "\u0080" for sign in found)


@pytest.mark.parametrize(("step", "text", "expected"), [
    (Whitespace(), " a\u00a0\t b\r\n", "a b"),
    (Whitespace(), f"می{ZWNJ}روم", f"می{ZWNJ}روم"),
    (Whitespace(), "that\u0092s", "that\u0092s"),
    (Whitespace(), "a\u200bb\ufeff", "a b"),
    (Whitespace(line_breaks=True), " a  \n\n \n\n b\r\nc \n d ", "a\n\nb\nc\nd"),
    (Unicode(), "e\u0301 ﬁ", "é ﬁ"),
    (Unicode(form="NFKC"), "e\u0301 ﬁ ｗ", "é fi w"),
    (Lowercase(), "ÀБ", "àб"),
    (Digits(), "۱۲٣ 4", "123 4"),
    (Digits(to="persian"), "12٣", "۱۲۳"),
    (Digits(to="arabic"), "1۲", "١٢"),
    (Persian(), "كتابي على", "کتابی علی"),
    (Persian(letters=False), "كتابي", "كتابي"),
    (Persian(), "یـــک مَدرِسّه", "یک مدرسه"),
    (Persian(tatweel=False, marks=False), "یـک مَد", "یـک مَد"),
    (Persian(), "خانۀ هٔ ة", "خانۀ هٔ ة"),
    (Persian(heh=True), "خانۀ هٔ ة", "خانه ه ه"),
    (Persian(), f"{ZWNJ}می{ZWNJ * 9}روم{ZWNJ}. {ZWNJ}ها", f"می{ZWNJ}روم. ها"),
    (Persian(zwnj="space"), f"می{ZWNJ}{ZWNJ}روم", "می روم"),
    (Persian(zwnj="remove"), f"می{ZWNJ}روم", "میروم"),
    (Persian(zwnj="keep"), f"{ZWNJ}می", f"{ZWNJ}می"),
    (Links(), "see https://a.b/c?d=e. (www.x.org) me.you@x.co.uk!", "see . () !"),
    (Links(url_token=WORD, email_token=GROUP), "http://a.b, x@y.z", "<word>, \\1"),
    (Links(urls=False), "www.x.org a@b.c", "www.x.org "),
    (Links(emails=False), "www.x.org a@b.c", " a@b.c"),
    (Links(), "3:45 and a.b and @me", "3:45 and a.b and @me"),
    (Emoji(), "a😀b 👨‍👩‍👧 ❤️ 🇮🇷 1️⃣ 👍🏽.", "ab     ."),
    (Emoji(token=WORD), "👨‍👩‍👧🇮🇷", "<word><word>"),
    (Emoji(), "🇮a", "a"),
    (Emoji(), "1 # * © ® → ™ é ی", "1 # * © ® → ™ é ی"),
])
def test_examples(step, text, expected):
    assert cleaned(step, text) == [expected]


@pytest.mark.parametrize(("markup", "expected"), [
    ("<p>a &amp; b</p><script>x<y && '</p>'</script><div>c</div>", "a & b\nc"),
    ("a<br/>b<br>c", "a\nb\nc"),
    ("&lt;b&gt; &#1740; &eacute;", "<b> ی é"),
    ("a < b, 3<5 & 6>2", "a < b, 3<5 & 6>2"),
    ("<b>bold</b>ly <i title='>'>x</i>", "boldly x"),
    ("<style>q", ""),
    ("<!-- c -->z<!DOCTYPE html>", "z"),
    ("<head><title>t</title></head><body>b", "b"),
    ("<svg/>a<svg><svg>x</svg></svg>b", "ab"),
    ("plain", "plain"),
])
def test_what_a_reader_sees_of_markup(markup, expected):
    assert cleaned(Html(), markup) == [expected]


@given(st.text(alphabet="<>/!&;=\"' abp-"))
def test_any_text_can_be_read_as_markup(text):
    [found] = cleaned(Html(), text)
    assert len(found) <= len(text) + text.count("<") + text.count("&")


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.dictionary(pa.int8(), pa.string()), pa.string_view(), pa.null()])
def test_text_is_cleaned_in_whatever_layout_it_comes(kind):
    column = pa.array([None, None], kind) if pa.types.is_null(kind) else pa.array([" a ", None]).cast(kind)
    batch = pa.RecordBatch.from_arrays([column], names=["t"])
    found = Whitespace(columns="t").apply(batch).column("t")
    assert found.type == pa.string()
    assert found.to_pylist() in ([None, None], ["a", None])
