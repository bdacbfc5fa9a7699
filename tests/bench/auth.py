"""CPU milliseconds of sender authentication for one usual message: rsa2048, relaxed/relaxed, 15 KB, answers cached.

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

from gateway.checks.authentication.arc import check_arc
from gateway.checks.authentication.dkim import check_dkim
from gateway.checks.authentication.dmarc import check_dmarc
from gateway.checks.authentication.spf import check_spf
from gateway.checks.dns.resinfo import results_field
from gateway.checks.dns.zone import ZoneResolver
from gateway.mail.message import Message
from tests.checks.dkim_signer import pem, record, rsa_key

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
            "news.example.com": [{"TXT": "v=spf1 mx include:_spf.example.net -all"}, {"MX": [10, "mx.example.com"]}],
            "mx.example.com": [{"A": "192.0.2.9"}],
            "_spf.example.net": [{"TXT": "v=spf1 ip4:192.0.2.0/24 -all"}],
            "_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject"}],
        }
    )
    sender = {"ip": "192.0.2.1", "helo": "mx.example.com", "reverse_path": "bob@news.example.com"}

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
    print(f"{'step':<26}{'CPU ms':>8}")
    for name, milliseconds in rows:
        print(f"{name:<26}{milliseconds:>8.3f}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
