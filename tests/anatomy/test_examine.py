"""`examine` as a whole: total, linear, and right about what a message contains."""

from __future__ import annotations

import json
import mmap
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy import limits
from gateway.anatomy.examine import examine
from gateway.anatomy.findings import Defect, Unscannable
from gateway.anatomy.sight.text import GTUBE
from gateway.facts.content import Anatomy
from tests.anatomy.making.letters import HEAD, attachment, html, letter, multipart, text, zipped
from tests.anatomy.making.papers import compound, package

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "tests" / "suites" / "mime"
TRUTH = json.loads((SUITE / "truth.json").read_text())

# What anatomy cannot open by its nature: the rest is elsewhere, or locked.
CLOSED = {
    "partial-1of2": "mime.partial",
    "partial-2of2": "mime.partial",
    "smime-encrypted": "mime.encrypted",
    "tnef-truncated": "archive.damaged",
}


@pytest.mark.parametrize("case", [case for case in TRUTH if case["contains"] == "yes"], ids=lambda case: case["id"])
def test_payload_is_found_or_named_unscannable(case):
    content = examine((SUITE / case["file"]).read_bytes()).content
    if case["id"] in CLOSED:
        assert CLOSED[case["id"]] in content.unscannable
    else:
        assert case["payload_sha256"] in {part.sha256 for part in content.parts}


@pytest.mark.parametrize("case", [case for case in TRUTH if case["group"] == "control"], ids=lambda case: case["id"])
def test_honest_mail_has_no_oddities(case):
    content = examine((SUITE / case["file"]).read_bytes()).content
    assert not content.unscannable
    assert not content.defects


def test_name_is_the_one_a_user_sees():
    case = next(case for case in TRUTH if case["id"] == "ok-rfc2231-name")
    names = [part.name for part in examine((SUITE / case["file"]).read_bytes()).content.parts]
    assert case["filename"] in names


def test_an_ordinary_letter():
    octets = (
        b"From: =?utf-8?q?J=C3=B6rg?= <joerg@sender.example>, b@other.example\r\n"
        b"Reply-To: pay@else.example\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\nDate: x\r\n"
        b"Content-Type: text/html; charset=utf-8\r\n\r\n"
        b"<p>Hello,\r\n   <b>you</b>!</p><a href='http://evil.example/x'>paypal.com</a>"
    )
    anatomy = examine(octets)
    assert anatomy.subject == "Grüße"
    assert [(each.name, each.domain) for each in anatomy.authors] == [("Jörg", "sender.example"), ("", "other.example")]
    assert anatomy.reply_to[0].address == "pay@else.example"
    assert anatomy.text == "Hello, you!\npaypal.com"
    assert anatomy.content.excerpt == "Hello, you! paypal.com"
    assert anatomy.content.defects == ("header.from.several", "header.reply_to_elsewhere", "link.mismatch")
    assert [(each.host, each.text, each.place) for each in anatomy.content.links] == [
        ("evil.example", "paypal.com", "html")
    ]
    assert anatomy.header_names == ("from", "reply-to", "subject", "date", "content-type")
    assert anatomy.html is not None


@pytest.mark.parametrize(
    ("octets", "defect"),
    [
        (b"Date: x\r\n\r\nbody", Defect.HEADER_FROM_MISSING),
        (HEAD + b"From: b@b.example\r\n\r\n", Defect.HEADER_FROM_SEVERAL),
        (b"From: a@b.example\r\n\r\n", Defect.HEADER_DATE_MISSING),
        (HEAD + b"Subject: a\r\nSubject: b\r\n\r\n", Defect.HEADER_REPEATED),
        (HEAD + b"\r\nbare\nline", Defect.LINE_ENDS),
        (HEAD + b"\r\nnul\0", Defect.LINE_NUL),
        (text(GTUBE), Defect.TEST_GTUBE),
        (multipart(attachment(b"MZ" + bytes(100), "photo.jpg")), Defect.TYPE_MISMATCH),
        (multipart(attachment(b"%PDF-1.7" + zipped(a_txt=b"x"), "a.pdf")), Defect.TYPE_POLYGLOT),
    ],
)
def test_oddity_is_noted(octets, defect):
    assert defect in examine(octets).content.defects


def test_html_in_an_attachment_is_read_too():
    page = b"<html><form action='http://evil.example/'><input type=password></form></html>"
    anatomy = examine(multipart(attachment(page, "invoice.html")))
    assert anatomy.html is not None
    assert anatomy.html.password_fields == 1
    assert anatomy.content.links[0].host == "evil.example"


