"""From a folder of YAML to a `Policy`, or to every problem that stands in the way, each with its place and its mend.

`default.yaml` is the policy; `lists/*.yaml` hold the entries of its lists. `load` reads the folder and is the only
function of this room that touches a file; `read` does the rest and is pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.policy import policy as running
from gateway.policy.conditions.cel import Condition, ConditionError, Language
from gateway.policy.conditions.vocabulary import VARIABLES, Scope, in_scope
from gateway.policy.language import document as documents
from gateway.policy.language import schema
from gateway.policy.language.assembly import bans_of, demand_of, doubt_of, effect_of, entry_of, limits_of, scanning_of
from gateway.policy.language.complaints import complaints
from gateway.policy.language.document import Document, Path
from gateway.policy.language.recipients import Recipient
from gateway.policy.lists import OUR_DOMAINS, Entry, EntryList
from gateway.policy.policy import Policy
from gateway.policy.problem import PolicyError, Problem, nearest
from gateway.policy.quantities import NEVER
from gateway.policy.verdict import Disposition, RuleRef

ENTRY: Final = "default.yaml"
"""The file in the folder that is the policy."""

MAX_LISTS: Final = 500
"""List files of one folder."""

DOMAINS_BY_COMMAND: Final = "postern domain add"
"""Where the recipients come from that no file names."""

MALWARE: Final = frozenset(name for name, each in VARIABLES.items() if each.check == "malware")
"""The variables that another scan may tell later."""

M = TypeVar("M", bound=BaseModel)


def load(folder: FilePath, *, extra_recipients: Sequence[Mapping[str, Any]] = ()) -> Policy:
    """The policy of that folder. `extra_recipients` are entries {domain, route, validate} that were added by command;
    they go before those of the files. Raises `PolicyError`."""
    names = [ENTRY, *(f"lists/{each.name}" for each in sorted((folder / "lists").glob("*.yaml"))[:MAX_LISTS])]
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for name in names:
        try:
            with (folder / name).open(encoding="utf-8") as file:
                files[name] = file.read(documents.MAX_TEXT + 1)
        except OSError as error:
            why = error.strerror or str(error)
            problems.append(Problem(f"{folder.name}/{name}", 1, 1, f"cannot be read: {why}", "check path and rights"))
        except UnicodeDecodeError:
            problems.append(Problem(f"{folder.name}/{name}", 1, 1, "the text is not UTF-8", "save the file as UTF-8"))
    if problems:
        raise PolicyError(problems)
    return read(files, folder=folder.name, extra_recipients=extra_recipients)


def read(
    files: Mapping[str, str], *, folder: str = "policies", extra_recipients: Sequence[Mapping[str, Any]] = ()
) -> Policy:
    """The policy of these texts, by their name within the folder. Any texts give a Policy or raise `PolicyError`."""
    if ENTRY not in files:
        raise PolicyError([Problem(f"{folder}/{ENTRY}", 1, 1, "there is no such file", "a policy begins in this file")])
    return _Reading(files, folder=folder, extra_recipients=extra_recipients).policy()


def _version(files: Mapping[str, str], extra_recipients: Sequence[Mapping[str, Any]]) -> str:
    written = json.dumps([sorted(files.items()), [sorted(each.items()) for each in extra_recipients]], default=str)
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:12]


class _Reading:
    """One attempt to make a policy of some texts. Goes on after a problem, to name them all."""

    def __init__(self, files: Mapping[str, str], *, folder: str, extra_recipients: Sequence[Mapping[str, Any]]) -> None:
        self._files = files
        self._folder = folder
        self._extra = extra_recipients
        self._problems: list[Problem] = []
        self._document = documents.read(f"{folder}/{ENTRY}", files[ENTRY])
        self._problems += self._document.problems

    def policy(self) -> Policy:
        """The policy. Raises `PolicyError` with every problem met on the way."""
        if not isinstance(self._document.plain, dict):
            if not self._problems:
                self._complain((), "a policy is a mapping", "begin with `version: 1`")
            raise PolicyError(self._problems)
        top = self._top()
        recipients = self._recipients()
        lists = {OUR_DOMAINS: _our_domains(recipients), **dict(self._lists())}
        groups = tuple(self._groups(Language(in_scope(Scope.CLIENT), lists)))
        rules = tuple(self._rules(Language(in_scope(*Scope), lists), top.on_unknown if top else "defer"))
        never = self._never(top, lists)
        if top is None or self._problems:
            raise PolicyError(self._problems)
        return Policy(
            version=_version(self._files, self._extra),
            groups=groups,
            recipients=recipients,
            rules=rules,
            default=effect_of(top.default),
            lists=lists,
            dnsbl=tuple(
                running.DnsblZone(each.zone, each.weight, tuple(each.answers), self._place(("dnsbl", index)))
                for index, each in enumerate(top.dnsbl)
            ),
            bans=bans_of(top.bans, never or EntryList(()), partial(self._place_below, ("bans",))),
            greylisting=running.Greylisting(**top.greylist.model_dump()),
            scanning=scanning_of(top),
            trusted_sealers=frozenset(top.trusted_sealers),
            retention=top.quarantine.model_dump(),
            variables=frozenset(name for rule in rules if rule.condition for name in rule.condition.names),
        )

    # ------------------------------------------------------------ sections

    def _top(self) -> schema.PolicyFile | None:
        """All that is not a sequence of parts; those are read one by one, so that one bad rule hides no other."""
        parts = ("lists", "groups", "recipients", "rules")
        plain = {key: value for key, value in self._document.plain.items() if key not in parts}
        return self._model(schema.PolicyFile, plain, (), self._document)

    def _never(self, top: schema.PolicyFile | None, lists: Mapping[str, EntryList]) -> EntryList | None:
        """Who is never shut out."""
        name = top.bans.never if top else None
        if name is not None and name not in lists:
            self._complain(("bans", "never"), f"there is no list `{name}`", nearest(name, sorted(lists)))
        return lists.get(name) if name else None

    def _items(self, section: str, model: type[M]) -> Iterator[tuple[Path, M]]:
        plain = self._document.plain.get(section)
        if plain is not None and not isinstance(plain, list):
            self._complain((section,), f"`{section}` should be a list", "begin each entry with `- `")
            return
        for index, item in enumerate(plain or ()):
            read = self._model(model, item, (section, index), self._document)
            if read is not None:
                yield (section, index), read

    def _lists(self) -> Iterator[tuple[str, EntryList]]:
        plain = self._document.plain.get("lists") or {}
        if not isinstance(plain, dict):
            self._complain(("lists",), "`lists` should be a mapping", "write `name: {file: lists/name.yaml}`")
            return
        for name, item in plain.items():
            path: Path = ("lists", name)
            model = self._model(schema.PolicyFile, {"version": 1, "lists": {name: item}}, (), self._document)
            if model is None:
                yield name, EntryList(())  # so that rules which ask for it are not accused as well
                continue
            yield name, EntryList(self._entries(model.lists[name].file, (*path, "file")))

    def _entries(self, file: str, path: Path) -> Iterator[Entry]:
        if file not in self._files:
            known = sorted(each for each in self._files if each != ENTRY)
            self._complain(path, f"there is no file {file[:100]} in the folder", nearest(file, known))
            return
        document = documents.read(f"{self._folder}/{file}", self._files[file])
        self._problems += document.problems
        if document.problems:
            return
        model = self._model(schema.EntriesFile, document.plain, (), document)
        for each in model.entries if model else ():
            yield Entry(each.value, each.owner, each.reason, each.expires)

    def _groups(self, language: Language) -> Iterator[running.Group]:
        for_all = ""
        path: Path = ()
        for path, group in self._once("groups", schema.Group):
            condition = self._condition(group.when, (*path, "when"), language)
            if for_all:
                self._complain(path, f"nobody gets as far as group {group.id}", f"move it above `{for_all}`")
            for_all = for_all or ("" if group.when.strip() else group.id)
            reject = group.then.reject if group.then else ""
            limits = limits_of(group.limits, partial(self._place_below, (*path, "limits")))
            yield running.Group(
                self._ref(group.id, path), condition, reject, limits,
                requires_tls=group.require == "tls", banner=group.banner or "",
                certificate=demand_of(group.certificate),
                strangers=running.Strangers(group.greylist or ""), patience=group.patience,
            )  # fmt: skip
        if path and not for_all:
            self._complain(path, "the last group must be for everyone", "add `- {id: everyone}` below")

    def _recipients(self) -> dict[str, running.RecipientEntry]:
        entries: dict[str, running.RecipientEntry] = {}
        for path, each in self._items("recipients", Recipient):
            if each.name in entries:
                self._complain(path, f"{each.name} stands twice in `recipients`", "keep one of the two")
            entries[each.name] = entry_of(each, self._place(path))
        for index, plain in enumerate(self._extra):
            document = Document(DOMAINS_BY_COMMAND, plain, {(): documents.Place(index + 1, 1)})
            model = self._model(Recipient, dict(plain), (), document)
            if model is not None:
                entries[model.name] = entry_of(model, DOMAINS_BY_COMMAND)
        return entries

    def _rules(self, language: Language, on_unknown: str) -> Iterator[running.Rule]:
        for path, rule in self._once("rules", schema.Rule):
            effect = effect_of(rule.then)
            permits = effect.disposition in (None, Disposition.DELIVER) and not effect.strips
            condition = self._condition(rule.when, (*path, "when"), language)
            word, patience = doubt_of(rule, "next" if permits else on_unknown)
            if condition and (patience or word == "rescan") and not condition.names & MALWARE:
                self._complain(
                    (*path, "on_unknown"),
                    f"the rule {rule.id} does not ask about malware, and only that is looked at again later",
                    "write defer, hold, deliver_marked or next",
                )
            yield running.Rule(
                ref=self._ref(rule.id, path),
                description=rule.description,
                condition=condition,
                effect=effect,
                recipients=tuple(rule.recipients),
                direction=rule.direction,
                on_unknown=word,
                patience=patience,
                override=rule.override or "",
            )

    def _once(self, section: str, model: type[M]) -> Iterator[tuple[Path, M]]:
        """The items of a section, whose ids must differ."""
        seen: set[str] = set()
        for path, item in self._items(section, model):
            name = str(getattr(item, "id", ""))
            if name in seen:
                self._complain((*path, "id"), f"the id {name} stands twice in `{section}`", "give each its own id")
            seen.add(name)
            yield path, item

    # ------------------------------------------------------------ pieces

    def _condition(self, text: str, path: Path, language: Language) -> Condition | None:
        if not text.strip():
            return None
        try:
            return language.compile(text)
        except ConditionError as error:
            for each in error.faults:
                place = self._document.place_within(path, offset=each.offset)
                self._problems.append(Problem(self._document.file, place.line, place.column, each.text, each.mend))
            return None

    def _model(self, model: type[M], plain: Any, path: Path, document: Document) -> M | None:
        try:
            return model.model_validate(plain)
        except ValidationError as error:
            self._problems += complaints(error, document=document, under=path, model=model)
            return None

    def _ref(self, name: str, path: Path) -> RuleRef:
        return RuleRef(name, self._document.file, self._document.place(path).line)

    def _place(self, path: Path) -> str:
        return f"{self._document.file}:{self._document.place(path).line}"

    def _place_below(self, path: Path, steps: Path) -> str:
        return self._place((*path, *steps))

    def _complain(self, path: Path, text: str, mend: str) -> None:
        place = self._document.place(path)
        self._problems.append(Problem(self._document.file, place.line, place.column, text, mend))


def _our_domains(recipients: Mapping[str, running.RecipientEntry]) -> EntryList:
    names = sorted({each.rpartition("@")[2] for each in recipients})
    return EntryList(Entry(each, "postern", "we receive for it", NEVER) for each in names)
