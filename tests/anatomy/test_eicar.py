"""The EICAR test file is reached in every container that we open, and in containers inside containers."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile

import pytest

from gateway.anatomy.examine import examine
from tests.anatomy.making.cabinets import cabinet
from tests.anatomy.making.letters import attachment, multipart, zipped
from tests.anatomy.making.papers import compound, native, package, pdf, pdf_stream
from tests.anatomy.making.rars import file_4, file_5, rar_4, rar_5

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
DIGEST = hashlib.sha256(EICAR).hexdigest()


def tar(octets):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("eicar.com")
        member.size = len(octets)
        archive.addfile(member, io.BytesIO(octets))
    return buffer.getvalue()


CONTAINERS = {
    "zip": lambda octets: zipped(eicar_com=octets),
    "tar": tar,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "rar 5": lambda octets: rar_5(file_5(b"eicar.com", octets)),
    "rar 4": lambda octets: rar_4(file_4(b"eicar.com", octets)),
    "cabinet": lambda octets: cabinet([(b"eicar.com", octets)]),
    "pdf": lambda octets: pdf(pdf_stream(b"/Type /EmbeddedFile", octets)),
    "office package": lambda octets: package(word__embeddings__eicar_bin=octets),
    "old office": lambda octets: compound({"ObjectPool": {"_1": {"\x01Ole10Native": native(b"eicar.com", octets)}}}),
    "message": lambda octets: multipart(attachment(octets, "eicar.com")),
}


@pytest.mark.parametrize("outer", CONTAINERS)
@pytest.mark.parametrize("inner", CONTAINERS)
def test_reached_in_every_container_inside_every_other(outer, inner):
    octets = CONTAINERS[outer](CONTAINERS[inner](EICAR))
    content = examine(multipart(attachment(octets, "a.bin"))).content
    assert DIGEST in {part.sha256 for part in content.parts}
