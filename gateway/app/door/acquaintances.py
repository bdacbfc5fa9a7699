"""Since when we know whom mail is from: remembered in the counters when mail is delivered, asked when mail comes.

Only mail that is delivered makes anybody known: who is refused or held may come as often as he likes. People are
remembered as digests, like `correspondents.py` does it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from gateway.app.door.correspondents import Correspondents, pair_of
from gateway.counters.counters import Counters
from gateway.counters.records import Met
from gateway.facts.acquaintance import AcquaintanceFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Outcome, Unknown, known_or_none
from gateway.policy.verdict import Disposition, Settlement

DAY: Final = 86400.0

REMINDED: Final = DAY / 4
"""Seconds after which it is written down again that somebody is still there."""

MAX_REMINDED: Final = 20_000


class Acquaintances:
    """The `Acquaintances` that the scanner is given; one for each process."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._correspondents = Correspondents(counters)
        self._reminded: OrderedDict[Met, float] = OrderedDict()

    async def look_up(
        self, domains: tuple[str, ...], *, author: str, recipients: tuple[str, ...]
    ) -> Outcome[AcquaintanceFact]:
        """What is remembered of the domains and of the author. Unknown where the counters do not answer."""
        pairs = {name: Met("pair", pair_of(name, author)) for name in map(str.lower, recipients)}
        outcome = await self._counters.first_met([*map(_domain, domains), *pairs.values()])
        if not isinstance(outcome, Known):
            return Unknown(getattr(outcome, "why", ""))
        memory, now = outcome.value, self._counters.now()
        strangers = [name for name, pair in pairs.items() if pair not in memory.first]
        known = await self._correspondents.who_wrote_to((author,), ours=strangers) if strangers else frozenset()
        return Known(
            AcquaintanceFact(
                domains=tuple((each, _days(now - memory.first.get(_domain(each), now))) for each in domains),
                strangers=tuple(name for name in strangers if name not in known),
                remembered=_days(now - memory.begun),
            )
        )

    async def met(self, evidence: Evidence, settlement: Settlement) -> None:
        """This message came, and that became of it."""
        fact = known_or_none(evidence.acquaintance)
        delivered = [name for name, verdict in settlement.verdicts if verdict.disposition is Disposition.DELIVER]
        taken = settlement.disposition not in (Disposition.DEFER, Disposition.REJECT)
        if fact is None or not delivered or not taken:
            return
        author = evidence.message.authors[0].address if evidence.message.authors else evidence.reverse_path
        every = [_domain(domain) for domain, _ in fact.domains]
        every += [Met("pair", pair_of(each, author)) for each in delivered]
        now = self._counters.now()
        due = [each for each in every if abs(now - self._reminded.get(each, -REMINDED)) >= REMINDED]
        if due:
            await self._counters.meet_again(due)
            self._reminded.update(dict.fromkeys(due, now))
            while len(self._reminded) > MAX_REMINDED:
                self._reminded.popitem(last=False)


def _domain(name: str) -> Met:
    return Met("domain", name)


def _days(seconds: float) -> float:
    return max(seconds, 0.0) / DAY
