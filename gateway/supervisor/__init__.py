"""PROCESSES. Starts, watches, reloads and drains the roles of one machine. Holds no logic about mail."""
