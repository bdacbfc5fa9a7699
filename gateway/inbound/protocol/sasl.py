"""SASL mechanisms PLAIN (RFC 4616) and LOGIN: octets to login and password. Pure; checks nobody's password."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Final

MECHANISMS: Final = ("PLAIN", "LOGIN")
LOGIN_ASKS: Final = tuple(b64encode(prompt).decode() for prompt in (b"Username:", b"Password:"))
"""What LOGIN says before each answer; there is no standard, and these words are what clients look for."""

MAX_CREDENTIAL: Final = 1024


class BadCredentials(ValueError):
    """What the client sent does not follow the mechanism."""


def decode(text: str) -> str:
    """One base64 answer as text; `=` is the empty answer (RFC 4954 section 4). Raises `BadCredentials`."""
    if text == "=":
        return ""
    try:
        credential = b64decode(text.encode("ascii"), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise BadCredentials("not base64 of UTF-8") from error
    if len(credential) > 2 * MAX_CREDENTIAL:
        raise BadCredentials("too long")
    return credential


def plain(credential: str) -> tuple[str, str]:
    """Login and password of a PLAIN answer. To act for somebody else is not offered: `authzid` must be empty or the
    login. Raises `BadCredentials`."""
    parts = credential.split("\0")
    if len(parts) != 3:
        raise BadCredentials("not authzid, authcid and password")
    acts_for, login, password = parts
    if acts_for not in ("", login) or not login or not password:
        raise BadCredentials("no login, no password, or another identity")
    return login, password
