"""Postern: an email security gateway. The rooms and the floors they stand on are drawn in docs/architecture.md."""

__version__ = "0.1.0"
