"""Whether HTML is built so that a parser's work stays linear: elements inside each other, attributes of one element. A
scan of the tags alone, before any tree is made. It may call honest HTML too deep, hardly ever the other way round."""

from __future__ import annotations

import re
from typing import Final

_SMALL: Final = 16 * 1024
"""Characters in which the worst nesting costs less than 30 ms: such a part is not scanned."""

_COMMENT: Final = r"!--.*?(?:-->|\Z)"
_ATTRIBUTES: Final = r"[^>\"']*+(?:\"[^\"]*\"[^>\"']*+|'[^']*'[^>\"']*+)*+"
_TAG: Final = re.compile(rf"<(?:{_COMMENT}|(/?)([a-zA-Z][^\s/>]{{0,40}})[^\s/>]*{_ATTRIBUTES}>?)", re.DOTALL)
_ATTRIBUTES_OF_TAG: Final = re.compile(rf"<(?:{_COMMENT}|/?[a-zA-Z][^\s/>]*({_ATTRIBUTES})>?)", re.DOTALL)
_ATTRIBUTE_START: Final = re.compile(r"[\s/\"'][^\s/>=\"']")
_NO_DEPTH_WORDS: Final = """
    area base br col embed hr img input link meta param source track wbr p li td th tr tbody thead tfoot option dt dd
    colgroup
"""
_NO_DEPTH: Final = frozenset(_NO_DEPTH_WORDS.split())
"""Void elements, and those that the next of their kind closes."""


def is_within(markup: str, *, depth: int, attributes: int) -> bool:
    """Whether at most so many elements are open at once, and no element has more attributes."""
    if len(markup) <= _SMALL and markup.count("<") <= depth:
        return True
    return not _has_more_attributes(markup, attributes) and not _is_deeper(markup, depth)


def _has_more_attributes(markup: str, most: int) -> bool:
    """An attribute is two characters at least: hardly any tag is long enough to be counted."""
    long = (each for each in _ATTRIBUTES_OF_TAG.findall(markup) if len(each) > 2 * most)
    return any(len(_ATTRIBUTE_START.findall(each)) > most for each in long)


def _is_deeper(markup: str, depth: int) -> bool:
    if markup.count("<") <= depth:
        return False
    open_by_name: dict[str, int] = {}
    opened = 0
    for match in _TAG.finditer(markup):
        name = (match[2] or "").lower()
        if not name or name in _NO_DEPTH:
            continue
        count = open_by_name.get(name, 0)
        if not match[1]:
            open_by_name[name] = count + 1
            opened += 1
            if opened > depth:
                return True
        elif count:
            open_by_name[name] = count - 1
            opened -= 1
    return False
