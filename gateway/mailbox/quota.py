"""Whether a mailbox of the shipped store has room: one question on Dovecot's quota-status socket, in the words of
Postfix's policy delegation (SMTPD_POLICY_README). Remembers an answer for some seconds; never waits long, never raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mailbox.dovecot import NO_ROOM, ROOM

PATIENCE: Final = 2.0
"""Seconds that the store may take. A client waits at RCPT meanwhile."""

FRESH: Final = 10.0
"""Seconds for which an answer holds."""

MAX_REMEMBERED: Final = 10_000


class Quota:
    """Asks the store, which lets the last message go over by a tenth. `now` is monotonic time, in seconds."""

    def __init__(self, socket: Path, *, now: Callable[[], float]) -> None:
        self._socket = socket
        self._now = now
        self._answers: dict[tuple[str, int], tuple[float, bool]] = {}

    async def has_room(self, mailbox: str, size: int) -> Outcome[bool]:
        """Whether a message of so many octets fits into the mailbox; size 0 where nobody knows how many it has."""
        key = (mailbox, size)
        at, answer = self._answers.get(key, (float("-inf"), False))
        if self._now() - at < FRESH:
            return Known(answer)
        try:
            async with asyncio.timeout(PATIENCE):
                action = await self._ask(mailbox, size)
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            return Unknown(f"the store does not say whether a mailbox is full: {error or type(error).__name__}")
        if action not in (ROOM, NO_ROOM):
            return Unknown(f"the store says {action[:60]!r} of a mailbox")
        if len(self._answers) >= MAX_REMEMBERED:
            self._answers.clear()
        self._answers[key] = (self._now(), action == ROOM)
        return Known(action == ROOM)

    async def _ask(self, mailbox: str, size: int) -> str:
        reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=4096)
        try:
            asked = f"request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient={mailbox}\nsize={size}\n\n"
            writer.write(asked.encode())
            answer = await reader.readuntil(b"\n\n")
        finally:
            writer.close()
        name, _, action = answer.decode("utf-8", "replace").strip().partition("=")
        if name != "action":
            raise ValueError("not an answer of the policy protocol")
        return action.strip()
