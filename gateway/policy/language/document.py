"""YAML text as plain values that remember where they stand. The only file that imports PyYAML in this room.

A policy needs little of YAML: mappings, sequences, text, numbers, true and false. Anchors, aliases, tags, merge keys,
repeated keys and great depth are refused, so that a small file stays small in memory and means one thing only.
Never raises on any text: what is wrong is listed in `Document.problems`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from gateway.policy.problem import Problem

MAX_TEXT: Final = 4 * 1024 * 1024
"""Characters of one file: some 40,000 list entries. Larger lists belong into a DNS zone."""

MAX_DEPTH: Final = 12
"""Levels of nesting; the schema needs six."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same grammar in C, ten times as fast
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}\Z")
_PLAIN_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "value")
)

Path = tuple[str | int, ...]
"""The way to a value: keys and indices from the top."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file: its values, where each value and each key stands, and what is wrong with it."""

    file: str
    plain: Any = None
    values: Mapping[Path, Place] = field(default_factory=dict, repr=False)
    keys: Mapping[Path, Place] = field(default_factory=dict, repr=False)
    problems: tuple[Problem, ...] = ()
    lines: tuple[str, ...] = field(default=(), repr=False)

    def place(self, path: Path) -> Place:
        """Where the value at that path begins, or the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.values:
                return self.values[path[:length]]
        return Place(1, 1)

    def key_place(self, path: Path) -> Place:
        """Where the key at the end of that path stands, or its value if it is an item of a sequence."""
        return self.keys.get(path) or self.place(path)

    def place_within(self, path: Path, *, offset: int) -> Place:
        """Where a character of the text at that path stands in the file; the begin of the text, where the file writes
        it in another form (with escapes, say)."""
        start, text = self.place(path), self.text_at(path)
        position = 0
        for place, content in self._written(start):
            inside = offset - position
            if inside <= len(content) and text[position:offset] == content[:inside]:
                return Place(place.line, place.column + inside)
            if not text.startswith(content, position):
                break
            position += len(content) + 1
        return start

    def _written(self, start: Place) -> Iterator[tuple[Place, str]]:
        """The lines of a scalar that begins there, without quotes and indentation. Goes on to the end of the file."""
        first = "".join(self.lines[start.line - 1 : start.line])[start.column - 1 :]
        below = self.lines[start.line :]
        is_block = first[:1] in ("|", ">")
        if not is_block:
            quote = 1 if first[:1] in ("'", '"') else 0
            yield Place(start.line, start.column + quote), first[quote:].rstrip()
        block_indent = _indent(below[0]) if below else 0
        for number, line in enumerate(below, start=start.line + 1):
            indent = block_indent if is_block else _indent(line)
            yield Place(number, indent + 1), line[indent:].rstrip()

    def text_at(self, path: Path) -> str:
        """The text at that path, or the empty string."""
        value = self.plain
        for step in path:
            value = value[step]
        return value if isinstance(value, str) else ""


def read(file: str, text: str) -> Document:
    """Read one file. Any text gives a Document, perhaps with nothing but problems."""
    if len(text) > MAX_TEXT:
        problem = Problem(file, 1, 1, f"the file is longer than {MAX_TEXT} characters", "split it, or shorten it")
        return Document(file, problems=(problem,))
    try:
        refused = _refused_event(file, text)
        node = None if refused else yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        refused = _not_yaml(file, error)
    except UnicodeEncodeError:
        refused = Problem(file, 1, 1, "the text is not UTF-8", "save the file as UTF-8")
    if refused is not None:
        return Document(file, problems=(refused,))
    return _Reading(file).document(node, tuple(text.splitlines()))


def _refused_event(file: str, text: str) -> Problem | None:
    """The first anchor, alias, or node that is too deep: found before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        place = _place(event)
        if depth > MAX_DEPTH:
            return Problem(
                file,
                place.line,
                place.column,
                f"nested deeper than {MAX_DEPTH} levels",
                "a policy needs six levels at most",
            )
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            return Problem(
                file, place.line, place.column, "anchors and aliases are not used here", "write the value out"
            )
    return None


def _not_yaml(file: str, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    return Problem(
        file, line, column, f"not YAML: {said}", "check indentation, quotes and brackets here and just above"
    )


class _Reading:
    """One pass over the node tree of one file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._values: dict[Path, Place] = {}
        self._keys: dict[Path, Place] = {}
        self._problems: list[Problem] = []

    def document(self, node: yaml.Node | None, lines: tuple[str, ...]) -> Document:
        plain = None if node is None else self._value(node, ())
        return Document(self._file, plain, self._values, self._keys, tuple(self._problems), lines)

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._values[path] = _place(node)
        if node.tag not in _PLAIN_TAGS:
            self._complain(node, f"the tag {node.tag.rpartition(':')[2][:40]} is not used here", "remove it")
        match node:
            case yaml.MappingNode():
                return dict(self._pairs(node, path))
            case yaml.SequenceNode():
                return [self._value(each, (*path, index)) for index, each in enumerate(node.value)]
        return _scalar(node.tag.rpartition(":")[2], str(node.value))

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                self._complain(key, "a key must be a word", "write a name and a colon")
            elif key.value in seen:
                self._complain(key, f"`{key.value[:60]}` stands twice in this mapping", "keep one of the two")
            else:
                seen.add(key.value)
                self._keys[(*path, key.value)] = _place(key)
                yield key.value, self._value(value, (*path, key.value))

    def _complain(self, node: yaml.Node, text: str, mend: str) -> None:
        place = _place(node)
        self._problems.append(Problem(self._file, place.line, place.column, text, mend))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _place(node: yaml.Node | yaml.Event) -> Place:
    mark = node.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)


def _scalar(kind: str, text: str) -> Any:
    """A scalar by the plain rules of YAML 1.2. The traps of 1.1 (`no`, `1:30`, `0777`) stay text."""
    match kind:
        case "null":
            return None
        case "bool" if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case "int" if _INTEGER.match(text) and (text.lstrip("+-") == "0" or not text.lstrip("+-").startswith("0")):
            return int(text)
        case "float":
            try:
                return float(text)
            except ValueError:
                return text
    return text
