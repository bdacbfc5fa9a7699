"""Held mail over the API, against a real custody and the real preview."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from gateway.facts.content import MalwareFact, MalwareResult
from gateway.facts.outcome import Known, Unknown
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from tests.console.conftest import Caller, SignIn, World
from tests.console.seed import EVERYTHING, MALWARE, PHISHING, SPAM, UNSCANNABLE, Letter, hold


async def _hold_all(custody: Custody, *letters: Letter) -> list[str]:
    return [text_of((await hold(custody, each, now=time.time()))[0].id) for each in letters]


async def test_the_list_is_newest_first_counted_and_continued(signed_in: SignIn, custody: Custody) -> None:
    await _hold_all(custody, *EVERYTHING)
    auditor = await signed_in("auditor")
    first = (await auditor.get("/api/v1/quarantine?limit=5")).json()
    rest = (await auditor.get(f"/api/v1/quarantine?limit=5&cursor={first['next_cursor']}")).json()
    items = first["items"] + rest["items"]
    assert [each["id"] for each in items] == sorted((each["id"] for each in items), reverse=True)
    assert (len(items), rest["next_cursor"]) == (8, None)
    assert first["counts"] == {"malware": 2, "phishing": 2, "policy": 1, "spam": 2, "unscannable": 1}
    assert items[0]["subject"] == PHISHING.subject
    assert items[0]["reasons"] == [{"code": "LOOKALIKE_DOMAIN", "text": "looks like example.com"}]


async def test_the_search_language_narrows_the_list(signed_in: SignIn, custody: Custody) -> None:
    await _hold_all(custody, *EVERYTHING)
    operator = await signed_in("operator")
    expected = {
        "class:phishing": {"Urgent transfer", "Parcel waiting for you"},
        "voucher": set(),
        "only today": {"50 % only today"},
        "from:*@shop.example": {"50 % only today"},
        "rcpt:alice@example.org class:malware": {"Invoice 20261121"},
        "score:>14": {"Urgent transfer", "Invoice 20261121"},
        "rule:spam-hold": {"Re: your order"},
        "reason:mixed_script": {"Parcel waiting for you"},
        "after:now-1h": {each.subject for each in EVERYTHING},
        "before:2020-01-01": set(),
    }
    for q, subjects in expected.items():
        found = (await operator.client.get("/api/v1/quarantine", params={"q": q})).json()
        assert {each["subject"] for each in found["items"]} == subjects, q
        assert found["hints"] == []
    found = (await operator.client.get("/api/v1/quarantine", params={"q": "clas:spam"})).json()
    assert "Did you mean class:?" in found["hints"][0]


async def test_an_item_tells_its_facts_and_what_could_not_be_told(signed_in: SignIn, custody: Custody) -> None:
    (name,) = await _hold_all(custody, UNSCANNABLE)
    told = (await (await signed_in("auditor")).get(f"/api/v1/quarantine/{name}")).json()
    assert told["unknown"] == {"malware": "clamd unreachable"}
    assert told["facts"]["malware"] == {"unknown": "clamd unreachable"}
    assert told["facts"]["spf"]["known"]["result"] == "pass"
    assert (told["rule_file"], told["rule_line"]) == ("policies/default.yaml", 57)
    assert [each["kind"] for each in told["events"]] == ["accepted", "held"]


async def test_text_and_parts(signed_in: SignIn, custody: Custody) -> None:
    (name,) = await _hold_all(custody, PHISHING)
    operator = await signed_in("operator")
    text = (await operator.get(f"/api/v1/quarantine/{name}/text")).json()
    assert "please process the attached order today" in text["text"]
    assert "http://evil.example" not in text["text"]
    assert text["has_design"]
    assert ["Subject", "Urgent transfer"] in text["headers"]
    parts = (await operator.get(f"/api/v1/quarantine/{name}/parts")).json()
    assert [each["path"] for each in parts["parts"]] == ["1", "1.1", "1.2"]
    assert parts["links"][0]["host"] == "evil.example"


async def test_a_message_that_cannot_be_shown_says_why(signed_in: SignIn, custody: Custody, world: World) -> None:
    (name,) = await _hold_all(custody, PHISHING)
    world.preview_fails = "the worker was killed at the deadline"
    operator = await signed_in("operator")
    text = (await operator.get(f"/api/v1/quarantine/{name}/text")).json()
    assert (text["text"], text["unknown"]) == (None, "the worker was killed at the deadline")
    page = await operator.get(f"/quarantine/{name}")
    assert "Could not tell: the worker was killed at the deadline" in page.text


async def test_release_asks_the_engine_and_then_it_is_no_longer_held(
    signed_in: SignIn, custody: Custody, world: World
) -> None:
    (name,) = await _hold_all(custody, PHISHING)
    operator = await signed_in("operator")
    answer = await operator.post(f"/api/v1/quarantine/{name}/release", {"reason": "known partner"})
    assert (answer.status_code, answer.json()["ending"]) == (200, "done")
    assert len(world.scanned) == 1
    again = await operator.post(f"/api/v1/quarantine/{name}/release", {"reason": ""})
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")
    assert again.json()["title"] == "That is no longer so"
    told = (await operator.get(f"/api/v1/quarantine/{name}")).json()
    assert told["item"]["state"] == "queued"
    assert told["events"][-1]["actor"] == "operator"
    assert told["events"][-1]["detail"]["reason"] == "known partner"


async def test_a_found_virus_is_a_problem_with_words(signed_in: SignIn, custody: Custody, world: World) -> None:
    (name,) = await _hold_all(custody, SPAM)
    world.scan = Known(MalwareFact(MalwareResult.FOUND, "Eicar-Test-Signature"))
    answer = await (await signed_in("administrator")).post(f"/api/v1/quarantine/{name}/release", {"reason": "x"})
    assert answer.status_code == 403
    assert "Eicar-Test-Signature" in answer.json()["detail"]


async def test_bulk_acts_have_a_result_for_each(signed_in: SignIn, custody: Custody, world: World) -> None:
    names = await _hold_all(custody, SPAM, PHISHING, MALWARE)
    operator = await signed_in("operator")
    world.scan = Unknown("clamd unreachable")
    answer = await operator.post(
        "/api/v1/quarantine/release", {"ids": [*names, names[0], text_of(5)], "reason": "wanted"}
    )
    results = {each["id"]: each for each in answer.json()}
    assert [results[name]["ending"] for name in names] == ["done", "done", "refused"]
    assert results[text_of(5)]["ending"] == "absent"
    assert "without a second scan: clamd unreachable" in results[names[0]]["text"]
    deleted = await operator.post("/api/v1/quarantine/delete", {"ids": names})
    assert [each["ending"] for each in deleted.json()] == ["gone", "gone", "done"]


async def test_errors_are_problems(signed_in: SignIn, visit: Callable[[], Caller]) -> None:
    operator = await signed_in("operator")
    for answer, status in (
        (await visit().get("/api/v1/quarantine"), 401),
        (await operator.get("/api/v1/quarantine?limit=0"), 422),
        (await operator.get("/api/v1/nothing"), 404),
        (await operator.client.put("/api/v1/quarantine"), 405),
        (await operator.post("/api/v1/quarantine/release", {"ids": []}), 422),
        (await operator.post("/api/v1/quarantine/release", {"ids": ["x"], "extra": 1}), 422),
        (await operator.post("/api/v1/quarantine/release", {"ids": ["x" * 70_000]}), 413),
        (await operator.get("/api/v1/quarantine?cursor=!"), 404),
    ):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.json()["status"], answer.json()["type"]) == (status, "about:blank")


async def test_too_many_tries_are_told_with_seconds(visit: Callable[[], Caller]) -> None:
    caller = visit()
    answers = [
        await caller.client.post("/api/v1/session", json={"name": "nobody@example.org", "password": "wrong"})
        for _ in range(9)
    ]
    assert [each.status_code for each in answers] == [401] * 8 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 900


async def test_health_tells_what_is_missing_and_nothing_about_mail(
    visit: Callable[[], Caller], custody: Custody
) -> None:
    await _hold_all(custody, PHISHING)
    caller = visit()
    assert (await caller.get("/healthz")).json() == {"status": "ok"}
    ready = await caller.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["degraded"][0]["name"] == "clamd"
    metrics = await caller.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert b"postern_messages_total" in metrics.content
    assert "example.org" not in ready.text + metrics.text


async def test_numbers_equal_the_ledger(signed_in: SignIn, custody: Custody) -> None:
    names = await _hold_all(custody, *EVERYTHING)
    auditor, operator = await signed_in("auditor"), await signed_in("operator")
    await operator.post("/api/v1/quarantine/delete", {"ids": names[:2]})
    told = (await auditor.get("/api/v1/overview")).json()
    assert sum(told["held"].values()) == 6
    assert (told["outcomes"]["held"], told["outcomes"]["deleted"], told["waiting"]) == (8, 2, 0)
    events = (await auditor.get("/api/v1/events?limit=1000")).json()
    assert sum(each["kind"] == "held" for each in events) == 8
    later = (await auditor.get(f"/api/v1/events?since={events[-2]['sequence']}")).json()
    assert later == events[-1:]


async def test_wherever_an_item_is_readers_find_only_their_own(signed_in: SignIn, custody: Custody) -> None:
    await _hold_all(custody, *EVERYTHING, replace(SPAM, recipients=("sales@example.org",)))
    bob = await signed_in("bob@example.org")
    found = (await bob.get("/api/v1/quarantine?q=rcpt:*")).json()
    assert {each["recipient"] for each in found["items"]} == {"bob@example.org", "sales@example.org"}
    assert sum(found["counts"].values()) == len(found["items"]) == 5
