"""gateway/app/recipients/validation.py: every source, its caches, and what is done when it is down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.app.recipients.directories import AddressFiles, WebDirectory
from gateway.app.recipients.ldap import LdapDirectory
from gateway.app.recipients.validation import Recipients
from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from gateway.delivery.callahead import CallAhead
from gateway.delivery.relay import Timeouts
from gateway.delivery.routes import Endpoint, Language
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.inbound.ports import Validity
from gateway.mail.address import Address
from gateway.mailbox.quota import Quota
from gateway.mailbox.users import UserBase
from gateway.policy.language.parse import read
from tests.app.recipients.running_slapd import READER, SECRET, SLAPD, running_slapd
from tests.delivery.sink import Sink, running

KNOWN, UNKNOWN, DOUBT = Validity.KNOWN, Validity.UNKNOWN, Validity.CANNOT_TELL


@dataclass
class House:
    folder: Path
    clock: FixedClock
    counters: Counters
    next_hop: Sink = field(default_factory=Sink)

    def recipients(self, entry: str) -> Recipients:
        policy = read({"default.yaml": f"version: 1\nrecipients:\n  - {{domain: example.net, {entry}}}\n"})
        users = UserBase(self.folder / "users")

        async def doors(_route: object) -> list[Endpoint]:
            return [Endpoint(Language.SMTP, host="127.0.0.1", port=self.next_hop.port)]

        return Recipients(
            lambda: policy,
            users=users,
            quota=Quota(self.folder / "no-store", now=self.clock.monotonic),
            files=AddressFiles(self.folder),
            web=WebDirectory(),
            ldap=LdapDirectory(self.folder),
            call_ahead=CallAhead(doors=doors, greet_as="mx.example.org", timeouts=Timeouts(connect=1.0, command=2.0)),
            counters=self.counters,
            now=self.clock.now,
        )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock = FixedClock(1_800_000_000.0)
    counters = Counters.open(tmp_path / "counters", clock=clock)
    yield House(tmp_path, clock, counters)
    await counters.close()


async def validity(recipients: Recipients, name: str = "bob") -> Validity:
    return await recipients.validate(Address(name, "example.net"), None)  # type: ignore[arg-type]


async def test_local_sources(house: House) -> None:
    (house.folder / "names").write_text("bob@example.net\n")
    UserBase(house.folder / "users").add("bob@example.net", "correct horse battery")
    for entry in (
        "route: mailbox, validate: mailbox",
        "route: mx, validate: static, addresses: [bob@example.net]",
        "route: mx, validate: file, path: names",
    ):
        recipients = house.recipients(entry)
        assert await validity(recipients) is KNOWN, entry
        assert await validity(recipients, "bob+lists") is KNOWN, entry
        assert await validity(recipients, "carl") is UNKNOWN, entry
    assert await validity(house.recipients("route: mx"), "anybody") is KNOWN


async def test_a_file_that_is_gone(house: House) -> None:
    file = house.folder / "names"
    file.write_text("bob@example.net\n")
    sources = {
        word: house.recipients(f"route: mx, validate: file, path: names, on_unknown: {word}")
        for word in ("defer", "accept", "last_known")
    }
    for recipients in sources.values():
        assert await validity(recipients) is KNOWN
    file.unlink()
    said = {word: (await validity(each), await validity(each, "carl")) for word, each in sources.items()}
    assert said == {"defer": (DOUBT, DOUBT), "accept": (KNOWN, KNOWN), "last_known": (KNOWN, UNKNOWN)}


CALL = "route: 'smtp://next.example:25', validate: callahead"
SCRIPT = {"RCPT:nobody@example.net": "550 5.1.1 no such user"}


async def test_the_next_hop_is_asked_once_while_its_answer_is_fresh(house: House) -> None:
    async with running(Sink(script=SCRIPT)) as house.next_hop:
        recipients = house.recipients(CALL)
        for _ in range(3):
            assert await validity(recipients) is KNOWN
            assert await validity(recipients, "nobody") is UNKNOWN
        assert house.next_hop.connections == 2
        another_process = house.recipients(CALL)
        assert await validity(another_process) is KNOWN
        assert house.next_hop.connections == 2
        house.clock.advance(1000.0)
        assert await validity(recipients, "nobody") is UNKNOWN
        assert house.next_hop.connections == 3
        assert await validity(recipients) is KNOWN
        assert house.next_hop.connections == 3
        house.clock.advance(3000.0)
        assert await validity(recipients) is KNOWN
        assert house.next_hop.connections == 4


async def test_many_who_ask_the_same_are_one_call(house: House) -> None:
    import asyncio

    async with running(Sink(script=SCRIPT)) as house.next_hop:
        recipients = house.recipients(CALL)
        assert set(await asyncio.gather(*(validity(recipients) for _ in range(20)))) == {KNOWN}
        assert house.next_hop.connections == 1


@pytest.mark.parametrize(
    ("word", "known", "nobody", "new"),
    [("defer", DOUBT, DOUBT, DOUBT), ("accept", KNOWN, KNOWN, KNOWN), ("last_known", KNOWN, UNKNOWN, DOUBT)],
)
async def test_a_next_hop_that_is_down(
    house: House, word: str, known: Validity, nobody: Validity, new: Validity
) -> None:
    recipients = house.recipients(f"{CALL}, on_unknown: {word}")
    async with running(Sink(script=SCRIPT)) as house.next_hop:
        await validity(recipients)
        await validity(recipients, "nobody")
    house.clock.advance(4000.0)
    assert await validity(recipients) is known
    assert await validity(recipients, "nobody") is nobody
    assert await validity(recipients, "new") is new


class Shelf:
    """The store, as far as it says who has room."""

    def __init__(self, *said: Outcome[bool]) -> None:
        self.said = list(said)
        self.asked: list[tuple[str, int]] = []

    async def has_room(self, mailbox: str, size: int) -> Outcome[bool]:
        self.asked.append((mailbox, size))
        return self.said.pop(0)


async def test_a_mailbox_of_the_store_may_be_full_and_a_store_that_is_down_is_no_reason_to_refuse(
    house: House,
) -> None:
    UserBase(house.folder / "users").add("bob@example.net", "correct horse battery")
    recipients = house.recipients("route: mailbox, validate: mailbox")
    recipients._quota = shelf = Shelf(Known(True), Known(False), Unknown("down"))  # type: ignore[assignment]
    said = [await recipients.validate(Address("bob+x", "example.net"), None, size=7) for _ in range(3)]  # type: ignore[arg-type]
    assert said == [KNOWN, Validity.FULL, KNOWN]
    assert await recipients.validate(Address("eve", "example.net"), None, size=7) is UNKNOWN  # type: ignore[arg-type]
    assert shelf.asked == [("bob@example.net", 7)] * 3


async def test_a_full_mailbox_is_asked_about_every_time(house: House) -> None:
    async with running(Sink(script={"RCPT": ["452 4.2.2 full", "250 2.1.5 ok"]})) as house.next_hop:
        recipients = house.recipients(CALL)
        assert await validity(recipients) is Validity.FULL
        assert await validity(recipients) is KNOWN


async def test_a_domain_that_has_gone_meanwhile_knows_nobody(house: House) -> None:
    recipients = house.recipients("route: mx")
    assert await recipients.validate(Address("bob", "other.example"), None) is UNKNOWN  # type: ignore[arg-type]


@pytest.mark.slapd
@pytest.mark.skipif(SLAPD is None, reason="slapd is not installed")
@pytest.mark.parametrize(
    ("word", "known", "nobody", "new"),
    [("defer", DOUBT, DOUBT, DOUBT), ("accept", KNOWN, KNOWN, KNOWN), ("last_known", KNOWN, UNKNOWN, DOUBT)],
)
async def test_a_directory_that_is_down(
    house: House, word: str, known: Validity, nobody: Validity, new: Validity
) -> None:
    with running_slapd(house.folder / "slapd", "bob") as slapd:
        (house.folder / "secret").write_text(SECRET, encoding="utf-8")
        recipients = house.recipients(
            f"route: mx, validate: ldap, on_unknown: {word}, ldap: {{servers: ['ldap://127.0.0.1:{slapd.port}'], "
            f"authorities: '{slapd.certificate}', bind: '{READER}', secret_file: secret, base: 'dc=example,dc=org'}}"
        )
        assert [await validity(recipients, name) for name in ("bob", "bob+x", "nobody")] == [KNOWN, KNOWN, UNKNOWN]
        slapd.stop()
        assert [await validity(recipients, name) for name in ("bob", "bob+x", "nobody")] == [KNOWN, KNOWN, UNKNOWN]
        house.clock.advance(4000.0)
        said = [await validity(recipients, name) for name in ("bob", "nobody", "new")]
        assert said == [known, nobody, new]
