"""Keywords that the shipped store puts on what it delivers (RFC 5232 section 4), so that a reader's program shows what
the policy noted about the sender. The message's own octets stay as they are, and its signatures hold."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_SCRIPT: Final = b"""\
require ["imap4flags"];
if header :is "X-Postern-Contact" "first" { addflag "$FirstContact"; }
if header :is "X-Postern-Signal" "new_sender_domain" { addflag "$NewSender"; }
if header :is "X-Postern-Signal" "payment_change" { addflag "$PaymentChange"; }
"""


def script_of(folder: Path) -> Path:
    """The script that runs before a reader's own."""
    return folder / "marks" / "keywords.sieve"


def scripts(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """The files that the store needs for this, with their modes."""
    return {script_of(folder): (_SCRIPT, 0o600)}
