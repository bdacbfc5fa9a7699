"""Counting and logging. JSON lines on standard error with one id through all stages; Prometheus counters with closed
label sets.

Never logs a password, a message body, or a subject.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

REGISTRY: Final = CollectorRegistry()

MESSAGES: Final = Counter(
    "postern_messages_total", "Messages that reached the end of DATA, by outcome", ["outcome"], registry=REGISTRY
)
REFUSALS: Final = Counter("postern_refusals_total", "Refusals before DATA, by stage", ["stage"], registry=REGISTRY)
CONNECTIONS: Final = Gauge(
    "postern_connections", "Open SMTP connections", multiprocess_mode="livesum", registry=REGISTRY
)
CHECK_SECONDS: Final = Histogram(
    "postern_check_seconds",
    "Seconds that a check took",
    ["check"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10),
    registry=REGISTRY,
)
COUNTERS_UNAVAILABLE: Final = Counter(
    "postern_counters_unavailable_total", "Questions that the shared counters did not answer", registry=REGISTRY
)
DNSBL_UNUSABLE: Final = Counter(
    "postern_dnsbl_unusable_total", "Answers of DNS lists that could not be counted", ["zone", "why"], registry=REGISTRY
)
GREYLISTED: Final = Counter(
    "postern_greylist_total", "Messages that met the greylist, by what it said", ["said"], registry=REGISTRY
)
GREYLIST_MINUTES: Final = Counter(
    "postern_greylist_delay_minutes_total", "Minutes by which mail that passed the greylist was late", registry=REGISTRY
)
BANS: Final = Counter(
    "postern_bans_total", "Clients that were shut out by themselves, by reason", ["reason"], registry=REGISTRY
)
CHECK_UNKNOWN: Final = Counter(
    "postern_check_unknown_total", "Checks that could not tell", ["check"], registry=REGISTRY
)
RESCANNED: Final = Counter(
    "postern_rescanned_total",
    "Copies that were scanned again after they were taken, by what came of it",
    ["said"],
    registry=REGISTRY,
)
SIGNATURE_AGE: Final = Gauge(
    "postern_signature_age_seconds",
    "Age of the malware engine's signatures; -1 where it does not say",
    multiprocess_mode="livemostrecent",
    registry=REGISTRY,
)
SIGNATURES: Final = Gauge(
    "postern_signature_version",
    "Number of the malware engine's signature database; 0 where it names none",
    multiprocess_mode="livemostrecent",
    registry=REGISTRY,
)
ENGINE_ABSENT: Final = Gauge(
    "postern_engine_absent_seconds",
    "Seconds since the malware engine answered last; 0 while it does",
    multiprocess_mode="livemax",
    registry=REGISTRY,
)
LOST_WORKERS: Final = Counter(
    "postern_anatomist_losses_total", "Anatomists that a message has killed", registry=REGISTRY
)
ATTEMPTS: Final = Counter("postern_attempts_total", "Delivery attempts, by result", ["result"], registry=REGISTRY)


def configure_logging(role: str, *, level: int = logging.INFO) -> None:
    """One JSON object a line on standard error, for this process."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(role=role)


def log() -> Any:
    """The logger: `log().info("event", key=value)`."""
    return structlog.get_logger()


def forget_process(pid: int) -> None:
    """A process that has ended has no open connections any more; what it counted stays counted."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def exposition() -> bytes:
    """The counters of all roles of this machine in Prometheus text format.

    Under the supervisor every role keeps its counters in files of one folder (PROMETHEUS_MULTIPROC_DIR), any role can
    add them up; alone, it is the counters of this process.
    """
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)
