"""Model cards as blocks that hold nothing but words: Markdown without HTML, pictures or scripts.

A card is text that anybody may write. What reaches the browser is a small set of blocks; tags are left out and their
words kept, a picture is its description, and a link leads to an https address or nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import unescape
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from nbtrain.core.model_views import CardBlock, CardSpan

#: Characters of a card that are read, after its metadata: the longest of well-known models have half of it.
LONGEST = 100_000
#: Blocks, and rows and columns of a table, that are shown. Beyond, no one reads on.
MOST_BLOCKS, MOST_ROWS, MOST_COLUMNS = 1_500, 300, 40
_CUT = "The card goes on; the rest is left out here."

_STYLES = {"strong": "strong", "em": "em", "s": "strike"}
#: What HTML begins a new paragraph with.
_BREAKS = frozenset(
    "p div br hr li ul ol tr table h1 h2 h3 h4 h5 h6 summary details section center pre blockquote dd dt".split())  # noqa: SIM905
#: What of HTML has no words for people in it.
_SILENT = frozenset({"script", "style", "template", "noscript", "svg", "head", "iframe", "object"})
#: A comment's beginning, or a tag.
_TAG = re.compile(r"<!--|<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]*+)(?P<attributes>[^<>]*+)>|<[!?][^<>]*+>")
_ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_FRONT = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n.*?^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
_MARKDOWN = MarkdownIt("commonmark", {"maxNesting": 16}).enable(["table", "strikethrough"])


def blocks(markdown: str) -> list[CardBlock]:
    """The blocks of a card; its metadata at the top is left out. A card that is too long ends with a note."""
    text = _FRONT.sub("", markdown, count=1)
    reader = _Reader(_MARKDOWN.parse(text[:LONGEST]))
    found = reader.blocks()
    if len(text) > LONGEST or reader.left_out:
        found.append(_block("paragraph", spans=[CardSpan(text=_CUT, style="em", href="")]))
    return found


class _Reader:
    """Goes through the parser's tokens, which lie flat: each block's opening, content and end."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._count = 0
        self.left_out = False
        """More blocks came than are shown."""

    def blocks(self, until: str = "", depth: int = 1) -> list[CardBlock]:
        """All blocks up to the token of this type, or to the end."""
        found: list[CardBlock] = []
        while (token := self._next()) is not None and token.type != until:
            made = self._block(token, depth)
            if self._count + len(made) > MOST_BLOCKS:
                self.left_out = True
                continue
            self._count += len(made)
            found += made
        return found

    def _next(self) -> Token | None:
        if self._at >= len(self._tokens):
            return None
        self._at += 1
        return self._tokens[self._at - 1]

    def _block(self, token: Token, depth: int) -> list[CardBlock]:
        """What begins with this token; nothing where it has no words."""
        made: list[CardBlock] = []
        match token.type:
            case "heading_open" | "paragraph_open":
                kind = token.type.removesuffix("_open")
                level = int(token.tag[1:]) if kind == "heading" else 0
                if spans := self._spans(f"{kind}_close"):
                    made = [_block(kind, level=level, spans=spans)]
            case "fence" | "code_block":
                language = (token.info.split() or [""])[0][:40]
                made = [_block("code", language=language, text=token.content.removesuffix("\n"))]
            case "hr":
                made = [_block("rule")]
            case "bullet_list_open" | "ordered_list_open":
                items = self._items(token.type.replace("open", "close"), depth)
                made = [_block("list", level=depth, ordered=token.type == "ordered_list_open", items=items)]
            case "blockquote_open":
                made = [_block("quote", items=[self.blocks("blockquote_close", depth)])]
            case "table_open":
                made = [_block("table", cells=self._rows())]
            case "html_block":
                made = [
                    _block("paragraph", spans=[CardSpan(text=words, style="", href="")])
                    for words in _words(token.content)]
        return made

    def _items(self, until: str, depth: int) -> list[list[CardBlock]]:
        items = []
        while (token := self._next()) is not None and token.type != until:
            if token.type == "list_item_open":
                items.append(self.blocks("list_item_close", depth + 1))
        return items

    def _rows(self) -> list[list[list[CardSpan]]]:
        rows: list[list[list[CardSpan]]] = []
        while (token := self._next()) is not None and token.type != "table_close":
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(_inline(token.children or ()))
        if len(rows) > MOST_ROWS or any(len(row) > MOST_COLUMNS for row in rows):
            self.left_out = True
        return [row[:MOST_COLUMNS] for row in rows[:MOST_ROWS]]

    def _spans(self, until: str) -> list[CardSpan]:
        spans: list[CardSpan] = []
        while (token := self._next()) is not None and token.type != until:
            spans += _inline(token.children or ())
        return spans


