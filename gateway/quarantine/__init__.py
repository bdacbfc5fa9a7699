"""SECOND THOUGHTS. Messages in state HELD: review, release, delete. Asks no network and no check by itself."""
