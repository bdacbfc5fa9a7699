"""Our DKIM and dkimpy's over a folder of real mail: every message signed by one and judged by the other, in each
canonical form, whole and then changed; and the body hashes that the messages' own signatures claim.

Run: `python -m tests.bench.dkim_differential FOLDER [NUMBER]`. Differences are printed, and make it exit 1. dkimpy gets
no body with long runs of white space, over which it takes minutes.
"""

from __future__ import annotations

import asyncio
import base64
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dkim as dkimpy
from dkim.canonicalization import CanonicalizationPolicy

from gateway.checks.authentication import canonical, dkim_signature
from gateway.checks.authentication.dkim import check_dkim
from gateway.checks.authentication.dkim_signature import Signature
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import Auth
from gateway.facts.outcome import Known
from gateway.mail.message import BadMessage, Message
from gateway.pipeline.signing import signature_fields
from gateway.pipeline.signing_key import SigningKey
from tests.checks.dkim_signer import pem, record, rsa_key

KEY = SigningKey("example.com", "s1", rsa_key(1024))
ZONE = ZoneResolver({KEY.name: [{"TXT": record(rsa_key(1024))}]})
FORMS = (b"simple", b"relaxed")
LARGEST = 300_000
_SLOW = re.compile(rb"[ \t\r\n]{2000}")


def messages(folder: Path, number: int) -> Iterator[tuple[Path, bytes]]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and file.stat().st_size < LARGEST)
    for file in files:
        octets = re.sub(rb"\r?\n", b"\r\n", file.read_bytes()).replace(b"\0", b"")
        if octets.startswith(b"From "):
            octets = octets.partition(b"\r\n")[2]
        if not octets.endswith(b"\r\n"):
            octets += b"\r\n"  # as SMTP carries it: of a last line without its end, dkimpy keeps the blanks
        try:
            message = Message.from_wire(octets)
        except BadMessage:
            continue
        if len(message.values(b"from")) == 1 and not _SLOW.search(octets) and octets[:1] not in b" \t":
            yield file, octets
            number -= 1
            if not number:
                return


def judge_ours(octets: bytes) -> bool:
    outcome = asyncio.run(check_dkim(ZONE, Message.from_wire(octets), now=1_700_000_000.0))
    assert isinstance(outcome, Known)
    return outcome.value.signatures[0].result is Auth.PASS


def judge_theirs(octets: bytes) -> bool | None:
    """None where the change left no message that dkimpy reads: a line that is no field, which we pass over."""
    try:
        return bool(dkimpy.verify(octets, dnsfunc=lambda *_, **__: record(rsa_key(1024)).encode()))
    except dkimpy.MessageFormatError:
        return None
    except dkimpy.DKIMException:
        return False


def signed_both_ways(octets: bytes) -> Iterator[tuple[str, bytes]]:
    for header in FORMS:
        for body in FORMS:
            field = dkimpy.sign(octets, b"s1", b"example.com", pem(rsa_key(1024)), canonicalize=(header, body))
            yield f"dkimpy {header.decode()}/{body.decode()}", field + octets
    yield "ours", signature_fields(Message.from_wire(octets), [KEY], prefix=b"", signed_at=1_700_000_000.0) + octets


def claimed_hashes(octets: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Our body hash and dkimpy's, in the form that each signature of the message names."""
    message = Message.from_wire(octets)
    for value in message.values(b"dkim-signature"):
        _, read = dkim_signature.read(value)
        if isinstance(read, Signature) and read.body_length is None:
            ours = canonical.body_hash(message.octets, message.body_offset, read.body_form).digest
            policy = CanonicalizationPolicy.from_c_value(f"simple/{read.body_form}".encode())
            theirs = dkimpy.HASH_ALGORITHMS[b"rsa-sha256"](policy.canonicalize_body(octets[message.body_offset :]))
            yield base64.b64encode(ours), base64.b64encode(theirs.digest())


def main() -> int:
    folder, number = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    counts: Counter[str] = Counter()
    for file, octets in messages(folder, number):
        counts["messages"] += 1
        for ours, theirs in claimed_hashes(octets):
            counts["own signatures"] += 1
            if ours != theirs:
                counts["DIFFERENT"] += 1
                print(f"body hash: {file}")
        try:
            versions = list(signed_both_ways(octets))
        except (dkimpy.DKIMException, ValueError) as error:
            counts[f"dkimpy cannot sign: {type(error).__name__}"] += 1
            continue
        for how, signed in versions:
            middle = len(signed) - len(octets) + len(octets) * 2 // 3
            changed = signed[:middle] + bytes([signed[middle] ^ 1 or 1]) + signed[middle + 1 :]
            for what, each in ((how, signed), (f"{how}, changed", changed)):
                try:
                    results = judge_ours(each), judge_theirs(each)
                except BadMessage:
                    continue
                counts["pairs of judgements" if results[1] is not None else "unreadable to dkimpy"] += 1
                if results[1] is not None and results[0] != results[1]:
                    counts["DIFFERENT"] += 1
                    print(f"{what}: ours {results[0]}, dkimpy {results[1]}: {file}")
    for name, count in counts.items():
        print(f"{name:<40}{count:>8}")
    return 1 if counts["DIFFERENT"] else 0


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
