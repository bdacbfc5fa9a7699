"""Octets to text, whatever the charset claims: the declared one, then UTF-8, then Windows-1252. Bounded by the caller's
slice, total: any octets with any charset name give text. Only codecs that turn octets into characters are used."""

from __future__ import annotations

import codecs
import re
from encodings.aliases import aliases
from typing import Final

_MAX_LABEL: Final = 60
_PUNCTUATION: Final = re.compile(r"[^a-z0-9]+")
_WORD_START: Final = re.compile(rb"=\?([^?\s]{1,80})\?(?=[BbQq]\?)")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_MEANT: Final = {
    # What mail says, and what it means (the Encoding Standard of WHATWG reads these labels so).
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "unicode": "utf-16-le",
    "utf8mb4": "utf-8",
    "iso-8859-8-i": "iso-8859-8",
    "windows-874": "cp874",
    "utf-16": "utf-16-le",
    "x-user-defined": "cp1252",
    "x-unknown": "cp1252",
    "unknown-8bit": "cp1252",
    "8bit": "cp1252",
    "default": "cp1252",
}

_CODECS: Final = (
    *(
        "utf-8",
        "utf-7",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "utf-32-le",
        "ascii",
        "latin-1",
        "gb18030",
        "gb2312",
        "hz",
    ),
    *("big5", "big5hkscs", "cp949", "euc_kr", "iso2022_kr", "johab", "cp932", "shift_jis", "shift_jisx0213", "euc_jp"),
    *("iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "koi8_r", "koi8_u", "koi8_t", "kz1048", "ptcp154"),
    *("mac_roman", "mac_cyrillic", "mac_greek", "mac_turkish", "mac_latin2", "tis_620"),
    *(f"iso8859_{number}" for number in range(2, 17) if number != 12),
    *(f"cp{page}" for page in (437, 720, 737, 775, 850, 852, 855, 857, 858, 860, 861, 862, 863, 864, 865, 866, 869)),
    *(f"cp{page}" for page in (874, 1006, 1125, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258)),
)


def _loaded() -> dict[str, str]:
    """Load the codecs now, and learn every label that leads to one of them. Inside the jail no file can be opened, and
    asking Python for an unknown codec goes looking for a module."""
    codec_by_label: dict[str, str] = {}
    for name in _CODECS:
        b"a".decode(name, "replace")
        codec_by_label[_normal(name)] = name
        codec_by_label[_normal(codecs.lookup(name).name)] = name
    for alias, target in aliases.items():
        if _normal(target) in codec_by_label:
            codec_by_label.setdefault(_normal(alias), codec_by_label[_normal(target)])
    for label, name in _MEANT.items():
        codec_by_label[_normal(label)] = name
    return codec_by_label


def _normal(label: str) -> str:
    return _PUNCTUATION.sub("_", label.lower()).strip("_")


_BY_LABEL: Final = _loaded()


def codec_of(charset: str) -> str | None:
    """The codec for a charset label, or None for a label that is unknown or names no charset. Opens nothing."""
    return _BY_LABEL.get(_normal(charset[:_MAX_LABEL]))


def decode_as(octets: bytes, charset: str) -> str:
    """The octets in that charset; in UTF-8 or Windows-1252 where the label is unknown. What does not decode becomes
    U+FFFD."""
    codec = codec_of(charset)
    return octets.decode(codec, "replace") if codec else guessed(octets)


def fits(octets: bytes, codec: str) -> bool:
    """Whether the octets are well formed in that codec."""
    try:
        octets.decode(codec)
    except UnicodeError:
        return False
    return True


def guessed(octets: bytes) -> str:
    """Text without a label: by its byte order mark, else UTF-8 if it is well formed, else Windows-1252."""
    for mark, codec in _MARKS:
        if octets.startswith(mark):
            return octets[len(mark) :].decode(codec, "replace")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        # A slice may end inside a character: that alone does not make it another charset.
        if error.reason == "unexpected end of data" and error.start:
            return octets.decode("utf-8", "ignore")
    return octets.decode("cp1252", "replace")


def with_known_charsets(value: bytes) -> bytes:
    """A header value whose encoded words (RFC 2047) name only codecs that are loaded; `gateway.mail.headers` may then
    decode it without looking for others."""
    return _WORD_START.sub(_with_codec, value) if b"=?" in value else value


def _with_codec(match: re.Match[bytes]) -> bytes:
    label = match[1].partition(b"*")[0].decode("latin-1")
    return b"=?%b?" % (codec_of(label) or "cp1252").encode()


def in_utf_8(markup: bytes) -> bytes:
    """Markup in UTF-16, as browsers tell it by its mark or its zeros, in UTF-8."""
    if markup.startswith((b"\xff\xfe", b"\xfe\xff")):
        return markup.decode("utf-16", "replace").encode()
    if b"\0" in markup[:4]:
        return markup.replace(b"\0", b"")
    return markup
