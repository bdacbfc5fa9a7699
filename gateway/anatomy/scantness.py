"""Whether a message says so little that no guess about it should keep it from its reader: a few words of plain text
with nothing to open, follow, call, write or pay to. "Test" and "Thanks!" are mail; statistics know nothing of either.

Pure. Says nothing about who wrote it.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.anatomy import types
from gateway.facts.content import ContentFact

MAX_WORDS: Final = 12
"""Words of subject and text together. A character of a script that sets no spaces counts as one."""
MAX_WORD: Final = 24
"""Characters of a word; what is longer is a key, a token, an account."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_WAY_ON: Final = re.compile(r"\w\.\w{2}|\w@\w|://|(?:\d[\s().+/-]*){7}")
"""A host name, an address, a link, a number that can be called."""


def is_scant(content: ContentFact, *, subject: str, text: str) -> bool:
    """Whether the subject and the visible text are all that there is, and hardly anything."""
    if content.links or content.unscannable or not all(_is_bare(part.true_type, part.name) for part in content.parts):
        return False
    if len(content.parts) > 1 or any(each.startswith("mime.ambiguous") for each in content.defects):
        return False
    said = f"{subject}\n{text}"
    if len(said) > MAX_WORDS * (MAX_WORD + 1):
        return False
    words = _WORD.findall(said)
    return len(words) <= MAX_WORDS and all(len(word) <= MAX_WORD for word in words) and not _WAY_ON.search(said)


def _is_bare(true_type: str, name: str) -> bool:
    return not name and true_type == types.TEXT
