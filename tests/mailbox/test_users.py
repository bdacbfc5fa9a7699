from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.address import Address
from gateway.mailbox.users import MAX_PASSWORD, UserBase, UserError, _mailbox_name

ALICE = "alice@example.org"


@pytest.fixture
def users(tmp_path: Path) -> UserBase:
    return UserBase(tmp_path / "mailbox" / "users")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mailbox" / "users"


def test_a_password_proves_its_own_mailbox_and_no_other(users: UserBase) -> None:
    users.add(ALICE, "first")
    users.add("bob@example.org", "second")
    assert users.verify(ALICE, "first")
    assert users.verify("Alice@Example.ORG", "first")
    for wrong in ("second", "First", "", "first ", "x" * (MAX_PASSWORD + 1)):
        assert not users.verify(ALICE, wrong)
    assert not users.verify("nobody@example.org", "first")


def test_the_decoy_is_nobodys_password(users: UserBase) -> None:
    assert not users.verify("nobody@example.org", "nobody has this mailbox")


def test_a_new_password_ends_the_old_one(users: UserBase) -> None:
    users.add(ALICE, "first")
    users.set_password(ALICE, "second")
    assert (users.verify(ALICE, "first"), users.verify(ALICE, "second")) == (False, True)


def test_each_version_has_a_second_of_its_own_by_which_the_store_knows_it(users: UserBase, file: Path) -> None:
    users.add(ALICE, "first")
    seconds = [int(file.stat().st_mtime)]
    for password in ("second", "third"):
        users.set_password(ALICE, password)
        seconds.append(int(file.stat().st_mtime))
    assert sorted(set(seconds)) == seconds


def test_what_one_process_changes_another_knows_at_once(users: UserBase, file: Path) -> None:
    other = UserBase(file)
    assert ALICE not in other
    users.add(ALICE, "first")
    assert other.addresses() == [ALICE]
    other.remove(ALICE)
    assert users.addresses() == []


def test_mail_for_a_sub_address_is_for_the_mailbox_before_the_plus(users: UserBase) -> None:
    users.add(ALICE, "first")
    for said, found in (
        ("alice@example.org", ALICE),
        ("Alice+lists@Example.org", ALICE),
        ("alice+a+b@example.org", ALICE),
    ):
        assert users.mailbox_of(Address.parse(said)) == found
    for said in ("+alice@example.org", "alice@example.com", "al+ice@example.org"):
        assert users.mailbox_of(Address.parse(said)) is None


def test_the_file_is_private_and_holds_no_password(users: UserBase, file: Path) -> None:
    users.add(ALICE, "a very clear word")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (line,) = file.read_text().splitlines()
    assert line.startswith(f"{ALICE}:{{ARGON2ID}}$argon2id$")
    assert "clear" not in line
    assert {each.name for each in file.parent.iterdir()} == {"users", ".users.lock"}


@pytest.mark.parametrize(
    "address",
    [
        "alice", "a b@example.org", "../x@example.org", "a/b@example.org", '"a b"@example.org', "a:b@example.org",
        "alice+x@example.org", "alice@[192.0.2.1]", "müller@example.org", "a@exämple.org", ".@example.org", "",
        "alice@example.org\nroot", "%u@example.org", "$HOME@example.org",
    ],
)  # fmt: skip
def test_a_name_that_would_be_an_odd_folder_is_refused(users: UserBase, address: str) -> None:
    with pytest.raises(UserError):
        users.add(address, "word")
    assert users.addresses() == []


@pytest.mark.parametrize("password", ["", "x" * (MAX_PASSWORD + 1)])
def test_passwords_have_a_length(users: UserBase, password: str) -> None:
    with pytest.raises(UserError, match="password"):
        users.add(ALICE, password)


def test_errors_say_what_to_type(users: UserBase) -> None:
    with pytest.raises(UserError, match="user list"):
        users.set_password(ALICE, "word")
    with pytest.raises(UserError, match="user list"):
        users.remove(ALICE)
    users.add(ALICE, "word")
    with pytest.raises(UserError, match="user passwd"):
        users.add("ALICE@example.org", "word")


def test_two_who_add_at_once_both_stay(file: Path) -> None:
    names = [f"user{number}@example.org" for number in range(6)]
    at_once = [threading.Thread(target=UserBase(file).add, args=(name, "word")) for name in names]
    for each in at_once:
        each.start()
    for each in at_once:
        each.join()
    assert UserBase(file).addresses() == names


def test_strange_lines_are_passed_over(users: UserBase, file: Path) -> None:
    users.add(ALICE, "word")
    file.write_text("# a comment\n\n:\nno colons\n" + file.read_text() + "bob@example.org:{PLAIN}word::::::\n")
    assert users.verify(ALICE, "word")
    assert not users.verify("bob@example.org", "word")


@given(st.text(max_size=30))
def test_any_text_is_the_name_of_a_plain_folder_or_a_user_error(address: str) -> None:
    try:
        key = _mailbox_name(address)  # `add` would hash a password for each
    except UserError:
        return
    assert not set(key) & set("/:%$ \n\t\0\\\"'")
    assert ".." not in key.split("@")
