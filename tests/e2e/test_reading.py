"""Mail programs read what was delivered: Python's imaplib, mbsync, mutt, and POP3."""

from __future__ import annotations

import imaplib
import os
import poplib
import pty
import select
import shutil
import smtplib
import subprocess
from pathlib import Path

import pytest

from tests.e2e.gateway import PASSWORD, PATIENCE, Gateway, eventually
from tests.e2e.letters import arrives, deliver, found, letter, trusting

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

ALICE = "alice@example.org"


@pytest.fixture(scope="module")
def subject(gateway: Gateway) -> str:
    """A letter that lies in alice's INBOX."""
    subject, octets = letter()
    assert deliver(gateway, octets).code == 250
    arrives(gateway, subject)
    return subject


def test_imap_after_starttls(gateway: Gateway, subject: str) -> None:
    with imaplib.IMAP4("127.0.0.1", gateway.ports["imap"], timeout=PATIENCE) as client:
        assert "STARTTLS" in client.capabilities
        client.starttls(trusting())
        client.login(ALICE, PASSWORD)
        client.select("INBOX", readonly=True)
        assert len(found(client, subject)) == 1


def test_a_wrong_password_opens_nothing(gateway: Gateway) -> None:
    with (
        imaplib.IMAP4_SSL("127.0.0.1", gateway.ports["imaps"], ssl_context=trusting(), timeout=PATIENCE) as client,
        pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"),
    ):
        client.login(ALICE, PASSWORD + "!")


def test_the_usual_folders_are_there(gateway: Gateway) -> None:
    with imaplib.IMAP4_SSL("127.0.0.1", gateway.ports["imaps"], ssl_context=trusting(), timeout=PATIENCE) as client:
        client.login("bob@example.org", PASSWORD)
        listed = b"\n".join(client.list()[1])
    for use in (b"\\Drafts", b"\\Sent", b"\\Junk", b"\\Trash"):
        assert use in listed


def test_idle_announces_a_new_message(gateway: Gateway) -> None:
    with imaplib.IMAP4_SSL("127.0.0.1", gateway.ports["imaps"], ssl_context=trusting(), timeout=PATIENCE) as client:
        client.login(ALICE, PASSWORD)
        _, (count,) = client.select("INBOX")
        client.send(b"x1 IDLE\r\n")
        assert client.readline().startswith(b"+")
        assert deliver(gateway, letter()[1]).code == 250
        announced = b""
        while b"EXISTS" not in announced:
            announced = client.readline()
            assert announced, "the store hung up"
        assert int(announced.split()[1]) == int(count) + 1
        client.send(b"DONE\r\n")
        while not client.readline().startswith(b"x1 OK"):
            pass  # more of what IDLE announced


def test_pop3(gateway: Gateway, subject: str) -> None:
    client = poplib.POP3_SSL("127.0.0.1", gateway.ports["pop3s"], context=trusting(), timeout=PATIENCE)
    client.user(ALICE)
    client.pass_(PASSWORD)
    number = len(client.list()[1])
    tops = [b"\n".join(client.top(each, 0)[1]).decode() for each in range(1, number + 1)]
    client.quit()
    assert sum(subject in top for top in tops) == 1


def test_pop3_after_stls(gateway: Gateway) -> None:
    client = poplib.POP3("127.0.0.1", gateway.ports["pop3"], timeout=PATIENCE)
    client.stls(trusting())
    client.user(ALICE)
    client.pass_(PASSWORD)
    assert client.stat()[0] > 0
    client.quit()


def test_mbsync_fetches_the_mailbox(gateway: Gateway, subject: str, tmp_path: Path) -> None:
    if shutil.which("mbsync") is None:
        pytest.skip("mbsync is not installed: apt-get install isync")
    (tmp_path / "mail").mkdir()
    (tmp_path / "mbsyncrc").write_text(
        f"""\
IMAPStore far
Host 127.0.0.1
Port {gateway.ports["imaps"]}
User {ALICE}
Pass "{PASSWORD}"
SSLType IMAPS
CertificateFile {gateway.data}/mailbox/certificate.pem

MaildirStore near
Path {tmp_path}/mail/
Inbox {tmp_path}/mail/INBOX

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Near
SyncState *
"""
    )
    done = subprocess.run(
        ["mbsync", "-c", str(tmp_path / "mbsyncrc"), "--all"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    fetched = [file.read_text(errors="replace") for file in (tmp_path / "mail/INBOX").glob("*/*") if file.is_file()]
    assert sum(f"Subject: {subject}\n" in text for text in fetched) == 1


def test_mutt_opens_the_mailbox(gateway: Gateway, subject: str, tmp_path: Path) -> None:
    if shutil.which("mutt") is None:
        pytest.skip("mutt is not installed: apt-get install mutt")
    out = tmp_path / "seen"
    (tmp_path / "muttrc").write_text(
        f"""\
set imap_user="{ALICE}" imap_pass="{PASSWORD}" ssl_starttls=no ssl_force_tls=no
set certificate_file="{gateway.data}/mailbox/certificate.pem" ssl_verify_host=no
set folder="{tmp_path}" record="" quit=yes copy=no confirmappend=no delete=no header_cache="" timeout=1
set wait_key=no mark_old=no
"""
    )
    keys = f"<limit>~s '{subject}'<enter><save-message>{out}<enter><enter>"
    screen = _on_a_terminal(
        "mutt", "-n", "-F", str(tmp_path / "muttrc"), "-f", f"imaps://127.0.0.1:{gateway.ports['imaps']}/INBOX",
        "-e", f'push "{keys}<exit>"', home=tmp_path,
    )  # fmt: skip
    assert out.exists(), screen
    assert f"Subject: {subject}" in out.read_text()


def test_one_message_for_two_readers(gateway: Gateway) -> None:
    subject, octets = letter()
    with smtplib.SMTP("127.0.0.1", gateway.ports["mx"], timeout=PATIENCE) as client:
        client.sendmail("ann@sender.example", [ALICE, "bob@example.org"], octets)
    for owner in (ALICE, "bob@example.org"):
        assert arrives(gateway, subject, owner).endswith(octets)
    record = eventually(lambda: gateway.json("track", "--rcpt", "bob@example.org"))[0]
    assert (record["subject"], record["outcome"]) == (subject, "delivered")


def _on_a_terminal(*argv: str, home: Path) -> str:
    """Run a program that wants a terminal to its end; what it showed."""
    ours, theirs = pty.openpty()
    environment = {"TERM": "xterm", "HOME": str(home), "PATH": os.environ["PATH"]}
    with subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        try:
            while select.select([ours], [], [], PATIENCE)[0]:
                shown += os.read(ours, 65536)
            process.kill()
        except OSError:
            pass  # the terminal is closed: the program has ended
        finally:
            os.close(ours)
    return shown.decode(errors="replace")
