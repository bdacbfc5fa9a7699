"""gateway/app/explaining.py and the verbs `explain-connection`, `bans` and `greylist`, on a real data folder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.app.installation import Folders
from gateway.clock import SystemClock
from gateway.counters.counters import Counters
from gateway.counters.records import Take, Visit
from gateway.policy.policy import Greylisting
from tests.checks.reputation.maps import network, write_map
from tests.cli.conftest import Postern

POLICY = """\
version: 1
dnsbl:
  - {zone: bl.example, weight: 2.0, answers: [127.0.0.2]}
groups:
  - {id: listed, when: 'client.dnsbl_score >= 2.0', then: {reject: blocked_client}}
  - id: everyone
    limits: {client: {connections: 3/h, unknown_recipients: 25/h}}
recipients:
  - {domain: example.org, route: mx, validate: static, addresses: [bob@example.org]}
"""
ZONE = """\
7.2.0.192.bl.example: [{A: 127.0.0.2}]
8.2.0.192.bl.example: [{A: 127.255.255.254}]
9.2.0.192.in-addr.arpa: [{PTR: mx.a.example}]
mx.a.example: [{A: 192.0.2.9}]
"""


@pytest.fixture
def run(postern: Postern, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Postern:
    monkeypatch.setenv("POSTERN_POLICY", str(tmp_path / "policies"))
    (tmp_path / "data").mkdir()
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "default.yaml").write_text(POLICY)
    (tmp_path / "zone.yaml").write_text(ZONE)
    return postern


@pytest.fixture
def explain(run: Postern, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def explained(*words: str) -> dict[str, Any]:
        result = run("explain-connection", *words, "--json", "--dns", str(tmp_path / "zone.yaml"))
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return explained


def in_counters(folder: Path, work: Callable[[Counters], Any]) -> Any:
    async def main() -> Any:
        counters = Counters.open(Folders(folder).counters, clock=SystemClock())
        try:
            return await work(counters)
        finally:
            await counters.close()

    return asyncio.run(main())


def test_a_client_that_is_let_in(explain: Callable[..., dict[str, Any]]) -> None:
    said = explain("192.0.2.9", "--helo", "mx.a.example", "--from", "ann@a.example", "--rcpt", "bob@example.org")
    assert said["outcome"] == "let in"
    steps = {each["stage"]: each for each in said["steps"]}
    assert steps["name"]["says"] == "mx.a.example resolves back to the address"
    assert steps["group"]["place"] == "policies/default.yaml:6"
    assert steps["rcpt"]["place"] == "policies/default.yaml:9"
    assert "goes to mx:example.org" in steps["rcpt"]["says"]


@pytest.mark.parametrize(
    ("words", "stage", "reply", "place"),
    [
        (["192.0.2.7"], "connect", "554 5.7.1", "policies/default.yaml:5"),
        (["192.0.2.9", "--helo", "no_name!"], "helo", "501 5.5.2", ""),
        (["192.0.2.9", "--rcpt", "eve@example.org"], "rcpt", "550 5.1.1", "policies/default.yaml:9"),
        (["192.0.2.9", "--rcpt", "bob@elsewhere.example"], "rcpt", "550 5.7.1", ""),
    ],
)
def test_a_client_that_is_refused_and_the_line_that_says_so(
    words: list[str], stage: str, reply: str, place: str, explain: Callable[..., dict[str, Any]]
) -> None:
    said = explain(*words)
    assert (said["outcome"], said["stage"], said["reply"][:9], said["place"]) == ("refused", stage, reply, place)


def test_a_list_that_refuses_us_is_told(explain: Callable[..., dict[str, Any]]) -> None:
    steps = {each["stage"]: each["says"] for each in explain("192.0.2.8")["steps"]}
    assert "bl.example refuses to answer this resolver" in steps["lists"]


def test_a_rate_that_is_used_up_is_told_and_asking_uses_nothing_up(
    explain: Callable[..., dict[str, Any]], run: object, tmp_path: Path
) -> None:
    take = Take("connections client 3600 192.0.2.9", 3600.0)
    for _ in range(2):
        in_counters(tmp_path / "data", lambda counters: counters.count([take]))
    for _ in range(3):
        assert explain("192.0.2.9")["outcome"] == "let in"
    in_counters(tmp_path / "data", lambda counters: counters.count([take]))
    said = explain("192.0.2.9")
    assert (said["reply"][:9], said["rule"], said["place"]) == ("421 4.7.1", "everyone", "policies/default.yaml:7")


WHOLE = """\
version: 1
dnsbl:
  - {zone: bl.example, weight: 1.0, answers: [127.0.0.2]}
  - {zone: good.example, weight: -0.5, answers: [127.0.0.2]}
groups:
  - {id: listed, when: 'client.dnsbl_score >= 2.0', then: {reject: blocked_client}}
  - {id: abroad, when: 'client.country == "SE" || client.asn == 64499'}
  - {id: forged, when: 'client.sender_domain == "no-such-domain"', then: {reject: policy}}
  - {id: partner, when: 'mail.from.under("a.example")', require: tls}
  - id: known
    when: 'client.reverse_name.endsWith(".a.example") && client.asn == 64500'
    banner: ESMTP Welcome
    limits:
      size: 10MiB
      sender_domain: {messages: 100/h}
      recipient: {messages: 50/h}
  - {id: everyone}
bans: {for: 1h, errors: 1000/d}
recipients:
  - {domain: example.org, route: mx, validate: static, addresses: [bob@example.org]}
  - {address: sue@example.org, route: mx, size: 1MiB}
