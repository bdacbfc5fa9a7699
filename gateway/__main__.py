"""`postern` and `python -m gateway`: hand over to the command line."""

from __future__ import annotations


def main() -> None:
    """Entry point of the installed command."""
    from gateway.cli import app

    app()


if __name__ == "__main__":
    main()
