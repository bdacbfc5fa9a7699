"""HTML of mail as a reader sees it: visible text, text that is hidden, links and counts. The one door to selectolax (lexbor).
Parses for looking only: what is shown to people is made by `sanitise.py`. Never fetches, never runs anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from gateway.anatomy import limits
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.nesting import is_within
from gateway.facts.content import HtmlFact

BREAK: Final = "\x01"
"""Stands for a line break while text is collected: HTML cannot contain it, and blanks may be collapsed around it."""

_UNSEEN: Final = frozenset(
    {"script", "style", "head", "title", "template", "iframe", "noembed", "noframes", "object", "-comment", "-doctype"}
)
_BLOCK: Final = frozenset(
    "address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 header hr legend li main menu nav ol option p pre section select summary table tbody"
    " tfoot thead tr ul".split(" ")
)
_CELL: Final = frozenset({"td", "th"})
_STYLED: Final = "[style],[hidden],[bgcolor],font[color],font[size]"

_HIDING: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all|font-size\s*:\s*0(?:\.0*)?(?![.\d])"
    r"|opacity\s*:\s*0(?:\.0*)?(?![.\d])|font\s*:\s*0(?:px|pt|em)?[\s/]|text-indent\s*:\s*-\d{3,}"
    r"|(?:left|top|margin-left|margin-top)\s*:\s*-\d{4,}",
    re.IGNORECASE,
)
_FLAT: Final = re.compile(r"(?<![\w-])(?:max-)?(?:height|width)\s*:\s*0(?![.\d])", re.IGNORECASE)
_CLIPPED: Final = re.compile(r"overflow\s*:\s*hidden", re.IGNORECASE)
_COLOUR: Final = re.compile(r"(?<![\w-])color\s*:\s*([^;!]{1,60})", re.IGNORECASE)
_BACKGROUND: Final = re.compile(r"background(?:-color)?\s*:\s*([^;!]{1,60})", re.IGNORECASE)
_RGB: Final = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})")
_NAMED: Final = {
    "white": "ffffff",
    "black": "000000",
    "red": "ff0000",
    "yellow": "ffff00",
    "silver": "c0c0c0",
    "gray": "808080",
}


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in HTML that leads somewhere: the URL as it stands, and what it says."""

    url: str
    text: str


@dataclass(slots=True)
class HtmlReading:
    """One HTML part as read. `text` is what a reader sees, `hidden` what stands there unseen."""

    text: str = ""
    hidden: str = ""
    anchors: list[Anchor] = field(default_factory=list)
    fact: HtmlFact = HtmlFact()


@dataclass(frozen=True, slots=True)
class _Look:
    """How text looks inside an element, as far as it matters: colours as six hex digits."""

    hidden: bool = False
    colour: str = "000000"
    background: str = "ffffff"


@dataclass(slots=True)
class _Counts:
    elements: int = 0
    images: int = 0
    remote_images: int = 0
    forms: int = 0
    password_fields: int = 0
    scripts: int = 0
    tables: int = 0


def read_html(markup: str, findings: Findings) -> HtmlReading:
    """Read one HTML part. Total: any text gives a reading. What nests beyond the bounds is read without a parser."""
    if len(markup) > limits.MAX_HTML:
        markup = markup[: limits.MAX_HTML]
        findings.note(Defect.TEXT_TRUNCATED)
    if not is_within(markup, depth=limits.MAX_HTML_DEPTH, attributes=limits.MAX_ATTRIBUTES):
        findings.missed(Unscannable.HTML_NESTING)
        return _crude(markup)
    document = LexborHTMLParser(markup)
    reader = _Reader({node.mem_id: node for node in document.css(_STYLED)}, findings)
    root = document.root
    if root is not None:
        reader.read(root)
    return reader.reading()


