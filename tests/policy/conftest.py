"""Evidence and policies for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.facts.auth import ArcFact, Auth, DkimFact, DmarcFact, SpfFact, SpfIdentity
from gateway.facts.connection import ClientFact
from gateway.facts.content import AuthorFact, ContentFact, MailClass, MalwareFact, MalwareResult, SpamFact
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import Known
from gateway.policy.language.parse import read
from gateway.policy.policy import Policy

NOON = 1_800_000_000.0

CLEAN = Evidence(
    received_at=NOON,
    direction="inbound",
    client=ClientFact(ip="192.0.2.1", helo="mx.friend.example", reverse_name=Known("mx.friend.example")),
    reverse_path="bounce@friend.example",
    recipients=("alice@example.org",),
    message=MessageFact(
        size=1234,
        subject="Lunch",
        authors=(AuthorFact("Fred", "fred@friend.example", "friend.example"),),
        from_fields=1,
    ),
    spf=Known(SpfFact(Auth.PASS, SpfIdentity.MAILFROM, "friend.example")),
    dkim=Known(DkimFact()),
    arc=Known(ArcFact(Auth.NONE)),
    dmarc=Known(DmarcFact(Auth.PASS, "friend.example", policy="reject", aligned_spf=True)),
    content=Known(ContentFact()),
    spam=Known(SpamFact(MailClass.HAM, {"ham": 0.99, "spam": 0.008, "phishing": 0.002}, -4.6, bulk=False)),
    malware=Known(MalwareFact(MalwareResult.CLEAN, engine="clamav")),
)


@pytest.fixture(scope="session")
def evidence() -> Callable[..., Evidence]:
    """A clean inbound message, with the changes given."""
    return lambda **changes: replace(CLEAN, **changes)


@pytest.fixture(scope="session")
def policy_of() -> Callable[..., Policy]:
    """A policy of some rules (YAML, not indented) and lists (name to entries in YAML)."""

    def build(rules: str, *, top: str = "", lists: dict[str, str] | None = None, **more: Any) -> Policy:
        lines = ["version: 1", "recipients:", "  - {domain: example.org, route: mailbox, validate: mailbox}"]
        lines += ["lists:", *(f"  {name}: {{file: lists/{name}.yaml}}" for name in lists)] if lists else []
        text = "\n".join([*lines, top, "rules:", rules])
        entries = {f"lists/{name}.yaml": f"entries:\n{each}" for name, each in (lists or {}).items()}
        return read({"default.yaml": text, **entries}, **more)

    return build
