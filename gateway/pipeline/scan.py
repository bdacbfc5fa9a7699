"""Run the stages over one message and put what they say into Evidence. Never decides, never raises: doubt becomes
Unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from gateway.checks.anatomist.wire import Examination
from gateway.checks.authentication.public_suffixes import PublicSuffixes
from gateway.checks.dns.answering import Answering, Recorder
from gateway.checks.redirects.shorteners import Shorteners
from gateway.checks.reputation.dnsbl import Notice, nobody
from gateway.checks.reputation.feeds import Feeds
from gateway.clock import Clock
from gateway.facts.auth import DkimFact
from gateway.facts.connection import ClientFact
from gateway.facts.content import AuthorFact, SpamFact
from gateway.facts.evidence import DnsRecorded, Evidence, MessageFact, Timing
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.facts.reported import ReportedFact
from gateway.mail import headers
from gateway.mail.address import path_text
from gateway.mail.envelope import Envelope
from gateway.mail.message import Message
from gateway.pipeline.examining import Losses, NoLosses
from gateway.pipeline.looking import Anatomist, MalwareEngine
from gateway.pipeline.stages import STAGES, Acquaintances, Reports, Senses, Stage, Subject
from gateway.policy.policy import Scanning
from gateway.spam.site.weighing import weighed
from gateway.spam.trust import settled
from gateway.telemetry import CHECK_SECONDS, CHECK_UNKNOWN, log

MAX_LISTED: Final = 1000
"""Characters of a header value that the record keeps."""


class Scanner:
    """The one way from a message to evidence: the gateway, `postern scan` and the second look at release all take
    it."""

    def __init__(
        self,
        *,
        resolver: Answering,
        anatomist: Anatomist,
        malware: MalwareEngine | None,
        clock: Clock,
        scanning: Callable[[], Scanning] = Scanning,
        losses: Losses | None = None,
        feeds: Feeds | None = None,
        notice: Notice = nobody,
        acquaintances: Acquaintances | None = None,
        suffixes: Callable[[], PublicSuffixes | None] = lambda: None,
        reports: Reports | None = None,
        shorteners: Shorteners | None = None,
    ) -> None:
        self._resolver = resolver
        self._anatomist = anatomist
        self._malware = malware
        self._clock = clock
        self._scanning = scanning
        self._losses = losses or NoLosses()
        self._feeds = feeds or Feeds(Path())
        self._notice = notice
        self._acquaintances = acquaintances
        self._suffixes = suffixes
        self._reports = reports
        self._shorteners = shorteners or Shorteners(clock=clock)

    async def scan(self, message: Message, envelope: Envelope, client: ClientFact, *, received_at: float) -> Evidence:
        """All that the checks can tell about the message. Takes as long as the slowest check, at most its deadline."""
        recorder = Recorder(self._resolver)
        authors = tuple(author for value in message.values(b"from") for author in headers.authors(value))
        senses = Senses(
            resolver=recorder,
            anatomist=self._anatomist,
            malware=self._malware,
            scanning=self._scanning(),
            losses=self._losses,
            feeds=self._feeds,
            notice=self._notice,
            shorteners=self._shorteners,
            acquaintances=self._acquaintances,
            suffixes=self._suffixes(),
            reports=self._reports,
        )
        subject = Subject(message, envelope, client, authors, received_at)
        answers, timings = await _run_all(senses, subject, self._clock.monotonic)
        examination = answers["examination"]
        return Evidence(
            received_at=received_at,
            direction=envelope.direction.value,
            client=client,
            reverse_path=path_text(envelope.reverse_path),
            recipients=tuple(str(each.address) for each in envelope.recipients),
            message=_message_fact(message, authors),
            spf=answers["spf"],
            dkim=answers["dkim"],
            arc=answers["arc"],
            dmarc=answers["dmarc"],
            content=examination.content,
            spam=_weighed(_settled(examination.spam, answers["dkim"], authors, recorder.recorded), answers["reported"]),
            malware=answers["malware"],
            yara=examination.yara,
            engine=answers["engine"],
            lost_workers=examination.lost_workers,
            listed=answers["link_lists"],
            shortened=answers["shorteners"],
            acquaintance=answers["acquaintance"],
            reported=answers["reported"],
            timings=timings,
            dns=recorder.recorded,
        )


def _settled(
    spam: Outcome[SpamFact],
    dkim: Outcome[DkimFact],
    authors: Sequence[headers.Author],
    dns: Sequence[DnsRecorded],
) -> Outcome[SpamFact]:
    """What the classifier says, now that it is known whether the signatures that it gave credit to are true."""
    if not isinstance(spam, Known):
        return spam
    return Known(settled(spam.value, dkim, authors[0].domain if authors else "", dns=dns))


async def _run_all(
    senses: Senses, subject: Subject, monotonic: Callable[[], float]
) -> tuple[dict[str, Any], tuple[Timing, ...]]:
    """Every stage at once, each as soon as the stages that it needs have answered."""
    answers: dict[str, Any] = {}
    timings: list[Timing] = []
    answered = {stage.name: asyncio.Event() for stage in STAGES}

    async def run(stage: Stage) -> None:
        for need in stage.needs:
            await answered[need].wait()
        begun = monotonic()
        answers[stage.name] = await _answer(stage, senses, subject, answers)
        seconds = monotonic() - begun
        CHECK_SECONDS.labels(stage.name).observe(seconds)
        timings.append(Timing(stage.name, round(seconds * 1000, 3)))
        answered[stage.name].set()

    async with asyncio.TaskGroup() as group:
        for stage in STAGES:
            group.create_task(run(stage))
    return answers, tuple(timings)


async def _answer(stage: Stage, senses: Senses, subject: Subject, answers: dict[str, Any]) -> Any:
    """What the stage says. A stage that is late or broken has said that it could not tell."""
    try:
        async with asyncio.timeout(stage.deadline):
            answer = await stage.run(senses, subject, answers)
    except TimeoutError:
        answer = _doubt(stage, f"{stage.name} took longer than {stage.deadline:g} s")
    except Exception as error:  # noqa: BLE001  a crashed check must count as Unknown, never as "nothing found"
        log().exception("check_failed", check=stage.name)
        answer = _doubt(stage, f"{stage.name} failed: {type(error).__name__}")
    for outcome in (answer.content, answer.spam, answer.yara) if isinstance(answer, Examination) else (answer,):
        if isinstance(outcome, Unknown):
            CHECK_UNKNOWN.labels(stage.name).inc()
    return answer


def _weighed(spam: Outcome[SpamFact], reported: Outcome[ReportedFact]) -> Outcome[SpamFact]:
    """The classifier's word, and with it that of the people here."""
    return (
        Known(weighed(spam.value, reported.value)) if isinstance(spam, Known) and isinstance(reported, Known) else spam
    )


def _doubt(stage: Stage, why: str) -> Outcome[Any] | Examination:
    doubt = Unknown(why)
    return Examination(content=doubt, spam=doubt, yara=doubt) if stage.name == "examination" else doubt


def _message_fact(message: Message, authors: tuple[headers.Author, ...]) -> MessageFact:
    def text(name: bytes) -> str:
        return headers.decode(message.first(name))[:MAX_LISTED]

    return MessageFact(
        size=message.size,
        message_id=text(b"message-id"),
        subject=text(b"subject"),
        authors=tuple(AuthorFact(each.name[:MAX_LISTED], each.address[:MAX_LISTED], each.domain) for each in authors),
        from_fields=len(message.values(b"from")),
        date=text(b"date"),
    )
