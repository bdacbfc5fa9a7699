"""YARA rules in the jail: a match comes out of it, and other rules take over without a message lost."""

from __future__ import annotations

import asyncio
import base64
import io

import zxingcpp
from PIL import Image

from gateway.checks.anatomist.pool import AnatomistPool
from gateway.checks.malware.yara import compile_rules
from gateway.facts.content import YaraFact
from gateway.facts.outcome import Known, Skipped
from gateway.mail.message import Message

from .conftest import MEMORY

LETTER = Message.from_wire(b"From: a@b.example\r\nDate: x\r\n\r\nthe first word and the second\r\n")


def rules(tmp_path, word):
    (tmp_path / "a.yar").write_text(f'rule {word} {{ strings: $a = "{word}" condition: $a }}')
    return compile_rules(tmp_path)


async def matches(pool):
    outcome = (await pool.examine(LETTER)).yara
    assert isinstance(outcome, Known)
    assert isinstance(outcome.value, YaraFact)
    return outcome.value.matches


async def test_a_match_comes_out_of_the_jail(tmp_path):
    first = rules(tmp_path, "first")
    async with await AnatomistPool.start(workers=1, timeout=20.0, memory=MEMORY, model=None, rules=first) as pool:
        assert await matches(pool) == ("first",)


async def test_other_rules_take_over_while_mail_flows(tmp_path):
    first, second = rules(tmp_path, "first"), rules(tmp_path, "second")
    async with await AnatomistPool.start(workers=2, timeout=20.0, memory=MEMORY, model=None, rules=first) as pool:
        before = [asyncio.ensure_future(matches(pool)) for _ in range(20)]
        await asyncio.sleep(0)
        pool.use(rules=second, layer=None)
        assert set(await asyncio.gather(*before)) <= {("first",), ("second",)}
        assert await matches(pool) == ("second",)


async def test_without_rules_nobody_looks():
    async with await AnatomistPool.start(workers=1, timeout=20.0, memory=MEMORY, model=None) as pool:
        assert isinstance((await pool.examine(LETTER)).yara, Skipped)


async def test_a_code_in_a_picture_is_read_in_the_jail():
    code = zxingcpp.create_barcode("https://evil.example/", zxingcpp.BarcodeFormat.QRCode).to_image(scale=4)
    buffer = io.BytesIO()
    Image.fromarray(code).save(buffer, "PNG")
    head = b"From: a@b.example\r\nDate: x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    message = Message.from_wire(head + base64.encodebytes(buffer.getvalue()).replace(b"\n", b"\r\n"))
    async with await AnatomistPool.start(workers=1, timeout=20.0, memory=MEMORY, model=None) as pool:
        outcome = (await pool.examine(message)).content
    assert isinstance(outcome, Known)
    assert [link.place for link in outcome.value.links] == ["qr"]
