"""Locked archive members and their keys: passwords that stand in the message's own text, the old cipher of ZIP (APPNOTE
6.1) and the AES of WinZip (AE-1 and AE-2). Whoever sends the key beside the lock hides from scanners and from nobody
else."""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.anatomy import ciphers, limits
from gateway.anatomy.findings import Findings, Unscannable

_SALT: Final = 12
_ROUNDS, _CODE = 1000, 10
_TABLE: Final = tuple(zlib.crc32(bytes([octet]), 0xFFFFFFFF) ^ 0xFFFFFFFF for octet in range(256))
"""The table of CRC-32, from the library's own: its pre- and postconditioning taken out."""

_WORD: Final = re.compile(
    r"pass(?:word|code|wor[dt]|phrase|e)?\b|\bpwd?\b|\bpin\b|\bcode\b|kennwort|contrase(?:ñ|n)a|\bclave\b|senha|parola"
    r"|has[lł]o|şifre|wachtwoord|l(?:ö|o)senord|salasana|парол|密码|密碼|パスワード|암호|비밀번호",
    re.IGNORECASE,
)
_REACH: Final = 120
_TOKENS_AFTER, _TOKENS_BEFORE = 8, 3
_AROUND: Final = "\"'`´‘’‚“”„«»‹›<>()[]{}*_"
_BEHIND: Final = ".,;:!?。、"


@dataclass(frozen=True, slots=True)
class Lock:
    """Something that a password may open.

    `content` gives what is behind it; None where the password is wrong, or what it opens is out of bounds. `reason` is
    what to call it if no password fits. `tries`: how many may be tried, for some locks are slow on purpose. `weight`:
    octets to be deciphered for one try; none where nothing but the key costs until it fits.
    """

    content: Callable[[bytes, Findings], bytes | None]
    reason: Unscannable
    tries: int
    weight: int = 0


@dataclass(frozen=True, slots=True)
class OldCipher:
    """Packed octets behind twelve of salt, and what tells a wrong key."""

    packed: bytes
    checks: frozenset[int]

    def opened_by(self, password: bytes) -> bytes | None:
        """The packed octets, or None where the password is not the one: 1 of 256 wrong ones passes, so check `crc`."""
        keys = _keys(password)
        salt, keys = _deciphered(self.packed[:_SALT], keys)
        if len(salt) < _SALT or salt[-1] not in self.checks:
            return None
        return _deciphered(self.packed[_SALT:], keys)[0]


@dataclass(frozen=True, slots=True)
class WinZipCipher:
    """Salt, two octets that tell a wrong key, packed octets, ten octets of their authentication code. `size` is that of
    the key in octets."""

    packed: bytes
    size: int

    def opened_by(self, password: bytes) -> bytes | None:
        """The packed octets, or None where the password is not the one."""
        salt_size = self.size // 2
        derived = hashlib.pbkdf2_hmac("sha1", password, self.packed[:salt_size], _ROUNDS, 2 * self.size + 2)
        if derived[-2:] != self.packed[salt_size : salt_size + 2]:
            return None
        sealed = self.packed[salt_size + 2 : -_CODE]
        code = hmac.digest(derived[self.size : 2 * self.size], sealed, "sha1")[:_CODE]
        return ciphers.counted(derived[: self.size], sealed) if code == self.packed[-_CODE:] else None


_Keys = tuple[int, int, int]


def _keys(password: bytes) -> _Keys:
    first, second, third = 0x12345678, 0x23456789, 0x34567890
    for octet in password:
        first = (first >> 8) ^ _TABLE[(first ^ octet) & 0xFF]
        second = ((second + (first & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        third = (third >> 8) ^ _TABLE[(third ^ (second >> 24)) & 0xFF]
    return first, second, third


def _deciphered(octets: bytes, keys: _Keys) -> tuple[bytes, _Keys]:
    first, second, third = keys
    table = _TABLE
    plain = bytearray(len(octets))
    for index, octet in enumerate(octets):
        mixed = third | 2
        octet ^= ((mixed * (mixed ^ 1)) >> 8) & 0xFF
        plain[index] = octet
        first = (first >> 8) ^ table[(first ^ octet) & 0xFF]
        second = ((second + (first & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        third = (third >> 8) ^ table[(third ^ (second >> 24)) & 0xFF]
    return bytes(plain), (first, second, third)


def passwords_in(texts: Sequence[str]) -> tuple[bytes, ...]:
    """What may be a password in these texts, the likeliest first: words near one that announces it, then all with a
    digit in them."""
    found: dict[bytes, None] = {}
    for text in texts:
        for candidate in _announced(text):
            _add(found, candidate)
    for text in texts:
        for token in text[: limits.MAX_PASSWORD_TEXT].split():
            if len(token) <= 32 and any(map(str.isdigit, token)):
                _add(found, token)
    return tuple(found)


def _announced(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text):
        yield from text[match.end() : match.end() + _REACH].split()[:_TOKENS_AFTER]
        yield from text[max(0, match.start() - _REACH) : match.start()].split()[-_TOKENS_BEFORE:]
        if match.end() > limits.MAX_PASSWORD_TEXT:
            return


def _add(found: dict[bytes, None], token: str) -> None:
    """A token as it stands, and without what writing puts around it."""
    bare = token.lstrip(":=").strip(_AROUND).rstrip(_BEHIND).strip(_AROUND)
    for each in (bare, token):
        if 1 <= len(each) <= limits.MAX_PASSWORD and len(found) < limits.MAX_PASSWORDS:
            found[each.encode("utf-8", "replace")] = None
