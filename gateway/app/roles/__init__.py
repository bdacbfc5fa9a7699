"""ROLES. The processes of one installation, each put together from the rooms it needs."""
