"""gateway/pipeline/stripping.py and notice.py"""

from __future__ import annotations

import base64
import email
import email.policy
import io
import re
import zipfile
from dataclasses import replace
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy.examine import examine
from gateway.anatomy.findings import Findings
from gateway.anatomy.mime.parts import Part, walk
from gateway.facts.content import PartFact
from gateway.mail.message import Message
from gateway.pipeline.notice import MAX_NAME, Circumstances, Removed, notice_text
from gateway.pipeline.stripping import NotStripped, Stripped, strip

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
WHY = Circumstances("Programs are not delivered", "mx.example.org", "0123456789ABC")
ENCODINGS = ("base64", "quoted-printable", "7bit")


def facts(octets: bytes) -> tuple[PartFact, ...]:
    return examine(octets).content.parts


def programs(octets: bytes) -> tuple[PartFact, ...]:
    return tuple(each for each in facts(octets) if each.can_run)


def parts(octets: bytes) -> list[Part]:
    return list(walk(octets, Findings()))


def attachment(name: str, content: bytes, encoding: str = "base64") -> bytes:
    body = {
        "base64": base64.encodebytes(content).replace(b"\n", b"\r\n"),
        "quoted-printable": b"".join(b"=%02X" % each if each in b"=\r\n" else bytes([each]) for each in content),
        "7bit": content,
    }[encoding]
    return (
        f"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: {encoding}\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
    ).encode() + body


TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello, the files are here.\r\n"
HTML = b"Content-Type: text/html\r\n\r\n<p>Hello</p>\r\n"
HEADER = (
    b"From: Ann <ann@a.example>\r\nTo: bob@example.org\r\nSubject: Files\r\n"
    b"Date: Mon, 16 Nov 2026 09:12:00 +0000\r\nMIME-Version: 1.0\r\n"
)


def multipart(*bodies: bytes, boundary: bytes = b"frontier", kind: bytes = b"mixed") -> bytes:
    inner = b"".join(b"\r\n--" + boundary + b"\r\n" + each for each in bodies)
    return (
        b"Content-Type: multipart/" + kind + b'; boundary="' + boundary + b'"\r\n\r\n'
        + inner.removeprefix(b"\r\n") + b"\r\n--" + boundary + b"--\r\n"
    )  # fmt: skip


def stripped(octets: bytes, doomed: tuple[PartFact, ...] | None = None) -> Stripped:
    said = strip(octets, programs(octets) if doomed is None else doomed, WHY)
    assert isinstance(said, Stripped), said
    return said


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_program_goes_and_a_notice_stands_in_its_place(encoding):
    octets = HEADER + multipart(TEXT, attachment("game.exe", EICAR, encoding), HTML)
    said = stripped(octets)
    assert EICAR not in said.octets
    assert all(EICAR not in each.content for each in parts(said.octets))
    (removed,) = said.removed
    assert (removed.path, removed.name, removed.size) == ("2", "game.exe", len(EICAR))
    assert said.octets.startswith(HEADER)
    assert TEXT in said.octets
    assert HTML in said.octets
    read = email.message_from_bytes(said.octets, policy=email.policy.default)
    texts = list(read.iter_parts())
    assert [each.get_content_type() for each in texts] == ["text/plain", "text/plain", "text/html"]
    notice = texts[1].get_content()
    for word in ("game.exe", removed.sha256, f"{len(EICAR)} octets", WHY.why, WHY.reference, WHY.host):
        assert word in notice


def test_nothing_but_the_part_changes():
    before = attachment("game.exe", EICAR)
    octets = HEADER + multipart(TEXT, before, HTML)
    head, _, tail = octets.partition(before)
    changed = stripped(octets).octets
    assert changed.startswith(head)
    assert changed.endswith(tail)


def test_a_message_that_is_nothing_else_keeps_its_own_fields():
    octets = HEADER + attachment("game.exe", EICAR)
    changed = Message.from_wire(stripped(octets).octets)
    assert changed.octets.startswith(HEADER)
    assert changed.values(b"content-type") == [b" text/plain; charset=utf-8"]
    assert len(changed.values(b"content-disposition")) == 1
    assert b"Name:       game.exe" in parts(bytes(changed.octets))[0].content