class _Reader:
    """One walk over a tree, by its links and not by recursion."""

    def __init__(self, styled: dict[int, LexborNode], findings: Findings) -> None:
        self._styled = styled
        self._findings = findings
        self._visible: list[str] = []
        self._hidden: list[str] = []
        self._room = limits.MAX_TEXT * 2
        self._anchors: list[Anchor] = []
        self._base = ""
        self._looks: list[tuple[int, _Look]] = [(0, _Look())]
        self._open_anchor: tuple[int, str, int, int] | None = None
        self._counts = _Counts()

    def read(self, root: LexborNode) -> None:
        """Visit every node, entering and leaving elements in order."""
        node: LexborNode | None = root
        for _ in range(limits.MAX_HTML_NODES):
            if node is None:
                return
            following = node.first_child if self._enter(node) else None
            while following is None:
                self._leave(node)
                following = node.next
                if following is None:
                    node = node.parent
                    if node is None or node.mem_id == root.mem_id:
                        return
            node = following
        self._findings.note(Defect.TEXT_TRUNCATED)

    def reading(self) -> HtmlReading:
        """What was found."""
        text, hidden, counts = tidy("".join(self._visible)), tidy("".join(self._hidden)), self._counts
        fact = HtmlFact(
            visible=len(text),
            hidden=len(hidden),
            elements=counts.elements,
            images=counts.images,
            remote_images=counts.remote_images,
            forms=counts.forms,
            password_fields=counts.password_fields,
            scripts=counts.scripts,
            tables=counts.tables,
        )
        return HtmlReading(text, hidden, self._anchors, fact)

    def _enter(self, node: LexborNode) -> bool:
        """Take a node in; whether its children are to be visited."""
        tag = node.tag
        if tag == "-text":
            self._take_text(node.text_content or "")
            return False
        if tag is None or tag[0] == "-":
            return tag == "-document"
        self._counts.elements += 1
        if tag in _UNSEEN:
            if tag == "script":
                self._counts.scripts += 1
            elif tag == "head":
                self._take_base(node)
            elif tag == "iframe":
                self._take_anchor(node.attributes.get("src"), "")
            return False
        if tag in _BLOCK:
            self._break()
        if node.mem_id in self._styled:
            self._looks.append((node.mem_id, _look(node, tag, self._looks[-1][1])))
        self._take_element(node, tag)
        return True

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag
        if tag is None or tag[0] == "-" or tag in _UNSEEN:
            return
        if self._open_anchor is not None and self._open_anchor[0] == node.mem_id:
            _, url, visible_from, hidden_from = self._open_anchor
            says = self._visible[visible_from:] or self._hidden[hidden_from:]
            self._take_anchor(url, " ".join("".join(says).replace(BREAK, " ").split()))
            self._open_anchor = None
        if self._looks[-1][0] == node.mem_id and len(self._looks) > 1:
            self._looks.pop()
        if tag in _BLOCK:
            self._break()
        elif tag in _CELL:
            self._visible.append(" ")

    def _take_element(self, node: LexborNode, tag: str) -> None:
        counts = self._counts
        match tag:
            case "a" | "area":
                url = node.attributes.get("href")
                if url and tag == "a":
                    self._open_anchor = (node.mem_id, url, len(self._visible), len(self._hidden))
                else:
                    self._take_anchor(url, node.attributes.get("alt") or "")
            case "img" | "image":
                counts.images += 1
                source = (node.attributes.get("src") or "").strip().lower()
                if source.startswith(("http:", "https:", "//")):
                    counts.remote_images += 1
            case "table":
                counts.tables += 1
            case "form":
                counts.forms += 1
                self._take_anchor(node.attributes.get("action"), "")
            case "input" | "button":
                attributes = node.attributes
                if (attributes.get("type") or "").strip().lower() == "password":
                    counts.password_fields += 1
                self._take_anchor(attributes.get("formaction"), attributes.get("value") or "")

    def _take_text(self, text: str) -> None:
        if self._room <= 0:
            return
        look = self._looks[-1][1]
        self._room -= len(text)
        if look.hidden or look.colour == look.background:
            self._hidden.append(text)
        else:
            self._visible.append(text)

    def _take_anchor(self, url: str | None, text: str) -> None:
        if url and len(self._anchors) < limits.MAX_LINKS * 2:
            self._anchors.append(Anchor(_joined(self._base, url), text))

    def _take_base(self, head: LexborNode) -> None:
        base = head.css_first("base[href]")
        if base is not None:
            self._base = (base.attributes.get("href") or "")[: limits.MAX_URL]
        self._counts.scripts += len(head.css("script"))

    def _break(self) -> None:
        self._visible.append(BREAK)
        if self._looks[-1][1].hidden:
            self._hidden.append(BREAK)


def tidy(raw: str) -> str:
    """Collapse blanks as HTML does, and turn breaks into lines; empty lines go."""
    lines = (line.strip() for line in " ".join(raw.split()).split(BREAK))
    return "\n".join(line for line in lines if line)[: limits.MAX_TEXT]


def _joined(base: str, url: str) -> str:
    """A relative URL under the base of the document; mail has no address of its own."""
    if not base or re.match(r"[a-z][a-z0-9+.\-]*:|//|#", url.strip(), re.IGNORECASE):
        return url
    return f"{base.rstrip('/')}/{url.strip().lstrip('/')}"


def _look(node: LexborNode, tag: str, outside: _Look) -> _Look:
    """How text looks inside the element, given how it looks outside."""
    attributes = node.attributes
    style = (attributes.get("style") or "")[: limits.MAX_URL]
    hidden = outside.hidden or "hidden" in attributes or _HIDING.search(style) is not None
    if not hidden and _FLAT.search(style) and _CLIPPED.search(style):
        hidden = True
    colour, background = outside.colour, outside.background
    if named := (attributes.get("bgcolor") or ""):
        background = _hex(named) or "unknown"
    if tag == "font" and (named := attributes.get("color") or ""):
        colour = _hex(named) or colour
    if found := _BACKGROUND.search(style):
        background = _hex(found[1]) or "unknown"
    if found := _COLOUR.search(style):
        colour = _hex(found[1]) or colour
    return _Look(hidden, colour, background)


def _hex(value: str) -> str | None:
    """A colour as six hex digits, or None for one that is not understood."""
    word = value.strip().lower()
    first = word.split()[0] if word else ""
    if first in _NAMED:
        return _NAMED[first]
    digits = first.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    if len(digits) in (6, 8) and not digits.strip("0123456789abcdef"):
        return digits[:6]
    if rgb := _RGB.match(word):
        return "".join(f"{min(255, int(each)):02x}" for each in rgb.groups())
    return None


_CRUDE_UNSEEN: Final = re.compile(r"<(script|style|head)\b.*?</\1", re.IGNORECASE | re.DOTALL)
_CRUDE_TAG: Final = re.compile(r"<[^>]*>?")
_CRUDE_HREF: Final = re.compile(r"href\s*=\s*[\"']?([^\"'\s>]{1,2000})", re.IGNORECASE)


def _crude(markup: str) -> HtmlReading:
    """Text and links without a tree: for what would cost a parser more than the message is worth."""
    anchors = [Anchor(url, "") for url in _first(_CRUDE_HREF.finditer(markup), limits.MAX_LINKS)]
    text = tidy(_CRUDE_TAG.sub(" ", markup.replace(BREAK, " ")))
    return HtmlReading(text, "", anchors, HtmlFact(visible=len(text), elements=markup.count("<")))


def _first(matches: Iterator[re.Match[str]], most: int) -> list[str]:
    return [match[1] for match, _ in zip(matches, range(most), strict=False)]
