from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.inbound.protocol.tls import RenewableCertificate, server_context
from tests.inbound.house import PATIENCE, make_certificate, open_house
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
    certificate = RenewableCertificate(*files)
    async with open_house(tls=certificate.context) as house:
        waiting = await Talk.to(house.port)
        await waiting.say_hello()
        before = await served_certificate(house.port)
        assert not certificate.renew(), "nothing has changed"
        make_certificate(tmp_path)
        looks = asyncio.Event()

        async def sleep(_: float) -> None:
            if looks.is_set():
                await asyncio.Event().wait()
            looks.set()

        def take_up(context: ssl.SSLContext) -> None:
            house.front.renew_tls(context)
            taken.set()

        taken = asyncio.Event()
        watching = asyncio.ensure_future(certificate.watch(take_up, sleep=sleep))
        await asyncio.wait_for(taken.wait(), PATIENCE)
        watching.cancel()
        after = await served_certificate(house.port)
        await waiting.ask("STARTTLS")
        await waiting.start_tls()
        assert waiting.writer.get_extra_info("ssl_object").getpeercert(binary_form=True) == after, (
            "also where it waited"
        )
        await waiting.close()
    assert before != after
    assert ssl.DER_cert_to_PEM_cert(after).encode().strip() == files[0].read_bytes().strip()


def test_half_a_pair_changes_nothing(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    files, others = make_certificate(tmp_path), make_certificate(other)
    certificate = RenewableCertificate(*files)
    before = certificate.context
    files[0].write_bytes(others[0].read_bytes())
    with capture_logs() as logs:
        assert not certificate.renew()
    assert [each["log_level"] for each in logs] == ["error"]
    assert certificate.context is before
    files[1].unlink()
    assert not certificate.renew()
    files[1].write_bytes(others[1].read_bytes())
    assert certificate.renew(), "now they fit"
    assert certificate.context is not before


def test_a_missing_file() -> None:
    with pytest.raises(FileNotFoundError):
        server_context(Path("/nonexistent/certificate.pem"), Path("/nonexistent/key.pem"))


def test_tls_1_2_at_least(tmp_path: Path) -> None:
    context = server_context(*make_certificate(tmp_path))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
