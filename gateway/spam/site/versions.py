"""Versions of a site's layer on disk: which serves, which served before, and going back.

`history` names them, the newest last; `-` stands for no layer. A version's folder is never changed once it is named.
Going back also holds the layer where it is: what was just taken away must not be learnt again behind one's back.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt

from gateway.spam.layer import LayerManifest, read_manifest, write

KEPT: Final = 5
NONE: Final = "-"


class Versions:
    """The versions in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._history = folder / "history"
        self._held = folder / "held"

    @property
    def current(self) -> Path | None:
        """The folder of the version that serves, or None where none does."""
        name = self._names()[-1]
        return None if name == NONE else self._folder / name

    @property
    def held(self) -> bool:
        """Whether somebody went back, and nothing new is to be learnt until they say so."""
        return self._held.exists()

    @property
    def held_since(self) -> float | None:
        """When the newest lesson was taught that counts while it is held, in seconds since 1970: 0.0 where none does;
        None where nothing is held. Raises `ModelError`."""
        if not self.held:
            return None
        serving = self.manifest()
        return 0.0 if serving is None else serving.until

    @property
    def changed(self) -> float:
        """When the serving version was last changed, in seconds since 1970; 0.0 for never."""
        return self._history.stat().st_mtime if self._history.exists() else 0.0

    def manifest(self) -> LayerManifest | None:
        """Of the version that serves. Raises `ModelError`."""
        current = self.current
        return None if current is None else read_manifest(current)

    def adopt(self, manifest: LayerManifest, weights: npt.NDArray[Any]) -> LayerManifest:
        """Let a new version serve. Whole on disk before it is named."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = Path(tempfile.mkdtemp(dir=self._folder, prefix=".new-"))
        try:
            written = write(aside, manifest, weights)
            target = self._folder / written.name
            if not target.exists():
                aside.rename(target)
            else:
                (aside / "manifest.json").replace(target / "manifest.json")
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        self._name([*self._names(), written.name])
        return written

    def retire(self) -> None:
        """Let none serve."""
        if self.current is not None:
            self._name([*self._names(), NONE])

    def go_back(self) -> bool:
        """Let the version before serve again, and hold it; whether there was any to leave."""
        names = self._names()
        if len(names) < 2:
            return False
        self._held.touch(mode=0o600)
        self._name(names[:-1])
        return True

    def go_on(self) -> None:
        """Learn again."""
        self._held.unlink(missing_ok=True)

    def _names(self) -> list[str]:
        try:
            found = self._history.read_text(encoding="ascii", errors="replace").split()
        except FileNotFoundError:
            found = []
        return [NONE] + [name for name in found if name == NONE or name.isalnum()]

    def _name(self, names: list[str]) -> None:
        kept = names[1:][-KEPT:]
        descriptor, aside = tempfile.mkstemp(dir=self._folder, prefix=".history-")
        with os.fdopen(descriptor, "w") as stream:
            stream.write("".join(f"{name}\n" for name in kept))
            stream.flush()
            os.fsync(stream.fileno())
        Path(aside).replace(self._history)
        for each in self._folder.iterdir():
            if each.is_dir() and each.name.isalnum() and each.name not in kept:
                shutil.rmtree(each, ignore_errors=True)
