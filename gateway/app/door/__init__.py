"""BEHIND THE DOOR. What the front door asks the rest of the house, answered."""
