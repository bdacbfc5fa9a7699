"""gateway/pipeline/second_look.py: who is asked about what, and what is said where something cannot be told."""

from __future__ import annotations

from gateway.checks.anatomist.wire import Examination
from gateway.checks.leaves import Leaf, Wanted
from gateway.facts.content import ContentFact, EngineFact, Findings, MalwareFact, MalwareResult, YaraFact
from gateway.facts.outcome import Known, Outcome, Skipped, Unknown
from gateway.mail.message import Message, Octets
from gateway.pipeline.second_look import SecondLook
from gateway.policy.policy import Scanning, Sending

LETTER = b"From: ann@friend.example\r\n\r\nSee the attachment.\r\n"
LEAF = b"what was packed"
MATCHES = Known(YaraFact(("dropper",), "0123"))
CLEAN = Known(MalwareFact(MalwareResult.CLEAN, engine="test"))


class Anatomist:
    """Finds one leaf in every message; or dies of it."""

    def __init__(self, *, dies: bool = False) -> None:
        self.dies = dies
        self.wanted: list[Wanted] = []

    async def examine(self, message: Message, wanted: Wanted = Wanted.NONE) -> Examination:
        self.wanted.append(wanted)
        if self.dies:
            doubt = Unknown("anatomist worker died")
            return Examination(doubt, doubt, doubt, cost_worker=True)
        leaves = () if wanted is Wanted.NONE else (Leaf("1", LEAF),)
        return Examination(Known(ContentFact()), Unknown("no model"), MATCHES, leaves=leaves)


class Engine:
    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def scan(self, octets: Octets) -> Outcome[MalwareFact]:
        self.sent.append(bytes(octets))
        return CLEAN

    def standing(self) -> Outcome[EngineFact]:
        return Known(EngineFact("test"))


class Losses:
    def __init__(self) -> None:
        self.number = 0

    async def known(self, octets: Octets) -> int:
        return self.number

    async def add(self, octets: Octets) -> int:
        self.number += 1
        return self.number


def placed(part: str) -> Outcome[MalwareFact]:
    return Known(MalwareFact(MalwareResult.CLEAN, engine="test", part=part))


async def test_the_leaves_that_the_policy_says_go_to_the_engine_and_our_own_rules_are_heard() -> None:
    anatomist, engine = Anatomist(), Engine()
    look = SecondLook(anatomist, engine, lambda: Scanning(send=Sending.LEAVES))
    assert await look(LETTER) == Findings(placed("1"), MATCHES)
    assert (anatomist.wanted, engine.sent) == ([Wanted.ALL], [LEAF])
    look = SecondLook(anatomist, engine, lambda: Scanning(send=Sending.MESSAGE))
    assert await look(LETTER) == Findings(placed(""), MATCHES)
    assert engine.sent == [LEAF, LETTER]


async def test_without_an_engine_our_own_rules_look_alone() -> None:
    anatomist = Anatomist()
    found = await SecondLook(anatomist, None, Scanning)(LETTER)
    assert found == Findings(Skipped("the malware engine is switched off"), MATCHES)
    assert anatomist.wanted == [Wanted.NONE]


async def test_what_kills_anatomists_is_shown_whole_to_the_engine_and_not_to_a_fourth_anatomist() -> None:
    anatomist, engine, losses = Anatomist(dies=True), Engine(), Losses()
    look = SecondLook(anatomist, engine, Scanning, losses)
    found = [await look(LETTER) for _ in range(4)]
    assert [each.yara for each in found[:3]] == [Unknown("anatomist worker died")] * 3
    assert found[3].yara == Unknown("not examined: it has killed 3 anatomists")
    assert (len(anatomist.wanted), engine.sent) == (3, [LETTER] * 4)


async def test_what_is_no_message_any_more_is_shown_whole_to_the_engine() -> None:
    engine = Engine()
    found = await SecondLook(Anatomist(), engine, Scanning)(b"X: y\r\n" * 1_000_000)
    assert found == Findings(placed(""), Unknown("it is no message: the header is too large"))
    assert len(engine.sent) == 1
