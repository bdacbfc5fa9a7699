"""One SMTP session: each verb is a method that returns its reply, and `_converse` is the protocol.

RFC 5321 section 4 (commands, order), RFC 2920 (PIPELINING), RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 3461 (DSN),
RFC 2034 (ENHANCEDSTATUSCODES), RFC 6531 (SMTPUTF8), RFC 3207 (STARTTLS), RFC 4954 (AUTH). EHLO names these and nothing
else. Decides nothing: `admission` says who may, `transaction` what becomes of a message. Keeps nothing from one
transaction to the next.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from gateway.facts.connection import ClientFact
from gateway.inbound import commands, sasl
from gateway.inbound.admission import Admission
from gateway.inbound.client import ClientAddress, client_address
from gateway.inbound.commands import BadCommand
from gateway.inbound.occupancy import Occupancy
from gateway.inbound.ports import AuthFailure, Door, Ports, Principal
from gateway.inbound.receiving import receive
from gateway.inbound.refusals import Refusals
from gateway.inbound.refused import Refused
from gateway.inbound.signing_in import ask_credentials
from gateway.inbound.transaction import Reception, Transaction
from gateway.inbound.wire import ClientGone, LineFault, Wire
from gateway.mail import replies
from gateway.mail.address import Address, path_text
from gateway.mail.envelope import Direction, Recipient
from gateway.mail.replies import Reply
from gateway.queue.identifiers import text_of
from gateway.settings import Limits
from gateway.telemetry import log

IDLE_COMMANDS: Final = 100
"""Commands that a client may give without a recipient or a message being taken; then it is taken to have no mail."""

WEB_VERBS: Final = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "PATCH", "DELETE"})
"""A browser was tricked into speaking to us: what it sends next may look like commands."""


@dataclass(frozen=True, slots=True)
class Household:
    """What all sessions of one edge process share."""

    ports: Ports
    admission: Admission
    reception: Reception
    refusals: Refusals
    limits: Limits
    hostname: str
    postmaster: Address


class Session(Wire):
    """One connection at one door."""

    def __init__(
        self,
        household: Household,
        *,
        door: Door,
        tls_context: ssl.SSLContext | None,
        loop: asyncio.AbstractEventLoop,
        occupancy: Occupancy,
    ) -> None:
        super().__init__(loop=loop, idle=household.limits.idle, tls_context=tls_context)
        self._household = household
        self._door = door
        self._occupancy = occupancy
        self._address = ClientAddress("", 0, "")
        self._client = ClientFact("")
        self._principal: Principal | None = None
        self._extended = False
        self._transaction: Transaction | None = None
        self._errors = 0
        self._idle_commands = 0
        self._draining = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the place is taken until the conversation has ended, however it ends."""
        super().connection_made(transport)
        assert self.session is not None
        assert self._handler_coroutine is not None
        self._address = client_address(self.session)
        self._client = ClientFact(self._address.ip, self._address.port)
        self._occupancy.enter(self, self._address.network)
        if self._door is Door.SUBMISSIONS:
            self.expect_tls()
        self._handler_coroutine.add_done_callback(self._leave)

    def _leave(self, _: asyncio.Task[None]) -> None:
        self._occupancy.leave(self, self._address.network)
        self._household.admission.has_gone(self._client, connections=self._occupancy.of(self._address.network))

    def drain(self) -> None:
        """Finish what is open, then say goodbye; at once if the client has nothing open but the line."""
        self._draining = True
        if self._at_rest:
            self.dismiss(replies.SHUTTING_DOWN)

    # ------------------------------------------------------------ the protocol

    async def _converse(self) -> None:
        if not await self._welcome():
            return
        while not self._draining:
            line = await self.read_line()
            if line is None:
                return
            try:
                reply = await self._obey(line)
            except ClientGone:
                raise
            except Exception as error:  # noqa: BLE001 - the client learns a reference, the log the story
                self.say(await self.handle_exception(error))
                continue
            if reply is not None and not self._answer(reply):
                return
        self.say(replies.SHUTTING_DOWN)

    async def _welcome(self) -> bool:
        admission = self._household.admission
        if refused := await self._crowded():
            return await self._turn_away(refused)
        if self._door is Door.SUBMISSIONS:
            await self._start_tls()
        self._client = await admission.acquaint(self._client, self._door)
        refused = await admission.may_enter(self._client)
        if refused is None and self._spoke_already and not self._door.is_submission:
            refused = Refused(replies.SPOKE_TOO_EARLY, "spoke before the greeting")
        if refused is not None:
            return await self._turn_away(refused)
        self.say(replies.greeting(self._household.hostname))
        return True

    async def _crowded(self) -> Refused | None:
        if self._draining:
            return Refused(replies.SHUTTING_DOWN, "draining")
        return await self._household.admission.has_room(
            self._client,
            connections=self._occupancy.of(self._address.network),
            everybodys=self._occupancy.total,
        )

    async def _turn_away(self, refused: Refused) -> bool:
        self.say(refused.reply)
        self._household.admission.note(refused.reply, self._client, self._door)
        await self._refuse("connect", refused)
        return False

    async def _obey(self, line: bytes | LineFault) -> Reply | None:
        if isinstance(line, LineFault):
            return replies.LINE_TOO_LONG if line is LineFault.TOO_LONG else replies.BARE_LINE_END
        try:
            verb, argument = commands.split(line)
            if verb in WEB_VERBS:
                return replies.WRONG_PROTOCOL
            if len(line) + 2 > commands.LINE_LIMITS.get(verb, commands.LINE_LIMIT):
                return replies.LINE_TOO_LONG
            method = VERBS.get(verb)
            self._idle_commands += 1
            return replies.UNRECOGNISED if method is None else await method(self, argument)
        except BadCommand as bad:
            return bad.reply

    def _answer(self, reply: Reply) -> bool:
        """Say it; False when it was the last word."""
        self.say(reply)
        self._household.admission.note(reply, self._client, self._door)
        if reply.ends_session:
            return False
        self._errors += reply.is_permanent
        if self._errors >= self._household.limits.errors or self._idle_commands > IDLE_COMMANDS:
            self.say(replies.TOO_MANY_ERRORS)
            return False
        return True

    async def handle_exception(self, error: Exception) -> str:
        """The reply to our own failure: a reference for the client, the story for the log, and a clean slate."""
        reference = text_of(self._household.ports.custody.new_id())
        log().error("session failed", reference=reference, client=self._address.ip, exc_info=error)
        self._transaction = None
        return str(replies.LOCAL_ERROR.about(reference))

    async def _refuse(self, stage: str, refused: Refused, *, recipient: str = "", sender: str = "") -> Reply:
        transaction = self._transaction
        if transaction is not None and transaction.reverse_path is not None:
            sender = str(transaction.reverse_path)
        await self._household.refusals.before_data(
            stage, refused, client=self._client, reverse_path=sender, recipient=recipient
        )
        return refused.reply

    # ------------------------------------------------------------ greeting

    async def _helo(self, argument: str) -> Reply | None:
        return await self._hello(argument, extended=False)

    async def _ehlo(self, argument: str) -> Reply | None:
        return await self._hello(argument, extended=True)

    async def _hello(self, name: str, *, extended: bool) -> Reply | None:
        if refused := self._household.admission.may_say_hello(name):
            self._client = replace(self._client, helo=name)
            reply = await self._refuse("helo", refused)
            self._client = replace(self._client, helo="")
            return reply
        self._transaction = None
        self._extended = extended
        self._client = replace(self._client, helo=name, esmtp=extended)
        self.say(replies.hello(self._household.hostname, self._extensions() if extended else ()))
        return None

    def _extensions(self) -> list[str]:
        size = self._household.admission.allowance(self._client).size
        offered = ["PIPELINING", f"SIZE {size}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN"]
        if self.tls_context is not None and not self.is_encrypted:
            offered.append("STARTTLS")
        if self._door.is_submission and self.is_encrypted:
            offered.append(f"AUTH {' '.join(sasl.MECHANISMS)}")
        return [*offered, "HELP"]

    # ------------------------------------------------------------ transaction

    async def _mail(self, argument: str) -> Reply:
        if refusal := self._not_now():
            return refusal
        if self._transaction is not None:
            return replies.NESTED_MAIL
        path, given = commands.path_and_parameters(argument, keyword="FROM:", malformed=replies.BAD_SENDER_SYNTAX)
        if given and not self._extended:
            return replies.BAD_PARAMETER
        parameters = commands.mail_parameters(given)
        sender = commands.reverse_path(path)
        if sender is not None and not sender.is_ascii and not parameters.smtputf8:
            return replies.UTF8_UNDECLARED
        admission = self._household.admission
        allowance = admission.allowance(self._client, mail_from=path_text(sender))
        refused = await admission.may_send(
            sender,
            size=parameters.size,
            allowance=allowance,
            client=self._client,
            principal=self._principal,
        )
        if refused is not None:
            return await self._refuse("mail", refused, sender=path)
        direction = Direction.OUTBOUND if self._door.is_submission else Direction.INBOUND
        self._transaction = Transaction(sender, parameters, allowance, direction)
        return replies.SENDER_OK

    def _not_now(self) -> Reply | None:
        """What stands before any transaction."""
        if not self._client.helo:
            return replies.NEED_HELO
        if self._door.is_submission and self._principal is None:
            return replies.AUTH_REQUIRED if self.is_encrypted else replies.TLS_REQUIRED
        return None

    async def _rcpt(self, argument: str) -> Reply:
        transaction = self._transaction
        if transaction is None:
            return self._not_now() or replies.NEED_MAIL
        path, given = commands.path_and_parameters(argument, keyword="TO:", malformed=replies.BAD_RECIPIENT_SYNTAX)
        if given and not self._extended:
            return replies.BAD_PARAMETER
        parameters = commands.recipient_parameters(given)
        admission = self._household.admission
        if refused := admission.may_relay_path(path, principal=self._principal):
            return await self._refuse("rcpt", refused, recipient=path)
        address = commands.forward_path(path, postmaster=self._household.postmaster)
        if not address.is_ascii and not transaction.parameters.smtputf8:
            return replies.UTF8_UNDECLARED
        if len(transaction.recipients) >= transaction.allowance.recipients:
            limit = transaction.allowance
            too_many = Refused(replies.TOO_MANY_RECIPIENTS, f"more than {limit.recipients}", limit.group.id)
            return await self._refuse("rcpt", too_many, recipient=path)
        answer = await admission.may_receive(
            address,
            allowance=transaction.allowance,
            client=self._client,
            reverse_path=transaction.reverse_path,
            principal=self._principal,
        )
        if isinstance(answer, Refused):
            return await self._refuse("rcpt", answer, recipient=path)
        self._idle_commands = 0
        original = parameters.original or ("" if answer.address == address else f"rfc822;{address}")
        transaction.add(Recipient(answer.address, parameters.notify, original), answer.destination)
        return replies.RECIPIENT_OK

    async def _data(self, argument: str) -> Reply | None:
        transaction = self._transaction
        if argument:
            return replies.BAD_SYNTAX
        if transaction is None:
            return self._not_now() or replies.NEED_MAIL
        if not transaction.recipients:
            return replies.NEED_RCPT
        self.say(replies.START_MAIL)
        # From here on the transaction is over, whatever happens (RFC 5321 section 4.1.1.4).
        self._transaction = None
        self._idle_commands = 0
        incoming = self._household.ports.custody.incoming()
        try:
            refusal = await receive(self, incoming, limit=transaction.allowance.size)
        except TimeoutError:
            incoming.discard()
            return replies.IDLE_TOO_LONG
        except BaseException:
            incoming.discard()
            raise
        reception = self._household.reception
        if refusal is None:
            return await reception.conclude(transaction, incoming, self._client)
        incoming.discard()
        return await reception.refuse(transaction, self._client, refusal.reply, refusal.reason)

    # ------------------------------------------------------------ small verbs

    async def _rset(self, argument: str) -> Reply:
        if argument:
            return replies.BAD_SYNTAX
        self._transaction = None
        return replies.FLUSHED

    async def _noop(self, argument: str) -> Reply:
        return replies.OK

    async def _vrfy(self, argument: str) -> Reply:
        return replies.CANNOT_VRFY if argument else replies.BAD_SYNTAX

    async def _help(self, argument: str) -> Reply:
        return replies.HELP

    async def _quit(self, argument: str) -> Reply:
        return replies.BAD_SYNTAX if argument else replies.BYE

    async def _not_implemented(self, argument: str) -> Reply:
        return replies.NOT_IMPLEMENTED

    # ------------------------------------------------------------ TLS and AUTH

    async def _starttls(self, argument: str) -> Reply | None:
        if argument:
            return replies.BAD_SYNTAX
        if self.is_encrypted:
            return replies.TLS_ACTIVE
        if self.tls_context is None:
            return replies.NOT_IMPLEMENTED
        self.say(replies.READY_FOR_TLS)
        await self._start_tls()
        # Nothing that was said in clear counts any more (RFC 3207 section 4.2).
        self._transaction = None
        self._extended = False
        self._client = replace(self._client, helo="")
        return None

    async def _start_tls(self) -> None:
        version, cipher = await self.encrypt()
        self._client = replace(self._client, tls=version, tls_cipher=cipher)

    async def _auth(self, argument: str) -> Reply:
        if not self._door.is_submission:
            return replies.NOT_IMPLEMENTED
        if not self._extended:
            return replies.NEED_HELO
        if not self.is_encrypted:
            return replies.TLS_REQUIRED
        if self._principal is not None:
            return replies.AUTH_TWICE
        mechanism, _, initial = argument.partition(" ")
        if mechanism.upper() not in sasl.MECHANISMS:
            return replies.AUTH_MECHANISM if mechanism else replies.BAD_SYNTAX
        login, password = await ask_credentials(self, mechanism.upper(), initial.strip())
        return await self._sign_in(login, password)

    async def _sign_in(self, login: str, password: str) -> Reply:
        answer = await self._household.ports.authentication.authenticate(
            login=login, password=password, client_ip=self._address.ip
        )
        if isinstance(answer, Principal):
            self._principal = answer
            self._client = replace(self._client, user=answer.user)
            return replies.AUTHENTICATED
        reply = replies.AUTH_FAILED if answer is AuthFailure.WRONG else replies.AUTH_UNAVAILABLE
        return await self._refuse("auth", Refused(reply, f"sign-in as {login[:64]}: {answer.value}"))


VERBS: Final[dict[str, Callable[[Session, str], Awaitable[Reply | None]]]] = {
    "HELO": Session._helo,
    "EHLO": Session._ehlo,
    "MAIL": Session._mail,
    "RCPT": Session._rcpt,
    "DATA": Session._data,
    "RSET": Session._rset,
    "NOOP": Session._noop,
    "VRFY": Session._vrfy,
    "HELP": Session._help,
    "QUIT": Session._quit,
    "STARTTLS": Session._starttls,
    "AUTH": Session._auth,
    **dict.fromkeys(("EXPN", "ETRN", "TURN", "BDAT", "XCLIENT", "XFORWARD"), Session._not_implemented),
}
"""Every verb that we know, and nothing else is ever called."""
