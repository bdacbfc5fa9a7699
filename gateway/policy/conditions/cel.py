"""Conditions: the only door to CEL (cel-expr-python, Google's C++ engine). Compiled once, asked often.

An answer is TRUE, FALSE or UNKNOWN. A fact that nobody could tell is left out of the activation; the engine then works
it out as three-valued logic does (`unknown || true` is true), and whatever fails while it runs is UNKNOWN as well,
never FALSE. Expressions are bounded in length here, in depth and in steps by the engine; its regular expressions are
RE2, so that no message can make one run long.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from cel_expr_python import cel

from gateway.policy.conditions import tokens
from gateway.policy.conditions.lookalikes import Lookalikes, People
from gateway.policy.conditions.vocabulary import ABSENT, VARIABLES, Case, Scope, Type, Variable
from gateway.policy.lists import Lists, in_network, under
from gateway.policy.problem import nearest

MAX_EXPRESSION: Final = 4096
"""Characters of one condition. A longer one is a list: write it as such."""


class Answer(Enum):
    """The three answers of a condition."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Truth:
    """An answer. For UNKNOWN, `missing` names the variables that could not be told, `why` says what else went wrong."""

    answer: Answer
    missing: tuple[str, ...] = ()
    why: str = ""


TRUE: Final = Truth(Answer.TRUE)
FALSE: Final = Truth(Answer.FALSE)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an expression, how many characters into it, and how to mend it."""

    offset: int
    text: str
    mend: str


class ConditionError(ValueError):
    """The expression cannot be compiled. `faults` is never empty."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(each.text for each in faults))


_CEL_TYPES: Final[Mapping[Type, Any]] = {
    Type.TEXT: cel.Type.STRING,
    Type.TEXTS: cel.Type.List(cel.Type.STRING),
    Type.WHOLE: cel.Type.INT,
    Type.NUMBER: cel.Type.DOUBLE,
    Type.YES_NO: cel.Type.BOOL,
}


@dataclass(frozen=True, slots=True)
class Function:
    """One of our own functions, for the reference: how it is called and what it says."""

    name: str
    call: str
    meaning: str


FUNCTIONS: Final = (
    Function("in_network", 'TEXT.in_network("192.0.2.0/24")', "The address stands in the network (CIDR)"),
    Function("under", 'TEXT.under("example.com")', "The domain, or the domain of the address, is that one or below it"),
    Function("in_list", 'TEXT.in_list("partners")', "An entry of the list matches, and it has not ended"),
    Function("any_in_list", 'TEXTS.any_in_list("partners")', "The same for any of several texts"),
    Function(
        "resembles",
        'TEXT.resembles("our_domains")',
        "The domain, or the domain of the address, is made to look like one of the list, and is none of it",
    ),
    Function("any_resembles", 'TEXTS.any_resembles("our_domains")', "The same for any of several domains"),
    Function("names_one_of", 'TEXT.names_one_of("vip")', "All words of a name in the list stand in the display name"),
)

_OF_LISTS: Final = ("in_list", "any_in_list", "resembles", "any_resembles", "names_one_of")
"""Those that take the name of a list."""

# The functions of CEL's standard library that people use in conditions; for suggestions only.
_STANDARD: Final = ("size", "startsWith", "endsWith", "contains", "matches", "exists", "exists_one", "all", "filter")

# Membership in a list is a question of time. The engine binds functions once and for all, so the time of the message
# travels beside the activation: set just around an evaluation, for this thread only.
_AT: ContextVar[float] = ContextVar("at")


class Facts:
    """The values of one message, as conditions see them. A variable that could not be told is not among them."""

    def __init__(self, values: Mapping[str, Any], *, at: float) -> None:
        self.values = values
        self.at = at
        self._activation: Any = None

    def activation(self, environment: Any) -> Any:
        """The engine's form of the values, made at the first question."""
        if self._activation is None:
            self._activation = environment.Activation(dict(self.values))
        return self._activation

    def with_recipient(self, address: str) -> Facts:
        """The same for one recipient."""
        address = printable(address.lower())
        recipient = {"recipient.address": address, "recipient.domain": address.rpartition("@")[2]}
        return Facts({**self.values, **recipient}, at=self.at)


