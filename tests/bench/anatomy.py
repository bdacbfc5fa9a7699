"""What it costs to take a message apart: the mail mix, real mail from a folder if one is named, and a message of 30 MB.

usage: python -m tests.bench.anatomy [FOLDER]
"""

from __future__ import annotations

import mmap
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, quantiles

from gateway.anatomy.examine import examine
from tests.bench.mail_mix import mail_mix

COUNT = 1_000
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def costs(messages: Sequence[bytes]) -> list[float]:
    """Milliseconds of CPU for each, the least of three."""
    found = []
    for message in messages:
        least = 1e9
        for _ in range(3):
            started = time.process_time_ns()
            examine(message)
            least = min(least, (time.process_time_ns() - started) / 1e6)
        found.append(least)
    return found


def said(what: str, milliseconds: list[float]) -> str:
    cuts = quantiles(milliseconds, n=100)
    return f"{what}: mean {mean(milliseconds):.2f} ms, p50 {cuts[49]:.2f}, p95 {cuts[94]:.2f}, p99 {cuts[98]:.2f}\n"


def large() -> str:
    """A message of 30 MB from a mapping, as a worker gets it, with the test string in its first part."""
    boundary = b"--B\r\nContent-Type: text/plain\r\n\r\n" + GTUBE + b"\r\n"
    head = b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n" + boundary
    file = b"--B\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    with tempfile.TemporaryFile() as stored:
        stored.write(head + file)
        for _ in range(30 * 1024):
            stored.write((b"QUJD" * 19 + b"\r\n") * 13 + b"QUJD" * 2 + b"\r\n")
        stored.write(b"--B--\r\n")
        stored.flush()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with mmap.mmap(stored.fileno(), 0, access=mmap.ACCESS_READ) as octets:
            started = time.process_time()
            content = examine(octets).content
            spent = time.process_time() - started
            size = len(octets) >> 20
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
    return f"{size} MB: {spent:.2f} s, {grown} MB more memory, GTUBE seen: {'test.gtube' in content.defects}\n"


def main() -> None:
    sys.stdout.write(large())
    messages = [mail.octets for mail in mail_mix(COUNT)[0]]
    sys.stdout.write(said(f"mail mix, {COUNT} messages of {mean(map(len, messages)) / 1024:.0f} KB", costs(messages)))
    if len(sys.argv) > 1:
        paths = [path for path in sorted(Path(sys.argv[1]).rglob("*")) if path.is_file()][::7][:COUNT]
        real = [path.read_bytes() for path in paths]
        sys.stdout.write(said(f"{len(real)} messages of {mean(map(len, real)) / 1024:.0f} KB", costs(real)))


if __name__ == "__main__":
    main()
