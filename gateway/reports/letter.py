"""The message that carries a DMARC aggregate report (RFC 9990, "Email"): a line for people and the compressed XML.
Pure: time is passed in, and the same report gives the same octets.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime

from gateway.mail.address import Address
from gateway.reports.aggregate import Report, render


def write(report: Report, *, to: Address, written_at: float) -> bytes:
    """The message, unsigned. `to` is in ASCII; `written_at` is seconds since the epoch."""
    compressed = gzip.compress(render(report), mtime=0)
    boundary = f"=_{hashlib.sha256(compressed).hexdigest()[:40]}"
    reporter = report.reporter
    header = [
        f"From: {_phrase(reporter.organization)}<{reporter.email}>",
        f"To: <{to}>",
        f"Subject: Report Domain: {report.domain}",
        f" Submitter: {reporter.receiver}",
        f" Report-ID: <{report.identifier}>",
        f"Date: {format_datetime(datetime.fromtimestamp(int(written_at), UTC))}",
        f"Message-ID: <{_message_id(report, to)}>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{boundary}"',
    ]
    words = [
        "Content-Type: text/plain; charset=us-ascii",
        "",
        f"This is the DMARC aggregate report of {reporter.receiver}",
        f"about mail from {report.domain}",
        f"on {datetime.fromtimestamp(report.period.begin, UTC):%Y-%m-%d} (UTC).",
        "",
    ]
    attachment = [
        "Content-Type: application/gzip",
        f'Content-Disposition: attachment;\r\n filename="{report.file_name}"',
        "Content-Transfer-Encoding: base64",
        "",
        base64.encodebytes(compressed).decode("ascii").replace("\n", "\r\n").removesuffix("\r\n"),
    ]
    delimiter = f"--{boundary}"
    lines = [*header, "", delimiter, *words, delimiter, *attachment, f"{delimiter}--", ""]
    return "\r\n".join(lines).encode("ascii")


def _phrase(organization: str) -> str:
    """The organisation as a display name (RFC 5322 section 3.4); one beyond ASCII stands in the XML only."""
    if not organization.isascii() or not organization.isprintable():
        return ""
    quoted = organization.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" '


def _message_id(report: Report, to: Address) -> str:
    """The identifier, told apart by addressee: each gets a message of its own."""
    local, _, receiver = report.identifier.rpartition("@")
    return f"{local}.{hashlib.sha256(to.key.encode()).hexdigest()[:12]}@{receiver}"
