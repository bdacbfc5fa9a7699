"""gateway/pipeline/looking.py: what is sent to the engine, what its answers make together, and the real clamd behind
the real anatomist."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.checks.anatomist.pool import AnatomistPool
from gateway.checks.anatomist.wire import Examination
from gateway.checks.leaves import Leaf, Wanted
from gateway.checks.malware.clamav import Clamav
from gateway.facts.content import ContentFact, EngineFact, MalwareFact, MalwareResult
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail.message import Message, Octets
from gateway.pipeline.looking import look, together
from tests.checks.running_clamd import ClamdProcess, real_plan

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + rb"ANTIVIRUS-TEST-FILE!$H+H*"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
CLEAN = Known(MalwareFact(MalwareResult.CLEAN))
FOUND = Known(MalwareFact(MalwareResult.FOUND, "Eicar"))
UNSCANNABLE = Known(MalwareFact(MalwareResult.UNSCANNABLE, "size limit"))
DOUBT = Unknown("clamd unreachable")


class Engine:
    """Says what the test wants about octets, and remembers what it was sent."""

    def __init__(self, answers: dict[bytes, Outcome[MalwareFact]] | None = None) -> None:
        self._answers = answers or {}
        self.sent: list[bytes] = []

    async def scan(self, octets: Octets) -> Outcome[MalwareFact]:
        self.sent.append(bytes(octets))
        return self._answers.get(bytes(octets), CLEAN)

    def standing(self) -> Outcome[EngineFact]:
        return Known(EngineFact("test"))


def examination(content: ContentFact, *leaves: Leaf, left_out: bool = False) -> Examination:
    return Examination(Known(content), Unknown("no model"), leaves=leaves, left_out=left_out)


def letter(*parts: tuple[str, bytes], text: str = "See the attachment.") -> bytes:
    """A message with a text and attachments of these names."""
    body = [f"Content-Type: text/plain\r\n\r\n{text}\r\n"]
    body += [
        f'Content-Type: application/octet-stream; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n{base64.encodebytes(octets).decode()}'
        for name, octets in parts
    ]
    joined = "".join(f"--b\n{each}\n" for each in body)
    head = "From: ann@friend.example\nSubject: Hello\nDate: Mon, 02 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n"
    whole = f'{head}Content-Type: multipart/mixed; boundary="b"\n\n{joined}--b--\n'
    return whole.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def zipped(name: str, octets: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, octets)
    return buffer.getvalue()


# ---------------------------------------------------------------- what the answers make together


@pytest.mark.parametrize(
    ("said", "is_said"),
    [
        ([CLEAN, CLEAN], CLEAN),
        ([CLEAN, UNSCANNABLE], UNSCANNABLE),
        ([UNSCANNABLE, DOUBT, CLEAN], DOUBT),
        ([DOUBT, FOUND, UNSCANNABLE], FOUND),
    ],
    ids=["clean", "unscannable", "doubt", "found"],
)
def test_the_worst_that_was_said_is_what_is_known(
    said: list[Outcome[MalwareFact]], is_said: Outcome[MalwareFact]
) -> None:
    assert together(said) == is_said


async def test_a_finding_names_the_part() -> None:
    engine = Engine({b"evil": FOUND})
    fact = await look(engine, b"whole", examination(ContentFact(), Leaf("1", b"good"), Leaf("2/0", b"evil")))
    assert fact == Known(MalwareFact(MalwareResult.FOUND, "Eicar", part="2/0"))
    assert engine.sent == [b"good", b"evil"]


@pytest.mark.parametrize(
    "seen",
    [
        examination(ContentFact(defects=("mime.ambiguous",)), Leaf("1", b"leaf")),
        examination(ContentFact(unscannable=("archive.ratio",)), Leaf("1", b"leaf")),
        examination(ContentFact(), Leaf("1", b"leaf"), left_out=True),
        examination(ContentFact()),
        Examination(DOUBT, DOUBT, DOUBT),
    ],
    ids=["ambiguous", "not all seen", "more leaves than the bound", "no leaves", "the worker died"],
)
async def test_the_whole_message_goes_too_where_its_parts_do_not_say_all(seen: Examination) -> None:
    engine = Engine({b"whole": FOUND})
    assert await look(engine, b"whole", seen) == FOUND


# ---------------------------------------------------------------- what the real anatomist hands on


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def anatomists() -> AsyncIterator[AnatomistPool]:
    async with await AnatomistPool.start(workers=1, timeout=30.0, memory=1 << 30, model=None) as pool:
        yield pool


@pytest.mark.asyncio(loop_scope="module")
async def test_pictures_that_are_called_pictures_are_not_sent(anatomists: AnatomistPool) -> None:
    message = Message.from_wire(letter(("cat.png", PICTURE), ("a.bin", b"\0unknown" * 9)))
    seen = await anatomists.examine(message, Wanted.RISKY)
    assert {leaf.path: leaf.octets[:4] for leaf in seen.leaves} == {"1": b"See ", "3": b"\0unk"}
    assert len((await anatomists.examine(message, Wanted.ALL)).leaves) == 3
    assert (await anatomists.examine(message)).leaves == ()


@pytest.mark.asyncio(loop_scope="module")
async def test_where_a_name_lies_no_picture_is_taken_at_its_word(anatomists: AnatomistPool) -> None:
    seen = await anatomists.examine(Message.from_wire(letter(("cat.png.exe", PICTURE))), Wanted.RISKY)
    assert PICTURE in [leaf.octets for leaf in seen.leaves]


@pytest.mark.asyncio(loop_scope="module")
async def test_large_leaves_travel_whole(anatomists: AnatomistPool) -> None:
    large = bytes(range(256)) * 20_000
    seen = await anatomists.examine(Message.from_wire(letter(("a.bin", large))), Wanted.RISKY)
    assert large in [leaf.octets for leaf in seen.leaves]


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_beyond_the_bound_is_said_to_be_left_out(
    anatomists: AnatomistPool,
) -> None:
    many = [(f"{number}.bin", b"\0%d" % number) for number in range(300)]
    seen = await anatomists.examine(Message.from_wire(letter(*many)), Wanted.RISKY)
    assert seen.left_out
    assert len(seen.leaves) == 256


# ---------------------------------------------------------------- the real clamd


FORWARDED = (
    b"Content-Type: message/rfc822\r\n\r\nFrom: x@y.example\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(EICAR).replace(b"\n", b"\r\n")
)
HIDDEN = {
    "plain": letter(("eicar.com", EICAR)),
    "in the text": letter(text=EICAR.decode()),
    "zip": letter(("a.zip", zipped("eicar.com", EICAR))),
    "zip in zip": letter(("a.zip", zipped("b.zip", zipped("eicar.com", EICAR)))),
    "base64 in a forwarded message": b"From: ann@friend.example\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n' + FORWARDED + b"--b--\r\n",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clamav]:
    plan = real_plan(tmp_path_factory.mktemp("clamd") / "clamav")
    process = ClamdProcess(plan)
    await process.start()
    clamav = Clamav(plan.address, 20.0, 4)
    yield clamav
    await clamav.close()
    await process.stop()


@pytest.mark.clamd
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("wanted", Wanted, ids=lambda each: each.name.lower())
@pytest.mark.parametrize("how", HIDDEN)
async def test_the_test_file_is_found_however_it_is_packed(
    how: str, wanted: Wanted, anatomists: AnatomistPool, engine: Clamav
) -> None:
    message = Message.from_wire(HIDDEN[how])
    fact = await look(engine, message.octets, await anatomists.examine(message, wanted))
    assert isinstance(fact, Known), fact
    assert fact.value.result is MalwareResult.FOUND
    assert "eicar" in fact.value.name.lower()
    assert bool(fact.value.part) is (wanted is not Wanted.NONE)


@pytest.mark.clamd
@pytest.mark.asyncio(loop_scope="module")
async def test_a_harmless_letter_is_clean(anatomists: AnatomistPool, engine: Clamav) -> None:
    message = Message.from_wire(letter(("cat.png", PICTURE), ("notes.txt", b"hello")))
    fact = await look(engine, message.octets, await anatomists.examine(message, Wanted.RISKY))
    assert isinstance(fact, Known)
    assert fact.value.result is MalwareResult.CLEAN
