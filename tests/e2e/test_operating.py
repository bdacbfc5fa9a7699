"""People run the gateway from the command line, while it works."""

from __future__ import annotations

import imaplib
import json
import smtplib
import urllib.request

import pytest

from tests.e2e.gateway import PASSWORD, PATIENCE, ROOT, Gateway, eventually
from tests.e2e.letters import GTUBE, arrives, deliver, found, held, inbox, letter, trusting

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]


def signs_in(gateway: Gateway, owner: str, password: str) -> bool:
    with smtplib.SMTP_SSL("127.0.0.1", gateway.ports["submissions"], context=trusting(), timeout=PATIENCE) as client:
        try:
            return client.login(owner, password)[0] == 235
        except smtplib.SMTPAuthenticationError:
            return False


def reads(gateway: Gateway, owner: str, password: str) -> bool:
    """Whether the owner may read mail. The store looks at its users once a second."""
    with imaplib.IMAP4_SSL("127.0.0.1", gateway.ports["imaps"], ssl_context=trusting(), timeout=PATIENCE) as client:
        try:
            return client.login(owner, password)[0] == "OK"
        except imaplib.IMAP4.error:
            return False


def test_the_doctor_finds_everything_in_order(gateway: Gateway) -> None:
    findings = gateway.json("doctor")
    assert [each["what"] for each in findings if not each["good"] and not each["optional"]] == []
    assert len(findings) >= 12
    (missing,) = [each for each in findings if each["optional"]]
    assert "demo signatures" in missing["seen"]


def test_the_demo_tells_where_each_sample_went(gateway: Gateway) -> None:
    done = gateway.command("demo")
    assert done.returncode == 0, done.stderr
    for word in ("delivered", "held", "refused", "gtube", "malware"):
        assert word in done.stdout


def test_a_mailbox_from_its_first_day_to_its_last(gateway: Gateway) -> None:
    carol = "carol@example.org"
    assert deliver(gateway, letter()[1], to=carol).stage == "rcpt"
    assert gateway.command("user", "add", carol, "--password-stdin", said="first word\n").returncode == 0
    eventually(lambda: reads(gateway, carol, "first word"))
    subject, octets = letter()
    assert deliver(gateway, octets, to="carol+lists@example.org").code == 250
    assert carol in gateway.command("user", "list").stdout
    assert signs_in(gateway, carol, "first word")
    assert gateway.command("user", "passwd", carol, "--password-stdin", said=f"{PASSWORD}\n").returncode == 0
    assert not signs_in(gateway, carol, "first word")
    assert signs_in(gateway, carol, PASSWORD)
    eventually(lambda: reads(gateway, carol, PASSWORD))
    arrives(gateway, subject, carol)
    assert gateway.command("user", "remove", carol).returncode == 0
    assert deliver(gateway, letter()[1], to=carol).stage == "rcpt"
    assert carol not in gateway.command("user", "list").stdout


def test_mail_that_waits_is_shown_held_released_and_deleted(gateway: Gateway) -> None:
    friend = "patient@speechless.example"
    _, octets = letter(author="Alice <alice@example.org>")
    with smtplib.SMTP_SSL("127.0.0.1", gateway.ports["submissions"], context=trusting(), timeout=PATIENCE) as client:
        client.login("alice@example.org", PASSWORD)
        client.sendmail("alice@example.org", [friend], octets)
    (row,) = eventually(
        lambda: [each for each in gateway.json("track", "--rcpt", friend) if each["outcome"] == "deferred"]
    )
    message = row["reference"]
    waiting = gateway.json("queue", "list")
    assert "mx:speechless.example" in [each["name"] for each in waiting["destinations"]]
    shown = gateway.command("queue", "show", message).stdout
    assert "deferred" in shown
    assert "1 due now" in gateway.command("queue", "retry", message).stdout
    eventually(lambda: gateway.json("queue", "show", message)["recipients"][0]["attempt"] > row["attempt"])
    assert "1 held" in eventually(lambda: _says(gateway, "1 held", "queue", "hold", message, "--reason", "a test"))
    (item,) = [each for each in gateway.json("quarantine", "list") if each["message"] == message]
    assert gateway.json("quarantine", "show", str(item["id"]))["recipient"] == friend
    assert gateway.command("quarantine", "delete", str(item["id"]), "--reason", "done").returncode == 0
    assert gateway.json("queue", "show", message)["recipients"][0]["state"] == "dropped"
    kinds = [event["kind"] for event in gateway.json("queue", "show", message)["events"]]
    assert {"accepted", "deferred", "held", "deleted"} <= set(kinds)


def _says(gateway: Gateway, wanted: str, *words: str) -> str:
    """What the command prints, if it is that."""
    printed = gateway.command(*words).stdout
    return printed if wanted in printed else ""


def test_the_whole_queue_is_not_deleted_by_a_slip(gateway: Gateway) -> None:
    done = gateway.command("queue", "delete")
    assert done.returncode == 2
    assert "--destination" in done.stderr


def test_held_mail_can_be_dropped_for_good(gateway: Gateway) -> None:
    subject, octets = letter(GTUBE)
    number = str(held(gateway, deliver(gateway, octets))["id"])
    assert subject in gateway.command("quarantine", "show", number).stdout
    assert gateway.command("quarantine", "delete", number).returncode == 0
    assert "no longer held" in gateway.command("quarantine", "release", number).stdout
    with inbox(gateway) as client:
        assert found(client, subject) == []


def test_a_message_is_tracked_by_id_sender_and_recipient(gateway: Gateway) -> None:
    subject, octets = letter()
    answer = deliver(gateway, octets, sender="tracked@sender.example")
    for words in (
        ("--id", answer.id),
        ("--from", "tracked@*"),
        ("--id", f"<{subject.replace(' ', '-').lower()}@sender.example>"),
    ):
        (row,) = gateway.json("track", *words)
        assert (row["subject"], row["reference"]) == (subject, answer.id)


def test_a_policy_that_misspells_is_refused_with_its_line(gateway: Gateway) -> None:
    folder = gateway.data.parent / "misspelt"
    folder.mkdir()
    text = (ROOT / "policies/default.yaml").read_text()
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "message.gtube" in each)
    (folder / "default.yaml").write_text(text.replace("message.gtube", "message.gtubb"))
    (folder / "lists").symlink_to(ROOT / "policies/lists")
    done = gateway.command("policy", "check", str(folder))
    assert done.returncode == 1
    assert f"default.yaml:{line}:" in done.stderr
    assert gateway.command("policy", "check").returncode == 0


def test_the_counters_are_those_of_all_roles(gateway: Gateway) -> None:
    before = gateway.counted("postern_messages_total")
    for _ in range(4):
        deliver(gateway, letter()[1])
    assert gateway.counted("postern_messages_total") == before + 4


def test_readiness_names_what_the_house_runs_without(gateway: Gateway) -> None:
    def degraded() -> list[str]:
        with urllib.request.urlopen(f"{gateway.console}/readyz", timeout=PATIENCE) as response:
            body = json.load(response)
        assert body["ready"] is True
        return [each["name"] for each in body["degraded"]]

    # What did not answer in time, while the machine stood still, is looked at again a few seconds later.
    eventually(lambda: degraded() == ["malware signatures"])
