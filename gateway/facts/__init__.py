"""EVIDENCE. What is known about one message, in the words of the standards. Pure, frozen, serialisable; no behaviour
to speak of."""
