from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gateway.app.recipients import domains
from gateway.app.recipients.domains import DomainError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "domains.yaml"


def test_what_was_added_is_read_again_as_a_policy_has_it(file: Path) -> None:
    assert domains.read(file) == []
    domains.add(file, domain="Example.NET", route="mx", validate="none")
    domains.add(file, domain="example.com", route="mailbox", validate="mailbox")
    domains.add(file, domain="example.net", route="smtp://192.0.2.1:25", validate="callahead")
    assert domains.read(file) == [
        {"domain": "example.com", "route": "mailbox", "validate": "mailbox"},
        {"domain": "example.net", "route": "smtp://192.0.2.1:25", "validate": "callahead"},
    ]
    assert domains.remove(file, domain="EXAMPLE.com")
    assert not domains.remove(file, domain="example.com")


@pytest.mark.parametrize("text", ["{a: [", "just words", "- not a mapping", "\x00", "!!python/object:os.system {}"])
def test_a_broken_list_is_named(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(DomainError, match=r"domains\.yaml"):
        domains.read(file)
    with pytest.raises(DomainError):
        domains.add(file, domain="x.example", route="mx", validate="none")
    assert file.read_text() == text, "nothing of it is lost"


def test_two_who_add_at_once_both_stay(file: Path) -> None:
    names = [f"d{number}.example" for number in range(8)]
    at_once = [
        threading.Thread(target=domains.add, args=(file,), kwargs={"domain": each, "route": "mx", "validate": "none"})
        for each in names
    ]
    for each in at_once:
        each.start()
    for each in at_once:
        each.join()
    assert sorted(entry["domain"] for entry in domains.read(file)) == names
