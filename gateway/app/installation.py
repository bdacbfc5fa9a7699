"""The data folder: made at the first start, found again at the next one. Secrets in it have mode 0600 and are never
logged."""

from __future__ import annotations

import datetime
import fcntl
import ipaddress
import os
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.clock import Clock
from gateway.settings import Settings

DEFAULT_MAILBOXES: Final = ("alice", "bob", "postmaster")
CERTIFICATE_DAYS: Final = 825


class AlreadyRunning(RuntimeError):
    """Another supervisor works on this data folder."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Where things lie under the data folder."""

    data: Path

    @property
    def queue(self) -> Path:
        """Ledger and spool."""
        return self.data / "queue"

    @property
    def counters(self) -> Path:
        """What all processes count together."""
        return self.data / "counters"

    @property
    def console(self) -> Path:
        """Accounts and sessions of the console."""
        return self.data / "console"

    @property
    def certificate(self) -> Path:
        """The certificate of all doors, PEM."""
        return self.data / "tls" / "certificate.pem"

    @property
    def key(self) -> Path:
        """Its private key, PEM, mode 0600."""
        return self.data / "tls" / "key.pem"

    @property
    def passwords(self) -> Path:
        """The passwords that the first start made up, mode 0600."""
        return self.data / "initial-passwords"

    @property
    def domains(self) -> Path:
        """What `postern domain add` added."""
        return self.data / "domains.yaml"

    @property
    def dkim(self) -> Path:
        """The keys that sign our mail."""
        return self.data / "dkim"

    @property
    def lessons(self) -> Path:
        """What people taught the classifier: the ledger, the messages, and the versions of the layer."""
        return self.data / "lessons"

    @property
    def layer(self) -> Path:
        """The versions of the layer over the shipped model."""
        return self.lessons / "site"

    @property
    def fingerprints(self) -> Path:
        """The fingerprints of what people taught."""
        return self.lessons / "reported"

    @property
    def srs_keys(self) -> Path:
        """What makes the addresses under which we forward, mode 0600."""
        return self.data / "returns" / "srs.keys"

    @property
    def batv_keys(self) -> Path:
        """What makes the tags of our own reverse-paths, mode 0600."""
        return self.data / "returns" / "batv.keys"

    @property
    def reports(self) -> Path:
        """What was sent of reports to other domains, and what came for ours."""
        return self.data / "reports"

    @property
    def pid(self) -> Path:
        """Locked and holding the supervisor's process id while it runs."""
        return self.data / "supervisor.pid"


def prepare(settings: Settings, clock: Clock) -> Folders:
    """Make the folders and the certificate where they are missing. Raises OSError when the data folder cannot be
    used."""
    folders = Folders(settings.data.resolve())
    # Root's store runs under an account of its own, which has to pass this folder but may not list it.
    folders.data.mkdir(parents=True, exist_ok=True)
    folders.data.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for folder in (folders.queue, folders.counters, folders.console, folders.certificate.parent):
        folder.mkdir(exist_ok=True, mode=0o700)
    if not folders.certificate.exists() or not folders.key.exists():
        _make_certificate(folders, settings, clock)
    return folders


@dataclass(frozen=True, slots=True)
class Hold:
    """That this process is the only supervisor of the folder. `after_a_crash`: the one before did not end in order, and
    what it ran may still be about to end."""

    descriptor: int
    after_a_crash: bool

    def release(self) -> None:
        """Let another one in, who need not wait for anything of ours."""
        os.ftruncate(self.descriptor, 0)
        os.close(self.descriptor)


def lock(folders: Folders) -> Hold:
    """Make this process the only supervisor of the folder, until `release`. Raises `AlreadyRunning`."""
    descriptor = os.open(folders.pid, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.read(descriptor, 32).decode(errors="replace").strip()
        os.close(descriptor)
        raise AlreadyRunning(f"process {owner} already runs on {folders.data}") from None
    after_a_crash = os.fstat(descriptor).st_size > 0
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return Hold(descriptor, after_a_crash)


def running_supervisor(folders: Folders) -> int | None:
    """The process id of the supervisor that runs on this folder, or None."""
    try:
        descriptor = os.open(folders.pid, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        text = os.read(descriptor, 32).decode(errors="replace").strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(descriptor)
    return None


def initial_passwords(folders: Folders, names: Sequence[str], given: str | None) -> dict[str, str]:
    """Passwords for the first start: the given one for all, else a random one each. Kept before any account is made, so
    that a first start that was interrupted goes on with the same ones; `keep_passwords` ends it."""
    begun = _begun(folders)
    if not begun.exists():
        lines = (f"{name} {given or secrets.token_urlsafe(12)}\n" for name in names)
        write_private(begun, "".join(lines).encode())
    pairs = (line.partition(" ") for line in begun.read_text(encoding="utf-8").splitlines())
    return {name: password for name, _, password in pairs}


def keep_passwords(folders: Folders) -> None:
    """The first start is over: all accounts stand."""
    _begun(folders).replace(folders.passwords)


def forget_passwords(folders: Folders) -> None:
    """The first start cannot be made with these: the next one makes up others."""
    _begun(folders).unlink(missing_ok=True)


def _begun(folders: Folders) -> Path:
    return folders.passwords.with_name(f"{folders.passwords.name}.begun")


def _make_certificate(folders: Folders, settings: Settings, clock: Clock) -> None:
    """A self-signed certificate: opportunistic TLS from the first minute. Real names want a real one (docs/tls.md)."""
    # A tenth of a second to import, and one start of all needs it; every command line would pay.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, settings.hostname[:64])])
    begins = datetime.datetime.fromtimestamp(clock.now(), datetime.UTC) - datetime.timedelta(hours=1)
    alternatives: list[x509.GeneralName] = [x509.DNSName(settings.hostname), x509.DNSName("localhost")]
    alternatives.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(folders.key, private)
    write_private(folders.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def write_private(file: Path, octets: bytes) -> None:
    """Mode 0600, and whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    with os.fdopen(descriptor, "wb") as out:
        out.write(octets)
        out.flush()
        os.fsync(out.fileno())
    Path(name).replace(file)