PIECES = [
    b"--B\r\n",
    b"--B--\r\n",
    b"\r\n",
    b"\n",
    b"Content-Type: multipart/mixed; boundary=B\r\n",
    b"QUJD",
    b"=\r\n",
    b"\xff",
]
PIECES += [
    b"Content-Type: text/html\r\n",
    b"<a href=http://x.example>",
    b"Content-Transfer-Encoding: base64\r\n",
    b"UEsDBA==",
]
PIECES += [
    b"Content-Type: message/rfc822\r\n",
    b"begin 644 a\r\n",
    b"PK\x03\x04",
    b"\x1f\x8b\x08\0",
    b"From: =?utf-8?b?w7w=?= <a@b>\r\n",
]


@given(st.binary(max_size=3_000) | st.lists(st.sampled_from(PIECES), max_size=80).map(b"".join))
@settings(max_examples=400, deadline=None)
def test_any_octets_give_an_anatomy_of_the_closed_lists(octets):
    anatomy = examine(octets)
    assert isinstance(anatomy, Anatomy)
    assert set(anatomy.content.defects) <= set(Defect)
    assert set(anatomy.content.unscannable) <= set(Unscannable)
    assert len(anatomy.content.excerpt) <= limits.EXCERPT


@pytest.mark.parametrize("case", TRUTH, ids=lambda case: case["id"])
def test_a_mapping_gives_what_bytes_give(case):
    octets = (SUITE / case["file"]).read_bytes()
    with mmap.mmap(-1, len(octets)) as mapping:
        mapping.write(octets)
        assert examine(mapping) == examine(octets)


def test_a_mapping_is_not_held_afterwards():
    octets = multipart(attachment(b"x" * 1_000), b"Content-Type: message/rfc822\r\n\r\n" + text("inner"))
    mapping = mmap.mmap(-1, len(octets))
    mapping.write(octets)
    examine(mapping)
    mapping.close()  # raises BufferError where a view into it is still alive


def nested_boundaries(count):
    return HEAD + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(count)
    )


def inside(octets):
    return multipart(attachment(octets))


def locked(words):
    archive = (Path(__file__).parent / "samples" / "zipcrypto.zip").read_bytes()
    return multipart(b"\r\n" + words.encode(), attachment(archive))


NOTE = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
TRAPS = {
    "nested boundaries": (nested_boundaries, 2_500),
    "messages in messages": (lambda n: HEAD + b"Content-Type: message/rfc822\r\n\r\n" * n, 5_000),
    "parts": (lambda n: multipart(*[b"\r\nx"] * n), 2_500),
    "parts like boundaries": (lambda n: letter(b"Content-Type: multipart/mixed; boundary=B", b"--Bx\r\n" * n), 10_000),
    "header fields": (lambda n: b"a:b\r\n" * n + b"\r\n", 12_000),
    "a long header line": (lambda n: b"a" * n, 100_000),
    "blanks in the subject": (lambda n: HEAD + b"Subject: a" + b" " * n + b"b\r\n\r\n", 60_000),
    "blanks in a type": (lambda n: letter(b"Content-Type: text/plain;" + b" " * n + b"x", b""), 60_000),
    "blanks in base64": (lambda n: letter(b"Content-Transfer-Encoding: base64", b"QUJD" + b" " * n + b"QUJD"), 60_000),
    "blanks in quoted-printable": (
        lambda n: letter(b"Content-Transfer-Encoding: quoted-printable", b"=" + b" " * n),
        60_000,
    ),
    "blanks in a tag": (lambda n: html("<p " + " " * n), 60_000),
    "blanks in a style": (lambda n: html("<p style='color" + " " * n + "x'>y"), 60_000),
    "commas in From": (lambda n: b"From: " + b"a," * n + b"\r\n\r\n", 10_000),
    "encoded words": (lambda n: b"Subject: " + b"=?utf-8?q?a?=" * n + b"\r\n\r\n", 2_000),
    "quotes in a type": (lambda n: letter(b"Content-Type: text/plain; " + b'x="a;' * n, b""), 10_000),
    "open elements": (lambda n: html("<div>" * n), 20_000),
    "attributes": (lambda n: html("<a " + " ".join(f"a{k}" for k in range(n))), 10_000),
    "open anchors": (lambda n: html("<a href=http://x.example>" * n), 2_000),
    "open comments": (lambda n: html("<!--" * n), 20_000),
    "comments": (lambda n: html("<!---->" * n), 10_000),
    "quotes in tags": (lambda n: html("<a \"<b '" * n), 10_000),
    "links": (lambda n: text("http://a.example " * n), 10_000),
    "www": (lambda n: text("www." * n), 30_000),
    "uuencoded files": (lambda n: text("begin 644 a\n" * n), 10_000),
    "yEncoded files": (lambda n: text("=ybegin line=1 name=a\n" * n), 5_000),
    "local headers": (lambda n: letter(b"Content-Type: a/b", b"PK\x03\x04" * n), 30_000),
    "padding": (lambda n: letter(b"Content-Transfer-Encoding: base64", b"QQ==" * n), 20_000),
    "runs of digits": (lambda n: html("<script>atob " + ("f" * 799 + " ") * n), 100),
    "runs of base64": (lambda n: html("<script>atob " + ("A" * 399 + " ") * n), 200),
    "runs of numbers": (lambda n: html("<script>atob [" + ("1, " * 199 + "x") * n), 100),
    "data URIs": (lambda n: html("<script>" + "data:" * n), 20_000),
    "streams": (lambda n: inside(b"%PDF-1.7 " + b"stream\n" * n), 20_000),
    "ended streams": (lambda n: inside(b"%PDF-1.7 " + b"/ObjStm stream\nendstream" * n), 5_000),
    "URIs": (lambda n: inside(b"%PDF-1.7 " + b"/URI (" * n), 10_000),
    "actions": (lambda n: inside(b"%PDF-1.7 " + b"/OpenAction /S " * n), 10_000),
    "rich text groups": (lambda n: inside(b"{\\rtf1 \\fldinst " + b"{\\a " * n), 20_000),
    "rich text fields": (lambda n: inside(b"{\\rtf1 " + b"\\fldinst \\a " * n), 10_000),
    "rich text objects": (lambda n: inside(b"{\\rtf1 " + b"\\objdata " * n), 20_000),
    "relationships": (lambda n: inside(package(word__a_rels=b"<Relationship " * n)), 20_000),
    "fields": (lambda n: inside(package(word__document_xml=b"<w:instrText>" * n)), 20_000),
    "modules": (lambda n: inside(compound({"VBA": {"a": b"\x01a\xb0\0Attribut" * n}})), 10_000),
    "sheets": (lambda n: inside(compound({"Workbook": b"\x85\0\0\0" * n})), 20_000),
    "words for a password": (lambda n: locked("password " * n), 5_000),
    "attached to an event": (lambda n: inside(b"BEGIN:VCALENDAR\n" + b"ATTACH;ENCODING=BASE64;x" * n), 5_000),
    "marks of notes": (lambda n: inside(bytes.fromhex("e4525c7b8cd8a74d") + NOTE * n), 10_000),
}


