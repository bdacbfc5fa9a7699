"""What received reports say together: who sends in our name, how much of it passes DMARC, day by day. Pure.

A source none of whose mail passed is a stranger: a forger, a forwarder, or a service of ours that nobody told about
DMARC. Which of them, people have to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from gateway.reports.received import ReceivedReport, ReceivedRow

DAY: Final = 86400

MAX_SOURCES: Final = 200
"""Sources that are told; the ones with most mail. Reporters choose how many there are."""


@dataclass(frozen=True, slots=True)
class Source:
    """One host, by its address, in all reports. `authors` are the domains it wrote as, `reporters` those who saw it."""

    ip: str
    messages: int
    passed: int
    authors: tuple[str, ...]
    reporters: tuple[str, ...]

    @property
    def is_stranger(self) -> bool:
        """None of its mail passed."""
        return self.passed == 0


@dataclass(frozen=True, slots=True)
class Day:
    """The mail of one day (UTC) by the reports that begin on it. `at` is its beginning."""

    at: int
    passed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Summary:
    """All of it. `sources` and `strangers` have the most mail first; `left_out` counts further sources."""

    messages: int
    passed: int
    reporters: tuple[str, ...]
    days: tuple[Day, ...]
    sources: tuple[Source, ...]
    strangers: tuple[Source, ...]
    left_out: int


@dataclass(slots=True)
class _Seen:
    messages: int = 0
    passed: int = 0
    authors: set[str] = field(default_factory=set)
    reporters: set[str] = field(default_factory=set)


def summary_of(reports: Iterable[ReceivedReport]) -> Summary:
    """Put reports together. Each message counts as often as it is reported, which is once by each receiver."""
    seen: defaultdict[str, _Seen] = defaultdict(_Seen)
    days: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    reporters: set[str] = set()
    for report in reports:
        reporters.add(report.organization)
        for row in report.rows:
            passed = row.count if _passed(row) else 0
            one = seen[row.source_ip]
            one.messages += row.count
            one.passed += passed
            one.authors.add(row.header_from)
            one.reporters.add(report.organization)
            day = days[report.begin - report.begin % DAY]
            day[0] += passed
            day[1] += row.count - passed
    ordered = sorted(seen.items(), key=lambda each: (-each[1].messages, each[0]))
    told = [_source(ip, one) for ip, one in ordered[:MAX_SOURCES]]
    return Summary(
        messages=sum(one.messages for one in seen.values()),
        passed=sum(one.passed for one in seen.values()),
        reporters=tuple(sorted(reporters)),
        days=tuple(Day(at, *numbers) for at, numbers in sorted(days.items())),
        sources=tuple(each for each in told if not each.is_stranger),
        strangers=tuple(each for each in told if each.is_stranger),
        left_out=len(seen) - len(told),
    )


def _passed(row: ReceivedRow) -> bool:
    return "pass" in (row.dkim, row.spf)


def _source(ip: str, one: _Seen) -> Source:
    return Source(ip, one.messages, one.passed, tuple(sorted(one.authors)), tuple(sorted(one.reporters)))
