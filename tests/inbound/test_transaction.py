from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from gateway.mail import replies
from gateway.mail.message import MAX_HEADER
from gateway.queue.states import State
from tests.inbound.house import DEFER, DELIVER, HOLD, NOW, REJECT, Inquiry, open_house
from tests.inbound.talk import MESSAGE, Talk


async def send(talk: Talk, octets: bytes = MESSAGE) -> str:
    await talk.send(octets + b".\r\n")
    return await talk.line()


async def test_a_refused_message_is_not_kept_and_the_record_says_why() -> None:
    async with open_house() as house:
        house.bench.verdicts = {"u@example.net": REJECT, "v@example.net": REJECT}
        talk = await Talk.to(house.port)
        await talk.begin("u@example.net", "v@example.net")
        assert await send(talk) == "550 5.7.1 Refused, this looks like unwanted mail (ref 0000000000001)"
        await talk.close()
    assert (house.shelf.accepted, house.shelf.open_sinks) == ([], [])
    first, second = house.shelf.refusals
    assert (first.stage, first.recipient, first.rule, first.reason) == (
        "data",
        "u@example.net",
        "spam-reject",
        "score 12",
    )
    assert (first.reference, first.at, first.client_ip, first.helo) == (
        "0000000000001",
        NOW,
        "127.0.0.1",
        "client.example",
    )
    assert second.recipient == "v@example.net"
    assert first.evidence
    assert not second.evidence, "once for each reference"


async def test_one_doubt_defers_all() -> None:
    async with open_house() as house:
        house.bench.verdicts = {"u@example.net": DELIVER, "v@example.net": DEFER}
        talk = await Talk.to(house.port)
        await talk.begin("u@example.net", "v@example.net")
        assert (await send(talk)).startswith("451 4.7.1 ")
        await talk.close()
    assert house.shelf.accepted == []
    assert {each.rule for each in house.shelf.refusals} == {"doubt"}


async def test_a_mixed_settlement_is_accepted_and_the_rejected_copy_held() -> None:
    async with open_house() as house:
        house.bench.verdicts = {"u@example.net": DELIVER, "v@example.net": HOLD, "w@example.net": REJECT}
        talk = await Talk.to(house.port)
        await talk.begin("u@example.net", "v@example.net", "w@example.net")
        assert (await send(talk)).startswith("250 2.0.0 Accepted as ")
        await talk.close()
    (acceptance, octets), *_ = house.shelf.accepted
    assert octets == MESSAGE
    assert [(each.state, each.quarantine, each.expires_at) for each in acceptance.recipients] == [
        (State.QUEUED, "", None),
        (State.HELD, "spam", NOW + 100.0),
        (State.HELD, "spam", NOW + 100.0),
    ]
    assert house.shelf.refusals == []


@pytest.mark.parametrize("error", [ValueError("secret"), ConnectionResetError("secret"), TimeoutError("secret")])
async def test_a_judge_that_fails_is_a_local_error(error: Exception) -> None:
    async with open_house() as house:
        house.bench.error = error
        talk = await Talk.to(house.port)
        await talk.begin()
        with capture_logs() as logs:
            assert await send(talk) == str(replies.LOCAL_ERROR.about("0000000000001"))
        assert [each["reference"] for each in logs] == ["0000000000001"]
        assert (await talk.ask("NOOP")).startswith("250 ")
        await talk.close()
    assert (house.shelf.accepted, house.shelf.open_sinks) == ([], [])
    assert [each.reason for each in house.shelf.refusals] == [f"local error: {type(error).__name__}"]


async def test_a_judge_that_never_answers() -> None:
    async with open_house(scan_patience=0.05) as house:
        house.bench.gate = asyncio.Event()
        talk = await Talk.to(house.port)
        await talk.begin()
        with capture_logs():
            assert (await send(talk)).startswith("451 4.3.0 ")
        await talk.close()


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (OSError(28, "full"), replies.NO_SPACE),
        (OSError(5, "io"), replies.LOCAL_ERROR),
        (ValueError("bad"), replies.LOCAL_ERROR),
    ],
)
async def test_without_custody_there_is_no_250(error: Exception, reply: replies.Reply) -> None:
    async with open_house() as house:
        house.shelf.accept_error = error
        talk = await Talk.to(house.port)
        await talk.begin()
        with capture_logs() as logs:
            assert (await send(talk)).startswith(str(reply))
        assert len(logs) == 1
        await talk.close()


async def test_a_record_that_cannot_be_made_changes_no_answer() -> None:
    async with open_house() as house:

        async def broken(_: object) -> None:
            raise RuntimeError("no ledger")

        house.shelf.record_refusal = broken  # type: ignore[method-assign]
        talk = await Talk.to(house.port)
        await talk.say_hello()
        await talk.ask("MAIL FROM:<>")
        with capture_logs() as logs:
            assert await talk.ask("RCPT TO:<x@foreign.example>") == str(replies.NO_RELAY)
        assert [each["event"] for each in logs] == ["cannot record a refusal"]
        await talk.close()


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"Received: x\r\n" * 51 + b"\r\n", replies.TOO_MANY_HOPS),
        (b"Received: x\r\n" * 50 + b"\r\n", None),
        (b"X-Long: " + b"x" * MAX_HEADER + b"\r\n\r\n", replies.HEADER_TOO_LARGE),
        (b"no header at all\r\n", None),
        (b"", None),
    ],
)
async def test_limits_of_the_header(octets: bytes, reply: replies.Reply | None) -> None:
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await talk.begin()
        said = await send(talk, octets)
        assert said.startswith("250 " if reply is None else str(reply))
        await talk.close()


async def test_the_judge_sees_what_came() -> None:
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await talk.begin()
        await send(talk)
        await talk.close()
        ((message, envelope, client),) = house.bench.seen
    assert message.octets == MESSAGE
    assert [str(each.address) for each in envelope.recipients] == ["u@example.net"]
    assert (client.ip, client.helo, client.esmtp, client.tls) == ("127.0.0.1", "client.example", True, "")


async def test_the_look_ups_of_the_checks_begin_at_mail() -> None:
    inquiry = Inquiry()
    async with open_house(inquiry=inquiry) as house:
        talk = await Talk.to(house.port)
        await talk.begin("u@example.net")
        ((ip, sender),) = inquiry.expected
        assert ip == "127.0.0.1"
        assert sender is not None
        await talk.close()
