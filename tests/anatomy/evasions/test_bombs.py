"""What grows without end is named within five seconds of CPU and 512 MB of address space, as in the jail."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.anatomy.evasions.archives import BOMBS
from tests.anatomy.making.letters import attachment, multipart

ROOT = Path(__file__).parents[3]
JUDGE = """
import sys
from pathlib import Path
from gateway.anatomy.examine import examine
print(*examine(Path(sys.argv[1]).read_bytes()).content.unscannable)
"""


def bounded():
    resource.setrlimit(resource.RLIMIT_CPU, (6, 6))  # one second goes into loading the room
    resource.setrlimit(resource.RLIMIT_AS, (512 * 1024 * 1024, 512 * 1024 * 1024))


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_named(name, tmp_path):
    path = tmp_path / "message"
    path.write_bytes(multipart(attachment(BOMBS[name](), "a.bin")))
    done = subprocess.run(
        [sys.executable, "-c", JUDGE, str(path)],
        cwd=ROOT,
        preexec_fn=bounded,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"archive.ratio", "archive.size", "archive.depth", "archive.parts"} & set(done.stdout.split())
