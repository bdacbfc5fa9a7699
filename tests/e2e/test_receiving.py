"""Mail from the internet: delivered, held or refused, each for a named reason."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess

import pytest

from tests.e2e.gateway import PATIENCE, Gateway, eventually
from tests.e2e.letters import (
    EICAR,
    GTUBE,
    Answer,
    arrives,
    by_every_edge,
    deliver,
    fields,
    found,
    held,
    inbox,
    letter,
    sample,
)

pytestmark = [pytest.mark.slow, pytest.mark.dovecot, pytest.mark.clamd]


def test_a_clean_message_is_found_over_imap_with_one_truthful_statement_of_ours(gateway: Gateway) -> None:
    forged = "Authentication-Results: mx.example.org; dmarc=pass header.from=bank.example"
    theirs = "Authentication-Results: mx.sender.example; auth=pass smtp.auth=ann@sender.example"
    subject, octets = letter(extra=(forged, theirs))
    assert deliver(gateway, octets).code == 250
    ours, *rest = fields(arrives(gateway, subject), "Authentication-Results")
    assert ours.startswith("mx.example.org;")
    assert "spf=pass" in ours
    assert "smtp.mailfrom=sender.example" in ours or "smtp.mailfrom=ann@sender.example" in ours
    assert "dmarc=pass" in ours
    assert "header.from=sender.example" in ours
    assert "bank.example" not in ours
    assert rest == [theirs.partition(": ")[2]]


def test_the_stamps_say_how_the_message_came(gateway: Gateway) -> None:
    subject, octets = letter()
    answer = deliver(gateway, octets)
    stored = arrives(gateway, subject)
    (ours,) = [each for each in fields(stored, "Received") if "mx.example.org with ESMTP" in each]
    assert ours.startswith("from client.sender.example (")
    assert "[127.0.0.1]" in ours
    assert f"id {answer.id} for <alice@example.org>" in ours
    assert re.fullmatch(r"-?\d+\.\d\d \((ham|spam|phishing)\)", fields(stored, "X-Postern-Score")[0])


def test_swaks_delivers(gateway: Gateway) -> None:
    if shutil.which("swaks") is None:
        pytest.skip("swaks is not installed: apt-get install swaks")
    subject = "From the knife of swaks"
    done = subprocess.run(
        [
            "swaks", "--server", "127.0.0.1", "--port", str(gateway.ports["mx"]), "--from", "ann@sender.example",
            "--to", "bob@example.org", "--h-Subject", subject, "--body", "Shall we meet at ten?",
        ],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    *_, ours = fields(arrives(gateway, subject, "bob@example.org"), "Received")
    assert " by mx.example.org with ESMTP id " in ours


def test_gtube_is_held_by_its_rule(gateway: Gateway) -> None:
    item = held(gateway, deliver(gateway, letter(GTUBE)[1]))
    assert (item["judgement"]["rule"], item["quarantine"]) == ("gtube", "spam")
    assert item["judgement"]["reasons"]


def test_phishing_is_held_with_the_words_that_betrayed_it(gateway: Gateway) -> None:
    item = held(gateway, deliver(gateway, sample("03-phishing"), sender="alert@secure-login-check.example"))
    assert (item["judgement"]["rule"], item["quarantine"]) == ("yara-lure", "phishing")
    assert item["judgement"]["reasons"]


def test_forged_authors_of_our_own_domain_are_held(gateway: Gateway) -> None:
    _, octets = letter(author="Boss <boss@example.org>")
    assert held(gateway, deliver(gateway, octets, sender="x@mailer.example"))["judgement"]["rule"] == "own-domain-spoof"


def test_what_the_authors_domain_asks_to_refuse_is_refused(gateway: Gateway) -> None:
    _, octets = letter(author="Bank <service@strict.example>")
    answer = deliver(gateway, octets, sender="x@partner.example")
    assert (answer.stage, answer.code) == ("data", 550)
    (row,) = gateway.json("track", "--id", re.findall(r"\(ref (\w+)\)", answer.text)[0])
    assert (row["outcome"], row["rule"]) == ("refused", "dmarc-reject")


def test_malware_is_refused_and_again_after_the_engine_was_killed(gateway: Gateway) -> None:
    def refused() -> Answer | None:
        answer = deliver(gateway, letter(EICAR)[1])
        return answer if answer.code == 554 else None

    first = refused()
    assert first is not None
    assert "malware" in first.text
    (engine,) = gateway.role_pids("clamd")
    os.kill(engine, signal.SIGKILL)
    by_every_edge(gateway, refused)
    assert [line["program"] for line in gateway.log("role_died")] == ["clamd"]


@pytest.mark.parametrize(
    ("address", "code"),
    [("nobody.of.that.name@example.org", "5.1.1"), ("victim@elsewhere.example", "5.7.1")],
    ids=["unknown recipient", "foreign domain"],
)
def test_strangers_are_refused_at_rcpt_and_tracked(gateway: Gateway, address: str, code: str) -> None:
    answer = deliver(gateway, letter()[1], to=address)
    assert (answer.stage, answer.code) == ("rcpt", 550)
    assert code in answer.text
    row, *_ = eventually(lambda: gateway.json("track", "--rcpt", address))
    assert (row["outcome"], row["stage"], row["reply"][:3]) == ("refused", "rcpt", "550")


def test_what_is_released_is_what_was_received_under_our_stamps(gateway: Gateway) -> None:
    subject, octets = letter(GTUBE + "\n.a line with a dot\n..and two\n\ttabs \x7f and no end  \n")
    item = held(gateway, deliver(gateway, octets))
    done = gateway.command("quarantine", "release", str(item["id"]), "--reason", "it is a test")
    assert done.returncode == 0, done.stdout + done.stderr
    stored = arrives(gateway, subject)
    stamps = stored.removesuffix(octets)
    assert stored == stamps + octets
    assert stamps.count(b"Authentication-Results: mx.example.org;") == 1
    again = gateway.command("quarantine", "release", str(item["id"]))
    assert "no longer held" in again.stdout
    with inbox(gateway) as client:
        assert len(found(client, subject)) == 1


NEWSLETTER = """<html><body><h1>Sender Notes</h1>
<p>This month we visited three gardens that came through the dry summer without a hose. What they share is mulch.</p>
<p><a href="https://sender.example/41">Read the letter on our site</a></p>
<p>You get this letter because you subscribed. <a href="https://sender.example/unsubscribe/41">Unsubscribe</a></p>
</body></html>
"""


def test_a_newsletter_of_an_authenticated_author_is_bulk_and_lies_in_its_folder(gateway: Gateway) -> None:
    extra = ("List-Unsubscribe: <https://sender.example/unsubscribe/41>", "Content-Type: text/html; charset=utf-8")
    subject, octets = letter(NEWSLETTER, author="Sender Notes <letters@sender.example>", extra=extra)
    answer = deliver(gateway, octets, sender="letters@sender.example")
    assert answer.code == 250
    with inbox(gateway) as client:
        (stored,) = eventually(lambda: client.select("Bulk")[0] == "OK" and found(client, subject))
        client.select("INBOX")
        assert found(client, subject) == []
    assert fields(stored, "X-Postern-Class") == ["bulk"]
    assert answer.id not in {each["message"] for each in gateway.json("quarantine", "list")}
