"""Bounce Address Tag Validation: what we send leaves with a reverse-path that only we can make, so that a bounce of
mail that we never sent (backscatter) is known by its recipient alone.

Source: draft-levine-smtp-batv-01, the method PRVS:

    prvs=KDDDSSSSSS=local@domain

K is the number of the key (0), DDD the day on which the address ends, modulo 1000, SSSSSS the first three octets of
HMAC-SHA-1 over K, DDD and the address, in hexadecimal. SHA-1 is what the draft says; a guess is right once in 16
million. The address counts in lower case, since hosts on the way may change its case. Knows no mailbox and asks nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.mail.address import MAX_PATH, Address
from gateway.mail.tags import DAY, Flaw, code_over, is_made_with

VALID_DAYS: Final = 7

_DIGITS: Final = "0123456789ABCDEF"
_CYCLE: Final = 1000
_TAGGED: Final = re.compile(r"prvs=(\d)(\d{3})([0-9A-F]{6})=(.+)\Z", re.IGNORECASE | re.DOTALL | re.ASCII)
_RESERVED: Final = re.compile(r"prvs=", re.IGNORECASE)


def is_prvs(address: Address) -> bool:
    """Whether the address looks like one with a tag, ours or another's."""
    return _RESERVED.match(address.local) is not None


@dataclass(frozen=True, slots=True)
class Batv:
    """The first of the keys makes tags, all of them read them."""

    keys: tuple[bytes, ...]

    def tagged(self, path: Address, *, now: float) -> Address | None:
        """The reverse-path with which mail of ours leaves; None where no path could be as long. One that has a tag
        keeps it. `now` is in seconds since the epoch."""
        if is_prvs(path):
            return path
        ends = f"0{(int(now // DAY) + VALID_DAYS) % _CYCLE:03d}"
        code = code_over(self.keys[0], ends + path.key, algorithm="sha1", octets=3, alphabet=_DIGITS)
        tagged = Address(f"prvs={ends}{code.lower()}={path.local}", path.domain)
        return tagged if len(str(tagged).encode("utf-8", "surrogatepass")) <= MAX_PATH else None

    def untagged(self, address: Address, *, now: float) -> Address | Flaw:
        """The address that stands behind a tag of ours which holds."""
        found = _TAGGED.match(address.local)
        if found is None:
            return Flaw.MALFORMED
        number, day, code, local = found.groups()
        plain = Address(local, address.domain)
        text = f"{number}{day}{plain.key}"
        if not is_made_with(self.keys, text, code, algorithm="sha1", octets=3, alphabet=_DIGITS):
            return Flaw.FORGED
        left = (int(day) - int(now // DAY)) % _CYCLE
        return plain if left <= VALID_DAYS else Flaw.EXPIRED
