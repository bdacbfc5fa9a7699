"""The REST API under /api/v1: JSON in, JSON out, problems as RFC 9457. Calls the same functions as the pages."""