def test_a_message_without_mime_version_gets_one():
    octets = HEADER.replace(b"MIME-Version: 1.0\r\n", b"") + attachment("game.exe", EICAR)
    assert Message.from_wire(stripped(octets).octets).values(b"mime-version") == [b" 1.0"]


def test_a_program_in_an_attached_message_goes_and_the_message_stays():
    inner = b"From: Eve <eve@b.example>\r\nSubject: Inner\r\n" + multipart(
        TEXT, attachment("game.exe", EICAR), boundary=b"inner"
    )
    octets = HEADER + multipart(TEXT, b"Content-Type: message/rfc822\r\n\r\n" + inner, HTML)
    said = stripped(octets)
    assert [each.path for each in said.removed] == ["2.2"]
    assert b"Subject: Inner" in said.octets
    assert [each.path for each in parts(said.octets)] == [each.path for each in parts(octets)]


def test_an_attached_message_that_is_nothing_else_keeps_its_own_fields():
    inner = b"From: Eve <eve@b.example>\r\nSubject: Inner\r\n" + attachment("game.exe", EICAR)
    said = stripped(HEADER + multipart(TEXT, b"Content-Type: message/rfc822\r\n\r\n" + inner))
    assert b"Subject: Inner\r\n" in said.octets
    assert [each.path for each in said.removed] == ["2.1"]


def test_a_member_goes_with_its_archive_and_is_named():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "x")
        archive.writestr("setup.exe", EICAR)
    octets = HEADER + multipart(TEXT, attachment("stuff.zip", file.getvalue()))
    said = stripped(octets)
    assert [(each.path, each.name, each.inside) for each in said.removed] == [("2", "stuff.zip", ("setup.exe",))]
    assert b"In it:      setup.exe" in parts(said.octets)[1].content


def test_a_part_within_one_that_goes_is_not_taken_twice():
    inner = HEADER + multipart(TEXT, attachment("game.exe", EICAR), boundary=b"inner")
    octets = HEADER + multipart(TEXT, b"Content-Type: message/rfc822\r\n\r\n" + inner)
    doomed = tuple(each for each in facts(octets) if each.path in ("2", "2.2"))
    assert len(doomed) == 2
    said = stripped(octets, doomed)
    assert [each.path for each in said.removed] == ["2"]
    assert [each.path for each in parts(said.octets)] == ["1", "2"]


