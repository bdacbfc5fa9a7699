"""Errors for people and programs: problem+json (RFC 9457) under /api, a page elsewhere. Never tells what an exception
said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from gateway.counters.records import CountersUnavailable

TITLES: Final = {
    400: "The request cannot be understood",
    401: "Sign in first",
    403: "Not allowed",
    404: "Nothing here, or nothing you may see",
    405: "That method is not offered here",
    409: "That is no longer so",
    413: "The request is too large",
    422: "The request cannot be understood",
    429: "Too many tries",
    500: "Something broke on our side",
    503: "Not available just now",
}


class Problem(Exception):
    """Stop here and answer with this. `detail` is for people, `members` are extension members (section 3.2)."""

    def __init__(
        self,
        status: int,
        detail: str = "",
        members: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.members = dict(members or {})
        self.headers = dict(headers or {})

    @property
    def title(self) -> str:
        """The same for every problem of its type, as section 3.1.3 wants."""
        return TITLES.get(self.status, "The request failed")


@contextmanager
def counters_asked() -> Iterator[None]:
    """Turn what the counters raise into a problem: 503 where they cannot be asked, 422 with their words for what a
    person wrote wrongly."""
    try:
        yield
    except CountersUnavailable:
        raise Problem(503, "The counters cannot be asked now. Mail flows, and nobody is asked to come back.") from None
    except ValueError as error:
        words = str(error)
        raise Problem(422, f"{words[:1].upper()}{words[1:]}.") from None


def as_json(problem: Problem) -> Response:
    """The problem as application/problem+json. No `instance`: whatever is absent must answer with the same octets."""
    members: dict[str, Any] = {"type": "about:blank", "title": problem.title, "status": problem.status}
    if problem.detail:
        members["detail"] = problem.detail
    return JSONResponse(
        {**members, **problem.members},
        status_code=problem.status,
        headers=problem.headers,
        media_type="application/problem+json",
    )
