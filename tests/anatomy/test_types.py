"""True types by octets."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.anatomy import types
from gateway.anatomy.types import true_type
from tests.anatomy.making.letters import zipped


def tar_of(name, content):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (b"MZ" + b"\0" * 58 + b"\x40\0\0\0PE\0\0", types.PE),
        (b"MZ" + b"\0" * 200, types.DOS),
        (b"\x7fELF\x02\x01\x01", types.ELF),
        (zipped(a_txt=b"x"), types.ZIP),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", types.OLE),
        (b"%PDF-1.7\n", types.PDF),
        (b"\r\n junk %PDF-1.4", types.PDF),
        (b"{\\rtf1\\ansi", "application/rtf"),
        (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (gzip.compress(b"x"), types.GZIP),
        (b"BZh91AY", types.BZIP2),
        (b"\xfd7zXZ\0", types.XZ),
        (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
        (b"Rar!\x1a\x07\x01\0", "application/vnd.rar"),
        (tar_of("a", b"b"), types.TAR),
        (b"<!DOCTYPE html><html>", types.HTML),
        (b"\xef\xbb\xbf \n<!-- a --> <!-- b --><html>", types.HTML),
        ("<html>".encode("utf-16"), types.HTML),
        (b"<?xml version='1.0'?><html xmlns='x'>", types.HTML),
        (b"<svg xmlns='x' onload='y'>", "image/svg+xml"),
        (b"#!/bin/sh\n", types.SCRIPT),
        (b"<?php echo 1;", types.SCRIPT),
        (b"Received: x\nFrom: a\nTo: b\n\nbody", types.MESSAGE),
        (b"BMW is a maker of cars and motorcycles in Munich", types.TEXT),
        (b"just words", types.TEXT),
        (b"", types.TEXT),
        (bytes(range(256)), types.UNKNOWN),
        (b"L\0\0\0\x01\x14\x02\0", types.SHORTCUT),
    ],
)
def test_octets_tell_what_they_are(octets, name):
    assert true_type(octets) == name


@given(st.binary(max_size=700))
def test_any_octets_have_a_type(octets):
    assert "/" in true_type(octets)