ONE_PROGRAM = multipart(TEXT, attachment("game.exe", EICAR))
AMBIGUOUS = {
    "two types": HEADER + b"Content-Type: text/plain\r\n" + multipart(TEXT, attachment("game.exe", EICAR)),
    "two boundaries": HEADER
    + ONE_PROGRAM.replace(b'boundary="frontier"', b"boundary=frontier; boundary=other")
    + b"--other\r\n" + TEXT + b"--other--\r\n",
    "delimiters that go on": HEADER
    + ONE_PROGRAM.replace(b"--frontier\r\nContent-Type: app", b"--frontierX\r\nContent-Type: app"),
    "a header that is none": HEADER + b"no field at all\r\n" + multipart(TEXT, attachment("game.exe", EICAR)),
    "an encoded container": HEADER
    + b'Content-Type: multipart/mixed; boundary="x"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    + base64.encodebytes(b"--x\r\n" + attachment("game.exe", EICAR) + b"\r\n--x--\r\n").replace(b"\n", b"\r\n"),
    "before the first part": HEADER
    + multipart(TEXT).replace(b"\r\n--frontier", b"\r\nbegin 644 game.exe\r\n#0V%T\r\n`\r\nend\r\n--frontier", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_message_that_readers_may_understand_differently_is_not_changed(name):
    octets = AMBIGUOUS[name]
    doomed = programs(octets)
    assert doomed, "the program is not found at all"
    assert isinstance(strip(octets, doomed, WHY), NotStripped)


def test_a_part_that_is_not_what_was_examined_is_not_taken():
    octets = HEADER + multipart(TEXT, attachment("game.exe", EICAR))
    (program,) = programs(octets)
    assert isinstance(strip(octets, (replace(program, sha256="00"),), WHY), NotStripped)
    assert isinstance(strip(octets, (replace(program, path="9"),), WHY), NotStripped)
    assert isinstance(strip(octets, (), WHY), NotStripped)


def test_a_name_cannot_make_the_notice_more_than_a_notice():
    name = "\r\n--frontier--\r\n\u202egpj.exe" + "x" * 500
    text = notice_text(Removed("2", name, "a/b", 1, "00"), WHY)
    line = next(each for each in text.decode().split("\r\n") if each.startswith("Name:"))
    assert "U+202E" in line
    assert len(line) <= 12 + MAX_NAME
    assert not any(each.startswith("--") for each in text.decode().split("\r\n"))


# ---------------------------------------------------------------- any message


names = st.sampled_from(["a.exe", "b.txt", "c.pdf", "d.js", "e.docx", "-- frontier.exe", "ü.com"])
contents = st.one_of(st.binary(max_size=200), st.just(EICAR), st.just(b"MZ" + EICAR))
files = st.builds(lambda name, content: attachment("x.exe" if not name.isascii() else name, content), names, contents)
leaves = st.one_of(st.just(TEXT), st.just(HTML), files)


@st.composite
def trees(draw: st.DrawFn, depth: int = 0) -> bytes:
    """A multipart whose boundaries differ from all others."""
    kind = draw(st.sampled_from([b"mixed", b"alternative", b"related"]))
    children = draw(
        st.lists(
            st.one_of(leaves, trees(depth + 1), messages(depth + 1)) if depth < 2 else leaves, min_size=1, max_size=4
        )
    )
    number = draw(st.integers(0, 10**9))
    return multipart(*children, boundary=b"=_%d_%d" % (depth, number), kind=kind)


@st.composite
def messages(draw: st.DrawFn, depth: int = 0) -> bytes:
    inner = draw(st.one_of(leaves, trees(depth))) if depth < 2 else draw(leaves)
    return b"Content-Type: message/rfc822\r\n\r\n" + HEADER + inner


@settings(max_examples=150, deadline=None)
@given(st.one_of(trees(), leaves))
def test_the_other_parts_are_the_same_and_the_programs_are_gone_for_good(body):
    octets = HEADER + body
    doomed = programs(octets)
    said = strip(octets, doomed, WHY)
    if isinstance(said, NotStripped):
        return
    gone = {each.path for each in said.removed}
    before, after = parts(octets), parts(said.octets)
    assert [each.path for each in before] == [each.path for each in after]
    for old, new in zip(before, after, strict=True):
        if old.path in gone:
            assert new.content.startswith(b"An attachment was taken out")
        elif old.shape.name == "LEAF":
            assert new.content == old.content
    assert programs(said.octets) == ()
    assert isinstance(strip(said.octets, programs(said.octets), WHY), NotStripped)
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", said.octets)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(names.filter(str.isascii), contents), min_size=1, max_size=4))
def test_what_the_standard_library_builds_is_always_stripped(attachments):
    letter = EmailMessage()
    letter["From"], letter["Subject"] = "ann@a.example", "Files"
    letter.set_content("Hello\n")
    for name, content in attachments:
        letter.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    octets = letter.as_bytes(policy=email.policy.SMTP)
    doomed = programs(octets)
    said = strip(octets, doomed, WHY)
    assert isinstance(said, Stripped) == bool(doomed)
    if isinstance(said, Stripped):
        read = email.message_from_bytes(said.octets, policy=email.policy.default)
        assert not read.defects
        kept = [each.get_content() for each in read.iter_attachments() if each.get_filename()]
        taken = {each.path for each in said.removed}
        assert kept == [content for number, (_, content) in enumerate(attachments, 2) if str(number) not in taken]


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=400).map(
        lambda each: HEADER + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" + each
    )
)
def test_any_octets_give_an_answer(octets):
    strip(octets, facts(octets)[:1], WHY)