def seconds(octets):
    def once():
        start = time.process_time()
        examine(octets)
        return time.process_time() - start

    return min(once() for _ in range(3))


@pytest.mark.parametrize("name", TRAPS)
def test_work_grows_no_faster_than_the_message(name):
    build, size = TRAPS[name]
    small, large = seconds(build(size)), seconds(build(size * 4))
    # Linear is 4, quadratic 16. The floor keeps the noise of microseconds out of the ratio.
    assert large / max(small, 0.004) < 9


NOTHING_OPENED = """
import sys
from pathlib import Path
from gateway.anatomy.examine import examine
from gateway.anatomy.preview import preview

WATCHED = {"open", "import", "os", "socket", "subprocess", "ctypes", "_thread"}
PAGE = b"<a href=http://\\xc3\\xbc.example>x</a><b style=color:#fff>y"
messages = [path.read_bytes() for path in sorted(Path(sys.argv[1]).glob("*.eml"))]
for charset in (b"utf-7", b"x-nosuch", b"zlib_codec", b"iso-2022-kr", b"mac_arabic", b"idna"):
    word = b"=?" + charset + b"?q?a?="
    fields = b"From: " + word + b" <a@b>\\r\\nSubject: " + word + b"\\r\\nContent-Type: text/html; charset=" + charset
    messages.append(fields + b"; name*=" + charset + b"''a\\r\\n\\r\\n" + PAGE)
loaded = set(sys.modules)
events = []

def watch(event, arguments):
    if event.split(".")[0] in WATCHED:
        events.append((event, arguments[:1]))

sys.addaudithook(watch)
for message in messages:
    examine(message)
    preview(message)
seen, late = list(events), set(sys.modules) - loaded
print(len(messages), seen, late)
sys.exit(bool(seen or late or len(messages) < 40))
"""


def test_nothing_is_opened_loaded_or_started_after_import():
    run = subprocess.run(
        [sys.executable, "-c", NOTHING_OPENED, str(SUITE / "samples")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("fields", "defects"),
    [
        (b"From: a@shop.example\r\nReply-To: b@other.example\r\n", ("header.reply_to_elsewhere",)),
        (b"From: a@shop.example\r\nReply-To: b@shop.example\r\n", ()),
        (b'From: "ceo@bank.example" <a@evil.example>\r\n', ("header.from.names_other",)),
        (b'From: "a@shop.example" <a@shop.example>\r\n', ()),
    ],
)
def test_who_is_shown_and_who_is_answered(fields, defects):
    assert examine(fields + b"Date: x\r\n\r\nx").content.defects == defects


def test_a_field_for_a_password_is_a_fact():
    assert "html.password_field" in examine(html("<form><input type=password></form>")).content.defects
