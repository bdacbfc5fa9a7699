"""The domain of MAIL FROM: whether an answer to the sender could be delivered (RFC 5321 section 5.1, RFC 7505 section
4.2). A domain that says it takes no mail sends none; everything else is a fact for the policy.
"""

from __future__ import annotations

import asyncio
from typing import Final

from gateway.facts.connection import SenderDomain
from gateway.facts.outcome import NOT_ASKED, Known, Outcome, Unknown
from gateway.inbound.ports import ClientInquiry
from gateway.inbound.refused import Refused
from gateway.mail import replies
from gateway.mail.address import ReversePath

INQUIRY_PATIENCE: Final = 3.0
"""Seconds that MAIL may wait for the DNS."""


async def ask(inquiry: ClientInquiry, sender: ReversePath) -> Outcome[SenderDomain]:
    """What the DNS says of the sender's domain. Nobody is asked about the null reverse-path and address literals."""
    if sender is None or sender.domain.startswith("["):
        return NOT_ASKED
    try:
        async with asyncio.timeout(INQUIRY_PATIENCE):
            return await inquiry.sender_domain(sender.domain)
    except TimeoutError:
        return Unknown("timed out")


def refusal(domain: Outcome[SenderDomain]) -> Refused | None:
    """The only answer of the DNS that refuses by itself."""
    if domain == Known(SenderDomain.NULL_MX):
        return Refused(replies.SENDER_HAS_NULL_MX, "the sender's domain has a null MX")
    return None
