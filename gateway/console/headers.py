"""THE table of security header fields: which of them stand on which kind of answer.

Console pages allow nothing that did not come from us, and no inline script or style at all. The preview document
allows nothing to be fetched and lies in a sandbox of its own. (CSP level 3, Trusted Types, HTML section "sandboxing".)
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class Kind(Enum):
    """What an answer is, as far as its header fields care."""

    PAGE = "page"
    PREVIEW = "preview"
    STATIC = "static"
    API = "api"


_PERMISSIONS: Final = (
    "accelerometer=(), camera=(), clipboard-read=(), clipboard-write=(), geolocation=(), microphone=(), payment=(),"
    " usb=()"
)

_EVERYWHERE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

TABLE: Final[dict[Kind, dict[str, str]]] = {
    Kind.PAGE: {
        **_EVERYWHERE,
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'none';"
            " connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
            " require-trusted-types-for 'script'; trusted-types 'none'"
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "Permissions-Policy": _PERMISSIONS.replace("clipboard-write=()", "clipboard-write=(self)"),
        "Cache-Control": "no-store",
    },
    Kind.PREVIEW: {
        **_EVERYWHERE,
        "Content-Security-Policy": (
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none';"
            " frame-ancestors 'self'; sandbox"
        ),
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "SAMEORIGIN",
        "X-DNS-Prefetch-Control": "off",
        "Permissions-Policy": _PERMISSIONS,
        "Cache-Control": "no-store",
    },
    Kind.STATIC: {
        **_EVERYWHERE,
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "Cache-Control": "public, max-age=31536000, immutable",
    },
    Kind.API: {
        **_EVERYWHERE,
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
    },
}

STRICT_TRANSPORT: Final = ("Strict-Transport-Security", "max-age=31536000")

_PLAIN: Final = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json"})


def kind_of(path: str, status: int) -> Kind:
    """Which row of the table an answer gets. A preview or a file that failed is a page like any other."""
    if path in _PLAIN or path.startswith("/api/"):
        return Kind.API
    if status < 300 and path.startswith("/static/"):
        return Kind.STATIC
    if status < 300 and path.startswith("/quarantine/") and path.endswith("/render"):
        return Kind.PREVIEW
    return Kind.PAGE


def fields_for(path: str, status: int, *, https: bool) -> dict[str, str]:
    """The security header fields of one answer."""
    fields = dict(TABLE[kind_of(path, status)])
    if https:
        fields[STRICT_TRANSPORT[0]] = STRICT_TRANSPORT[1]
    return fields
