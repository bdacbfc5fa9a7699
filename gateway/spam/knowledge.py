"""What is known before anything is learnt: tricks that honest mail does not play, and that archives hold too few of.

Training starts from these weights and is held to them; evidence moves them. They are few, they speak of intent and not
of looks, and each says in words what it saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

KNOWN: Final[Mapping[str, float]] = MappingProxyType(
    {
        "author's name hides characters inside words": 12.0,
        "author's name imitates letters": 6.0,
        "author's name mixes scripts inside a word": 10.0,
        "author's name shows another address": 8.0,
        "subject hides characters inside words": 12.0,
        "subject imitates letters": 6.0,
        "subject mixes scripts inside a word": 10.0,
        "text hides characters inside words": 8.0,
        "text imitates letters": 3.0,
        "text mixes scripts inside a word": 4.0,
        "asks for a password in the message": 10.0,
        "most of its text is hidden": 3.0,
        "link hides its host behind a user name": 10.0,
        "link's host is a bare number": 4.0,
        "link's host is in punycode": 3.0,
        "link's text shows another site": 2.0,
    }
)
"""Fact to weight; one fact counts `features.FACT_VALUE`."""
