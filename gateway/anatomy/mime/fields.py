"""The fields of one header block, and what the MIME ones among them say: type, parameters, names, transfer encoding
(RFC 2045 section 5 and 6, RFC 2183, RFC 2231). Reads any octets, raises nothing, and keeps what other readers might see
where a field is ambiguous. Never looks at a body."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from gateway.anatomy import limits
from gateway.anatomy.characters import kept_name
from gateway.anatomy.charsets import decode_as, with_known_charsets
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.mail.headers import decode, unfold
from gateway.mail.message import Octets

_FIELD: Final = re.compile(rb"([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")
_END_OF_HEADER: Final = re.compile(rb"\n\r?\n")
_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+\-]+/[a-z0-9!#$&^_.+\-]+", re.ASCII)
_SEGMENT: Final = re.compile(r'(?:[^";]|"(?:[^"\\]|\\.)*(?:"|\Z))+', re.DOTALL)
_SECTION: Final = re.compile(r"(.+?)\*(\d{1,3})?(\*)?", re.ASCII)
_LOOSE: Final = {
    parameter: re.compile(rf"\b{parameter}\s*=\s*(.*?)\s*(?=;\s*[\w*.-]+\s*=|\Z)", re.DOTALL | re.IGNORECASE)
    for parameter in ("filename", "name")
}
_NAMINGS: Final = ("filename", "name")
_MAX_NAMINGS: Final = 12
"""Fields of one part that may name it, as far as they are read."""
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)

_BARE_TYPES: Final = {"text": "text/plain", "html": "text/html", "multipart": "multipart/mixed"}
"""Types without a subtype that old senders write, and what their readers make of them."""

_DECODED: Final = frozenset({"base64", "quoted-printable"})
_BETWEEN_WORDS: Final = str.maketrans(dict.fromkeys(";,\"'", " "))

Fields = Sequence[tuple[str, bytes, str]]
"""Top to bottom: the name in lower case, the value as it stands without the final line end, the name as written."""


@dataclass(frozen=True, slots=True)
class Header:
    """One header block. `body` is where the body begins; `malformed_at` where a line stands that is no field, or -1:
    some readers take the body to begin there."""

    fields: Fields
    body: int
    malformed_at: int = -1

    def values(self, name: str) -> list[bytes]:
        """The values of all fields of that name, top to bottom."""
        return [value for key, value, _ in self.fields if key == name]


@dataclass(frozen=True, slots=True)
class MediaType:
    """One reading of Content-Type. `declared` is "type/subtype" in lower case; `parameters` are decoded, keys in lower
    case; `boundaries` are all that readers might take, the likeliest first."""

    declared: str
    parameters: Mapping[str, str]
    boundaries: tuple[str, ...] = ()

    @property
    def is_multipart(self) -> bool:
        """Whether the content is made of parts."""
        return self.declared.startswith("multipart/")

    @property
    def is_message(self) -> bool:
        """Whether the content is a whole message (RFC 2046 section 5.2.1, RFC 6532 section 3.7)."""
        return self.declared in {"message/rfc822", "message/global", "message/news"}


def read_header(octets: Octets, start: int, end: int, findings: Findings) -> Header:
    """Read the header block that begins at `start`. A block without an empty line is header to its end."""
    first = octets[start : min(start + 2, end)]
    if first[:1] == b"\n" or first == b"\r\n":
        return Header((), start + (1 if first[:1] == b"\n" else 2))
    stop = min(end, start + limits.MAX_HEADER)
    empty = _END_OF_HEADER.search(octets, start, stop)
    body = empty.end() if empty else end
    if empty is None and stop < end:
        findings.note(Defect.HEADER_TOO_LONG)
    block = octets[start : empty.start() + 1 if empty else stop]
    fields: list[tuple[str, bytes, str]] = []
    malformed_at = -1
    position = 0
    while position < len(block):
        match = _FIELD.match(block, position)
        if match is None:
            if malformed_at == -1 and not (position == 0 and block.startswith(b"From ")):
                malformed_at = start + position
                findings.note(Defect.HEADER_MALFORMED)
            following = block.find(b"\n", position)
            position = len(block) if following == -1 else following + 1
            continue
        if len(fields) == limits.MAX_FIELDS:
            findings.note(Defect.HEADER_TOO_LONG)
            break
        name = match[1].decode("ascii")
        fields.append((name.lower(), match[2].removesuffix(b"\r"), name))
        position = match.end()
    return Header(fields, body, malformed_at)


def media_types(header: Header, default: str, findings: Findings) -> list[MediaType]:
    """All plausible readings of Content-Type, the first one first; never empty. Without the field it is the default
    (RFC 2045 section 5.2)."""
    readings: list[MediaType] = []
    for value in _followed(header, "content-type", findings):
        reading = media_type(_short(value, findings), findings)
        if reading not in readings:
            readings.append(reading)
    if len(readings) > 1:
        findings.note(Defect.MIME_AMBIGUOUS)
    return readings or [MediaType(default, {})]


def media_type(text: str, findings: Findings) -> MediaType:
    """One Content-Type value. What is no type at all is read as application/octet-stream (RFC 2045 section 5.2)."""
    plain = without_comments(text)
    first, _, rest = plain.partition(";")
    declared = first.strip().lower()
    if not _TYPE.fullmatch(declared):
        findings.note(Defect.MIME_TYPE_MALFORMED)
        found = _TYPE.search(declared.replace(" ", ""))
        declared = found[0] if found else _BARE_TYPES.get(declared.partition("/")[0], "application/octet-stream")
    pairs = parameter_pairs(rest)
    boundaries = tuple(dict.fromkeys(value for name, value in pairs if name == "boundary" and value))
    parameters = joined(pairs)
    if "boundary" in parameters and parameters["boundary"] not in boundaries:
        boundaries = (*boundaries, parameters["boundary"])
    if len(boundaries) > 1:
        findings.note(Defect.MIME_AMBIGUOUS)
    if len(boundaries) > limits.MAX_READINGS:
        findings.missed(Unscannable.MIME_READINGS)
    return MediaType(declared, parameters, boundaries[: limits.MAX_READINGS])


def parameter_pairs(text: str) -> list[tuple[str, str]]:
    """The parameters as they stand, unquoted, names in lower case, repeated ones repeated."""
    segments = _SEGMENT.findall(text) if '"' in text else text.split(";")
    pairs: list[tuple[str, str]] = []
    for segment in segments[: limits.MAX_FIELDS]:
        name, equals, value = segment.partition("=")
        if equals:
            pairs.append((name.strip().lower(), _unquoted(value.strip())))
    return pairs


def joined(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Parameters by name, with the sections of RFC 2231 put together and decoded. The extended form wins over the plain
    one, as in every client that knows it."""
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, value in pairs:
        section = _SECTION.fullmatch(name) if "*" in name else None
        if section is None:
            plain.setdefault(name, value)
            continue
        number = int(section[2] or 0)
        extended = section[3] is not None or section[2] is None
        sections.setdefault(section[1], {}).setdefault(number, (value, extended))
    for name, numbered in sections.items():
        plain[name] = _assembled(numbered)
    return plain


