"""Encrypted Office packages (MS-OFFCRYPTO sections 2.3.4.5 to 2.3.4.15: standard and agile encryption): the key of a
password, and the package in the clear. Excel opens what is locked under its own default password without asking, which
hides a workbook from scanners and from nobody else. Knows no certificates; never raises."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.anatomy import ciphers, limits
from gateway.anatomy.findings import Findings, Unscannable
from gateway.anatomy.locks import Lock

DEFAULT_PASSWORD: Final = b"VelvetSweatshop"
"""What Excel tries before it asks (MS-OFFCRYPTO section 2.4.2.3)."""

_STANDARD_SPINS: Final = 50_000
_MAX_SPINS: Final = 200_000
"""Rounds of one key. Office writes 100,000, a tenth of a second; what asks for more is not tried."""
_SEGMENT: Final = 4096
_KEY_BITS: Final = frozenset(map(str, (128, 192, 256)))
_HASHES: Final = {"SHA1": "sha1", "SHA-1": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
_PROOF_INPUT: Final = bytes.fromhex("fea7d2763b4b9e79")
_PROOF_VALUE: Final = bytes.fromhex("d7aa0f6d3061344e")
_KEY_VALUE: Final = bytes.fromhex("146e0be7abacd0d6")
_ELEMENT: Final = {
    name: re.compile(rb"<(?:\w+:)?" + name + rb"\b([^>]{1,2000})>") for name in (b"keyData", b"encryptedKey")
}
_ATTRIBUTE: Final = re.compile(rb"(\w+)\s*=\s*[\"']([^\"']{0,1000})[\"']")


class Scheme(Protocol):
    """One way of encryption."""

    def key(self, password: bytes) -> bytes | None:
        """The key of the package, or None where this is not the password."""

    def deciphered(self, octets: bytes, key: bytes) -> bytes:
        """The package without the size in front of it."""


@dataclass(frozen=True, slots=True)
class Standard:
    """AES under a key of SHA-1 (section 2.3.4.5). `size` is that of the key in octets."""

    size: int
    salt: bytes
    verifier: bytes
    verifier_hash: bytes

    def key(self, password: bytes) -> bytes | None:
        hashed = _spun("sha1", self.salt + _wide(password), _STANDARD_SPINS)
        hashed = hashlib.sha1(hashed + bytes(4), usedforsecurity=False).digest()
        halves = b"".join(
            hashlib.sha1(bytes(octet ^ mask for octet in hashed.ljust(64, b"\0")), usedforsecurity=False).digest()
            for mask in (0x36, 0x5C)
        )
        key = halves[: self.size]
        proof = hashlib.sha1(ciphers.each_block(key, self.verifier), usedforsecurity=False).digest()
        return key if ciphers.each_block(key, self.verifier_hash)[:20] == proof else None

    def deciphered(self, octets: bytes, key: bytes) -> bytes:
        return ciphers.each_block(key, octets)


@dataclass(frozen=True, slots=True)
class Agile:
    """AES in segments, all told in XML (section 2.3.4.10): attributes of the package's key and of the password's."""

    package: dict[str, str]
    locked: dict[str, str]

    def key(self, password: bytes) -> bytes | None:
        name, salt, size = _HASHES[self.locked["hashAlgorithm"]], _octets(self.locked, "saltValue"), self._size
        spun = _spun(name, salt + _wide(password), int(self.locked["spinCount"]))

        def opened(block: bytes, attribute: str) -> bytes:
            key = _fitted(hashlib.new(name, spun + block, usedforsecurity=False).digest(), size)
            return ciphers.chained(key, _fitted(salt, 16), _octets(self.locked, attribute))

        proof = hashlib.new(name, opened(_PROOF_INPUT, "encryptedVerifierHashInput"), usedforsecurity=False).digest()
        if opened(_PROOF_VALUE, "encryptedVerifierHashValue")[: len(proof)] != proof:
            return None
        key = opened(_KEY_VALUE, "encryptedKeyValue")[: int(self.package["keyBits"]) // 8]
        return key if len(key) in (16, 24, 32) else None

    def deciphered(self, octets: bytes, key: bytes) -> bytes:
        name, salt = _HASHES[self.package["hashAlgorithm"]], _octets(self.package, "saltValue")
        return b"".join(
            ciphers.chained(
                key,
                _fitted(hashlib.new(name, salt + struct.pack("<L", number), usedforsecurity=False).digest(), 16),
                octets[at : at + _SEGMENT],
            )
            for number, at in enumerate(range(0, len(octets), _SEGMENT))
        )

    @property
    def _size(self) -> int:
        return int(self.locked["keyBits"]) // 8


def lock_of(described: bytes, package: bytes) -> Lock | None:
    """The lock that the streams EncryptionInfo and EncryptedPackage make; None for what we do not know."""
    try:
        major, minor = struct.unpack_from("<HH", described)
        scheme = _agile(described[8:]) if (major, minor) == (4, 4) else _standard(described) if minor == 2 else None
        (size,) = struct.unpack_from("<Q", package)
    except (struct.error, KeyError, ValueError):
        return None
    return _lock(package[8:], size, scheme) if scheme is not None else None


def _lock(packed: bytes, size: int, scheme: Scheme) -> Lock:
    """The lock of a package in which so many octets are."""

    def content(password: bytes, findings: Findings) -> bytes | None:
        try:
            key = scheme.key(password)
            if key is None or not findings.may_decode(len(packed)):
                return None
            return scheme.deciphered(packed, key)[:size]
        except (KeyError, ValueError):  # values that the encryption should tell are missing, or make no sense
            return None

    return Lock(content, Unscannable.DOCUMENT_ENCRYPTED, tries=limits.MAX_SLOW_PASSWORDS)


def _standard(described: bytes) -> Standard | None:
    (header_size,) = struct.unpack_from("<L", described, 8)
    algorithm, _, key_bits = struct.unpack_from("<LLL", described, 12 + 8)
    if algorithm not in (0x660E, 0x660F, 0x6610) or key_bits not in (128, 192, 256):
        return None
    at = 12 + header_size
    (salt_size,) = struct.unpack_from("<L", described, at)
    rest = described[at + 4 + salt_size :]
    if salt_size != 16 or len(rest) < 52:
        return None
    return Standard(key_bits // 8, described[at + 4 : at + 20], rest[:16], rest[20:52])


def _agile(xml: bytes) -> Agile | None:
    told: list[dict[str, str]] = []
    for pattern in _ELEMENT.values():
        element = pattern.search(xml)
        if element is None:
            return None
        told.append({name.decode(): value.decode("ascii") for name, value in _ATTRIBUTE.findall(element[1])})
    found = Agile(*told)
    for part in told:
        is_known = part["hashAlgorithm"] in _HASHES and part["cipherAlgorithm"] == "AES"
        if not is_known or part["cipherChaining"] != "ChainingModeCBC" or part["keyBits"] not in _KEY_BITS:
            return None
    return found if int(found.locked["spinCount"]) <= _MAX_SPINS else None


def _spun(name: str, start: bytes, spins: int) -> bytes:
    """A hash, and the hash of its number and itself so many times."""
    hashed = hashlib.new(name, start, usedforsecurity=False).digest()
    make = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}[name]
    for number in range(spins):
        hashed = make(number.to_bytes(4, "little") + hashed).digest()
    return hashed


def _fitted(octets: bytes, size: int) -> bytes:
    return octets[:size].ljust(size, b"\x36")


def _octets(attributes: dict[str, str], name: str) -> bytes:
    try:
        return base64.b64decode(attributes[name])
    except binascii.Error:
        return b""


def _wide(password: bytes) -> bytes:
    return password.decode("utf-8", "replace").encode("utf-16-le")


for _name in set(_HASHES.values()):  # loaded here: in the jail nothing can be
    hashlib.new(_name, usedforsecurity=False)
