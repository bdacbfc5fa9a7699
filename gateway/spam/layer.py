"""The layer of this site over the shipped model: a second array of weights, learnt here, that adds a bounded share.

A version on disk is a folder: `weights.npy` (`SIZE` float16, log-odds) and `manifest.json` with its hash, the hash of
the model that it was learnt over, and the hash of its lessons. Nothing in it can run code; reading maps the file. A
layer over another model is refused: its weights mend faults that this one does not have.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gateway.spam.artefact import ModelError
from gateway.spam.features import SIZE

FORMAT: Final = 1
MOST: Final = 3.0
"""Log-odds that the layer may add to a score, or take from it."""
MAX_MANIFEST: Final = 16 * 1024

Weights = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class LayerManifest:
    """What a version is: the hash of its weights, of the model beneath, of what it learnt, and how many lessons of ham
    and of unwanted mail that was. `until` is when the newest of these was taught, in seconds since 1970. No time of its
    making: the same lessons give the same version."""

    sha256: str
    base: str
    lessons: str
    ham: int
    unwanted: int
    until: float = 0.0
    format: int = FORMAT

    @property
    def name(self) -> str:
        """The version, shortly."""
        return self.sha256[:12]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One loaded version."""

    manifest: LayerManifest
    weights: Weights

    def shares(self, buckets: npt.NDArray[Any], values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """What each feature adds to the score, in log-odds; together never more than `MOST` either way."""
        return bounded(self.weights[buckets].astype(np.float64) * values)


def bounded(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The shares, made smaller alike where their sum is beyond `MOST`."""
    total = abs(float(shares.sum()))
    return shares if total <= MOST else shares * (MOST / total)


def write(folder: Path, manifest: LayerManifest, weights: npt.NDArray[Any]) -> LayerManifest:
    """Write a version; returns the manifest with the hash filled in."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / "weights.npy"
    np.save(file, np.ascontiguousarray(weights, dtype=np.float16), allow_pickle=False)
    plain = {**asdict(manifest), "sha256": _hash(file)}
    (folder / "manifest.json").write_text(json.dumps(plain, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return read_manifest(folder)


def read(folder: Path, *, base: str) -> Layer:
    """A version over the model whose hash is `base`. Raises `ModelError` if it cannot be trusted or is over another."""
    manifest = read_manifest(folder)
    if manifest.base != base:
        raise ModelError(f"{folder}: was learnt over another model; `postern model update` learns again")
    file = folder / "weights.npy"
    try:
        found = _hash(file)
        if found != manifest.sha256:
            raise ModelError(f"{file}: its hash is {found[:12]}, the manifest says {manifest.name}; refused")
        weights = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError) as error:
        raise ModelError(f"{file}: cannot be read: {error}") from None
    if weights.shape != (SIZE,) or weights.dtype != np.float16 or not np.isfinite(weights).all():
        raise ModelError(f"{file}: expected {SIZE} finite float16")
    return Layer(manifest, weights)


def read_manifest(folder: Path) -> LayerManifest:
    """The manifest alone. Raises `ModelError`."""
    file = folder / "manifest.json"
    try:
        with file.open("rb") as stream:
            plain = json.loads(stream.read(MAX_MANIFEST))
        if plain["format"] != FORMAT:
            raise ModelError(f"{file}: not of the format that this version reads ({FORMAT})")
        return LayerManifest(
            sha256=str(plain["sha256"]),
            base=str(plain["base"]),
            lessons=str(plain["lessons"]),
            ham=int(plain["ham"]),
            unwanted=int(plain["unwanted"]),
            until=float(plain.get("until", 0.0)),
        )
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror}") from None
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{file}: not a manifest: {type(error).__name__}") from None
    except json.JSONDecodeError as error:
        raise ModelError(f"{file}: not a manifest: {error}") from None


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
