"""Preview: a message made safe to look at, for people who judge it. Text first, every URL defanged, hidden text marked;
HTML sanitised; pictures only those that the message carries. Total, as `examine` is, and runs in the same jail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.anatomy import limits, types
from gateway.anatomy.characters import INVISIBLE, TURNING, made_visible
from gateway.anatomy.charsets import with_known_charsets
from gateway.anatomy.examine import examine
from gateway.anatomy.findings import Findings
from gateway.anatomy.mime.fields import Header, read_header
from gateway.anatomy.mime.parts import Part, Shape, walk
from gateway.anatomy.sight.html import shown_html
from gateway.anatomy.sight.images import data_uri
from gateway.anatomy.sight.links import with_defanged_urls
from gateway.anatomy.sight.sanitise import refusal, sanitised
from gateway.anatomy.sight.text import html_charset, text_of
from gateway.facts.preview import Preview
from gateway.mail.headers import decode
from gateway.mail.message import Octets

_LINE_END: Final = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


@dataclass(slots=True)
class _Found:
    """What one walk gathers for the eye."""

    texts: list[tuple[str, str]] = field(default_factory=list)  # heading and text
    markup: str | None = None
    images: dict[str, str] = field(default_factory=dict)  # Content-ID to data: URI
    room: int = limits.MAX_TEXT


def preview(octets: Octets) -> Preview:
    """Make a message safe to look at. Total: any octets give a Preview, nothing is raised."""
    findings = Findings()
    header = read_header(octets, 0, len(octets), findings)
    found = _Found()
    for part in walk(octets, findings, header=header):
        if part.shape is Shape.LEAF:
            _take(part, found, findings)
    html, with_images, reason = _shown_as_designed(found)
    parts = (replace(part, name=made_visible(part.name)) for part in examine(octets).content.parts)
    return Preview(
        text=_together(found.texts),
        html=html,
        headers=tuple(_headers(header)),
        parts=tuple(parts),
        html_with_images=with_images,
        html_reason=reason,
    )


def _take(part: Part, found: _Found, findings: Findings) -> None:
    true = types.true_type(part.content)
    if true.startswith("image/"):
        _take_image(part, found)
        return
    charset = part.media_type.parameters.get("charset", "")
    is_html = true == types.HTML or part.media_type.declared == "text/html"
    if is_html:
        charset = html_charset(part.content, charset)
        markup = text_of(part.content, charset, findings, most=limits.MAX_SHOWN_HTML + 1)
        if found.markup is None and not part.is_attachment:
            found.markup = markup
        text = with_defanged_urls(shown_html(markup, findings))
    elif true.startswith("text/") and not part.is_attachment:
        text = with_defanged_urls(text_of(part.content, charset, findings))
    else:
        return
    text = _safe_text(text)[: found.room]
    found.room -= len(text)
    if text.strip():
        found.texts.append((f"[part {part.path}, {part.media_type.declared}]", text))


def _take_image(part: Part, found: _Found) -> None:
    """Keep a picture under its Content-ID (RFC 2392), if it may be shown."""
    for value in part.header.values("content-id")[:1]:
        name = value.decode("utf-8", "replace").strip().strip("<>")
        if name and len(found.images) < limits.MAX_IMAGES and (uri := data_uri(part.content)) is not None:
            found.images.setdefault(name, uri)


def _shown_as_designed(found: _Found) -> tuple[str | None, str | None, str]:
    """The HTML without and with pictures, and the reason if there is none."""
    if found.markup is None:
        return None, None, "the message has no HTML"
    if reason := refusal(found.markup):
        return None, None, reason
    plain, pictured = sanitised(found.markup), sanitised(found.markup, found.images)
    if plain is None or pictured is None:
        return None, None, "the HTML grew out of bounds"
    return plain, pictured, ""


def _together(texts: list[tuple[str, str]]) -> str:
    if len(texts) == 1:
        return texts[0][1]
    return "\n\n".join(f"{heading}\n{text}" for heading, text in texts)


def _safe_text(text: str) -> str:
    """Text of many lines in which nothing is turned around and nothing steers a screen; fillers without ink go."""
    lines = _LINE_END.sub("\n", text).split("\n")
    return "\n".join(_safe_line(line) for line in lines).strip()


def _safe_line(line: str) -> str:
    if line.isascii() and line.isprintable():
        return line
    shown = TURNING.sub(lambda match: made_visible(match[0]), line.replace("\t", "    "))
    return INVISIBLE.sub("", shown)


def _headers(header: Header) -> Iterator[tuple[str, str]]:
    for _, value, name in header.fields[: limits.MAX_SHOWN_FIELDS]:
        text = decode(with_known_charsets(value[: limits.MAX_SHOWN_VALUE * 4]))
        yield name[: limits.MAX_NAME], made_visible(text[: limits.MAX_SHOWN_VALUE])
