"""Shortened links from the message to the fact, the lists and what is printed: gateway/pipeline/stages.py, scan.py and
report.py over the shorteners of gateway/checks/redirects/, with a service on loopback."""

from __future__ import annotations

from pathlib import Path

from gateway.checks.anatomist.wire import Examination
from gateway.checks.dns.zone import ZoneResolver
from gateway.checks.leaves import Wanted
from gateway.checks.redirects.shorteners import Shorteners
from gateway.checks.reputation.feeds import Feeds
from gateway.checks.reputation.link_lists import MAX_HOSTS
from gateway.clock import FixedClock
from gateway.facts.connection import ClientFact
from gateway.facts.content import ContentFact, LinkFact, ListedFact, MailClass, ShortenedFact, ShortLinkFact, SpamFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Outcome, Skipped, Unknown
from gateway.mail.envelope import Envelope
from gateway.mail.message import Message
from gateway.mail.replies import accepted_as
from gateway.pipeline.report import report
from gateway.pipeline.scan import Scanner
from gateway.policy.policy import Following, LinkList, Scanning
from gateway.policy.verdict import Disposition, Verdict, VerdictClass, merge
from tests.checks.redirects.service import Service, moved, running
from tests.pipeline.conftest import NOON

AWAY = "https://login.evil.example/x"
SHORT = LinkFact("http://bit.ly/a", "Your invoice", "bit.ly")
CROWD = tuple(LinkFact(f"https://h{n}.example/", "", f"h{n}.example") for n in range(MAX_HOSTS))
LISTS = (LinkList(zone="uri.example"),)
ZONE = {"bit.ly": [{"A": "67.199.248.10"}], "evil.example.uri.example": [{"A": "127.0.0.2"}]}


class Anatomist:
    """Finds these links in every message, or cannot tell."""

    def __init__(self, *links: LinkFact, doubt: Unknown | None = None) -> None:
        self._content: Outcome[ContentFact] = doubt or Known(ContentFact(links=links))

    async def examine(self, message: Message, wanted: Wanted = Wanted.NONE) -> Examination:
        return Examination(content=self._content, spam=Known(SpamFact(MailClass.HAM, {"ham": 1.0}, -4.0)))


async def scanned(
    service: Service, scanning: Scanning, anatomist: Anatomist, letter: tuple[Message, Envelope, ClientFact]
) -> Evidence:
    clock = FixedClock(NOON)
    scanner = Scanner(
        resolver=ZoneResolver(ZONE),
        anatomist=anatomist,
        malware=None,
        clock=clock,
        scanning=lambda: scanning,
        feeds=Feeds(Path("/nowhere")),
        shorteners=Shorteners(clock=clock, dial=service.dial),
    )
    message, envelope, client = letter
    return await scanner.scan(message, envelope, client, received_at=NOON)


async def test_what_a_shortened_link_leads_to_is_judged_like_a_link_of_the_message(
    message: Message, envelope: Envelope, client: ClientFact
) -> None:
    following = Scanning(link_lists=LISTS, shorteners=Following(seconds=60.0))
    async with running({"/a": moved(AWAY)}) as service:
        evidence = await scanned(service, following, Anatomist(*CROWD, SHORT), (message, envelope, client))
    fact = ShortenedFact((ShortLinkFact("http://bit.ly/a", AWAY, "login.evil.example"),))
    assert evidence.shortened == Known(fact)
    assert evidence.listed == Known(ListedFact(1.0, (("uri.example", "login.evil.example"),)))
    assert Evidence.from_json(evidence.to_json()) == evidence
    verdict = Verdict(Disposition.DELIVER, VerdictClass.CLEAN, None)
    told = report(evidence, merge([("a", verdict)]), accepted_as("-"), file="-", elapsed_ms=0.0)
    link = {"url": "http://bit.ly/a", "target": AWAY, "host": "login.evil.example", "why": ""}
    assert told["facts"]["shorteners"] == {"links": [link]}


async def test_nothing_is_fetched_unless_the_policy_says_so(
    message: Message, envelope: Envelope, client: ClientFact
) -> None:
    async with running({"/a": moved(AWAY)}) as service:
        letter = (message, envelope, client)
        evidence = await scanned(service, Scanning(link_lists=LISTS), Anatomist(SHORT), letter)
    assert evidence.shortened == Skipped("the policy has no shortened links followed")
    assert evidence.listed == Known(ListedFact())
    assert (service.connections, service.accepted) == ([], 0)


async def test_doubt_about_shorteners_leaves_the_lists_what_they_are(
    message: Message, envelope: Envelope, client: ClientFact
) -> None:
    following = Scanning(link_lists=LISTS, shorteners=Following(seconds=60.0))
    evil = LinkFact("https://evil.example/", "", "evil.example")
    async with running({"/a": b"HTTP/1.1 503 Busy\r\n\r\n"}) as service:
        letter = (message, envelope, client)
        evidence = await scanned(service, following, Anatomist(SHORT, evil), letter)
        gone = await scanned(service, following, Anatomist(doubt=Unknown("the worker was killed")), letter)
    assert evidence.shortened == Unknown("it answered 503")
    assert evidence.unknown() == {"shortened": "it answered 503"}
    assert evidence.listed == Known(ListedFact(1.0, (("uri.example", "evil.example"),)))
    assert gone.shortened == Unknown("the worker was killed")
