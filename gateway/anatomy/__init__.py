"""WHAT OCTETS CONTAIN. A bounded walk of parts, true types, visible text and links. Pure computation on hostile
input."""
