"""ADMISSION. Who may come in and for whom, before any content is seen: networks, rates, senders, recipients."""
