"""Plays a transcript (`tests/dialogs/*.smtp`) against a real front door over loopback. One story a file:

    # what the story is about
    @ door submission          which door (mx unless said)
    @ limit errors 3           a setting of `limits`
    @ trust xclient            the client may say XCLIENT (or `proxy`: it has to begin with a PROXY header)
    @ group 192.0.2.9 size 99  what clients of that address may do (or `reject blocked_client`, `normalises`)
    C: EHLO client.example     a line from the client; consecutive ones travel in one packet, each with CRLF
    C> half a li               the same without the CRLF
    S: 250-SIZE                one line from the server, which begins so
    S* 250                     a whole reply, each line of which begins with that code
    TLS                        the client starts the handshake
    CLOSED                     the server has closed the connection
    TAKEN 1                    so many messages are in custody by now
    TO a@example.net ...       recipients of the last of them
    OCTETS hello\\r\\n         its octets end so
    CLIENT ip=192.0.2.9 ...    what was noted of the client, with the last of them
    REFUSALS 0                 so many refusals are on record
    NAPS 2                     so often was an answer delayed
    REFUSED rcpt NO_RELAY      so was the last refusal recorded

Escapes: \\r \\n \\t \\0 \\\\ \\xHH (one octet), and <<X*N>> for N times X.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.facts.outcome import Known
from gateway.inbound.ports import Door
from gateway.mail import replies
from tests.inbound.house import House, PlainGroup, PlainLimits, PlainPolicy, open_house
from tests.inbound.talk import Talk

FOLDER = Path(__file__).resolve().parent.parent / "dialogs"
_ESCAPE = re.compile(r"\\(r|n|t|0|\\|x[0-9a-fA-F]{2})")
_NAMED = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


def octets(text: str) -> bytes:
    """The octets that a line of a transcript stands for."""
    text = re.sub(r"<<([^<]+?)\*(\d+)>>", lambda match: match[1] * int(match[2]), text)
    found, position = b"", 0
    for match in _ESCAPE.finditer(text):
        found += text[position : match.start()].encode()
        found += _NAMED.get(match[1]) or (bytes.fromhex(match[1][1:]) if match[1][0] == "x" else b"\0")
        position = match.end()
    return found + text[position:].encode()


@dataclass
class Story:
    """A transcript, read."""

    door: Door = Door.MX
    limits: dict[str, object] = field(default_factory=dict)
    listen: dict[str, object] = field(default_factory=dict)
    groups: dict[str, PlainGroup] = field(default_factory=dict)
    steps: list[tuple[int, str, str]] = field(default_factory=list)


def read(file: Path) -> Story:
    """Raises ValueError on a line that means nothing."""
    story = Story()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        if word == "@":
            kind, *values = rest.split()
            if kind == "door":
                story.door = Door(values[0])
            elif kind == "limit":
                story.limits[values[0]] = float(values[1])
            elif kind == "trust":
                story.listen[f"{values[0]}_networks"] = ["127.0.0.0/8"]
            elif kind == "group":
                story.groups[values[0]] = _group(*values[1:])
            else:
                raise ValueError(f"{file.name}:{number}: {line}")
        elif word in _STEPS:
            story.steps.append((number, word, rest))
        else:
            raise ValueError(f"{file.name}:{number}: {line}")
    return story


def _group(word: str, value: str = "") -> PlainGroup:
    if word == "reject":
        return PlainGroup("listed", reject=value)
    if word == "normalises":
        return PlainGroup("old", limits=PlainLimits(normalises=True))
    return PlainGroup("bounded", limits=replace(PlainLimits(), **{word: int(value)}))


async def play(file: Path, tls: ssl.SSLContext) -> None:
    """Raises AssertionError that names the line which the server did not follow."""
    story = read(file)
    async with open_house(
        limits=story.limits, tls=tls, listen=story.listen, policy=PlainPolicy(groups=story.groups)
    ) as house:
        talk = await Talk.to(house.ports[story.door], tls=story.door is Door.SUBMISSIONS)
        pending = b""
        try:
            for number, word, rest in story.steps:
                if word in ("C:", "C>"):
                    pending += octets(rest) + (b"\r\n" if word == "C:" else b"")
                    continue
                if pending:
                    await talk.send(pending)
                    pending = b""
                try:
                    await _STEPS[word](house, talk, rest)
                except AssertionError as error:
                    raise AssertionError(f"{file.name}:{number}: {word} {rest}: {error}") from None
        finally:
            await talk.close()


async def _server_line(_: House, talk: Talk, rest: str) -> None:
    line = await talk.line()
    assert line.startswith(rest), f"the server said {line!r}"


async def _server_reply(_: House, talk: Talk, rest: str) -> None:
    lines = await talk.reply()
    assert all(line.startswith(rest) for line in lines), f"the server said {lines!r}"


async def _tls(_: House, talk: Talk, __: str) -> None:
    await talk.start_tls()


async def _closed(_: House, talk: Talk, __: str) -> None:
    line = await talk.line()
    assert line == "", f"the server said {line!r}"


async def _taken(house: House, _: Talk, rest: str) -> None:
    assert len(house.shelf.accepted) == int(rest), f"{len(house.shelf.accepted)} in custody"


async def _recipients(house: House, _: Talk, rest: str) -> None:
    acceptance, _octets = house.shelf.accepted[-1]
    found = [str(each.recipient.address) for each in acceptance.recipients]
    assert found == rest.split(), found


async def _octets(house: House, _: Talk, rest: str) -> None:
    _acceptance, found = house.shelf.accepted[-1]
    assert found.endswith(octets(rest)), found[-200:]


async def _refused(house: House, _: Talk, rest: str) -> None:
    stage, name = rest.split()
    assert house.shelf.refusals, "nothing was recorded"
    last = house.shelf.refusals[-1]
    wanted = replies.all_replies()[name]
    assert (last.stage, last.reply.code, last.reply.enhanced) == (stage, wanted.code, wanted.enhanced), last


async def _client(house: House, _: Talk, rest: str) -> None:
    client = house.shelf.accepted[-1][0].client
    for item in rest.split():
        name, _equals, value = item.partition("=")
        found = getattr(client, name)
        assert str(found.value if isinstance(found, Known) else found) == value, f"{name} is {found!r}"


async def _refusals(house: House, _: Talk, rest: str) -> None:
    assert len(house.shelf.refusals) == int(rest), house.shelf.refusals


async def _naps(house: House, _: Talk, rest: str) -> None:
    assert len(house.naps) == int(rest), house.naps


async def _nothing(_: House, __: Talk, ___: str) -> None:
    raise AssertionError("handled by the player")


_STEPS = {
    "C:": _nothing,
    "C>": _nothing,
    "S:": _server_line,
    "S*": _server_reply,
    "TLS": _tls,
    "CLOSED": _closed,
    "TAKEN": _taken,
    "TO": _recipients,
    "OCTETS": _octets,
    "CLIENT": _client,
    "REFUSALS": _refusals,
    "NAPS": _naps,
    "REFUSED": _refused,
}
