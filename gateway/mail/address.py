"""Mailbox addresses as they stand in the envelope (RFC 5321 section 4.1.2), and nothing else.

Never parses header fields (that is `headers.py`), never resolves a domain.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

# RFC 5321 section 4.5.3.1: the limits of the parts of an address, in octets.
MAX_LOCAL: Final = 64
MAX_DOMAIN: Final = 255
MAX_PATH: Final = 256

# What RFC 6531 adds: characters that UTF-8 can hold, without the control characters of Latin-1.
_UTF8 = r"\u00a1-\ud7ff\ue000-\U0010ffff"
_ATEXT = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~\-{_UTF8}]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*\Z")
_QUOTED_STRING = re.compile(rf'"(?:[\x20\x21\x23-\x5b\x5d-\x7e{_UTF8}]|\\[\x20-\x7e])*"\Z')
_LABEL = rf"[A-Za-z0-9{_UTF8}](?:[A-Za-z0-9\-_{_UTF8}]{{0,61}}[A-Za-z0-9{_UTF8}])?"  # RFC 1035 section 2.3.4
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\Z")
_LITERAL = re.compile(r"\[(?:\d{1,3}(?:\.\d{1,3}){3}|ipv6:[0-9a-f:.]{2,45})\]\Z")
_SAFE_UNQUOTED = _DOT_STRING
_CARRIES_ANOTHER = re.compile(r"(?:SRS[01][-+=]|prvs=)", re.IGNORECASE)


class BadAddress(ValueError):
    """The text is not a mailbox by RFC 5321 section 4.1.2. The message says what is wrong, in words fit for a reply."""


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox. `local` is unquoted and keeps its case, `domain` is in lower case without a trailing dot.

    An address literal keeps its brackets in `domain`. Equality is exact; compare `key` where mailboxes are meant, since
    no host that we meet tells `Bob` from `bob`.
    """

    local: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `local@domain` without angle brackets. Raises `BadAddress`."""
        local, at, domain = text.rpartition("@")
        if not at:
            raise BadAddress("an address needs a domain")
        if len(text.encode("utf-8", "surrogatepass")) > MAX_PATH:
            raise BadAddress("the address is too long")
        if local.startswith('"'):
            if not _QUOTED_STRING.match(local):
                raise BadAddress("the quoted local part is malformed")
            local = re.sub(r"\\(.)", r"\1", local[1:-1])
        elif not _DOT_STRING.match(local):
            raise BadAddress("the local part is malformed")
        # An address that carries another one within it (SRS, BATV) is longer than people's, and we must read our own:
        # RFC 5321 section 4.5.3.1 wants limits passed where one can.
        limit = MAX_PATH if _CARRIES_ANOTHER.match(local) else MAX_LOCAL
        if not local or len(local.encode("utf-8", "surrogatepass")) > limit:
            raise BadAddress("the local part is empty or too long")
        domain = domain.removesuffix(".").lower()
        if not domain or len(domain.encode("utf-8", "surrogatepass")) > MAX_DOMAIN:
            raise BadAddress("the domain is empty or too long")
        if not (is_literal(domain) if domain.startswith("[") else _DOMAIN.match(domain)):
            raise BadAddress("the domain is malformed")
        return cls(local, domain)

    @property
    def key(self) -> str:
        """The form under which mailboxes are looked up and compared: all in lower case."""
        return f"{self.local}@{self.domain}".lower()

    @property
    def is_ascii(self) -> bool:
        """Whether the address can travel without SMTPUTF8 (RFC 6531)."""
        return self.local.isascii() and self.domain.isascii()

    @property
    def twin(self) -> Address | None:
        """The same mailbox with its domain in the other spelling of RFC 5890 section 2.3.2.1: A-labels (`xn--...`) for
        letters beyond ASCII, or these for A-labels. None where there is no other."""
        try:
            labels = [_other_label(each) for each in self.domain.split(".")]
        except UnicodeError:
            return None
        domain = ".".join(labels)
        if domain == self.domain or len(domain.encode()) > MAX_DOMAIN or not _DOMAIN.match(domain):
            return None
        return Address(self.local, domain)

    def __str__(self) -> str:
        if _SAFE_UNQUOTED.match(self.local):
            return f"{self.local}@{self.domain}"
        quoted = self.local.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"@{self.domain}'


def _other_label(label: str) -> str:
    if label.startswith("xn--"):
        return label[4:].encode("ascii").decode("punycode")
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def is_literal(domain: str) -> bool:
    """Whether text in lower case is an address literal of either family (RFC 5321 section 4.1.3)."""
    if not _LITERAL.match(domain):
        return False
    try:
        if domain.startswith("[ipv6:"):
            ipaddress.IPv6Address(domain[6:-1])
        else:
            ipaddress.IPv4Address(domain[1:-1])
    except ValueError:
        return False
    return True


ReversePath = Address | None
"""The MAIL FROM of a transaction; None is the null reverse-path `<>` of RFC 5321 section 4.5.5."""


def path_text(path: ReversePath) -> str:
    """The path without angle brackets; the null reverse-path is the empty string."""
    return "" if path is None else str(path)
