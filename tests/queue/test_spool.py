from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.queue.identifiers import text_of
from gateway.queue.ledger.writer import no_steps
from gateway.queue.spool import IN_MEMORY, Incoming, OctetsGone, Spool


def never_owed(_id: int) -> bool:
    return False


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def filled(spool: Spool, octets: bytes, id: int = 7) -> Incoming:
    incoming = spool.incoming(id)
    incoming.write(octets)
    return incoming


@given(chunks=st.lists(st.binary(max_size=40_000), max_size=6))
def test_what_was_written_comes_back_whatever_the_chunks(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]
) -> None:
    incoming = Spool(tmp_path_factory.mktemp("spool")).incoming(1)
    for chunk in chunks:
        incoming.write(memoryview(chunk))
    assert incoming.finish()[:] == b"".join(chunks)
    assert incoming.size == sum(map(len, chunks))
    assert incoming.is_spooled == (incoming.size > IN_MEMORY)
    incoming.discard()


def test_small_octets_never_touch_the_disk(spool: Spool) -> None:
    assert isinstance(filled(spool, b"x" * IN_MEMORY).finish(), bytes)
    assert not list(spool.folder.iterdir())


def test_large_octets_cannot_be_changed(spool: Spool) -> None:
    octets = filled(spool, b"x" * (IN_MEMORY + 1)).finish()
    with pytest.raises(TypeError):
        octets[0:1] = b"y"  # type: ignore[index]


def test_nothing_can_be_written_after_finish(spool: Spool) -> None:
    incoming = filled(spool, b"x")
    incoming.finish()
    with pytest.raises(ValueError, match="complete"):
        incoming.write(b"y")


def test_discard_removes_the_file_and_may_be_called_again(spool: Spool) -> None:
    incoming = filled(spool, b"x" * 100_000)
    assert len(list(spool.folder.iterdir())) == 1
    incoming.discard()
    incoming.discard()
    assert not list(spool.folder.iterdir())


def test_discard_leaves_a_file_that_was_entrusted_to_the_ledger(spool: Spool) -> None:
    incoming = filled(spool, b"x" * 100_000)
    incoming.finish()
    incoming.settle(spool.folder, 9, no_steps)
    incoming.entrust()
    incoming.discard()
    assert spool.octets(9)[:] == b"x" * 100_000


def test_settling_flushes_before_it_renames_and_flushes_the_folder_last(spool: Spool) -> None:
    steps: list[tuple[str, list[str]]] = []
    incoming = filled(spool, b"x" * 100_000)
    incoming.finish()
    incoming.settle(spool.folder, 9, lambda step: steps.append((step, [path.name for path in spool.folder.iterdir()])))
    arriving, final = f"{text_of(7)}.arriving", text_of(9)
    assert steps == [
        ("spool:flushed", [arriving]),
        ("spool:renamed", [final]),
        ("spool:folder-flushed", [final]),
    ]


def test_a_mapping_outlives_its_file(spool: Spool) -> None:
    (spool.folder / text_of(3)).write_bytes(b"octets")
    octets = spool.octets(3)
    spool.remove_all([3, 4])
    assert octets[:] == b"octets"
    with pytest.raises(OctetsGone):
        spool.octets(3)


def test_a_full_disk_is_an_oserror(spool: Spool) -> None:
    spool.folder.rmdir()
    with pytest.raises(OSError, match="No such file"):
        filled(spool, b"x" * 100_000)


def test_a_discarded_message_cannot_be_settled(spool: Spool) -> None:
    incoming = filled(spool, b"x" * 100_000)
    incoming.discard()
    with pytest.raises(ValueError, match="discarded"):
        incoming.settle(spool.folder, 9, no_steps)


def test_collecting_takes_what_nobody_owes_and_leaves_the_rest(spool: Spool) -> None:
    for id in (1, 2):
        (spool.folder / text_of(id)).write_bytes(b"x")
    (spool.folder / f"{text_of(3)}.arriving").write_bytes(b"x")
    (spool.folder / "README").write_bytes(b"not ours")
    assert set(spool.collect(is_owed=lambda id: id == 1)) == {text_of(2), f"{text_of(3)}.arriving"}
    assert {path.name for path in spool.folder.iterdir()} == {text_of(1), "README"}


def test_collecting_leaves_what_is_still_arriving(spool: Spool) -> None:
    incoming = filled(spool, b"x" * 100_000)
    assert not list(spool.collect(is_owed=never_owed))
    incoming.finish()
    incoming.settle(spool.folder, 9, no_steps)
    assert not list(spool.collect(is_owed=never_owed))
    incoming.let_go()
    assert list(spool.collect(is_owed=never_owed)) == [text_of(9)]


def test_the_file_of_a_dead_process_is_collected(spool: Spool) -> None:
    program = (
        "import sys; from pathlib import Path; from gateway.queue.spool import Spool\n"
        "incoming = Spool(Path(sys.argv[1])).incoming(5); incoming.write(b'x' * 100_000)\n"
        "print('written', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(spool.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == b"written\n"
        assert not list(spool.collect(is_owed=never_owed))
        child.kill()
    assert list(spool.collect(is_owed=never_owed)) == [f"{text_of(5)}.arriving"]
