"""FEEDBACK. DMARC aggregate reports: what other domains are told about mail in their name. No judgement, no SMTP."""
