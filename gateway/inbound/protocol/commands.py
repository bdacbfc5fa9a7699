"""Command lines taken apart: verb and argument, paths, and the parameters of MAIL and RCPT.

RFC 5321 sections 4.1.1 and 4.1.2, RFC 1870 section 3 (SIZE), RFC 6152 (BODY), RFC 6531 section 3.4 (SMTPUTF8), RFC 3461
section 4 (RET, ENVID, NOTIFY, ORCPT), RFC 3030 section 2 (BDAT). Pure. Says what a line means, never whether it is
allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from gateway.mail import replies
from gateway.mail.address import MAX_PATH, Address, BadAddress, ReversePath, is_literal
from gateway.mail.envelope import Body
from gateway.mail.replies import Reply

LINE_LIMIT: Final = 512
"""Octets of a command line with its CRLF (RFC 5321 section 4.5.3.1.4)."""

LINE_LIMITS: Final[dict[str, int]] = {
    "MAIL": LINE_LIMIT + 26 + 17 + 10 + 9 + 107 + 500,  # SIZE, BODY, SMTPUTF8, RET, ENVID, AUTH
    "RCPT": LINE_LIMIT + 500 + 10,  # RFC 3461 section 5, SMTPUTF8
    "AUTH": 12288,  # RFC 4954 section 4
}
"""Verbs whose lines the extensions make longer."""

MAX_ENVID: Final = 100
MAX_ORCPT: Final = 500
MAX_DIGITS_OF_SIZE: Final = 20
MAX_DIGITS_OF_CHUNK: Final = 12

_PATH = re.compile(r'[ \t]*<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>(?: +(.*))?\Z')
_CHUNK = re.compile(rf"(\d{{1,{MAX_DIGITS_OF_CHUNK}}})(?: +(LAST))?\Z", re.ASCII | re.IGNORECASE)
_KEYWORD = re.compile(r"[A-Z0-9][A-Z0-9-]*\Z")
_VALUE = re.compile(r"[\x21-\x3c\x3e-\x7e\u0080-\U0010ffff]+\Z")
_XTEXT = re.compile(r"(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+(?:[2-6][0-9A-F]|7[0-9A-E]))+\Z")
"""What is encoded is printable, too (RFC 3461 sections 4.2 and 4.4)."""
_NOT_XTEXT = re.compile(r"[^\x21-\x2a\x2c-\x3c\x3e-\x7e]")
_ADDRESS_TYPE = re.compile(r"[A-Za-z0-9-]+\Z")
_NOTIFY = frozenset({"SUCCESS", "FAILURE", "DELAY"})
_LABELS = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}))*\.?\Z")


class BadCommand(ValueError):
    """The line cannot be read; `reply` is what to answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class MailParameters:
    """What MAIL said beside the path. `size` is declared octets."""

    size: int | None = None
    body: Body = Body.SEVEN_BIT
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""


@dataclass(frozen=True, slots=True)
class RecipientParameters:
    """What RCPT said beside the path."""

    notify: frozenset[str] = frozenset()
    original: str = ""


def split(line: bytes) -> tuple[str, str]:
    """Verb in upper case, and argument, of a line without its CRLF. Raises `BadCommand`."""
    verb, _, argument = line.partition(b" ")
    try:
        return verb.decode("ascii").upper(), argument.decode("utf-8").strip(" \t")
    except UnicodeDecodeError:
        raise BadCommand(replies.UNRECOGNISED if not verb.isascii() else replies.BAD_SYNTAX) from None


def is_host_name(text: str) -> bool:
    """Whether HELO may say it: a domain, or an address literal (RFC 5321 section 4.1.3). Underscores pass: they are
    met."""
    return len(text) <= 255 and bool(_LABELS.match(text) or is_literal(text.lower()))


def path_and_parameters(argument: str, *, keyword: str, malformed: Reply) -> tuple[str, dict[str, str | None]]:
    """Take `FROM:<path> A B=c` apart. The path comes without brackets and without its source route, which is read past
    (appendix C).

    Raises `BadCommand` with `malformed` where there is no path.
    """
    if argument[: len(keyword)].upper() != keyword:
        raise BadCommand(malformed)
    match = _PATH.match(argument, len(keyword))
    if match is None:
        raise BadCommand(malformed)
    path, rest = match.groups()
    if path.startswith("@"):
        route, _, path = path.partition(":")
        if not path or not all(hop[:1] == "@" and is_host_name(hop[1:]) for hop in route.split(",")):
            raise BadCommand(malformed)
    return path, _parameters(rest or "")


def path_as_written(argument: str) -> str:
    """What stands where a path should, whatever is wrong with it: for the record."""
    text = argument.partition(":")[2]
    return (text.partition("<")[2].partition(">")[0] or text.strip(" \t<>"))[:MAX_PATH]


