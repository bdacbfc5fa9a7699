"""What a sender asks about delivery status (RFC 3461) goes through the whole house: from the front door over the ledger
to the commands that the next hop hears; and where nobody else answers for it, the sender is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.delivery.routes import Routes
from gateway.queue.custody import Custody
from tests.delivery.deposits import delivering, until
from tests.delivery.sink import ALL, Sink, running
from tests.inbound.house import PlainPolicy, open_house
from tests.inbound.talk import MESSAGE, Talk


async def through(folder: Path, sink: Sink, *recipients: str, messages: int) -> None:
    """One message through front door, ledger and courier, until the next hop has got so many."""
    clock = SystemClock()
    custody = Custody.open(folder, clock=clock)
    try:
        async with open_house(shelf=custody, policy=PlainPolicy(routes={"example.net": sink.route})) as house:
            talk = await Talk.to(house.port)
            await talk.say_hello()
            assert (await talk.ask("MAIL FROM:<a@example.net> RET=HDRS ENVID=QQ+2B1")).startswith("250 ")
            for recipient in recipients:
                assert (await talk.ask(f"RCPT TO:{recipient}")).startswith("250 ")
            await talk.send(b"BDAT %d LAST\r\n%s" % (len(MESSAGE), MESSAGE))
            assert (await talk.line()).startswith("250 ")
            await talk.close()
        async with delivering(custody, clock, routes=Routes(domains={"example.net": sink.route})):
            await until(lambda: len(sink.taken) >= messages)
    finally:
        await custody.close()


async def test_everything_is_handed_on(tmp_path: Path) -> None:
    async with running(Sink(extensions=(*ALL, "DSN"))) as sink:
        asked = (
            "<u@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;old+2Bu@example.net",
            "<v@example.net> NOTIFY=NEVER",
        )
        await through(tmp_path, sink, *asked, messages=1)
    (taken,) = sink.taken
    assert taken.octets.endswith(MESSAGE)
    assert {"RET=HDRS", "ENVID=QQ+2B1"} <= set(taken.mail.split())
    assert [command.split()[2:] for command in taken.rcpt_commands] == [
        ["NOTIFY=DELAY,SUCCESS", "ORCPT=rfc822;old+2Bu@example.net"],
        ["NOTIFY=NEVER"],
    ]


@pytest.mark.parametrize(("notify", "messages"), [("SUCCESS", 2), ("NEVER", 1)])
async def test_a_next_hop_that_knows_no_dsn_is_answered_for(notify: str, messages: int, tmp_path: Path) -> None:
    async with running(Sink(extensions=ALL)) as sink:
        await through(tmp_path, sink, f"<u@example.net> NOTIFY={notify}", messages=messages)
    assert len(sink.taken) == messages
    assert "NOTIFY" not in "".join(sink.commands)
    for told in sink.taken[1:]:
        assert told.recipients == ["a@example.net"]
        assert b"Original-Envelope-Id: QQ+1" in told.octets
        assert b"Action: relayed" in told.octets
