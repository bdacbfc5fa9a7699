"""NOOP, VRFY, HELP, QUIT (RFC 5321 sections 4.1.1.6 to 4.1.1.10), and the verbs that are known but not offered. They
change nothing, and VRFY gives nobody away (section 7.3)."""

from __future__ import annotations

from gateway.inbound.session import Session
from gateway.mail import replies
from gateway.mail.replies import Reply


async def noop(_: Session, __: str) -> Reply:
    """Whatever is said with it is passed over."""
    return replies.OK


async def vrfy(_: Session, argument: str) -> Reply:
    """252 for everybody."""
    return replies.CANNOT_VRFY if argument else replies.BAD_SYNTAX


async def help(_: Session, __: str) -> Reply:
    """Where to read on."""
    return replies.HELP


async def quit(_: Session, argument: str) -> Reply:
    """The last word."""
    return replies.BAD_SYNTAX if argument else replies.BYE


async def not_implemented(_: Session, __: str) -> Reply:
    """Known, and not offered."""
    return replies.NOT_IMPLEMENTED
