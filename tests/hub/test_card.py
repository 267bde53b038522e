"""Model cards become words; nothing of what somebody wrote is run, shown as HTML, or fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrain.core.model_views import CardBlock, CardSpan
from nbtrain.hub import card
from nbtrain.hub.card import blocks
from nbtrain.hub.local.cards import CARDS


def spans_of(found: list[CardBlock]) -> Iterator[CardSpan]:
    for block in found:
        yield from block["spans"]
        for item in block["items"]:
            yield from spans_of(item)
        for row in block["cells"]:
            for cell in row:
                yield from cell


def words(markdown: str) -> str:
    return " | ".join(span["text"] for span in spans_of(blocks(markdown)))


def test_a_card_of_every_kind_of_block():
    found = blocks(CARDS["en"])
    assert [block["type"] for block in found] == [
        "heading", "paragraph", "heading", "code", "heading", "table", "list", "quote", "rule", "paragraph"]
    assert (found[0]["level"], found[0]["spans"][0]["text"]) == (1, "Tiny BERT for reviews")
    assert [(span["text"], span["style"]) for span in found[1]["spans"][:3]] == [
        ("A ", ""), ("very small", "strong"), (" BERT that says whether a review is ", "")]
    assert found[1]["spans"][-2] == {"text": "not for use", "style": "", "href": "https://example.org/not-for-use"}
    assert (found[3]["language"], found[3]["text"].splitlines()[0]) == ("python", "from transformers import pipeline")
    table = [[cell[0]["text"] for cell in row] for row in found[5]["cells"]]
    assert table == [["part", "reviews", "accuracy"], ["training", "1,000", "0.51"], ["test", "200", "0.49"]]
    outer = found[6]
    assert (outer["ordered"], outer["level"], len(outer["items"])) == (True, 1, 2)
    assert [block["type"] for block in outer["items"][1]] == ["paragraph", "list"]
    assert (outer["items"][1][1]["level"], outer["items"][1][1]["ordered"]) == (2, False)
    assert found[7]["items"][0][0]["spans"][0]["text"].startswith("It guesses")
    assert found[9]["spans"] == [{"text": "a picture of a guess", "style": "", "href": ""}]


def test_metadata_is_left_out_but_a_rule_is_not_taken_for_it():
    assert words("---\nlicense: mit\n---\n# Title") == "Title"
    assert words("---\n" + "a: b\n" * card.LONGEST + "---\n# Title") == "Title"
    assert words("\ufeff---\r\nlicense: mit\r\n---\r\n# Title") == "Title"
    assert [block["type"] for block in blocks("one\n\n---\n\ntwo\n\n---\n")] == [
        "paragraph", "rule", "paragraph", "rule"]


@pytest.mark.parametrize(("markdown", "said"), [
    ("<script>alert(1)</script>", ""),
    ("<div onclick='x()'><p>one</p><p>two &amp; three</p></div>", "one | two & three"),
    ("<div>a<SCRIPT x='1'>no</Script >b<script>no</div>", "ab"),
    ("<style>a{}</style>\n\ntext", "text"),
    ("a <b>bold</b> word", "a bold word"),
    ("a<br>b", "a\nb"),
    ("<img src='https://x/y.png' alt='a cat'>", "a cat"),
    ("![a *cat*](https://x/y.png)", "a cat"),
    ("![](https://x/y.png)", ""),
    ("<!-- secret -->\n\ntext", "text"), ("<div>a<!-- b -->c<!-- d --> e<!-- f</div>", "ac e"),
    ("<div><svg><text>no</text></svg></div>", ""),
    ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
    ("&lt;script&gt;", "<script>"),
])
def test_html_is_left_out_and_its_words_are_kept(markdown, said):
    assert words(markdown) == said


@pytest.mark.parametrize(("href", "kept"), [
    ("https://example.org/a?b=c#d", True), ("https://пример.рф/", True),
    ("http://example.org", False), ("javascript:alert(1)", False), ("JaVaScRiPt:alert(1)", False),
    ("data:text/html,x", False), ("vbscript:x", False), ("file:///etc/passwd", False), ("//example.org", False),
    ("/relative", False), ("#here", False), ("https://good.org@evil.org/", False), ("https://", False),
    ("https://[::1", False), ("ftp://example.org", False)])
def test_links_lead_to_https_or_nowhere(href, kept):
    found = list(spans_of(blocks(f"[text]({href}) and <{href}>")))
    assert bool(found[0]["href"]) == kept
    assert all(span["href"].startswith("https://") for span in found if span["href"])


def test_a_long_card_is_cut_with_a_note(monkeypatch):
    assert words("word " * 100_000).endswith("the rest is left out here.")
    monkeypatch.setattr(card, "MOST_BLOCKS", 3)
    found = blocks("a\n\nb\n\nc\n\nd\n\n- e\n- f")
    assert [block["spans"][0]["text"] for block in found] == [
        "a", "b", "c", "The card goes on; the rest is left out here."]
    monkeypatch.setattr(card, "MOST_BLOCKS", 100)
    monkeypatch.setattr(card, "MOST_ROWS", 2)
    found = blocks("| a |\n|---|\n| 1 |\n| 2 |\n")
    assert (len(found[0]["cells"]), len(found)) == (2, 2)


@pytest.mark.parametrize("markdown", [
    "> " * 2_000 + "deep", "*" * 20_000 + "a" + "*" * 20_000, "[" * 30_000, "a](" * 10_000, "`" * 30_000, "- " * 2_000,
    "<div>" * 20_000, "| a " * 5_000 + "|\n" + "|---" * 5_000 + "|\n", "![" * 5_000, "**a " * 10_000, "<!--" * 20_000,
    "<div>" + "<a b='" * 20_000, "<div><" + "a" * 90_000])
def test_cards_that_mean_harm_are_read_all_the_same(markdown):
    json.dumps(blocks(markdown))


@settings(max_examples=200)
@given(st.text(st.sampled_from("ab #*_`[]()<>!|-\n>~&;:\"'=1.\\/\tم"), max_size=300))
def test_whatever_is_written_blocks_have_all_their_fields(text: str):
    fields = set(CardBlock.__annotations__)

    def check(found: list[CardBlock]) -> None:
        for block in found:
            assert set(block) == fields
            assert block["type"] in {"heading", "paragraph", "list", "code", "quote", "table", "rule"}
            for item in block["items"]:
                check(item)

    found: Any = blocks(text)
    check(found)
    assert all(set(span) == {"text", "style", "href"} for span in spans_of(found))
