from __future__ import annotations

import pytest

from gateway.facts.connection import SenderDomain
from gateway.facts.outcome import NOT_ASKED, Known, Outcome, Unknown
from gateway.inbound.admission import senders
from gateway.mail import replies
from gateway.mail.address import Address
from tests.inbound.house import Inquiry


async def test_who_is_asked_about() -> None:
    inquiry = Inquiry()
    assert await senders.ask(inquiry, Address.parse("a@null.example")) == Known(SenderDomain.NULL_MX)
    assert await senders.ask(inquiry, Address.parse("a@[192.0.2.1]")) == NOT_ASKED
    assert await senders.ask(inquiry, None) == NOT_ASKED


async def test_a_slow_dns_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "INQUIRY_PATIENCE", 0.01)
    assert await senders.ask(Inquiry(delay=5), Address.parse("a@null.example")) == Unknown("timed out")


@pytest.mark.parametrize("domain", [NOT_ASKED, Unknown("no"), *map(Known, SenderDomain)])
def test_only_a_null_mx_refuses_by_itself(domain: Outcome[SenderDomain]) -> None:
    refused = senders.refusal(domain)
    if domain == Known(SenderDomain.NULL_MX):
        assert refused is not None
        assert refused.reply == replies.SENDER_HAS_NULL_MX
    else:
        assert refused is None
