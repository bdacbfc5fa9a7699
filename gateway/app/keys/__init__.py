"""KEYS. Those that sign our mail: on disk, in the running processes, and on their way into the DNS."""
