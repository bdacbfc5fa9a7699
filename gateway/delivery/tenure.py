"""One courier of a name at a time: a locked file proves that the one before is dead, for locks vanish with their
process. Who holds it may take back at once what that one had in hand; who does not waits until the leases run out, as
for the mail of any other courier.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def tenure(folder: Path, owner: str) -> Iterator[bool]:
    """Whether the name is ours alone for the length of the `with`. Never waits. Raises OSError when the file cannot be
    made."""
    with (folder / f"{owner}.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
