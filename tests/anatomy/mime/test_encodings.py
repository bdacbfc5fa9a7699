"""Transfer encodings as clients read them."""

from __future__ import annotations

import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.mime.embedded import embedded
from gateway.anatomy.mime.encodings import decoded


@given(st.binary(max_size=500))
def test_what_was_encoded_comes_back(octets):
    assert decoded(base64.encodebytes(octets), "base64", Findings()) == [octets]
    # As text, it would write all line ends as the first one is written.
    quoted = binascii.b2a_qp(octets, quotetabs=True, istext=False)
    assert decoded(quoted, "quoted-printable", Findings()) == [octets]


@given(
    st.binary(max_size=500), st.sampled_from(["base64", "quoted-printable", "x-uuencode", "x-yenc", "7bit", "nonsense"])
)
def test_any_octets_in_any_encoding_give_octets(raw, encoding):
    assert all(isinstance(reading, bytes) for reading in decoded(raw, encoding, Findings()))


def test_garbage_in_base64_is_passed_over_and_noted():
    findings = Findings()
    assert decoded(b"aGVs!!bG8*=", "base64", findings)[0] == b"hello"
    assert Defect.ENCODING_GARBAGE in findings.defects


@pytest.mark.parametrize("raw", [b"aGVsbG8", b"aGVsbG8=", b"aGVsbG8==", b" a G V s b G 8 "])
def test_missing_padding_loses_nothing(raw):
    assert decoded(raw, "base64", Findings()) == [b"hello"]


def test_base64_after_its_padding_has_every_reading():
    findings = Findings()
    readings = decoded(b"QQ==QkI=", "base64", findings)
    assert b"ABB" in readings
    assert b"A" in readings
    assert Defect.ENCODING_PADDING in findings.defects


def test_quoted_printable_tolerates_blanks_before_a_soft_break():
    assert decoded(b"a= \t\r\nb=3d=3Dc=zz", "quoted-printable", Findings())[0] == b"ab==c=zz"


def test_unknown_encoding_is_noted_and_base64_tried():
    findings = Findings()
    assert decoded(b"aGVsbG8=", "rot13", findings) == [b"aGVsbG8=", b"hello"]
    assert Defect.ENCODING_UNKNOWN in findings.defects


def test_uuencode_without_a_file_in_it_is_unscannable():
    findings = Findings()
    decoded(b"nothing", "x-uuencode", findings)
    assert Unscannable.ENCODING_UNKNOWN in findings.unscannable


def test_files_in_text_are_found_one_after_the_other():
    text = b"hi\r\nbegin 644 a.txt\r\n#86)C\r\n`\r\nend\r\nand\r\nbegin-base64 644 b.txt\r\nQUJD\r\n====\r\n"
    assert [(each.name, each.content) for each in embedded(text)] == [("a.txt", b"abc"), ("b.txt", b"ABC")]
