"""Every rate that a policy can name holds at a real door, and the N+1st is asked to come again (or is hung up on)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from gateway.counters import keeper
from gateway.counters.records import Take
from gateway.mail import replies
from gateway.policy.language import schema
from gateway.policy.language.parse import read
from tests.inbound.house import PATIENCE, REJECT, House, open_house
from tests.inbound.talk import Talk

GREET, MAIL = "EHLO c.example", "MAIL FROM:<ann@a.example>"
TWO_MESSAGES = [GREET, MAIL, "RSET", MAIL, "RSET"]
TWO_RECIPIENTS = [GREET, MAIL, "RCPT TO:<u@example.net>", "RCPT TO:<v@example.net>"]
THREE_ERRORS = [GREET, "NONSENSE", "NONSENSE", "NONSENSE"]  # the third is one too many, and the next connection
TWO_UNKNOWN = [GREET, MAIL, "RCPT TO:<x1@example.net>", "RCPT TO:<x2@example.net>"]

# What is limited to two; what is said twice; what the third time is answered, at once or to a new connection.
CASES = [
    (whose, doing, done, once_more, answer)
    for doing, done, once_more, answer in (
        ("connections", None, [], "421 4.7.1"),
        ("messages", TWO_MESSAGES, [MAIL], "451 4.7.1"),
        ("recipients", TWO_RECIPIENTS, ["RCPT TO:<w@example.net>"], "451 4.7.1"),
        ("errors", THREE_ERRORS, [], "421 4.7.0"),
        ("unknown_recipients", TWO_UNKNOWN, ["RCPT TO:<x3@example.net>"], "550 5.7.1"),
    )
    for whose in ("client", "network")
]
CASES += [
    ("sender_domain", "messages", TWO_MESSAGES, ["MAIL FROM:<bob@a.example>"], "451 4.7.1"),
    ("sender_domain", "recipients", TWO_RECIPIENTS, ["RCPT TO:<w@example.net>"], "451 4.7.1"),
    ("sender_domain", "unknown_recipients", TWO_UNKNOWN, ["RCPT TO:<x3@example.net>"], "550 5.7.1"),
    ("sender_domain", "errors", [GREET, MAIL, "RCPT TO:<elsewhere@example.com>", "NONSENSE", "DATA", "RSET"],
     ["MAIL FROM:<bob@a.example>"], "451 4.7.1"),
    ("recipient", "messages", [GREET, MAIL, "RCPT TO:<u@example.net>", "RSET", "MAIL FROM:<>",
                               "RCPT TO:<U@example.net>", "RSET", MAIL], ["RCPT TO:<u@example.net>"], "451 4.7.1"),
]  # fmt: skip


async def session(house: House, *commands: str, ip: str = "127.0.0.2") -> list[str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port, local_addr=(ip, 0))
    talk = Talk(reader, writer)
    said = [(await talk.line())[:9]]
    for command in commands:
        said.append((await talk.ask(command))[:9])
    await talk.close()
    return said


@pytest.mark.parametrize(
    ("whose", "doing", "done", "once_more", "answer"), CASES, ids=[f"{each[0]}-{each[1]}" for each in CASES]
)
async def test_the_third_is_too_many_and_survives_a_restart(
    whose: str, doing: str, done: list[str] | None, once_more: list[str], answer: str, tmp_path: Path
) -> None:
    text = f"""
version: 1
groups:
  - {{id: all, limits: {{{whose}: {{{doing}: 2/30min}}}}}}
recipients:
  - {{domain: example.net, route: mx}}
