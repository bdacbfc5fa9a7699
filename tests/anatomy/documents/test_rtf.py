"""Rich text: objects in hexadecimal are found however they are written."""

from __future__ import annotations

import hashlib

import pytest

from gateway.anatomy.examine import examine
from tests.anatomy.making.letters import attachment, multipart
from tests.anatomy.making.papers import macro_document

SECRET = macro_document("Sub AutoOpen()\r\nEnd Sub")


def content_of(octets):
    return examine(multipart(attachment(b"{\\rtf1 " + octets + b"}", "a.rtf"))).content


def objdata(written):
    return b"{\\object\\objemb{\\*\\objdata " + written + b"}}"


HEAD = bytes(20).hex().encode()


@pytest.mark.parametrize(
    "written",
    [
        HEAD + SECRET.hex().encode(),
        HEAD + SECRET.hex().upper().encode().replace(b"D0CF", b"D\r\n0 C\tF"),
        HEAD + b"{\\bin0 }" + SECRET.hex().encode(),
        b"\\object123 " + HEAD + SECRET.hex().encode(),
    ],
)
def test_an_object_is_found(written):
    found = content_of(objdata(written))
    assert "office.embedded" in found.defects
    assert hashlib.sha256(SECRET).hexdigest() in {part.sha256 for part in found.parts}
    assert "office.autoexec" in found.defects


@pytest.mark.parametrize(
    ("octets", "defect"),
    [
        (b"{\\*\\template http://evil.example/t}", "office.external_template"),
        (b"{\\field{\\*\\fldinst {\\rtlch DDEAUTO c:\\\\x}}}", "office.dde"),
    ],
)
def test_an_oddity_is_noted(octets, defect):
    assert defect in content_of(octets).defects


def test_links_are_known():
    found = content_of(b'{\\field{\\*\\fldinst{HYPERLINK "https://a.example/x"}}{\\fldrslt here}}')
    assert [link.host for link in found.links] == ["a.example"]
    assert not found.defects
