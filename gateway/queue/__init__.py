"""CUSTODY. Octets on disk and the ledger of who owes what to whom. Knows no network, and not why something is held."""
