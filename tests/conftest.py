"""What holds for all tests: properties are explored the same way at every run, no test leaves its log behind, and no
busy machine makes the counters' answers Unknown."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from gateway.counters import counters

settings.register_profile(
    "deterministic", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("deterministic")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A verb that ran in this process has bound the log to its standard error, which is closed at the test's end."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(autouse=True)
def patience_with_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second is much for a client and little for a machine that runs two lanes of tests."""
    monkeypatch.setattr(counters, "PATIENCE", 60.0)