def names(header: Header) -> list[str]:
    """Every name that a reader might show for the part, the likeliest first: filename of Content-Disposition, then name
    of Content-Type, each in its extended and its plain form (RFC 2183 section 2.3, RFC 2231); then what those make of a
    field who go by the letter less."""
    found: list[str] = []
    loose: list[str] = []
    everywhere: list[tuple[str, str]] = []
    for field, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        for value in header.values(field)[:_MAX_NAMINGS]:
            if b"name" not in value.lower() and b"(" not in value:
                continue  # in most fields; a comment may stand within a word
            whole = without_comments(unfold(value[: 4 * limits.MAX_MIME_VALUE]))
            first, _, text = whole.partition(";")
            pairs = parameter_pairs(text)
            everywhere += pairs
            found += [joined(pairs).get(parameter, ""), *(text for name, text in pairs if name == parameter)]
            loose += [text for name, text in pairs if name in _NAMINGS and name != parameter]
            if "=" in first:  # where a parameter is not looked for, and found all the same
                loose += [
                    text
                    for word in first.replace(",", " ").split()
                    for name, text in parameter_pairs(word)
                    if name == parameter
                ]
            loose += _loose_names(text, parameter)
    sections = [(f"name{name[name.index('*') :]}", value) for name, value in everywhere if "*" in name]
    if len(sections) > 1:  # sections of one name in several fields, or not in the order of their numbers
        loose.append(joined(sections).get("name", ""))
        loose.append("".join(value.rpartition("'")[2] for _, value in sections))
    readable = [
        decode(with_known_charsets(each.encode("utf-8", "replace"))) if "=?" in each else each
        for each in (*found, *loose)
    ]
    readable += [unquote(each) for each in readable if "%" in each]  # for readers that take it for an address
    readable += [each.partition("\0")[0] for each in readable if "\0" in each]  # for readers to whom that ends it
    return list(dict.fromkeys(cut for each in (*readable, *map(_turned, readable)) if (cut := _presentable(each))))


