"""gateway/app/recipients/directories.py: files of addresses, and a real web service on loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from gateway.app.recipients import directories
from gateway.app.recipients.directories import AddressFiles, WebDirectory
from gateway.delivery.callahead import Presence
from gateway.facts.outcome import Known, Unknown
from gateway.mail.address import Address

EXISTS, ABSENT = Known(Presence.EXISTS), Known(Presence.ABSENT)


def address(text: str) -> Address:
    return Address.parse(text)


def test_a_file_holds_addresses_local_parts_and_comments(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("# people\nBob@example.org  # since 1998\neve\n\n")
    files = AddressFiles(tmp_path)
    said = {name: files.ask(address(name), "users") for name in (
        "bob@example.org", "BOB@EXAMPLE.ORG", "bob+lists@example.org", "eve@example.org", "eve@other.example",
        "bob@other.example", "carl@example.org",
    )}  # fmt: skip
    assert said == {
        "bob@example.org": EXISTS,
        "BOB@EXAMPLE.ORG": EXISTS,
        "bob+lists@example.org": EXISTS,
        "eve@example.org": EXISTS,
        "eve@other.example": EXISTS,
        "bob@other.example": ABSENT,
        "carl@example.org": ABSENT,
    }


def test_a_file_is_read_again_when_it_changes_and_is_doubt_when_it_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("bob@example.org\n")
    files = AddressFiles(tmp_path)
    assert files.ask(address("eve@example.org"), "users") == ABSENT
    file.write_text("bob@example.org\neve@example.org\n")
    assert files.ask(address("eve@example.org"), "users") == EXISTS
    file.unlink()
    assert isinstance(files.ask(address("eve@example.org"), "users"), Unknown)
    assert files.last_known(address("eve@example.org"), "users") == EXISTS
    assert isinstance(files.last_known(address("eve@example.org"), "never"), Unknown)


def test_a_file_that_is_too_large_or_no_text_is_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_text("x@example.org\n" * 10)
    monkeypatch.setattr(directories, "MAX_OCTETS", 100)
    files = AddressFiles(tmp_path)
    assert isinstance(files.ask(address("x@example.org"), "bad"), Unknown)
    assert isinstance(files.ask(address("x@example.org"), "large"), Unknown)


class Handler(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        name = self.path.rpartition("/")[2]
        status = {"bob@example.org": 200, "gone@example.org": 410, "moved@example.org": 302}.get(name, 404)
        self.send_response(500 if name.startswith("broken") else status)
        self.send_header("Location", "/users/bob@example.org")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/users/{{address}}"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_web_service_says_who_exists(service: str) -> None:
    web = WebDirectory()
    names = ("bob", "nobody", "gone", "moved", "broken")
    said = await asyncio.gather(*(web.ask(address(f"{name}@example.org"), service) for name in names))
    assert said[:3] == [EXISTS, ABSENT, ABSENT]
    assert [type(each) for each in said[3:]] == [Unknown, Unknown]


async def test_a_slow_service_keeps_nobody_else_from_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = socket.create_server(("127.0.0.1", 0), backlog=100)
    monkeypatch.setattr(directories, "WEB_PATIENCE", 1.5)
    web, url = WebDirectory(), f"http://127.0.0.1:{silent.getsockname()[1]}/{{address}}"
    asking = [
        asyncio.ensure_future(web.ask(address(f"a{n}@example.org"), url)) for n in range(directories.MAX_REQUESTS)
    ]
    await asyncio.sleep(0)
    await asyncio.to_thread(lambda: None)
    assert not any(each.done() for each in asking), "a thread of everybody's was free meanwhile"
    assert {type(each) for each in await asyncio.gather(*asking)} == {Unknown}
    web.close()
    silent.close()


async def test_an_address_cannot_leave_its_place_in_the_url(service: str) -> None:
    Handler.asked.clear()
    await WebDirectory().ask(Address("../../secret?x=1&y#", "example.org"), service)
    assert Handler.asked == ["/users/..%2F..%2Fsecret%3Fx%3D1%26y%23@example.org"]


async def test_a_service_that_is_down_is_doubt() -> None:
    assert isinstance(await WebDirectory().ask(address("bob@example.org"), "http://127.0.0.1:1/{address}"), Unknown)
