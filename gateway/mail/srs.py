"""The Sender Rewriting Scheme: what we forward leaves with a reverse-path of ours, so that SPF vouches for it, and a
bounce comes back to us, who know from the address alone to whom it goes on.

Source: Meng Weng Wong and Shevek, "The Sender Rewriting Scheme" (2004), as postsrsd does it:

    SRS0=CODE=DAY=domain=local@us               from the first forwarder
    SRS1=CODE=first.forwarder==CODE=DAY=...@us  from any further one, whoever stands between

DAY are two letters of base 32: the day, modulo 1024. CODE is ours to choose, since nobody but its maker reads it: eight
letters of base 32, which are the first 40 bits of HMAC-SHA-256 over what follows it, in lower case; so no host that
changes the case of an address breaks it. It holds for 21 days. Knows no mailbox and asks nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.mail.address import MAX_PATH, Address, BadAddress
from gateway.mail.tags import DAY, Flaw, code_over, is_made_with

VALID_DAYS: Final = 21
"""Days for which a bounce may come back; senders give up after five, and bounces wait as long."""

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CYCLE: Final = 1024
"""Days after which the two letters begin again."""

_FIRST: Final = re.compile(r"SRS0[-+=]([A-Z2-7]{8})=([A-Z2-7]{2})=([^=]+)=(.+)\Z", re.IGNORECASE | re.DOTALL)
_FURTHER: Final = re.compile(r"SRS1[-+=]([A-Z2-7]{8})=([^=]+)=([-+=].+)\Z", re.IGNORECASE | re.DOTALL)
_FOREIGN_FIRST: Final = re.compile(r"SRS0([-+=].+)\Z", re.IGNORECASE | re.DOTALL)
_FOREIGN_FURTHER: Final = re.compile(r"SRS1[-+=][^=]*=([^=]+)=([-+=].+)\Z", re.IGNORECASE | re.DOTALL)
_RESERVED: Final = re.compile(r"SRS[01][-+=]", re.IGNORECASE)


def is_srs(address: Address) -> bool:
    """Whether the address looks like one of the scheme's, ours or another forwarder's."""
    return _RESERVED.match(address.local) is not None


@dataclass(frozen=True, slots=True)
class Srs:
    """`domain` is ours, and takes mail. The first of the keys makes codes, all of them read them."""

    domain: str
    keys: tuple[bytes, ...]

    def forwarded(self, path: Address, *, now: float) -> Address | None:
        """The reverse-path with which mail from that one is forwarded; None where no path could be as long. `now` is
        in seconds since the epoch."""
        if further := _FOREIGN_FURTHER.match(path.local):
            local = self._further(*further.groups())
        elif first := _FOREIGN_FIRST.match(path.local):
            local = self._further(path.domain, first[1])
        else:
            rest = f"{_letters_of(int(now // DAY))}={path.domain}={path.local}"
            local = f"SRS0={self._code(rest)}={rest}"
        rewritten = Address(local, self.domain)
        return rewritten if len(str(rewritten).encode("utf-8", "surrogatepass")) <= MAX_PATH else None

    def returned(self, address: Address, *, now: float) -> Address | Flaw:
        """To whom a bounce for an address of ours goes on: the sender, or the first forwarder, who knows him."""
        if first := _FIRST.match(address.local):
            code, day, domain, local = first.groups()
            if not self._holds(code, f"{day}={domain}={local}"):
                return Flaw.FORGED
            return _address(local, domain) if _is_recent(day, int(now // DAY)) else Flaw.EXPIRED
        if further := _FURTHER.match(address.local):
            code, domain, rest = further.groups()
            return _address(f"SRS0{rest}", domain) if self._holds(code, f"{domain}={rest}") else Flaw.FORGED
        return Flaw.MALFORMED

    def _further(self, domain: str, rest: str) -> str:
        return f"SRS1={self._code(f'{domain}={rest}')}={domain}={rest}"

    def _code(self, text: str) -> str:
        return code_over(self.keys[0], text, algorithm="sha256", octets=5, alphabet=_LETTERS)

    def _holds(self, code: str, text: str) -> bool:
        return is_made_with(self.keys, text, code, algorithm="sha256", octets=5, alphabet=_LETTERS)


def _letters_of(day: int) -> str:
    return _LETTERS[day % _CYCLE // 32] + _LETTERS[day % 32]


def _is_recent(letters: str, today: int) -> bool:
    """A day ahead is a clock that was set back."""
    high, low = (_LETTERS.index(each) for each in letters.upper())
    return (today - (32 * high + low) + 1) % _CYCLE <= VALID_DAYS + 1


def _address(local: str, domain: str) -> Address | Flaw:
    """We made a code over nothing but a mailbox; a key that leaked must not make it anything else."""
    try:
        return Address.parse(str(Address(local, domain)))
    except BadAddress:
        return Flaw.MALFORMED
