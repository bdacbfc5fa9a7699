"""HTML made safe to look at: the one door to nh3. Tags, attributes and styles by allow list; no script, no form,
nothing remote; a link is left as a fragment that only shows where it went.

The result goes into a sandboxed frame under a strict policy as it is: never parse or edit it again, that is how others
were broken (Roundcube, CVE-2024-42009).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

import nh3

from gateway.anatomy import limits
from gateway.anatomy.sight.images import data_uri
from gateway.anatomy.sight.links import defanged
from gateway.anatomy.sight.nesting import is_within

_TAG_WORDS: Final = """
    a abbr address b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn div dl dt em figcaption
    figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strike strong sub sup table
    tbody td tfoot th thead time tr tt u ul var wbr
"""
_GONE_WORDS: Final = """
    applet audio canvas dialog embed form frameset head iframe math noembed noframes noscript object plaintext script
    select style svg template textarea title video xmp
"""
_STYLE_WORDS: Final = """
    background-color border border-bottom border-bottom-color border-bottom-style border-bottom-width border-collapse
    border-color border-left border-left-color border-left-style border-left-width border-radius border-right
    border-right-color border-right-style border-right-width border-spacing border-style border-top border-top-color
    border-top-style border-top-width border-width color direction display font-family font-size font-style font-weight
    height letter-spacing line-height list-style-type margin margin-bottom margin-left margin-right margin-top max-width
    min-width padding padding-bottom padding-left padding-right padding-top text-align text-decoration vertical-align
    white-space width
"""
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    "*": {"style", "dir", "lang", "title", "align", "valign", "width", "height", "bgcolor"},
    "a": {"href"},
    "img": {"src", "alt"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "col": {"span"},
    "colgroup": {"span"},
    "table": {"border", "cellpadding", "cellspacing"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type"},
}
_FORBIDDEN_IN_STYLE: Final = ("url", "\\", "var(", "image", "expression", "@", "/*")

_DATA_URI: Final = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,([A-Za-z0-9+/]+={0,2})", re.IGNORECASE)
_MAX_SANITISED: Final = 2 * limits.MAX_SHOWN_HTML
"""Characters. Repairing broken markup may make it longer."""


def refusal(markup: str) -> str:
    """Why this HTML is not shown, or empty. Sanitising costs more than looking, so its bounds are closer."""
    if len(markup) > limits.MAX_SHOWN_HTML:
        return "the HTML is larger than 2 MB"
    if markup.count("<") > limits.MAX_SHOWN_NODES:
        return "the HTML has more than 50,000 nodes"
    if not is_within(markup, depth=limits.MAX_SHOWN_DEPTH, attributes=limits.MAX_SHOWN_DEPTH):
        return "the HTML is nested more than 300 deep"
    return ""


def sanitised(markup: str, images: Mapping[str, str] | None = None) -> str | None:
    """The fragment, or None if it grew out of bounds. `images` maps Content-IDs to data: URIs; without it no image is
    left. The caller has asked `refusal` first."""
    gate = _Gate(images)
    clean = nh3.Cleaner(
        tags=set(_TAG_WORDS.split()),
        clean_content_tags=set(_GONE_WORDS.split()),
        attributes=_ATTRIBUTES,
        attribute_filter=gate.decide,
        filter_style_properties=set(_STYLE_WORDS.split()),
        strip_comments=True,
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto", "tel", "data", "cid"},  # the last two for the gate, which is narrow
    ).clean(markup)
    return clean if len(clean) - gate.image_characters <= _MAX_SANITISED else None


class _Gate:
    """Decides each attribute value. Must not raise: nh3 would drop the attribute, but report the error past us."""

    def __init__(self, images: Mapping[str, str] | None) -> None:
        self._images = images
        self.image_characters = 0

    def decide(self, tag: str, attribute: str, value: str) -> str | None:
        """The value to use, or None to drop the attribute."""
        if attribute == "href":
            return "#" + defanged(value)[: limits.MAX_LINK_TEXT] if tag == "a" else None
        if attribute == "src":
            return self._image(value) if tag == "img" else None
        if attribute == "style" and any(word in value.lower() for word in _FORBIDDEN_IN_STYLE):
            return None
        return value

    def _image(self, source: str) -> str | None:
        """The picture as a data: URI of ours: by its Content-ID (RFC 2392), or from the HTML itself."""
        if self._images is None:
            return None
        is_part = source[:4].lower() == "cid:"
        uri = self._images.get(unquote(source[4:]).strip("<> ")) if is_part else _checked(source)
        if uri is None or self.image_characters + len(uri) > limits.MAX_SHOWN_IMAGES:
            return None
        self.image_characters += len(uri)
        return uri


def _checked(source: str) -> str | None:
    """A data: URI made anew from its octets, if they are a picture that may be shown."""
    found = _DATA_URI.fullmatch(source) if len(source) <= limits.MAX_IMAGE_URI else None
    if found is None:
        return None
    try:
        return data_uri(binascii.a2b_base64(found[1]))
    except binascii.Error:
        return None
