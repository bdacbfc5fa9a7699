"""The real readers in the real jail: what they find, and that nothing they need is missing in there."""

from __future__ import annotations

import asyncio
import base64
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.checks.anatomist.pool import AnatomistPool
from gateway.facts.content import ContentFact
from gateway.facts.outcome import Known, Unknown
from gateway.mail.message import Message

from .conftest import MEMORY

CHARSETS = [
    "utf-8",
    "utf-16",
    "iso-8859-2",
    "koi8-r",
    "shift_jis",
    "gb18030",
    "euc-kr",
    "big5",
    "utf-7",
    "windows-1255",
]


@pytest.fixture
async def anatomists() -> AsyncIterator[AnatomistPool]:
    async with await AnatomistPool.start(workers=2, timeout=10.0, memory=MEMORY, model=None) as pool:
        yield pool


def letter(*, charset: str = "utf-8", text: str = "hello", html: str = "<p>hello</p>", content: bytes = b"") -> Message:
    parts = [
        (f"text/plain; charset={charset}", text.encode(charset)),
        (f"text/html; charset={charset}", html.encode(charset)),
        ('application/octet-stream; name="a.zip"', content),
    ]
    body = b"".join(
        b"--b\r\nContent-Type: "
        + kind.encode()
        + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(octets).replace(b"\n", b"\r\n")
        for kind, octets in parts
    )
    return Message.from_wire(
        b"From: =?utf-8?b?R3LDvMOfZQ==?= <a@xn--bcher-kva.example>\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + body + b"--b--\r\n"
    )


async def content_of(pool: AnatomistPool, message: Message) -> ContentFact:
    examination = await pool.examine(message)
    assert isinstance(examination.content, Known), examination
    return examination.content.value


async def test_parts_links_and_members_are_found(anatomists: AnatomistPool) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("invoice.exe", b"MZ" + b"\0" * 500)
    html = '<a href="https://www.example.net/login">click</a>'
    found = await content_of(anatomists, letter(html=html, content=buffer.getvalue()))
    assert "invoice.exe" in {each.name for each in found.parts}
    assert "www.example.net" in {each.host for each in found.links}


@pytest.mark.parametrize("charset", CHARSETS)
async def test_every_codec_is_there_in_the_jail(anatomists: AnatomistPool, charset: str) -> None:
    found = await content_of(anatomists, letter(charset=charset, text="excerpt 123"))
    assert "excerpt 123" in found.excerpt


async def test_without_a_model_the_content_is_known_all_the_same(anatomists: AnatomistPool) -> None:
    examination = await anatomists.examine(letter())
    assert isinstance(examination.content, Known)
    assert examination.spam == Unknown("no model")
    assert anatomists.model_problem == "no model"


async def test_a_preview_is_text_and_harmless_html(anatomists: AnatomistPool) -> None:
    html = '<p onclick="steal()">dear reader</p><script>steal()</script><img src="https://tracker.example/x.png">'
    outcome = await anatomists.preview(letter(text="dear reader", html=html).octets)
    assert isinstance(outcome, Known), outcome
    preview = outcome.value
    assert "dear reader" in preview.text
    assert preview.html is not None
    assert "dear reader" in preview.html
    for danger in ("script", "onclick", "steal", 'tracker.example/x.png" '):
        assert danger not in preview.html


async def test_the_real_worker_cannot_break_out(anatomists: AnatomistPool) -> None:
    outcome = await anatomists.probe()
    assert isinstance(outcome, Known)
    assert outcome.value.leaks == ()


async def test_many_at_once(anatomists: AnatomistPool) -> None:
    messages = [letter(text=f"number {each}") for each in range(200)]
    found = await asyncio.gather(*(content_of(anatomists, each) for each in messages))
    assert [f"number {each}" in fact.excerpt for each, fact in enumerate(found)] == [True] * 200


async def test_a_model_that_is_refused_is_named_and_only_the_classifier_is_silent(tmp_path: Path) -> None:
    started = await AnatomistPool.start(workers=1, timeout=10.0, memory=MEMORY, model=tmp_path / "no-model")
    async with started as pool:
        assert pool.model_problem.startswith("model refused: ")
        examination = await pool.examine(letter())
    assert isinstance(examination.content, Known)
    assert examination.spam == Unknown(pool.model_problem)
