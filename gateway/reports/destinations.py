"""Where a policy domain wants its reports, and whether whoever gets them agreed (RFC 9990, "Verifying External
Destinations"): else anybody could have anybody flooded with them.

Asks the DNS; never raises, never sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from gateway.checks.authentication import dmarc_record
from gateway.checks.authentication.dmarc import organisational_domain
from gateway.checks.authentication.public_suffixes import PublicSuffixes
from gateway.checks.dns.answering import Answering
from gateway.checks.dns.domains import host_domain
from gateway.facts.outcome import Known
from gateway.mail.address import Address, BadAddress

MAX_DESTINATIONS: Final = 5
"""Addresses that one domain's report is sent to (RFC 9990, "Report Delivery", leaves the limit to us)."""

_SCHEME: Final = "mailto:"


async def destinations(
    resolver: Answering, domain: str, uris: Sequence[str], *, suffixes: PublicSuffixes | None = None
) -> list[Address]:
    """The mailboxes that want the reports about a policy domain and may have them, each once.

    A destination about whose consent the DNS cannot tell gets none. Organisations are found as DMARC finds them here:
    by the list where there is one, by the tree walk else.
    """
    found: dict[str, Address] = {}
    for wanted in _mailboxes(uris):
        for address in await _permitted(resolver, domain, wanted, suffixes):
            found.setdefault(address.key, address)
    return list(found.values())


def _mailboxes(uris: Sequence[str]) -> list[Address]:
    return [address for address in map(mailbox, uris) if address is not None][:MAX_DESTINATIONS]


def mailbox(uri: str) -> Address | None:
    """The address of a mailto URI (RFC 6068); None for what is malformed, not mail, or not in ASCII.

    The size that older records add after an exclamation mark is passed over (RFC 9989 section 4.8).
    """
    if not uri.lower().startswith(_SCHEME):
        return None
    path = uri[len(_SCHEME) :].partition("?")[0].partition("!")[0]
    try:
        address = Address.parse(unquote(path, errors="strict"))
    except (BadAddress, UnicodeDecodeError):
        return None
    return address if address.is_ascii and host_domain(address.domain) else None


async def _permitted(
    resolver: Answering, domain: str, wanted: Address, suffixes: PublicSuffixes | None
) -> list[Address]:
    """Whom the reports for this address may go to: itself, whom its own domain names instead, or nobody."""
    ours = await organisational_domain(resolver, domain, suffixes)
    theirs = await organisational_domain(resolver, wanted.domain, suffixes)
    if isinstance(ours, Known) and isinstance(theirs, Known) and ours.value == theirs.value:
        return [wanted]
    answer = await resolver.query(f"{domain}._report._dmarc.{wanted.domain}", "TXT")
    consents = dmarc_record.choose(answer.records)
    if not consents:
        return []
    instead = next((consent.report_uris for consent in consents if consent.report_uris), ())
    if not instead:
        return [wanted]
    overriding = _mailboxes(instead)
    # A consent that sends on to yet another host could be used against that host.
    return overriding if all(each.domain == wanted.domain for each in overriding) else []