def _inline(tokens: Iterable[Token]) -> list[CardSpan]:
    """The words of a paragraph, each with the innermost style around it and the address it leads to."""
    spans: list[CardSpan] = []
    styles: list[str] = []
    address = ""
    for token in tokens:
        name, _, end = token.type.rpartition("_")
        if name in _STYLES:
            if end == "open":
                styles.append(_STYLES[name])
            elif styles:
                styles.pop()
        elif token.type == "link_open":
            address = _address(str(token.attrGet("href") or ""))
        elif token.type == "link_close":
            address = ""
        elif text := _text(token):
            style = "code" if token.type == "code_inline" else styles[-1] if styles else ""
            _append(spans, CardSpan(text=text, style=style, href=address))
    return spans if any(span["text"].strip() for span in spans) else []


def _append(spans: list[CardSpan], span: CardSpan) -> None:
    last = spans[-1] if spans else None
    if last is not None and (last["style"], last["href"]) == (span["style"], span["href"]):
        last["text"] += span["text"]
    else:
        spans.append(span)


def _text(token: Token) -> str:
    """The words of one token; of an image its description, of a tag those it stands for."""
    match token.type:
        case "text" | "code_inline" | "text_special":
            return token.content
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "image":
            return "".join(_text(child) for child in token.children or ())
        case "html_inline":
            return "\n" if re.match(r"<br\b", token.content, re.IGNORECASE) else " ".join(_words(token.content))
    return ""


def _address(href: str) -> str:
    """The same address where it may be led to, else empty: https, with a plain host and nothing hidden in it."""
    try:
        parts = urlsplit(href)
        allowed = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return ""
    return href if allowed and len(href) <= 2_000 and href.isprintable() else ""


def _words(html: str) -> list[str]:
    """The paragraphs of a piece of HTML, in words alone.

    Python's own parser takes time that grows with the square of what never ends (a comment, a quoted attribute).
    """
    found: list[str] = []
    small = html.lower() if len(html.lower()) == len(html) else html
    at = 0
    while (tag := _TAG.search(html, at)) is not None:
        found.append(html[at:tag.start()])
        at = tag.end()
        name = (tag["name"] or "").lower()
        if tag[0].startswith("<!--"):
            at = _after(html, "-->", tag.start())
        elif name in _SILENT and not tag["end"] and not tag[0].endswith("/>"):
            at = _after(html, ">", _after(small, f"</{name}", at))
        elif name == "img" and (described := _ALT.search(tag["attributes"])):
            found.append(described[1] or described[2] or "")
        elif name in _BREAKS:
            found.append("\f")
        elif name in {"td", "th"}:
            found.append(" ")
    found.append(html[at:])
    paragraphs = (" ".join(unescape(part).split()) for part in "".join(found).split("\f"))
    return [words for words in paragraphs if words]


def _after(html: str, end: str, start: int) -> int:
    """Where it goes on after `end`; at the very end where that does not come."""
    at = html.find(end, start)
    return len(html) if at < 0 else at + len(end)


def _block(
    type_: str, *, level: int = 0, ordered: bool = False, language: str = "", text: str = "",
    spans: list[CardSpan] | None = None, items: list[list[CardBlock]] | None = None,
    cells: list[list[list[CardSpan]]] | None = None,
) -> CardBlock:
    return CardBlock(
        type=type_, level=level, ordered=ordered, language=language, text=text, spans=spans or [], items=items or [],
        cells=cells or [])
