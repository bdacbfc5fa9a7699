"""Containers: members are found however they are wrapped; what stays closed has a reason."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import random
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy import limits
from gateway.anatomy.examine import examine
from tests.anatomy.making.letters import attachment, multipart, zipped

ARCHIVES = Path(__file__).parent / "samples"
SECRET = b"what has to be found " * 3
DIGEST = hashlib.sha256(SECRET).hexdigest()


def content_of(octets, name="a.bin"):
    return examine(multipart(attachment(octets, name))).content


def tar_of(name, content, layout=tarfile.GNU_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=layout) as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zip_with(method):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("a.txt", SECRET)
    return buffer.getvalue()


def streamed_zip():
    """As a program writes it that cannot seek back: sizes stand behind the data."""

    class Pipe(io.RawIOBase):
        def __init__(self):
            self.octets = b""

        def writable(self):
            return True

        def write(self, chunk):
            self.octets += bytes(chunk)
            return len(chunk)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", SECRET)
    return pipe.octets


def local_header(name, packed, method=8):
    return (
        struct.pack("<4sHHHHHLLLHH", b"PK\x03\x04", 20, 0, method, 0, 0, 0, len(packed), 0, len(name), 0)
        + name
        + packed
    )


def deflated(octets):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(octets) + packer.flush()


@pytest.mark.parametrize(
    "octets",
    [
        zip_with(zipfile.ZIP_STORED),
        zip_with(zipfile.ZIP_DEFLATED),
        zip_with(zipfile.ZIP_BZIP2),
        zip_with(zipfile.ZIP_LZMA),
        streamed_zip(),
        b"self-extracting stub" + zipped(a_txt=SECRET),
        zipped(a_zip=zipped(b_zip=zipped(c_txt=SECRET))),
        zipped(a_txt=SECRET)[:-22],
        zipped(a_txt=SECRET)[: zipped(a_txt=SECRET).index(b"PK\x01\x02")],
        gzip.compress(SECRET),
        gzip.compress(SECRET[:9]) + gzip.compress(SECRET[9:]),
        bz2.compress(SECRET),
        lzma.compress(SECRET),
        lzma.compress(SECRET, lzma.FORMAT_ALONE),
        tar_of("a.txt", SECRET),
        tar_of("long/" * 60 + "a.txt", SECRET),
        tar_of("long/" * 60 + "a.txt", SECRET, tarfile.PAX_FORMAT),
        gzip.compress(tar_of("a.txt", SECRET)),
        zipped(mail_eml=multipart(attachment(SECRET))),
    ],
    ids=lambda octets: "",
)
def test_member_is_found(octets):
    found = content_of(octets)
    assert DIGEST in {part.sha256 for part in found.parts}


def test_members_are_numbered_and_named():
    found = content_of(zipped(a_zip=zipped(b_exe=b"MZ"), c_txt=SECRET), "top.zip")
    assert [(part.path, part.name) for part in found.parts] == [
        ("1", "top.zip"),
        ("1/0", "a.zip"),
        ("1/0/0", "b.exe"),
        ("1/1", "c.txt"),
    ]
    assert "name.executable" in found.defects


def test_an_encrypted_member_is_listed_by_name():
    octets = (Path(__file__).parent / "samples" / "aes256.zip").read_bytes()
    found = content_of(octets, "a.zip")
    assert "archive.encrypted" in found.unscannable
    assert found.parts[1].name == "a.txt"
    assert (found.parts[1].note, found.parts[1].sha256) == ("encrypted", "")


def test_a_member_that_only_says_that_it_is_encrypted_is_read():
    octets = bytearray(zipped(secret_exe=SECRET))
    octets[6] |= 1
    octets[octets.index(b"PK\x01\x02") + 8] |= 1
    assert content_of(bytes(octets), "a.zip").parts[1].sha256 == hashlib.sha256(SECRET).hexdigest()


def test_a_member_that_the_directory_hides_is_found():
    hidden = local_header(b"hidden.exe", deflated(SECRET))
    found = content_of(hidden + zipped(a_txt=b"harmless"))
    assert "archive.hidden" in found.defects
    assert DIGEST in {part.sha256 for part in found.parts}


def nested(depth):
    octets = zipped(a_txt=SECRET)
    for _ in range(depth):
        octets = zipped(a_zip=octets)
    return octets


def overlapping():
    """Two directory entries for the same octets, again and again."""
    one = zipped(a_bin=random.Random(1).randbytes(5_000))
    start = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    entries = one[start:end] * 50
    return one[:start] + entries + struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 50, 50, len(entries), start, 0)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (zipped(a_bin=bytes(8 * 1024 * 1024)), "archive.ratio"),
        (gzip.compress(bytes(8 * 1024 * 1024)), "archive.ratio"),
        (bz2.compress(bytes(8 * 1024 * 1024)), "archive.ratio"),
        (overlapping(), "archive.ratio"),
        (nested(limits.MAX_ARCHIVE_DEPTH + 2), "archive.depth"),
        (zipped(**{f"{index}_txt": b"x" for index in range(limits.MAX_PARTS + 5)}), "archive.parts"),
        (gzip.compress(SECRET)[:-10], "archive.damaged"),
        (b"PK\x03\x04" + b"\xff" * 100, "archive.damaged"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "archive.damaged"),
        (b"Rar!\x1a\x07\x01\0" + bytes(50), "archive.damaged"),
    ],
    ids=["zip-ratio", "gzip-ratio", "bzip2-ratio", "overlap", "depth", "count", "cut", "nonsense", "7z", "rar"],
)
def test_what_stays_closed_has_a_reason(octets, reason):
    assert reason in content_of(octets).unscannable


def bomb_of_bombs():
    """As 42.zip is built: sixteen archives in each of sixteen, four levels deep, and zeros at the bottom."""
    octets = zipped(zeros_bin=bytes(32 * 1024 * 1024))
    for _ in range(4):
        octets = zipped(**{f"lib{number}_zip": octets for number in range(16)})
    return octets


def test_a_bomb_of_bombs_is_answered_within_the_bounds():
    found = content_of(bomb_of_bombs())
    assert "archive.ratio" in found.unscannable
    assert len(found.parts) <= limits.MAX_PARTS


def test_an_archive_behind_another_is_opened_too():
    other = (ARCHIVES / "copy.7z").read_bytes()
    found = content_of(other + zipped(hidden_exe=b"MZ" + SECRET))
    assert "type.polyglot" in found.defects
    assert {part.name for part in found.parts} >= {"a.txt", "hidden.exe"}


def test_a_name_that_leaves_the_folder_is_noticed():
    assert "archive.traversal" in content_of(zip_named("../../etc/cron.d/x")).defects
    assert "archive.traversal" in content_of(tar_of("/etc/passwd", b"x")).defects


def zip_named(name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, b"x")
    return buffer.getvalue()


SEEDS = [zipped(a_txt=SECRET, b_txt=b"y" * 300), gzip.compress(SECRET), tar_of("a", SECRET), lzma.compress(SECRET)]
SEEDS += [
    bytes.fromhex("789f3e220100") + bytes(40),
    bytes.fromhex("00051600") + bytes(60),
    b"(This file must be converted with BinHex\n:#@9TBf",
]
SEEDS += [bytes.fromhex("3082072906092a864886f70d010702a082071a3082071602010131") + bytes(60), bz2.compress(SECRET)]


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    st.integers(0, 400),
)
@settings(max_examples=300, deadline=None)
def test_any_damage_gives_an_answer(seed, changes, cut):
    octets = bytearray(seed)
    for position, value in changes:
        octets[position % len(octets)] = value
    content_of(bytes(octets[: len(octets) - cut % len(octets)]))
