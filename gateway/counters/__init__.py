"""COUNTERS. How much, how often, who is shut out and who has to wait: one file for all processes of the machine, which
outlives them. Never needed to take mail: where it is slow, broken or gone, each process counts for itself."""
