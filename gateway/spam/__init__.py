"""LEARNING. Features, the model that is served, and how it is trained and measured. No network, no queue, no policy."""
