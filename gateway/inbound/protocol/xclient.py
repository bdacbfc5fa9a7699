"""The attributes of XCLIENT (Postfix, XCLIENT_README): what a trusted host says about the client that it speaks for.
Pure. LOGIN is not among them: who signs in proves it here.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Final

from gateway.inbound.protocol.commands import BadCommand, is_host_name
from gateway.mail import replies

NAMES: Final = ("NAME", "ADDR", "PORT", "PROTO", "HELO")
"""What EHLO offers."""

UNAVAILABLE: Final = "[UNAVAILABLE]"
FAILED: Final = "[TEMPUNAVAIL]"
MAX_PORT: Final = 65535

_HEX = re.compile(r"\+([0-9A-Fa-f]{2})")
_XTEXT = re.compile(r"(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-Fa-f]{2})+\Z")


@dataclass(frozen=True, slots=True)
class Told:
    """What was said; None where nothing was. `name` is empty where the host has none; `name_failed` when it could not
    be looked up. An `esmtp` of True means that the client said EHLO."""

    ip: str | None = None
    port: int | None = None
    name: str | None = None
    name_failed: bool = False
    helo: str | None = None
    esmtp: bool | None = None


def parse(argument: str) -> Told:
    """Read `NAME=value ...`. Raises `BadCommand`."""
    told = Told()
    seen: set[str] = set()
    for item in argument.split():
        name, equals, encoded = item.partition("=")
        name = name.upper()
        if not equals or name in seen or not _XTEXT.match(encoded):
            raise BadCommand(replies.BAD_SYNTAX)
        seen.add(name)
        told = _with(told, name, _HEX.sub(lambda match: chr(int(match[1], 16)), encoded))
    if not seen:
        raise BadCommand(replies.BAD_SYNTAX)
    return told


def _with(told: Told, name: str, value: str) -> Told:
    is_missing = value.upper() in (UNAVAILABLE, FAILED)
    match name:
        case "ADDR" if not is_missing:
            return replace(told, ip=_address(value))
        case "PORT" if not is_missing:
            return replace(told, port=_port(value))
        case "NAME" if is_missing:
            failed = value.upper() == FAILED
            return replace(told, name=None if failed else "", name_failed=failed)
        case "NAME" if is_host_name(value):
            return replace(told, name=value.lower())
        case "HELO" if not is_missing and is_host_name(value):
            return replace(told, helo=value)
        case "PROTO" if value.upper() in ("SMTP", "ESMTP"):
            return replace(told, esmtp=value.upper() == "ESMTP")
        case "PORT" | "HELO" | "LOGIN" if is_missing:
            return told
    raise BadCommand(replies.BAD_SYNTAX)


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value[5:] if value[:5].upper() == "IPV6:" else value))
    except ValueError:
        raise BadCommand(replies.BAD_SYNTAX) from None


def _port(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 5 and int(value) <= MAX_PORT):
        raise BadCommand(replies.BAD_SYNTAX)
    return int(value)
