"""REPUTATION. What the DNS knows of a client and of the domain it names."""
