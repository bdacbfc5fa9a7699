"""Old Office documents and Outlook messages: what they would do is named, and the files inside are found."""

from __future__ import annotations

import struct

import pytest

from gateway.anatomy.examine import examine
from tests.anatomy.making.letters import attachment, multipart
from tests.anatomy.making.papers import compound, macro_document, native

SECRET = b"MZ what has to be found"


def content_of(octets, name="a.doc"):
    return examine(multipart(attachment(octets, name))).content


def records(*each):
    return b"".join(struct.pack("<HH", kind, len(body)) + body for kind, body in each)


def test_a_macro_that_runs_by_itself():
    found = content_of(macro_document("Sub AutoOpen()\r\nShell x\r\nEnd Sub"))
    assert set(found.defects) >= {"office.macro", "office.autoexec", "office.macro_reaches_out"}


@pytest.mark.parametrize(
    "tree",
    [
        {"EncryptedPackage": b"x", "EncryptionInfo": b"y"},
        {"WordDocument": b"\xec\xa5" + bytes(8) + b"\0\1" + bytes(99)},
        {"Workbook": records((0x809, bytes(16)), (0x2F, bytes(6)))},
    ],
    ids=["package", "word", "excel"],
)
def test_an_encrypted_document(tree):
    assert "document.encrypted" in content_of(compound(tree)).unscannable


@pytest.mark.parametrize(
    ("tree", "defect"),
    [
        ({"Workbook": records((0x809, bytes(16)), (0x85, bytes(4) + b"\2\1\1\0A"))}, "office.xlm"),
        ({"Workbook": records((0x809, bytes(16)), (0x1AE, b"\1\0\7\0\0cmd\3/c "))}, "office.dde"),
        ({"WordDocument": b"\xec\xa5" + bytes(600) + b"\x13 DDEAUTO c:\\\\x"}, "office.dde"),
        ({"WordDocument": b"\xec\xa5" + bytes(600) + "\x13 DDEAUTO c:".encode("utf-16-le")}, "office.dde"),
    ],
)
def test_an_oddity_is_noted(tree, defect):
    assert defect in content_of(compound(tree)).defects


def test_an_honest_workbook_has_none():
    own_path = records((0x809, bytes(16)), (0x85, bytes(4) + b"\0\0\1\0A"), (0x1AE, b"\1\0\7\0\0\1\1C\3a.xls"))
    assert not content_of(compound({"Workbook": own_path})).defects


def test_a_packaged_file_is_found_under_its_name():
    tree = {"WordDocument": b"x", "ObjectPool": {"_1": {"\x01Ole10Native": native(b"update.exe", SECRET)}}}
    found = content_of(compound(tree))
    assert "office.embedded" in found.defects
    assert [(part.name, part.size) for part in found.parts[1:]] == [("update.exe", len(SECRET))]


def test_the_attachments_and_the_text_of_an_outlook_message_are_read():
    tree = {
        "__substg1.0_1000001F": "see https://evil.example/x ".encode("utf-16-le"),
        "__attach_version1.0_#00000000": {
            "__substg1.0_3704001F": "INVOIC~1.EXE".encode("utf-16-le"),
            "__substg1.0_3707001F": "invoice.exe".encode("utf-16-le"),
            "__substg1.0_37010102": SECRET,
        },
    }
    found = content_of(compound(tree), "a.msg")
    assert "invoice.exe" in {part.name.rstrip("\0") for part in found.parts}
    assert any(link.host == "evil.example" for link in found.links)
