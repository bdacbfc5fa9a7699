"""THE FRONT DOOR. SMTP from the world: listeners, sessions, admission. Judges no content; holds no reply literal."""
