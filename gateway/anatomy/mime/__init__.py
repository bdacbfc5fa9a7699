"""THE LETTER. Fields, boundaries, transfer encodings and the walk through the parts of a message."""
