"""Who is shut out and who has to come back, over the API and by the pages, over real counters and a real custody."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator

import pytest

from gateway.console.doorlists import Doorlists, chosen
from gateway.counters.counters import Counters
from gateway.counters.records import Visit
from gateway.facts.outcome import Known
from gateway.policy.policy import Greylisting
from gateway.queue.custody import Custody
from gateway.queue.records import Event
from tests.console.conftest import SignIn

ANN = Visit(
    ("spf a.example", "192.0.2.0/24 a.example"), "ann@a.example", "bob@example.org", "192.0.2.7", "mx.a.example"
)
CARL = Visit(("198.51.100.0/24 b.example",), "carl@b.example", "eve@example.org", "198.51.100.7", "mx.b.example")


async def passes(counters: Counters, visit: Visit) -> bool:
    outcome = await counters.meet([visit], Greylisting())
    assert isinstance(outcome, Known)
    return outcome.value[0].passed


async def deeds(custody: Custody) -> list[Event]:
    return [each for each in await custody.events_after(0, limit=100) if each.kind in ("banned", "unbanned", "let in")]


@pytest.fixture
async def two_wait(counters: Counters) -> AsyncIterator[None]:
    for visit in (ANN, CARL):
        assert not await passes(counters, visit)
    yield


# ---------------------------------------------------------------- the greylist


@pytest.mark.usefixtures("two_wait")
async def test_who_waits_is_listed_and_let_in_at_once_over_the_api(
    signed_in: SignIn, counters: Counters, custody: Custody
) -> None:
    operator = await signed_in("operator")
    told = (await operator.get("/api/v1/greylist")).json()
    assert told["total"] == 2
    assert {each["sender"] for each in told["items"]} == {"ann@a.example", "carl@b.example"}
    found = (await operator.get("/api/v1/greylist?sender=a.example&recipient=BOB@example.org")).json()
    (ann,) = found["items"]
    assert (ann["pool"], ann["client_ip"], ann["tries"], ann["let_in"]) == ("spf a.example", "192.0.2.7", 1, False)
    assert (await operator.get("/api/v1/greylist?limit=1")).json()["total"] == 2
    answer = await operator.post("/api/v1/greylist/release", {"ids": [ann["id"]]})
    assert (answer.status_code, answer.json()) == (200, {"number": 1})
    assert await passes(counters, ANN)
    assert not await passes(counters, CARL)
    (deed,) = await deeds(custody)
    assert (deed.kind, deed.actor, deed.recipient) == ("let in", "operator", "bob@example.org")
    assert deed.detail == {"sender": "ann@a.example", "pool": "spf a.example"}


@pytest.mark.usefixtures("two_wait")
async def test_all_of_a_sender_are_let_in_together(signed_in: SignIn, counters: Counters) -> None:
    operator = await signed_in("operator")
    again = await operator.post("/api/v1/greylist/release", {"sender": "b.example"})
    assert again.json() == {"number": 1}
    assert (await operator.post("/api/v1/greylist/release", {"sender": "b.example"})).status_code == 409
    assert await passes(counters, CARL)
    assert (await operator.post("/api/v1/greylist/release", {})).status_code == 422
    assert not await passes(counters, ANN)


@pytest.mark.usefixtures("two_wait")
async def test_the_page_lets_one_in_by_a_form_alone(signed_in: SignIn, counters: Counters) -> None:
    operator = await signed_in("operator")
    text = (await operator.get("/greylist?sender=a.example")).text
    assert "ann@a.example" in text
    assert "carl@b.example" not in text
    number = re.search(r'<button name="id" value="(\d+)"', text)
    assert number is not None
    answer = await operator.submit("/greylist/release", id=number[1], sender="a.example")
    assert (answer.status_code, answer.headers["location"]) == (303, "/greylist?sender=a.example")
    after = (await operator.get(answer.headers["location"])).text
    assert "One sender will be let in at the next try." in after
    assert "will be let in</span>" in after
    assert await passes(counters, ANN)


@pytest.mark.usefixtures("two_wait")
async def test_the_page_lets_in_all_that_match_and_never_all_of_the_list(signed_in: SignIn, counters: Counters) -> None:
    operator = await signed_in("operator")
    for wrong in ("all", "", "x", "99999"):
        await operator.submit("/greylist/release", id=wrong)
        assert "Nobody like that is waiting any more." in (await operator.get("/greylist")).text
    assert [each.released for each in await counters.waiting()] == [0, 0]
    await operator.submit("/greylist/release", id="all", recipient="eve@example.org")
    assert [each.sender for each in await counters.waiting() if each.released] == ["carl@b.example"]


async def test_what_senders_say_is_text(signed_in: SignIn, counters: Counters) -> None:
    hostile = "<script>alert(1)</script>\u202e@a.example"
    await passes(counters, Visit(("spf <b>x</b>",), hostile, "<i>@example.org", "192.0.2.1", "<img src=x>"))
    text = (await (await signed_in("operator")).get("/greylist")).text
    for octets in ("<script>alert", "<b>x", "<i>@", "<img src=x", "\u202e"):
        assert octets not in text
    assert "[U+202E]" in text


async def test_an_auditor_looks_and_has_no_buttons(signed_in: SignIn, counters: Counters) -> None:
    await passes(counters, ANN)
    await counters.ban("192.0.2.9", seconds=60.0, reason="x", by="otto")
    auditor = await signed_in("auditor")
    for path, seen in (("/greylist", "ann@a.example"), ("/bans", "192.0.2.9/32")):
        text = (await auditor.get(path)).text
        assert seen in text
        assert "<button name=" not in text
        assert "Shut out</button>" not in text


# ---------------------------------------------------------------- bans


async def test_a_ban_over_the_api_from_its_making_to_its_end(
    signed_in: SignIn, counters: Counters, custody: Custody
) -> None:
    operator = await signed_in("operator")
    answer = await operator.post(
        "/api/v1/bans", {"network": "192.0.2.77/24", "lasting": "4h", "reason": "tries  names"}
    )
    assert answer.status_code == 201
    made = answer.json()
    assert (made["network"], made["reason"], made["by"]) == ("192.0.2.0/24", "tries names", "operator")
    (ban,) = await counters.bans()
    assert ban.until - ban.since == 4 * 3600.0
    assert abs(ban.since - time.time()) < 60
    assert (await operator.get("/api/v1/bans")).json() == [made]
    gone = await operator.client.delete(
        "/api/v1/bans", params={"network": "192.0.2.0/24"}, headers={"X-CSRF-Token": operator.csrf}
    )
    assert gone.status_code == 204
    assert await counters.bans() == []
    again = await operator.client.delete(
        "/api/v1/bans", params={"network": "192.0.2.0/24"}, headers={"X-CSRF-Token": operator.csrf}
    )
    assert (again.status_code, again.headers["content-type"]) == (404, "application/problem+json")
    assert [(each.kind, each.actor, each.detail["network"]) for each in await deeds(custody)] == [
        ("banned", "operator", "192.0.2.0/24"),
        ("unbanned", "operator", "192.0.2.0/24"),
    ]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"network": "nonsense"}, "Write an address or a network, like 192.0.2.7 or 192.0.2.0/24, and not nonsense"),
        ({"network": "192.0.2.1", "lasting": "5"}, "Write a whole number and a unit"),
        ({"network": "192.0.2.1", "lasting": "2000d"}, "A ban holds for a year at most"),
        ({"network": "127.0.0.1"}, "127.0.0.1/32 is one of our own networks"),
        ({"network": "0.0.0.0/0"}, "0.0.0.0/0 is too wide: /8"),
        ({"network": "2000::/3"}, "2000::/3 is too wide: /16"),
    ],
)
async def test_what_cannot_be_shut_out_is_said_in_words(
    signed_in: SignIn, counters: Counters, custody: Custody, written: dict[str, str], said: str
) -> None:
    operator = await signed_in("operator")
    answer = await operator.post("/api/v1/bans", written)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert said in answer.json()["detail"]
    shown = await operator.submit("/bans/add", **written)
    assert shown.status_code == 422
    assert f'value="{written["network"]}"' in shown.text
    assert 'role="alert"' in shown.text
    assert await counters.bans() == []
    assert await deeds(custody) == []


async def test_the_page_shuts_out_and_lets_in_by_forms_alone(signed_in: SignIn, counters: Counters) -> None:
    operator = await signed_in("operator")
    answer = await operator.submit("/bans/add", network=" 2001:db8::/64 ", lasting="7d", reason="<b>loud</b>")
    assert (answer.status_code, answer.headers["location"]) == (303, "/bans")
    text = (await operator.get("/bans")).text
    assert "2001:db8::/64 is shut out." in text
    assert "&lt;b&gt;loud&lt;/b&gt;" in text
    assert "6 d left" in text
    await operator.submit("/bans/remove", network="2001:db8::/64")
    assert "2001:db8::/64 is let in again." in (await operator.get("/bans")).text
    assert await counters.bans() == []


async def test_counters_that_cannot_be_asked_are_a_problem_and_not_a_crash(signed_in: SignIn, ports: object) -> None:
    from gateway.console.ports import OfficePorts

    assert isinstance(ports, OfficePorts)
    operator = await signed_in("operator")
    folder = ports.folder.parent / "counters"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.write_text("not a folder")
    for path in ("/api/v1/greylist", "/api/v1/bans"):
        answer = await operator.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert (await operator.get("/greylist")).status_code == 503


# ---------------------------------------------------------------- the acts themselves


def test_chosen_compares_whole_addresses_and_domains() -> None:
    from gateway.counters.records import Waiting

    def waiting(sender: str, recipient: str) -> Waiting:
        return Waiting(1, "p", sender, recipient, "", "", 0.0, 0.0, 1, 0)

    those = [
        waiting("ann@a.example", "bob@example.org"),
        waiting("ann@xa.example", "eve@example.org"),
        waiting("", "x@y"),
    ]
    assert chosen(those, sender="", recipient="") == those
    assert chosen(those, sender="A.example", recipient="") == those[:1]
    assert chosen(those, sender="ann@xa.example ", recipient="eve@example.org") == those[1:2]
    assert chosen(those, sender="ann@xa.example", recipient="bob@example.org") == []


async def test_a_deed_of_no_effect_leaves_no_event(counters: Counters, custody: Custody) -> None:
    lists = Doorlists(counters, custody, lambda ip: False, actor="otto")
    assert not await lists.let_in("192.0.2.1")
    assert await lists.release([1, 2]) == 0
    assert await deeds(custody) == []