def _parameters(text: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for item in filter(None, text.split(" ")):
        name, equals, value = item.partition("=")
        name = name.upper()
        if not _KEYWORD.match(name) or name in found or (equals and not _VALUE.match(value)):
            raise BadCommand(replies.BAD_SYNTAX)
        found[name] = value if equals else None
    return found


def announces_chunk(line: bytes) -> bool:
    """Whether octets of a message follow the line, whatever else is wrong with it."""
    return line[:4].upper() == b"BDAT"


def chunk(argument: str) -> tuple[int, bool]:
    """The octets of a chunk, and whether it is the last (RFC 3030 section 2). Raises `BadCommand`."""
    match = _CHUNK.match(argument)
    if match is None:
        raise BadCommand(replies.CHUNK_WITHOUT_SIZE)
    return int(match[1]), match[2] is not None


def asks_to_route(path: str) -> bool:
    """Whether the local part names a further host: `user%host@us`, `host!user@us`, `"user@host"@us`. Another hop might
    obey it (RFC 5321 section 3.6.1 and appendix F.2), so we do not pass it on for strangers."""
    local, at, _ = path.rpartition("@")
    return any(sign in local for sign in "%!@") if at else any(sign in path for sign in "%!")


def reverse_path(path: str) -> ReversePath:
    """The sender; the empty path is the null reverse-path. Raises `BadCommand`."""
    try:
        return Address.parse(path) if path else None
    except BadAddress:
        raise BadCommand(replies.BAD_SENDER_SYNTAX) from None


def forward_path(path: str, *, postmaster: Address) -> Address:
    """The recipient; `<Postmaster>` needs no domain (RFC 5321 section 4.5.1). Raises `BadCommand`."""
    if path.lower() == "postmaster":
        return postmaster
    try:
        return Address.parse(path)
    except BadAddress:
        raise BadCommand(replies.BAD_RECIPIENT_SYNTAX) from None


def mail_parameters(given: dict[str, str | None]) -> MailParameters:
    """Read the parameters of MAIL. Raises `BadCommand`: 555 for a name that we do not know, 501 for a bad value."""
    parameters = MailParameters()
    for name, value in given.items():
        if name not in _MAIL:
            raise BadCommand(replies.BAD_PARAMETER)
        parameters = _MAIL[name](parameters, value)
    return parameters


def _size(parameters: MailParameters, value: str | None) -> MailParameters:
    if value is None or len(value) > MAX_DIGITS_OF_SIZE or not (value.isascii() and value.isdigit()):
        raise BadCommand(replies.BAD_SYNTAX)
    return replace(parameters, size=int(value))


def _body(parameters: MailParameters, value: str | None) -> MailParameters:
    try:
        return replace(parameters, body=Body((value or "").upper()))
    except ValueError:
        raise BadCommand(replies.BAD_SYNTAX) from None


def _smtputf8(parameters: MailParameters, value: str | None) -> MailParameters:
    if value is not None:
        raise BadCommand(replies.BAD_SYNTAX)
    return replace(parameters, smtputf8=True)


def _ret(parameters: MailParameters, value: str | None) -> MailParameters:
    ret = (value or "").upper()
    if ret not in ("FULL", "HDRS"):
        raise BadCommand(replies.BAD_SYNTAX)
    return replace(parameters, ret=ret)


def _envid(parameters: MailParameters, value: str | None) -> MailParameters:
    if value is None or len(value) > MAX_ENVID or not _XTEXT.match(value):
        raise BadCommand(replies.BAD_SYNTAX)
    return replace(parameters, envid=value)


def _auth(parameters: MailParameters, value: str | None) -> MailParameters:
    """RFC 4954 section 5: must be taken where AUTH is offered. What it claims is not believed, hence not kept."""
    if value is None or not (value == "<>" or _XTEXT.match(value)):
        raise BadCommand(replies.BAD_SYNTAX)
    return parameters


_MAIL: Final[dict[str, Callable[[MailParameters, str | None], MailParameters]]] = {
    "SIZE": _size,
    "BODY": _body,
    "SMTPUTF8": _smtputf8,
    "RET": _ret,
    "ENVID": _envid,
    "AUTH": _auth,
}


def original_recipient(address: Address) -> str:
    """The ORCPT of a recipient whose client said none (RFC 3461 section 4.2, RFC 6533 section 3)."""
    if not address.is_ascii:
        return f"utf-8;{address}"
    return f"rfc822;{_NOT_XTEXT.sub(lambda sign: f'+{ord(sign[0]):02X}', str(address))}"


def recipient_parameters(given: dict[str, str | None]) -> RecipientParameters:
    """Read the parameters of RCPT. Raises `BadCommand` as `mail_parameters` does."""
    if not given:
        return RecipientParameters()
    if given.keys() - {"NOTIFY", "ORCPT"}:
        raise BadCommand(replies.BAD_PARAMETER)
    notify: frozenset[str] = frozenset()
    if "NOTIFY" in given:
        notify = frozenset((given["NOTIFY"] or "").upper().split(","))
        if notify != {"NEVER"} and not notify <= _NOTIFY:
            raise BadCommand(replies.BAD_SYNTAX)
    original = ""
    if "ORCPT" in given:
        original = given["ORCPT"] or ""
        kind, semicolon, address = original.partition(";")
        is_ours = kind.lower() == "utf-8" and _VALUE.match(address)  # RFC 6533 section 3
        if len(original) > MAX_ORCPT or not semicolon or not _ADDRESS_TYPE.match(kind):
            raise BadCommand(replies.BAD_SYNTAX)
        if not (is_ours or _XTEXT.match(address)):
            raise BadCommand(replies.BAD_SYNTAX)
    return RecipientParameters(notify, original)
