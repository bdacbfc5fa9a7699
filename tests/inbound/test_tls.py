from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from gateway.inbound.tls import server_context
from tests.inbound.house import make_certificate, open_house
from tests.inbound.talk import Talk


async def served_certificate(port: int) -> bytes:
    talk = await Talk.to(port)
    await talk.say_hello()
    await talk.ask("STARTTLS")
    await talk.start_tls()
    certificate = talk.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    await talk.close()
    return certificate


async def test_a_renewed_certificate_is_served_without_restart(tmp_path: Path) -> None:
    files = make_certificate(tmp_path)
    context = server_context(*files)
    async with open_house(tls=context) as house:
        before = await served_certificate(house.port)
        context.load_cert_chain(*make_certificate(tmp_path))
        after = await served_certificate(house.port)
    assert before != after
    assert ssl.DER_cert_to_PEM_cert(after).encode().strip() == files[0].read_bytes().strip()


def test_a_missing_file() -> None:
    with pytest.raises(FileNotFoundError):
        server_context(Path("/nonexistent/certificate.pem"), Path("/nonexistent/key.pem"))


def test_tls_1_2_at_least(tmp_path: Path) -> None:
    context = server_context(*make_certificate(tmp_path))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
