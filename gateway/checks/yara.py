"""The second engine: YARA-X, embedded. The only file that imports `yara_x`. Rules are compiled where they are trusted,
and travel as octets into the jail, where they meet hostile ones: scanning opens no file and starts no thread there.

Its own time limit would start a thread, so it has none: patterns are matched in linear time, and a worker that takes
too long is killed.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import yara_x

from gateway.facts.content import YaraFact

MAX_RULES: Final = 4 * 1024 * 1024
"""Octets of rules in one file."""
MAX_SCANNED: Final = 32 * 1024 * 1024
"""Octets of one part that are scanned; droppers are small, and what is larger is looked at from its beginning."""
MAX_MATCHES: Final = 32
"""Rules that one message is said to match."""


class RulesError(ValueError):
    """The rules cannot be used. The text names file and line, for people."""


def compile_rules(folder: Path) -> bytes:
    """All rules of a folder (`*.yar`), each file in a namespace of its own; empty where there are none. Raises
    RulesError. Rules may not include files."""
    files = sorted(folder.glob("*.yar")) if folder.is_dir() else []
    if not files:
        return b""
    compiler = yara_x.Compiler()
    compiler.enable_includes(False)
    try:
        for file in files:
            text = file.read_bytes()
            if len(text) > MAX_RULES:
                raise RulesError(f"{file.name}: larger than {MAX_RULES} octets")
            compiler.new_namespace(file.stem)
            compiler.add_source(text.decode("utf-8"), origin=file.name)
        compiled = io.BytesIO()
        compiler.build().serialize_into(compiled)
    except (yara_x.CompileError, OSError, UnicodeDecodeError) as error:
        raise RulesError(str(error)) from None
    return compiled.getvalue()


class Rules:
    """Compiled rules, ready to search. `version` tells one set from another."""

    def __init__(self, compiled: bytes) -> None:
        self.version = hashlib.sha256(compiled).hexdigest()[:12]
        self._scanner = yara_x.Scanner(yara_x.Rules.deserialize_from(io.BytesIO(compiled)))
        self.search(b"")  # what is made at the first use is made now

    def search(self, octets: bytes) -> list[str]:
        """The names of the rules that match, in the order of the files."""
        return [each.identifier for each in self._scanner.scan(octets[:MAX_SCANNED]).matching_rules]

    def fact(self, matches: Iterable[str]) -> YaraFact:
        """What was found over all parts, each name once."""
        return YaraFact(tuple(dict.fromkeys(matches))[:MAX_MATCHES], self.version)
