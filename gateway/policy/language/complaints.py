"""What pydantic says about a document, in the words of this room: a place, a sentence and a mend for each fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gateway.policy.language.actions import ACTIONS
from gateway.policy.language.document import Document, Path
from gateway.policy.problem import Problem, nearest

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def complaints(error: ValidationError, *, document: Document, under: Path, model: type[BaseModel]) -> Iterator[Problem]:
    """The problems of a value that stands at `under` in the document and should have been a `model`."""
    for each in error.errors():
        path = _path(document, under, each["loc"])
        at_key = each["type"] == "extra_forbidden" or each["loc"][-1:] == ("[key]",)
        place = document.key_place(path) if at_key else document.place(path)
        text, mend = _words(each, model, name=_called(path))
        yield Problem(document.file, place.line, place.column, text, mend)


def _path(document: Document, under: Path, loc: tuple[int | str, ...]) -> Path:
    """A place of pydantic's as a path in the document: without the names of union branches, which nobody wrote."""
    path = under
    for step in loc:
        if (*path, step) in document.values:
            path = (*path, step)
    return path


def _called(path: Path) -> str:
    """What people call the value at that path."""
    key = next((step for step in reversed(path) if isinstance(step, str)), "policy")
    return f"an entry of `{key}`" if path and isinstance(path[-1], int) else f"`{key}`"


def _words(error: ErrorDetails, model: type[BaseModel], *, name: str) -> tuple[str, str]:
    """The sentence and the mend. `name` is what the place is called."""
    context: dict[str, Any] = dict(error.get("ctx") or {})
    match error["type"]:
        case "policy":
            return error["msg"], str(context["mend"])
        case "extra_forbidden":
            key = str(error["loc"][-1])
            known = _names(_models_at(model, error["loc"][:-1]))
            return f"there is no setting `{key[:60]}` here", nearest(key, known)
        case "missing":
            key = str(error["loc"][-1])
            return f"`{key}` is missing", f"add `{key}: ...` ({_described(model, error['loc'])})"
        case "literal_error":
            words = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
            written = str(error["input"])
            return f"`{written[:60]}` cannot stand for {name}", nearest(written, words)
        case "action":
            return _no_action(error["input"])
        case kind if kind in _KINDS:
            return f"{name} should be {_KINDS[kind]}", _in_words(_KINDS[kind], _described(model, error["loc"]))
        case "string_too_short" | "too_short":
            return f"{name} is empty", _in_words("something", _described(model, error["loc"]))
        case "string_too_long":
            return f"{name} is too long", f"write {context['max_length']} characters at most"
    bound = next((bound for bound in _BOUNDS if bound in context), None)
    if bound is not None:
        return f"{name} is out of bounds", f"write {_BOUNDS[bound]} {context[bound]}"
    return f"{name}: {error['msg']}", "`postern reference policy` describes every setting"


def _no_action(written: Any) -> tuple[str, str]:
    """A `then` that is not exactly one known action."""
    if isinstance(written, dict):
        unknown = [key for key in written if key not in ACTIONS]
        if unknown:
            return f"there is no action `{str(unknown[0])[:60]}`", nearest(str(unknown[0]), ACTIONS)
        word = next(iter(written), "")
        if word in ("deliver", "defer", "greylist"):
            return f"`{word}` stands alone", f"write `{word}` without anything after it"
        if len(written) == 1:
            return f"`{next(iter(written))}` does not end the matter", "write deliver, defer, reject or quarantine here"
        return "a rule has one action", "write a rule for each, with the one that ends the matter last"
    return "this is no action", "write deliver, defer, {reject: NAME}, {quarantine: CLASS}, ..."


def _in_words(kind: str, description: str) -> str:
    return f"write {kind} here: {description}" if description else f"write {kind} here"


def _described(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    """The description of the setting at that place, or nothing."""
    owners = _models_at(model, loc[:-1]) if loc else []
    return next((each.description or "" for each in _fields(owners, str(loc[-1]))), "") if owners else ""


def _names(models: list[type[BaseModel]]) -> list[str]:
    return [each.alias or name for model in models for name, each in model.model_fields.items()]


def _models_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[type[BaseModel]]:
    """The models that describe the value at that place: several where it is a choice."""
    found = [model]
    for step in loc:
        fields = list(_fields(found, str(step)))
        if fields:
            found = [inner for each in fields for inner in _models_in(each.annotation)]
    return found


def _fields(models: list[type[BaseModel]], name: str) -> Iterator[FieldInfo]:
    for model in models:
        yield from (each for key, each in model.model_fields.items() if (each.alias or key) == name)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models_in(each)
