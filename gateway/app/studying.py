"""Lessons and the regression set taken apart, as what can be learnt: in jailed workers, for they are hostile octets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.checks.anatomist.pool import AnatomistPool
from gateway.facts.content import MailClass
from gateway.facts.outcome import Known
from gateway.spam.site.gate import Specimen
from gateway.spam.site.online import Example, example
from gateway.spam.site.teaching import OPERATOR, Accepted, Ledger, Taught
from gateway.spam.training.corpus import Labelled

AT_A_TIME: Final = 32
"""Messages that wait for the workers together."""


async def examples_of(pool: AnatomistPool, ledger: Ledger, found: Accepted) -> list[Example]:
    """What can be learnt, oldest first. A message that cannot be taken apart teaches nothing."""
    rows: list[tuple[Taught, bytes]] = []
    for each in found.newest:
        octets = ledger.octets(each)
        if octets is not None:
            rows.append((each, octets))
    studied = await _studied(pool, [(octets, each.label is not MailClass.HAM, each.by) for each, octets in rows])
    return [each for each in studied if each is not None]


async def specimens_of(pool: AnatomistPool, regression: Sequence[Labelled]) -> list[Specimen]:
    """Those of the set that can be taken apart."""
    rows = [(each.octets(), each.label is not MailClass.HAM, OPERATOR) for each in regression]
    studied = await _studied(pool, rows)
    return [
        Specimen(_name(row.file), row.label, each)
        for row, each in zip(regression, studied, strict=True)
        if each is not None
    ]


async def _studied(pool: AnatomistPool, rows: Sequence[tuple[bytes, bool, str]]) -> list[Example | None]:
    async def one(octets: bytes, unwanted: bool, by: str) -> Example | None:
        outcome = await pool.study(octets)
        if not isinstance(outcome, Known):
            return None
        try:
            return example(outcome.value.buckets, score=outcome.value.score, unwanted=unwanted, by=by)
        except ValueError:
            return None  # a worker that says what cannot be has been taken over: it teaches nothing

    found: list[Example | None] = []
    for start in range(0, len(rows), AT_A_TIME):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(*row)) for row in rows[start : start + AT_A_TIME]]
        found += [task.result() for task in tasks]
    return found


def _name(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"
