"""A renewed certificate is served by the running product: nobody restarts anything, and no SMTP session notices."""

from __future__ import annotations

import imaplib
import os
import signal
import smtplib
import socket
import ssl

import pytest

from tests.e2e.gateway import PATIENCE, Gateway, eventually
from tests.inbound.house import make_certificate

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]


def served(gateway: Gateway, door: str) -> bytes:
    """The certificate that a new handshake gets."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", gateway.ports[door]), timeout=PATIENCE) as plain:
        if door in ("submissions", "imaps", "pop3s"):
            with context.wrap_socket(plain) as encrypted:
                return encrypted.getpeercert(binary_form=True) or b""
    if door == "imap":
        with imaplib.IMAP4("127.0.0.1", gateway.ports[door], timeout=PATIENCE) as reader:
            reader.starttls(context)
            return reader.sock.getpeercert(binary_form=True)
    with smtplib.SMTP("127.0.0.1", gateway.ports[door], timeout=PATIENCE) as client:
        client.starttls(context=context)
        return client.sock.getpeercert(binary_form=True)


@pytest.mark.parametrize("told", [True, False], ids=["at SIGHUP", "by itself"])
def test_a_renewed_certificate_is_served(gateway: Gateway, told: bool) -> None:
    before = served(gateway, "mx")
    with smtplib.SMTP("127.0.0.1", gateway.ports["mx"], timeout=PATIENCE) as talk:
        talk.ehlo()
        certificate, _ = make_certificate(gateway.data / "tls")
        if told:
            os.kill(gateway.process.pid, signal.SIGHUP)
        wanted = ssl.PEM_cert_to_DER_cert(certificate.read_text())
        assert wanted != before
        for door in ("mx", "submission", "submissions", "imaps", "pop3s", "imap"):
            eventually(lambda door=door: served(gateway, door) == wanted, every=0.5)
        assert talk.noop()[0] == 250, "an open session goes on"