def facts_of(case: Case, names: Collection[str]) -> Facts:
    """Read those variables from the evidence."""
    read = {name: VARIABLES[name].read(case) for name in names}
    return Facts(
        {name: _clean(each) for name, each in read.items() if each is not ABSENT}, at=case.evidence.received_at
    )


def _clean(value: Any) -> Any:
    """The engine takes no lone surrogates, and they stand in hostile header fields."""
    if isinstance(value, str):
        return printable(value)
    return [printable(each) for each in value] if isinstance(value, list) else value


def printable(text: str) -> str:
    """The text with `?` for what is no character of Unicode."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


class Condition:
    """One compiled expression."""

    def __init__(self, text: str, *, names: frozenset[str], program: Any, environment: Any) -> None:
        self.text = text
        self.names = names
        self.about_recipient = any(VARIABLES[name].scope is Scope.RECIPIENT for name in names)
        self._program = program
        self._environment = environment

    def ask(self, facts: Facts) -> Truth:
        """The answer for these facts. Never raises."""
        before = _AT.set(facts.at)
        try:
            value = self._program.eval(facts.activation(self._environment)).value()
        except RuntimeError as error:  # the engine gave up: too many steps
            value = str(error)
        finally:
            _AT.reset(before)
        if value is True:
            return TRUE
        if value is False:
            return FALSE
        missing = tuple(sorted(name for name in self.names if name not in facts.values))
        return Truth(Answer.UNKNOWN, missing, "" if missing else str(value)[:200])


class Language:
    """CEL with the variables of one scope, our functions, and the lists of one policy."""

    def __init__(self, variables: Mapping[str, Variable], lists: Lists) -> None:
        self._variables = variables
        self._lists = lists
        self._environment = cel.NewEnv(
            variables={name: _CEL_TYPES[each.type] for name, each in variables.items()},
            functions=_functions(lists),
        )

    def compile(self, text: str) -> Condition:
        """Raises `ConditionError` with every fault that was found."""
        if len(text) > MAX_EXPRESSION:
            raise ConditionError((Fault(0, f"longer than {MAX_EXPRESSION} characters", "put the values in a list"),))
        try:
            program = self._environment.compile(text)
        except (RuntimeError, TypeError) as error:
            raise ConditionError(tuple(self._faults(text, str(error)))) from None
        if program.return_type() != cel.Type.BOOL:
            kind = program.return_type().name().lower()
            fault = Fault(0, f"a condition is true or false, and this is a {kind}", "compare it with something")
            raise ConditionError((fault,))
        if faults := tuple(self._wrong_arguments(text)):
            raise ConditionError(faults)
        names = tokens.variables(text, self._variables)
        return Condition(text, names=names, program=program, environment=self._environment)

    def _faults(self, text: str, said: str) -> Iterator[Fault]:
        """What the engine says, one fault for each of its errors."""
        found = list(_ENGINE_ERROR.finditer(said))
        for each in found:
            offset = _offset(text, int(each[1]), int(each[2]))
            if undeclared := _UNDECLARED.match(each[3]):
                yield self._unknown_name(text, undeclared[1], offset)
            elif types := _NO_OVERLOAD.match(each[3]):
                yield _wrong_types(text, types[1].strip("_"), types[2].split(", "), offset)
            else:
                yield Fault(offset, each[3].partition(" expecting {")[0], "check quotes, brackets and operators here")
        if not found:
            yield Fault(0, said.partition(" [")[0][:200], "write it shorter and flatter")

    def _unknown_name(self, text: str, name: str, offset: int) -> Fault:
        begin = text.rfind(name, 0, offset + len(name))
        offset = begin if begin >= 0 else offset
        if name in VARIABLES:
            mend = "ask for it in `rules`"
            return Fault(offset, f"`{name}` is not known yet when a client connects", mend)
        known = [*self._variables, *(each.name for each in FUNCTIONS), *_STANDARD]
        near = nearest(name, known)
        return Fault(offset, f"there is no `{name[:60]}`", near if near.startswith("did") else _REFERENCE)

    def _wrong_arguments(self, text: str) -> Iterator[Fault]:
        """Literal texts that the type checker takes, and that could never work."""
        given = tokens.text_arguments(text, (*_OF_LISTS, "in_network", "matches"))
        for each in given:
            offset = each.literal.start
            value = str(self._environment.compile(each.literal.text).eval().value())
            if each.function == "matches":
                answer = self._environment.compile(f"''.matches({each.literal.text})").eval().value()
                if not isinstance(answer, bool):
                    wrong = str(answer).partition("invalid regular expression: ")[2] or str(answer)
                    yield Fault(offset, f"not a regular expression: {wrong}", "write it in the syntax of RE2")
            elif each.function == "in_network":
                if not _is_network(value):
                    yield Fault(offset, f"`{value[:60]}` is not a network", "write one like `192.0.2.0/24`")
            elif value not in self._lists:
                yield Fault(offset, f"there is no list `{value[:60]}`", nearest(value, sorted(self._lists)))
        calls = [each for each in tokens.tokens(text) if each.text in _OF_LISTS]
        if len(calls) > sum(each.function in _OF_LISTS for each in given):
            mend = f'write `.{calls[0].text}("name")`'
            yield Fault(calls[0].start, "the name of a list is a text in quotes", mend)


_REFERENCE: Final = "`postern reference policy` lists all variables and functions"
_ENGINE_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): ([^\n]*?)(?: \[[A-Z_]+\])?(?=\n|\Z)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_NO_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '\(([^']*)\)'")


def _offset(text: str, line: int, column: int) -> int:
    """From the engine's line and column, which count from 1 and may be -1 where it cannot say."""
    before = sum(len(each) + 1 for each in text.split("\n")[: max(line, 1) - 1])
    return min(before + max(column, 1) - 1, len(text))


