"""The artefact on disk: what was written is read, what was tampered with is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.spam.artefact import FORMAT, ModelError, read, read_manifest, write
from gateway.spam.features import SIZE
from tests.spam.makings import manifest

WEIGHTS = np.linspace(-2, 2, 2 * SIZE).reshape(SIZE, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "model", manifest(), WEIGHTS)
    return tmp_path / "model"


def change(folder: Path, **more: Any) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **more}))


def test_what_is_written_is_read(folder: Path) -> None:
    found, weights = read(folder)
    assert found == manifest(sha256=found.sha256)
    assert np.allclose(weights, WEIGHTS, atol=2e-3)
    assert isinstance(weights, np.memmap)
    assert not weights.flags.writeable


def test_writing_twice_gives_the_same_octets(tmp_path: Path) -> None:
    assert write(tmp_path / "a", manifest(), WEIGHTS).sha256 == write(tmp_path / "b", manifest(), WEIGHTS).sha256


@pytest.mark.parametrize("place", [0, 200, 100_000, -1])
def test_one_changed_octet_is_refused(folder: Path, place: int) -> None:
    file = folder / "weights.npy"
    octets = bytearray(file.read_bytes())
    octets[place] ^= 1
    file.write_bytes(octets)
    with pytest.raises(ModelError, match="refused"):
        read(folder)


def test_missing_files_are_refused(folder: Path) -> None:
    (folder / "weights.npy").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        read(folder)
    with pytest.raises(ModelError, match="cannot be read"):
        read(folder / "nowhere")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 8), dtype=np.float16),
        np.zeros((SIZE, 2), dtype=np.float64),
        np.full((SIZE, 2), np.nan, dtype=np.float16),
        np.array([{"a": 1}], dtype=object),
    ],
    ids=["small", "double", "nan", "objects"],
)
def test_other_arrays_with_the_right_hash_are_refused(folder: Path, array: np.ndarray) -> None:
    file = folder / "weights.npy"
    np.save(file, array, allow_pickle=True)
    change(folder, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    with pytest.raises(ModelError, match=r"weights\.npy"):
        read(folder)


@pytest.mark.parametrize(
    "octets", [b"", b"{", b"[]", b"null", b"[" * 50_000, b"\xff\xfe", b'{"format": 2}', b"9" * 300_000]
)
def test_what_is_no_manifest_is_refused(folder: Path, octets: bytes) -> None:
    (folder / "manifest.json").write_bytes(octets)
    with pytest.raises(ModelError, match=r"manifest\.json"):
        read_manifest(folder)


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": FORMAT + 1},
        {"format": None},
        {"intercepts": [1.0]},
        {"intercepts": [1.0, float("nan")]},
        {"intercepts": "ab"},
        {"unwanted": {"slope": 1.0}},
        {"unwanted": {"slope": float("inf"), "intercept": 0.0}},
        {"phishing": None},
        {"corpus": ["ham"]},
        {"sources": {"a": "many"}},
        {"notes": None},
    ],
    ids=lambda wrong: json.dumps(wrong),
)
def test_a_manifest_with_a_wrong_value_is_refused(folder: Path, wrong: dict[str, Any]) -> None:
    change(folder, **wrong)
    with pytest.raises(ModelError):
        read_manifest(folder)


def test_weights_of_another_shape_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        write(tmp_path, manifest(), np.zeros((SIZE, 1)))
