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
        return json.loads(result.output)

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
