"""Where the real mail servers lie that tests speak to. Packages that shut each other out (each of them is the system's
one mail server) are unpacked, not installed, into a folder by `deploy/setup test-components`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

UNPACKED = Path(
    os.environ.get("POSTERN_PEERS")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "postern" / "peers"
)
PLACES = os.pathsep.join(
    (os.environ.get("PATH", ""), "/usr/sbin", str(UNPACKED / "root/usr/sbin"), str(UNPACKED / "root/usr/bin"))
)

POSTFIX = shutil.which("postfix", path=PLACES)
POSTFIX_MASTER = Path("/usr/share/postfix/master.cf.dist")
EXIM = shutil.which("exim4", path=PLACES)
OPENSMTPD = shutil.which("smtpd", path=PLACES)
HARAKA = UNPACKED / "haraka/node_modules/Haraka"
NODE = shutil.which("node")

_IS_ROOT = os.geteuid() == 0


def _may_mount() -> bool:
    """Whether a mount namespace can be had: for Exim and OpenSMTPD there is one place only, the system's."""
    if not _IS_ROOT or shutil.which("unshare") is None:
        return False
    command = ["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/var/spool"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


MAY_MOUNT = _may_mount()


def _swaks_speaks_tls() -> bool:
    if shutil.which("swaks") is None:
        return False
    return "TLS supported" in subprocess.run(["swaks", "--support"], capture_output=True, text=True, check=False).stdout


needs_postfix = pytest.mark.skipif(
    POSTFIX is None or not POSTFIX_MASTER.exists() or not _IS_ROOT,
    reason="Postfix is not installed, or this is not root, whom its master needs",
)
needs_exim = pytest.mark.skipif(
    EXIM is None or not MAY_MOUNT,
    reason="Exim is not there (make test-peers installs it), or this is not root, or may not mount",
)
needs_opensmtpd = pytest.mark.skipif(
    OPENSMTPD is None or not MAY_MOUNT,
    reason="OpenSMTPD is not there (make test-peers installs it), or this is not root, or may not mount",
)
needs_haraka = pytest.mark.skipif(
    NODE is None or not HARAKA.exists(),
    reason="Haraka or node is not there (make test-peers installs it)",
)
needs_swaks = pytest.mark.skipif(not _swaks_speaks_tls(), reason="swaks is not installed, or lacks Net::SSLeay for TLS")
