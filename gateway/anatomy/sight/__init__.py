"""SIGHT. What a person sees: text, hidden text, links, pictures and the QR codes in them; and what may be shown."""
