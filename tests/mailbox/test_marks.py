"""gateway/mailbox/marks.py: what a real Dovecot shows of what the policy noted."""

from __future__ import annotations

import shutil

import pytest

from gateway.mailbox.dovecot import StoreLayout
from tests.mailbox.test_copies import hand_over
from tests.mailbox.test_moves import signed_in

BODY = b"Good day.\r\n  Two blanks stand in front of this.\r\n"
KEYWORDS = {
    b"X-Postern-Contact: first": "$FirstContact",
    b"X-Postern-Signal: new_sender_domain": "$NewSender",
    b"X-Postern-Signal: payment_change": "$PaymentChange",
    b"Subject: X-Postern-Contact": "",
}
OWN = {"no script": "", "a script": "if size :over 10M { discard; }\n", "a script that keeps": "keep;\n"}


@pytest.mark.dovecot
@pytest.mark.parametrize("script", OWN.values(), ids=OWN.keys())
@pytest.mark.parametrize(("field", "keyword"), KEYWORDS.items(), ids=KEYWORDS.values())
def test_a_mark_is_a_keyword_and_the_octets_stay(layout: StoreLayout, field: bytes, keyword: str, script: str) -> None:
    letter = field + b"\r\nFrom: ann@sender.example\r\n\r\n" + BODY
    own = layout.folder / "mail" / "example.org" / "alice" / ".dovecot.sieve"
    own.parent.mkdir(parents=True, exist_ok=True)
    shutil.chown(own.parent, layout.uid, layout.gid)
    own.write_text(script)
    own.chmod(0o644)
    hand_over(layout, letter)
    with signed_in(layout) as client:
        client.select("INBOX", readonly=True)
        answer, said = client.fetch("*", "(FLAGS BODY.PEEK[])")
    assert answer == "OK"
    (told, octets), rest = said
    flags = told + rest
    assert octets.endswith(letter)
    assert (keyword.encode() in flags) if keyword else (b"$" not in flags)
