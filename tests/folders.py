"""Folders for programs under an account of their own.

Not below pytest's: each start of pytest shuts that folder against all others, beside whatever test runs there.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def passable_folder() -> Iterator[Path]:
    """A folder for data that root's unprivileged store can pass, too."""
    with tempfile.TemporaryDirectory(prefix="postern-") as name:
        Path(name).chmod(0o711)
        yield Path(name)
