"""The tokens of a CEL expression: enough to name the variables that it reads and the texts that it passes to functions.

The grammar is that of the CEL specification, "Syntax". Whether an expression is correct is for the engine to say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What a token is, as far as anybody here asks."""

    TEXT = "text"
    NAME = "name"
    DOUBLE = "double"
    INT = "int"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind, its characters, and the offset of the first."""

    kind: Kind
    text: str
    start: int


_RAW: Final = r"(?:[rR][bB]?|[bB][rR])"
_TOKEN = re.compile(
    rf"""
    (?P<blank> \s+ | //[^\n]* )
  | (?P<text>
        {_RAW} (?: \"\"\".*?\"\"\" | '''.*?''' | "[^"\n]*" | '[^'\n]*' )
      | [bB]? (?: \"\"\"(?:\\.|[^\\])*?\"\"\" | '''(?:\\.|[^\\])*?''' | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
    )
  | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
  | (?P<double> [0-9]+ (?: \.[0-9]+ (?:[eE][-+]?[0-9]+)? | [eE][-+]?[0-9]+ ) | \.[0-9]+ (?:[eE][-+]?[0-9]+)? )
  | (?P<int> 0x[0-9a-fA-F]+ | [0-9]+ )
  | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)


def tokens(expression: str) -> list[Token]:
    """The tokens in order, without blanks and comments. Any text has tokens."""
    found = _TOKEN.finditer(expression)
    return [Token(Kind(each.lastgroup), each[0], each.start()) for each in found if each.lastgroup != "blank"]


def variables(expression: str, declared: Collection[str]) -> frozenset[str]:
    """The declared variables that an expression reads: for every dotted chain the longest declared beginning."""
    return frozenset(name for chain in _chains(tokens(expression)) if (name := _declared_part(chain, declared)))


def _chains(all_tokens: list[Token]) -> Iterator[list[str]]:
    chain: list[str] = []
    after_dot = False
    for token in all_tokens:
        if token.kind is Kind.NAME and (after_dot or not chain):
            chain.append(token.text)
            after_dot = False
        elif token.text == "." and chain and not after_dot:
            after_dot = True
        else:
            yield chain
            chain, after_dot = ([token.text] if token.kind is Kind.NAME else []), False
    yield chain


def _declared_part(chain: list[str], declared: Collection[str]) -> str:
    for length in range(len(chain), 0, -1):
        name = ".".join(chain[:length])
        if name in declared:
            return name
    return ""


@dataclass(frozen=True, slots=True)
class TextArgument:
    """A literal text that is the last argument of a call: `x.function("text")` or `function(x, "text")`."""

    function: str
    literal: Token


def text_arguments(expression: str, functions: Collection[str]) -> list[TextArgument]:
    """The literal texts that an expression passes last to the functions named. A text that is put together from several
    is not among them."""
    found: list[TextArgument] = []
    calls: list[str] = []
    all_tokens = tokens(expression)
    for before, token, after in zip([None, *all_tokens[:-1]], all_tokens, [*all_tokens[1:], None], strict=True):
        if token.text == "(":
            calls.append(before.text if before is not None and before.kind is Kind.NAME else "")
        elif token.text == ")" and calls:
            calls.pop()
        elif (
            token.kind is Kind.TEXT
            and calls
            and calls[-1] in functions
            and before is not None
            and before.text in ("(", ",")
            and after is not None
            and after.text == ")"
        ):
            found.append(TextArgument(calls[-1], token))
    return found
