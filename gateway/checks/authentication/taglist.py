"""Tag lists: `name=value; name=value`, the syntax of DKIM signatures and key records (RFC 6376 section 3.2).

Strict, as RFC 6376 section 6.1.1 wants it: whatever does not fit the grammar spoils the whole list.
"""

from __future__ import annotations

import re
from typing import Final

MAX_TAGS: Final = 64

_TAG_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_]*\Z")
# VALCHAR with white space between, and the octets of UTF-8 (RFC 8616).
_TAG_VALUE = re.compile(rb"[\t \x21-\x3a\x3c-\x7e\x80-\xff]*\Z")
_WHITE: Final = b" \t\r\n"


class BadTagList(ValueError):
    """The text is no tag list. Says why, in words fit for a reason."""


def parse(text: bytes) -> dict[bytes, bytes]:
    """The tags of a list, white space around values removed and folding undone. Raises `BadTagList`."""
    tags: dict[bytes, bytes] = {}
    specs = text.replace(b"\r\n", b"").split(b";", MAX_TAGS + 1)
    if not specs[-1].strip(_WHITE):
        specs.pop()
    if len(specs) > MAX_TAGS:
        raise BadTagList("too many tags")
    for spec in specs:
        name, equals, value = spec.partition(b"=")
        name = name.strip(_WHITE)
        if not equals or not _TAG_NAME.match(name):
            raise BadTagList("malformed tag list")
        if name in tags:
            raise BadTagList(f"repeated tag {name.decode('ascii')}=")
        if not _TAG_VALUE.match(value):
            raise BadTagList(f"malformed value of {name.decode('ascii')}=")
        tags[name] = value.strip(_WHITE)
    return tags


def without_value(text: bytes, name: bytes) -> bytes:
    """The list as written, but the tag of that name left without its value and the white space around it: what a
    signature covers of itself (RFC 6376 section 3.7)."""
    position = 0
    while position <= len(text):
        end = text.find(b";", position)
        end = len(text) if end == -1 else end
        equals = text.find(b"=", position, end)
        if equals != -1 and text[position:equals].strip(_WHITE) == name:
            return text[: equals + 1] + text[end:]
        position = end + 1
    return text


def without_white_space(value: bytes) -> bytes:
    """A value in which white space has no meaning, such as Base64."""
    return value.translate(None, _WHITE)
