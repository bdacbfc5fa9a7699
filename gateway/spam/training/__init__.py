"""Learning from labelled mail: the corpus, what is kept of it, who judges what, the models."""
