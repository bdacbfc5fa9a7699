"""What deceives is a fact with a name, and shows what it was."""

from __future__ import annotations

import pytest

from gateway.anatomy.examine import examine
from tests.anatomy.making.letters import attachment, html, letter, multipart

HIDDEN = '<p>Hi</p><span style="display:none">' + "hidden words " * 20 + "</span>"
ZERO = '<p>Hi</p><span style="font-size:0">' + "tiny words " * 20 + "</span>"
FACTS = {
    "link.mismatch": (html('<a href="https://evil.example/">www.bank.example</a>'), "www.bank.example ⟶ https://evil.example/"),
    "link.userinfo": (html('<a href="https://bank.example@evil.example/">x</a>'), "https://bank.example@evil.example/"),
    "link.numeric_host": (html('<a href="http://0x7f000001/">x</a>'), "http://0x7f000001/"),
    "link.punycode": (html('<a href="http://xn--bnk-5cd.example/">x</a>'), "http://xn--bnk-5cd.example/"),
    "link.mixed_script": (html('<a href="http://b\u0430nk.example/">x</a>'), "http://b\u0430nk.example/"),
    "link.redirect": (html('<a href="http://a.example/?u=http://evil.test/">x</a>'), "http://a.example/?u=http://evil.test/"),
    "link.shortener": (html('<a href="https://bit.ly/x">x</a>'), "https://bit.ly/x"),
    "link.active": (html('<a href="javascript:alert(1)">x</a>'), "javascript:alert(1)"),
    "header.reply_to_elsewhere": (letter(b"Reply-To: x@evil.example", b""), "ann@sender.example ⟶ x@evil.example"),
    "header.reply_to_freemail": (letter(b"Reply-To: x@gmail.com", b""), "ann@sender.example ⟶ x@gmail.com"),
    "header.return_path_elsewhere": (letter(b"Return-Path: <x@evil.example>", b""), "x@evil.example"),
    "header.from.names_other": (
        b'From: "ceo@bank.example" <x@evil.example>\r\n\r\n',
        "ceo@bank.example <x@evil.example>",
    ),
    "html.form": (html("<form action=http://evil.example><input></form>"), ""),
    "html.password_field": (html("<form><input type=password></form>"), ""),
    "text.hidden": (html(ZERO), ""),
    "name.rtlo": (multipart(attachment(b"x", "invoice\u202efdp.exe")), "invoice⟦U+202E⟧fdp.exe"),
    "name.double_extension": (multipart(attachment(b"x", "a.pdf.exe")), "a.pdf.exe"),
    "type.mismatch": (multipart(attachment(b"MZ" + bytes(90), "a.pdf")), "a.pdf is application/x-dosexec"),
}  # fmt: skip


@pytest.mark.parametrize("name", FACTS)
def test_it_is_named_and_shown(name):
    message, evidence = FACTS[name]
    content = examine(message).content
    assert name in content.defects
    assert not evidence or {each.name: each.evidence for each in content.evidence}[name] == evidence


def test_hidden_text_is_shown():
    content = examine(html(HIDDEN)).content
    assert {each.name: each.evidence for each in content.evidence}["text.hidden"].startswith("hidden words hidden")


@pytest.mark.parametrize(
    "fields",
    [b"Reply-To: b@sender.example", b"Return-Path: <bounce@sender.example>", b"Return-Path: <>", b"Subject: x"],
)
def test_honest_senders_have_none(fields):
    content = examine(letter(fields, b"")).content
    assert not [each for each in content.defects if each.startswith(("header.reply", "header.return", "link."))]
