"""The accounts' file: whole or not at all, readable by its owner only, and believed only while it says so."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from argon2 import extract_parameters

from gateway.console.staff.people import _DECOY, _HASHER, People, PeopleError
from gateway.quarantine.rights import Role

PASSWORD = "correct horse battery"


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path / "console" / "people.yaml")


def test_an_account_proves_itself_by_its_password_only(people: People) -> None:
    people.add("ana", Role.ADMINISTRATOR, PASSWORD)
    account = people.verify("ana", PASSWORD)
    assert account is not None
    assert (account.name, account.role) == ("ana", Role.ADMINISTRATOR)
    for name, password in (("ana", PASSWORD + "x"), ("ana", ""), ("bob", PASSWORD), ("", PASSWORD)):
        assert people.verify(name, password) is None


def test_the_file_is_private_and_holds_no_password(people: People, tmp_path: Path) -> None:
    people.add("ana", Role.ADMINISTRATOR, PASSWORD)
    file = tmp_path / "console" / "people.yaml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text()
    assert "$argon2id$" in file.read_text()
    assert list(file.parent.iterdir()) == [file]


def test_a_change_from_elsewhere_is_seen_at_once(people: People, tmp_path: Path) -> None:
    people.add("ana", Role.ADMINISTRATOR, PASSWORD)
    elsewhere = People(tmp_path / "console" / "people.yaml")
    elsewhere.add("otto", Role.OPERATOR, PASSWORD)
    assert [each.name for each in people.all()] == ["ana", "otto"]
    elsewhere.remove("otto")
    assert people.find("otto") is None


def test_a_new_password_changes_the_seal(people: People) -> None:
    before = people.add("ana", Role.ADMINISTRATOR, PASSWORD)
    people.set_password("ana", PASSWORD + "2")
    after = people.find("ana")
    assert after is not None
    assert after.seal != before.seal
    assert people.verify("ana", PASSWORD) is None


def test_the_last_administrator_stays(people: People) -> None:
    people.add("ana", Role.ADMINISTRATOR, PASSWORD)
    people.add("otto", Role.OPERATOR, PASSWORD)
    with pytest.raises(PeopleError, match="last administrator"):
        people.remove("ana")
    people.remove("otto")


@pytest.mark.parametrize("name", ["", "Ana", "a b", "a@b", "x" * 65, "ana\n", "-a", "../a"])
def test_names_that_are_refused(people: People, name: str) -> None:
    with pytest.raises(PeopleError):
        people.add(name, Role.OPERATOR, PASSWORD)


def test_short_and_huge_passwords_and_doubles_are_refused(people: People) -> None:
    people.add("ana", Role.ADMINISTRATOR, PASSWORD)
    for name, password in (("otto", "short"), ("otto", "x" * 2000), ("ana", PASSWORD)):
        with pytest.raises(PeopleError):
            people.add(name, Role.OPERATOR, password)


@pytest.mark.parametrize(
    "text", ["people: 7", "people: [{name: ana}]", "a: [", "people: [{name: a, role: king, password: x}]"]
)
def test_a_broken_file_lets_nobody_in(people: People, tmp_path: Path, text: str) -> None:
    file = tmp_path / "console" / "people.yaml"
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(PeopleError):
        people.find("ana")


def test_an_unknown_name_takes_as_long_as_a_wrong_password() -> None:
    parameters = extract_parameters(_DECOY)
    assert parameters == extract_parameters(_HASHER.hash("anything"))


ADDER = """
import sys
from pathlib import Path
from gateway.console.staff.people import People
from gateway.quarantine.rights import Role
for number in range(4):
    People(Path(sys.argv[1])).add(f"{sys.argv[2]}{number}", Role.OPERATOR, "correct horse battery")
"""


def test_accounts_added_by_several_processes_at_a_time_are_all_there(tmp_path: Path) -> None:
    file = tmp_path / "console" / "people.yaml"
    adding = [subprocess.Popen([sys.executable, "-c", ADDER, str(file), name]) for name in ("a", "b", "c")]
    assert [each.wait(60) for each in adding] == [0, 0, 0]
    expected = [f"{name}{number}" for name in ("a", "b", "c") for number in range(4)]
    assert [each.name for each in People(file).all()] == expected
