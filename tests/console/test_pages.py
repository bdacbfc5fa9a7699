"""The pages as somebody without JavaScript uses them: links and forms only."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from fastapi import FastAPI

from gateway.console.ports import OfficePorts
from gateway.facts.content import MalwareFact, MalwareResult
from gateway.facts.outcome import Known
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from gateway.queue.states import State
from tests.console.conftest import Caller, SignIn, World
from tests.console.seed import EVERYTHING, MALWARE, PHISHING, SPAM, STRIPPED, hold


class _Strict(HTMLParser):
    """Gathers what no page of ours may have: inline handlers, styles and scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.fields: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.inline += [name for name in names if name.startswith("on") or name == "style"]
        self.inline += [tag] if tag == "style" or (tag == "script" and "src" not in names) else []
        self.fields += [(names.get("name") or "", names.get("value") or "")] if tag in ("input", "button") else []


async def _items(custody: Custody) -> list[str]:
    return [text_of((await hold(custody, each, now=time.time()))[0].id) for each in EVERYTHING]


async def test_every_page_is_free_of_inline_code_and_small(signed_in: SignIn, custody: Custody) -> None:
    names = await _items(custody)
    admin = await signed_in("administrator")
    paths = ["/", "/?hours=1", "/?hours=168", "/?hours=9", "/quarantine", "/quarantine?q=clas:x", "/nothing"]
    views = ("text", "design", "parts", "links", "facts", "headers", "story", "nonsense")
    paths += [f"/quarantine/{names[-1]}?view={view}" for view in views]
    for path in paths:
        answer = await admin.get(path)
        parser = _Strict()
        parser.feed(answer.text)
        assert parser.inline == [], path
        assert answer.status_code == (404 if path == "/nothing" else 200)
        assert len(answer.content) < 60_000


async def test_fifty_rows_stay_within_the_budget(signed_in: SignIn, custody: Custody) -> None:
    for number in range(51):
        await hold(custody, replace(SPAM, subject=f"Your parcel number {number}"), now=time.time())
    answer = await (await signed_in("administrator")).get("/quarantine")
    assert answer.text.count('class="row"') == 50
    assert 'rel="next"' in answer.text
    assert len(answer.content) < 75_000


async def test_release_and_delete_by_forms_alone(signed_in: SignIn, custody: Custody) -> None:
    (spam,) = await hold(custody, SPAM, now=time.time())
    (phishing,) = await hold(custody, PHISHING, now=time.time())
    operator = await signed_in("operator")
    answer = await operator.submit("/quarantine/act", id=text_of(spam.id), act="release", next=text_of(phishing.id))
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/quarantine#row-{text_of(phishing.id)}"
    assert "Released." in (await operator.get("/quarantine")).text
    assert "Released." not in (await operator.get("/quarantine")).text
    asked = await operator.submit("/quarantine/act", id=text_of(phishing.id), act="delete")
    assert asked.status_code == 200
    assert "Delete this message?" in asked.text
    parser = _Strict()
    parser.feed(asked.text)
    assert ("id", text_of(phishing.id)) in parser.fields
    still = await custody.held_item(phishing.id)
    assert still is not None
    assert still.state is State.HELD
    await operator.submit("/quarantine/act", id=text_of(phishing.id), act="delete-now", reason="a fraud")
    gone = await custody.held_item(phishing.id)
    assert gone is not None
    assert gone.state is State.DROPPED
    page = await operator.get(f"/quarantine/{text_of(phishing.id)}")
    assert "Deleted by operator" in page.text
    assert "a fraud" in page.text
    assert 'value="release"' not in page.text


async def test_what_people_say_of_held_mail_is_taught_and_counted(
    signed_in: SignIn, custody: Custody, ports: OfficePorts
) -> None:
    (first,) = await hold(custody, SPAM, now=time.time())
    (second,) = await hold(custody, SPAM, now=time.time())
    operator = await signed_in("operator")
    await operator.submit("/quarantine/act", id=text_of(first.id), act="report-now")
    assert "Deleted, and reported as spam." in (await operator.get("/quarantine")).text
    await operator.submit("/quarantine/act", id=text_of(second.id), act="release")
    told = ports.classifier().drift
    assert told.lessons == {"ham": 1, "spam": 1, "phishing": 0}
    overview = " ".join((await operator.get("/")).text.split())
    assert "1 taken for good, 0 for unwanted" in overview


async def test_several_at_once_are_summed_up(signed_in: SignIn, custody: Custody) -> None:
    names = await _items(custody)
    operator = await signed_in("operator")
    await operator.submit("/quarantine/act", id=names, act="release")
    assert "Released 6 of 7. 1: Only an administrator releases malware." in (await operator.get("/quarantine")).text


async def test_what_a_form_names_wrongly_does_nothing(signed_in: SignIn, custody: Custody) -> None:
    (item,) = await hold(custody, SPAM, now=time.time())
    operator = await signed_in("operator")
    for act in ("", "Release", "drop", "delete-now "):
        assert (await operator.submit("/quarantine/act", id=text_of(item.id), act=act)).status_code == 422
    seen = await custody.held_item(item.id)
    assert seen is not None
    assert seen.state is State.HELD
    nothing = await operator.submit("/quarantine/act", act="release")
    assert nothing.status_code == 303
    assert "Nothing was selected." in (await operator.get("/quarantine")).text


