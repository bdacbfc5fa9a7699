"""Readable text: the octets of a text part as characters, and what all parts of a message say together: visible text,
links, counts of HTML. Bounded, never raising; the first octets of a part are enough."""

from __future__ import annotations

import re
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.characters import without_invisible
from gateway.anatomy.charsets import codec_of, guessed
from gateway.anatomy.findings import Defect, Findings
from gateway.anatomy.sight.html import HtmlReading, read_html
from gateway.anatomy.sight.links import link_fact, urls_in
from gateway.facts.content import HtmlFact, LinkFact

GTUBE: Final = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
"""The Generic Test for Unsolicited Bulk Email: every filter calls a message with it spam."""

_META_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([a-z0-9_:.\-]{1,40})", re.IGNORECASE)
_META_REACH: Final = 1024
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_MUCH_HIDDEN: Final = 100
"""Characters. Newsletters hide a line for the list view; more than that, and more than a third, is no courtesy."""


def text_of(content: bytes, charset: str, findings: Findings, *, most: int = limits.MAX_TEXT_PART) -> str:
    """The characters of a text part, of its first octets at most."""
    octets = content[:most]
    if octets.startswith(_MARKS):
        return guessed(octets)
    codec = codec_of(charset) if charset else None
    if codec is None:
        if charset:
            findings.note(Defect.CHARSET_UNKNOWN)
        return guessed(octets)
    try:
        return octets.decode(codec)
    except UnicodeDecodeError as error:
        if error.start < len(octets) - 4 or len(content) == len(octets):
            findings.note(Defect.CHARSET_WRONG)
            return guessed(octets)
        return octets.decode(codec, "replace")
    except UnicodeError:
        findings.note(Defect.CHARSET_WRONG)
        return guessed(octets)


def html_charset(content: bytes, declared: str) -> str:
    """The charset of an HTML part: the declared one, else the one of its meta element."""
    if declared:
        return declared
    found = _META_CHARSET.search(content[:_META_REACH])
    return found[1].decode("ascii") if found else ""


class Digest:
    """What the readable parts of one message say together, as they come."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._texts: list[str] = []
        self._room = limits.MAX_TEXT
        self._unread = limits.MAX_READ
        self._links: dict[tuple[str, str], LinkFact] = {}
        self._urls: set[str] = set()
        self._html: HtmlFact | None = None

    def take_plain(self, text: str) -> None:
        """A plain text part."""
        text = self._read(text)
        self._take_text(text)
        self._take_urls(text)

    def take_html(self, markup: str) -> None:
        """An HTML part."""
        markup = self._read(markup)
        if not markup:
            return
        reading = read_html(markup, self._findings)
        self._take_text(reading.text)
        if GTUBE in reading.hidden:
            self._findings.note(Defect.TEST_GTUBE)
        for anchor in reading.anchors:
            self._take_link(link_fact(anchor.url, anchor.text, "html", self._findings))
        self._take_urls(reading.text)
        self._take_counts(reading)

    def take_leads(self) -> None:
        """The links of documents that are no text."""
        for url, place in self._findings.leads:
            self._take_link(link_fact(url, "", place, self._findings))
        for text, place in self._findings.documents:
            if GTUBE in text:
                self._findings.note(Defect.TEST_GTUBE)
            for url in urls_in(text, limits.MAX_LINKS):
                if url not in self._urls:
                    self._take_link(link_fact(url, "", place, self._findings))

    @property
    def text(self) -> str:
        """All visible text, parts apart by an empty line."""
        return "\n\n".join(self._texts)[: limits.MAX_TEXT]

    @property
    def documents(self) -> str:
        """What documents say, apart by an empty line."""
        return "\n\n".join(text for text, _ in self._findings.documents)

    @property
    def links(self) -> tuple[LinkFact, ...]:
        """The links, in order."""
        return tuple(self._links.values())

    @property
    def html(self) -> HtmlFact | None:
        """The counts over all HTML parts, or None where there is none."""
        return self._html

    def excerpt(self) -> str:
        """The first visible characters on one line."""
        start = "\n".join(text[: limits.EXCERPT * 8] for text in self._texts[:3])
        line = one_line(start[: limits.EXCERPT * 2])
        # Newsletters begin with hundreds of characters that nobody sees.
        return (line if len(line) >= limits.EXCERPT else one_line(start))[: limits.EXCERPT]

    def _read(self, text: str) -> str:
        """As much of a text as may still be read."""
        if len(text) > self._unread:
            self._findings.note(Defect.TEXT_TRUNCATED)
        text = text[: self._unread]
        self._unread -= len(text)
        return text

    def _take_text(self, text: str) -> None:
        if GTUBE in text:
            self._findings.note(Defect.TEST_GTUBE)
        text = text.strip()
        if not text:
            return
        if len(text) > self._room:
            self._findings.note(Defect.TEXT_TRUNCATED)
        if self._room > 0:
            self._texts.append(text[: self._room])
            self._room -= len(text) + 2

    def _take_urls(self, text: str) -> None:
        for url in urls_in(text, limits.MAX_LINKS):
            if url not in self._urls:
                self._take_link(link_fact(url, "", "text", self._findings))

    def _take_link(self, link: LinkFact | None) -> None:
        if link is None or (link.url, link.text) in self._links:
            return
        if len(self._links) >= limits.MAX_LINKS:
            self._findings.note(Defect.TEXT_TRUNCATED)
            return
        self._links[link.url, link.text] = link
        self._urls.add(link.url)

    def _take_counts(self, reading: HtmlReading) -> None:
        one, sum_so_far = reading.fact, self._html or HtmlFact()
        if one.hidden > _MUCH_HIDDEN and one.hidden * 3 > one.visible:
            self._findings.note(Defect.TEXT_HIDDEN, one_line(reading.hidden[: limits.EXCERPT]))
        self._html = HtmlFact(
            *(getattr(one, name) + getattr(sum_so_far, name) for name in HtmlFact.__dataclass_fields__)
        )


def one_line(text: str) -> str:
    """Text on one line: blanks collapsed, characters that are not seen or that steer a terminal taken out."""
    return " ".join(without_invisible(" ".join(text.split())).split())