def _wrong_types(text: str, function: str, types: list[str], offset: int) -> Fault:
    """CEL never turns one type into another: say how to write the side that does not fit."""
    said = f"`{function}` does not go with {' and '.join(types)}"
    numbers = [each for each in tokens.tokens(text) if each.kind in (tokens.Kind.INT, tokens.Kind.DOUBLE)]
    if sorted(types) == ["double", "int"] and numbers:
        near = min(numbers, key=lambda each: abs(each.start - offset))
        if near.kind is tokens.Kind.INT:
            return Fault(
                offset, said, f"write {near.text}.0 instead of {near.text}: the other side may have a fraction"
            )
        whole = near.text.partition(".")[0] or "0"
        return Fault(offset, said, f"write {whole} instead of {near.text}: the other side is a whole number")
    if types == ["list(string)", "string"]:
        return Fault(offset, said, 'ask a list with `"x" in list` or `list.exists(each, each == "x")`')
    return Fault(offset, said, "compare like with like: text stands in quotes, numbers do not")


def _is_network(text: str) -> bool:
    try:
        in_network("192.0.2.1", text)
    except ValueError:
        return False
    return True


def _functions(lists: Lists) -> list[Any]:
    text, texts = cel.Type.STRING, cel.Type.List(cel.Type.STRING)

    def in_list(value: str, name: str) -> bool:
        return lists[name].holds(value, at=_AT.get())

    def any_in_list(values: list[str], name: str) -> bool:
        return any(lists[name].holds(value, at=_AT.get()) for value in values)

    @lru_cache(maxsize=256)
    def lookalikes(name: str, ended: int) -> Lookalikes:
        return Lookalikes(lists[name].values(ended))

    @lru_cache(maxsize=256)
    def people(name: str, ended: int) -> People:
        return People(lists[name].values(ended))

    def resembles(value: str, name: str) -> bool:
        return lookalikes(name, lists[name].ended(at=_AT.get())).resembles(value)

    def any_resembles(values: list[str], name: str) -> bool:
        return any(resembles(value, name) for value in values)

    def names_one_of(value: str, name: str) -> bool:
        return people(name, lists[name].ended(at=_AT.get())).named_in(value)

    def member(name: str, of: Any, implementation: Any) -> Any:
        overload = cel.Overload(
            f"{of}.{name}", return_type=cel.Type.BOOL, parameters=[of, text], is_member=True, impl=implementation
        )
        return cel.FunctionDecl(name, [overload])

    return [
        member("in_network", text, in_network),
        member("under", text, under),
        member("in_list", text, in_list),
        member("any_in_list", texts, any_in_list),
        member("resembles", text, resembles),
        member("any_resembles", texts, any_resembles),
        member("names_one_of", text, names_one_of),
    ]
