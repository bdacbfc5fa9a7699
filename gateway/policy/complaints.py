"""What pydantic says about a document, in the words of this room: a place, a sentence and a mend for each fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gateway.policy.document import Document, Path
from gateway.policy.problem import Problem, nearest
from gateway.policy.schema import ACTION_KEYS, WORDS

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
            known = _names(_model_at(model, error["loc"][:-1]))
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
        unknown = [key for key in written if key not in ACTION_KEYS]
        if unknown:
            return f"there is no action `{str(unknown[0])[:60]}`", nearest(str(unknown[0]), [*ACTION_KEYS, *WORDS])
        if len(written) == 1:
            return f"`{next(iter(written))}` does not end the matter", "write deliver, defer, reject or quarantine here"
        return "a rule has one action", "write a rule for each, with the one that ends the matter last"
    return "this is no action", "write deliver, defer, {reject: NAME}, {quarantine: CLASS}, ..."


def _names(model: type[BaseModel] | None) -> list[str]:
    return [each.alias or name for name, each in model.model_fields.items()] if model else []


def _model_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model that describes the value at that place."""
    found: type[BaseModel] | None = model
    for step in loc:
        field = _field(found, str(step)) if found else None
        if field is not None:
            found = next(iter(_models_in(field.annotation)), None)
    return found


def _field(model: type[BaseModel], name: str) -> FieldInfo | None:
    return next((each for key, each in model.model_fields.items() if (each.alias or key) == name), None)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models_in(each)


def _in_words(kind: str, description: str) -> str:
    return f"write {kind} here: {description}" if description else f"write {kind} here"


def _described(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    owner = _model_at(model, loc[:-1]) if loc else None
    field = _field(owner, str(loc[-1])) if owner else None
    return field.description or "" if field else ""
