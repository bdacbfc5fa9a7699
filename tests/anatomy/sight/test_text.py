"""Characters of text parts, whatever the charset claims, and what a message says as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.anatomy import limits
from gateway.anatomy.charsets import codec_of, decode_as, with_known_charsets
from gateway.anatomy.findings import Defect, Findings
from gateway.anatomy.sight.text import GTUBE, Digest, html_charset, one_line, text_of


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        ("grün".encode(), "utf-8", "grün"),
        ("grün".encode("latin-1"), "iso-8859-1", "grün"),
        (b"\x93quoted\x94", "iso-8859-1", "“quoted”"),
        ("привет".encode("koi8-r"), "KOI8-R", "привет"),
        ("日本".encode("iso2022_jp"), "ISO-2022-JP", "日本"),
        ("中文".encode("gb18030"), "gb2312", "中文"),
        ("한국".encode("cp949"), "ks_c_5601-1987", "한국"),
        ("grün".encode("utf-16"), "utf-8", "grün"),
        ("grün".encode("utf-16-le"), "utf-16", "grün"),
        ("grün".encode(), "", "grün"),
        ("grün".encode("latin-1"), "", "grün"),
        ("grün".encode("latin-1"), "utf-8", "grün"),
        ("grün".encode(), "x-nosuch", "grün"),
        ("grün".encode(), "us-ascii", "grün"),
        (b"+ADw-b+AD4-", "utf-7", "<b>"),
    ],
)
def test_text_is_decoded(octets, charset, text):
    assert text_of(octets, charset, Findings()) == text


@pytest.mark.parametrize(
    "charset", ["base64", "hex", "rot13", "idna", "punycode", "unicode_escape", "undefined", "../x", "\0", "a" * 99]
)
def test_what_is_no_charset_has_no_codec(charset):
    assert codec_of(charset) is None


def test_wrong_and_unknown_charsets_are_noted():
    findings = Findings()
    text_of(b"\xff\xfa rest", "utf-8", findings)
    text_of(b"x", "x-nosuch", findings)
    assert set(findings.defects) == {Defect.CHARSET_WRONG, Defect.CHARSET_UNKNOWN}


def test_a_character_cut_by_the_bound_is_no_wrong_charset():
    findings = Findings()
    text = text_of("ä".encode() * 300_000, "utf-8", findings, most=99_999)
    assert text.count("ä") == 49_999
    assert not findings.defects


def test_charset_of_html_comes_from_its_meta_element_where_none_is_declared():
    markup = b"<html><meta http-equiv=Content-Type content='text/html; charset=koi8-r'>"
    assert html_charset(markup, "") == "koi8-r"
    assert html_charset(markup, "utf-8") == "utf-8"


def test_encoded_words_name_only_loaded_codecs():
    assert with_known_charsets(b"=?x-nosuch?Q?a?= =?KOI8-R*ru?B?8A==?=") == b"=?cp1252?Q?a?= =?koi8_r?B?8A==?="


@given(
    st.binary(max_size=300), st.text(max_size=50) | st.sampled_from(["utf-7", "hz", "iso-2022-kr", "utf-16", "big5"])
)
def test_any_octets_in_any_charset_give_text(octets, charset):
    assert isinstance(text_of(octets, charset, Findings()), str)
    assert isinstance(decode_as(octets, charset), str)


def test_text_and_links_are_bounded_and_the_bound_noted():
    findings = Findings()
    digest = Digest(findings)
    digest.take_plain("\n".join(f"http://h{number}.example/" for number in range(limits.MAX_LINKS + 100)))
    digest.take_plain("x" * (limits.MAX_TEXT + 1))
    assert len(digest.links) == limits.MAX_LINKS
    assert len(digest.text) <= limits.MAX_TEXT
    assert Defect.TEXT_TRUNCATED in findings.defects


@pytest.mark.parametrize(
    "take", [Digest.take_plain, lambda digest, text: digest.take_html(f"<p style='display:none'>{text}")]
)
def test_gtube_is_recognised_seen_or_hidden(take):
    findings = Findings()
    take(Digest(findings), f"hello\r\n{GTUBE}\r\n")
    assert Defect.TEST_GTUBE in findings.defects


def test_one_line_has_no_control_characters():
    assert one_line(" a\r\n\tb\x1b[2J\u202e\u200bc\x00 ") == "a b[2Jc"


def test_much_hidden_text_is_a_defect_and_a_preheader_is_none():
    for hidden, expected in (("x" * 400, True), ("In this letter", False)):
        findings = Findings()
        Digest(findings).take_html(f"<p>seen</p><p style='display:none'>{hidden}</p>")
        assert (Defect.TEXT_HIDDEN in findings.defects) is expected