"""


@pytest.fixture
def whole(explain: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "policies" / "default.yaml").write_text(WHOLE)
    with (tmp_path / "zone.yaml").open("a") as zone:
        zone.write("7.2.0.192.good.example: [{A: 127.0.0.2}]\n7.2.0.192.in-addr.arpa: [{PTR: m.a.example}]\n")
        zone.write("m.a.example: [{A: 192.0.2.7}]\nc.example: [{MX: [0, m.a.example]}]\n")
    monkeypatch.setenv("POSTERN_NETWORK_MAP", str(write_map(tmp_path / "m", {"192.0.2.0/24": network(64500, "Ex")})))
    monkeypatch.setenv("POSTERN_COUNTRY_MAP", str(tmp_path / "no-such-map"))
    return explain


def test_every_decision_names_its_line(whole: Callable[..., dict[str, Any]]) -> None:
    said = whole("192.0.2.7", "--from", "x@c.example", "--rcpt", "bob@example.org")
    told = [
        (each["stage"], each["says"], each["place"].removeprefix("policies/default.yaml:")) for each in said["steps"]
    ]
    assert said["outcome"] == "let in"
    assert ("map", "AS64500 Ex; could not be told: no-such-map [Errno 2] No such file or directory", "") in [
        (stage, says.partition(": '")[0], place) for stage, says, place in told
    ]
    for step in (
        ("list", "bl.example (127.0.0.2), weight 1", "3"),
        ("list", "good.example (127.0.0.2), weight -0.5", "4"),
        ("lists", "score 0.5, of good 0.5", ""),
        ("group", "listed: false", "6"),
        ("group", "abroad: unknown (client.country)", "7"),
        ("group", "forged: unknown (client.sender_domain)", "8"),
        ("group", "forged: false", "8"),
        ("group", "partner: unknown (mail.from)", "9"),
        ("group", "partner: false", "9"),
        ("group", "group known: messages of 10485760 octets, 100 recipients, 50 connections", "10"),
        ("ban", "shut out above client: errors 1000/d, now 0", "18"),
        ("greeting", "220 mx.example.org ESMTP Welcome", "10"),
        ("sender", "takes-mail", ""),
        ("rate", "sender domain: messages 100/h, now 0", "15"),
        ("rate", "recipient: messages 50/h, now 0", "16"),
        ("mail", "<x@c.example> may send", "10"),
    ):
        assert step in told
    assert told[-1] == (
        "rcpt",
        "bob@example.org is taken and goes to mx:example.org (validate: static, on_unknown: defer, on_full: defer)",
        "20",
    )


@pytest.mark.parametrize(
    ("words", "stage", "reply", "place"),
    [
        (["--from", "x@nowhere.example"], "mail", "550 5.7.1", "8"),
        (["--from", "x@m.a.example"], "mail", "530 5.7.0", "9"),
        (["--from", "x@c.example", "--size", "10485761"], "mail", "552 5.3.4", "10"),
        (["--from", "x@c.example", "--size", "1048577", "--rcpt", "sue@example.org"], "rcpt", "552 5.3.4", "21"),
    ],
)
def test_tls_size_and_the_domain_of_the_sender_refuse_with_their_line(
    words: list[str], stage: str, reply: str, place: str, whole: Callable[..., dict[str, Any]]
) -> None:
    said = whole("192.0.2.7", *words)
    assert (said["stage"], said["reply"][:9], said["place"]) == (stage, reply, f"policies/default.yaml:{place}")


def test_an_encrypted_session_may_go_on(whole: Callable[..., dict[str, Any]]) -> None:
    assert whole("192.0.2.7", "--from", "x@m.a.example", "--tls")["outcome"] == "let in"


def test_bans_are_listed_added_and_removed(run: Postern, explain: Callable[..., dict[str, Any]]) -> None:
    assert run("bans", "add", "192.0.2.9/24", "--for", "2h", "--reason", "tries passwords").exit_code == 0
    (ban,) = json.loads(run("bans", "list", "--json").output)
    assert (ban["network"], ban["reason"], ban["until"] - ban["since"]) == ("192.0.2.0/24", "tries passwords", 7200.0)
    said = explain("192.0.2.9")
    assert (said["rule"], said["place"]) == ("ban", "192.0.2.0/24")
    assert run("bans", "remove", "192.0.2.0/24").exit_code == 0
    assert run("bans", "remove", "192.0.2.0/24").exit_code == 1
    assert explain("192.0.2.9")["outcome"] == "let in"


@pytest.mark.parametrize("words", [["127.0.0.1"], ["::1"], ["nonsense"], ["192.0.2.1", "--for", "soon"]])
def test_bans_that_nobody_makes(words: list[str], run: Postern) -> None:
    assert run("bans", "add", *words).exit_code == 2


def test_who_waits_is_listed_and_let_in(run: Postern, tmp_path: Path) -> None:
    visits = [Visit(("pool",), f"{name}@a.example", "bob@example.org", "192.0.2.7") for name in ("ann", "carl")]

    async def meet(counters: Counters) -> list[bool]:
        outcome = await counters.meet(visits, Greylisting())
        return [each.passed for each in outcome.value]  # type: ignore[union-attr]

    assert in_counters(tmp_path / "data", meet) == [False, False]
    listed = json.loads(run("greylist", "list", "--json", "--from", "a.example").output)
    assert {each["sender"] for each in listed} == {"ann@a.example", "carl@a.example"}
    assert "let in" not in run("greylist", "list").output
    assert run("greylist", "release", "--from", "ann@a.example").exit_code == 0
    assert run("greylist", "release", "999").exit_code == 1
    assert run("greylist", "release").exit_code == 2
    assert in_counters(tmp_path / "data", meet) == [True, True]
