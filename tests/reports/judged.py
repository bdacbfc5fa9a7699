"""Evidence as the checks leave it, for tests of reports: mail from example.com, which asks for reports and refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.facts.auth import ArcFact, Auth, DkimFact, DkimSignatureFact, DmarcFact, SpfFact, SpfIdentity
from gateway.facts.connection import ClientFact
from gateway.facts.evidence import DnsRecorded, Evidence, MessageFact
from gateway.facts.outcome import Known

RECORD = "v=DMARC1; p=reject; sp=quarantine; adkim=s; rua=mailto:reports@example.com"


def signature(domain: str, result: Auth = Auth.PASS, selector: str = "s1") -> DkimSignatureFact:
    return DkimSignatureFact(result, domain, selector, "rsa-sha256")


def evidence(
    *,
    record: str = RECORD,
    record_domain: str = "example.com",
    author: str = "example.com",
    ip: str = "192.0.2.1",
    reverse_path: str = "ann@example.com",
    passed: bool = True,
    policy: str = "reject",
    signatures: tuple[DkimSignatureFact, ...] | None = None,
    arc: Auth = Auth.NONE,
    received_at: float = 0.0,
    **changes: Any,
) -> Evidence:
    signatures = (signature(author, Auth.PASS if passed else Auth.FAIL),) if signatures is None else signatures
    made = Evidence(
        received_at=received_at,
        direction="inbound",
        client=ClientFact(ip),
        reverse_path=reverse_path,
        recipients=("bob@example.org",),
        message=MessageFact(1000),
        spf=Known(SpfFact(Auth.SOFTFAIL, SpfIdentity.MAILFROM, reverse_path.rpartition("@")[2] or "helo.example")),
        dkim=Known(DkimFact(signatures)),
        arc=Known(ArcFact(arc)),
        dmarc=Known(
            DmarcFact(
                Auth.PASS if passed else Auth.FAIL,
                author,
                policy=policy,
                aligned_dkim=passed,
                record_domain=record_domain,
            )
        ),
        dns=(DnsRecorded(f"_dmarc.{record_domain}", "TXT", "ok", (record,)),),
    )
    return replace(made, **changes)