async def test_a_refused_release_brings_one_back_to_the_item(signed_in: SignIn, custody: Custody, world: World) -> None:
    (item,) = await hold(custody, SPAM, now=time.time())
    world.scan = Known(MalwareFact(MalwareResult.FOUND, "Eicar-Test-Signature"))
    operator = await signed_in("operator")
    answer = await operator.submit("/quarantine/act", **{"id": text_of(item.id), "act": "release", "from": "item"})
    assert answer.headers["location"] == f"/quarantine/{text_of(item.id)}"
    assert "found Eicar-Test-Signature: it stays held" in (await operator.get(answer.headers["location"])).text


async def test_what_one_may_not_do_is_not_offered(signed_in: SignIn, custody: Custody) -> None:
    items = await hold(custody, MALWARE, now=time.time())
    path = f"/quarantine/{next(text_of(each.id) for each in items if each.recipient.startswith('bob'))}"
    admin, operator, auditor, bob = [
        (await (await signed_in(name)).get(path)).text
        for name in ("administrator", "operator", "auditor", "bob@example.org")
    ]
    assert 'value="release"' in admin
    for page in (operator, bob):
        assert 'value="release"' not in page
        assert 'value="delete"' in page
        assert "Only an administrator releases malware." in page
    assert 'name="act"' not in auditor
    assert "Auditors look and do not act." in auditor


async def test_a_readers_start_is_their_mail_without_scores(signed_in: SignIn, custody: Custody) -> None:
    await _items(custody)
    bob = await signed_in("bob@example.org")
    assert (await bob.get("/")).headers["location"] == "/quarantine"
    page = (await bob.get("/quarantine")).text
    assert "Your held mail" in page
    assert "14.2" not in page
    assert "alice@example.org" not in page


async def test_a_ticket_opens_the_design_once(signed_in: SignIn, custody: Custody) -> None:
    (item,) = await hold(custody, PHISHING, now=time.time())
    operator = await signed_in("operator")
    page = (await operator.get(f"/quarantine/{text_of(item.id)}?view=design")).text
    match = re.search(r'src="([^"]+render[^"]+)"', page)
    assert match is not None
    assert 'sandbox=""' in page
    first, second = await operator.get(match[1]), await operator.get(match[1])
    assert (first.status_code, second.status_code) == (200, 404)
    assert "please process the attached order" in first.text
    assert "evil.example/pay" not in first.text.replace("evil[.]example", "")


async def test_a_ticket_is_good_for_its_own_session_only(signed_in: SignIn, custody: Custody) -> None:
    (item,) = await hold(custody, PHISHING, now=time.time())
    operator, auditor = await signed_in("operator"), await signed_in("auditor")
    page = (await operator.get(f"/quarantine/{text_of(item.id)}?view=design")).text
    match = re.search(r'src="([^"]+render[^"]+)"', page)
    assert match is not None
    assert (await auditor.get(match[1])).status_code == 404


async def test_theme_and_zone_are_in_the_first_byte(signed_in: SignIn, custody: Custody) -> None:
    await hold(custody, PHISHING, now=time.time())
    operator = await signed_in("operator")
    answer = await operator.submit("/theme", theme="dark", back="/quarantine?q=x")
    assert answer.headers["location"] == "/quarantine?q=x"
    operator.client.cookies.set("zone", "Asia/Kolkata")
    page = (await operator.get("/quarantine")).text
    assert '<html lang="en" data-theme="dark">' in page
    assert " IST" in page
    operator.client.cookies.set("zone", "../../etc/passwd")
    assert "Times are UTC" in (await operator.get("/quarantine")).text


async def test_what_breaks_is_a_page_with_a_reference_and_no_words_of_the_error(
    signed_in: SignIn, custody: Custody, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = await signed_in("operator")

    async def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("secret of the ledger")

    monkeypatch.setattr(custody, "held", breaks)
    page, api = await operator.get("/quarantine"), await operator.get("/api/v1/quarantine")
    assert page.status_code == api.status_code == 500
    assert "Something broke on our side" in page.text
    assert "secret" not in page.text + api.text
    assert re.search(r"under [0-9a-f]{8}\.", page.text)


async def test_empty_states_say_what_to_do_next(signed_in: SignIn, visit: Callable[[], Caller]) -> None:
    operator = await signed_in("operator")
    assert "swaks --to alice@example.org --server 127.0.0.1:2525" in (await operator.get("/")).text
    assert "Nothing is held." in (await operator.get("/quarantine")).text
    searched = (await operator.client.get("/quarantine", params={"q": "<nothing> clas:x"})).text
    assert "No held mail matches." in searched
    assert "&lt;nothing&gt;" in searched
    assert "Did you mean class:?" in searched


async def test_the_original_of_mail_that_lost_a_part_says_why_it_is_held(signed_in: SignIn, custody: Custody) -> None:
    (item,) = await hold(custody, STRIPPED, now=time.time())
    admin = await signed_in("administrator")
    assert "Stripped" in (await admin.get("/quarantine")).text
    page = (await admin.get(f"/quarantine/{text_of(item.id)}?view=story")).text
    assert "Taken out: game.exe" in page
    assert "parts path 2, name game.exe, size 77; delivered size 900; other " in page
