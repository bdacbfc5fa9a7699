"""ARCHIVES. One file for each kind that carries files; what comes out is bounded, or is named unscannable."""
