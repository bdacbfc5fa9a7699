"""What SRS and BATV share: a code over some text that only we can make, for the left side of an address of ours, and
what can be wrong with one that comes back. Pure; the keys are passed in.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from enum import Enum

DAY = 86400


class Flaw(Enum):
    """Why an address of ours that carries a tag does not hold."""

    MALFORMED = "is malformed"
    FORGED = "is forged"
    EXPIRED = "has expired"


def is_made_with(keys: Sequence[bytes], text: str, code: str, *, algorithm: str, octets: int, alphabet: str) -> bool:
    """Whether the code was made over the text with any of the keys. Hosts on the way may change its case."""
    codes = [code_over(key, text, algorithm=algorithm, octets=octets, alphabet=alphabet) for key in keys]
    given = code.upper().encode("ascii", "replace")
    return any(hmac.compare_digest(each.encode("ascii"), given) for each in codes)


def code_over(key: bytes, text: str, *, algorithm: str, octets: int, alphabet: str) -> str:
    """The first octets of an HMAC over the text in lower case, written in an alphabet of 16 or 32 letters."""
    digest = hmac.digest(key, text.lower().encode("utf-8", "surrogatepass"), algorithm)[:octets]
    bits = (len(alphabet) - 1).bit_length()
    number = int.from_bytes(digest, "big")
    return "".join(alphabet[number >> place & (len(alphabet) - 1)] for place in range(octets * 8 - bits, -1, -bits))
