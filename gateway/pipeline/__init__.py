"""ORDER. The visible tuple of stages from message to verdict, and the header fields we add. No queue, no SMTP, no
HTTP."""
