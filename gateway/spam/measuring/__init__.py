"""How good a classifier is on sources that it has not seen: tables and pictures."""
