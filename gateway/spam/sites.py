"""Names of hosts as far as one owner has them, and texts as bare letters, so that a name can be found in a domain, and
a domain in a text. Rough on purpose: no list of public suffixes, no network.
"""

from __future__ import annotations

from typing import Final

SECOND: Final = frozenset({"co", "com", "org", "net", "ac", "gov", "edu", "or", "ne"})
LEAST_LETTERS: Final = 4
"""Shorter names of owners stand in too many words by chance to be looked for."""

_PUNCTUATION: Final = bytes(code for code in range(128) if not chr(code).isalnum())


def site_of(host: str) -> str:
    """The part of a host name that one owner has, roughly: two labels, or three below a country's "co" or "com"."""
    labels = host.lower().rsplit(".", 3)
    if len(labels) >= 3 and len(labels[-1]) == 2 and labels[-2] in SECOND:
        return ".".join(labels[-3:])
    return ".".join(labels[-2:])


def owner_of(host: str) -> str:
    """The name that the owner gave to the site: its first label as bare letters and digits."""
    return bare(site_of(host).partition(".")[0])


def bare(text: str) -> str:
    """The text in lower case without blanks and ASCII punctuation."""
    # By octets, of which those of other characters are never ASCII: far quicker than by characters.
    octets = text.lower().encode("utf-8", "surrogatepass")
    return octets.translate(None, _PUNCTUATION).decode("utf-8", "surrogatepass")


def is_named(owner: str, bare_text: str) -> bool:
    """Whether an owner's name stands in a bare text; short names never do."""
    return len(owner) >= LEAST_LETTERS and owner in bare_text
