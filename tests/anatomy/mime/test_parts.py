"""The walk: the same parts as the standard library where a message is sound, every reading where it is not."""

from __future__ import annotations

import email
import mmap
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy import limits
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.mime.parts import Shape, walk
from tests.anatomy.making.letters import HEAD, attachment, letter, multipart


def parts_of(octets):
    findings = Findings()
    return list(walk(octets, findings)), findings


def contents(octets):
    return {part.path: bytes(part.content) for part in parts_of(octets)[0] if part.shape is Shape.LEAF}


@st.composite
def sound_messages(draw):
    """Messages as Python's own generator writes them: text, attachments of any octets, a forwarded message."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["Subject"] = "a@b.example", "x"
    words = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))
    message.set_content(draw(words), cte=draw(st.sampled_from(["base64", "quoted-printable"])))
    for index in range(draw(st.integers(0, 3))):
        name = f"{index}.bin"
        message.add_attachment(draw(st.binary(max_size=200)), maintype="application", subtype="x", filename=name)
    if draw(st.booleans()):
        inner = EmailMessage(policy=SMTP)
        inner["Subject"] = "inner"
        inner.set_content(draw(words), cte="base64")
        message.add_attachment(inner)
    return message


@given(sound_messages())
@settings(max_examples=150, deadline=None)
def test_a_sound_message_has_the_parts_that_the_standard_library_finds(message):
    octets = message.as_bytes()
    oracle = [
        (part.get_content_type(), part.get_filename() or "", part.get_payload(decode=True))
        for part in email.message_from_bytes(octets).walk()
        if not part.is_multipart()
    ]
    parts, findings = parts_of(octets)
    mine = [(part.media_type.declared, part.name, part.content) for part in parts if part.shape is Shape.LEAF]
    assert mine == oracle
    assert not findings.unscannable


@given(st.binary(max_size=2_000))
@settings(max_examples=300, deadline=None)
def test_any_octets_have_parts_and_a_mapping_has_the_same(octets):
    parts, _ = parts_of(octets)
    assert parts
    if octets:
        with mmap.mmap(-1, len(octets)) as mapping:
            mapping.write(octets)
            assert parts_of(mapping)[0] == parts


ALPHABET = [
    b"--B",
    b"--B--",
    b"--C",
    b"\r\n",
    b"Content-Type: multipart/mixed; boundary=B",
    b"x",
    b" ",
    b"\n",
    b"=",
    b"(",
]
ALPHABET += [b"Content-Type: multipart/digest; boundary=C", b"Content-Transfer-Encoding: base64", b"QUJD", b'"', b";"]


@given(st.lists(st.sampled_from(ALPHABET), max_size=60).map(b"".join))
@settings(max_examples=300, deadline=None)
def test_any_mix_of_mime_words_has_parts_with_paths_of_their_own(octets):
    parts, _ = parts_of(HEAD + octets)
    paths = [part.path for part in parts if part.shape is not Shape.ASIDE]
    assert len(paths) == len(set(paths))


def test_nesting_is_numbered_as_imap_numbers_it():
    inner = multipart(b"\r\none", b"\r\ntwo", boundary=b"I")
    octets = multipart(b"\r\nzero", b"Content-Type: message/rfc822\r\n\r\n" + inner)
    assert contents(octets) == {"1": b"zero", "2.1": b"one", "2.2": b"two"}


def test_two_types_are_both_read():
    fields = b"Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=B"
    octets = letter(fields, b"--B\r\n\r\nhidden from the first reader\r\n--B--\r\n")
    parts, findings = parts_of(octets)
    assert Defect.MIME_AMBIGUOUS in findings.defects
    assert b"hidden from the first reader" in [part.content for part in parts]
    assert any(part.content.startswith(b"--B") for part in parts)


def test_two_boundaries_are_both_read():
    fields = b"Content-Type: multipart/mixed; boundary=A; boundary=B"
    octets = letter(fields, b"--A\r\n\r\nfirst\r\n--A--\r\n--B\r\n\r\nsecond\r\n--B--\r\n")
    assert {b"first", b"second"} <= set(contents(octets).values())


def test_two_encodings_are_both_read():
    fields = b"Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64"
    parts, findings = parts_of(letter(fields, b"aGlkZGVu\r\n"))
    assert [part.content for part in parts] == [b"aGlkZGVu\r\n", b"hidden"]
    assert Defect.MIME_AMBIGUOUS in findings.defects


def test_a_longer_delimiter_line_is_a_second_reading():
    octets = letter(b"Content-Type: multipart/mixed; boundary=B", b"--B\r\n\r\none\r\n--Bxyz\r\n\r\ntwo\r\n--B--\r\n")
    found = contents(octets)
    assert found["1"] == b"one\r\n--Bxyz\r\n\r\ntwo"
    assert b"two" in found.values()


def test_a_boundary_that_begins_like_another_is_no_ambiguity():
    inner = b"Content-Type: multipart/alternative; boundary=B1\r\n\r\n--B1\r\n\r\none\r\n--B1--\r\n"
    octets = multipart(inner)
    parts, findings = parts_of(octets)
    assert [part.content for part in parts] == [b"one"]
    assert not findings.defects


def test_an_undeclared_boundary_is_recognised():
    octets = letter(
        b"Content-Type: multipart/mixed", b"\r\n--zzz\r\nContent-Type: text/plain\r\n\r\nseen\r\n--zzz--\r\n"
    )
    parts, findings = parts_of(octets)
    assert [part.content for part in parts] == [b"seen"]
    assert Defect.MIME_BOUNDARY_MISSING in findings.defects


def test_a_missing_terminator_loses_nothing():
    parts, findings = parts_of(
        letter(b"Content-Type: multipart/mixed; boundary=B", b"--B\r\n\r\none\r\n--B\r\n\r\ntwo")
    )
    assert [part.content for part in parts] == [b"one", b"two"]
    assert Defect.MIME_UNTERMINATED in findings.defects


def test_base64_around_a_multipart_is_opened():
    wrapped = attachment(b"--B\r\n\r\ninside\r\n--B--\r\n", kind="multipart/mixed; boundary=B")
    parts, findings = parts_of(multipart(wrapped, boundary=b"OUT"))
    assert [part.content for part in parts] == [b"inside"]
    assert Defect.MIME_ENCODED_CONTAINER in findings.defects


def test_a_body_without_an_empty_line_before_it_is_read():
    octets = multipart(b"Content-Transfer-Encoding: base64\r\naGlkZGVu")
    assert b"hidden" in contents(octets).values()


def test_text_after_the_last_part_is_kept_aside():
    parts, findings = parts_of(multipart(b"\r\none") + b"afterwards\r\n")
    assert (parts[0].shape, parts[0].content) == (Shape.ASIDE, b"afterwards\r\n")
    assert Defect.MIME_EPILOGUE in findings.defects


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (multipart(*[b"\r\nx"] * (limits.MAX_PARTS + 10)), Unscannable.MIME_PARTS),
        (HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 200 + b"\r\nx", Unscannable.MIME_DEPTH),
        (letter(b"Content-Type: message/partial; id=x; number=1; total=2", b"x"), Unscannable.MIME_PARTIAL),
        (multipart(b"\r\nx", subtype=b"encrypted"), Unscannable.MIME_ENCRYPTED),
    ],
    ids=["parts", "depth", "partial", "encrypted"],
)
def test_what_is_out_of_bounds_is_named(octets, reason):
    parts, findings = parts_of(octets)
    assert reason in findings.unscannable
    assert len(parts) <= limits.MAX_PARTS


def test_a_piece_of_a_message_is_not_searched_for_parts():
    piece = b"--x\r\nContent-Type: application/octet-stream\r\n\r\nsecret\r\n--x--\r\n"
    parts = list(walk(letter(b"Content-Type: message/partial; id=x; number=2; total=2", piece), Findings()))
    assert [part.content for part in parts] == [piece]
