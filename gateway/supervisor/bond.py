"""Ties a foreign program to us: where we die, and be it by kill -9, it is told to end (PR_SET_PDEATHSIG, by setpriv(1)
of util-linux). Our own roles need none: they see their lifeline close.
"""

from __future__ import annotations

import os
import pwd
import shutil


def bound(argv: tuple[str, ...], *, account: str = "") -> tuple[str, ...]:
    """The command line that runs the program so. `account` is who it becomes where we are root: a program that changes
    its account itself would cut the tie (prctl(2)). Without setpriv the command line stays as it is.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return argv
    identity: tuple[str, ...] = ()
    if account not in ("", "root") and os.geteuid() == 0:
        entry = pwd.getpwnam(account)
        identity = ("--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid), "--init-groups")
    return (setpriv, *identity, "--pdeathsig", "TERM", "--", *argv)
