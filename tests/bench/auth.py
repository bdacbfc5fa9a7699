"""CPU milliseconds of sender authentication for one usual message: rsa2048, relaxed/relaxed, 15 KB, answers cached.
Then what a message waits for the DNS when nothing is cached, with and without look-ups that begin at MAIL.

Run: `python -m tests.bench.auth`. Each figure is the best of several rounds, since other work on the machine only
ever adds.
"""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Awaitable, Callable

import dkim as dkimpy
import spf as pyspf

from gateway.app.door.looking_ahead import LookingAhead
from gateway.checks.authentication.arc import check_arc
from gateway.checks.authentication.dkim import check_dkim
from gateway.checks.authentication.dmarc import check_dmarc
from gateway.checks.authentication.spf import check_spf
from gateway.checks.dns.nameserver import Nameserver
from gateway.checks.dns.resinfo import results_field
from gateway.checks.dns.resolver import Resolver
from gateway.checks.dns.zone import ZoneResolver
from gateway.clock import SystemClock
from gateway.facts.auth import DkimFact
from gateway.facts.outcome import Known
from gateway.mail.address import Address
from gateway.mail.message import Message
from tests.checks.dkim_signer import pem, record, rsa_key
from tests.dns_server import Behaviour, DnsServer

ROUNDS = 7
REPEAT = 200
NOW = 1_700_000_000.0
HEADER = (
    b"Received: from a.example by b.example with ESMTPS id 1; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    b"From: Bob <bob@news.example.com>\r\nTo: alice@example.org\r\nSubject: The news of the week\r\n"
    b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
)
BODY = b"".join(b"This is line %d of a usual newsletter,  with a few words in it. \r\n" % n for n in range(225))
NAMES = {
    "news.example.com": [{"TXT": "v=spf1 mx include:_spf.example.net -all"}, {"MX": [10, "mx.example.com"]}],
    "mx.example.com": [{"A": "192.0.2.9"}],
    "_spf.example.net": [{"TXT": "v=spf1 ip4:192.0.2.0/24 -all"}],
    "_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject"}],
}
SENDER = {"ip": "192.0.2.1", "helo": "mx.example.com", "reverse_path": "bob@news.example.com"}
QUESTION = 0.02
"""Seconds that the nameserver takes for each question."""
DATA = 0.15
"""Seconds from MAIL to the end of DATA: three round trips of 50 ms."""


def best(function: Callable[[], object], repeat: int = REPEAT) -> float:
    """CPU milliseconds of one call."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(repeat):
            function()
        rounds.append((time.process_time() - started) / repeat * 1000)
    return min(rounds)


def run(coroutine: Awaitable[object]) -> object:
    """Drive a coroutine that never waits, without the cost of a loop of its own."""
    try:
        coroutine.send(None)  # type: ignore[attr-defined]
    except StopIteration as stop:
        return stop.value
    raise RuntimeError("the answers are cached, so nothing should wait")


def main() -> None:
    raw = HEADER + BODY
    key = rsa_key(2048)
    signed = dkimpy.sign(raw, b"s1", b"news.example.com", pem(key), canonicalize=(b"relaxed", b"relaxed")) + raw
    message = Message.from_wire(signed)
    sealed = b"".join(
        dkimpy.arc_sign(
            b"Authentication-Results: l.example; spf=pass\r\n" + signed, b"s1", b"l.example", pem(key), b"l.example"
        )
    )
    chained = Message.from_wire(sealed + signed)
    zone = ZoneResolver(
        {
            "s1._domainkey.news.example.com": [{"TXT": record(key)}],
            "s1._domainkey.l.example": [{"TXT": record(key)}],
            **NAMES,
        }
    )
    sender = SENDER

    async def facts():  # type: ignore[no-untyped-def]
        spf = await check_spf(zone, **sender)
        dkim = await check_dkim(zone, message, now=NOW)
        arc = await check_arc(zone, message, now=NOW)
        dmarc = await check_dmarc(zone, author_domains=["news.example.com"], spf=spf, dkim=dkim)
        return spf, dkim, arc, dmarc

    spf, dkim, arc, dmarc = asyncio.run(facts())
    print(results_field("mx.example.org", spf=spf, dkim=dkim, arc=arc, dmarc=dmarc).decode())

    def pyspf_alone() -> None:
        pyspf.check2(i=sender["ip"], s=sender["reverse_path"], h=sender["helo"], timeout=0, querytime=0)

    answers = {"TXT": {}, "MX": {}, "A": {}}  # type: ignore[var-annotated]
    for name in ("news.example.com", "_spf.example.net"):
        answers["TXT"][name] = [(record.encode(),) for record in zone.find(name, "TXT").records]
    answers["MX"]["news.example.com"] = [(10, "mx.example.com")]
    answers["A"]["mx.example.com"] = ["192.0.2.9"]
    ours = pyspf.DNSLookup

    def from_table(name: str, kind: str, *_: object) -> list[tuple[tuple[str, str], object]]:
        return [((name, kind), value) for value in answers[kind].get(name, [])]

    rows = [
        ("SPF", best(lambda: run(check_spf(zone, **sender)))),
        ("DKIM", best(lambda: run(check_dkim(zone, message, now=NOW)))),
        ("ARC, no chain", best(lambda: run(check_arc(zone, message, now=NOW)))),
        ("ARC, one set", best(lambda: run(check_arc(zone, chained, now=NOW)), 50)),
        ("DMARC", best(lambda: run(check_dmarc(zone, author_domains=["news.example.com"], spf=spf, dkim=dkim)))),
        (
            "Authentication-Results",
            best(lambda: results_field("mx.example.org", spf=spf, dkim=dkim, arc=arc, dmarc=dmarc)),
        ),
    ]
    pyspf.DNSLookup = from_table
    try:
        rows.append(("pyspf alone", best(pyspf_alone)))
    finally:
        pyspf.DNSLookup = ours
    rows.append(
        ("dkimpy alone", best(lambda: dkimpy.verify(signed, dnsfunc=lambda *_, **__: record(key).encode()), 50))
    )
    cost = dict(rows)
    usual = sum(cost[name] for name in ("SPF", "DKIM", "ARC, no chain", "DMARC", "Authentication-Results"))
    rows.append(("all of a usual message", usual))
    print(f"{'step':<26}{'CPU ms':>8}")
    for name, milliseconds in rows:
        print(f"{name:<26}{milliseconds:>8.3f}")
    for ahead in (False, True):
        waited = min(asyncio.run(waiting(ahead=ahead)) for _ in range(3)) * 1000
        print(f"{'DNS wait, from MAIL on' if ahead else 'DNS wait, after DATA':<26}{waited:>8.0f} ms")


async def waiting(*, ahead: bool) -> float:
    """Seconds that SPF and DMARC take after DATA, where nobody asked these names before."""
    async with DnsServer.running(NAMES) as server:
        server.everywhere = Behaviour(delay=QUESTION)
        resolver = Resolver([Nameserver("127.0.0.1", server.port)], clock=SystemClock())
        looking = LookingAhead(resolver)
        if ahead:
            looking.at_mail(ip=SENDER["ip"], helo=SENDER["helo"], sender=Address.parse(SENDER["reverse_path"]))
        await asyncio.sleep(DATA)
        started = time.perf_counter()
        spf = await check_spf(resolver, **SENDER)
        await check_dmarc(resolver, author_domains=["news.example.com"], spf=spf, dkim=Known(DkimFact()))
        taken = time.perf_counter() - started
        await looking.settled()
        await resolver.close()
        return taken


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
