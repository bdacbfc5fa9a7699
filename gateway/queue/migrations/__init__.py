"""The ledger's history: each version of its tables, applied by Alembic when the ledger is opened."""
