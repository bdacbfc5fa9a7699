"""Every line of tests/dialogs/commands.txt, said to a real front door: one command, and how its reply begins."""

from __future__ import annotations

from tests.inbound.dialog import FOLDER, octets
from tests.inbound.house import open_house
from tests.inbound.talk import Talk

FILE = FOLDER / "commands.txt"


def cases() -> list[tuple[str, str]]:
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    said = [line.rpartition("|") for line in lines]
    return [(command.rstrip(" "), wanted.strip()) for command, _, wanted in said]


async def answer(port: int, command: str) -> str:
    talk = await Talk.to(port)
    await talk.say_hello()
    if command.upper().startswith("RCPT"):
        assert (await talk.ask("MAIL FROM:<a@sender.example> SMTPUTF8")).startswith("250 ")
    await talk.send(octets(command) + b"\r\n")
    said = (await talk.reply())[-1]
    assert (await talk.ask("NOOP")).startswith("250 "), "the session goes on"
    await talk.close()
    return said


async def test_each_command_is_answered_as_the_table_says() -> None:
    table = cases()
    assert len(table) > 200
    async with open_house(limits={"connections_per_client": 1000}) as house:
        wrong = []
        for command, wanted in table:
            said = await answer(house.port, command)
            if not said.startswith(wanted):
                wrong.append((command[:80], wanted, said))
        assert wrong == []
