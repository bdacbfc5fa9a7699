"""HTML of mail as a reader sees it: visible text, text that is hidden, links and counts. The one door to selectolax
(lexbor). Parses for looking only: what is shown to people is made by `sanitise.py`. Never fetches, never runs anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from gateway.anatomy import limits
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.sight.links import defanged
from gateway.anatomy.sight.nesting import is_within
from gateway.anatomy.sight.styles import Look, Styles
from gateway.facts.content import HtmlFact

_BREAK: Final = "\x01"
"""Stands for a line break while text is collected: no mail shows it, and blanks may be collapsed around it."""

_UNSEEN: Final = frozenset(
    {"script", "style", "head", "title", "template", "iframe", "noembed", "noframes", "object", "-comment", "-doctype"}
)
_BLOCK_WORDS: Final = """
    address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption figure
    footer form h1 h2 h3 h4 h5 h6 header hr legend li main menu nav ol option p pre section select summary table tbody
    tfoot thead tr ul
"""
_BLOCK: Final = frozenset(_BLOCK_WORDS.split())
_CELL: Final = frozenset({"td", "th"})
_TAKEN: Final = frozenset({"a", "area", "img", "image", "table", "form", "input", "button"})
"""Elements that are counted or lead somewhere."""
_STYLED: Final = "[style],[hidden],[bgcolor],font[color]"
_ABSOLUTE: Final = re.compile(r"\s*(?:[a-z][a-z0-9+.\-]*:|//|#)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in HTML that leads somewhere: the URL as it stands, and what it says."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class HtmlReading:
    """One HTML part as read. `text` is what a reader sees, `hidden` what stands there unseen."""

    text: str
    hidden: str
    anchors: tuple[Anchor, ...]
    fact: HtmlFact


_Open = tuple[LexborNode, str, bool, str | None, int, int]
"""An element that was entered and not left: itself, its tag, whether it has a look of its own, where it leads, and how
much stood in the visible and in the hidden text before. A bare tuple: one is made for every element of a letter."""


def read_html(markup: str, findings: Findings) -> HtmlReading:
    """Read one HTML part. Total: any text gives a reading. What nests beyond the bounds is read without a parser."""
    if len(markup) > limits.MAX_HTML:
        markup = markup[: limits.MAX_HTML]
        findings.note(Defect.TEXT_TRUNCATED)
    if not is_within(markup, depth=limits.MAX_HTML_DEPTH, attributes=limits.MAX_ATTRIBUTES):
        findings.missed(Unscannable.HTML_NESTING)
        return _crude(markup)
    return _reading(markup, _Reader(findings))


def shown_html(markup: str, findings: Findings) -> str:
    """The text of an HTML part for a person who judges it: what a link says is followed by where it goes, defanged, and
    text that a reader would not see is marked."""
    markup = markup[: limits.MAX_HTML]
    if not is_within(markup, depth=limits.MAX_HTML_DEPTH, attributes=limits.MAX_ATTRIBUTES):
        findings.missed(Unscannable.HTML_NESTING)
        return _crude(markup).text
    return _reading(markup, _Shower(findings)).text


def _reading(markup: str, reader: _Reader) -> HtmlReading:
    document = LexborHTMLParser(markup)
    if document.root is not None:
        reader.read(document.root, {node.mem_id for node in document.css(_STYLED)})
    return reader.reading()


def tidy(raw: str) -> str:
    """Collapse blanks as HTML does, and turn breaks into lines; empty lines go."""
    lines = filter(None, map(str.strip, raw.split(_BREAK)))
    return "\n".join(map(_collapsed, lines))[: limits.MAX_TEXT]


def _collapsed(line: str) -> str:
    """A line with one blank wherever blanks stand. All but the usual one are unprintable. Most lines have nothing to
    collapse, and to take each apart into its words would be a twentieth of the work on a message."""
    return line if line.isprintable() and "  " not in line else " ".join(line.split())


class _Reader:
    """One walk over a tree, by its links and never by recursion."""

    def __init__(self, findings: Findings) -> None:
        self._styled: set[int] = set()
        self._findings = findings
        self._styles = Styles()
        self._looks = [Look()]
        self._open: list[_Open] = []
        self._visible: list[str] = []
        self._hidden: list[str] = []
        self._now = self._visible  # which of the two, at this place
        self._room = limits.MAX_TEXT * 2
        self._base = ""
        self._anchors: list[Anchor] = []
        self._elements = 0
        self._counts: dict[str, int] = dict.fromkeys(
            ("images", "remote_images", "forms", "password_fields", "scripts", "tables"), 0
        )

    def read(self, root: LexborNode, styled: set[int]) -> None:
        """Visit every node, entering and leaving elements in order. `styled` are the elements that have a look of their
        own, by their id in memory."""
        self._styled = styled
        node: LexborNode | None = root
        for _ in range(limits.MAX_HTML_NODES):
            if node is None:
                return
            tag = node.tag or "-"
            inside = False
            if tag == "-text":
                self._take_text(node.text_content or "")
            elif tag[0] != "-":
                inside = self._enter(node, tag)
            following = node.first_child if inside else None
            if inside and following is None:
                self._leave()
            if following is None:
                following = node.next
            while following is None:
                if not self._open:
                    return
                following = self._leave().next
            node = following
        self._findings.note(Defect.TEXT_TRUNCATED)

    def reading(self) -> HtmlReading:
        """What was found."""
        text, hidden = tidy("".join(self._visible)), tidy("".join(self._hidden))
        fact = HtmlFact(visible=len(text), hidden=len(hidden), elements=self._elements, **self._counts)
        return HtmlReading(text, hidden, tuple(self._anchors), fact)

    def _enter(self, node: LexborNode, tag: str) -> bool:
        """Take an element in; whether its children are to be visited, and it to be left."""
        self._elements += 1
        if tag in _UNSEEN:
            self._take_unseen(node, tag)
            return False
        if tag in _BLOCK:
            self._now.append(_BREAK)
        styled = bool(self._styled) and node.mem_id in self._styled
        if styled:
            self._looks.append(self._styles.look(tag, node.attributes, self._looks[-1]))
            self._look_again()
        url = self._take_element(node, tag) if tag in _TAKEN else None
        self._open.append((node, tag, styled, url, len(self._visible), len(self._hidden)))
        return True

    def _look_again(self) -> None:
        """Whether text is seen at this place, by the innermost look."""
        self._now = self._hidden if self._looks[-1].is_unseen else self._visible

    def _leave(self) -> LexborNode:
        """Close the innermost element."""
        node, tag, styled, url, visible_before, hidden_before = self._open.pop()
        if url is not None:
            says = self._visible[visible_before:] or self._hidden[hidden_before:]
            self._take_anchor(url, " ".join("".join(says).replace(_BREAK, " ").split()))
        if styled:
            self._looks.pop()
            self._look_again()
        if tag in _BLOCK:
            self._now.append(_BREAK)
        elif tag in _CELL:
            self._visible.append(" ")
        return node

    def _take_element(self, node: LexborNode, tag: str) -> str | None:
        """Count an element; where it leads, if it is a link that may have a text."""
        match tag:
            case "a":
                return node.attributes.get("href") or None
            case "area":
                attributes = node.attributes
                self._take_anchor(attributes.get("href"), attributes.get("alt") or "")
            case "img" | "image":
                self._counts["images"] += 1
                source = (node.attributes.get("src") or "").strip().lower()
                self._counts["remote_images"] += source.startswith(("http:", "https:", "//"))
            case "table":
                self._counts["tables"] += 1
            case "form":
                self._counts["forms"] += 1
                self._take_anchor(node.attributes.get("action"), "")
            case "input" | "button":
                attributes = node.attributes
                self._counts["password_fields"] += (attributes.get("type") or "").strip().lower() == "password"
                self._take_anchor(attributes.get("formaction"), attributes.get("value") or "")
        return None

    def _take_unseen(self, node: LexborNode, tag: str) -> None:
        match tag:
            case "script":
                self._counts["scripts"] += 1
            case "iframe":
                self._take_anchor(node.attributes.get("src"), "")
            case "object":
                self._take_anchor(node.attributes.get("data"), "")
            case "head" if node.first_child is not None:  # the parser gives every letter one
                self._counts["scripts"] += len(node.css("script"))
                base = node.css_first("base[href]")
                self._base = (base.attributes.get("href") or "")[: limits.MAX_URL] if base is not None else ""

    def _take_text(self, text: str) -> None:
        if self._room > 0:
            self._room -= len(text)
            self._now.append(text)

    def _take_anchor(self, url: str | None, text: str) -> None:
        if url and len(self._anchors) < limits.MAX_LINKS * 2:
            self._anchors.append(Anchor(_joined(self._base, url[: limits.MAX_URL]), text[: limits.MAX_LINK_TEXT]))


class _Shower(_Reader):
    """Reads for a person: nothing is left out, and everything says what it is."""

    def _take_text(self, text: str) -> None:
        if self._now is self._hidden and text.strip():
            text = f"⟦hidden: {' '.join(text.split())}⟧ "
        if self._room > 0:
            self._room -= len(text)
            self._visible.append(text)

    def _take_anchor(self, url: str | None, text: str) -> None:
        if url and not url.startswith("#") and self._room > 0:
            goes_to = f" ⟶ {defanged(_joined(self._base, url))} "
            self._room -= len(goes_to)
            self._visible.append(goes_to)


def _joined(base: str, url: str) -> str:
    """A relative URL under the base of the document; mail has no address of its own."""
    if not base or _ABSOLUTE.match(url):
        return url
    return f"{base.rstrip('/')}/{url.strip().lstrip('/')}"[: limits.MAX_URL]


_CRUDE_TAG: Final = re.compile(r"<[^>]*>?")
_CRUDE_HREF: Final = re.compile(r"href\s*=\s*[\"']?([^\"'\s>]{1,2000})", re.IGNORECASE)


def _crude(markup: str) -> HtmlReading:
    """Text and links without a tree: for what would cost a parser more than the message is worth."""
    matches = zip(range(limits.MAX_LINKS), _CRUDE_HREF.finditer(markup), strict=False)
    anchors = tuple(Anchor(match[1], "") for _, match in matches)
    text = tidy(_CRUDE_TAG.sub(" ", markup.replace(_BREAK, " ")))
    return HtmlReading(text, "", anchors, HtmlFact(visible=len(text), elements=markup.count("<")))
