"""A real mail server under test: takes anything on its port, and passes it on by the domain of the recipient.

Each one runs on loopback with a configuration, a queue and a certificate of its own in a temporary folder, offers
STARTTLS, and refuses two senders at MAIL: `REFUSED` for good and `LATER` for now.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.inbound.talk import Talk

REFUSED = "refused@bounces.example"
LATER = "later@bounces.example"
ELSEWHERE = "*"
PATIENCE = 180.0

Ways = Mapping[str, int]
"""The port on loopback to which mail for a domain goes; `ELSEWHERE` stands for all that are not named."""


async def by_itself() -> None:
    """It looks at its queue by itself."""


@dataclass(frozen=True)
class MailServer:
    """`log` is where it writes; `push` has it look at its queue now."""

    name: str
    port: int
    log: Path
    push: Callable[[], Awaitable[None]] = by_itself

    async def hand_in(
        self,
        data: bytes,
        *,
        sender: str = "a@sender.example",
        recipient: str = "u@example.net",
        mail: str = "",
        rcpt: str = "",
    ) -> None:
        """Give it one message by DATA, octet by octet as they are (dots are the caller's), to be passed on; it must be
        taken. `mail` and `rcpt` are parameters for those commands."""
        talk = await self._envelope(sender, recipient, mail, rcpt)
        assert (await talk.ask("DATA")).startswith("354")
        await talk.send(data + b"\r\n.\r\n")
        await self._must_be_taken(talk)

    async def hand_in_chunk(self, data: bytes, *, sender: str = "a@sender.example", recipient: str) -> None:
        """Give it one message by BDAT: nothing in it can end it (RFC 3030)."""
        talk = await self._envelope(sender, recipient, "", "")
        await talk.send(b"BDAT %d LAST\r\n" % len(data) + data)
        await self._must_be_taken(talk)

    async def wait_for(self, pattern: str, *, times: int = 1) -> None:
        """Wait until the log says what matches so often."""
        async with asyncio.timeout(PATIENCE):
            while self.said(pattern) < times:
                await asyncio.sleep(0.1)

    def said(self, pattern: str) -> int:
        """How often the log says what matches."""
        return len(re.findall(pattern, self.log.read_text(errors="replace"))) if self.log.exists() else 0

    async def _envelope(self, sender: str, recipient: str, mail: str, rcpt: str) -> Talk:
        talk = await Talk.to(self.port)
        await talk.reply()
        assert (await talk.ask("EHLO client.example")).startswith("250")
        for command in (f"MAIL FROM:<{sender}> {mail}", f"RCPT TO:<{recipient}> {rcpt}"):
            said = await talk.ask(command.strip())
            assert said.startswith("250"), (command, said)
        return talk

    async def _must_be_taken(self, talk: Talk) -> None:
        said = await talk.line()
        assert said.startswith("250"), said
        await talk.close()
        await self.push()


@contextlib.contextmanager
def folder_of(name: str, *inside: str) -> Iterator[Path]:
    """A folder that accounts other than ours can pass, with folders inside."""
    # What was killed may write for another moment.
    with tempfile.TemporaryDirectory(prefix=f"postern-{name}-", ignore_cleanup_errors=True) as path:
        folder = Path(path)
        folder.chmod(0o755)
        for each in inside:
            (folder / each).mkdir()
        yield folder


async def start(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, log: Path | None = None
) -> asyncio.subprocess.Process:
    """Start a program; what it prints goes into `log`, or nowhere."""
    with (log or Path(os.devnull)).open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, **(environment or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


@asynccontextmanager
async def alive(
    process: asyncio.subprocess.Process, port: int, *, ending: signal.Signals = signal.SIGTERM
) -> AsyncIterator[None]:
    """From when it listens until it has ended."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await _listens(port):
                assert process.returncode is None, "it ended at once"
                await asyncio.sleep(0.1)
        yield
    finally:
        if process.returncode is None:
            process.send_signal(ending)
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
