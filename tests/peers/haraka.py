"""A Haraka of our own."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.inbound.house import make_certificate
from tests.peers.installed import HARAKA, NODE
from tests.peers.server import LATER, REFUSED, MailServer, Ways, alive, folder_of, start
from tests.ports import free_port

PLUGIN = Path(__file__).parent / "haraka_node" / "way.js"


@asynccontextmanager
async def haraka(ways: Ways) -> AsyncIterator[MailServer]:
    """Haraka, until the end of the `with`."""
    assert NODE is not None
    with folder_of("haraka", "config", "plugins", "queue") as folder:
        port = free_port()
        certificate, key = make_certificate(folder)
        certificate.rename(folder / "config" / "tls_cert.pem")
        key.rename(folder / "config" / "tls_key.pem")
        usual = (HARAKA / "config" / "connection.ini").read_text()
        # Else it would take the statements of the host before it out of the header.
        ours = usual.replace("; clean_auth_results=true", "clean_auth_results=false")
        (folder / "config" / "connection.ini").write_text(ours)
        shutil.copy(PLUGIN, folder / "plugins")
        (folder / "plugins" / "ways.json").write_text(
            json.dumps({"ways": dict(ways), "refused": REFUSED, "later": LATER})
        )
        for name, text in {
            "me": "haraka.example",
            "plugins": "tls\nway",
            "smtp.ini": f"listen=127.0.0.1:{port}\nnodes=0",
            "outbound.ini": "local_mx_ok=true\ntemp_fail_intervals=5s*60",  # no shorter pause is allowed
            "log.ini": "level=info",
            "tls.ini": "no_dhparams=true",
        }.items():
            (folder / "config" / name).write_text(f"{text}\n")
        process = await start([NODE, str(HARAKA / "bin" / "haraka"), "-c", str(folder)], log=folder / "log")
        async with alive(process, port):
            yield MailServer("haraka", port, folder / "log")
