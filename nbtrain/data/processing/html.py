"""Markup: the text of HTML, without tags, scripts, styles and comments."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import ClassVar

import pyarrow as pa

from nbtrain.data.processing.arrow import each, where
from nbtrain.data.processing.text_step import TextStep

_SILENT = {"script", "style", "head", "template", "noscript", "iframe", "object", "svg", "math"}
#: Elements that begin a new line in a browser (HTML, section 15.3, “display: block”).
_BLOCKS = {
    "address", "article", "aside", "blockquote", "br", "dd", "details", "dialog", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
    "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
}


class Html(TextStep):
    """Markup is taken out and entities become the characters they stand for.

    What a browser shows as separate blocks is separated by a line break. Applied twice, text about markup
    (``&amp;lt;b&amp;gt;``) loses it the second time.
    """

    name: ClassVar[str] = "html"

    def clean(self, column: pa.Array) -> pa.Array:
        return where(column, "[<&]", each(text_of))


def text_of(markup: str) -> str:
    """What a reader sees of `markup`, however broken it is."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return "".join(reader.parts).strip("\n")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = ""
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - not needed
        if self._silent:
            self._depth += tag == self._silent
        elif tag in _SILENT:
            self._silent, self._depth = tag, 1
        elif tag in _BLOCKS:
            self._break()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _SILENT or tag in {"script", "style"}:  # <svg/> has no content, <script/> does in HTML
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            self._depth -= tag == self._silent
            if not self._depth:
                self._silent = ""
        elif tag in _BLOCKS:
            self._break()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)

    def _break(self) -> None:
        if self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")
