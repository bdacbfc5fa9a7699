"""What readers teach by moving mail into Junk and out of it: the scripts by which the store tells us, and the spool
from which their lessons go to the ledger.

The store runs the scripts itself (imapsieve); nobody's own Sieve script may. Mail that was delivered into Junk is no
move, so no verdict teaches itself. What goes from Junk to Trash was not taken for good.
"""

from __future__ import annotations

import os
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.facts.content import MailClass
from gateway.spam.site.teaching import Ledger, Way, as_wire, sender_in
from gateway.spam.training.corpus import MAX_MESSAGE
from gateway.telemetry import log

AT_ONCE: Final = 500
"""Lessons that one collection takes."""
_LONGEST_LINE: Final = 400
_FINISHED: Final = "lesson-*"
_LABELS: Final = {Way.JUNK: MailClass.SPAM, Way.NOT_JUNK: MailClass.HAM}

_SIEVE: Final = """\
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables"];
if environment :matches "imap.user" "*" {{ set "who" "${{1}}"; }}
if environment :matches "imap.mailbox" "*" {{ set "where" "${{1}}"; }}
if string :is "${{where}}" "Trash" {{ stop; }}
pipe :copy "teach" [ "{way}", "${{who}}" ];
"""
_PROGRAM: Final = """\
#!/bin/sh
# Written by Postern: keeps a message that somebody moved, with the way and who it was on a line above.
set -eu
PATH=/usr/bin:/bin
umask 077
cd {spool}
new=$(mktemp ./.new-XXXXXXXXXX)
{{ printf '%s %s\\n' "$1" "$2"; head -c {most}; }} > "$new"
cat > /dev/null
mv "$new" "./lesson-${{new#./.new-}}"
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """One message that somebody moved, and the file that it lies in."""

    way: Way
    by: str
    octets: bytes


def spool_of(folder: Path) -> Path:
    """Where the store leaves lessons."""
    return folder / "lessons" / "spool"


def scripts(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """The files that the store needs for this, with their modes."""
    own = folder / "lessons"
    program = _PROGRAM.format(spool=shlex.quote(str(spool_of(folder))), most=MAX_MESSAGE + 1)
    return {
        own / "bin" / "teach": (program.encode(), 0o700),
        own / "junk.sieve": (_SIEVE.format(way=Way.JUNK.value).encode(), 0o600),
        own / "not-junk.sieve": (_SIEVE.format(way=Way.NOT_JUNK.value).encode(), 0o600),
    }


def collect(folder: Path, ledger: Ledger, *, at: float) -> int:
    """Take what lies in the spool to the ledger; how many lessons that were. Each leaves the spool when the ledger has
    it. Raises OSError when the ledger cannot be written."""
    count = 0
    for file in sorted(spool_of(folder).glob(_FINISHED))[:AT_ONCE]:
        moved = _read(file)
        if moved is not None:
            octets = as_wire(moved.octets)
            ledger.teach(octets, label=_LABELS[moved.way], by=moved.by, way=moved.way, sender=sender_in(octets), at=at)
            count += 1
        file.unlink(missing_ok=True)
    return count


def _read(file: Path) -> Moved | None:
    """What a file holds, if it is a lesson that may be taken. The store's account may put there what it likes."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        log().info("lesson left out", why=error.strerror)
        return None
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        line = stream.readline(_LONGEST_LINE)
        octets = stream.read(MAX_MESSAGE + 1)
    way, _, by = line.decode("utf-8", "replace").strip().partition(" ")
    # Many lines of a mailbox's copy get longer by their CR: half the bound leaves room for any.
    if way not in _LABELS or "@" not in by or not octets or len(octets) > MAX_MESSAGE // 2:
        log().info("lesson left out", way=way[:20], octets=len(octets))
        return None
    return Moved(Way(way), by, octets)
