"""What is wrong with a policy, said so that a person can mend it. The one exception of this room is here.

PolicyError (ValueError)    a policy cannot be used: their fault. It carries every problem that was found.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it stands (line and column count from 1), what is wrong, and how to mend it."""

    file: str
    line: int
    column: int
    text: str
    mend: str

    def __post_init__(self) -> None:
        # Both may quote what somebody wrote: whatever that was, each stays one printable line.
        object.__setattr__(self, "text", _one_line(self.text))
        object.__setattr__(self, "mend", _one_line(self.mend))

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text}\n    mend: {self.mend}"


class PolicyError(ValueError):
    """The policy cannot be used. `problems` names all that was found, by file and line; it is never empty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda each: (each.file, each.line, each.column, each.text)))
        super().__init__("\n".join(str(each) for each in self.problems))


def _one_line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def nearest(word: str, known: Sequence[str]) -> str:
    """What was probably meant, as a mend: the nearest known word if one is near, else all of them."""
    near = difflib.get_close_matches(word[:100], known, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"one of {', '.join(known)}" if known else "there is none to choose from"
