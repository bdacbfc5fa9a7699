"""A real OpenLDAP server for tests: rootless, on loopback, in a folder of its own. It can be stopped, held still and
started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.freezing import freeze
from tests.inbound.house import make_certificate
from tests.ports import free_port

SLAPD = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/openldap")
SCHEMA = Path("/etc/ldap/schema")
SECRET = "öffne-dich"
READER = "cn=postern,dc=example,dc=org"

CONFIGURATION = """\
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
database mdb
suffix "dc=example,dc=org"
rootdn "{reader}"
rootpw {secret}
directory {folder}/data
access to * by anonymous auth by users read
"""
PEOPLE = """\
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

"""
PERSON = """\
dn: uid={uid},ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: {uid}
cn: {uid}
sn: {uid}
mail: {uid}@example.net

"""


class Slapd:
    """One server, of which there may be several in time."""

    def __init__(self, folder: Path, *people: str) -> None:
        assert SLAPD is not None
        self._folder = folder
        (folder / "data").mkdir(parents=True)
        self.certificate, key = make_certificate(folder)
        self._configuration = folder / "slapd.conf"
        self._configuration.write_text(
            CONFIGURATION.format(
                schema=SCHEMA, folder=folder, certificate=self.certificate, key=key, reader=READER, secret=SECRET
            )
        )
        (folder / "people.ldif").write_text(PEOPLE + "".join(PERSON.format(uid=uid) for uid in people))
        add = [SLAPD, "-T", "add", "-f", str(self._configuration), "-l", str(folder / "people.ldif")]
        subprocess.run(add, check=True, capture_output=True)
        self.port, self.tls_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        doors = f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port}"
        assert SLAPD is not None
        command = [SLAPD, "-d", "0", "-f", str(self._configuration), "-h", doors]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        for _ in range(6000):
            try:
                socket.create_connection(("127.0.0.1", self.tls_port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, "slapd ended"
                time.sleep(0.01)
        raise AssertionError("slapd does not answer")

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def hold_still(self) -> None:
        """It has its port, and says nothing."""
        assert self._process is not None
        freeze(self._process.pid)

    def go_on(self) -> None:
        """And speaks again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def running_slapd(folder: Path, *people: str) -> Iterator[Slapd]:
    """A server with these people at example.net."""
    slapd = Slapd(folder, *people)
    slapd.start()
    try:
        yield slapd
    finally:
        slapd.stop()
