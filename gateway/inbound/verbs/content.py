"""DATA (RFC 5321 section 4.1.1.4) and BDAT (RFC 3030 section 2): the octets of a message, and what became of it.

What is refused is read to its end first: octets of a message are never taken for commands. After the end, good or bad,
the transaction is over.
"""

from __future__ import annotations

from gateway.inbound.protocol import commands
from gateway.inbound.receiving import Intake, receive_chunk, receive_dotted, skip_chunk
from gateway.inbound.session import Session
from gateway.inbound.transaction import Transaction
from gateway.mail import replies
from gateway.mail.replies import Reply


async def data(session: Session, argument: str) -> Reply:
    """Everything up to CRLF.CRLF."""
    transaction = session.transaction
    if argument:
        return replies.BAD_SYNTAX
    if transaction is None:
        return session.not_now() or replies.NEED_MAIL
    if transaction.intake is not None:
        return replies.CHUNKS_HAVE_BEGUN
    if not transaction.recipients:
        return replies.NEED_RCPT
    intake = _open_intake(session, transaction)
    session.say(replies.START_MAIL)
    session.note_progress()
    try:
        await receive_dotted(session, intake)
    except TimeoutError:
        return _out_of_time(session)
    return await _conclude(session, transaction, intake)


async def bdat(session: Session, argument: str) -> Reply:
    """One chunk; with the last one the message is complete."""
    size, is_last = commands.chunk(argument)
    try:
        transaction = session.transaction
        if transaction is None or not transaction.recipients or not session.extended:
            await skip_chunk(session, size)
            return _out_of_sequence(session)
        try:
            intake = transaction.intake or _open_intake(session, transaction)
        except Exception:
            await skip_chunk(session, size)
            raise
        await receive_chunk(session, intake, size)
    except TimeoutError:
        return _out_of_time(session)
    if size:
        session.note_progress()
    if is_last:
        intake.end_chunks()
    if is_last or intake.refused is not None:
        return await _conclude(session, transaction, intake)
    return replies.chunk_received(size)


def _open_intake(session: Session, transaction: Transaction) -> Intake:
    household = session.household
    transaction.intake = Intake(
        household.ports.custody.incoming(),
        limit=transaction.size_limit,
        now=session.now(),
        normalises=transaction.allowance.group.limits.normalises,
    )
    return transaction.intake


def _out_of_sequence(session: Session) -> Reply:
    transaction = session.transaction
    if transaction is None:
        return session.not_now() or replies.NEED_MAIL
    return replies.NEED_RCPT if session.extended else replies.NEED_HELO


def _out_of_time(session: Session) -> Reply:
    session.forget_transaction()
    return replies.IDLE_TOO_LONG


async def _conclude(session: Session, transaction: Transaction, intake: Intake) -> Reply:
    reception = session.household.reception
    if intake.refused is not None:
        session.forget_transaction()
        return await reception.refuse(transaction, session.client, intake.refused.reply, intake.refused.reason)
    session.transaction = None  # what came in is the reception's now
    return await reception.conclude(transaction, intake.incoming, session.client)
