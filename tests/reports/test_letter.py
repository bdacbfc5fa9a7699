from __future__ import annotations

import email
import email.policy
import gzip
import re

from gateway.mail.address import Address
from gateway.mail.message import Message
from gateway.reports import letter
from gateway.reports.aggregate import Period, Report, Reporter, render
from gateway.reports.tally import Tally
from tests.reports.judged import evidence

NOW = 1_700_007_000.0


def report(organization: str = 'The "Example" Org') -> Report:
    tally = Tally()
    tally.add(evidence(), ("deliver",))
    reporter = Reporter("mx.example.org", organization, "dmarc@example.org", "Postern 0.1.0")
    return Report(reporter, "example.com", Period.of(1_700_000_000.0), tally.domains["example.com"])


def test_it_carries_the_report() -> None:
    octets = letter.write(report(), to=Address("r", "example.com"), written_at=NOW)
    Message.from_wire(octets)
    parsed = email.message_from_bytes(octets, policy=email.policy.default)
    text, attachment = parsed.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert attachment.get_content_type() == "application/gzip"
    assert attachment.get_filename() == "mx.example.org!example.com!1699920000!1700006399.xml.gz"
    assert gzip.decompress(attachment.get_content()) == render(report())
    assert not parsed.defects


def test_its_subject_is_as_the_standard_writes_it() -> None:
    octets = letter.write(report(), to=Address("r", "example.com"), written_at=NOW)
    subject = email.message_from_bytes(octets, policy=email.policy.default)["Subject"]
    assert re.fullmatch(
        r"Report\s+Domain:\s+example\.com\s+Submitter:\s+mx\.example\.org\s+"
        r"Report-ID:\s+<1699920000-example\.com@mx\.example\.org>",
        subject,
    )


def test_its_author_is_one_mailbox_whatever_the_organisation_is_called() -> None:
    for organization in ('The "Example" Org', "Söhne", "a\r\nBcc: x@example.net", "x\\", ""):
        octets = letter.write(report(organization), to=Address("r", "example.com"), written_at=NOW)
        header = email.message_from_bytes(octets, policy=email.policy.default)
        assert [each.addr_spec for each in header["From"].addresses] == ["dmarc@example.org"]
        assert "Bcc" not in header


def test_each_addressee_gets_a_message_of_its_own_and_the_same_again() -> None:
    first, other = (letter.write(report(), to=Address(name, "example.com"), written_at=NOW) for name in "ab")
    assert first == letter.write(report(), to=Address("a", "example.com"), written_at=NOW)
    identifiers = [email.message_from_bytes(each)["Message-ID"] for each in (first, other)]
    assert identifiers[0] != identifiers[1]
