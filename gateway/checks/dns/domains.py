"""Domain names as checks compare and ask them: lower case, A-labels (RFC 5890 section 2.3), no trailing dot.

Total: any text gives a name or None. Never asks the DNS whether a name exists.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import idna

# RFC 1035 section 2.3.4, less the root label and its length octet.
MAX_NAME: Final = 253
MAX_LABEL: Final = 63

_HOST_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\Z")
_ROOT: Final = "."


@lru_cache(maxsize=4096)
def dns_name(text: str) -> str | None:
    """The name in the form under which it is asked and kept, or None where the DNS cannot hold such a name.

    The root is ".". ASCII labels may hold any octet; the others must be valid by IDNA 2008 with the mapping of UTS 46.
    """
    if text == _ROOT:
        return text
    name = text.removesuffix(".")
    if not name.isascii():
        try:
            name = ".".join(label if label.isascii() else _a_label(label) for label in name.split("."))
        except (idna.IDNAError, UnicodeError):
            return None
    name = name.lower()
    labels = name.split(".")
    if len(name) > MAX_NAME or not all(0 < len(label) <= MAX_LABEL for label in labels):
        return None
    return name


@lru_cache(maxsize=4096)
def host_domain(text: str) -> str | None:
    """The name of a domain that can send mail: `dns_name` with two labels at least, of letters, digits, hyphens and
    underscores, the last of which is not a number (RFC 5321 section 2.3.5); else None."""
    name = dns_name(text)
    if name is None or "." not in name or name == _ROOT:
        return None
    labels = name.split(".")
    if labels[-1].isdigit() or not all(_HOST_LABEL.match(label) for label in labels):
        return None
    return name


def is_within(name: str, ancestor: str) -> bool:
    """Whether a name is the ancestor itself or lies below it. Both as `dns_name` gives them."""
    return name == ancestor or name.endswith("." + ancestor)


def suffix(name: str, labels: int) -> str:
    """The last labels of a name: `suffix("a.b.example", 2)` is `b.example`."""
    return ".".join(name.split(".")[-labels:])


def _a_label(label: str) -> str:
    if len(label) > MAX_NAME:
        raise idna.IDNAError("label too long")  # the encoder takes quadratic time over long input
    return idna.encode(label, uts46=True).decode("ascii")