def _turned(name: str) -> str:
    """A name in UTF-16 that was read in the wrong order of octets (RFC 2781 section 4.3), or nothing."""
    return "".join(chr(ord(char) >> 8) for char in name) if all(ord(char) & 0xFF == 0 for char in name) else ""


def _loose_names(text: str, parameter: str) -> list[str]:
    """The value up to the next parameter, whatever quotes and semicolons stand in it."""
    is_odd = any(
        segment.strip() and ("=" not in segment or segment.count('"') not in (0, 2) or segment.rstrip()[-1:] != '"')
        for segment in _SEGMENT.findall(text)
        if '"' in segment or "=" not in segment
    ) or any(" " in value and f"{parameter}=" in value.lower() for _, value in parameter_pairs(text))
    found = _LOOSE[parameter].search(text) if is_odd else None
    return [found[1].replace('"', "").replace("\\", "")] if found else []


def transfer_encodings(header: Header, findings: Findings) -> list[str]:
    """All plausible readings of Content-Transfer-Encoding, in lower case; never empty. "" stands for none."""
    readings: list[str] = []
    for value in _followed(header, "content-transfer-encoding", findings):
        words = without_comments(_short(value, findings)).lower().translate(_BETWEEN_WORDS).split()
        for word in dict.fromkeys([*words[:1], *(each for each in words[1:] if each in _DECODED)] or [""]):
            if word not in readings:
                readings.append(word)
    if len(readings) > 1:
        findings.note(Defect.MIME_AMBIGUOUS)
    return readings[: limits.MAX_READINGS] or [""]


def without_comments(text: str) -> str:
    """The value without the comments of RFC 5322 section 3.2.2, which may nest; quoted strings are kept."""
    if "(" not in text:
        return text
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif char == '"' and not depth:
            quoted = not quoted
        elif not quoted and char == "(":
            depth += 1
        elif not quoted and char == ")" and depth:
            depth -= 1
            continue
        if not depth:
            kept.append(char)
    return "".join(kept) if not depth else text  # an unclosed comment is no comment


def _followed(header: Header, name: str, findings: Findings) -> list[bytes]:
    """The values of a field as far as each is read."""
    values = header.values(name)
    if len(values) > limits.MAX_READINGS:
        findings.missed(Unscannable.MIME_READINGS)
    return values[: limits.MAX_READINGS]


def _short(value: bytes, findings: Findings) -> str:
    """A MIME field on one line, cut where nothing honest goes on."""
    if len(value) > limits.MAX_MIME_VALUE:
        findings.note(Defect.HEADER_TOO_LONG)
    return unfold(value[: limits.MAX_MIME_VALUE])


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    inner = value[1:]
    closing = inner.find('"')
    if closing != -1 and "\\" not in inner:
        return inner[:closing]
    inner = inner.removesuffix('"')
    return _ESCAPED.sub(r"\1", inner)


def _assembled(numbered: Mapping[int, tuple[str, bool]]) -> str:
    charset = "utf-8"
    octets = b""
    for index, (_, (value, extended)) in enumerate(sorted(numbered.items())):
        text = value
        if extended:
            if index == 0 and value.count("'") >= 2:
                charset, _, text = value.split("'", 2)
            octets += unquote_to_bytes(text)
        else:
            octets += text.encode("utf-8", "replace")
    return decode_as(octets, charset or "utf-8")


def _presentable(name: str) -> str:
    """A name on one line, bounded; invisible characters stay, for they are evidence."""
    return kept_name("".join(char for char in name if char not in "\r\n\0").strip())
