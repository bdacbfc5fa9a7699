"""The classifier on disk: a folder of plain arrays and a manifest that names their hashes. Nothing here can run code.

`models/<name>/`: `manifest.json`; `weights.npy` (`SIZE` rows of two float16: unwanted against ham, phishing against
spam; side by side, since both are always read); `MEASUREMENTS.md` (how good it is, and on what). Reading maps the file;
many processes share its pages.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gateway.spam.features import SIZE

FORMAT: Final = 3
MAX_MANIFEST: Final = 256 * 1024

Weights = npt.NDArray[np.float16]


class ModelError(ValueError):
    """The artefact cannot be trusted or read. The text says why."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """log-odds = slope * raw + intercept, fitted on mail whose sources were not in training (Platt scaling)."""

    slope: float = 1.0
    intercept: float = 0.0

    def of(self, raw: float) -> float:
        """The log-odds that a raw sum stands for."""
        return self.slope * raw + self.intercept


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artefact is. `sha256` is the hash of weights.npy; `corpus` counts the messages by class; `newest` is the
    date of the newest message that it learnt from, ISO or empty. No time of its making and no place: the same messages
    give the same artefact."""

    name: str
    newest: str
    sha256: str
    corpus: dict[str, int]
    sources: dict[str, int]
    versions: dict[str, str]
    unwanted: Calibration
    phishing: Calibration
    intercepts: tuple[float, float]
    seed: int = 0
    format: int = FORMAT
    notes: tuple[str, ...] = field(default=())


def write(folder: Path, manifest: Manifest, weights: npt.NDArray[Any]) -> Manifest:
    """Write the artefact; returns the manifest with the hash filled in."""
    if weights.shape != (SIZE, 2):
        raise ModelError(f"expected {SIZE} rows of two weights")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "weights.npy"
    np.save(file, np.ascontiguousarray(weights, dtype=np.float16), allow_pickle=False)
    plain = {**asdict(manifest), "sha256": _hash(file)}
    (folder / "manifest.json").write_text(json.dumps(plain, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return read_manifest(folder)


def read(folder: Path) -> tuple[Manifest, Weights]:
    """The manifest and the mapped weights. Raises `ModelError` if the hash is not the manifest's."""
    manifest = read_manifest(folder)
    file = folder / "weights.npy"
    try:
        found = _hash(file)
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror}") from None
    if found != manifest.sha256:
        raise ModelError(f"{file}: its hash is {found[:12]}, the manifest says {manifest.sha256[:12]}; refused")
    try:
        weights = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelError(f"{file}: cannot be read: {error}") from None
    if weights.shape != (SIZE, 2) or weights.dtype != np.float16:
        raise ModelError(f"{file}: expected {SIZE} rows of two float16")
    if not np.isfinite(weights).all():
        raise ModelError(f"{file}: holds what is no number")
    return manifest, weights


def read_manifest(folder: Path) -> Manifest:
    """The manifest alone. Raises `ModelError`."""
    file = folder / "manifest.json"
    try:
        with file.open("rb") as stream:
            plain = json.loads(stream.read(MAX_MANIFEST + 1)[:MAX_MANIFEST])
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{file}: not a manifest: {error}") from None
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise ModelError(f"{file}: not of the format that this version reads ({FORMAT}); train again")
    try:
        return _manifest(plain)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{file}: not a manifest: {type(error).__name__}: {error}") from None


def _manifest(plain: dict[str, Any]) -> Manifest:
    first, second = plain["intercepts"]
    return Manifest(
        name=str(plain["name"]),
        newest=str(plain.get("newest", "")),
        sha256=str(plain["sha256"]),
        corpus={str(key): int(count) for key, count in plain["corpus"].items()},
        sources={str(key): int(count) for key, count in plain["sources"].items()},
        versions={str(key): str(version) for key, version in plain["versions"].items()},
        unwanted=_calibration(plain["unwanted"]),
        phishing=_calibration(plain["phishing"]),
        intercepts=(_number(first), _number(second)),
        seed=int(plain["seed"]),
        notes=tuple(str(note) for note in plain["notes"]),
    )


def _calibration(plain: dict[str, Any]) -> Calibration:
    return Calibration(slope=_number(plain["slope"]), intercept=_number(plain["intercept"]))


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("a number is not finite")
    return number


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
