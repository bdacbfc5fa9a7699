"""What changes without a restart: the policy, the domains, and whether there is a malware engine."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.checks.malware.clamd_plan import ClamdKind, ClamdPlan, plan_clamd
from gateway.settings import Settings
from tests.checks.running_clamd import ClamdProcess
from tests.delivery.sink import Sink
from tests.e2e.gateway import ROOT, Gateway, eventually, running
from tests.e2e.letters import EICAR, Answer, arrives, by_every_edge, deliver, fields, held, letter
from tests.e2e.surroundings import Surroundings
from tests.folders import passable_folder

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

RULE = "  - {id: no-minutes, when: 'message.subject.startsWith(\"Minutes\")', then: {quarantine: policy}}\n"


@dataclass
class Office:
    """A gateway with a policy of its own."""

    gateway: Gateway
    policy: Path
    engine: ClamdPlan

    def write(self, text: str) -> None:
        (self.policy / "default.yaml").write_text(text)

    @property
    def text(self) -> str:
        return (self.policy / "default.yaml").read_text()

    def reload(self, event: str) -> None:
        """SIGHUP, and wait until every role that has a policy has logged that."""
        before = len(self.gateway.log(event))
        self.gateway.process.send_signal(signal.SIGHUP)
        roles = sum(len(self.gateway.role_pids(name)) for name in ("edge", "courier", "console"))
        eventually(lambda: len(self.gateway.log(event)) >= before + roles)


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with passable_folder() as folder:
        shutil.copytree(ROOT / "policies", folder / "policies")
        engine = plan_clamd(Settings(), folder / "engine", addresses=())
        if engine.kind is ClamdKind.ABSENT:
            pytest.skip(f"no clamd: {engine.mend}")
        extra = {"POSTERN_POLICY": str(folder / "policies"), "POSTERN_CLAMD": engine.address}
        with running(folder / "data", POSTERN_EDGES="2", **extra) as gateway:
            yield Office(gateway, folder / "policies", engine)
            assert gateway.stop() == 0


def test_a_changed_policy_holds_for_the_next_message_and_a_broken_one_changes_nothing(office: Office) -> None:
    good = office.text
    subject, octets = letter()
    deliver(office.gateway, octets)
    arrives(office.gateway, subject)

    office.write(good.replace("rules:\n", f"rules:\n{RULE}"))
    office.reload("policy_loaded")
    for _ in range(4):  # both edges
        assert held(office.gateway, deliver(office.gateway, letter()[1]))["judgement"]["rule"] == "no-minutes"

    office.write(office.text.replace("message.subject", "message.sujbect"))
    office.reload("policy_refused")
    assert all("default.yaml:" in line["problems"] for line in office.gateway.log("policy_refused"))
    assert held(office.gateway, deliver(office.gateway, letter()[1]))["judgement"]["rule"] == "no-minutes"

    office.write(good)
    office.reload("policy_loaded")
    subject, octets = letter()
    deliver(office.gateway, octets)
    arrives(office.gateway, subject)


@pytest.mark.parametrize("lmtp", [False, True], ids=["smtp", "lmtp"])
def test_a_domain_is_served_as_soon_as_it_is_added_and_no_longer_than_that(
    office: Office, around: Surroundings, lmtp: bool
) -> None:
    gateway, domain = office.gateway, f"added-{lmtp}.example".lower()
    sink: Sink = around.sink(lmtp=lmtp)
    assert deliver(gateway, letter()[1], to=f"x@{domain}").stage == "rcpt"
    added = gateway.command("domain", "add", domain, "--route", sink.route)
    assert added.returncode == 0, added.stderr
    assert domain in gateway.command("domain", "list").stdout
    subject, octets = letter()
    eventually(lambda: deliver(gateway, octets, to=f"x@{domain}").code == 250)
    eventually(lambda: any(subject.encode() in each.octets for each in sink.taken))
    taken = next(each for each in sink.taken if subject.encode() in each.octets)
    assert taken.octets.endswith(octets)
    assert taken.recipients == [f"x@{domain}"]
    assert gateway.command("domain", "remove", domain).returncode == 0
    eventually(lambda: deliver(gateway, letter()[1], to=f"x@{domain}").stage == "rcpt")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("not a domain", "--route", "mailbox"), "domain"),
        (("new.example", "--route", "carrier-pigeon"), "carrier-pigeon"),
    ],
)
def test_a_domain_that_cannot_be_is_refused_and_not_kept(office: Office, words: tuple[str, ...], why: str) -> None:
    done = office.gateway.command("domain", "add", *words)
    assert done.returncode == 2
    assert why in done.stderr
    assert words[0] not in office.gateway.command("domain", "list").stdout


@pytest.mark.clamd
def test_without_its_engine_mail_is_marked_and_with_it_malware_is_refused(office: Office, around: Surroundings) -> None:
    gateway = office.gateway
    subject, octets = letter("Here is the file.\n" + EICAR)
    answer = deliver(gateway, octets)
    assert answer.code == 250
    stored = arrives(gateway, subject)
    assert "malware" in fields(stored, "X-Postern-Checked-Without")[0]
    assert "malware" in fields(stored, "X-Postern-Unknown")[0]
    engine = ClamdProcess(office.engine)
    around.run(engine.start())
    try:
        by_every_edge(gateway, lambda: _refused(gateway))
    finally:
        around.run(engine.stop())
    # Each has met its engine by now, and so has patience with a short outage; one that never met it goes on without.
    by_every_edge(gateway, lambda: _put_off(gateway))


def _refused(gateway: Gateway) -> Answer | None:
    answer = deliver(gateway, letter(EICAR)[1])
    if answer.code != 554:
        return None
    assert "malware" in answer.text
    return answer


def _put_off(gateway: Gateway) -> Answer:
    answer = deliver(gateway, letter(EICAR)[1])
    assert answer.code == 451
    return answer
