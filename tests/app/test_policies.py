from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.installation import Folders
from gateway.app.policies import LivePolicy, PolicyError
from gateway.app.recipients import domains
from gateway.app.roles.courier import routes_of
from gateway.delivery.routes import Endpoint, Language
from gateway.mail.address import Address
from gateway.settings import Settings

GOOD = "version: 1\nrecipients:\n  - {domain: example.org, route: mailbox, validate: none}\ndefault: deliver\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/default.yaml").write_text(GOOD)
    (tmp_path / "data").mkdir()
    return Settings(policy=tmp_path / "policies", data=tmp_path / "data")


def test_a_changed_policy_is_taken_as_a_whole(settings: Settings) -> None:
    live = LivePolicy(settings, Folders(settings.data))
    before = live()
    (settings.policy / "default.yaml").write_text(GOOD.replace("example.org", "example.net"))
    assert live() is before, "not before it is told to"
    live.reload()
    assert live().version != before.version
    assert live().recipient_entry("a@example.net") is not None


@pytest.mark.parametrize("broken", ["policy", "domains"])
def test_a_broken_one_changes_nothing(settings: Settings, broken: str) -> None:
    folders = Folders(settings.data)
    live = LivePolicy(settings, folders)
    before = live()
    if broken == "policy":
        (settings.policy / "default.yaml").write_text("version: 1\nrulez: []\n")
    else:
        folders.domains.write_text("{")
    live.reload()
    assert live() is before


def test_a_broken_one_at_start_is_an_error(settings: Settings) -> None:
    (settings.policy / "default.yaml").write_text("version: 1\nrulez: []\n")
    with pytest.raises(PolicyError):
        LivePolicy(settings, Folders(settings.data))


def test_added_domains_have_their_routes_with_the_courier_too(settings: Settings) -> None:
    folders = Folders(settings.data)
    domains.add(folders.domains, domain="added.example", route="smtp://192.0.2.1:25", validate="none")
    routes = routes_of(LivePolicy(settings, folders)(), Endpoint(Language.LMTP, path="/run/lmtp"))
    for address, destination in (
        ("a@example.org", "mailbox"),
        ("a@added.example", "smtp://192.0.2.1:25"),
        ("a@elsewhere.example", "mx:elsewhere.example"),
    ):
        assert routes.destination_of(Address.parse(address)) == destination
