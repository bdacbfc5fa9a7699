"""One mail transaction over an open connection: MAIL, RCPT, DATA for SMTP (RFC 5321 section 3.3) and LMTP (RFC 2033
section 4.2), with SIZE (RFC 1870), 8BITMIME (RFC 6152), DSN (RFC 3461), SMTPUTF8 (RFC 6531) and PIPELINING (RFC 2920).

Says how it ended for each recipient. Never opens a connection, never tries again, never changes an octet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import Final

from gateway.delivery.handover import Ending, Handover, Parcel, Takeover
from gateway.delivery.relay import Connection
from gateway.delivery.routes import Language
from gateway.mail import replies
from gateway.mail.address import path_text
from gateway.mail.envelope import Body, Recipient
from gateway.mail.replies import Reply

MAX_RECIPIENTS: Final = 100
"""Recipients of one transaction: what every host must take (RFC 5321 section 4.5.3.1.8)."""

_PARAMETER = re.compile(r"[\x21-\x7e]+\Z")


@dataclass(frozen=True, slots=True)
class Passage:
    """What became of a parcel: one handover for each recipient, in order. `was_sent`: octets of the message went out,
    so that trying another host now could make a second copy. `is_broken`: the connection is of no more use."""

    handovers: tuple[Handover, ...]
    was_sent: bool
    is_broken: bool


async def transact(connection: Connection, parcel: Parcel) -> Passage:
    """Hand the parcel over. Never raises for what the remote host does."""
    return await _Transaction(connection, parcel).run()


class _Transaction:
    """The state of one transaction: which recipients have their last word."""

    def __init__(self, connection: Connection, parcel: Parcel) -> None:
        self._connection = connection
        self._parcel = parcel
        self._endings: list[Handover | None] = [None] * len(parcel.recipients)
        self._was_sent = False
        self._needs_utf8 = _needs_utf8(parcel, connection.endpoint.language)

    async def run(self) -> Passage:
        refusal = self._unfit()
        if refusal is not None:
            self._end_all(refusal)
            return self._passage()
        commands = [self._mail(), *map(self._rcpt, self._parcel.recipients), b"DATA"]
        if self._connection.offers("PIPELINING"):
            await self._in_one_group(commands)
        else:
            await self._step_by_step(commands)
        self._end_all(self._connection.broken or replies.CONNECTION_LOST)
        return self._passage()

    async def _in_one_group(self, commands: list[bytes]) -> None:
        reset = self._connection.needs_reset
        said = await self._connection.exchange([b"RSET", *commands] if reset else commands)
        said = said[1:] if reset else said
        self._connection.needs_reset = True
        if not said:
            return
        self._hear_mail(said[0])
        self._hear_rcpt(said[1 : 1 + len(self._endings)])
        if len(said) == len(commands):
            await self._hear_data(said[-1])

    async def _step_by_step(self, commands: list[bytes]) -> None:
        mail, *rcpt, data = commands
        if self._connection.needs_reset and not await self._connection.exchange([b"RSET"]):
            return
        self._connection.needs_reset = True
        said = await self._connection.exchange([mail])
        if not said or not self._hear_mail(said[0]):
            return
        answers: list[Reply] = []
        for command in rcpt:
            answer = await self._connection.exchange([command])
            answers += answer
            if not answer or self._connection.broken:
                break
        self._hear_rcpt(answers)
        if self._connection.broken is None and None in self._endings:
            said = await self._connection.exchange([data])
            if said:
                await self._hear_data(said[0])

    def _hear_mail(self, reply: Reply) -> bool:
        if not reply.is_success:
            self._end_all(reply)
        return reply.is_success

    def _hear_rcpt(self, answers: list[Reply]) -> None:
        for index, reply in enumerate(answers):
            if not reply.is_success and self._endings[index] is None:
                crowded = index > 0 and reply.code == replies.TOO_LARGE.code and reply.enhanced in ("", "5.5.3")
                # RFC 5321 section 4.5.3.1.10: after some recipients this code means "enough for this time".
                self._endings[index] = self._handover(Ending.DEFERRED if crowded else _ending(reply), reply)

    async def _hear_data(self, reply: Reply) -> None:
        waiting = [index for index, ending in enumerate(self._endings) if ending is None]
        if reply.code != replies.START_MAIL.code:
            if reply.is_positive:  # nobody knows what this host awaits now
                self._connection.abandon(replies.GARBLED_REPLY)
            self._end_all(replies.GARBLED_REPLY if reply.is_positive else reply)
            return
        if not waiting:
            # The group ran on although nobody was accepted: an empty message is how one gets out (RFC 2920 section
            # 3.1).
            await self._connection.send_octets(b"", answers=1)
            return
        is_lmtp = self._connection.endpoint.language is Language.LMTP
        self._was_sent = True
        final = await self._connection.send_octets(self._parcel.octets, answers=len(waiting) if is_lmtp else 1)
        if not is_lmtp and final:
            final *= len(waiting)
        for index, last_word in zip(waiting, final, strict=False):
            self._endings[index] = self._handover(_ending(last_word), last_word)
        if final and self._connection.broken is None:
            self._connection.needs_reset = False

    def _unfit(self) -> Reply | None:
        """Why this host cannot take this message at all, known before the first command."""
        offers, parcel = self._connection.offers, self._parcel
        if self._needs_utf8 and not offers("SMTPUTF8"):
            return replies.NO_UTF8
        if not offers("8BITMIME") and not parcel.octets.isascii():
            return replies.NEEDS_EIGHT_BIT  # RFC 6152 section 3: convert or give back, and converting breaks signatures
        limit = self._connection.extensions.get("SIZE", "")
        if limit.isascii() and limit.isdigit() and 0 < int(limit[:18]) < len(parcel.octets):
            return replies.TOO_LARGE
        return None

    def _mail(self) -> bytes:
        offers, parcel = self._connection.offers, self._parcel
        parameters = []
        if offers("SIZE"):
            parameters.append(f"SIZE={len(parcel.octets)}")
        if offers("8BITMIME") and (parcel.eight_bit or not parcel.octets.isascii()):
            parameters.append(f"BODY={Body.EIGHT_BIT_MIME.value}")
        if self._needs_utf8:
            parameters.append("SMTPUTF8")
        if offers("DSN"):
            parameters += _given(RET=parcel.ret, ENVID=parcel.envid)
        return " ".join([f"MAIL FROM:<{path_text(parcel.reverse_path)}>", *parameters]).encode()

    def _rcpt(self, recipient: Recipient) -> bytes:
        parameters = []
        if self._connection.offers("DSN"):
            parameters = _given(NOTIFY=",".join(sorted(recipient.notify)), ORCPT=recipient.original)
        return " ".join([f"RCPT TO:<{recipient.address}>", *parameters]).encode()

    def _end_all(self, reply: Reply) -> None:
        """The last word for everyone who has none yet."""
        for index, ending in enumerate(self._endings):
            if ending is None:
                self._endings[index] = self._handover(_ending(reply), reply)

    def _handover(self, ending: Ending, reply: Reply) -> Handover:
        connection = self._connection
        if connection.offers("DSN"):
            takeover = Takeover.NEXT_HOP
        elif connection.endpoint.language is Language.LMTP:
            takeover = Takeover.MAILBOX
        else:
            takeover = Takeover.NOBODY
        return Handover(ending, reply, remote=str(connection.endpoint), tls=connection.tls, takeover=takeover)

    def _passage(self) -> Passage:
        return Passage(
            tuple(each for each in self._endings if each is not None),
            was_sent=self._was_sent,
            is_broken=self._connection.broken is not None,
        )


def _needs_utf8(parcel: Parcel, language: Language) -> bool:
    """Whether only a host with SMTPUTF8 may have it: an address, or the header of mail that came under SMTPUTF8, is
    beyond ASCII. Mail that merely declared it travels on like any other; and a store, where the journey ends, keeps any
    header, so that only the addresses on its command lines count."""
    paths = chain((parcel.reverse_path,), (each.address for each in parcel.recipients))
    if any(path is not None and not path.is_ascii for path in paths):
        return True
    if language is Language.LMTP or not parcel.smtputf8:
        return False
    return not parcel.octets.partition(b"\r\n\r\n")[0].isascii()


def _given(**parameters: str) -> list[str]:
    """ESMTP parameters that have a value which may stand on a command line."""
    return [f"{name}={value}" for name, value in parameters.items() if _PARAMETER.match(value)]


def _ending(reply: Reply) -> Ending:
    if reply.is_success:
        return Ending.DELIVERED
    return Ending.FAILED if reply.is_permanent else Ending.DEFERRED
