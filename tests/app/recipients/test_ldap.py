"""gateway/app/recipients/ldap.py: a real OpenLDAP server: up, slow, down and back again; and filters that hold whatever
a client writes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.app.recipients import ldap
from gateway.app.recipients.ldap import LdapDirectory, filter_for
from gateway.delivery.callahead import Presence
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail.address import Address
from gateway.policy.policy import LdapSource
from tests.app.recipients.running_slapd import READER, SECRET, SLAPD, Slapd, running_slapd
from tests.ports import free_port

needs_slapd = [pytest.mark.slapd, pytest.mark.skipif(SLAPD is None, reason="slapd is not installed")]
EXISTS, ABSENT = Known(Presence.EXISTS), Known(Presence.ABSENT)
BOB = Address("Bob", "example.net")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ldap")


@pytest.fixture(scope="module")
def slapd(folder: Path) -> Iterator[Slapd]:
    (folder / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    with running_slapd(folder / "slapd", "bob", "sue*", "list(s)") as server:
        yield server


@pytest.fixture
async def directory(folder: Path) -> AsyncIterator[LdapDirectory]:
    opened = LdapDirectory(folder, environment={"LDAP_SECRET": SECRET}, patience=4.0, rest=0.0)
    yield opened
    opened.close()


def source(slapd: Slapd, **more: object) -> LdapSource:
    plain = LdapSource(
        servers=(f"ldaps://127.0.0.1:{slapd.tls_port}",),
        base="ou=people,dc=example,dc=org",
        authorities=str(slapd.certificate),
        bind=READER,
        secret_file="secret",
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def starttls(slapd: Slapd) -> dict[str, object]:
    return {"servers": (f"ldap://127.0.0.1:{slapd.port}",)}


async def all_said(directory: LdapDirectory, asked: LdapSource, *names: str) -> list[Outcome[Presence]]:
    return [await directory.ask(Address(name, "example.net"), asked) for name in names]


def why(outcome: Outcome[Presence]) -> str:
    assert isinstance(outcome, Unknown), outcome
    return outcome.why


class TestServer:
    """With a real server."""

    pytestmark = needs_slapd

    @pytest.mark.parametrize("is_starttls", [False, True], ids=["ldaps", "starttls"])
    async def test_it_says_who_exists(self, slapd: Slapd, directory: LdapDirectory, is_starttls: bool) -> None:
        asked = source(slapd, **(starttls(slapd) if is_starttls else {}))
        said = await all_said(directory, asked, "bob", "BOB", "bob+lists", "carl", "sue*", "sue", "list(s)")
        assert said == [EXISTS, EXISTS, EXISTS, ABSENT, EXISTS, ABSENT, EXISTS]

    async def test_a_hostile_address_asks_for_itself_alone(self, slapd: Slapd, directory: LdapDirectory) -> None:
        hostile = ("*", "b*", "*)(uid=*", "x)(|(uid=bob)", "\\2a", "{address}", "bob\0", "*)(mail=*))(|(a=*")
        assert await all_said(directory, source(slapd), *hostile) == [ABSENT] * len(hostile)

    async def test_the_secret_may_stand_in_the_environment(self, slapd: Slapd, directory: LdapDirectory) -> None:
        asked = source(slapd, secret_file="", secret_environment="LDAP_SECRET")
        assert await directory.ask(BOB, asked) == EXISTS

    async def test_a_wrong_or_empty_secret_is_doubt_and_never_told(
        self, slapd: Slapd, directory: LdapDirectory, folder: Path
    ) -> None:
        (folder / "wrong").write_text("not-the-secret\n")
        (folder / "empty").write_text("\n")
        with structlog.testing.capture_logs() as logged:
            wrong = await directory.ask(BOB, source(slapd, secret_file="wrong"))
            empty = await directory.ask(BOB, source(slapd, secret_file="empty"))
            absent = await directory.ask(BOB, source(slapd, secret_file="no-such-file"))
        assert "not let in: invalidCredentials" in why(wrong)
        assert why(empty) == "the directory: there is no secret in empty"
        assert "No such file" in why(absent)
        assert "not-the-secret" not in f"{logged} {wrong}"

    @pytest.mark.parametrize("is_starttls", [False, True], ids=["ldaps", "starttls"])
    async def test_a_certificate_that_nobody_vouches_for_is_doubt(
        self, slapd: Slapd, directory: LdapDirectory, is_starttls: bool
    ) -> None:
        asked = source(slapd, authorities="", **(starttls(slapd) if is_starttls else {}))
        assert "CERTIFICATE_VERIFY_FAILED" in why(await directory.ask(BOB, asked)).replace(" ", "_").upper()

    async def test_a_certificate_of_another_name_is_doubt(self, slapd: Slapd, directory: LdapDirectory) -> None:
        asked = source(slapd, servers=(f"ldaps://localhost:{slapd.tls_port}",))
        assert "ostname mismatch" in why(await directory.ask(BOB, asked))

    async def test_a_base_that_is_not_there_is_doubt_and_nobodys_absence(
        self, slapd: Slapd, directory: LdapDirectory
    ) -> None:
        assert "noSuchObject" in why(await directory.ask(BOB, source(slapd, base="ou=nowhere,dc=example,dc=org")))

    async def test_the_next_server_is_asked_where_one_is_down(self, slapd: Slapd, directory: LdapDirectory) -> None:
        servers = (f"ldaps://127.0.0.1:{free_port()}", f"ldaps://127.0.0.1:{slapd.tls_port}")
        assert await directory.ask(BOB, source(slapd, servers=servers)) == EXISTS

    async def test_slow_down_and_back_again(
        self, slapd: Slapd, directory: LdapDirectory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ldap, "STEP", 1)
        asked = source(slapd)
        assert await directory.ask(BOB, asked) == EXISTS
        slapd.hold_still()
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.ensure_future(tick())
        try:
            assert isinstance(await directory.ask(BOB, asked), Unknown)
        finally:
            ticking.cancel()
            slapd.go_on()
        assert ticks > 20, "the loop went on meanwhile"
        assert await directory.ask(BOB, asked) == EXISTS
        slapd.stop()
        assert "refused" in why(await directory.ask(BOB, asked))
        slapd.start()
        assert await directory.ask(BOB, asked) == EXISTS

    async def test_a_directory_that_did_not_answer_is_left_alone_for_a_while(self, slapd: Slapd, folder: Path) -> None:
        directory = LdapDirectory(folder, rest=60.0)
        slapd.stop()
        first = await directory.ask(BOB, source(slapd))
        slapd.start()
        assert "refused" in why(first)
        assert await directory.ask(BOB, source(slapd)) == first, "not asked again"
        directory.close()

    async def test_what_one_client_makes_up_does_not_keep_others_waiting(self, slapd: Slapd, folder: Path) -> None:
        directory = LdapDirectory(folder, rest=60.0)
        assert isinstance(await directory.ask(Address("\udcff", "example.net"), source(slapd)), Unknown)
        assert await directory.ask(BOB, source(slapd)) == EXISTS
        directory.close()

    async def test_many_at_once_share_a_few_connections(self, slapd: Slapd, directory: LdapDirectory) -> None:
        asked = source(slapd)
        names = [Address("bob" if number % 2 else f"nobody{number}", "example.net") for number in range(40)]
        said = await asyncio.gather(*(directory.ask(name, asked) for name in names))
        assert said == [EXISTS if number % 2 else ABSENT for number in range(40)]
        assert 1 <= len(directory._idle[asked]) <= ldap.THREADS


async def test_nobody_at_home_is_doubt(tmp_path: Path) -> None:
    directory = LdapDirectory(tmp_path)
    nowhere = LdapSource((f"ldap://127.0.0.1:{free_port()}",), "dc=x", encrypted=False)
    assert "refused" in why(await directory.ask(BOB, nowhere))
    directory.close()


def test_every_word_of_the_filter_is_the_recipients() -> None:
    template = "(&(objectClass=person)(|(mail={address})(uid={local})(associatedDomain={domain})))"
    assert filter_for(BOB, "(proxyAddresses=smtp:{address})") == "(proxyAddresses=smtp:bob@example.net)"
    assert filter_for(BOB, template) == (
        "(&(objectClass=person)(|(mail=bob@example.net)(uid=bob)(associatedDomain=example.net)))"
    )
    assert filter_for(Address("bob+x", "a.example"), "(uid={local})") == "(|(uid=bob+x)(uid=bob))"
    assert filter_for(Address("{domain}", "a.example"), "(uid={local})") == "(uid={domain})"


@given(st.text(min_size=1, max_size=64).filter(lambda text: "+" not in text))
def test_whatever_a_client_writes_stays_within_its_value(local: str) -> None:
    """RFC 4515 section 3: unescaped again, the value is the address, and nothing else is in the filter."""
    written = filter_for(Address(local, "a.example"), "(mail={address})")
    value = written.removeprefix("(mail=").removesuffix(")")
    assert not set("*()\0") & set(value)
    assert re.sub(r"\\([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), value) == f"{local}@a.example".lower()
