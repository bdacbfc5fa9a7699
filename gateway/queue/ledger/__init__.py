"""The ledger: who owes what to whom. The one door to SQLAlchemy; every statement that custody makes stands in here.

Each write is plural: a function from a connection and a list of requests to a list of results, so that requests that
wait together become few statements and one flush (`writer.py`). Knows rows and transactions; octets beyond 64 KiB,
files and people are others' business.
"""
