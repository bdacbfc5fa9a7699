"""STARTTLS (RFC 3207) and AUTH (RFC 4954). Nobody signs in without TLS, and nothing that was said in clear counts
afterwards."""

from __future__ import annotations

from dataclasses import replace

from gateway.inbound.ports import AuthFailure, Principal
from gateway.inbound.protocol import sasl
from gateway.inbound.refused import Refused
from gateway.inbound.session import Session
from gateway.inbound.signing_in import ask_credentials
from gateway.mail import replies
from gateway.mail.replies import Reply


async def starttls(session: Session, argument: str) -> Reply | None:
    """Answers 220, does the handshake, and waits for a new EHLO (RFC 3207 section 4.2)."""
    if argument:
        return replies.BAD_SYNTAX
    if session.is_encrypted:
        return replies.TLS_ACTIVE
    if session.tls is None:
        return replies.NOT_IMPLEMENTED
    if not await session.start_tls(replies.READY_FOR_TLS):
        return replies.TLS_NOT_AVAILABLE
    session.forget_transaction()
    session.extended = False
    session.client = replace(session.client, helo="")
    return None


async def auth(session: Session, argument: str) -> Reply:
    """Sign in, on the doors of submission and under TLS."""
    if not session.door.is_submission:
        return replies.NOT_IMPLEMENTED
    if not session.extended:
        return replies.NEED_HELO
    if not session.is_encrypted:
        return replies.TLS_REQUIRED
    if session.principal is not None:
        return replies.AUTH_TWICE
    mechanism, _, initial = argument.partition(" ")
    if mechanism.upper() not in sasl.MECHANISMS:
        return replies.AUTH_MECHANISM if mechanism else replies.BAD_SYNTAX
    login, password = await ask_credentials(session, mechanism.upper(), initial.strip())
    return await _sign_in(session, login, password)


async def _sign_in(session: Session, login: str, password: str) -> Reply:
    answer = await session.household.ports.authentication.authenticate(
        login=login, password=password, client_ip=session.address.ip
    )
    if isinstance(answer, Principal):
        session.principal = answer
        session.client = replace(session.client, user=answer.user)
        return replies.AUTHENTICATED
    reply = replies.AUTH_FAILED if answer is AuthFailure.WRONG else replies.AUTH_UNAVAILABLE
    return await session.refuse("auth", Refused(reply, f"sign-in as {login[:64]}: {answer.value}"))