"""
    policy = read({"default.yaml": text})
    neighbour = "127.0.0.3" if whose == "network" else "127.0.0.2"
    async with open_house(policy=policy, folder=tmp_path) as house:  # type: ignore[arg-type]
        if done is None:
            assert [(await session(house))[0] for _ in range(2)] == ["220 mx.ex"] * 2
        else:
            said = await session(house, *done)
            assert not {each for each in said if each[:1] == "4"}, said
    async with open_house(policy=policy, folder=tmp_path) as house:  # type: ignore[arg-type]
        if not once_more:
            said = await session(house, ip=neighbour)
        else:
            begun = [GREET] if once_more[0].startswith("MAIL") else [GREET, MAIL]
            said = await session(house, *begun, *once_more, ip=neighbour)
        assert said[-1] == answer
        stranger = await session(house, GREET, "MAIL FROM:<eve@b.example>", "RCPT TO:<w@example.net>", ip="127.0.9.9")
        assert {each[:1] for each in stranger} == {"2"}, "nobody else is concerned"
    (refusal,) = house.shelf.refusals
    assert refusal.rule == "all"
    assert refusal.reason == f"more than 2/30min {doing.replace('_', ' ')} ({whose.replace('_', ' ')})"


async def eventually(work: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await work():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(("limit", "most"), [("connections", 4), ("network_connections", 2)])
async def test_connections_at_a_time_of_two_clients_of_one_network_at_two_processes(
    limit: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "ROUND", 0.02)
    policy = read({"default.yaml": f"version: 1\ngroups:\n  - {{id: all, limits: {{{limit}: 2}}}}\n"})
    door = partial(open_house, policy=policy, folder=tmp_path, processes=2)

    async def connect(port: int, ip: str) -> tuple[str, Talk]:
        talk = Talk(*await asyncio.open_connection("127.0.0.1", port, local_addr=(ip, 0)))
        return await talk.line(), talk

    async with door() as one, door() as other:
        talks = []
        for port, ip in ((one.port, "127.0.0.2"), (other.port, "127.0.0.3"), (one.port, "127.0.0.3"),
                         (other.port, "127.0.0.2")):  # fmt: skip
            said, talk = await connect(port, ip)
            talks.append((said[:9], talk))
            for house in (one, other):
                await house.counters.waiting()  # before it answers, a process writes down whom it has
        assert [said for said, _ in talks] == ["220 mx.ex"] * most + ["421 4.7.0"] * (4 - most)
        stranger, talk = await connect(one.port, "127.0.9.9")
        assert stranger[:9] == "220 mx.ex"
        for _, each in (*talks, ("", talk)):
            await each.close()

        async def is_let_in() -> bool:
            said, talk = await connect(other.port, "127.0.0.4")
            await talk.close()
            return said.startswith("220 ")

        await eventually(is_let_in)


def test_every_rate_of_the_schema_has_its_case() -> None:
    models = {
        "client": schema.ClientRates,
        "network": schema.ClientRates,
        "sender_domain": schema.SenderRates,
        "recipient": schema.RecipientRates,
    }
    written = {(whose, doing) for whose, model in models.items() for doing in model.model_fields}
    assert written == {(whose, doing) for whose, doing, *_ in CASES}


async def test_errors_of_a_sender_domain_are_those_of_its_transactions_to_the_end_of_data() -> None:
    text = "version: 1\ngroups: [{id: all, limits: {sender_domain: {errors: 1/30min}}}]\n"
    policy = read({"default.yaml": text + "recipients: [{domain: example.net, route: mx}]\n"})
    async with open_house(policy=policy) as house:  # type: ignore[arg-type]
        house.bench.verdicts = {"u@example.net": REJECT}

        async def errors() -> float:
            take = Take("errors sender_domain 1800 a.example", 1800.0)
            return (await house.counters.peek([take])).levels[0]

        talk = Talk(*await asyncio.open_connection("127.0.0.1", house.port))
        await talk.line()
        for command in (GREET, "NONSENSE", MAIL, "RCPT TO:<u@example.net>", "DATA"):
            await talk.ask(command)
        assert (await talk.ask("Subject: spam\r\n\r\n\r\n.")).startswith("550 ")
        assert (await talk.ask("NONSENSE")).startswith("500 ")
        await eventually(_reaches(errors, 1.0))
        for command in (MAIL, "NONSENSE"):
            await talk.ask(command)
        await eventually(_reaches(errors, 2.0))
        await talk.ask("RSET")
        assert await talk.ask(MAIL) == str(replies.ERRING_TOO_OFTEN)
        assert (await talk.ask("MAIL FROM:<>")).startswith("250 ")
        await talk.close()


def _reaches(level: Callable[[], Awaitable[float]], wanted: float) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return await level() == wanted

    return reached
