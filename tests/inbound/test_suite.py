"""The cases of tests/suites/smtp, against a real front door."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.inbound.house import House, open_house
from tests.inbound.talk import Talk

CASES = json.loads((Path(__file__).resolve().parent.parent / "suites" / "smtp" / "cases.json").read_text())
SILENCE = 0.25

OF_OTHERS = {"bdat-not-offered": "CHUNKING is offered"}
MISCOUNTED = {"bdat-ok": ("BDAT 30", "BDAT 29")}
"""Cases that announce one octet more than they send: whoever counts would wait for it for ever."""


class Closed(Exception):
    """The server has hung up."""


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
async def test_case(case: dict[str, Any], tls: ssl.SSLContext) -> None:
    if case["id"] in OF_OTHERS:
        pytest.skip(OF_OTHERS[case["id"]])
    async with open_house(limits={"message_size": 1024 * 1024}, tls=tls) as house:
        talk = await Talk.to(house.port)
        try:
            await dialogue(case, talk)
        finally:
            await talk.close()
        check_effect(case.get("effect") or {}, house)


async def dialogue(case: dict[str, Any], talk: Talk) -> None:
    for number, step in enumerate(case["steps"]):
        try:
            if "tx" in step:
                text = step["tx"].replace(*MISCOUNTED.get(case["id"], ("", "")))
                octets = text.encode("latin-1") * step.get("times", 1)
                size = step.get("chunk", len(octets) or 1)
                for start in range(0, len(octets), size):
                    await talk.send(octets[start : start + size])
            elif "rx" in step:
                said = "\n".join(await read_reply(talk))
                assert re.search(step["rx"], said, re.S), f"step {number}: {said!r}"
            elif "rxall" in step:
                codes = ",".join(await read_all(talk))
                assert re.fullmatch(step["rxall"], codes), f"step {number}: {codes}"
            elif "close" in step:
                return
        except (Closed, ConnectionError):
            assert step.get("or_close"), f"step {number}: closed"
            return


async def read_reply(talk: Talk) -> list[str]:
    lines = await talk.reply()
    if lines[-1] == "":
        raise Closed
    return lines


async def read_all(talk: Talk) -> list[str]:
    codes = []
    while True:
        try:
            async with asyncio.timeout(SILENCE):
                codes.append((await read_reply(talk))[-1][:3])
        except (TimeoutError, Closed):
            return codes


def check_effect(effect: dict[str, Any], house: House) -> None:
    taken = house.shelf.accepted
    assert len(taken) in effect.get("delivered", range(1000))
    for acceptance, octets in taken:
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", octets)
        for wanted in effect.get("has", []):
            assert wanted.encode("latin-1") in octets
        for unwanted in effect.get("hasnot", []):
            assert unwanted.encode("latin-1") not in octets
        if "rcpts" in effect:
            assert len(acceptance.recipients) in effect["rcpts"]
        if effect.get("mail") == "SMTPUTF8":
            assert acceptance.envelope.smtputf8
        if "notmail" in effect:
            assert not re.search(effect["notmail"], str(acceptance.envelope.reverse_path))
