"""Encrypted PDF (ISO 32000-1 and 32000-2, section 7.6; the standard security handler, revisions 2 to 6): the
key of a user password, and the file in the clear. Many files are locked under the empty password, and every reader
opens them without asking. Knows no certificates; never raises."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.anatomy import ciphers, limits
from gateway.anatomy.documents.pdf_syntax import LENGTH, literal_end, stream_end, string_at
from gateway.anatomy.findings import Findings, Unscannable
from gateway.anatomy.locks import Lock

_ENCRYPT: Final = re.compile(rb"/Encrypt\s{0,20}(?:(\d{1,7})\s{1,20}\d{1,5}\s{1,20}R|(?=<<))")
_IDENTITY: Final = re.compile(rb"/ID\s{0,20}\[\s{0,20}(?=[(<])")
_NUMBER: Final = re.compile(rb"/(V|R|Length|P)\s{1,20}(-?\d{1,10})\b")
_SECRET: Final = re.compile(rb"/(OE|UE|O|U)\s{0,20}(?=[(<])")
_STREAM_FILTER: Final = re.compile(rb"/StmF\s{0,20}/(\w{1,40})")
_METHOD: Final = re.compile(rb"/CFM\s{0,20}/(None|V2|AESV2|AESV3)\b")
_REACH: Final = 8 * 1024
"""Octets of the dictionary that says how the file is encrypted."""

_OBJECT: Final = re.compile(rb"(?<!\d)(\d{1,7})\s{1,20}(\d{1,5})\s{1,20}obj\b")
_OBJECT_END: Final = re.compile(rb"\bendobj\b|(?<!end)stream(?:\r\n|\n|\r)|(?<!\d)\d{1,7}\s{1,20}\d{1,5}\s{1,20}obj\b")
_STRING_START: Final = re.compile(rb"\(|<<|<([0-9A-Fa-f\s]*)>|%[^\r\n]*")

_PAD: Final = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
_AES_SALT: Final = b"sAlT"
_ROUNDS, _STREAM_ROUNDS = 50, 19
_HARDENED, _MIN_ROUNDS = 6, 64


@dataclass(frozen=True, slots=True)
class Security:
    """How a file is encrypted. `size` is that of the key in octets; `secrets` are O, U, OE and UE; `number` is the
    object that says all this."""

    number: int
    revision: int
    size: int
    method: str
    permissions: int
    identity: bytes
    secrets: dict[str, bytes]
    encrypts_metadata: bool

    def key(self, password: bytes) -> bytes | None:
        """The key of the file, or None where this is not the user password."""
        return self._newer_key(password) if self.revision >= 5 else self._older_key(password)

    def _older_key(self, password: bytes) -> bytes | None:
        """Algorithms 2, 4 and 5."""
        padded = (password + _PAD)[:32]
        permissions = (self.permissions & 0xFFFFFFFF).to_bytes(4, "little")
        hashed = _md5(padded + self.secrets["O"][:32] + permissions + self.identity)
        if self.revision >= 4 and not self.encrypts_metadata:
            hashed = _md5(padded + self.secrets["O"][:32] + permissions + self.identity + b"\xff\xff\xff\xff")
        if self.revision == 2:
            key = hashed[: self.size]
            return key if ciphers.streamed(key, _PAD) == self.secrets["U"][:32] else None
        for _ in range(_ROUNDS):
            hashed = _md5(hashed[: self.size])
        key = hashed[: self.size]
        proof = ciphers.streamed(key, _md5(_PAD + self.identity))
        for number in range(1, _STREAM_ROUNDS + 1):
            proof = ciphers.streamed(bytes(octet ^ number for octet in key), proof)
        return key if proof == self.secrets["U"][:16] else None

    def _newer_key(self, password: bytes) -> bytes | None:
        """Algorithm 2.A."""
        password, proof = password[:127], self.secrets["U"]
        if self._hashed(password, proof[32:40]) != proof[:32]:
            return None
        return ciphers.chained(self._hashed(password, proof[40:48]), bytes(16), self.secrets["UE"][:32])

    def _hashed(self, password: bytes, salt: bytes) -> bytes:
        """Algorithm 2.B; plain SHA-256 in revision 5."""
        hashed = hashlib.sha256(password + salt).digest()
        if self.revision < _HARDENED:
            return hashed
        number = 0
        while True:
            sealed = ciphers.chain(hashed[:16], hashed[16:32], (password + hashed) * 64)
            which = sum(sealed[:16]) % 3  # the number that they make, modulo 3: 256 is one more than a multiple
            hashed = (hashlib.sha256, hashlib.sha384, hashlib.sha512)[which](sealed).digest()
            number += 1
            if number >= _MIN_ROUNDS and sealed[-1] <= number - 32:
                return hashed[:32]

    def deciphered(self, octets: bytes, key: bytes, number: int, generation: int) -> bytes:
        """A string or stream of one object in the clear (algorithm 1)."""
        if self.method == "None":
            return octets
        if self.method != "AESV3":
            salt = _AES_SALT if self.method == "AESV2" else b""
            place = number.to_bytes(3, "little") + generation.to_bytes(3, "little")[:2]
            key = _md5(key + place + salt)[: min(16, self.size + 5)]
        if self.method == "V2":
            return ciphers.streamed(key, octets) if octets else octets
        plain = ciphers.chained(key, octets[:16], octets[16:]) if len(octets) >= 32 else b""
        return plain[: -plain[-1]] if plain and 1 <= plain[-1] <= 16 else plain


def lock_of(octets: bytes, security: Security) -> Lock:
    """The lock of a file whose user password is not the empty one."""

    def content(password: bytes, findings: Findings) -> bytes | None:
        key = security.key(password)
        if key is None or not findings.may_decode(len(octets)):
            return None
        return unlocked(octets, security, key)

    return Lock(content, Unscannable.DOCUMENT_ENCRYPTED, tries=limits.MAX_PASSWORDS)


def security_of(octets: bytes) -> Security | None:
    """How a file is encrypted; None where it is not, or in a way that we do not know."""
    references = list(_ENCRYPT.finditer(octets))
    if not references:
        return None
    reference = references[-1]  # that of the newest trailer
    number, described = -1, octets[reference.end() : reference.end() + _REACH]
    if reference[1] is not None:
        number = int(reference[1])
        found = [each for each in _OBJECT.finditer(octets) if int(each[1]) == number]
        if not found:
            return None
        described = octets[found[-1].end() : found[-1].end() + _REACH].partition(b"endobj")[0]
    secrets = {found[1].decode(): string_at(described, found.end()) for found in _SECRET.finditer(described)}
    numbers = {name.decode(): int(value) for name, value in reversed(_NUMBER.findall(described))}
    version, revision = numbers.get("V", 0), numbers.get("R", 0)
    if b"/Standard" not in described or not {"O", "U"} <= secrets.keys() or not 2 <= revision <= 6:
        return None
    method = _method(described, version)
    if method is None or (method == "AESV3") != (revision >= 5):
        return None
    if revision >= 5 and (len(secrets["U"]) < 48 or len(secrets.get("UE", b"")) < 32):
        return None
    size = 16 if version >= 4 else 5 if version == 1 else max(5, min(16, numbers.get("Length", 40) // 8))
    if not ciphers.streams_with(size) or not ciphers.streams_with(min(16, size + 5)):
        return None
    identity = _IDENTITY.search(octets)
    return Security(
        number,
        revision,
        size,
        method,
        numbers.get("P", 0),
        string_at(octets, identity.end()) if identity else b"",
        secrets,
        re.search(rb"/EncryptMetadata\s{1,20}false", described) is None,
    )


def unlocked(octets: bytes, security: Security, key: bytes) -> bytes:
    """The file in the clear, with nothing in it that says that it is encrypted."""
    return b"".join(_pieces(octets, security, key))


def _pieces(octets: bytes, security: Security, key: bytes) -> Iterator[bytes]:
    position = strings = 0
    while (match := _OBJECT.search(octets, position)) is not None:
        yield _open(octets[position : match.end()])
        number, generation = int(match[1]), int(match[2])
        end = _OBJECT_END.search(octets, match.end())
        text = octets[match.end() : end.start() if end else len(octets)]
        position = match.end() + len(text)
        if number == security.number:
            continue
        is_stream = end is not None and end[0].startswith(b"stream")
        if b"/XRef" not in text and strings < limits.MAX_PDF_STRINGS:
            count, text = _with_plain_strings(text, security, key, (number, generation))
            strings += count
        if end is None or not is_stream:
            yield _open(text)
            continue
        start, stop = end.end(), stream_end(octets, end.end(), text)
        content = octets[start:stop]
        if b"/XRef" not in text and not (b"/Crypt" in text and b"/Identity" in text):
            content = security.deciphered(content, key, number, generation)
            text = LENGTH.sub(b"/Length %d" % len(content), text)
        yield _open(text) + b"stream\n" + content + b"\n"
        position = stop


def _open(text: bytes) -> bytes:
    return text.replace(b"/Encrypt", b"/Opened")


def _with_plain_strings(text: bytes, security: Security, key: bytes, place: tuple[int, int]) -> tuple[int, bytes]:
    """The text of an object with its strings in the clear, and how many there were."""
    pieces: list[bytes] = []
    position = count = 0
    while count < limits.MAX_PDF_STRINGS and (match := _STRING_START.search(text, position)) is not None:
        pieces.append(text[position : match.start()])
        position = match.end()
        if match[0] == b"(":
            position = literal_end(text, match.start())
        elif match[1] is None:
            pieces.append(match[0])
            continue
        sealed = string_at(text, match.start())
        pieces.append(b"<" + security.deciphered(sealed, key, *place).hex().encode() + b">")
        count += 1
    return count, b"".join((*pieces, text[position:]))


def _method(described: bytes, version: int) -> str | None:
    """The cipher of streams: files of version 4 and 5 name it, older ones know one alone."""
    if version in (1, 2):
        return "V2"
    name = _STREAM_FILTER.search(described)
    if version not in (4, 5) or name is None or name[1] == b"Identity":
        return None
    found = _METHOD.search(described, max(0, described.find(b"/" + name[1])))
    return found[1].decode() if found else None


def _md5(octets: bytes) -> bytes:
    return hashlib.md5(octets, usedforsecurity=False).digest()


_md5(b"")  # loaded here: in the jail nothing can be
