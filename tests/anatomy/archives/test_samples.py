"""Archives that other programs made are read, or named: every kind of them, with and without the second reader."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from gateway.anatomy.archives import libarchive
from gateway.anatomy.examine import examine
from tests.anatomy.making.letters import attachment, multipart

ARCHIVES = Path(__file__).parents[1] / "samples"
SECRET = b"what has to be found " * 3
FOREIGN = ["a.txt.Z", "a.txt.lz", "a.txt.lz4", "a.txt.zst", "ar.ar", "bin.cpio", "newc.cpio", "odc.cpio", "xar.xar"]
PACKED = ["bcj2.7z", "ppmd.7z", "ppmd.zip"]
DISKS = ["fat12.img.gz", "fat16.img.gz", "fat32.img.gz", "mbr.img.gz", "fixed.vhd.gz", "dynamic.vhd.gz", "v7.tar.gz"]
CLOSED = ["a.arj", "a.wim", "a.vhdx.gz", "ntfs.img.gz"]


def looked_at(name):
    octets = (ARCHIVES / name).read_bytes()
    octets = gzip.decompress(octets) if name.endswith(".gz") else octets
    seen = []
    return examine(multipart(attachment(octets, name.removesuffix(".gz"))), watch=seen.append).content, seen


@pytest.mark.parametrize("name", FOREIGN + PACKED + DISKS)
def test_what_stands_inside_is_found(name):
    content, seen = looked_at(name)
    assert SECRET in seen
    assert not content.unscannable


@pytest.mark.parametrize("name", DISKS[:-1])
def test_files_of_a_disk_have_their_long_names(name):
    assert "Rechnung 2026.lnk" in {part.name for part in looked_at(name)[0].parts}


@pytest.mark.parametrize("name", CLOSED)
def test_what_nobody_reads_is_named(name):
    assert looked_at(name)[0].unscannable == ("archive.unsupported",)


@pytest.mark.parametrize("name", FOREIGN + PACKED)
def test_without_the_second_reader_it_is_named(name, monkeypatch):
    monkeypatch.setattr(libarchive, "_LIBRARY", None)
    content, seen = looked_at(name)
    assert SECRET not in seen
    assert content.unscannable == ("archive.unsupported",)
