"""`postern doctor`: prove a running gateway by its own doors, and say how to mend what is red."""

from __future__ import annotations

import asyncio
import imaplib
import json
import smtplib
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import typer
from rich.table import Table

from gateway.app.installation import Folders, running_supervisor
from gateway.cli import probes
from gateway.cli.options import ConfigOption, DataOption, JsonOption, out, settings_of
from gateway.clock import SystemClock
from gateway.queue.custody import Custody
from gateway.queue.identifiers import parse_id
from gateway.settings import Settings

GTUBE: Final = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
# In two halves, so that no engine takes this file for the test virus.
EICAR: Final = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SETTLING: Final = 10.0
"""Seconds that an accepted message may take to reach its last state."""
BIG: Final = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the table. `mend` is the line that helps; an `optional` row is yellow and does not fail the run."""

    what: str
    good: bool
    seen: str
    mend: str = ""
    optional: bool = False


class Examination:
    """The tests, each through the real ports of the running gateway."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._host = settings.listen.host if settings.listen.host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104
        self._mx = settings.listen.mx_port
        self._folders = Folders(settings.data.resolve())
        self._recipient = f"alice@{settings.domain}"

    def run(self) -> list[Finding]:
        """Every test in order. One that cannot reach its door is a finding too."""
        tests: tuple[Callable[[], Finding], ...] = (
            self._clean,
            self._gtube,
            self._eicar,
            self._spoof,
            self._open_relay,
            self._unknown_recipient,
            self._smuggling,
            self._big,
            self._starttls,
            self._store,
            self._console,
            self._readiness,
        )
        return [self._guarded(test) for test in tests]

    def _guarded(self, test: Callable[[], Finding]) -> Finding:
        try:
            return test()
        except (OSError, smtplib.SMTPException, imaplib.IMAP4.error, ValueError) as error:
            return Finding(test.__name__.strip("_").replace("_", " "), False, f"{type(error).__name__}: {error}")

    def _send(
        self, subject: str, body: str, *, author: str, sender: str = "ann@sender.example", extra: str = ""
    ) -> probes.Answer:
        octets = probes.message(subject=subject, author=author, recipient=self._recipient, body=body, extra=extra)
        return probes.send(self._host, self._mx, sender=sender, recipient=self._recipient, octets=octets)

    def _clean(self) -> Finding:
        body = "Hello Alice,\n\nthe minutes of Tuesday are ready. Shall we meet at ten to go through them?\n\nAnn"
        answer = self._send("Minutes of Tuesday", body, author="Ann <ann@sender.example>")
        state = self._state_of(answer, until=("delivered",))
        return Finding("A clean message is delivered", state == "delivered", f"{answer}; {state}")

    def _gtube(self) -> Finding:
        answer = self._send("Test of the spam filter", GTUBE, author="Ann <ann@sender.example>")
        state = self._state_of(answer, until=("held",)) if answer.code < 400 else "refused"
        return Finding("GTUBE is held or refused", state in ("held", "refused"), f"{answer}; {state}")

    def _eicar(self) -> Finding:
        answer = self._send("Test of the malware engine", EICAR, author="Ann <ann@sender.example>")
        state = self._state_of(answer, until=("held", "delivered")) if answer.code < 400 else "refused"
        mend = "is clamd running? apt-get install clamav-daemon, then restart"
        return Finding("EICAR is refused or held", state in ("held", "refused"), f"{answer}; {state}", mend)

    def _spoof(self) -> Finding:
        domain = self._settings.domain
        answer = self._send("Please pay this today", "See the attached invoice.", author=f"Boss <boss@{domain}>")
        state = self._state_of(answer, until=("held", "delivered")) if answer.code < 400 else "refused"
        return Finding(
            "Our own domain cannot be forged from outside", state in ("held", "refused"), f"{answer}; {state}"
        )

    def _open_relay(self) -> Finding:
        ours = self._settings.domain
        spellings = (
            "<victim@elsewhere.example>",
            f"<victim%elsewhere.example@{ours}>",
            f"<elsewhere.example!victim@{ours}>",
            f"<@{ours}:victim@elsewhere.example>",
            f'<"victim@elsewhere.example"@{ours}>',
            f'<"victim%elsewhere.example"@{ours}>',
            "<victim@[192.0.2.1]>",
            f"<victim@elsewhere.example@{ours}>",
        )
        taken = []
        for spelling in spellings:
            command = f"RCPT TO:{spelling}"
            answer = probes.ask_recipient(self._host, self._mx, sender="ann@sender.example", command=command)
            if answer.code < 500:
                taken.append(f"{spelling} {answer}")
        return Finding(
            "Nothing is relayed to strangers", not taken, "; ".join(taken) or f"{len(spellings)} ways, all refused"
        )

    def _unknown_recipient(self) -> Finding:
        command = f"RCPT TO:<nobody.of.that.name@{self._settings.domain}>"
        answer = probes.ask_recipient(self._host, self._mx, sender="ann@sender.example", command=command)
        return Finding("An unknown recipient is refused at RCPT", answer.code >= 500, str(answer))

    def _smuggling(self) -> Finding:
        inner = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<%s>\r\nDATA\r\nSubject: inner\r\n\r\ninner\r\n.\r\n"
        letter = b"Subject: outer\r\n\r\nouter%s" + inner
        opening = f"EHLO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<{self._recipient}>\r\nDATA\r\n".encode()
        tricks = (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r", b"\r\n\x00.\r\n")
        split = []
        for trick in tricks:
            octets = opening + letter % (trick, self._recipient.encode()) + b"QUIT\r\n"
            accepted = [line for line in probes.converse(self._host, self._mx, octets) if b"Accepted as" in line]
            if len(accepted) > 1 or (accepted and trick not in (b"\r\n\x00.\r\n",)):
                split.append(repr(trick))
        seen = f"accepted after {', '.join(split)}" if split else f"{len(tricks)} ways, never two messages out of one"
        return Finding("Smuggling does not work", not split, seen)

    def _big(self) -> Finding:
        answer = self._send(
            "Big attachment", "x" * 76 + ("\n" + "x" * 76) * (BIG // 77), author="Ann <ann@sender.example>"
        )
        return Finding(f"A message of {BIG >> 20} MB is taken", answer.code < 400, str(answer))

    def _starttls(self) -> Finding:
        with smtplib.SMTP(self._host, self._mx, timeout=10) as client:
            client.ehlo()
            code, _ = client.starttls()
            version = getattr(client.sock, "version", lambda: "")()
        return Finding("STARTTLS works at the MX", code == 220, str(version), "look at DATA/tls")

    def _store(self) -> Finding:
        with imaplib.IMAP4(self._host, self._settings.listen.imap_port, timeout=10) as reader:
            greeting = reader.welcome.decode(errors="replace")
        return Finding(
            "The mail store answers", "OK" in greeting, greeting[:60], "apt-get install dovecot-imapd dovecot-lmtpd"
        )

    def _console(self) -> Finding:
        url = f"http://{self._host}:{self._settings.listen.console_port}/healthz"
        with urllib.request.urlopen(url, timeout=10) as reply:
            return Finding("The console answers", reply.status == 200, url)

    def _readiness(self) -> Finding:
        url = f"http://{self._host}:{self._settings.listen.console_port}/readyz"
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                body = json.load(reply)
        except urllib.error.HTTPError as error:
            body = json.load(error)
        degraded = body.get("degraded", [])
        wrong = [f"{each['name']}: {each['words']}" for each in degraded]
        mends = [each["mend"] for each in degraded if each.get("mend")]
        return Finding(
            "Nothing is missing",
            not wrong,
            "; ".join(wrong) or "all components are up",
            " / ".join(mends),
            optional=True,
        )

    def _state_of(self, answer: probes.Answer, *, until: tuple[str, ...]) -> str:
        """The state of the message's recipient, once it is one of `until`, or where it stands when patience ends."""
        if not answer.accepted_as:
            return f"refused at {answer.stage}"
        return asyncio.run(_wait_for_state(self._folders.queue, parse_id(answer.accepted_as), until))


async def _wait_for_state(folder: Path, message_id: int, until: tuple[str, ...]) -> str:
    custody = Custody.open(folder, clock=SystemClock())
    try:
        ends = time.monotonic() + SETTLING
        while True:
            record = await custody.message(message_id)
            state = record.recipients[0].state.value if record and record.recipients else "unknown"
            if state in until or time.monotonic() > ends:
                return state
            await asyncio.sleep(0.1)
    finally:
        await custody.close()


def doctor(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Test the running gateway through its real ports: GTUBE, EICAR, forgery, open relay, smuggling and more."""
    settings = settings_of(config, data)
    if running_supervisor(Folders(settings.data.resolve())) is None:
        out.print("No gateway runs on this data folder. Start one: make run", style="yellow")
    findings = Examination(settings).run()
    if as_json:
        out.print_json(json.dumps([asdict(each) for each in findings]))
    else:
        out.print(_table(findings))
    if any(not each.good and not each.optional for each in findings):
        raise typer.Exit(1)


def _table(findings: list[Finding]) -> Table:
    table = Table("", "Test", "Seen", "Mend", title="Doctor", show_lines=False)
    for each in findings:
        mark = "[green]✓[/]" if each.good else "[yellow]▲[/]" if each.optional else "[red]✕[/]"
        table.add_row(mark, each.what, each.seen, "" if each.good else each.mend)
    return table
