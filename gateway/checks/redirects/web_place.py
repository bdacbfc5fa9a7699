"""A place in the web that may be asked: http or https, a name for its host, the usual port, plain characters (RFC 9110
section 4.2). Total: any text gives a place, or why it is none. Never resolves, never asks.

Stricter than browsers on purpose: what two programs may read in two ways is not asked at all.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from gateway.anatomy import limits
from gateway.anatomy.sight.links import cleaned, scheme_of
from gateway.checks.dns.domains import host_domain
from gateway.facts.outcome import Unknown

_PORTS: Final = {"http": 80, "https": 443}
_PLAIN: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
_NUMBER: Final = re.compile(r"\d+|0x[0-9a-f]*")
_SLASHES: Final = "/\\"


@dataclass(frozen=True, slots=True)
class WebPlace:
    """What is asked: `target` is the path with the query (RFC 9112 section 3.2.1)."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def url(self) -> str:
        """The place as a link."""
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def authority(self) -> str:
        """The host, with its port where that is not the usual one of the scheme."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"


def place_of(url: str) -> WebPlace | Unknown:
    """The place that a link names."""
    if not _PLAIN.fullmatch(url) or len(url) > limits.MAX_URL:
        return Unknown("the address holds odd characters, or too many")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return Unknown("the address is malformed")
    if parts.scheme not in _PORTS:
        return Unknown("the address is not of the web")
    if "@" in parts.netloc:
        return Unknown("the address names a user")
    host = host_domain(parts.hostname or "")
    if host is None or _NUMBER.fullmatch(host.rpartition(".")[2]):
        return Unknown("the host of the address is not a name")
    if port not in (None, *_PORTS.values()):
        return Unknown("the address names an unusual port")
    query = f"?{parts.query}" if parts.query else ""
    return WebPlace(parts.scheme, host, port or _PORTS[parts.scheme], f"{parts.path or '/'}{query}")


def as_read(link: str, *, scheme: str) -> str:
    """A link as browsers read it: slashes may be backslashes and of any number, `scheme` is meant where none stands,
    and what is not of ASCII is escaped. Empty for a link that names no host."""
    text = cleaned(link)
    own = scheme_of(text)
    if own in _PORTS:
        text = f"{own}://{text.partition(':')[2].lstrip(_SLASHES)}"
    elif not own and len(text) - len(text.lstrip(_SLASHES)) > 1:
        text = f"{scheme}://{text.lstrip(_SLASHES)}"
    else:
        return ""
    return quote(text, safe=string.punctuation)


def sent_on(place: WebPlace, location: str) -> str | Unknown:
    """The link to which a place sends its visitors by this Location (RFC 9110 section 10.2.2). Unknown for what is no
    link of the web."""
    link = as_read(location, scheme=place.scheme)
    if link:
        return link[: limits.MAX_URL]
    if scheme_of(cleaned(location)):
        return Unknown("it leads out of the web")
    try:
        return quote(urljoin(place.url, cleaned(location)), safe=string.punctuation)[: limits.MAX_URL]
    except ValueError:
        return Unknown("its answer is malformed")
