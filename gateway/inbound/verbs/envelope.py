"""MAIL, RCPT and RSET: who a message is from and to (RFC 5321 sections 4.1.1.2, 4.1.1.3 and 4.1.1.5). Says what is
asked and records what is refused; who may is `admission`'s to say.
"""

from __future__ import annotations

from gateway.facts.connection import SenderDomain
from gateway.facts.outcome import NOT_ASKED, Outcome
from gateway.inbound.admission import senders
from gateway.inbound.protocol import commands
from gateway.inbound.protocol.commands import BadCommand, MailParameters, RecipientParameters
from gateway.inbound.refused import Refused
from gateway.inbound.session import Session
from gateway.inbound.transaction import Transaction
from gateway.mail import replies
from gateway.mail.address import ReversePath, path_text
from gateway.mail.envelope import Direction, Recipient
from gateway.mail.replies import Reply


async def mail(session: Session, argument: str) -> Reply:
    """Begin a transaction. It keeps the policy of this moment to its end."""
    if refusal := session.not_now():
        return refusal
    if session.transaction is not None:
        return replies.NESTED_MAIL
    session.transactions += 1
    if session.transactions > session.household.limits.transactions:
        return replies.TOO_MANY_TRANSACTIONS
    try:
        sender, parameters = _read_mail(argument, extended=session.extended, offers_auth=session.offers_auth)
    except BadCommand as bad:
        unreadable = Refused(bad.reply, "MAIL cannot be taken as it stands")
        return await session.refuse("mail", unreadable, sender=commands.path_as_written(argument))
    session.sender = sender
    admission = session.household.admission
    allowance = await admission.allowance_at_mail(session.client, sender, principal=session.principal)
    refused = await admission.may_send(
        sender,
        size=parameters.size,
        allowance=allowance,
        client=session.client,
        principal=session.principal,
    )
    domain: Outcome[SenderDomain] = NOT_ASKED
    if refused is None and session.principal is None:
        session.household.ports.inquiry.expect(session.client, sender)
        domain = await senders.ask(session.household.ports.inquiry, sender)
        refused = senders.refusal(domain)
    if refused is not None:
        return await session.refuse("mail", refused, sender=path_text(sender))
    direction = Direction.OUTBOUND if session.door.is_submission else Direction.INBOUND
    session.transaction = Transaction(sender, parameters, allowance, direction, sender_domain=domain)
    return replies.SENDER_OK


async def rcpt(session: Session, argument: str) -> Reply:
    """Take one more recipient."""
    transaction = session.transaction
    if transaction is None:
        return session.not_now() or replies.NEED_MAIL
    if transaction.intake is not None:
        return replies.BAD_SEQUENCE
    admission = session.household.admission
    try:
        path, parameters = _read_rcpt(argument, extended=session.extended)
        if refused := admission.may_relay_path(path, principal=session.principal):
            return await session.refuse("rcpt", refused, recipient=path)
        address = commands.forward_path(path, postmaster=session.household.postmaster)
        if not address.is_ascii and not transaction.parameters.smtputf8:
            raise BadCommand(replies.UTF8_UNDECLARED)
    except BadCommand as bad:
        unreadable = Refused(bad.reply, "RCPT cannot be taken as it stands")
        return await session.refuse("rcpt", unreadable, recipient=commands.path_as_written(argument))
    if len(transaction.recipients) >= transaction.allowance.recipients:
        limit = transaction.allowance
        group = limit.group
        too_many = Refused(replies.TOO_MANY_RECIPIENTS, f"more than {limit.recipients}", group.id, group.place)
        return await session.refuse("rcpt", too_many, recipient=path)
    answer = await admission.may_receive(
        address,
        allowance=transaction.allowance,
        client=session.client,
        reverse_path=transaction.reverse_path,
        principal=session.principal,
        size=transaction.parameters.size,
    )
    if isinstance(answer, Refused):
        return await session.refuse("rcpt", answer, recipient=path)
    session.note_progress()
    # Who stands for whom is no secret of ours: a report to the sender names the address that he wrote (RFC 3461).
    original = parameters.original or ("" if answer.address == address else commands.original_recipient(address))
    transaction.add(Recipient(answer.address, parameters.notify, original), answer.destination, size=answer.size)
    transaction.later = transaction.later or answer.later
    return replies.RECIPIENT_OK


def _read_mail(argument: str, *, extended: bool, offers_auth: bool) -> tuple[ReversePath, MailParameters]:
    path, given = commands.path_and_parameters(argument, keyword="FROM:", malformed=replies.BAD_SENDER_SYNTAX)
    if (given and not extended) or ("AUTH" in given and not offers_auth):
        raise BadCommand(replies.BAD_PARAMETER)
    parameters = commands.mail_parameters(given)
    sender = commands.reverse_path(path)
    if sender is not None and not sender.is_ascii and not parameters.smtputf8:
        raise BadCommand(replies.UTF8_UNDECLARED)
    return sender, parameters


def _read_rcpt(argument: str, *, extended: bool) -> tuple[str, RecipientParameters]:
    path, given = commands.path_and_parameters(argument, keyword="TO:", malformed=replies.BAD_RECIPIENT_SYNTAX)
    if given and not extended:
        raise BadCommand(replies.BAD_PARAMETER)
    return path, commands.recipient_parameters(given)


async def rset(session: Session, argument: str) -> Reply:
    """Forget the transaction."""
    if argument:
        return replies.BAD_SYNTAX
    session.forget_transaction()
    return replies.FLUSHED
