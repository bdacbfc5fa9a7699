"""Where the store puts new mail of a reader who has no script of his own: bulk mail into the folder Bulk, all other
into INBOX. A script of his own, by ManageSieve, takes its place whole: that is his choice, and he may begin with a copy
of ours, which his client sees under the name `postern`.

What a sender writes into the field of the class only moves his own mail out of INBOX.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = "Bulk"
NAME: Final = "postern"

_SIEVE: Final = f"""\
require ["fileinto", "mailbox"];
# Newsletters, offers and notices, by the word of the gateway.
if header :is "X-Postern-Class" "bulk" {{ fileinto :create "{FOLDER}"; }}
"""


def script_of(folder: Path) -> Path:
    """The script's file."""
    return folder / "filing" / "default.sieve"


def script() -> bytes:
    """What it says (RFC 5228, RFC 5490)."""
    return _SIEVE.encode()
