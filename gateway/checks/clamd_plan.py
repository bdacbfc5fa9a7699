"""Which clamd to use: the one that is configured, one that runs already, our own, or none and how to mend that. Also
the configuration of our own. Looks at files and sockets; starts nothing.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from gateway.settings import MIB, Settings

DEMO_SIGNATURES: Final = Path(__file__).resolve().parents[2] / "deploy" / "clamav" / "demo"
SYSTEM_SIGNATURES: Final = Path("/var/lib/clamav")
USUAL_ADDRESSES: Final = ("/run/clamav/clamd.ctl", "/var/run/clamav/clamd.ctl", "127.0.0.1:3310")
USUAL_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin", "/usr/bin")

_ACCOUNT: Final = "clamav"
_ANSWER_TIMEOUT: Final = 1.0
_LARGEST_STREAM: Final = 100 * MIB
_LONGEST_SOCKET_PATH: Final = 107
"""Octets, see unix(7)."""
_MARGIN: Final = 2.0
"""Seconds that clamd has to give up before we do, so that its answer is a limit and not our silence."""


class ClamdKind(StrEnum):
    """Whose clamd it is."""

    EXTERNAL = "external"
    OWN = "own"
    ABSENT = "absent"


class Signatures(StrEnum):
    """What a clamd of ours would know. One that runs already says so itself (`Clamav.version`)."""

    FULL = "full"
    DEMO = "demo"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ClamdPlan:
    """The clamd to use: its address (a path or host:port, empty if absent), and, if it is ours, the folder and the
    command line. `mend` is what to do about something that is less than it should be, or empty."""

    kind: ClamdKind
    address: str = ""
    folder: Path | None = None
    executable: str = ""
    account: str = ""
    signatures: Signatures = Signatures.NONE
    scan_seconds: float = 0.0
    mend: str = ""

    @property
    def configuration(self) -> Path:
        """Where the configuration of our own clamd stands."""
        return self._folder / "clamd.conf"

    @property
    def argv(self) -> tuple[str, ...]:
        """The command line of our own clamd."""
        return (self.executable, "--foreground", f"--config-file={self.configuration}")

    @property
    def signature_folder(self) -> Path:
        """Where our own clamd reads its signatures."""
        return SYSTEM_SIGNATURES if self.signatures is Signatures.FULL else self._folder / "signatures"

    @property
    def _folder(self) -> Path:
        if self.folder is None:
            raise ValueError(f"the clamd of this plan is {self.kind}: it is not ours to configure")
        return self.folder


def plan_clamd(
    settings: Settings, data: Path, *, addresses: Sequence[str] = USUAL_ADDRESSES, path: str | None = None
) -> ClamdPlan:
    """Decide which clamd to use. `addresses` is where one may run already; `path` replaces $PATH in the search."""
    if settings.clamav.address:
        return ClamdPlan(ClamdKind.EXTERNAL, settings.clamav.address)
    folder = data.resolve() / "clamav"
    own = str(folder / "clamd.sock")
    # Our own socket too: a clamd that outlived its supervisor is as good as a new one.
    running = next((each for each in (*addresses, own) if answers(each)), None)
    if running is not None:
        return ClamdPlan(ClamdKind.EXTERNAL, running)
    executable = shutil.which("clamd", path=path or os.pathsep.join((os.environ.get("PATH", ""), *USUAL_FOLDERS)))
    if executable is None:
        return ClamdPlan(ClamdKind.ABSENT, mend="apt-get install clamav-daemon clamav-freshclam")
    if len(own.encode()) > _LONGEST_SOCKET_PATH:
        return ClamdPlan(ClamdKind.ABSENT, mend=f"choose a shorter data folder: {own} is too long for a socket")
    signatures = _signatures()
    return ClamdPlan(
        ClamdKind.OWN,
        address=own,
        folder=folder,
        executable=executable,
        account=_account_for(folder),
        signatures=signatures,
        scan_seconds=max(settings.clamav.timeout - _MARGIN, 1.0),
        mend="" if signatures is Signatures.FULL else "apt-get install clamav-freshclam && freshclam",
    )


def render_configuration(plan: ClamdPlan) -> str:
    """clamd.conf(5) of our own clamd. Limits raise an alert, so that what was not looked into is never clean."""
    folder = plan.configuration.parent
    lines = [
        "# Written at each start. Change the settings of Postern instead.",
        f"LocalSocket {plan.address}",
        "LocalSocketMode 660",
        "FixStaleSocket yes",
        "Foreground yes",
        f"LogFile {folder / 'clamd.log'}",
        "LogFileMaxSize 10M",
        "LogRotate yes",
        "LogTime yes",
        "LogSyslog no",
        f"PidFile {folder / 'clamd.pid'}",
        f"DatabaseDirectory {plan.signature_folder}",
        f"TemporaryDirectory {folder / 'tmp'}",
        f"StreamMaxLength {_LARGEST_STREAM // MIB}M",
        f"MaxFileSize {_LARGEST_STREAM // MIB}M",
        f"MaxScanSize {4 * _LARGEST_STREAM // MIB}M",
        f"MaxScanTime {int(plan.scan_seconds * 1000)}",
        "AlertExceedsMax yes",
        "AlertEncrypted yes",
        "MaxThreads 16",
        "MaxQueue 200",
        "ReadTimeout 60",
        "CommandReadTimeout 30",
        "SelfCheck 600",
    ]
    if plan.account:
        lines.append(f"User {plan.account}")
    return "\n".join(lines) + "\n"


def answers(address: str) -> bool:
    """Whether a clamd is there and well. Waits a second at most for each step."""
    try:
        with _open(address) as channel:
            channel.sendall(b"zPING\0")
            return channel.recv(5, socket.MSG_WAITALL) == b"PONG\0"
    except (OSError, ValueError):
        return False


def _open(address: str) -> socket.socket:
    if not address.startswith("/"):
        host, _, port = address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), _ANSWER_TIMEOUT)
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.settimeout(_ANSWER_TIMEOUT)
    try:
        channel.connect(address)
    except OSError:
        channel.close()
        raise
    return channel


def _signatures() -> Signatures:
    files = (SYSTEM_SIGNATURES / f"{name}.{kind}" for name in ("main", "daily") for kind in ("cvd", "cld"))
    if any(each.is_file() for each in files):
        return Signatures.FULL
    return Signatures.DEMO if any(DEMO_SIGNATURES.glob("*.ndb")) else Signatures.NONE


def _account_for(folder: Path) -> str:
    """Whom a clamd started by root becomes: its usual account, where that can reach the folder; otherwise it stays
    root. An ordinary user cannot choose."""
    if os.geteuid() != 0:
        return ""
    try:
        pwd.getpwnam(_ACCOUNT)
    except KeyError:
        return "root"
    reachable = all(parent.stat().st_mode & 0o001 for parent in folder.parents if parent.exists())
    return _ACCOUNT if reachable else "root"
