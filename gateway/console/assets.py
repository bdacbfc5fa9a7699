"""Our own few files for browsers, each under a name that carries its content's hash, so that it may be kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent / "static"
TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    content: bytes
    media_type: str


class Assets:
    """All files of the folder, read once."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._names: dict[str, str] = {}
        self._assets: dict[str, Asset] = {}
        for file in sorted(folder.iterdir()):
            if file.suffix in TYPES:
                content = file.read_bytes()
                name = f"{file.stem}.{hashlib.sha256(content).hexdigest()[:12]}{file.suffix}"
                self._names[file.name] = name
                self._assets[name] = Asset(content, TYPES[file.suffix])

    def path(self, name: str) -> str:
        """The address under which the file of that name is served. Raises KeyError: a page names what is not there."""
        return f"/static/{self._names[name]}"

    def find(self, hashed_name: str) -> Asset | None:
        """The file of that hashed name."""
        return self._assets.get(hashed_name)
