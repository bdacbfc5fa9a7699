"""From newer knowledge to mail that is taken back, in the whole product with a real clamd and a real Dovecot.

    python -m tests.bench.retro_scan [--letters 20]

Delivers letters of which every second one carries what nobody knows yet. Then clamd's signatures change on disk, as
freshclam or an operator changes them, and later a rule of ours. Prints after how many seconds the pass began and ended,
and what is left in the mailbox.
"""

from __future__ import annotations

import argparse
import base64
import shutil
import signal
import time

from tests.e2e.gateway import ROOT, Gateway, eventually, running
from tests.e2e.letters import deliver, letter, store_folder
from tests.folders import passable_folder

SECRETS = {"a signature": b"the worm of this very morning", "a rule of ours": b"the worm of this afternoon"}


def carrying(secret: bytes) -> bytes:
    """A letter with an attachment that holds it."""
    content = base64.encodebytes(bytes(range(256)) + secret).decode()
    parts = (
        "--b\nContent-Type: text/plain\n\nThe drawing is attached.\n",
        '--b\nContent-Type: application/octet-stream; name="drawing.dwg"\nContent-Transfer-Encoding: base64\n'
        f'Content-Disposition: attachment; filename="drawing.dwg"\n\n{content}',
        "--b--\n",
    )
    return letter("".join(parts), extra=("Content-Type: multipart/mixed; boundary=b",))[1]


def in_store(gateway: Gateway) -> int:
    """Messages in alice's mailbox."""
    return sum(1 for each in store_folder(gateway).glob("*/*") if each.parent.name in ("new", "cur"))


def taken_back(gateway: Gateway, number: int) -> bool:
    """Whether so many were taken back."""
    return len(gateway.log("taken back")) >= number


def main() -> None:
    """Run, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--letters", type=int, default=20)
    number = parser.parse_args().letters
    with passable_folder() as folder:
        shutil.copytree(ROOT / "policies", folder / "policies")
        with running(folder / "data", POSTERN_POLICY=str(folder / "policies"), POSTERN_EDGES="1") as gateway:
            for _ in range(number):
                for secret in (*SECRETS.values(), b"nothing"):
                    deliver(gateway, carrying(secret))
            eventually(lambda: in_store(gateway) == 3 * number, within=120)
            eventually(lambda: len(gateway.log("retro-scan")) >= 2, within=120)  # it has learnt what is known now
            for done, (by, secret) in enumerate(SECRETS.items()):
                begun = time.monotonic()
                if by == "a signature":
                    file = gateway.data / "clamav" / "signatures" / "house.ndb"
                    file.write_text(f"House.Worm:0:*:{secret.hex()}\n")
                else:
                    rule = f'rule house_worm {{ strings: $worm = "{secret.decode()}" condition: $worm }}'
                    (folder / "policies" / "yara" / "house.yar").write_text(rule)
                    gateway.process.send_signal(signal.SIGHUP)
                eventually(lambda done=done: taken_back(gateway, number * done + 1), within=300)
                first = time.monotonic() - begun
                eventually(lambda done=done: taken_back(gateway, number * (done + 1)), within=300)
                print(f"{by}: first copy after {first:.1f} s, last of {number} after {time.monotonic() - begun:.1f} s")
                print(f"    {in_store(gateway)} of {3 * number} left in the mailbox")
            held = gateway.json("quarantine", "list", "--limit", "1000")
            print(f"{sum(each['quarantine'] == 'malware' for each in held)} held as malware")
            story = gateway.json("track", "--id", held[0]["message"])
            print(story[0].get("outcome"))


if __name__ == "__main__":
    main()
