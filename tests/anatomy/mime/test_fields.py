"""What MIME fields say: types, names in all their spellings, encodings."""

from __future__ import annotations

import pytest

from gateway.anatomy.findings import Defect, Findings
from gateway.anatomy.mime.fields import (
    media_type,
    media_types,
    names,
    read_header,
    transfer_encodings,
    without_comments,
)


def header(octets):
    return read_header(octets, 0, len(octets), Findings())


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (b"Content-Disposition: attachment; filename=plain.txt", "plain.txt"),
        (b'Content-Disposition: attachment; filename="with space.txt"', "with space.txt"),
        (b'Content-Disposition: attachment; filename="a;b.txt"', "a;b.txt"),
        (b'Content-Disposition: attachment; filename="quo\\"ted.txt"', 'quo"ted.txt'),
        (b"Content-Disposition: attachment; filename*=utf-8'de'%C3%BCbersicht.txt", "übersicht.txt"),
        (b"Content-Disposition: attachment; filename*=iso-8859-1''%FCber.txt", "über.txt"),
        (b"Content-Disposition: attachment;\r\n filename*0=inv;\r\n filename*1=oice.exe", "invoice.exe"),
        (b"Content-Disposition: attachment; filename*1=oice.exe; filename*0=inv", "invoice.exe"),
        (b"Content-Disposition: attachment; filename*0*=utf-8''%C3%BC; filename*1=.exe", "ü.exe"),
        (b'Content-Disposition: attachment; filename="=?utf-8?q?=C3=BCber?="', "über"),
        (b'Content-Disposition: attachment; filename="=?x-nosuch?q?a?="', "a"),
        (b'Content-Type: application/pdf; name="typed.pdf"', "typed.pdf"),
        (b'Content-Disposition: (hidden; filename="no.txt") attachment; filename=yes.txt', "yes.txt"),
        (b"Content-Disposition: attachment; filename=na\xc3\xafve.txt", "naïve.txt"),
    ],
)
def test_name_is_what_a_user_sees(field, name):
    assert names(header(field + b"\r\n\r\n"))[0] == name


def test_all_names_are_kept_the_extended_one_first():
    octets = b"Content-Disposition: x; filename=a.txt; filename*=utf-8''b.exe\r\nContent-Type: a/b; name=c.pdf\r\n\r\n"
    assert names(header(octets)) == ["b.exe", "a.txt", "c.pdf"]


@pytest.mark.parametrize(
    "field",
    [
        b"Content-Type: a/b; name*1*=''file.; name*0*=zip",
        b"Content-Type: a/b; name*0=file.\r\nContent-Type: a/b; name*1=zip",
        b"Content-Disposition: x; filename*1=zip\r\nContent-Type: a/b; name*0=file.",
        b"Content-Disposition: x; filename=file;.zip",
        b'Content-Disposition: x; filename="file".zip',
        b'Content-Disposition: x; filename="file".zip"; size=3',
        b"Content-Type: a/b; name=file\\;.zip",
        b"Content-Type: a/b; name=file.png; name=file.zip",
        b"Content-Disposition: x; filename*=UTF-16''%00f%00i%00l%00e%00.%00z%00i%00p",
        b'Content-Type: a/b; name="=?utf-16?B?AGYAaQBsAGUALgB6AGkAcA==?="',
    ],
)
def test_a_name_that_only_some_readers_see_is_among_the_names(field):
    assert {"file.zip", "file;.zip"} & set(names(header(field + b"\r\n\r\n")))


@pytest.mark.parametrize(
    ("value", "declared"),
    [
        ("TEXT/HTML; charset=x", "text/html"),
        (" text/plain (a comment (nested)) ; charset=x", "text/plain"),
        ("text", "text/plain"),
        ("", "application/octet-stream"),
        ("text / html", "text/html"),
        ("nonsense", "application/octet-stream"),
    ],
)
def test_declared_type(value, declared):
    assert media_type(value, Findings()).declared == declared


def test_boundary_keeps_every_spelling():
    reading = media_type('multipart/mixed; boundary=a; boundary="b c"', Findings())
    assert reading.boundaries == ("a", "b c")


def test_types_that_say_the_same_are_no_ambiguity():
    findings = Findings()
    twice = b"Content-Type: text/plain\r\nContent-Type: TEXT/plain\r\n\r\n"
    assert len(media_types(header(twice), "text/plain", findings)) == 1
    assert not findings.defects


@pytest.mark.parametrize(
    "value", [b"base64", b" BASE64 ", b"base64 (comment)", b"(c) base64", b"base64;", b"\r\n base64"]
)
def test_encoding_is_read_through_its_dress(value):
    octets = b"Content-Transfer-Encoding:" + value + b"\r\n\r\n"
    assert transfer_encodings(header(octets), Findings()) == ["base64"]


def test_a_line_that_is_no_field_is_noted_and_passed_over():
    findings = Findings()
    octets = b"Subject: a\r\nno field here\r\nTo: b\r\n\r\nbody"
    found = read_header(octets, 0, len(octets), findings)
    assert [name for name, _, _ in found.fields] == ["subject", "to"]
    assert Defect.HEADER_MALFORMED in findings.defects
    assert octets[found.body :] == b"body"


def test_an_unclosed_comment_is_no_comment():
    assert without_comments("text/html ( ; x") == "text/html ( ; x"
