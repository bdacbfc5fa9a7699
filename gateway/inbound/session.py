"""One SMTP session: who is at the other end, what was said so far, and the conversation itself.

RFC 5321 sections 3.1 (greeting) and 4.3 (sequence of commands and replies). Knows no verb: the table of them is passed
in (`inbound/verbs/`). Decides nothing: `admission` says who may, `transaction` what becomes of a message. Keeps nothing
from one transaction to the next.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.facts.connection import ClientFact
from gateway.inbound.admission.admission import Admission
from gateway.inbound.admission.certificates import Certificates
from gateway.inbound.admission.manners import LOOK
from gateway.inbound.admission.networks import Networks
from gateway.inbound.admission.occupancy import Occupancy
from gateway.inbound.ports import Door, Ports, Principal
from gateway.inbound.protocol import commands
from gateway.inbound.protocol.client import ClientAddress, client_address
from gateway.inbound.protocol.commands import BadCommand
from gateway.inbound.protocol.proxying import V2_SIGNATURE, BadProxyHeader, begins_proxy_header, is_balancer_itself
from gateway.inbound.protocol.wire import ClientGone, LineFault, Wire
from gateway.inbound.refusals import Refusals
from gateway.inbound.refused import Refused
from gateway.inbound.transaction import Reception, Transaction
from gateway.mail import replies
from gateway.mail.address import Address, ReversePath
from gateway.mail.replies import Reply
from gateway.queue.identifiers import text_of
from gateway.settings import Limits
from gateway.telemetry import log

IDLE_COMMANDS: Final = 100
"""Commands that a client may give without a recipient or a message being taken; then it is taken to have no mail."""

FAREWELL_PATIENCE: Final = 10.0
"""Seconds that a client who was refused with the greeting has to say QUIT."""

WEB_VERBS: Final = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "PATCH", "DELETE"})
"""A browser was tricked into speaking to us: what it sends next may look like commands."""

NOWHERE: Final = ClientAddress("", 0, "")
NOBODY: Final = ClientFact("")
"""Who the client is until we know."""

FAULTY_LINES: Final = {
    LineFault.TOO_LONG: replies.LINE_TOO_LONG,
    LineFault.BARE_LINE_END: replies.BARE_LINE_END,
    LineFault.NUL: replies.UNRECOGNISED,
}

Verb: TypeAlias = Callable[["Session", str], Awaitable[Reply | None]]
"""What to do with the argument of a command; None when it has spoken for itself. May raise `BadCommand`."""

Sleep: TypeAlias = Callable[[float], Awaitable[None]]


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
    verbs: Mapping[str, Verb]
    balancers: Networks
    """Peers that begin with a PROXY header."""
    certificates: Certificates
    xclients: Networks
    """Clients that may say XCLIENT."""
    sleep: Sleep


class Session(Wire):
    """One connection at one door. The public attributes are what was learnt and said so far."""

    def __init__(
        self,
        household: Household,
        *,
        door: Door,
        tls: Callable[[], ssl.SSLContext | None],
        loop: asyncio.AbstractEventLoop,
        occupancy: Occupancy,
    ) -> None:
        super().__init__(loop=loop, idle=household.limits.idle, tls=tls)
        self.household = household
        self.door = door
        self.address = NOWHERE
        self.client = NOBODY
        self.principal: Principal | None = None
        self.extended = False
        self.transaction: Transaction | None = None
        self.sender: ReversePath = None
        self.transactions = 0
        self.is_health_check = False
        self.may_xclient = False
        self.is_on_trial = False
        self._occupancy = occupancy
        self._behind_balancer = False
        self._errors = 0
        self._idle_commands = 0
        self._draining = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the place is taken until the conversation has ended, however it ends."""
        super().connection_made(transport)
        assert self._handler_coroutine is not None
        self._occupancy.enter(self)
        self._handler_coroutine.add_done_callback(self._leave)
        peer = self._heard_from()
        self._behind_balancer = peer.ip in self.household.balancers
        if not self._behind_balancer:
            self.identify(peer)

    def _leave(self, _: asyncio.Task[None]) -> None:
        self.forget_transaction()
        self._occupancy.leave(self)
        self._tell_how_many()

    def _heard_from(self) -> ClientAddress:
        assert self.session is not None
        return client_address(self.session)

    def identify(self, address: ClientAddress) -> None:
        """From now on this is who the client is: its connections are counted, its trust is looked up."""
        before, self.address = self.address, address
        self.client = ClientFact(address.ip, address.port, door=self.door.value)
        self.may_xclient = self.may_xclient or address.ip in self.household.xclients
        self._occupancy.identify(self, address.network)
        self._tell_how_many(before)

    def _tell_how_many(self, of: ClientAddress | None = None) -> None:
        """One connection less of a client: other processes want to know."""
        gone = of or self.address
        if gone.ip:
            here = self._occupancy
            self.household.admission.has_gone(
                gone.ip, connections=here.of(gone.network), neighbours=here.near(gone.network)
            )

    def drain(self) -> None:
        """Finish what is open, then say goodbye; at once if the client has nothing open but the line."""
        self._draining = True
        if self._at_rest and not self._is_mid_message:
            self.dismiss(replies.SHUTTING_DOWN)

    # ------------------------------------------------------------ the conversation

    async def _converse(self) -> bool:
        if not await self._welcome():
            return False
        while not self._draining or self._is_mid_message:
            line = await self.read_line()
            if line is None:
                return True
            try:
                reply = await self._obey(line)
            except ClientGone:
                raise
            except Exception as error:  # noqa: BLE001 - the client learns a reference, the log the story
                self.say(self._own_failure(error))
                continue
            if reply is not None and not await self._answer(reply):
                return reply is replies.BYE
        self.say(replies.SHUTTING_DOWN)
        return False

    async def _welcome(self) -> bool:
        if self._behind_balancer and not await self._learn_who_is_behind():
            return False
        if refused := await self._crowded():
            return await self._turn_away(refused)
        if self.door is Door.SUBMISSIONS and not await self.start_tls():  # not before: a handshake is work
            return False
        begun = self.now()
        refused = None if self.is_health_check else await self._make_acquaintance()
        if refused is None and not self.is_health_check:
            await self._try_patience(begun)
        if refused is None and begins_proxy_header(self.waiting):
            refused = Refused(replies.PROXY_NOT_TRUSTED, "a PROXY header from a host that is not trusted")
        if refused is None and self.waiting and not self.door.is_submission:
            refused = Refused(replies.SPOKE_TOO_EARLY, "spoke before the greeting")
        if refused is not None:
            return await self._turn_away(refused)
        self.say(self.greeting())
        return True

    async def _learn_who_is_behind(self) -> bool:
        """Take the PROXY header. Without a good one nobody knows who speaks: the connection is closed without a word,
        which the balancer might pass on."""
        balancer = self._heard_from()
        try:
            header = await self.read_proxy_header()
        except BadProxyHeader as bad:
            log().warning("no good PROXY header", balancer=balancer.ip, reason=str(bad))
            return False
        client = self._heard_from()
        # HAProxy's own checks name no client in version 2, and HAProxy itself in version 1.
        if is_balancer_itself(header) or client.ip == balancer.ip:
            self._expect_health_check(balancer)
        else:
            self.identify(client)
        return True

    def _expect_health_check(self, balancer: ClientAddress) -> None:
        """The balancer asks for itself whether it may send us clients. That is nobody's connection: never counted,
        never judged, never on record, and it hands over no mail."""
        self.is_health_check = True
        self.client = ClientFact(balancer.ip, balancer.port)

    async def _crowded(self) -> Refused | None:
        if self._draining:
            return Refused(replies.SHUTTING_DOWN, "draining")
        if self.is_health_check:
            ready, why_not = self.household.ports.custody.readiness()
            return None if ready else Refused(replies.TOO_BUSY, why_not)
        return await self.household.admission.has_room(
            self.client,
            connections=self._occupancy.of(self.address.network),
            neighbours=self._occupancy.near(self.address.network),
            everybodys=self._occupancy.total,
        )

    async def _make_acquaintance(self) -> Refused | None:
        self.client = await self.household.admission.acquaint(self.client, self.door)
        return await self.household.admission.may_enter(self.client)

    async def _try_patience(self, begun: float) -> None:
        """Let a client that nobody knows wait for its greeting, or until it speaks."""
        admission = self.household.admission
        seconds = await admission.manners.trial_of(self.client, self.door, admission.allowance(self.client).group)
        self.is_on_trial = seconds > 0.0
        looks = math.ceil((seconds - (self.now() - begun)) / LOOK)
        while looks > 0 and not self.waiting and not self.has_left:
            looks -= 1
            await self.household.sleep(LOOK)

    async def _turn_away(self, refused: Refused) -> bool:
        if self.door is not Door.SUBMISSIONS or self.is_encrypted:  # who waits for TLS could not read it
            self.say(refused.reply)
        self._note(refused.reply)
        await self.refuse("connect", refused)
        if not refused.reply.ends_session:
            await self._hear_out()
        return False

    async def _hear_out(self) -> None:
        """Who was refused with the greeting may still say QUIT, and nothing else (RFC 5321 section 3.1). What came
        before the refusal is answered by it."""
        ends = self.now() + FAREWELL_PATIENCE
        await self.flush()
        if self.waiting:
            await self.pour(_drop, until=ends)
        try:
            async with asyncio.timeout_at(ends):
                while (line := await self.read_line()) is not None:
                    is_quit = isinstance(line, bytes) and line.strip().upper() == b"QUIT"
                    if not await self._answer(replies.BYE if is_quit else replies.BAD_SEQUENCE):
                        return
        except TimeoutError:
            self.say(replies.IDLE_TOO_LONG)

    async def introduce(self, address: ClientAddress) -> Refused | None:
        """A trusted host says who the client really is: begin anew with that one, as if it had just connected."""
        self.forget_transaction()
        self.identify(address)
        self.principal, self.extended = None, False
        return await self._crowded() or await self._make_acquaintance()

    async def _obey(self, line: bytes | LineFault) -> Reply | None:
        if isinstance(line, LineFault):
            return FAULTY_LINES[line]
        try:
            verb, argument = commands.split(line)
            if verb in WEB_VERBS:
                return replies.WRONG_PROTOCOL
            if verb == "PROXY" or (not line and self.waiting.startswith(V2_SIGNATURE[2:])):
                return await self.refuse("connect", Refused(replies.PROXY_NOT_TRUSTED, "a PROXY header after greeting"))
            if len(line) + 2 > commands.LINE_LIMITS.get(verb, commands.LINE_LIMIT):
                raise BadCommand(replies.LINE_TOO_LONG)
            self._idle_commands += 1
            method = self.household.verbs.get(verb)
            if method is None:
                raise BadCommand(replies.UNRECOGNISED)
            return await method(self, argument)
        except BadCommand as bad:
            # What follows a BDAT that cannot be read are octets of a message: they must never be taken for commands.
            return replies.CHUNK_WITHOUT_SIZE if commands.announces_chunk(line) else bad.reply

    async def _answer(self, reply: Reply) -> bool:
        """Say it; False when it was the last word. Who errs often waits, who errs too often goes."""
        limits = self.household.limits
        self._note(reply)
        if self.transaction is None:
            self.sender = None
        self._errors += reply.is_permanent
        if self._errors > limits.errors or self._idle_commands > IDLE_COMMANDS:
            reply = replies.TOO_MANY_ERRORS
        elif reply.is_permanent and self._errors > limits.patient_errors:
            await self.flush()  # what was answered before is not late
            await self.household.sleep(limits.error_delay)
        self.say(reply)
        return not reply.ends_session

    def _note(self, reply: Reply) -> None:
        if not self.is_health_check:
            self.household.admission.note(reply, self.client, self.door, sender=self.sender)

    def _own_failure(self, error: Exception) -> Reply:
        """The reply to our own failure: a reference for the client, the story for the log, and a clean slate."""
        reference = text_of(self.household.ports.custody.new_id())
        log().error("session failed", reference=reference, client=self.address.ip, exc_info=error)
        self.forget_transaction()
        self.sender = None
        return replies.LOCAL_ERROR.about(reference)

    # ------------------------------------------------------------ what verbs need

    async def refuse(self, stage: str, refused: Refused, *, recipient: str = "", sender: str = "") -> Reply:
        """Put a refusal on record; gives its reply."""
        if self.is_health_check:
            return refused.reply
        transaction = self.transaction
        if transaction is not None and transaction.reverse_path is not None:
            sender = str(transaction.reverse_path)
        await self.household.refusals.before_data(
            stage, refused, client=self.client, reverse_path=sender, recipient=recipient
        )
        return refused.reply

    def greeting(self) -> Reply:
        """The first words, as the client's group has them."""
        banner = self.household.admission.allowance(self.client).group.banner
        return replies.greeting(self.household.hostname, banner)

    @property
    def offers_auth(self) -> bool:
        """Whether the client may sign in, or could before it did."""
        return self.door.is_submission and self.is_encrypted

    def not_now(self) -> Reply | None:
        """What stands before any transaction."""
        if self.is_health_check:
            return replies.HEALTH_CHECK_ONLY
        if not self.client.helo:
            return replies.NEED_HELO
        if self.door.is_submission and self.principal is None:
            return replies.AUTH_REQUIRED if self.is_encrypted else replies.TLS_REQUIRED
        return None

    def forget_transaction(self) -> None:
        """Whatever MAIL, RCPT and BDAT said is gone."""
        if self.transaction is not None and self.transaction.intake is not None:
            self.transaction.intake.discard()
        self.transaction = None

    def note_progress(self) -> None:
        """The client is about some mail: it does not loiter."""
        self._idle_commands = 0

    @property
    def _is_mid_message(self) -> bool:
        return self.transaction is not None and self.transaction.intake is not None

    async def start_tls(self, ready: Reply | None = None) -> bool:
        """Say that we are ready where that is said, and do the handshake. False where we cannot now. Raises
        `ClientGone`."""
        encrypted = await self.household.certificates.shake_hands(self, self.client, ready=ready)
        self.client = encrypted or self.client
        return encrypted is not None


def _drop(_: bytes) -> bytes:
    """Nobody wants them."""
    return b""
