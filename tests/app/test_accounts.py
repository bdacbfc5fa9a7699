from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.accounts import AccountError, Accounts, user_base
from gateway.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


def test_an_at_sign_tells_mailboxes_from_staff(settings: Settings) -> None:
    accounts = Accounts(settings)
    accounts.add_mailbox("carol@example.org", "a good word")
    accounts.add_person("ana", "a good word", role="auditor")
    assert accounts.listed() == [("carol@example.org", "mailbox"), ("ana", "console: auditor")]
    accounts.set_password("carol@example.org", "another word")
    assert user_base(settings).verify("carol@example.org", "another word")
    accounts.remove("carol@example.org")
    accounts.remove("ana")
    assert accounts.listed() == []


def test_whatever_is_wrong_is_an_account_error(settings: Settings) -> None:
    accounts = Accounts(settings)
    for attempt in (
        lambda: accounts.add_mailbox("carol", "a good word"),
        lambda: accounts.add_mailbox("@example.org", "a good word"),
        lambda: accounts.add_person("ana", "short", role="auditor"),
        lambda: accounts.add_person("a na", "a good word", role="auditor"),
        lambda: accounts.set_password("nobody", "a good word"),
        lambda: accounts.remove("nobody@example.org"),
    ):
        with pytest.raises(AccountError):
            attempt()
