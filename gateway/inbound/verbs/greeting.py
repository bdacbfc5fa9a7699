"""HELO and EHLO (RFC 5321 section 4.1.1.1), what EHLO offers, and XCLIENT, by which a trusted host says who the client
really is (Postfix, XCLIENT_README).

`offers` is the whole truth about extensions: PIPELINING (RFC 2920), SIZE (RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8 (RFC
6531), ENHANCEDSTATUSCODES (RFC 2034), DSN (RFC 3461), CHUNKING (RFC 3030), LIMITS (RFC 9422), STARTTLS (RFC 3207), AUTH
(RFC 4954), XCLIENT, HELP. BINARYMIME is not among them: a message has lines.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Final

from gateway.facts.outcome import Known, Unknown
from gateway.inbound.ports import Door
from gateway.inbound.protocol import sasl
from gateway.inbound.protocol import xclient as attributes
from gateway.inbound.protocol.client import address_of
from gateway.inbound.refused import Refused
from gateway.inbound.session import Session
from gateway.mail import replies
from gateway.mail.replies import Reply

MOST_THAT_CAN_BE_SAID: Final = 999_999
"""A limit has six digits at most (RFC 9422 section 4)."""


async def helo(session: Session, name: str) -> Reply | None:
    """One line, and no extensions."""
    return await _hello(session, name, extended=False)


async def ehlo(session: Session, name: str) -> Reply | None:
    """The list of what is offered to this client."""
    return await _hello(session, name, extended=True)


async def _hello(session: Session, name: str, *, extended: bool) -> Reply | None:
    household = session.household
    refused = await _impatience(session)
    refused = refused or household.admission.may_say_hello(name) or _refused_as_ours(session, name)
    if refused is not None:
        session.client = replace(session.client, helo=name)
        reply = await session.refuse("helo", refused)
        session.client = replace(session.client, helo="")
        return reply
    session.forget_transaction()
    session.extended = extended
    session.client = replace(session.client, helo=name, esmtp=extended)
    session.say_octets(replies.hello(household.hostname, offers(session) if extended else ()))
    return None


async def _impatience(session: Session) -> Refused | None:
    """Whoever is tried must have sent nothing beyond its HELO; then it is known from now on."""
    if not session.is_on_trial:
        return None
    if session.waiting:
        return Refused(replies.IMPATIENT, "sent commands before the answer to HELO")
    session.is_on_trial = False
    await session.household.admission.manners.waited(session.client)
    return None


def offers(session: Session) -> tuple[str, ...]:
    """The extensions that this client may use now, as EHLO says them."""
    allowance = session.household.admission.allowance(session.client)
    offered = ["PIPELINING", f"SIZE {allowance.size}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING"]
    recipients = min(allowance.recipients, MOST_THAT_CAN_BE_SAID)
    offered.append(f"LIMITS MAILMAX={session.household.limits.transactions} RCPTMAX={recipients}")
    if session.tls is not None and not session.is_encrypted:
        offered.append("STARTTLS")
    if session.offers_auth:
        offered.append(f"AUTH {' '.join(sasl.MECHANISMS)}")
    if session.may_xclient:
        offered.append(f"XCLIENT {' '.join(attributes.NAMES)}")
    return (*offered, "HELP")


def _refused_as_ours(session: Session, name: str) -> Refused | None:
    """Who comes from outside and says our own name is lying. Those on this machine may."""
    if session.door is not Door.MX or session.is_health_check:
        return None
    here = session.own_address if name.startswith("[") else ""  # the kernel is asked only where it matters
    if not claims_to_be(name, hostname=session.household.hostname, ip=here):
        return None
    if ipaddress.ip_address(session.address.ip).is_loopback or session.address.ip == session.own_address:
        return None
    return Refused(replies.OUR_OWN_NAME, "says our own name in HELO")


def claims_to_be(name: str, *, hostname: str, ip: str) -> bool:
    """Whether the name of a HELO is the host name, or the address as a literal (RFC 5321 section 4.1.3)."""
    literal = name.lower().removeprefix("[").removesuffix("]").removeprefix("ipv6:")
    return name.lower().rstrip(".") == hostname.lower().rstrip(".") or (name.startswith("[") and literal == ip)


async def xclient(session: Session, argument: str) -> Reply:
    """Take the trusted host's word for who the client is, and greet that one."""
    if not session.may_xclient:
        return replies.NOT_IMPLEMENTED
    if session.transaction is not None:
        return replies.BAD_SEQUENCE
    told = attributes.parse(argument)
    ip = session.address.ip if told.ip is None else told.ip
    port = session.address.port if told.port is None else told.port
    encryption = session.client
    refused = await session.introduce(address_of(ip, port))
    session.client = replace(session.client, tls=encryption.tls, tls_cipher=encryption.tls_cipher)
    if told.name is not None:
        session.client = replace(session.client, reverse_name=Known(told.name))
    elif told.name_failed:
        session.client = replace(session.client, reverse_name=Unknown("the trusted host could not look the name up"))
    if told.helo is not None:
        session.client = replace(session.client, helo=told.helo)
    if told.esmtp is not None:
        session.extended = told.esmtp
        session.client = replace(session.client, esmtp=told.esmtp)
    if refused is not None:
        return await session.refuse("connect", refused)
    return session.greeting()
