"""The table of roles and dangers, read out in full."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from gateway.quarantine.rights import Act, Actor, Danger, danger_of, refusal
from gateway.queue.custody import Custody
from tests.console.seed import BULK, MALWARE, PHISHING, POLICY, SPAM, UNSCANNABLE, Letter, hold
from tests.quarantine.conftest import ADMIN, ALICE, AUDITOR, BOB, OPERATOR

DANGERS = {
    "spam": (SPAM, Danger.UNWANTED),
    "bulk in the spam quarantine": (BULK, Danger.UNWANTED),
    "phishing": (PHISHING, Danger.DECEPTIVE),
    "policy": (POLICY, Danger.DECEPTIVE),
    "unscannable": (UNSCANNABLE, Danger.DECEPTIVE),
    "malware": (MALWARE, Danger.MALWARE),
    "spam held under malware": (replace(SPAM, quarantine="malware"), Danger.MALWARE),
    "malware held under spam": (replace(MALWARE, quarantine="spam"), Danger.MALWARE),
    "phishing held under spam": (replace(PHISHING, quarantine="spam"), Danger.DECEPTIVE),
    "spam in a quarantine nobody knows": (replace(SPAM, quarantine="outbreak"), Danger.DECEPTIVE),
}
MAY_RELEASE = {
    Danger.UNWANTED: {"ana", "otto", "bob@example.org", "alice@example.org"},
    Danger.DECEPTIVE: {"ana", "otto"},
    Danger.MALWARE: {"ana"},
}


@pytest.mark.parametrize("name", DANGERS)
async def test_every_kind_of_mail_and_every_role(custody: Custody, name: str) -> None:
    letter, danger = DANGERS[name]
    (item, *_) = await hold(custody, letter, now=time.time())
    assert danger_of(item) is danger
    people: list[Actor] = [ADMIN, OPERATOR, AUDITOR, BOB, ALICE]
    assert {each.name for each in people if refusal(each, Act.RELEASE, item) is None} == MAY_RELEASE[danger]
    assert {each.name for each in people if refusal(each, Act.DELETE, item) is not None} == {"ada"}


async def test_a_refusal_says_who_may(custody: Custody) -> None:
    (item,) = await hold(custody, Letter(), now=time.time())
    assert "operator" in (refusal(BOB, Act.RELEASE, item) or "")
    (item, *_) = await hold(custody, MALWARE, now=time.time())
    assert "administrator" in (refusal(OPERATOR, Act.RELEASE, item) or "")
