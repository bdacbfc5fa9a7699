"""What DKIM may cost, whatever a message is made of. CPU of this process is measured, never the clock on the wall."""

from __future__ import annotations

import time

import pytest

from gateway.checks.authentication.dkim import MAX_SIGNATURES, check_dkim
from gateway.facts.auth import Auth
from gateway.facts.outcome import Known
from gateway.mail.message import Message
from tests.checks.authentication.test_dkim import NOW, result, zone
from tests.checks.dkim_signer import MESSAGE, sign

MEGABYTES = 3
PATHOLOGICAL = {
    "blanks": b" ",
    "tabs": b"\t ",
    "empty lines": b"\r\n",
    "blank lines": b" \r\n",
    "tabs at ends": b"x\t\t\t\r\n",
    "blanks between": b"x  ",
    "short lines": b"\r\n x",
    "long runs": b"".join(b" " * 2**power + b"x" for power in range(16)),
    "octets": bytes(range(1, 10)) + b"\x0b\x0c" + bytes(range(14, 256)),
}


@pytest.mark.parametrize("form", ["relaxed/relaxed", "simple/simple"])
@pytest.mark.parametrize("pattern", PATHOLOGICAL)
async def test_no_body_and_no_number_of_signatures_costs_much(pattern: str, form: str) -> None:
    """Eight signatures with eight l=, over a body that is all work: less than 50 ms of CPU a megabyte."""
    unit = PATHOLOGICAL[pattern]
    body = unit * (MEGABYTES * 1_000_000 // len(unit)) + b"x\r\n"
    fields = [sign(c=form, l=str(n), bh="AAAA").partition(b"\r\n")[0] + b"\r\n" for n in range(MAX_SIGNATURES + 4)]
    message = Message.from_wire(b"".join(fields) + MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body)
    started = time.process_time()
    outcome = await check_dkim(zone(), message, now=NOW)
    spent = time.process_time() - started
    assert isinstance(outcome, Known)
    assert len(outcome.value.signatures) == MAX_SIGNATURES
    assert {each.result for each in outcome.value.signatures} <= {Auth.FAIL, Auth.PERMERROR}
    assert spent < MEGABYTES * 0.05


async def test_no_header_and_no_number_of_signatures_costs_much() -> None:
    folded = b"Subject: a" + b"\r\n \t" * 55_000 + b"b\r\n"
    field = sign(h="from:subject:to:date").partition(b"\r\n")[0] + b"\r\n"
    message = Message.from_wire(field * 8 + folded + MESSAGE.replace(b"Subject", b"X-Subject"))
    assert len(message.fields) == 8 + 5
    started = time.process_time()
    outcome = await check_dkim(zone(), message, now=NOW)
    assert time.process_time() - started < 0.05
    assert isinstance(outcome, Known)
    assert {each.result for each in outcome.value.signatures} == {Auth.FAIL}


async def test_blanks_take_linear_time() -> None:
    # dkimpy takes minutes over this body.
    octets = sign(MESSAGE).partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + b" " * 4_000_000 + b"x\r\n"
    started = time.process_time()
    assert (await result(octets))[0] == "fail"
    assert time.process_time() - started < 5
