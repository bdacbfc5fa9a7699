"""The classifier on disk: a folder of plain arrays and a manifest that names their hashes. Nothing here can run code.

`models/<name>/`: `manifest.json`, `weights.npy` (two rows of 2^18 float32: ham against the rest, spam against
phishing),
`MEASUREMENTS.md` (how good it is, and on what). Reading maps the file; many processes share its pages.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.spam.features import SIZE

FORMAT: Final = 1
MAX_MANIFEST: Final = 256 * 1024

Weights = npt.NDArray[np.float32]


class ModelError(ValueError):
    """The artefact cannot be trusted or read. The text says why."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """log-odds = slope * raw + intercept, fitted on mail whose sources were not in training (Platt scaling)."""

    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artefact is. `sha256` is the hash of weights.npy; `corpus` counts the messages by class."""

    name: str
    created: str
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


def write(folder: Path, manifest: Manifest, weights: Weights) -> Manifest:
    """Write the artefact; returns the manifest with the hash filled in."""
    if weights.shape != (2, SIZE):
        raise ModelError(f"expected two rows of {SIZE} weights")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "weights.npy"
    np.save(file, weights.astype(np.float32), allow_pickle=False)
    plain = {**asdict(manifest), "sha256": _hash(file)}
    (folder / "manifest.json").write_text(json.dumps(plain, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return read_manifest(folder)


def read(folder: Path) -> tuple[Manifest, Weights]:
    """The manifest and the mapped weights. Raises `ModelError` if the hash is not the manifest's."""
    manifest = read_manifest(folder)
    file = folder / "weights.npy"
    try:
        found = _hash(file)
        weights = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ModelError(f"{file}: cannot be read: {error}") from None
    if found != manifest.sha256:
        raise ModelError(f"{file}: its hash is {found[:12]}, the manifest says {manifest.sha256[:12]}; refused")
    if weights.shape != (2, SIZE) or weights.dtype != np.float32:
        raise ModelError(f"{file}: expected two rows of {SIZE} float32")
    return manifest, weights


def read_manifest(folder: Path) -> Manifest:
    """The manifest alone. Raises `ModelError`."""
    file = folder / "manifest.json"
    try:
        octets = file.read_bytes()[: MAX_MANIFEST + 1]
        plain = json.loads(octets)
        if plain["format"] != FORMAT:
            raise ModelError(f"{file}: format {plain['format']} is not the one that this version reads ({FORMAT})")
        return Manifest(
            **{
                **plain,
                "unwanted": Calibration(**plain["unwanted"]),
                "phishing": Calibration(**plain["phishing"]),
                "intercepts": (float(plain["intercepts"][0]), float(plain["intercepts"][1])),
                "notes": tuple(plain["notes"]),
            }
        )
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{file}: not a manifest: {error}") from None


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
