"""The wall around every request: bodies are bounded however they come, and the log names no secret."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import structlog

from gateway.console.wall import MAX_BODY
from tests.console.conftest import PASSWORD, SignIn


async def _drip(octets: int) -> AsyncIterator[bytes]:
    for _ in range(octets // 1000):
        yield b"x" * 1000


async def test_a_body_without_a_length_is_bounded_too(signed_in: SignIn) -> None:
    operator = await signed_in("operator")
    for path in ("/api/v1/quarantine/release", "/quarantine/act"):
        answer = await operator.client.post(
            path,
            content=_drip(MAX_BODY + 2000),
            headers={"X-CSRF-Token": operator.csrf, "Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 30, "x"])
async def test_a_length_that_is_none_is_too_large(signed_in: SignIn, length: str) -> None:
    operator = await signed_in("operator")
    answer = await operator.client.post("/quarantine/act", content=b"x", headers={"Content-Length": length})
    assert answer.status_code == 413


async def test_the_log_has_one_line_a_request_and_no_secret(signed_in: SignIn) -> None:
    with structlog.testing.capture_logs() as lines:
        operator = await signed_in("operator")
        await operator.get("/quarantine?q=a%20private%20subject")
        await operator.get("/api/v1/quarantine/0000000000000/text")
    requests = [each for each in lines if each["event"] == "request"]
    assert [(each["route"], each["status"], each["person"]) for each in requests] == [
        ("/api/v1/session", 200, ""),
        ("/quarantine", 200, "operator"),
        ("/api/v1/quarantine/{id}/text", 404, "operator"),
    ]
    said = repr(lines)
    for secret in (PASSWORD, operator.csrf, operator.client.cookies["postern"], "private"):
        assert secret not in said
